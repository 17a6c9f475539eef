package stats

import (
	"cmp"
	"math"
	"slices"
)

// Holm returns the p values adjusted for their number, in the order given: testing each against
// alpha keeps the probability of any false rejection below alpha, whatever the dependence. A NaN
// stays NaN and is not counted as a test.
//
// Source: S. Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Stat. 6 (1979).
func Holm(p []float64) []float64 {
	out, order := multipleOrder(p)
	m, above := len(order), 0.0
	for rank, i := range order {
		above = max(above, min(1, float64(m-rank)*p[i]))
		out[i] = above
	}
	return out
}

// BenjaminiHochberg returns the p values adjusted for their number, in the order given: rejecting
// those below q keeps the expected share of false ones among the rejected below q, for
// independent or positively dependent tests. A NaN stays NaN and is not counted as a test.
//
// Source: Y. Benjamini, Y. Hochberg, Controlling the False Discovery Rate, J. R. Stat. Soc. B 57 (1995).
func BenjaminiHochberg(p []float64) []float64 {
	out, order := multipleOrder(p)
	m, below := len(order), 1.0
	for rank, i := range slices.Backward(order) {
		below = min(below, float64(m)/float64(rank+1)*p[i])
		out[i] = below
	}
	return out
}

// multipleOrder returns a copy of p and the indices of what is not NaN, smallest p first.
func multipleOrder(p []float64) ([]float64, []int) {
	var order []int
	for i, v := range p {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	return slices.Clone(p), order
}
