package stats

import "math"

// warmups are the time constants, in cycles, of the exponential warm-up that the trend is averaged over.
var warmups = [...]float64{.8, 1.5, 2.5, 4}

// rhoGrid is the grid of the autocorrelation for the trend; its prior weights are 1/sqrt(1-rho^2).
var rhoGrid = Midpoints(-.5, .97, 17)

// problem is a series ready for regression.
type problem struct {
	times []int     // cycles used, increasing
	y     []float64 // their values
	saw   *sawtooth // nil for none
	kappa float64   // prior standard deviation of a shape's coefficient, in noise sigmas
	floor float64
}

func newProblem(times []int, y []float64, floor float64) problem {
	steps := make([]float64, 0, len(y))
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, v := range y {
		lo, hi = min(lo, v), max(hi, v)
		if i > 0 {
			steps = append(steps, v-y[i-1])
		}
	}
	noise := max(madSigma*mad(steps)/math.Sqrt2, floor)
	return problem{times: times, y: y, kappa: max(10, 2*(hi-lo)/noise), floor: floor}
}

// precision is the prior precision of a shape's coefficient.
func (p problem) precision() float64 { return 1 / (p.kappa * p.kappa) }

// space opens the space of the series at one autocorrelation: level, and age in a sawtooth.
func (p problem) space(rho float64) *space {
	priors := 0
	if p.saw != nil {
		priors = 1
	}
	s := newSpace(p.times, rho, priors)
	s.base(constant(p.times), 0)
	if p.saw != nil {
		s.base(p.saw.age, p.precision())
	}
	s.observe(p.y)
	return s
}

// trend is the posterior of the slope.
type trend struct {
	rate  Posterior // per cycle
	sigma float64   // posterior mean
	rho75 float64   // posterior upper quartile of the autocorrelation
}

// trend averages the slope of a straight line over the autocorrelation of the noise and over
// whether, and how fast, an exponential warm-up fades. The restricted likelihood with sigma and
// the coefficients integrated out weighs them (Harville, Biometrika 61, 1974; the reference prior of rho
// is Jeffreys'). Slope and level are flat, the warm-up has a normal prior.
func (p problem) trend() trend {
	line, span := elapsed(p.times)
	fades := make([][]float64, len(warmups))
	for i, tau := range warmups {
		fades[i] = fade(p.times, tau)
	}
	df := len(p.times) - 2
	out := trend{rate: Posterior{t: newStudent(df)}}
	var weights logWeights
	var sigmas, rhos []float64
	for _, rho := range rhoGrid {
		s := p.space(rho)
		growth := s.project(line, 0)
		prior := -.5 * math.Log1p(-rho*rho)
		for i := -1; i < len(fades); i++ {
			var warm *column
			if i >= 0 {
				c := s.project(fades[i], p.precision())
				warm = &c
			}
			e := s.fit(df, p.floor, &growth, warm)
			weights.add(e.logML + prior)
			out.rate.parts = append(out.rate.parts, part{loc: e.coef / span, scale: positive(e.se / span)})
			sigmas, rhos = append(sigmas, e.sigma), append(rhos, rho)
		}
	}
	cumulated := 0.
	for i, w := range weights.normalized() {
		out.rate.parts[i].weight = w
		out.sigma += w * sigmas[i]
		if cumulated < .75 {
			out.rho75 = rhos[i]
		}
		cumulated += w
	}
	return out
}

// fade is the column of an exponential warm-up.
func fade(times []int, tau float64) []float64 {
	x := make([]float64, len(times))
	for i, t := range times {
		x[i] = math.Exp(-float64(t-times[0]) / tau)
	}
	return x
}
