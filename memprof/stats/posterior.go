package stats

import (
	"cmp"
	"math"
	"slices"
)

// Posterior is what is known of a rate: a mixture of Student's t distributions with the same
// degrees of freedom, some cut off below 0, and an atom at 0. Its zero value is all at 0.
type Posterior struct {
	t     student
	parts []part
	atom  float64 // probability of exactly 0
}

// part is one component: weight, location, scale.
type part struct {
	weight, loc, scale float64
	positive           bool    // cut off below 0
	kept               float64 // P(> 0) before the cut
}

// above returns the component's P(> x).
func (p part) above(t student, x float64) float64 {
	if !p.positive {
		return t.above((x - p.loc) / p.scale)
	}
	if x <= 0 {
		return 1
	}
	if p.kept <= 0 {
		return 0
	}
	return min(1, t.above((x-p.loc)/p.scale)/p.kept)
}

// normalize makes the weights and the atom sum to 1.
func (p *Posterior) normalize() {
	sum := p.atom
	for _, c := range p.parts {
		sum += c.weight
	}
	if sum <= 0 {
		p.atom, p.parts = 1, nil
		return
	}
	p.atom /= sum
	for i := range p.parts {
		p.parts[i].weight /= sum
	}
}

// Above returns P(rate > x).
func (p Posterior) Above(x float64) float64 {
	var sum float64
	for _, c := range p.parts {
		sum += c.weight * c.above(p.t, x)
	}
	if x < 0 {
		sum += p.atom
	}
	return min(1, sum)
}

// AtMost returns P(rate <= x), with the digits of a small probability.
func (p Posterior) AtMost(x float64) float64 {
	var sum float64
	for _, c := range p.parts {
		if c.positive {
			sum += c.weight * (1 - c.above(p.t, x))
		} else {
			sum += c.weight * p.t.above((c.loc-x)/c.scale)
		}
	}
	if x >= 0 {
		sum += p.atom
	}
	return min(1, sum)
}

// Mean returns the mean of the locations: the posterior mean where no component is cut off.
func (p Posterior) Mean() float64 {
	var sum float64
	for _, c := range p.parts {
		sum += c.weight * c.loc
	}
	return sum
}

// Interval returns the median and the equal-tailed 95 % interval.
func (p Posterior) Interval() Interval {
	return Interval{Value: p.Quantile(.5), Lo: p.Quantile(.025), Hi: p.Quantile(.975)}
}

// prunedMass is the probability that may be lost where a posterior is made rough.
const prunedMass = 1e-5

// rough is the posterior for quantiles to about 1e-5 in probability, at a tenth of the time: the many
// components that have no weight together are left out, and the rest is tabulated.
func (p Posterior) rough() Posterior {
	parts := slices.SortedFunc(slices.Values(p.parts), func(a, b part) int { return cmp.Compare(b.weight, a.weight) })
	var kept float64
	for i, c := range parts {
		if kept += c.weight; kept+p.atom >= 1-prunedMass {
			parts = parts[:i+1]
			break
		}
	}
	q := Posterior{t: p.t.tabulated(), atom: p.atom, parts: parts}
	q.normalize()
	return q
}

// Quantile returns the smallest x with P(rate <= x) >= q, for 0 < q < 1.
func (p Posterior) Quantile(q float64) float64 {
	if len(p.parts) == 0 {
		return 0
	}
	f := func(x float64) float64 { return p.AtMost(x) - q }
	if p.atom > 0 && f(0) >= 0 && f(0)-p.atom <= 0 {
		return 0
	}
	centre, spread := p.Mean(), 0.
	for _, c := range p.parts {
		spread += c.weight * (c.scale + math.Abs(c.loc-centre))
	}
	if v := f(centre); math.Abs(v) < 1e-13 {
		return centre
	}
	lo, hi := centre-spread, centre+spread
	for step := spread; f(lo) > 0 && step < math.MaxFloat64/8; step *= 2 {
		lo -= step
	}
	for step := spread; f(hi) < 0 && step < math.MaxFloat64/8; step *= 2 {
		hi += step
	}
	return root(f, lo, hi, 1e-10*spread)
}

// root finds where f changes its sign between a and b, to a tolerance in x: inverse quadratic
// interpolation or bisection (Chandrupatla, Advances in Engineering Software 28, 1997).
func root(f func(float64) float64, a, b, tolerance float64) float64 {
	fa, fb := f(a), f(b)
	c, fc := a, fa
	t := .5
	for range 200 {
		x := a + t*(b-a)
		fx := f(x)
		if (fx > 0) == (fa > 0) {
			c, fc = a, fa
		} else {
			c, b, fc, fb = b, a, fb, fa
		}
		a, fa = x, fx
		best := a
		if math.Abs(fb) < math.Abs(fa) {
			best = b
		}
		limit := (2e-16*math.Abs(best) + .5*tolerance) / math.Abs(b-a)
		if limit > .5 || fa == 0 || fb == 0 {
			return best
		}
		xi, phi := (a-b)/(c-b), (fa-fb)/(fc-fb)
		t = .5
		if phi*phi < xi && (1-phi)*(1-phi) < 1-xi {
			t = fa/(fb-fa)*fc/(fb-fc) + (c-a)/(b-a)*fa/(fc-fa)*fb/(fc-fb)
		}
		t = min(1-limit, max(limit, t))
	}
	return a
}
