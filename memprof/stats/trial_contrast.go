package stats

import (
	"math"
	"math/bits"
	"slices"
)

// all is the arm with all factors on.
func (d trialDesign) all() Word { return 1<<d.factors - 1 }

// trialContrast is an effect as weights of the regression's coefficients, which are the arms' means unless
// the factors are taken to add up.
type trialContrast struct {
	kind    TrialKind
	factor  int
	words   []Word
	weights []float64
}

// difference is the contrast of two arms, false if one of them is missing.
func (d trialDesign) difference(kind TrialKind, factor int, w, on, off Word) (trialContrast, bool) {
	i, j := slices.Index(d.arms, on), slices.Index(d.arms, off)
	if i < 0 || j < 0 {
		return trialContrast{}, false
	}
	c := trialContrast{kind: kind, factor: factor, words: []Word{w}, weights: make([]float64, len(d.arms))}
	c.weights[i], c.weights[j] = 1, -1
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
		c := trialContrast{kind: InteractionEffect, factor: -1, words: []Word{w}, weights: d.column(w)}
		if w.Len() == 1 {
			c.kind, c.factor = MainEffect, bits.TrailingZeros16(uint16(w))
		}
		alias := slices.IndexFunc(out, func(b trialContrast) bool { return math.Abs(cosine(b.weights, c.weights)) > 1-1e-9 })
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
