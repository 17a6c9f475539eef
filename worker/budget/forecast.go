package budget

import (
	"math"

	"github.com/ebbworker/ebb/memprof/stats"
)

const (
	// horizon is how many pages ahead the forecast looks.
	horizon = 20
	// forecastBuckets is how many points the slope is of, and leastBuckets how many it needs.
	forecastBuckets, leastBuckets = 24, 6
	// leastSlope is growth per page that counts, in bytes.
	leastSlope = 64 << 10
)

// Forecast foresees when the soft mark is reached, from what the shared Chrome holds by the number of
// pages that it has opened. A page that is open takes memory and gives it back: of each few pages the
// lowest reading counts. Its memory is bounded; the zero value is ready.
type Forecast struct {
	chrome string // whose readings they are
	width  int    // pages in a bucket
	first  int    // page of the first bucket
	lows   []float64
}

// Add takes a reading of a Chrome. One of another Chrome begins anew.
func (f *Forecast) Add(chrome string, pages int, anon int64) {
	if f.chrome != chrome || f.width == 0 {
		*f = Forecast{chrome: chrome, width: 1, first: pages}
	}
	at := (pages - f.first) / f.width
	for at >= forecastBuckets { // twice as wide, so that the whole life is seen
		f.widen()
		at = (pages - f.first) / f.width
	}
	for len(f.lows) <= at {
		f.lows = append(f.lows, math.NaN())
	}
	if low := f.lows[at]; math.IsNaN(low) || float64(anon) < low {
		f.lows[at] = float64(anon)
	}
}

func (f *Forecast) widen() {
	f.width *= 2
	for i := range (len(f.lows) + 1) / 2 {
		low := f.lows[2*i]
		if j := 2*i + 1; j < len(f.lows) && (math.IsNaN(low) || f.lows[j] < low) {
			low = f.lows[j]
		}
		f.lows[i] = low
	}
	f.lows = f.lows[:(len(f.lows)+1)/2]
}

// Reset forgets the readings: memory was given back, and begins a new line.
func (f *Forecast) Reset() { *f = Forecast{} }

// Slope is the growth per page in bytes, the lower end of its interval included; ok says whether it is
// known and more than nothing. The last bucket is not full and is left out, and so is the first page, which
// warms up.
func (f *Forecast) Slope() (value, lo float64, ok bool) {
	if len(f.lows) < leastBuckets+2 {
		return 0, 0, false
	}
	line := stats.TheilSen(f.lows[1 : len(f.lows)-1])
	if line.Open() {
		return 0, 0, false
	}
	value, lo = line.Value/float64(f.width), line.Lo/float64(f.width)
	return value, lo, lo >= leastSlope
}

// Pages is in how many pages a room is used up; ok is false where it is not within the horizon. Both ends of
// what the slope may be have to say so: the horizon is doubled for the slower one.
func (f *Forecast) Pages(room int64) (pages int, slope float64, ok bool) {
	value, lo, ok := f.Slope()
	if !ok {
		return 0, 0, false
	}
	left := max(float64(room), 0)
	pages = int(math.Ceil(left / value))
	return pages, value, pages <= horizon && left/lo <= 2*horizon
}
