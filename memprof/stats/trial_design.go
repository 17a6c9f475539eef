package stats

import (
	"math"
	"slices"
)

// trialUnit is a block that is used: one observation.
type trialUnit struct {
	arm       int // index into trialDesign.arms
	replicate int
	again     bool
	at        int       // its place in the sequence, as the cycle of its first value
	times     []int     // cycles since then, of the values used
	values    []float64 // or their logarithms
}

// trialDesign is the arms that the blocks show, and the blocks used.
type trialDesign struct {
	factors int
	arms    []Word
	counts  []int // blocks by arm
	apart   bool  // "nothing" is not an arm of the factorial, but was run beside it
	units   []trialUnit
	dropped int
}

// newTrialDesign reads the blocks.
func newTrialDesign(blocks []TrialBlock, o TrialOptions) trialDesign {
	var d trialDesign
	at := 0
	for _, b := range blocks {
		d.factors = max(d.factors, len(b.On))
		u := trialUnit{replicate: b.Replicate, again: b.Again, at: at}
		at += len(b.Values)
		u.times, u.values = o.usable(b.Values)
		if len(u.values) < o.least() {
			d.dropped++
			continue
		}
		u.arm = d.arm(b.word())
		d.counts[u.arm]++
		d.units = append(d.units, u)
	}
	if len(d.units) == 0 {
		return d
	}
	d.apart = !d.orthogonal() && slices.Contains(d.arms, 0)
	d.apart = d.apart && d.orthogonal()
	return d
}

// least is how many values make a block an observation.
func (o TrialOptions) least() int {
	if o.Of == Growth {
		return 2
	}
	return 1
}

// trialLargest is beyond any measurement, and its square can still be computed with.
const trialLargest = 1e100

// usable returns the values after the wash, and their places in the block.
func (o TrialOptions) usable(values []float64) (times []int, usable []float64) {
	from := o.Wash
	if o.Of == Growth {
		from = max(0, from-1)
	}
	for t, v := range values {
		if o.Of == Ratio {
			v = math.Log(v)
		}
		if t >= from && math.Abs(v) < trialLargest {
			times, usable = append(times, t), append(usable, v)
		}
	}
	return times, usable
}

// word is the block's factors as a word.
func (b TrialBlock) word() (w Word) {
	for f, on := range b.On {
		if on {
			w |= 1 << f
		}
	}
	return w
}

// arm returns the arm's index, and adds it if it is new.
func (d *trialDesign) arm(w Word) int {
	i := slices.Index(d.arms, w)
	if i < 0 {
		i = len(d.arms)
		d.arms, d.counts = append(d.arms, w), append(d.counts, 0)
	}
	return i
}
