package budget

import (
	"fmt"
	"time"
)

const (
	// Pages are slower when the late ones take slowRatio times the early ones, and slowMargin more: both,
	// since noise is relative for slow pages and absolute for fast ones.
	slowRatio  = 2.0
	slowMargin = 300 * time.Millisecond
	// slowRest is the time between two Chromes that are retired for being slow. It doubles each time
	// that the next one was no faster.
	slowRest, mostSlowRest = 10 * time.Minute, 6 * time.Hour
)

// slowness is what is known of Chromes that were retired for being slow.
type slowness struct {
	again time.Time     // not before
	rest  time.Duration // the next pause
	from  string        // the one that was retired last
	late  time.Duration // how slow it was; 0 once its successor was looked at
}

// aged retires a Chrome whose pages have become slower.
func (l *Ladder) aged(r Reading) (Decision, bool) {
	if r.Early == 0 || r.Late == 0 {
		return Decision{}, false
	}
	if s := &l.slow; s.late > 0 && r.Shared != s.from { // how its successor does
		if s.rest = min(2*s.rest, mostSlowRest); float64(r.Early) < float64(s.late)/slowRatio {
			s.rest = slowRest
		}
		s.late, s.again = 0, l.retired.Add(s.rest)
	}
	slower := float64(r.Late) >= slowRatio*float64(r.Early) && r.Late-r.Early >= slowMargin
	crowded := r.AtWork > 0 && r.Used+successor > l.budget.Hard
	if !slower || crowded || r.Busy || r.Draining || r.At.Before(l.slow.again) {
		return Decision{}, false
	}
	l.slow.from, l.slow.late, l.slow.again = r.Shared, r.Late, r.At.Add(l.slow.rest)
	return Decision{
		Action: RetireBrowser, Reason: ReasonSlow, Above: l.above(r),
		Says: fmt.Sprintf("%d ms a visit instead of %d when young, after %d pages", r.Late.Milliseconds(), r.Early.Milliseconds(), r.Pages),
	}, true
}
