package stats

import "math"

// whitener turns a series with first-order autocorrelated noise, read at increasing times, into
// one with independent noise of the same variance. Over a gap of k cycles the correlation is rho^k,
// so leaving out a value is the same as deleting its row and column from the covariance matrix.
type whitener struct {
	carry  []float64 // correlation with the value before; 0 for the first
	scale  []float64 // 1/sqrt(1 - carry^2)
	logDet float64   // ln of the determinant of the correlation matrix
}

func newWhitener(times []int, rho float64) whitener {
	w := whitener{carry: make([]float64, len(times)), scale: make([]float64, len(times))}
	for i := range times {
		w.scale[i] = 1
		if i == 0 {
			continue
		}
		r := rho
		if gap := times[i] - times[i-1]; gap != 1 {
			r = math.Pow(rho, float64(gap))
		}
		w.carry[i] = r
		w.scale[i] = 1 / math.Sqrt(1-r*r)
		w.logDet += math.Log1p(-r * r)
	}
	return w
}

// apply writes the whitened x to dst.
func (w whitener) apply(dst, x []float64) {
	for i := len(x) - 1; i > 0; i-- {
		dst[i] = (x[i] - w.carry[i]*x[i-1]) * w.scale[i]
	}
	if len(x) > 0 {
		dst[0] = x[0]
	}
}

// Fit is a slope estimated for one given autocorrelation.
type Fit struct {
	Slope, SE float64
	// LogREML is the logarithm of the restricted likelihood, up to a constant that depends on the
	// number of values only.
	LogREML float64
	DF      int // residual degrees of freedom
}

// AR1 fits a straight line over the positions of y by generalised least squares, for noise with
// the autocorrelation rho from one position to the next, |rho| < 1. NaN is a gap, over which the
// correlation is rho to the power of its length. With fewer than three values all is 0.
func AR1(y []float64, rho float64) Fit {
	times, values := present(y)
	if len(values) < 3 {
		return Fit{}
	}
	s := newSpace(times, rho, 0)
	s.base(constant(times), 0)
	s.observe(values)
	time, span := elapsed(times)
	line := s.project(time, 0)
	e := s.fit(len(values)-2, 0, &line, nil)
	return Fit{Slope: e.coef / span, SE: e.se / span, LogREML: e.logML - math.Log(span), DF: len(values) - 2}
}

// Trend is the posterior of the slope of a straight line over the positions of y, the
// autocorrelation of the noise averaged over rhos with equal prior weights by its restricted
// likelihood. NaN is a gap. It returns also the posterior mean of the autocorrelation. With fewer
// than three values the posterior is all at 0.
func Trend(y []float64, rhos []float64) (Posterior, float64) {
	times, _ := present(y)
	if len(times) < 3 {
		return Posterior{atom: 1}, 0
	}
	var weights logWeights
	p := Posterior{t: newStudent(len(times) - 2)}
	for _, rho := range rhos {
		f := AR1(y, rho)
		weights.add(f.LogREML)
		p.parts = append(p.parts, part{loc: f.Slope, scale: positive(f.SE)})
	}
	var mean float64
	for i, w := range weights.normalized() {
		p.parts[i].weight = w
		mean += w * rhos[i]
	}
	return p, mean
}

// Midpoints divides [lo, hi] into n equal parts and returns their middles.
func Midpoints(lo, hi float64, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = lo + (hi-lo)*(float64(i)+.5)/float64(n)
	}
	return x
}

// positive keeps a scale from being 0, where the data fit without any rest.
func positive(scale float64) float64 { return max(scale, 1e-300) }

// logWeights turns logarithms of likelihoods into weights.
type logWeights []float64

func (l *logWeights) add(logLikelihood float64) { *l = append(*l, logLikelihood) }

// normalized returns weights that sum to 1; all 0 if there is no likelihood at all.
func (l logWeights) normalized() []float64 {
	largest := math.Inf(-1)
	for _, v := range l {
		largest = max(largest, v)
	}
	w := make([]float64, len(l))
	if math.IsInf(largest, 0) || math.IsNaN(largest) {
		return w
	}
	var sum float64
	for i, v := range l {
		w[i] = math.Exp(v - largest)
		sum += w[i]
	}
	for i := range w {
		w[i] /= sum
	}
	return w
}
