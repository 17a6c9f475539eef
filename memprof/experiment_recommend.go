package memprof

import (
	"cmp"
	"math"
	"slices"
)

// maxPredicted is how many cleanups a set that was not run together may have.
const maxPredicted = 3

// recommend finds the smallest set of cleanups with which memory is flat, of equal ones the cheapest. Sets
// that were run together go before those that are predicted from what each does.
func (c *experimenting) recommend() {
	r := &c.e.Recommended
	r.Cleanups, r.Rules = []string{}, []string{}
	growing := c.growing()
	switch {
	case len(c.blocks) == 0, c.e.Same != nil && c.e.Same.Differs:
		return
	case len(growing) == 0 && !c.still():
		return
	case len(growing) == 0:
		r.Flat, r.Measured, r.Rate = true, true, c.e.Baseline
	default:
		c.choose(r, growing)
	}
	for _, name := range r.Cleanups {
		a := c.answerOf(name)
		r.Rules = append(r.Rules, name+"="+a.When)
		r.CostMs += max(0, a.cost())
	}
	for _, planned := range c.plan.Cleanups {
		if !slices.Contains(r.Cleanups, planned.Name) {
			r.Off = append(r.Off, planned.Name)
		}
	}
}

// growing are the metrics that grow without any cleanup.
func (c *experimenting) growing() []*growthTrial {
	var list []*growthTrial
	for _, g := range c.growth {
		if g.grows {
			list = append(list, g)
		}
	}
	return list
}

// still says whether the blocks show that nothing grows without any cleanup: that no growth is shown is not enough.
func (c *experimenting) still() bool {
	base := c.e.Baseline
	if !base.Known || base.Hi > c.margin() {
		return false
	}
	return !slices.ContainsFunc(c.growth, func(g *growthTrial) bool {
		base := c.baseline(g.trial)
		return base.Known && base.Value >= g.policy.material
	})
}

// margin is the growth of the metric of the answer that matters.
func (c *experimenting) margin() float64 {
	if g := c.answer(); g != nil {
		return g.policy.material
	}
	return 0
}

func (c *experimenting) choose(r *Recommendation, growing []*growthTrial) {
	measured := c.measuredFlat()
	predicted := c.predictedFlat(growing)
	switch {
	case len(measured) > 0 && (len(predicted) == 0 || len(measured) <= len(predicted)):
		r.Cleanups, r.Flat, r.Measured = measured, true, true
	case len(predicted) > 0:
		r.Cleanups, r.Flat = predicted, true
	default:
		for _, a := range c.e.Answers {
			if a.Verdict == Helps {
				r.Cleanups = append(r.Cleanups, a.Name) // all that help, if no set makes it flat
			}
		}
	}
	r.Rate = c.rateOf(r.Cleanups, &r.Measured)
}

// measuredFlat is the smallest and then cheapest of the arms that were flat.
func (c *experimenting) measuredFlat() []string {
	var best []string
	for _, arm := range c.e.Arms {
		if len(arm.On) == 0 || !arm.Flat || c.anyHarms(arm.On) {
			continue
		}
		if best == nil || cmp.Or(len(arm.On)-len(best), cmp.Compare(c.costOf(arm.On), c.costOf(best))) < 0 {
			best = arm.On
		}
	}
	return best
}

// predictedFlat is the smallest and then cheapest set of cleanups that help whose effects together leave
// nothing that grows.
func (c *experimenting) predictedFlat(growing []*growthTrial) []string {
	var useful []int
	for i := range c.plan.Cleanups {
		if c.answerOf(c.plan.Cleanups[i].Name).Verdict == Helps {
			useful = append(useful, i)
		}
	}
	var best []string
	for _, set := range subsets(useful, maxPredicted) {
		names := make([]string, len(set))
		for at, i := range set {
			names[at] = c.plan.Cleanups[i].Name
		}
		if best != nil && cmp.Or(len(names)-len(best), cmp.Compare(c.costOf(names), c.costOf(best))) >= 0 {
			continue
		}
		if c.leavesNothing(set, growing) {
			best = names
		}
	}
	return best
}

// leavesNothing says whether the effects of a set add up to all that grows.
func (c *experimenting) leavesNothing(set []int, growing []*growthTrial) bool {
	for _, g := range growing {
		if !g.flatAt(g.left(set, c.baseline(g.trial)), c.baseline(g.trial)) {
			return false
		}
	}
	return true
}

// left is what the effects of a set leave of the growth. Its interval takes the effects' errors as
// independent.
func (g *growthTrial) left(set []int, base Estimate) Estimate {
	left := Estimate{Value: base.Value, Known: base.Known}
	half := (base.Hi - base.Lo) / 2
	variance := half * half
	for _, i := range set {
		saved := g.saved[i]
		if !saved.Known || saved.Verdict != Helps {
			continue
		}
		left.Value -= saved.Value
		half = (saved.Hi - saved.Lo) / 2
		variance += half * half
	}
	left.Lo, left.Hi = left.Value-math.Sqrt(variance), left.Value+math.Sqrt(variance)
	return left
}

// rateOf is the growth with a set of cleanups, as it was run, or else as it is predicted.
func (c *experimenting) rateOf(names []string, measured *bool) Estimate {
	for _, arm := range c.e.Arms {
		if slices.Equal(sorted(arm.On), sorted(names)) {
			*measured = true
			return arm.Rate
		}
	}
	g := c.answer()
	if g == nil {
		return Estimate{}
	}
	var set []int
	for i, planned := range c.plan.Cleanups {
		if slices.Contains(names, planned.Name) {
			set = append(set, i)
		}
	}
	return g.left(set, c.e.Baseline)
}

func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return names
}

func (c *experimenting) answerOf(name string) CleanupAnswer {
	for _, a := range c.e.Answers {
		if a.Name == name {
			return a
		}
	}
	return CleanupAnswer{}
}

func (c *experimenting) anyHarms(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return c.answerOf(name).Verdict == Harms })
}

func (c *experimenting) costOf(names []string) float64 {
	sum := 0.0
	for _, name := range names {
		sum += c.answerOf(name).cost()
	}
	return sum
}

// cost is how many milliseconds a cleanup costs a cycle: by how much that is longer, where it surely is, else what the
// cleanup itself takes.
func (a CleanupAnswer) cost() float64 {
	if a.Cost.Known && (a.Cost.Lo > 0 || a.Cost.Hi < 0) {
		return a.Cost.Value
	}
	return a.Itself
}

// subsets are the sets of up to most of the elements, the smallest first.
func subsets(of []int, most int) [][]int {
	var all [][]int
	layer := [][]int{{}}
	for range most {
		var next [][]int
		for _, set := range layer {
			for _, i := range of {
				if len(set) == 0 || i > set[len(set)-1] {
					next = append(next, append(slices.Clone(set), i))
				}
			}
		}
		all = append(all, next...)
		layer = next
	}
	return all
}
