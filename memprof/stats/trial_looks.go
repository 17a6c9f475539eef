package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// trialLooks is what looking more than once costs.
type trialLooks struct {
	looks, look int
	open        bool
	bounds      [2]float64 // of O'Brien and Fleming, for 95 % intervals and for the margin
}

// looksOf prepares the looks of an analysis.
func looksOf(o TrialOptions) trialLooks {
	l := trialLooks{looks: o.Looks, look: o.Look, open: o.Open}
	if !l.open && l.looks > 1 {
		for i, alpha := range [...]float64{intervalAlpha, min(1, 2*o.Alpha)} {
			l.bounds[i] = root(func(c float64) float64 { return brownianExit(l.looks, c) - alpha }, 0, 10, 1e-6)
		}
	}
	return l
}

// trialPhi is the precision of the prior on effect/sigma for trials that are looked at any number of times.
const trialPhi = 6

// trialEvidence is a t statistic: its degrees of freedom, and the squared ratio of a block's standard deviation to
// the standard error.
type trialEvidence struct{ nu, z2 float64 }

// p returns the p value that allows for the looks, of one that does not.
//
// With a planned number of looks it is the probability that the boundary of O'Brien and Fleming through this
// p value, as a z, is crossed at any of them; with an open number 1/e by [AnytimeLogE].
//
// Source: P. C. O'Brien, T. R. Fleming, A Multiple Testing Procedure for Clinical Trials, Biometrics 35 (1979).
func (l trialLooks) p(p float64, e trialEvidence) float64 {
	switch {
	case p <= 0 || p >= 1:
		return p
	case l.open:
		t := distuv.StudentsT{Sigma: 1, Nu: e.nu}.Quantile(p / 2)
		return min(1, math.Exp(-AnytimeLogE(t*t, e.nu, trialPhi, e.z2)))
	case l.looks < 2:
		return p
	}
	return brownianExit(l.looks, -distuv.UnitNormal.Quantile(p/2)*l.part())
}

// tail returns the two-sided level at which this look is to be read for the level alpha over all of them: which of
// the two bounds it is for.
func (l trialLooks) tail(alpha float64, which int, e trialEvidence) float64 {
	switch {
	case l.open:
		n := e.nu + 1
		radius := AnytimeRadius(n*trialPhi/e.z2, int(n), 1, alpha)
		return 2 * newStudent(int(e.nu)).above(radius)
	case l.looks < 2:
		return alpha
	}
	return 2 * distuv.UnitNormal.Survival(l.bounds[which]/l.part())
}

// part is the square root of the part of the planned trial that has been run.
func (l trialLooks) part() float64 {
	return math.Sqrt(float64(max(1, min(l.look, l.looks))) / float64(l.looks))
}

// brownianPoints is the number of points of the half grid over which brownianExit integrates.
const brownianPoints = 41

// brownianExit is the probability that |B(j/k)| >= bound for any j = 1..k, for Brownian motion B: its density within
// the bounds, step by step, by Simpson's rule.
//
// Source: P. Armitage, C. K. McPherson, B. C. Rowe, Repeated Significance Tests on Accumulating Data, J. R. Stat. Soc. A 132
// (1969).
func brownianExit(k int, bound float64) float64 {
	if bound <= 0 {
		return 1
	}
	step := bound / (brownianPoints - 1)
	sd := 1 / math.Sqrt(float64(k))
	var move [2 * brownianPoints]float64 // density of a move by so many points
	for i := range move {
		z := float64(i) * step / sd
		move[i] = math.Exp(-z*z/2) / sd / math.Sqrt(2*math.Pi)
	}
	var inside, weight [brownianPoints]float64 // from 0 up: the density is symmetric
	for i := range inside {
		inside[i] = move[i]
		weight[i] = 2 * step / 3 * float64(1+i%2)
	}
	weight[0], weight[brownianPoints-1] = step/3, step/3
	for range k - 1 {
		var next [brownianPoints]float64
		for j, density := range inside {
			density *= weight[j]
			for i := range next {
				next[i] += density * (move[max(i-j, j-i)] + move[i+j])
			}
		}
		inside = next
	}
	stays := 0.
	for i, density := range inside {
		stays += 2 * weight[i] * density
	}
	return max(0, min(1, 1-stays))
}
