package study

import (
	"hash/fnv"
	"math"

	"github.com/ebbworker/ebb/memprof/stats"
)

// The world of the trials, in MB: what a browser grows by per cycle whatever is cleaned up, the noise of one
// value, and the first cycle's share of a warm-up that fades over fadeCycles.
const (
	worldGrowth = 1.5
	worldNoise  = .17
	worldWarmup = .34
	fadeCycles  = 10
)

// TrialTruth is one kind of trial.
type TrialTruth struct {
	Name       string
	Of         stats.TrialQuantity
	Scheme     stats.TrialScheme
	Replicates int
	Cycles     int // of a block
	Wash       int
	Fresh      bool // a browser for each block
	// Removes is the growth that each factor takes away while it is on; what is below 0 it adds.
	Removes []float64
	// Resets says that a factor also takes away at once what grew while it was off.
	Resets bool
	// Redundant says that the first two factors take away the same growth: either is enough.
	Redundant bool
	// Lowers is by how much each factor lowers the level while it is on. Level and Ratio only.
	Lowers []float64
	Rho    float64
	Tau    float64 // standard deviation of growth between browsers
	Warm   bool
	Pair   bool // nothing but the two "nothing" is run
	Looks  int  // the trial is analysed after each replicate
	Open   bool // and their number is open
	Margin float64
	Right  float64 // the least share of trials of which every verdict is right, in percent; 0 for none
}

func (t TrialTruth) key() uint64 {
	h := fnv.New64a()
	h.Write([]byte(t.Name))
	return h.Sum64()
}

// means says that means are compared, not slopes.
func (t TrialTruth) means() bool { return t.Of == stats.Level || t.Of == stats.Ratio }

func (t TrialTruth) factors() int { return max(len(t.Removes), len(t.Lowers)) }

// options are those with which the trial is analysed.
func (t TrialTruth) options() stats.TrialOptions {
	return stats.TrialOptions{
		Of: t.Of, Scheme: t.Scheme, Fresh: t.Fresh, Wash: t.Wash, Margin: t.Margin, Looks: t.Looks, Open: t.Open, Floor: .025,
	}
}

// does is what an arm does in truth: its growth, or its level.
func (t TrialTruth) does(on []bool) float64 {
	var v float64
	for f, lowers := range t.Lowers {
		if on[f] {
			v -= lowers
		}
	}
	if t.means() {
		return v
	}
	for f, removes := range t.Removes {
		v += t.grows(f, removes, on)
	}
	return v
}

// grows is the growth per cycle that comes of a factor being on or off.
func (t TrialTruth) grows(f int, removes float64, on []bool) float64 {
	switch {
	case t.Redundant && f == 0:
		if on[0] || on[1] {
			return 0
		}
		return removes
	case t.Redundant && f == 1:
		return 0
	case removes < 0 && on[f]:
		return -removes
	case removes > 0 && !on[f]:
		return removes
	}
	return 0
}

// effect is the true value of an effect.
func (t TrialTruth) effect(e stats.TrialEffect, arms [][]bool) float64 {
	k := t.factors()
	set := func(w stats.Word) float64 {
		on := make([]bool, k)
		for f := range on {
			on[f] = w.Has(f)
		}
		return t.does(on)
	}
	all := stats.Word(1)<<k - 1
	var v float64
	switch e.Kind {
	case stats.SoloEffect:
		v = set(e.Words[0]) - set(0)
	case stats.LeaveOneOutEffect:
		v = set(all) - set(all&^e.Words[0])
	case stats.AllEffect:
		v = set(all) - set(0)
	default:
		v = t.average(e.Words[0], arms)
	}
	if t.Of == stats.Ratio {
		return math.Exp(v)
	}
	return v
}

// average is the mean over the arms where the word's product is + less that over the others.
func (t TrialTruth) average(w stats.Word, arms [][]bool) float64 {
	var sums, counts [2]float64
	for _, on := range arms {
		minus := 0
		for f := range on {
			if w.Has(f) && !on[f] {
				minus++
			}
		}
		sums[minus%2] += t.does(on)
		counts[minus%2]++
	}
	return sums[0]/counts[0] - sums[1]/counts[1]
}

// world is a browser with its leaks.
type world struct {
	t       TrialTruth
	g       *generator
	age     int
	level   float64
	rate    float64
	arrears []float64
	noise   float64
}

func (w *world) launch() {
	w.age, w.level = 0, 80
	w.rate = w.t.Tau * w.g.NormFloat64()
	w.arrears = make([]float64, w.t.factors())
	w.noise = w.g.NormFloat64()
}

// cycle is the value at the end of a cycle.
func (w *world) cycle(on []bool) float64 {
	w.noise = w.t.Rho*w.noise + math.Sqrt(1-w.t.Rho*w.t.Rho)*w.g.NormFloat64()
	if w.t.Of == stats.Ratio {
		return 300 * math.Exp(w.t.does(on)+worldNoise*w.noise)
	}
	if !w.t.means() {
		w.level += worldGrowth
	}
	w.level += w.rate
	if w.t.Warm {
		w.level += worldWarmup * max(0, 1-float64(w.age)/fadeCycles)
	}
	w.age++
	v := w.level + worldNoise*w.noise
	for f, removes := range w.t.Removes {
		w.arrears[f] += w.t.grows(f, removes, on)
		if cleared := on[f] || w.t.Redundant && f == 0 && on[1]; cleared && w.t.Resets && removes > 0 {
			w.arrears[f] = 0
		}
		v += w.arrears[f]
	}
	for f, lowers := range w.t.Lowers {
		if on[f] {
			v -= lowers
		}
	}
	return v
}

// blocks runs the trial: in each replicate all arms, and "nothing" again, in random order.
func (t TrialTruth) blocks(g *generator, arms [][]bool) []stats.TrialBlock {
	w := world{t: t, g: g}
	w.launch()
	if t.Pair {
		arms = nil
	}
	arms = withNothing(arms, t.factors())
	var out []stats.TrialBlock
	for replicate := range t.Replicates {
		nothing := 0
		for _, i := range g.Perm(len(arms)) {
			b := stats.TrialBlock{On: arms[i], Replicate: replicate}
			if i == 0 || i == len(arms)-1 {
				b.Again = nothing > 0
				nothing++
			}
			if t.Fresh {
				w.launch()
			}
			for range t.Cycles {
				b.Values = append(b.Values, w.cycle(b.On))
			}
			out = append(out, b)
		}
	}
	return out
}

// withNothing puts "nothing" first and last.
func withNothing(arms [][]bool, factors int) [][]bool {
	nothing := make([]bool, factors)
	out := [][]bool{nothing}
	for _, on := range arms {
		empty := true
		for _, v := range on {
			empty = empty && !v
		}
		if !empty {
			out = append(out, on)
		}
	}
	return append(out, nothing)
}
