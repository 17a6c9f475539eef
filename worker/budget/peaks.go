package budget

import (
	"slices"
	"time"
)

// Peak is what a run added to memory at its peak.
type Peak struct {
	At    time.Time `json:"at"`
	Bytes int64     `json:"bytes"`
	// Alone says that no other run was at work meanwhile: then all of it was the run's own. Otherwise it
	// is what all of them added, which is no less.
	Alone bool `json:"alone"`
}

const (
	// KeptPeaks is how many peaks of a site are kept, the latest.
	KeptPeaks = 20
	// aloneEnough is how many runs alone make those that were not of no account.
	aloneEnough = 3
	// fewPeaks is below how many the highest is not trusted to be near the highest there will be, and
	// fewMargin what is added then.
	fewPeaks, fewMargin = 5, 1.25
	// A site that has not run yet is taken for a quarter of Chrome's part of the budget, within bounds.
	unknownShare             = 0.25
	leastUnknown, mostUnknow = 256 * mib, gib
)

// Need is what a run of a site is expected to add at its peak.
type Need struct {
	Bytes int64 `json:"bytes"`
	// Runs is of how many runs it is the 95th percentile, Alone of them alone. Default: 0, the site is
	// unknown.
	Runs  int `json:"runs"`
	Alone int `json:"alone"`
}

// NeedOf is the 95th percentile of a site's peaks, newest last. Runs that others ran beside count for as
// long as fewer than three ran alone.
func NeedOf(b Budget, peaks []Peak) Need {
	peaks = peaks[max(0, len(peaks)-KeptPeaks):]
	var all, alone []int64
	for _, p := range peaks {
		all = append(all, p.Bytes)
		if p.Alone {
			alone = append(alone, p.Bytes)
		}
	}
	n := Need{Runs: len(all), Alone: len(alone)}
	if len(all) == 0 {
		n.Bytes = min(max(int64(unknownShare*float64(b.Chrome)), leastUnknown), mostUnknow)
		return n
	}
	if len(alone) >= aloneEnough {
		all = alone
	}
	slices.Sort(all)
	n.Bytes = all[(len(all)*95+99)/100-1]
	if len(all) < fewPeaks {
		n.Bytes = int64(fewMargin * float64(n.Bytes))
	}
	n.Bytes = max(n.Bytes, 0)
	return n
}
