package stats

import (
	"fmt"
	"math"
)

const (
	// maxCycles bounds the work: of a longer series the newest cycles are judged.
	maxCycles = 600
	// maxValue is the largest magnitude that can be a reading; a larger one is a gap.
	maxValue = 1e300
	// noiseless is the noise, as a part of the range, below which arithmetic would not tell it
	// from rounding.
	noiseless = 1e-7
)

// series is a series in a unit of its own, so that its range is about 1 and its median 0: then
// neither 1e12 bytes nor 1e-9 MB meet the ends of the numbers, and judging c times the series with
// c times the options is the same computation.
type series struct {
	y     []float64 // NaN is a gap
	first int       // cycles left out before y, because there are too many
	unit  float64   // multiplies a value to give it in the caller's unit
	shift float64   // what is taken from each value, in the series' unit
	o     Options   // in the series' unit
	notes []string
}

func newSeries(y []float64, o Options) *series {
	s := &series{y: make([]float64, len(y))}
	copy(s.y, y)
	if len(s.y) > maxCycles {
		s.first = len(s.y) - maxCycles
		s.y = s.y[s.first:]
		s.note("the newest %d of %d cycles are judged", maxCycles, len(y))
	}
	unreadable := 0
	lo, hi, largest := math.Inf(1), math.Inf(-1), 0.
	for i, v := range s.y {
		switch {
		case math.IsNaN(v):
		case math.Abs(v) > maxValue:
			s.y[i] = math.NaN()
			unreadable++
		default:
			lo, hi, largest = min(lo, v), max(hi, v), max(largest, math.Abs(v))
		}
	}
	if unreadable > 0 {
		s.note("%d values beyond 1e300 count as gaps", unreadable)
	}
	s.scale(lo, hi, largest, o)
	return s
}

// scale chooses the unit, a power of two so that dividing by it is exact, and converts to it.
func (s *series) scale(lo, hi, largest float64, o Options) {
	spread := 0.
	if hi > lo {
		spread = hi/2 - lo/2
	}
	floor := usable(o.Floor)
	unit := max(spread, floor)
	if unit == 0 {
		unit = max(largest, usable(o.Delta), math.SmallestNonzeroFloat64)
	}
	_, exponent := math.Frexp(unit)
	s.unit = math.Ldexp(1, max(-1000, min(1000, exponent)))
	s.shift = median(s.y) / s.unit
	for i, v := range s.y {
		s.y[i] = v/s.unit - s.shift
	}
	rounding := 2.3e-16 * largest / s.unit
	s.o = Options{
		Delta:    min(usable(o.Delta)/s.unit, 1e100),
		Floor:    max(min(floor/s.unit, 1e100), noiseless, rounding),
		MinStep:  usable(o.MinStep) / s.unit,
		MinSpike: usable(o.MinSpike) / s.unit,
		Alpha:    o.Alpha,
	}
	if !(o.Alpha > 0 && o.Alpha < 1) {
		s.o.Alpha = .01
	}
}

func (s *series) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// usable returns an option, or 0 for what cannot be one.
func usable(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
