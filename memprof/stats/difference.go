package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Contrast is a difference of two estimates, with the two-sided probability of one as large by chance.
type Contrast struct {
	Interval
	P float64
}

// Difference returns b less a, of two estimates that know nothing of each other, such as the rates
// of two recordings; dfA and dfB are their degrees of freedom. The interval is made of the distances
// between each estimate and its own ends (the method of variance estimates recovery: G. Y. Zou,
// A. Donner, Construction of Confidence Limits about Effect Measures, Statistics in Medicine 27,
// 2008), so that it may be skewed as they are. P is that of Student's t with the degrees of freedom of
// Welch and Satterthwaite, of which the half of the interval towards 0 is the 95 % quantile: so P is
// below .05 where the interval leaves out 0. Where one estimate is open the difference is, and P is 1.
func Difference(a, b Interval, dfA, dfB int) Contrast {
	d := finite(b.Value - a.Value)
	if a.Open() || b.Open() {
		return Contrast{openInterval(d), 1}
	}
	lo := math.Hypot(b.Value-b.Lo, a.Hi-a.Value)
	hi := math.Hypot(b.Hi-b.Value, a.Value-a.Lo)
	c := Contrast{Interval: Interval{Value: d, Lo: finite(d - lo), Hi: finite(d + hi)}, P: 1}
	half, fromA, fromB := lo, a.Hi-a.Value, b.Value-b.Lo
	if d < 0 {
		half, fromA, fromB = hi, a.Value-a.Lo, b.Hi-b.Value
	}
	switch {
	case d == 0:
	case half == 0:
		c.P = 0
	default:
		t := distuv.StudentsT{Sigma: 1, Nu: welch(fromA/half, fromB/half, dfA, dfB)}
		c.P = min(1, 2*t.Survival(math.Abs(d)/half*t.Quantile(.975)))
	}
	return c
}

// welch is the degrees of freedom of a sum of variances, by the halves of two intervals; the squares of
// the halves sum to 1. (F. E. Satterthwaite, Biometrics Bulletin 2, 1946.)
func welch(a, b float64, dfA, dfB int) float64 {
	return 1 / (math.Pow(a, 4)/float64(max(1, dfA)) + math.Pow(b, 4)/float64(max(1, dfB)))
}

// MeanRatio returns the ratio of the geometric mean of b to that of a, with a 95 % interval: the
// [MeanDifference] of the logarithms. Values that are not above 0 are gaps.
func MeanRatio(a, b []float64) Contrast {
	c := MeanDifference(logarithms(a), logarithms(b))
	return Contrast{exponential(c.Interval), c.P}
}

// rhoAlike is the standard deviation, before the data, of the difference between the autocorrelations
// of two series of the same kind.
const rhoAlike = .25

// MeanDifference returns the mean of b less that of a, with a 95 % interval that allows for
// autocorrelation, averaged over it as in [MeanRate]. The two series are of the same kind: their noise
// has a size of its own in each, and autocorrelations that are alike, so that each tells of the other's.
// For given ones the difference is Student's t with the degrees of freedom of Welch and Satterthwaite,
// taken where they are likeliest. NaN is a gap; of each series the first min(3, n/5) are dropped. With
// fewer than three values left of either the interval is open.
func MeanDifference(a, b []float64) Contrast {
	first, second := newLevel(a), newLevel(b)
	d := finite(second.mean() - first.mean())
	if len(first.values) < 3 || len(second.values) < 3 {
		return Contrast{openInterval(d), 1}
	}
	fitsA, fitsB := first.fits(), second.fits()
	var p Posterior
	var weights logWeights
	best, df := math.Inf(-1), 1.
	for i, x := range fitsA {
		for j, y := range fitsB {
			scale := math.Hypot(x.se, y.se)
			apart := (rhoGrid[i] - rhoGrid[j]) / rhoAlike
			weight := x.logML + y.logML - apart*apart/2
			if weight > best && scale > 0 {
				best, df = weight, welch(x.se/scale, y.se/scale, first.df(), second.df())
			}
			weights.add(weight)
			p.parts = append(p.parts, part{loc: y.coef - x.coef, scale: positive(scale)})
		}
	}
	for i, w := range weights.normalized() {
		p.parts[i].weight = w
	}
	p.t = newStudent(max(1, int(df)))
	p = p.rough()
	return Contrast{p.Interval(), min(1, 2*min(p.Above(0), p.AtMost(0)))}
}

// level is a series whose mean is estimated.
type level struct {
	*series
	times  []int
	values []float64
}

func newLevel(y []float64) level {
	s := newSeries(y, Options{})
	for i := range min(3, len(s.y)/5) {
		s.y[i] = math.NaN()
	}
	times, values := present(s.y)
	return level{s, times, values}
}

func (l level) df() int { return len(l.values) - 1 }

func (l level) mean() float64 { return (mean(l.values) + l.shift) * l.unit }

// fits estimates the mean, in the caller's unit, for each autocorrelation of the grid.
func (l level) fits() []estimate {
	list := make([]estimate, len(rhoGrid))
	for i, rho := range rhoGrid {
		s := newSpace(l.times, rho, 0)
		s.observe(l.values)
		column := s.project(constant(l.times), 0)
		e := s.fit(l.df(), l.o.Floor, &column, nil)
		e.coef, e.se = finite((e.coef+l.shift)*l.unit), finite(e.se*l.unit)
		e.logML -= .5 * math.Log1p(-rho*rho)
		list[i] = e
	}
	return list
}

// GeometricMean returns the geometric mean with its 95 % interval: that of the logarithms as in
// [MeanRate]. Values that are not above 0 are gaps.
func GeometricMean(y []float64) Interval { return exponential(MeanRate(logarithms(y))) }

func logarithms(y []float64) []float64 {
	out := make([]float64, len(y))
	for i, v := range y {
		out[i] = math.NaN()
		if v > 0 {
			out[i] = math.Log(v)
		}
	}
	return out
}

// exponential turns the interval of a logarithm back; an open end stays open.
func exponential(i Interval) Interval {
	if i.Open() {
		return openInterval(finite(math.Exp(i.Value)))
	}
	return Interval{Value: finite(math.Exp(i.Value)), Lo: math.Exp(i.Lo), Hi: finite(math.Exp(i.Hi))}
}
