package stats

import (
	"math"
	"slices"
)

// median returns the median of what is not NaN, 0 of nothing.
func median(x []float64) float64 { return quantile(x, .5) }

// quantile returns the q-quantile of what is not NaN by linear interpolation (type 7 of Hyndman
// and Fan), 0 of nothing.
func quantile(x []float64, q float64) float64 {
	return quantileSorted(sortedFinite(x), q)
}

// medianSorted is the median of sorted values, 0 of nothing.
func medianSorted(s []float64) float64 { return quantileSorted(s, .5) }

func quantileSorted(s []float64, q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	h := q * float64(len(s)-1)
	i := int(h)
	if i+1 >= len(s) {
		return s[len(s)-1]
	}
	return s[i] + (h-float64(i))*(s[i+1]-s[i])
}

// MedianSpread returns the median of what is not NaN, and the standard deviation that its median absolute
// deviation stands for in a normal distribution; 0 of nothing.
func MedianSpread(x []float64) (middle, spread float64) {
	return median(x), madSigma * mad(x)
}

// mad returns the median absolute deviation from the median, not scaled.
func mad(x []float64) float64 {
	m := median(x)
	dev := make([]float64, len(x))
	for i, v := range x {
		dev[i] = math.Abs(v - m)
	}
	return median(dev)
}

// madSigma scales a median absolute deviation to the standard deviation of a normal distribution.
const madSigma = 1.4826

func sortedFinite(x []float64) []float64 {
	s := make([]float64, 0, len(x))
	for _, v := range x {
		if !math.IsNaN(v) {
			s = append(s, v)
		}
	}
	slices.Sort(s)
	return s
}

// present returns what is not NaN, and where it stood.
func present(y []float64) (times []int, values []float64) {
	for t, v := range y {
		if !math.IsNaN(v) {
			times = append(times, t)
			values = append(values, v)
		}
	}
	return times, values
}

// diffs returns the differences of neighbours without a gap between them.
func diffs(y []float64) []float64 {
	var d []float64
	for i := 1; i < len(y); i++ {
		if v := y[i] - y[i-1]; !math.IsNaN(v) {
			d = append(d, v)
		}
	}
	return d
}
