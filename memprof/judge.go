package memprof

import (
	"fmt"
	"math"
	"strings"

	"github.com/ebbworker/ebb/memprof/stats"
)

// Role says what a metric's growth means for the verdict of a diagnosis.
type Role string

const (
	// Primary metrics decide the verdict.
	Primary Role = "primary"
	// Supporting metrics are judged and are evidence of a cause, but raise no verdict.
	Supporting Role = "supporting"
	// Shown metrics move with what is not ours, or always rise: they are shown, never judged.
	Shown Role = "shown"
)

const kib = 1 << 10

// policy is how one metric is judged, in its own unit.
type policy struct {
	role Role
	stats.Options
	// material is the growth per cycle below which an upper bound is as good as none at all.
	material float64
}

// Thresholds per cycle. Those of process memory and of the JavaScript heap are the ones that the
// recorded cycles of real Chromium in stats/testdata were judged with: what a clean page's
// process memory still drifts by after thirty cycles stays below them.
var (
	processMemory = policy{role: Primary, Options: stats.Options{Delta: 0.1 * mib, Floor: 0.025 * mib, MinStep: 2 * mib, MinSpike: 2 * mib}, material: 0.25 * mib}
	heapMemory    = policy{role: Primary, Options: stats.Options{Delta: 10 * kib, Floor: 2.5 * kib, MinStep: 512 * kib, MinSpike: 512 * kib}, material: 20 * kib}
	embedderHeap  = policy{role: Primary, Options: stats.Options{Delta: 32 * kib, Floor: 8 * kib, MinStep: mib, MinSpike: mib}, material: 96 * kib}
	exactBytes    = policy{role: Primary, Options: stats.Options{Delta: 4 * kib, Floor: kib, MinStep: 256 * kib, MinSpike: 256 * kib}, material: 8 * kib}
	diskBytes     = policy{role: Primary, Options: stats.Options{Delta: 16 * kib, Floor: 4 * kib, MinStep: mib, MinSpike: mib}, material: 48 * kib}
	goMemory      = policy{role: Primary, Options: stats.Options{Delta: 24 * kib, Floor: 8 * kib, MinStep: 2 * mib, MinSpike: 2 * mib}, material: 72 * kib}
	// What comes and goes by itself, in pools of this program and of Chrome: a step is more than that.
	ownCounts = policy{role: Primary, Options: stats.Options{Delta: 0.2, Floor: 1, MinStep: 12, MinSpike: 12}, material: 0.4}
	counts    = policy{role: Primary, Options: stats.Options{Delta: 0.2, Floor: 0.29, MinStep: 2, MinSpike: 2}, material: 0.4}
)

const mib = 1 << 20

func supporting(p policy) policy {
	p.role = Supporting
	return p
}

// policyOf returns how a series is judged.
func policyOf(s Series) policy {
	row, ok := MetricOf(s.Metric)
	if !ok || row.Cumulative || row.Unit == Percent || row.Unit == Seconds {
		return policy{role: Shown}
	}
	if strings.HasPrefix(s.Group, sitePrefix) || strings.HasPrefix(s.Group, originPrefix) {
		return supporting(policyOf(Series{Metric: s.Metric}))
	}
	switch s.Metric {
	case "process.anon":
		return processMemory
	case "heap.used":
		return heapMemory
	case "heap.embedder":
		return embedderHeap
	case "heap.backing":
		return exactBytes
	case "isolate.heap_used", "isolate.heap_backing":
		return heapMemory
	case "storage.bytes", "storage.local", "storage.session":
		return exactBytes
	case "profile.bytes":
		return diskBytes
	case "go.heap_live":
		return goMemory
	case "go.goroutines":
		return ownCounts
	case "context.count", "target.count", "storage.cookies",
		"perf.Documents", "perf.Frames", "perf.Nodes", "perf.JSEventListeners", "perf.ArrayBufferContents":
		return counts
	case "process.fds":
		if s.Group == Worker {
			return ownCounts
		}
		return supporting(counts)
	case "process.sockets": // connections that are kept for the next request come and go
		if s.Group == "network" {
			return ownCounts
		}
		return supporting(ownCounts)
	case "process.count", "process.threads":
		return supporting(counts)
	case "isolate.heap_embedder":
		return supporting(embedderHeap)
	case "process.swap":
		return supporting(processMemory)
	}
	if field, isPerf := strings.CutPrefix(s.Metric, "perf."); isPerf && row.Unit == Count && field != "" {
		return supporting(counts)
	}
	return policy{role: Shown}
}

// judged is one series with what the statistics say of it.
type judged struct {
	series Series
	row    Metric
	policy policy
	values []float64
	j      stats.Judgement
	// verdict is j's class after the correction for several metrics; "" of what is only shown.
	verdict Verdict
	shape   Shape
}

// judgeAll judges every series that is judged at all, and corrects for their number (Holm): what
// is a leak by itself and not together with the others is growing.
func judgeAll(table *seriesTable) []*judged {
	var all []*judged
	for _, s := range table.sorted() {
		row, _ := MetricOf(s.Metric)
		p := policyOf(s)
		if s.Group == ControlGroup {
			continue
		}
		all = append(all, judgeOne(s, row, p, table.values(s)))
	}
	holm(all)
	return all
}

// JudgeValues judges the values of one series, one a cycle, as a diagnosis judges them by themselves; NaN
// is a cycle without a reading. What a cycle is, the caller says: the thresholds are per cycle.
func JudgeValues(s Series, values []float64) MetricVerdict {
	row, _ := MetricOf(s.Metric)
	return judgeOne(s, row, policyOf(s), values).metricVerdict()
}

func judgeOne(s Series, row Metric, p policy, values []float64) *judged {
	out := &judged{series: s, row: row, policy: p, values: values}
	if p.role == Shown {
		return out
	}
	out.j = stats.Judge(values, p.Options)
	out.verdict, out.shape = out.read()
	return out
}

// read turns the class of a judgement into a verdict. What is undecided, but bounded below what
// matters, is stable: its bound is told.
func (m *judged) read() (Verdict, Shape) {
	shape := Shape(m.j.Shape) // the two vocabularies are the same
	if m.j.Shape == stats.NoShape {
		shape = Flat
	}
	bounded := m.j.Used >= 8 && m.j.Rate.Hi <= m.policy.material && m.j.EndRate.Hi <= 2*m.policy.material
	switch m.j.Class {
	case stats.Leak:
		return Leak, shape
	case stats.Step:
		return Step, Stepped
	case stats.Growing:
		return Growing, shape
	case stats.Stable:
		return Stable, shape
	case stats.Decelerating:
		if bounded {
			return Stable, Saturating
		}
		return Inconclusive, Saturating
	}
	if bounded {
		return Stable, Flat
	}
	return Inconclusive, shape
}

// holm holds leaks to the level that their number demands. One that is known by its growing jumps
// has no probability below that level by itself, and is left.
func holm(all []*judged) {
	const alpha = 0.01
	var tested []*judged
	var p []float64
	for _, m := range all {
		if m.policy.role == Primary && m.j.Used > 0 {
			tested, p = append(tested, m), append(p, m.j.P)
		}
	}
	for i, adjusted := range stats.Holm(p) {
		if m := tested[i]; m.verdict == Leak && m.j.P < alpha && adjusted >= alpha {
			m.verdict = Growing
			m.j.Warnings = append(m.j.Warnings, fmt.Sprintf("a leak by itself, but not at the level that %d metrics together demand", len(tested)))
		}
	}
}

// metricVerdict is how a judged series is told.
func (m *judged) metricVerdict() MetricVerdict {
	j := m.j
	v := MetricVerdict{
		Name: m.series.Metric, Process: m.series.Group, Unit: m.row.Unit, Role: m.policy.role, Verdict: m.verdict, Shape: m.shape,
		Rate: estimate(j.Rate), EndRate: estimate(j.EndRate), P: j.P, Delta: m.policy.Delta,
		Cycles: len(m.values), Used: j.Used, SmallestVisible: told(j.SmallestVisible), NoGrowthAbove: told(j.NoGrowthAbove), MoreCycles: j.CyclesNeeded,
		Sawtooth: j.Sawtooth, Warnings: j.Warnings, Values: make([]*float64, len(m.values)),
	}
	for i, x := range m.values {
		if !math.IsNaN(x) {
			v.Values[i] = &m.values[i]
			v.Last = x
		}
	}
	for _, x := range m.values {
		if !math.IsNaN(x) {
			v.First = x
			break
		}
	}
	for _, i := range j.Spikes {
		v.SpikesAt = append(v.SpikesAt, i+1)
	}
	if m.verdict == Step {
		v.StepAt, v.StepHeight = j.Step.Cycle+1, j.Step.Height
	}
	if m.shape == Accelerating {
		v.Doubling = j.Doubling
	}
	if m.policy.role == Shown {
		v.Rate, v.EndRate = Estimate{}, Estimate{}
		v.P, v.SmallestVisible, v.NoGrowthAbove = notANumber, notANumber, notANumber
		v.Evidence = "shown, never judged: " + m.row.Means
		return v
	}
	v.Evidence, v.Artefact = m.evidence(), m.artefact()
	return v
}

// artefact names growth that Chrome itself is known for, where it is of the known size. It decides
// nothing.
func (m *judged) artefact() string {
	r := m.j.Rate
	if r.Open() || r.Lo <= 0 {
		return ""
	}
	switch {
	case m.series.Metric == "process.anon" && m.series.Group != Worker && r.Value < 0.4*mib:
		return "a clean page's processes still warm up by up to 0.34 MB a cycle in the first ten, and by 0.1 MB until the thirtieth"
	case m.series.Metric == "heap.embedder" && r.Value < 2*kib:
		return "pages that are clicked keep up to 1.6 KB a cycle in the heap of the DOM for about fifty cycles"
	case m.series.Metric == "heap.used" && r.Value < 12*kib:
		return "each navigation within a document leaves about 8 KB of the performance timeline behind"
	}
	return ""
}

// estimate is an interval; what the data do not bound is unknown.
func estimate(i stats.Interval) Estimate {
	if i.Open() {
		return Estimate{}
	}
	return Estimate{Value: i.Value, Lo: i.Lo, Hi: i.Hi, Known: true}
}
