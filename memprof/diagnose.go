package memprof

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Diagnose reads a recording and says what it shows. The same recording gives the same diagnosis.
func Diagnose(r io.Reader) (Diagnosis, error) {
	t, err := TallyRecording(r)
	if err != nil {
		return Diagnosis{}, err
	}
	return t.Diagnosis(), nil
}

// anonChrome is the headline of memory: what all processes of Chrome hold for themselves.
var anonChrome = Series{"process.anon", Chrome}

// diagnosing is a diagnosis under way.
type diagnosing struct {
	t   *Tally
	d   *Diagnosis
	all []*judged
	by  map[Series]*judged
	// collected says that memory was collected before each reading.
	collected bool
	// apart is the verdict apart from what the kernel killed.
	apart Verdict
}

// Diagnosis says what the tally shows so far. Without TallyOptions.Detail it holds the verdict,
// the rate and the metrics only.
func (t *Tally) Diagnosis() Diagnosis { return *t.diagnose().d }

// diagnose makes the diagnosis, with the judgements behind it.
func (t *Tally) diagnose() *diagnosing {
	d := Diagnosis{
		Schema: DiagnosisSchema, Cause: CauseUnknown, Started: t.manifest.Start, Ebb: t.manifest.Ebb, Go: t.manifest.Go, Host: t.manifest.Host,
		Judged: t.judged, Extensions: len(t.extended), Warnings: []string{}, NotMeasured: []string{}, Metrics: []MetricVerdict{}, Cycles: []CycleRow{}, Causes: []Finding{}, Phases: []Share{},
	}
	if !t.last.IsZero() {
		d.Duration = t.last.Sub(t.manifest.Start)
	}
	if n := len(t.manifest.Browsers); n > 0 {
		d.Browser, d.Flags = t.manifest.Browsers[n-1].Version, t.manifest.Browsers[n-1].Flags
	}
	g := &diagnosing{t: t, d: &d, by: map[Series]*judged{}, collected: t.plan != nil}
	g.d.Sites = g.sites()
	g.all = judgeAll(t.table)
	for _, m := range g.all {
		g.by[m.series] = m
	}
	g.uncollected()
	g.verdict()
	if t.o.Detail {
		g.spikes()
	}
	g.headlineMetric()
	g.control()
	g.kills()
	for _, m := range g.all {
		d.Metrics = append(d.Metrics, m.metricVerdict())
	}
	rank(d.Metrics)
	if t.o.Detail {
		g.detail()
	}
	g.say()
	return g
}

// detail adds what only the whole recording tells.
func (g *diagnosing) detail() {
	g.causes()
	g.follow()
	g.shares()
	g.bySchedules()
	g.returned()
	g.d.Heap, g.d.Allocators = g.t.heap, g.t.allocs
	g.cycles()
	g.instrument()
	g.notMeasured()
	g.warn()
	g.fingerprint()
	g.blame()
}

func (g *diagnosing) sites() []string {
	names := []string{}
	if g.t.plan != nil {
		for _, s := range g.t.plan.Sites {
			names = append(names, s.Name)
		}
		return names
	}
	for _, c := range g.t.cycles {
		for _, s := range c.Sites {
			if !slices.Contains(names, s) {
				names = append(names, s)
			}
		}
	}
	slices.Sort(names)
	return names
}

// notCollected begins the warning of a recording of a worker's regular life.
const notCollected = "memory was not collected before the readings"

// uncollected takes back what cannot be known of a recording whose readings were taken without a
// forced collection: garbage that waits for its collection grows as a leak does.
func (g *diagnosing) uncollected() {
	if g.collected || g.t.judged == 0 {
		return
	}
	for _, m := range g.all {
		if m.verdict == Leak && !strings.HasPrefix(m.series.Metric, "target.") && m.series.Metric != "context.count" {
			m.verdict = Growing
		}
	}
	g.d.Warnings = append(g.d.Warnings, notCollected+", as it is in `ebb diagnose`: garbage grows like a leak, so nothing but open pages and contexts is called one")
}

// verdict is the worst of the primary metrics. Of process memory the total of Chrome decides
// whether it stepped or is undecided: single process types, and what is kept in pools, only add what
// grows.
func (g *diagnosing) verdict() {
	g.d.Verdict = Inconclusive
	if g.t.judged == 0 {
		g.d.Reasons = append(g.d.Reasons, "there is no cycle to judge")
		return
	}
	for _, v := range []Verdict{Leak, Growing, Step, Inconclusive} {
		if slices.ContainsFunc(g.all, func(m *judged) bool { return m.verdict == v && g.decides(m, v) }) {
			g.d.Verdict = v
			return
		}
	}
	g.d.Verdict = Stable
	if total := g.by[anonChrome]; total == nil || total.j.Used == 0 {
		g.d.Verdict = Inconclusive
		g.d.Reasons = append(g.d.Reasons, "the memory of Chrome's processes was not read: nothing else can stand for it")
	}
	g.lostCycles()
}

// lostCycles takes back that memory is stable where many cycles did nothing.
func (g *diagnosing) lostCycles() {
	lost := 0
	for cycle := range g.t.lost {
		if cycle <= g.t.judged {
			lost++
		}
	}
	if lost == 0 || lost*5 < g.t.judged {
		return
	}
	g.d.Verdict = Inconclusive
	g.d.Reasons = append(g.d.Reasons, fmt.Sprintf("%d of %d cycles came to nothing, since a run failed or visited no page", lost, g.t.judged))
}

func (g *diagnosing) decides(m *judged, v Verdict) bool {
	if m.policy.role != Primary {
		return false
	}
	if v == Leak || v == Growing {
		return true
	}
	switch m.series.Metric {
	case "process.anon":
		return m.series.Group == Chrome || m.series.Group == Worker
	case "profile.bytes", "go.goroutines", "process.fds", "process.sockets": // pools that fill
		return false
	}
	return true
}

// deciding are the primary metrics that made the verdict, the one that grows most first.
func (g *diagnosing) deciding() []*judged {
	var list []*judged
	for _, m := range g.all {
		if m.verdict == g.d.Verdict && g.decides(m, g.d.Verdict) {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b *judged) int { return cmp.Compare(b.j.Rate.Value, a.j.Rate.Value) })
	return list
}

// rank puts what grows first: by verdict, then role, then how sure it is.
func rank(metrics []MetricVerdict) {
	order := map[Verdict]int{Leak: 0, Growing: 1, Step: 2, Inconclusive: 3, Spike: 4, Stable: 5}
	roles := map[Role]int{Primary: 0, Supporting: 1, Shown: 2}
	units := map[Unit]int{Bytes: 0, Count: 1}
	slices.SortStableFunc(metrics, func(a, b MetricVerdict) int {
		if c := roles[a.Role] - roles[b.Role]; c != 0 && (a.Role == Shown || b.Role == Shown) {
			return c
		}
		if c := order[a.Verdict] - order[b.Verdict]; c != 0 {
			return c
		}
		if c := roles[a.Role] - roles[b.Role]; c != 0 {
			return c
		}
		if c := units[a.Unit] - units[b.Unit]; c != 0 {
			return c
		}
		if c := cmp.Compare(b.Rate.Value, a.Rate.Value); c != 0 {
			return c
		}
		return compareSeries(a.Series(), b.Series())
	})
}

func compareSeries(a, b Series) int {
	if c := strings.Compare(a.Metric, b.Metric); c != 0 {
		return c
	}
	return strings.Compare(a.Group, b.Group)
}

// invalid makes the diagnosis one that cannot be trusted.
func (g *diagnosing) invalid(format string, args ...any) {
	g.d.Verdict = Invalid
	g.d.Reasons = append(g.d.Reasons, fmt.Sprintf(format, args...))
}
