package stats

import (
	"math"
	"slices"
)

// trialData is a trial ready for regression.
//
// The value at cycle t of block b is a_b + (row_b·beta + u_b) t + noise for Growth, and row_b·beta + u_b + noise
// for a mean, with independent u_b between blocks and autocorrelated noise within them. An exponential warm-up of the browser is
// added, and for means in one browser a linear drift.
type trialData struct {
	o     TrialOptions
	units []trialUnit
	extra [][][]float64 // of each unit: the drift, if any, and the warm-ups, if any
	drift int           // how many of them are drifts: 0 or 1
	floor float64       // noise below which none is believed
	kappa float64       // prior standard deviation of the warm-up, in sigmas of the noise
	shift float64       // is taken from the values of means, for the arithmetic's sake
	n     int           // values
}

// trialFades are the time constants in cycles of a browser's warm-up; there may be none.
var trialFades = [...]float64{2, 5}

func newTrialData(o TrialOptions, units []trialUnit) trialData {
	d := trialData{o: o, units: units}
	end := 1
	var residuals []float64
	var largest, lo, hi float64 = 0, math.Inf(1), math.Inf(-1)
	for _, u := range units {
		d.n += len(u.values)
		end = max(end, u.at+u.times[len(u.times)-1])
		largest = max(largest, math.Abs(slices.Max(u.values)), math.Abs(slices.Min(u.values)))
		lo, hi = min(lo, slices.Min(u.values)), max(hi, slices.Max(u.values))
		_, _, r := fitOLS(floats(u.times), u.values)
		residuals = append(residuals, r...)
	}
	d.floor = max(o.Floor, 1e-7*(hi-lo), 1e-14*largest, 1e-150)
	d.shift = lo/2 + hi/2
	d.kappa = 10
	for _, r := range residuals {
		d.kappa = max(d.kappa, 4*math.Abs(r)/max(d.floor, madSigma*mad(residuals)))
	}
	if !o.Fresh && o.Of != Growth {
		d.drift = 1
	}
	for _, u := range units {
		switch {
		case !o.Fresh:
			d.extra = append(d.extra, u.extra(d.drift, end))
		case o.Of == Growth:
			d.extra = append(d.extra, nil) // all slopes have the same part of the warm-up
		default:
			u.at = 0
			d.extra = append(d.extra, u.extra(0, 1))
		}
	}
	return d
}

// extra returns the block's columns that its arm has no part in.
func (u trialUnit) extra(drift, end int) [][]float64 {
	columns := make([][]float64, 0, drift+len(trialFades))
	add := func(f func(t float64) float64) {
		column := make([]float64, len(u.times))
		for i, t := range u.times {
			column[i] = f(float64(u.at + t))
		}
		columns = append(columns, column)
	}
	if drift > 0 {
		add(func(t float64) float64 { return t/float64(end) - .5 })
	}
	for _, tau := range trialFades {
		add(func(t float64) float64 { return math.Exp(-t / tau) })
	}
	return columns
}

func floats(x []int) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// main is the block's column that its arm decides.
func (d trialData) main(u trialUnit) []float64 {
	x := make([]float64, len(u.times))
	for i, t := range u.times {
		x[i] = 1
		if d.o.Of == Growth {
			x[i] = float64(t - u.times[0])
		}
	}
	return x
}

// shifted returns the block's values, near 0.
func (d trialData) shifted(u trialUnit) []float64 {
	shift := d.shift
	if d.o.Of == Growth {
		shift = u.values[0]
	}
	y := make([]float64, len(u.values))
	for i, v := range u.values {
		y[i] = v - shift
	}
	return y
}

// trialGram holds the cross products of a block's columns, whitened for one autocorrelation and, for Growth,
// free of the block's own level: first the main column, then the extra ones, at the end the values.
type trialGram struct {
	m      [][]float64
	logDet float64 // of the noise, and of the level
}

func (d trialData) gram(i int, rho float64) trialGram {
	u := d.units[i]
	w := newWhitener(u.times, rho)
	g := trialGram{logDet: w.logDet}
	columns := [][]float64{d.main(u)}
	columns = append(columns, d.extra[i]...)
	columns = append(columns, d.shifted(u))
	for j, c := range columns {
		columns[j] = make([]float64, len(c))
		w.apply(columns[j], c)
	}
	if d.o.Of == Growth {
		level := make([]float64, len(u.times))
		w.apply(level, constant(u.times))
		square := dot(level, level)
		g.logDet += math.Log(square)
		for _, c := range columns {
			share := dot(c, level) / square
			for k := range c {
				c[k] -= share * level[k]
			}
		}
	}
	g.m = make([][]float64, len(columns))
	for a := range columns {
		g.m[a] = make([]float64, len(columns))
		for b := range columns {
			g.m[a][b] = dot(columns[a], columns[b])
		}
	}
	return g
}

// between returns the cross product of two columns where the main column's coefficient varies between
// blocks with the variance tau2, in units of that of the noise.
func (g trialGram) between(a, b int, tau2 float64) float64 {
	return g.m[a][b] - tau2/(1+tau2*g.m[0][0])*g.m[a][0]*g.m[b][0]
}
