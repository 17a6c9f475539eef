package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// student is Student's t distribution with nu degrees of freedom.
type student struct {
	nu   int
	logB float64 // ln of the beta function B(nu/2, 1/2)

	table []float64 // P(T > k/tableStep), for quick and rough work; nil for none
}

func newStudent(nu int) student {
	a, _ := math.Lgamma(float64(nu) / 2)
	b, _ := math.Lgamma(float64(nu+1) / 2)
	return student{nu: nu, logB: a + .5*math.Log(math.Pi) - b}
}

const (
	tailFrom  = 2.5 // beyond it the continued fraction converges fast and keeps the digits of a tail
	seriesMax = 400 // degrees of freedom up to which the finite series is the faster one
)

// above returns P(T > t). In the middle it sums the finite series for a whole number of degrees of freedom
// (Abramowitz and Stegun 26.7.3 and 26.7.4), in the tails the continued fraction of the
// incomplete beta function (26.5.8), which holds its relative precision there.
func (s student) above(t float64) float64 {
	switch {
	case t < 0:
		return 1 - s.above(-t)
	case s.table != nil && t < tableEnd:
		at, part := math.Modf(t * tableStep)
		i := int(at)
		return s.table[i] + part*(s.table[i+1]-s.table[i])
	case math.IsInf(t, 1):
		return 0
	case t > tailFrom:
		return s.tail(t)
	case s.nu > seriesMax:
		return mathext.RegIncBeta(float64(s.nu)/2, .5, float64(s.nu)/(float64(s.nu)+t*t)) / 2
	}
	return s.series(t)
}

const (
	tableEnd  = 8
	tableStep = 64 // entries per unit
)

// tabulated returns the distribution with P(T > t) interpolated to about 1e-5.
func (s student) tabulated() student {
	table := make([]float64, tableEnd*tableStep+1)
	for i := range table {
		table[i] = s.above(float64(i) / tableStep)
	}
	s.table = table
	return s
}

// series is P(T > t) for 0 <= t.
func (s student) series(t float64) float64 {
	nu := float64(s.nu)
	cos2 := nu / (nu + t*t)
	sin := t / math.Sqrt(nu+t*t)
	if s.nu%2 == 0 {
		term, sum := 1., 1.
		for k := 2; k < s.nu; k += 2 {
			term *= cos2 * float64(k-1) / float64(k)
			sum += term
		}
		return (1 - sin*sum) / 2
	}
	theta := math.Atan(t / math.Sqrt(nu))
	if s.nu == 1 {
		return .5 - theta/math.Pi
	}
	term := math.Sqrt(cos2)
	sum := term
	for k := 3; k < s.nu; k += 2 {
		term *= cos2 * float64(k-1) / float64(k)
		sum += term
	}
	return .5 - (theta+sin*sum)/math.Pi
}

// tail is P(T > t) for t well above 0, by Lentz's method.
func (s student) tail(t float64) float64 {
	nu := float64(s.nu)
	a, b := nu/2, .5
	x := 1 / (1 + t*t/nu)
	if x == 0 {
		return 0
	}
	if x >= (a+1)/(a+b+2) {
		return mathext.RegIncBeta(a, b, x) / 2
	}
	c, d := 1., 1/(1-(a+b)*x/(a+1))
	h := d
	for k := 1.; k < 300; k++ {
		even := k * (b - k) * x / ((a + 2*k - 1) * (a + 2*k))
		d = 1 / (1 + even*d)
		c = 1 + even/c
		h *= d * c
		odd := -(a + k) * (a + b + k) * x / ((a + 2*k) * (a + 2*k + 1))
		d = 1 / (1 + odd*d)
		c = 1 + odd/c
		h *= d * c
		if math.Abs(d*c-1) < 1e-15 {
			break
		}
	}
	// 1-x is t*t/(nu+t*t): for a huge t the direct difference would do, for a small one not.
	logFront := a*math.Log(x) + b*math.Log1p(-x) - s.logB
	return math.Exp(logFront) * h / a / 2
}
