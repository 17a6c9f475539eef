package memprof

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/ebbworker/ebb/memprof/stats"
)

// secondary is something else than growth that a cleanup may change.
type secondary struct {
	margin float64
	value  func(trialCycle) float64
	put    func(*CleanupAnswer, Effect)
}

// Margins of what is compared beside growth: what is smaller is of no practical use.
const (
	leastBytes   = 0.25 * mib
	leastMs      = 5
	leastFetched = 1000
	leastFailed  = 0.05
)

// secondaries are the further quantities that are compared. The level and the peak are above what the cycle
// began with: what has grown before is no effect on them.
func secondaries() []secondary {
	list := []secondary{
		{leastBytes, func(c trialCycle) float64 { return c.level - c.before }, func(a *CleanupAnswer, e Effect) { a.Level = e.negative() }},
		{leastBytes, func(c trialCycle) float64 { return c.peak - c.before }, func(a *CleanupAnswer, e Effect) { a.Peak = e.negative() }},
		{leastMs, func(c trialCycle) float64 { return ms(c.phases[Scrape] + c.phases[Cleanup]) }, func(a *CleanupAnswer, e Effect) { a.Cost = e }},
		{leastFetched, func(c trialCycle) float64 { return c.fetched }, func(a *CleanupAnswer, e Effect) { a.Fetched = e }},
		{leastFailed, func(c trialCycle) float64 { return float64(c.failed) }, func(a *CleanupAnswer, e Effect) { a.Failed = e }},
	}
	for _, kind := range []Kind{Scrape, Cleanup} {
		list = append(list, secondary{
			leastMs, func(c trialCycle) float64 { return ms(c.phases[kind]) },
			func(a *CleanupAnswer, e Effect) { a.Phases[kind] = e },
		})
	}
	return list
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// answers tells what each cleanup does and costs.
func (c *experimenting) answers() {
	list := make([]CleanupAnswer, len(c.plan.Cleanups))
	for i, planned := range c.plan.Cleanups {
		list[i] = CleanupAnswer{Name: planned.Name, When: planned.When, Phases: map[Kind]Effect{}, SavedPerMs: notANumber, Saved: unknownEffect()}
		if g := c.answer(); g != nil {
			list[i].Saved = g.saved[i]
		}
		if g := c.of(anonChrome); g != nil && g.saved[i].Known {
			saved := g.saved[i].Estimate
			list[i].MBSaved = Estimate{Value: saved.Value / MB, Lo: saved.Lo / MB, Hi: saved.Hi / MB, Known: true}
		}
	}
	c.beside(list)
	c.correct()
	for i := range list {
		c.did(&list[i], i)
		c.decide(&list[i], i)
		list[i].value()
	}
	slices.SortStableFunc(list, func(a, b CleanupAnswer) int {
		return cmp.Or(cmp.Compare(order[a.Verdict], order[b.Verdict]), cmp.Compare(b.Saved.Value, a.Saved.Value))
	})
	c.e.Answers = list
	for _, a := range list {
		c.e.MoreCycles = max(c.e.MoreCycles, a.MoreCycles)
	}
}

// order is that of the answers.
var order = map[EffectVerdict]int{Helps: 0, CannotTell: 1, NoEffect: 2, Harms: 3}

func unknownEffect() Effect {
	return Effect{P: notANumber, Adjusted: notANumber, Verdict: CannotTell}
}

// beside compares what else a cleanup may change, with a correction for the number of comparisons
// (Benjamini and Hochberg).
func (c *experimenting) beside(list []CleanupAnswer) {
	quantities := secondaries()
	effects := make([][]Effect, len(quantities))
	var p []float64
	for q, s := range quantities {
		o := c.plan.options(stats.Level)
		o.Margin = s.margin
		trial := c.trialOf(o, s.value)
		for i := range list {
			effects[q] = append(effects[q], c.effect(trial, i))
			p = append(p, effects[q][i].P)
		}
	}
	adjusted := stats.BenjaminiHochberg(p)
	for q, s := range quantities {
		for i := range list {
			e := effects[q][i]
			e.Adjusted = adjusted[q*len(list)+i]
			s.put(&list[i], e.corrected())
		}
	}
}

// corrected takes back what is only a find by itself.
func (e Effect) corrected() Effect {
	found := e.Verdict == Helps || e.Verdict == Harms
	if found && !(e.Adjusted < effectAlpha) {
		e.Verdict = CannotTell
	}
	return e
}

// effectAlpha is the error probability of effects.
const effectAlpha = .05

// correct corrects the effects on the growth of the metrics beside that of the answer for their number.
func (c *experimenting) correct() {
	var p []float64
	for _, g := range c.growth {
		for i := range g.saved {
			p = append(p, g.saved[i].P)
		}
	}
	adjusted := stats.BenjaminiHochberg(p)
	for at, g := range c.growth {
		if g.series == c.e.Of {
			continue // by Holm's method, among its own effects
		}
		for i := range g.saved {
			g.saved[i].Adjusted = math.Max(g.saved[i].Adjusted, adjusted[at*len(g.saved)+i])
			g.saved[i] = g.saved[i].corrected()
		}
	}
}

// decide gives the verdict over all metrics that grow with or without the cleanup.
func (c *experimenting) decide(a *CleanupAnswer, i int) {
	a.Verdict, a.On = a.Saved.Verdict, c.e.Of
	var helps, harms, open *growthTrial
	for _, g := range c.ranked() {
		switch v := g.saved[i].Verdict; {
		case v == Harms && harms == nil:
			harms = g
		case v == Helps && g.grows && helps == nil:
			helps = g
		case v == CannotTell && g.grows && open == nil:
			open = g
		}
	}
	switch {
	case harms != nil:
		a.Verdict, a.On = Harms, harms.series
	case helps != nil:
		a.Verdict, a.On = Helps, helps.series
	case open != nil:
		a.Verdict, a.On = CannotTell, open.series
		a.MoreCycles = c.more(open, i)
	case a.Verdict == Helps:
		a.Verdict = NoEffect // on what does not grow
	}
	if c.e.Same != nil && c.e.Same.Differs {
		a.Verdict, a.MoreCycles = CannotTell, 0
	}
}

// ranked are the metrics, that of the answer first.
func (c *experimenting) ranked() []*growthTrial {
	list := slices.Clone(c.growth)
	slices.SortStableFunc(list, func(a, b *growthTrial) int {
		first := func(g *growthTrial) int {
			if g.series == c.e.Of {
				return 0
			}
			return 1
		}
		return first(a) - first(b)
	})
	return list
}

// more is about how many further cycles tell what a cleanup does.
func (c *experimenting) more(g *growthTrial, i int) int {
	e, ok := g.trial.Effect(c.kind(), i)
	if !ok {
		return 0
	}
	return e.MoreBlocks * c.plan.Cycles
}

// value tells what a cleanup gives for its time.
func (a *CleanupAnswer) value() {
	cost := a.cost()
	if a.Verdict == Helps && a.MBSaved.Known && cost > 0 && a.MBSaved.Value > 0 {
		a.SavedPerMs = a.MBSaved.Value / cost
	}
}

// did adds up what a cleanup reported of itself, in blocks that had it on, and how long it took in each
// cycle of those.
func (c *experimenting) did(a *CleanupAnswer, i int) {
	cycles := map[int]bool{}
	for _, b := range c.blocks {
		if b.on[i] {
			for _, cycle := range b.cycles {
				cycles[cycle.number] = true
			}
		}
	}
	sum := CleanupReport{Name: a.Name, After: a.When}
	for _, r := range c.t.trial.cleanups {
		if r.Name != a.Name || !cycles[r.Cycle] {
			continue
		}
		sum.Times += r.Times
		sum.Took += r.Took
		sum.Bytes += r.Bytes
		sum.BytesTold += r.BytesTold
		sum.Count += r.Count
		sum.Of = cmp.Or(r.Of, sum.Of)
		sum.Verified += r.Verified
		sum.Says = cmp.Or(r.Says, sum.Says)
		sum.Skipped += r.Skipped
		sum.SkippedWhy = cmp.Or(r.SkippedWhy, sum.SkippedWhy)
		sum.Errors += r.Errors
		sum.Error = cmp.Or(r.Error, sum.Error)
	}
	a.Did = sum
	if len(cycles) > 0 {
		a.Itself = ms(sum.Took) / float64(len(cycles))
	}
	a.Notes = notesOf(c.plan.Cleanups[i], sum, len(cycles))
}

// interactions are the pairs that do something else together than the sum of both.
func (c *experimenting) interactions() {
	g := c.answer()
	if g == nil {
		return
	}
	for _, e := range g.trial.Effects {
		if e.Kind != stats.InteractionEffect || e.Verdict != stats.Helps && e.Verdict != stats.Harms {
			continue
		}
		in := Interaction{Less: effectOf(e)}
		for _, w := range e.Words {
			var on []bool
			for f := range c.plan.Cleanups {
				on = append(on, w.Has(f))
			}
			in.Of = append(in.Of, joined(c.names(on), " with "))
		}
		in.Says = interactionSays(in)
		c.e.Interactions = append(c.e.Interactions, in)
	}
}
