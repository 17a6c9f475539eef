package stats

import (
	"cmp"
	"math"
	"math/bits"
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
	return d
}

// least is how many values make a block an observation.
func (o TrialOptions) least() int {
	if o.Of == Growth {
		return 2
	}
	return 1
}

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
		if t >= from && !math.IsNaN(v) && !math.IsInf(v, 0) {
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

// all is the arm with all factors on.
func (d trialDesign) all() Word { return 1<<d.factors - 1 }

// trialContrast is an effect as weights of the arms.
type trialContrast struct {
	kind   TrialKind
	factor int
	words  []Word
	arms   []float64
}

// difference is the contrast of two arms, false if one of them is missing.
func (d trialDesign) difference(kind TrialKind, factor int, w, on, off Word) (trialContrast, bool) {
	i, j := slices.Index(d.arms, on), slices.Index(d.arms, off)
	if i < 0 || j < 0 {
		return trialContrast{}, false
	}
	c := trialContrast{kind: kind, factor: factor, words: []Word{w}, arms: make([]float64, len(d.arms))}
	c.arms[i], c.arms[j] = 1, -1
	return c, true
}

// pairs returns the contrasts of two arms that the blocks show.
func (d trialDesign) pairs() []trialContrast {
	var out []trialContrast
	add := func(c trialContrast, ok bool) {
		if ok {
			out = append(out, c)
		}
	}
	for f := range d.factors {
		w := Word(1) << f
		add(d.difference(SoloEffect, f, w, w, 0))
	}
	if d.factors < 2 {
		return out
	}
	for f := range d.factors {
		w := Word(1) << f
		add(d.difference(LeaveOneOutEffect, f, w, d.all(), d.all()&^w))
	}
	add(d.difference(AllEffect, -1, d.all(), d.all(), 0))
	return out
}

// averages returns the main effects and the interactions of two factors as contrasts of the arms of a whole
// or fractional factorial, none if an arm of it is missing.
func (d trialDesign) averages() []trialContrast {
	var out []trialContrast
	for _, w := range designEffects(d.factors) {
		c := trialContrast{kind: MainEffect, factor: -1, words: []Word{w}, arms: d.column(w)}
		if w.Len() > 1 {
			c.kind = InteractionEffect
		} else {
			c.factor = bits.TrailingZeros16(uint16(w))
		}
		if alias := slices.IndexFunc(out, func(b trialContrast) bool { return parallel(b.arms, c.arms) }); alias >= 0 {
			out[alias].words = append(out[alias].words, w)
			continue
		}
		out = append(out, c)
	}
	return out
}

// column is the contrast of a word over the arms: the mean where its product is +, less that where it is -.
func (d trialDesign) column(w Word) []float64 {
	column := make([]float64, len(d.arms))
	var plus, minus float64
	for i, arm := range d.arms {
		if (w&^arm).Len()%2 == 0 {
			column[i] = 1
			plus++
		} else {
			column[i] = -1
			minus++
		}
	}
	for i, v := range column {
		column[i] = v / cmp.Or(map[bool]float64{true: plus, false: minus}[v > 0], 1)
	}
	return column
}

// parallel says that two contrasts are equal or opposite.
func parallel(a, b []float64) bool {
	var ab, aa, bb float64
	for i := range a {
		ab, aa, bb = ab+a[i]*b[i], aa+a[i]*a[i], bb+b[i]*b[i]
	}
	return ab*ab >= (1-1e-9)*aa*bb
}
