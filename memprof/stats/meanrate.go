package stats

import "math"

// MeanRate is the mean of changes per cycle, such as those of one phase or one site, with a 95 %
// interval that allows for autocorrelation: the mean by generalised least squares, averaged over
// the autocorrelation of the noise by its restricted likelihood as in [Judge]. NaN is a gap. The first
// min(3, n/5) are dropped as warm-up. With fewer than three changes left the interval is open.
func MeanRate(d []float64) Interval {
	s := newSeries(d, Options{})
	for i := range min(3, len(s.y)/5) {
		s.y[i] = math.NaN()
	}
	times, values := present(s.y)
	middle := s.shift
	if len(values) < 3 {
		return openInterval(finite((mean(values) + middle) * s.unit))
	}
	df := len(values) - 1
	p := Posterior{t: newStudent(df)}
	var weights logWeights
	for _, rho := range rhoGrid {
		space := newSpace(times, rho, 0)
		space.observe(values)
		level := space.project(constant(times), 0)
		e := space.fit(df, s.o.Floor, &level, nil)
		weights.add(e.logML - .5*math.Log1p(-rho*rho))
		p.parts = append(p.parts, part{loc: e.coef, scale: positive(e.se)})
	}
	for i, w := range weights.normalized() {
		p.parts[i].weight = w
	}
	i := p.Interval()
	return Interval{Value: i.Value + middle, Lo: i.Lo + middle, Hi: i.Hi + middle}.scaled(s.unit)
}

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v / float64(len(x))
	}
	return sum
}
