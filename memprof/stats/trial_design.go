package stats

import (
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

// averages returns the main effects and the interactions of two factors as contrasts of the arms. Each chain of
// interactions that the arms cannot tell apart is one; those aliased with a main effect are left out.
func (d trialDesign) averages() []trialContrast {
	var out []trialContrast
	for _, w := range designEffects(d.factors) {
		c := trialContrast{kind: InteractionEffect, factor: -1, words: []Word{w}, arms: d.column(w)}
		if w.Len() == 1 {
			c.kind, c.factor = MainEffect, bits.TrailingZeros16(uint16(w))
		}
		alias := slices.IndexFunc(out, func(b trialContrast) bool { return math.Abs(cosine(b.arms, c.arms)) > 1-1e-9 })
		switch {
		case alias < 0:
			out = append(out, c)
		case out[alias].kind == InteractionEffect:
			out[alias].words = append(out[alias].words, w)
		}
	}
	return out
}

// column is the contrast of a word over the arms that are averaged: the mean of those where its product is +,
// less that of those where it is -.
func (d trialDesign) column(w Word) []float64 {
	column := make([]float64, len(d.arms))
	var plus, minus float64
	for i, arm := range d.arms {
		switch {
		case d.apart && arm == 0:
		case (w&^arm).Len()%2 == 0:
			column[i] = 1
			plus++
		default:
			column[i] = -1
			minus++
		}
	}
	for i, v := range column {
		if v > 0 {
			column[i] = 1 / plus
		} else if v < 0 {
			column[i] = -1 / minus
		}
	}
	return column
}

// orthogonal says that each factor is on in as many of the arms that are averaged as off, and so with each
// other factor: averages over them are then free of the other factors.
func (d trialDesign) orthogonal() bool {
	if len(d.arms) < 2 {
		return false
	}
	for f := range d.factors {
		column := d.column(1 << f)
		if math.Abs(sum(column)) > 1e-9 || slices.Max(column)+slices.Min(column) != 0 {
			return false
		}
		for g := range f {
			if math.Abs(cosine(column, d.column(1<<g))) > 1e-9 {
				return false
			}
		}
	}
	return true
}

func sum(x []float64) (total float64) {
	for _, v := range x {
		total += v
	}
	return total
}

// cosine is that of the angle between two contrasts.
func cosine(a, b []float64) float64 {
	return dot(a, b) / math.Sqrt(dot(a, a)*dot(b, b))
}

// additiveFrom is how many more blocks than arms a factorial needs for an effect of each arm: with fewer the
// factors are taken to add up.
const additiveFrom = 3

// additive says that the factors are taken to add up: what they do not is then noise between blocks.
func (d trialDesign) additive(o TrialOptions) bool {
	return o.Scheme == Factorial && (len(d.units) < len(d.arms)+additiveFrom || !d.orthogonal())
}

// trialRows is the regression of the blocks on their arms: of each block the coefficients' weights, and the
// contrasts in terms of the coefficients.
type trialRows struct {
	units     [][]float64
	contrasts []trialContrast
	arms      [][]float64 // of each arm, the weights that give its mean
}

// rows returns the regression: a mean for each arm, or for each factor what it adds to "nothing".
func (d trialDesign) rows(o TrialOptions) trialRows {
	additive := d.additive(o)
	r := trialRows{arms: make([][]float64, len(d.arms))}
	for i, arm := range d.arms {
		if !additive {
			r.arms[i] = make([]float64, len(d.arms))
			r.arms[i][i] = 1
			continue
		}
		r.arms[i] = make([]float64, 1+d.factors)
		r.arms[i][0] = 1
		for f := range d.factors {
			if arm.Has(f) {
				r.arms[i][1+f] = 1
			}
		}
	}
	switch {
	case additive:
		r.contrasts = d.added()
	case o.Scheme == Factorial:
		r.contrasts = append(d.averages(), d.pairs()...)
	default:
		r.contrasts = d.pairs()
	}
	for _, u := range d.units {
		r.units = append(r.units, slices.Clone(r.arms[u.arm]))
	}
	return r
}

// added returns the factors' effects where they add up.
func (d trialDesign) added() []trialContrast {
	out := make([]trialContrast, d.factors)
	for f := range out {
		out[f] = trialContrast{kind: MainEffect, factor: f, words: []Word{1 << f}, arms: make([]float64, 1+d.factors)}
		out[f].arms[1+f] = 1
	}
	return out
}

// same returns the regression with a coefficient more, which the second "nothing" has: their difference; false if
// there are not both.
func (d trialDesign) same(r trialRows) (trialRows, bool) {
	nothing := slices.Index(d.arms, 0)
	again := 0
	out := trialRows{}
	for i, u := range d.units {
		extra := 0.
		if u.again && u.arm == nothing {
			extra = 1
			again++
		}
		out.units = append(out.units, append(slices.Clone(r.units[i]), extra))
	}
	if nothing < 0 || again == 0 || again == d.counts[nothing] {
		return out, false
	}
	c := trialContrast{kind: SameEffect, factor: -1, arms: make([]float64, len(out.units[0]))}
	c.arms[len(c.arms)-1] = 1
	out.contrasts = []trialContrast{c}
	return out, true
}

// withReplicates adds a coefficient for each replicate but the first: levels and durations drift.
func (r trialRows) withReplicates(units []trialUnit) trialRows {
	var seen []int
	for _, u := range units {
		if !slices.Contains(seen, u.replicate) {
			seen = append(seen, u.replicate)
		}
	}
	slices.Sort(seen)
	for i, u := range units {
		for _, replicate := range seen[min(1, len(seen)):] {
			share := -1 / float64(len(seen)) // the mean of the replicates is what the arms' means are for
			if u.replicate == replicate {
				share++
			}
			r.units[i] = append(r.units[i], share)
		}
	}
	return r
}
