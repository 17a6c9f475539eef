package stats

import (
	"math"
	"slices"
)

// trialFit is what is known of the coefficients: estimates for many models of the noise, and how likely
// each model is.
type trialFit struct {
	t     student
	parts []trialPart
	df    int     // of the blocks
	sigma float64 // of a block's slope or mean
	known bool    // that there is something left to tell the noise by
	exact bool    // that there is no noise
}

// trialPart is the estimate of one model.
type trialPart struct {
	weight float64
	coefs  []float64
	cov    sweeper // of the coefficients, in units of the noise
	sigma  float64 // of the noise
	block  float64 // of a block's slope or mean
	swept  []bool  // the coefficients that the blocks determine by themselves
	rank   int     // how many those are, with the drift
	logML  float64
}

// trialRhos is the grid of the autocorrelation, with the prior weights 1/sqrt(1-rho^2). Memory read after
// a garbage collection is hardly ever correlated negatively.
var trialRhos = Midpoints(-.2, .97, 9)

// These are the scales of the half-Cauchy prior of the standard deviation between blocks, in units of what
// noise gives a block's slope or mean. With it one replicate says something, and many say what they show.
//
// Source: A. Gelman, Prior Distributions for Variance Parameters in Hierarchical Models, Bayesian Analysis 1
// (2006). The scales were chosen for the coverage in the study.
const (
	trialScale      = .25
	trialScaleFresh = .5 // browsers differ from each other
)

// fit averages generalised least squares over the autocorrelation of the noise, over how much blocks of the
// same arm differ beyond it, and over a warm-up. The restricted likelihood weighs them (Harville, Biometrika
// 61, 1974). The block stays the unit: where there are many, how much they differ decides; where there are few, the
// prior that they differ little beyond the noise within them.
func (d trialData) fit(rows [][]float64) trialFit {
	var out trialFit
	var weights logWeights
	scale := trialScale
	if d.o.Fresh {
		scale = trialScaleFresh
	}
	freedom := d.n
	if d.o.Of == Growth {
		freedom -= len(d.units)
	}
	for _, rho := range trialRhos {
		grams := make([]trialGram, len(d.units))
		var logDet, precision float64
		for i := range grams {
			grams[i] = d.gram(i, rho)
			logDet += grams[i].logDet
			precision += grams[i].m[0][0] / float64(len(grams))
		}
		for _, ratio := range trialRatios(d.excess(grams), scale) {
			for fade := -1; fade < len(d.extra[0])-d.drift; fade++ {
				p := d.solve(grams, rows, ratio.value/precision, fade)
				nu := freedom - p.rank
				out.t.nu, out.df, out.known = nu, len(d.units)-p.rank+d.drift, nu > 0
				out.exact = d.o.Floor == 0 && p.sigma*p.sigma <= float64(d.n)*d.floor*d.floor
				squares := max(p.sigma*p.sigma, float64(nu)*d.floor*d.floor)
				p.sigma = math.Sqrt(squares / float64(max(1, nu)))
				p.block = p.sigma * math.Sqrt((1+ratio.value)/precision)
				weights.add(p.logML - .5*(float64(nu)*math.Log(squares)+logDet+math.Log1p(-rho*rho)) + math.Log(ratio.prior))
				out.parts = append(out.parts, p)
			}
		}
	}
	out.weigh(weights)
	return out
}

// weigh gives the models their weights, and leaves out those that have none.
func (f *trialFit) weigh(weights logWeights) {
	for i, w := range weights.normalized() {
		f.parts[i].weight = w
	}
	f.parts = slices.DeleteFunc(f.parts, func(p trialPart) bool { return p.weight < 1e-6 })
	for _, p := range f.parts {
		f.sigma += p.weight * p.block
	}
	f.t = newStudent(max(1, f.t.nu)).tabulated()
}

// trialRatio is a variance between blocks, in units of that which noise gives a block's slope or mean, and its prior.
type trialRatio struct{ value, prior float64 }

// trialRatios is the grid of the variance between blocks, up to well above the largest that the data suggest.
func trialRatios(most, scale float64) []trialRatio {
	grid := []trialRatio{}
	total := 0.
	for r := 1. / 64; r < 64 || r < 16*most; r *= 4 {
		s := math.Sqrt(r) / scale
		grid = append(grid, trialRatio{r, s / (1 + s*s)})
		total += s / (1 + s*s)
	}
	for i := range grid {
		grid[i].prior /= total
	}
	return grid
}

// excess is how many times as much the blocks differ, at the most, as noise explains.
func (d trialData) excess(grams []trialGram) float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	var within, precision float64
	for _, g := range grams {
		last := len(g.m) - 1
		b := g.m[0][last] / g.m[0][0]
		lo, hi = min(lo, b), max(hi, b)
		within += max(0, g.m[last][last]-b*g.m[0][last]) / float64(d.n)
		precision += g.m[0][0] / float64(len(grams))
	}
	return min(1e12, (hi-lo)*(hi-lo)*precision/max(within, d.floor*d.floor))
}

// fadePrior is the prior of each model of the warm-up: none first.
func fadePrior(fade int) float64 {
	if fade < 0 {
		return .4
	}
	return .6 / float64(len(trialFades))
}

// solve is generalised least squares for one model; the sigma returned is the root of the sum of squares.
func (d trialData) solve(grams []trialGram, rows [][]float64, tau2 float64, fade int) trialPart {
	p := len(rows[0])
	columns := []int{}
	for i := range d.drift {
		columns = append(columns, 1+i)
	}
	if fade >= 0 {
		columns = append(columns, 1+d.drift+fade)
	}
	columns = append(columns, len(grams[0].m)-1)
	m := newSweeper(p + len(columns))
	part := trialPart{coefs: make([]float64, p), swept: make([]bool, p), cov: m, logML: math.Log(fadePrior(fade))}
	for i, g := range grams {
		m.add(g, rows[i], columns, tau2)
		part.logML -= .5 * math.Log1p(tau2*g.m[0][0])
	}
	end := len(m) - 1
	for k := range end {
		size := m[k][k]
		prior := fade >= 0 && k == end-1
		if prior {
			m[k][k] += 1 / (d.kappa * d.kappa)
			part.logML -= math.Log(d.kappa)
		}
		pivot := m[k][k]
		if !m.sweep(k, size) {
			continue
		}
		part.logML -= .5 * math.Log(pivot)
		if !prior {
			part.rank++
		}
		if k < p {
			part.swept[k] = true
		}
	}
	for k := range part.coefs {
		part.coefs[k] = m[k][end]
	}
	part.sigma = math.Sqrt(max(0, m[end][end]))
	return part
}

// add adds a block's cross products: those of the coefficients in its row, then those of the other columns.
func (m sweeper) add(g trialGram, row []float64, columns []int, tau2 float64) {
	p := len(row)
	main := g.between(0, 0, tau2)
	for a, x := range row {
		if x == 0 {
			continue
		}
		for b, y := range row {
			m[a][b] += x * y * main
		}
		for k, c := range columns {
			v := x * g.between(0, c, tau2)
			m[a][p+k] += v
			m[p+k][a] += v
		}
	}
	for k, c := range columns {
		for l, e := range columns {
			m[p+k][p+l] += g.between(c, e, tau2)
		}
	}
}

// of returns what is known of a contrast of the coefficients; false if the blocks do not determine it, or leave
// nothing to tell the noise by.
func (f trialFit) of(contrast []float64) (Posterior, bool) {
	out, known := Posterior{t: f.t}, f.known
	for _, q := range f.parts {
		known = known && q.determines(contrast)
		var loc, variance float64
		for i, a := range contrast {
			if a == 0 || !q.swept[i] {
				continue
			}
			loc += a * q.coefs[i]
			for j, b := range contrast {
				if q.swept[j] {
					variance += a * b * q.cov[i][j]
				}
			}
		}
		out.parts = append(out.parts, part{weight: q.weight, loc: loc, scale: positive(q.sigma * math.Sqrt(max(0, variance)))})
	}
	out.normalize()
	return out, known
}

// determines says that the contrast agrees with what the columns that were not swept are made of.
func (p trialPart) determines(contrast []float64) bool {
	for k, swept := range p.swept {
		if swept {
			continue
		}
		made := 0.
		for i, a := range contrast {
			if p.swept[i] {
				made += a * p.cov[i][k]
			}
		}
		if k < len(contrast) {
			made -= contrast[k]
		}
		if math.Abs(made) > 1e-6 {
			return false
		}
	}
	return true
}
