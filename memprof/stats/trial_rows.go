package stats

import "slices"

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
		out[f] = trialContrast{kind: MainEffect, factor: f, words: []Word{1 << f}, weights: make([]float64, 1+d.factors)}
		out[f].weights[1+f] = 1
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
	c := trialContrast{kind: SameEffect, factor: -1, weights: make([]float64, len(out.units[0]))}
	c.weights[len(c.weights)-1] = 1
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
