package stats

import (
	"cmp"
	"math"
)

// The grids of the test: rho of the noise of batch averages, and the standard deviation of the
// growth per batch in units of the noise.
const (
	monitorRhos   = 52
	monitorRhoMin = -.3
	monitorRhoGap = .025
)

var monitorKappas = [...]float64{.01, .05, .25, 1}

// monitorRho returns the rho of a row.
func monitorRho(row int) float64 { return monitorRhoMin + monitorRhoGap*float64(row) }

// monitorCopy is one copy of the test: what it needs of the batches since its start.
type monitorCopy struct {
	weight float64
	since  int     // the cycles before its start
	past   float64 // its log evidence of the lives that are over
	logE   float64 // its log evidence, unweighted
	rows   [monitorRhos]monitorRow

	// Of the life under way: the number of batches, and the first and the last of them.
	n           int
	first       float64
	begin, slot int
	last        float64
	// doneNu is the residual degrees of freedom of the lives that are over, with the level of
	// each taken off.
	doneNu int
}

// monitorRow holds cross products of the life under way, whitened for one rho: of the constant c,
// the time x and the value u. Those with the level projected off are added up over lives.
type monitorRow struct {
	cc, cx, cu, xx, xu, uu, logV float64
	done                         monitorMoments
}

// monitorMoments are what remains when the levels are projected off: of the value with itself, of
// the time with the value, of the time with itself, and the log determinants of the likelihood.
type monitorMoments struct{ uu, xu, xx, logV float64 }

// score is the weighted log evidence.
func (c *monitorCopy) score() float64 { return math.Log(c.weight) + c.logE }

func monitorLess(a, b *monitorCopy) int { return cmp.Compare(a.score(), b.score()) }

// add takes the average of the batch at a slot; slots between the last and this one are gaps.
func (c *monitorCopy) add(slot int, y float64) {
	if c.n == 0 {
		c.begin, c.first = slot, y
	}
	x, u := float64(slot-c.begin), y-c.first
	for i := range c.rows {
		r := &c.rows[i]
		rho := monitorRho(i)
		if c.n == 0 {
			scale := math.Sqrt(1 - rho*rho)
			r.add(scale, scale*x, scale*u)
			r.logV += math.Log(scale)
			continue
		}
		decay, scale := rho, 1.0
		if gap := slot - c.slot; gap > 1 {
			decay = math.Pow(rho, float64(gap))
			scale = math.Sqrt((1 - rho*rho) / (1 - decay*decay))
			r.logV += math.Log(scale)
		}
		r.add(scale*(1-decay), scale*(x-decay*float64(c.slot-c.begin)), scale*(u-decay*(c.last-c.first)))
	}
	c.n, c.slot, c.last = c.n+1, slot, y
}

func (r *monitorRow) add(c, x, u float64) {
	r.cc += c * c
	r.cx += c * x
	r.cu += c * u
	r.xx += x * x
	r.xu += x * u
	r.uu += u * u
}

// life returns the moments of the life under way, of two batches at least.
func (r *monitorRow) life() monitorMoments {
	return monitorMoments{
		uu:   max(0, r.uu-r.cu*r.cu/r.cc),
		xu:   r.xu - r.cx*r.cu/r.cc,
		xx:   max(0, r.xx-r.cx*r.cx/r.cc),
		logV: r.logV - .5*math.Log(r.cc),
	}
}

// newLife closes the life under way. One batch alone says nothing but its level.
func (c *monitorCopy) newLife() {
	done, nu := c.all()
	for i := range c.rows {
		c.rows[i] = monitorRow{done: done[i]}
	}
	c.n, c.doneNu, c.past = 0, nu, c.logE
}

// monitorSums are the moments for each rho, with the residual degrees of freedom beside them.
type monitorSums [monitorRhos]monitorMoments

// current returns the sums of the life under way; all those of all lives since the copy's start.
func (c *monitorCopy) current() (sums monitorSums, nu int) {
	if c.n < 2 {
		return sums, 0
	}
	for i := range c.rows {
		sums[i] = c.rows[i].life()
	}
	return sums, c.n - 1
}

func (c *monitorCopy) all() (monitorSums, int) {
	sums, nu := c.current()
	for i := range sums {
		m, done := &sums[i], c.rows[i].done
		m.uu, m.xu, m.xx, m.logV = m.uu+done.uu, m.xu+done.xu, m.xx+done.xx, m.logV+done.logV
	}
	return sums, nu + c.doneNu
}

// evidence returns the log of the ratio of likelihoods for growth above slope (per batch) against
// growth of at most slope; with sign -1, for growth below slope.
func (sums monitorSums) evidence(degrees int, floor, slope, sign float64) float64 {
	// Below, the t distribution's tails are so long that nothing could be said anyway.
	if degrees < 3 {
		return 0
	}
	nu := float64(degrees)
	floor = monitorFloor(floor, nu)
	null := math.Inf(-1)
	for i := range sums {
		m := &sums[i]
		// The value without the growth that is to be exceeded.
		m.uu = max(0, m.uu-2*slope*m.xu+slope*slope*m.xx)
		m.xu = sign * (m.xu - slope*m.xx)
		null = max(null, m.logV-.5*nu*math.Log(max(m.uu, floor)))
	}
	sum := 0.0
	for i, m := range sums {
		// With the best of all slopes this row still adds next to nothing: leave it out.
		bound := m.logV - .5*nu*math.Log(max(m.uu-m.xu*m.xu/m.xx, floor))
		if bound-null < -20 {
			continue
		}
		rho := monitorRho(i)
		for _, kappa := range monitorKappas {
			sum += math.Exp(m.growth(nu, floor, kappa/math.Sqrt(1-rho*rho)) - null)
		}
	}
	return math.Log(sum / (monitorRhos * float64(len(monitorKappas))))
}

// growth returns the log likelihood of growth per batch that is half-normal with kappa times the
// standard deviation of the innovations, level and noise integrated out.
func (m monitorMoments) growth(nu, floor, kappa float64) float64 {
	information := m.xx + 1/(kappa*kappa)
	rest := max(m.uu-m.xu*m.xu/information, floor)
	t := m.xu / math.Sqrt(information*rest/nu)
	return math.Ln2 + m.logV - .5*math.Log1p(kappa*kappa*m.xx) - .5*nu*math.Log(rest) + monitorLogT(t, nu)
}

// monitorFloor is the sum of squares that noise of a standard deviation has at least.
func monitorFloor(sd, nu float64) float64 {
	return max(sd*sd*nu, math.SmallestNonzeroFloat64)
}

// rate returns the growth per batch with the slopes that the evidence does not exclude: those with
// a log evidence below enough, on either side. It returns false when they have no bounds.
func (sums monitorSums) rate(nu int, floor, enough float64) (Interval, bool) {
	if nu < 3 {
		return Interval{}, false
	}
	value, se := sums.slope(float64(nu), floor)
	lo, below := sums.bound(nu, floor, enough, value, -se)
	hi, above := sums.bound(nu, floor, enough, value, se)
	if !below || !above {
		return Interval{}, false
	}
	return Interval{Value: value, Lo: lo, Hi: hi}, true
}

// slope returns the most likely growth per batch and its standard error.
func (sums monitorSums) slope(nu, floor float64) (value, se float64) {
	best := math.Inf(-1)
	for _, m := range sums {
		rest := max(m.uu-m.xu*m.xu/m.xx, monitorFloor(floor, nu))
		if l := m.logV - .5*math.Log(m.xx) - .5*(nu-1)*math.Log(rest); l > best {
			best, value, se = l, m.xu/m.xx, math.Sqrt(rest/nu/m.xx)
		}
	}
	return value, max(se, 1e-12*math.Abs(value), 1e-150)
}

// bound returns the slope from which on, in the direction of step, the evidence against it is
// enough. It returns false when there is none within a billion steps.
func (sums monitorSums) bound(nu int, floor, enough, value, step float64) (float64, bool) {
	sign := -math.Copysign(1, step)
	excluded := func(slope float64) bool { return sums.evidence(nu, floor, slope, sign) >= enough }
	inside, outside := value, value+step
	for range 30 {
		if excluded(outside) {
			break
		}
		step *= 2
		inside, outside = outside, value+step
	}
	if !excluded(outside) {
		return 0, false
	}
	for range 40 {
		if middle := inside/2 + outside/2; excluded(middle) {
			outside = middle
		} else {
			inside = middle
		}
	}
	return outside, true
}

// monitorLogT returns the log of the t distribution function, right to .002 for nu of 3
// and better beyond. Far below 0, where there is no evidence for growth, it is -Inf.
//
// Source: G. W. Hill, Algorithm 395: Student's t-Distribution, Comm. ACM 13 (1970).
func monitorLogT(t, nu float64) float64 {
	a := nu - .5
	b := 48 * a * a
	y := a * math.Log1p(t*t/nu)
	z := math.Sqrt(y) * (((((-.4*y-3.3)*y-24)*y-85.5)/(.8*y*y+100+b)+y+3)/b + 1)
	if t > 0 {
		return math.Log1p(-.5 * math.Erfc(z/math.Sqrt2))
	}
	if z > 8 {
		return math.Inf(-1)
	}
	return math.Log(.5 * math.Erfc(z/math.Sqrt2))
}
