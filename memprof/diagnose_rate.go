package memprof

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ebbworker/ebb/memprof/stats"
)

// headlineMetric chooses the metric whose growth is the answer, and tells its rate.
func (g *diagnosing) headlineMetric() {
	if m := g.choose(); m != nil {
		g.tell(m)
	}
}

// follow makes the count that shows the first cause the headline, where no memory is.
func (g *diagnosing) follow() {
	if len(g.d.Causes) == 0 || g.d.Rate.Unit == Bytes {
		return
	}
	if m := g.by[g.d.Causes[0].Of]; m != nil && g.counts(m) {
		g.tell(m)
	}
}

// tell makes a metric the headline.
func (g *diagnosing) tell(m *judged) {
	d := g.d
	d.Of, d.Shape = m.series, m.shape
	e := estimate(m.pace())
	d.Rate = Rate{Metric: m.series, Unit: m.row.Unit, Value: e.Value, MBPerCycle: e.Value / MB, Lo: e.Lo / MB, Hi: e.Hi / MB}
	d.SmallestVisible, d.NoGrowthAbove = told(m.j.SmallestVisible)/MB, told(m.j.NoGrowthAbove)/MB
	if m.row.Unit != Bytes {
		g.memoryOf()
	}
	if m.shape == Accelerating {
		d.Rate.DoublingCycles = m.j.Doubling
	}
	g.perDay()
	g.toLimit(m)
	if d.Verdict == Inconclusive || d.Verdict == Growing {
		for _, other := range g.deciding() {
			d.MoreCycles = max(d.MoreCycles, other.j.CyclesNeeded)
		}
	}
}

// pace is the growth per cycle as it goes on: of growth that changed, that of the end, since the mean is
// what nobody will see again.
func (m *judged) pace() stats.Interval {
	if m.shape == Accelerating || m.shape == Onset {
		return m.j.EndRate
	}
	return m.j.Rate
}

// choose returns the metric of the headline: memory before disk before counts, and the total of
// Chrome's processes unless a part, or what no process shows, grows much more.
func (g *diagnosing) choose() *judged {
	total := g.by[anonChrome]
	if g.d.Verdict == Stable || g.d.Verdict == Spike || g.d.Verdict == Inconclusive {
		if total != nil {
			return total
		}
	}
	deciding := g.deciding()
	for _, kind := range []func(*judged) bool{isMemory, isDisk, func(*judged) bool { return true }} {
		var best *judged
		for _, m := range deciding {
			if kind(m) && best == nil {
				best = m // they are sorted
			}
		}
		switch {
		case best == nil:
			continue
		case total != nil && total.verdict == g.d.Verdict && isMemory(best) && total.j.Rate.Value > 0.5*best.j.Rate.Value:
			return total
		}
		return best
	}
	return total
}

func isMemory(m *judged) bool {
	return m.row.Unit == Bytes && !isDisk(m)
}

func isDisk(m *judged) bool {
	return strings.HasPrefix(m.series.Metric, "profile.") || strings.HasPrefix(m.series.Metric, "storage.")
}

// told is a bound, or NaN where the data bound nothing.
func told(bound float64) float64 {
	if bound >= math.MaxFloat64 {
		return notANumber
	}
	return bound
}

// memoryOf gives the growth of a count in memory: that of the heaps that hold it.
func (g *diagnosing) memoryOf() {
	var sum Estimate
	for _, s := range []Series{{"heap.used", ""}, {"heap.embedder", ""}} {
		m := g.by[s]
		if m == nil || m.j.Rate.Open() {
			continue
		}
		sum.Value += m.j.Rate.Value
		sum.Lo += m.j.Rate.Lo
		sum.Hi += m.j.Rate.Hi
	}
	r := &g.d.Rate
	r.MBPerCycle, r.Lo, r.Hi = sum.Value/MB, sum.Lo/MB, sum.Hi/MB
	if total := g.by[anonChrome]; total != nil {
		g.d.SmallestVisible, g.d.NoGrowthAbove = told(total.j.SmallestVisible)/MB, told(total.j.NoGrowthAbove)/MB
	}
}

const secondsPerDay = 24 * 60 * 60

// perDay turns the rate per cycle into one per day: by the schedules of the sites where all have
// one, else as if cycles followed each other without a pause.
func (g *diagnosing) perDay() {
	r := &g.d.Rate
	r.CyclesPerDay, r.Basis = g.cyclesPerDay()
	g.days()
}

func (g *diagnosing) days() {
	r := &g.d.Rate
	r.MBPerDay, r.LoPerDay, r.HiPerDay = r.MBPerCycle*r.CyclesPerDay, r.Lo*r.CyclesPerDay, r.Hi*r.CyclesPerDay
}

func (g *diagnosing) cyclesPerDay() (perDay float64, basis string) {
	if p := g.t.plan; p != nil && g.scheduled() && len(p.Sites) == 1 {
		return p.Sites[0].RunsPerDay, fmt.Sprintf("by its schedule (%s)", p.Sites[0].Schedule)
	}
	mean := g.meanCycle()
	if mean <= 0 {
		return 0, ""
	}
	return secondsPerDay / mean.Seconds(), fmt.Sprintf("if cycles of %s follow each other without a pause", mean.Round(10*time.Millisecond))
}

// scheduled tells whether all sites have schedules.
func (g *diagnosing) scheduled() bool {
	p := g.t.plan
	return p != nil && len(p.Sites) > 0 && !slices.ContainsFunc(p.Sites, func(s PlanSite) bool { return s.RunsPerDay <= 0 })
}

// bySchedules tells growth per day where several sites have schedules of their own: each site's share
// comes as often as the site runs.
func (g *diagnosing) bySchedules() {
	r := &g.d.Rate
	if !g.scheduled() || len(g.t.plan.Sites) < 2 || r.Metric.Metric == "" {
		return
	}
	sum, weighted := 0.0, 0.0
	for _, share := range g.d.BySite {
		for _, s := range g.t.plan.Sites {
			if s.Name == share.Name && share.Rate.Value > 0 {
				sum += share.Rate.Value
				weighted += share.Rate.Value * s.RunsPerDay
			}
		}
	}
	if sum <= 0 {
		return
	}
	r.CyclesPerDay, r.Basis = weighted/sum, "by the schedules of the sites, each with its share of the growth"
	g.days()
	if m := g.by[r.Metric]; m != nil {
		g.toLimit(m)
	}
}

// meanCycle is the mean duration of a judged cycle.
func (g *diagnosing) meanCycle() time.Duration {
	if n := len(g.t.cycles); n > 0 {
		var sum time.Duration
		for _, c := range g.t.cycles {
			sum += c.Duration
		}
		return sum / time.Duration(n)
	}
	if g.t.judged == 0 || g.d.Duration <= 0 {
		return 0
	}
	return g.d.Duration / time.Duration(g.t.judged)
}

// toLimit says when growth reaches the memory limit.
func (g *diagnosing) toLimit(m *judged) {
	r := &g.d.Rate
	limit, is := g.limit()
	if limit <= 0 || !isMemory(m) || (g.d.Verdict != Leak && g.d.Verdict != Growing) {
		return
	}
	r.Limit, r.LimitIs = limit, is
	left := limit
	for _, s := range []Series{anonChrome, {"process.anon", Worker}} {
		values := g.t.table.values(s)
		if n := len(values); n > 0 && !math.IsNaN(values[n-1]) {
			left -= values[n-1]
		}
	}
	hours := func(mbPerDay float64) *float64 {
		if mbPerDay <= 0 {
			return nil
		}
		h := math.Max(left, 0) / MB / mbPerDay * 24
		return &h
	}
	r.Hours, r.HoursLo, r.HoursHi = hours(r.MBPerDay), hours(r.HiPerDay), hours(r.LoPerDay)
}

// limit is the memory limit that counts, and whose it is.
func (g *diagnosing) limit() (bytes float64, is string) {
	if p := g.t.plan; p != nil && p.Limit > 0 {
		return p.Limit, p.LimitIs
	}
	h := g.t.manifest.Host
	switch {
	case h.CgroupLimit > 0 && (h.Memory == 0 || h.CgroupLimit < h.Memory):
		return float64(h.CgroupLimit), "of the cgroup"
	case h.Memory > 0:
		return float64(h.Memory), "memory of the machine"
	}
	return 0, ""
}
