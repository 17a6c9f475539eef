package stats

import (
	"math"
	"slices"
)

// sawtooth is a series that falls back again and again: a cache that is emptied, a collector that
// runs every so often. The trend is then that of the troughs.
type sawtooth struct {
	age    []float64 // cycles since the last drop, per cycle used, scaled to the range 1
	period float64   // median number of cycles between drops
}

const (
	dropMADs    = 4   // how far below the median difference a drop is, in median absolute deviations
	riseOfDrop  = .75 // part of the median drop from which a rise speaks against a sawtooth
	risesOfDrop = .34 // so many such rises per drop are allowed
	sawEvidence = 3   // by how much the log likelihood must rise
)

// findSawtooth returns the candidate that the drops suggest, or nil.
func findSawtooth(times []int, y []float64, floor float64) *sawtooth {
	steps := make([]float64, len(y)-1)
	for i := range steps {
		steps[i] = y[i+1] - y[i]
	}
	middle := median(steps)
	limit := dropMADs * max(mad(steps), floor*math.Sqrt2)
	var drops []int // times of the first cycle after a drop
	var sizes []float64
	for i, d := range steps {
		if d-middle < -limit {
			drops = append(drops, times[i+1])
			sizes = append(sizes, middle-d)
		}
	}
	if len(drops) < 2 {
		return nil
	}
	rises := 0
	for _, d := range steps {
		if d-middle > riseOfDrop*median(sizes) {
			rises++
		}
	}
	if float64(rises) >= risesOfDrop*float64(len(drops)) {
		return nil
	}
	return newSawtooth(times, drops)
}

func newSawtooth(times, drops []int) *sawtooth {
	var gaps []float64
	for i := 1; i < len(drops); i++ {
		gaps = append(gaps, float64(drops[i]-drops[i-1]))
	}
	s := &sawtooth{age: make([]float64, len(times)), period: median(gaps)}
	if s.period < 2 {
		return nil // a fall over several cycles
	}
	// Before the first drop the age is counted back from it.
	last, next := float64(drops[0])-s.period, 0
	for i, t := range times {
		for next < len(drops) && drops[next] <= t {
			last = float64(drops[next])
			next++
		}
		s.age[i] = float64(t) - last
	}
	lo, hi := slices.Min(s.age), slices.Max(s.age)
	if hi == lo {
		return nil
	}
	for i := range s.age {
		s.age[i] = (s.age[i] - lo) / (hi - lo)
	}
	return s
}
