package stats

import "math"

// trialFit is the regression of the blocks on the arms.
type trialFit struct {
	coefs []float64
	cov   [][]float64 // for a variance of 1
	sigma float64
	df    int
}

// fit fits the blocks' slopes or means, one observation each, by ordinary least squares.
func (o TrialOptions) fit(rows [][]float64, units []trialUnit) trialFit {
	p := len(rows[0])
	m := newSweeper(p + 1)
	for i, u := range units {
		row := append(append([]float64(nil), rows[i]...), o.summary(u))
		for a, x := range row {
			for b, y := range row {
				m[a][b] += x * y
			}
		}
	}
	f := trialFit{df: len(units)}
	for k := range p {
		if m.sweep(k, m[k][k]) {
			f.df--
		}
	}
	f.coefs, f.cov = make([]float64, p), m
	for k := range p {
		f.coefs[k] = m[k][p]
	}
	if f.df > 0 {
		f.sigma = math.Sqrt(max(0, m[p][p]) / float64(f.df))
	}
	return f
}

// summary is a block's observation.
func (o TrialOptions) summary(u trialUnit) float64 {
	if o.Of != Growth {
		return mean(u.values)
	}
	x := make([]float64, len(u.times))
	for i, t := range u.times {
		x[i] = float64(t)
	}
	return OLS(x, u.values).Slope
}

// of returns what is known of a contrast of the coefficients.
func (f trialFit) of(contrast []float64) Posterior {
	var loc, variance float64
	for i, a := range contrast {
		loc += a * f.coefs[i]
		for j, b := range contrast {
			variance += a * b * f.cov[i][j]
		}
	}
	return Posterior{t: newStudent(max(1, f.df)), parts: []part{{weight: 1, loc: loc, scale: positive(f.sigma * math.Sqrt(max(0, variance)))}}}
}
