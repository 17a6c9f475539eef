package stats

import (
	"math"
)

// spikes are the cycles whose level is not the level: excursions that came back.
type spikes struct {
	at      []int
	pending bool // the last cycle departs, and what follows it is not known
	upward  bool // it is above the others
	many    int  // what was found, where it was too much to be masked
}

const (
	spikeSigmas  = 5
	spikeWindow  = 3  // cycles before and after
	maxSpikePart = .2 // beyond it nothing is masked: then it is how the series is
)

// findSpikes finds the cycles that depart, to the same side, from the median of the three cycles
// before and from that of the three after, the trend of Theil and Sen taken out.
func findSpikes(y []float64, o Options) spikes {
	flat := detrended(y)
	limit := max(spikeSigmas*spikeScale(y, flat, o.Floor), o.MinSpike)
	var s spikes
	last := lastPresent(flat)
	for i, v := range flat {
		before := neighbours(flat, i, -1)
		after := neighbours(flat, i, +1)
		if math.IsNaN(v) || len(before) == 0 {
			continue
		}
		rise := v - median(before)
		if i == last && len(before) == spikeWindow && departs(flat, i, rise, limit) {
			s.pending, s.upward = true, rise > 0
			s.at = append(s.at, i)
		}
		if len(after) == 0 {
			continue
		}
		back := v - median(after)
		if rise*back > 0 && math.Abs(rise) > limit && math.Abs(back) > limit {
			s.at = append(s.at, i)
		}
	}
	if _, present := present(y); float64(len(s.at)) > maxSpikePart*float64(len(present)) {
		return spikes{many: len(s.at)}
	}
	return s
}

// departs says that the last cycle stands out, and not only because growth goes on as in the
// cycle before.
func departs(flat []float64, i int, rise, limit float64) bool {
	if math.Abs(rise) <= limit {
		return false
	}
	recent := neighbours(flat, i, -1)
	trend := recent[0] - recent[1]
	step := flat[i] - recent[0]
	return math.Abs(step) > limit && (step*trend <= 0 || math.Abs(step-trend) > limit)
}

// spikeScale is the scale of the noise: the largest of what the differences of neighbours, the
// floor, and the distances from a running median of five say.
func spikeScale(y, flat []float64, floor float64) float64 {
	away := make([]float64, len(flat))
	for i, v := range flat {
		window := flat[max(0, i-2):min(len(flat), i+3)]
		away[i] = math.Abs(v - median(window))
	}
	return max(madSigma*mad(diffs(y))/math.Sqrt2, floor, quantile(away, .8)/1.28)
}

// neighbours returns up to three values before (direction -1) or after (+1) i, the nearest first.
func neighbours(y []float64, i, direction int) []float64 {
	var out []float64
	for j := i + direction; j >= 0 && j < len(y) && len(out) < spikeWindow; j += direction {
		if !math.IsNaN(y[j]) {
			out = append(out, y[j])
		}
	}
	return out
}

// detrended takes the trend of Theil and Sen out.
func detrended(y []float64) []float64 {
	slope := medianSorted(pairSlopes(y))
	out := make([]float64, len(y))
	for i, v := range y {
		out[i] = v - slope*float64(i)
	}
	return out
}

func lastPresent(y []float64) int {
	for i := len(y) - 1; i >= 0; i-- {
		if !math.IsNaN(y[i]) {
			return i
		}
	}
	return -1
}

// mask returns y with the spikes as gaps.
func (s spikes) mask(y []float64) []float64 {
	out := make([]float64, len(y))
	copy(out, y)
	for _, i := range s.at {
		out[i] = math.NaN()
	}
	return out
}
