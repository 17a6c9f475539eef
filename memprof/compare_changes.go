package memprof

import (
	"math"
	"slices"

	"github.com/ebbworker/ebb/memprof/stats"
)

// slower is by how many percent a duration, a level or the work of a cycle may differ without mattering.
const slower = 5

// Names of durations: Whole is that of a cycle with all that it waits and measures, Working that of its
// launching, scraping and cleaning up without measuring.
const (
	WholeCycle   = "whole cycle"
	WorkingCycle = "cycle's work"
)

// changes compares levels, durations and work.
func (c *comparing) changes() {
	c.levels()
	c.durations()
	c.work()
	var all []*Change
	var p []float64
	for _, list := range [][]Change{c.out.Levels, c.out.Durations, c.out.Work} {
		for i := range list {
			all, p = append(all, &list[i]), append(p, list[i].P)
		}
	}
	for i, adjusted := range stats.BenjaminiHochberg(p) {
		x := all[i]
		x.Adjusted = adjusted
		if x.Percent.Known {
			x.Verdict = changeVerdict(x.Percent, adjusted, 1, slower)
		} else { // of nothing there are no percents
			x.Verdict = changeVerdict(x.Difference, adjusted, .05, .05)
		}
	}
}

// levels compares memory at the ends of cycles, and its peaks.
func (c *comparing) levels() {
	add := func(name string, s Series, value func(Summary) (float64, bool)) {
		a, b := c.before.perCycle(value), c.after.perCycle(value)
		if !slices.ContainsFunc(a, isNumber) || !slices.ContainsFunc(b, isNumber) {
			return
		}
		x := ratioChange(name, Bytes, a, b)
		x.Metric = s
		c.out.Levels = append(c.out.Levels, x)
	}
	for _, s := range []Series{anonChrome, {"process.anon", Worker}, {"heap.used", ""}} {
		add(nameOf(s), s, func(sum Summary) (float64, bool) { return sum.After.At(s) })
	}
	add("Chrome's peak", anonChrome, func(sum Summary) (float64, bool) {
		p, ok := sum.Peaks[anonChrome]
		return p.Value, ok
	})
}

func isNumber(v float64) bool { return !math.IsNaN(v) }

// durations compares how long a cycle takes, and its kinds of phases.
func (c *comparing) durations() {
	add := func(name string, a, b []float64) {
		positive := func(v float64) bool { return v > 0 }
		if slices.ContainsFunc(a, positive) && slices.ContainsFunc(b, positive) {
			c.out.Durations = append(c.out.Durations, ratioChange(name, Seconds, a, b))
		}
	}
	whole := func(s Summary) (float64, bool) { return s.Duration.Seconds(), true }
	add(WorkingCycle, c.before.seconds(working), c.after.seconds(working))
	for _, kind := range []Kind{Launch, Scrape, Cleanup, Settle, Idle} {
		add(string(kind), c.before.seconds(kind), c.after.seconds(kind))
	}
	add(WholeCycle, c.before.perCycle(whole), c.after.perCycle(whole))
}

// seconds are how long the phases of a kind took in each cycle.
func (r *compared) seconds(kind Kind) []float64 {
	values := make([]float64, len(r.spans))
	for i, by := range r.spans {
		values[i] = by[kind]
		if r.t.lost[i+1] {
			values[i] = notANumber
		}
	}
	return values
}

// ratioChange compares positive values by their ratio.
func ratioChange(name string, unit Unit, a, b []float64) Change {
	ratio := stats.MeanRatio(a, b)
	x := Change{
		Name: name, Unit: unit, Before: estimate(stats.GeometricMean(a)), After: estimate(stats.GeometricMean(b)),
		Difference: estimate(stats.MeanDifference(a, b).Interval), P: ratio.P,
	}
	if e := estimate(ratio.Interval); e.Known {
		x.Percent = Estimate{Value: 100 * (e.Value - 1), Lo: 100 * (e.Lo - 1), Hi: 100 * (e.Hi - 1), Known: true}
	}
	return x
}

// work compares what a cycle did, where runs told it.
func (c *comparing) work() {
	for _, w := range []struct {
		name string
		of   func(RunReport) int
	}{
		{"pages", func(r RunReport) int { return r.Pages }},
		{"items", func(r RunReport) int { return r.Items }},
		{"failed pages", func(r RunReport) int { return r.Failed }},
	} {
		a, b := c.before.did(w.of), c.after.did(w.of)
		if len(a) == 0 || len(b) == 0 {
			continue
		}
		x := meanChange(w.name, a, b)
		if by := x.Before.Value / 100; x.Before.Known && by > 0 && x.Difference.Known {
			x.Percent = Estimate{Value: x.Difference.Value / by, Lo: x.Difference.Lo / by, Hi: x.Difference.Hi / by, Known: true}
		}
		c.out.Work = append(c.out.Work, x)
	}
}

// meanChange compares counts by their means, which are exact where all cycles are alike.
func meanChange(name string, a, b []float64) Change {
	if n, m := slices.Compact(slices.Clone(a)), slices.Compact(slices.Clone(b)); len(n) == 1 && len(m) == 1 {
		x := Change{Name: name, Unit: Count, Before: exactly(n[0]), After: exactly(m[0]), Difference: exactly(m[0] - n[0]), P: 1}
		if n[0] != m[0] {
			x.P = 0
		}
		return x
	}
	d := stats.MeanDifference(a, b)
	return Change{Name: name, Unit: Count, Before: estimate(stats.MeanRate(a)), After: estimate(stats.MeanRate(b)), Difference: estimate(d.Interval), P: d.P}
}

// exactly is a value that is known without a doubt.
func exactly(v float64) Estimate { return Estimate{Value: v, Lo: v, Hi: v, Known: true} }

// did adds up, for each cycle, what its runs told; nil where none did.
func (r *compared) did(of func(RunReport) int) []float64 {
	if len(r.t.runs) == 0 {
		return nil
	}
	values := make([]float64, len(r.t.cycles))
	for _, run := range r.t.runs {
		if run.Cycle >= 1 && run.Cycle <= len(values) {
			values[run.Cycle-1] += float64(of(run))
		}
	}
	return values
}

// change is the change of a name in a list; ok is false where there is none.
func change(list []Change, name string) (x Change, ok bool) {
	i := slices.IndexFunc(list, func(x Change) bool { return x.Name == name })
	if i < 0 {
		return x, false
	}
	return list[i], true
}
