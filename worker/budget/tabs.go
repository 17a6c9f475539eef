package budget

import (
	"fmt"
	"time"
)

// Tabs adapts how many tabs may be lent at once: by half when memory is short, and by one when it has not
// been for a while. It is for one goroutine.
type Tabs struct {
	most, now int
	changed   time.Time
	calm      time.Time // since when memory is not short; zero while it is
}

const (
	// pressed is the share of the last 10 s in which some task waited for memory, in percent, from which
	// memory is short, and eased is below what it is not.
	pressed, eased = 10.0, 1.0
	// cutEvery is the time between two cuts: what one does shows in the next average.
	cutEvery = 10 * time.Second
	// growAfter is how long it must be calm before each tab more.
	growAfter = 15 * time.Second
)

// NewTabs begins with most.
func NewTabs(most int) *Tabs { return &Tabs{most: max(most, 1), now: max(most, 1)} }

// Limit is how many tabs may be lent now.
func (t *Tabs) Limit() int { return t.now }

// SetMost changes how many there are while memory is not short.
func (t *Tabs) SetMost(most int) {
	if t.now == t.most {
		t.now = most
	}
	t.most, t.now = most, min(t.now, most)
}

// Short says whether memory is short, or fewer tabs are lent because it was.
func (t *Tabs) Short() bool { return t.calm.IsZero() || t.now < t.most }

// Next takes a reading: whether the hard mark is passed, whether memory is below where it is brought down
// to, and the pressure in percent (known says whether it could be read). It returns the new limit, why, and
// whether it is another than before. The least is one.
func (t *Tabs) Next(at time.Time, over, below bool, pressure float64, known bool) (limit int, why Reason, says string, changed bool) {
	short := over || known && pressure >= pressed
	if short || !below || known && pressure >= eased {
		t.calm = time.Time{}
	} else if t.calm.IsZero() {
		t.calm = at
	}
	switch {
	case short && t.now > 1 && at.Sub(t.changed) >= cutEvery:
		before := t.now
		t.now, t.changed = max(t.now/2, 1), at
		why, says = ReasonPressure, fmt.Sprintf("%d tabs instead of %d: tasks waited for memory %.0f %% of 10 s", t.now, before, pressure)
		if over {
			why, says = ReasonHard, fmt.Sprintf("%d tabs instead of %d: the hard mark is passed", t.now, before)
		}
		return t.now, why, says, true
	case t.now < t.most && !t.calm.IsZero() && at.Sub(t.calm) >= growAfter:
		t.now, t.changed, t.calm = t.now+1, at, at
		return t.now, ReasonPressure, fmt.Sprintf("%d tabs of %d: memory was not short for %s", t.now, t.most, growAfter), true
	}
	return t.now, "", "", false
}
