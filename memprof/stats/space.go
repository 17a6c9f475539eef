package stats

import "math"

// space is one series and columns of a regression, whitened for one autocorrelation, with the
// base columns that every model shares projected out. What is left of a model are one or two
// columns, for which the regression is a formula.
type space struct {
	white   whitener
	rows    int // values, and one pseudo-observation for a base column with a prior
	bases   [][]float64
	logBase float64 // what whitening and base contribute to the logarithm of the likelihood
	y       []float64
	yy      float64
}

// column is one column of a regression in its space.
type column struct {
	v         []float64
	vv, vy    float64
	precision float64 // of the normal prior of its coefficient, in units of 1/sigma^2; 0 is flat
}

// estimate is a model fitted to a series.
type estimate struct {
	logML    float64 // logarithm of the restricted likelihood, sigma and the coefficients integrated out
	coef, se float64 // of the growth column, or of the other one in a model without growth
	sigma    float64
}

// newSpace begins a space; priors is the number of base columns with a prior.
func newSpace(times []int, rho float64, priors int) *space {
	w := newWhitener(times, rho)
	return &space{white: w, rows: len(times) + priors, logBase: -.5 * w.logDet}
}

// base adds a column that every model has. A prior precision makes it one more
// observation: of the coefficient, as 0.
func (s *space) base(x []float64, precision float64) {
	v := make([]float64, s.rows)
	s.white.apply(v, x)
	s.sweep(v)
	if precision > 0 {
		v[len(x)] = math.Sqrt(precision)
		s.logBase += .5 * math.Log(precision)
	}
	norm := dot(v, v)
	if norm < 1e-20 {
		return // it is a combination of those before
	}
	s.logBase -= .5 * math.Log(norm)
	for i := range v {
		v[i] /= math.Sqrt(norm)
	}
	s.bases = append(s.bases, v)
}

// sweep takes what the base columns explain from v.
func (s *space) sweep(v []float64) {
	for _, b := range s.bases {
		c := dot(b, v)
		for i := range v {
			v[i] -= c * b[i]
		}
	}
}

// observe sets the series, after the base.
func (s *space) observe(y []float64) {
	s.y = make([]float64, s.rows)
	s.white.apply(s.y, y)
	s.sweep(s.y)
	s.yy = dot(s.y, s.y)
}

// project brings a column into the space, after the series.
func (s *space) project(x []float64, precision float64) column {
	return s.projectInto(make([]float64, s.rows), x, precision)
}

func (s *space) projectInto(v, x []float64, precision float64) column {
	clear(v)
	s.white.apply(v, x)
	s.sweep(v)
	return column{v: v, vv: dot(v, v) + precision, vy: dot(v, s.y), precision: precision}
}

// fit fits the model with the columns that are given: growth, other, both, or none. df are the
// values less the flat coefficients; noise below floor is not believed.
func (s *space) fit(df int, floor float64, growth, other *column) estimate {
	var e estimate
	rss, inverse := s.yy, 0.
	e.logML = s.logBase
	switch {
	case growth != nil && other != nil:
		cross := dot(growth.v, other.v)
		det := growth.vv*other.vv - cross*cross
		if det <= 1e-12*growth.vv*other.vv {
			return estimate{logML: math.Inf(-1)}
		}
		e.coef = (growth.vy*other.vv - other.vy*cross) / det
		rss -= e.coef*growth.vy + (other.vy*growth.vv-growth.vy*cross)/det*other.vy
		inverse = other.vv / det
		e.logML -= .5 * math.Log(det)
	case growth != nil || other != nil:
		only := growth
		if only == nil {
			only = other
		}
		if only.vv < 1e-20 {
			return estimate{logML: math.Inf(-1)}
		}
		e.coef = only.vy / only.vv
		rss -= e.coef * only.vy
		inverse = 1 / only.vv
		e.logML -= .5 * math.Log(only.vv)
	}
	for _, c := range [...]*column{growth, other} {
		if c != nil && c.precision > 0 {
			e.logML += .5 * math.Log(c.precision)
		}
	}
	variance := max(rss/float64(df), floor*floor)
	e.logML -= .5 * float64(df) * math.Log(variance*float64(df))
	e.sigma = math.Sqrt(variance)
	e.se = e.sigma * math.Sqrt(inverse)
	return e
}

func dot(a, b []float64) float64 {
	var sum float64
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// constant is the column of ones.
func constant(times []int) []float64 {
	x := make([]float64, len(times))
	for i := range x {
		x[i] = 1
	}
	return x
}

// elapsed is the time since the first value, scaled to the range 1, and the scale in cycles.
func elapsed(times []int) ([]float64, float64) {
	first := times[0]
	span := float64(times[len(times)-1] - first)
	x := make([]float64, len(times))
	for i, t := range times {
		x[i] = float64(t-first) / max(span, 1)
	}
	return x, max(span, 1)
}
