package budget

import (
	"fmt"
	"time"
)

// Reading is what is known of memory at one moment, in bytes of anonymous memory.
type Reading struct {
	At time.Time
	// Used is what counts against the marks: of the worker, its Chromes, and all else that the budget's
	// cgroup holds.
	Used int64
	// Chrome is what all Chromes hold, and Fresh what as many of them hold that have just started.
	Chrome, Fresh int64
	// Shared names the Chrome that runs share, SharedAnon is what it holds, and Pages how many it has
	// opened. Default: "", none runs.
	Shared     string
	SharedAnon int64
	Pages      int
	// Early and Late are the medians of its first and last visits. Default: 0, not enough were made.
	Early, Late time.Duration
	// Busy says that the machine had more to do than it can: times tell nothing.
	Busy bool
	// Draining says that a Chrome was retired and still has runs.
	Draining bool
	// AtWork is how many runs are at work. Quiet is what all Chromes held when none was, QuietFor ago.
	// Default: 0, that is not known.
	AtWork   int
	Quiet    int64
	QuietFor time.Duration
	// Room is what the first run that waits lacks, while no other is at work. Default: 0, none waits so.
	Room int64
	// RoomFor is that run's site.
	RoomFor string
}

// Decision is what to do now.
type Decision struct {
	Action Action
	Reason Reason
	// Says is why, in words with figures.
	Says string
	// Need is what should come back, and Expected what is expected to, in bytes.
	Need, Expected int64
	// Above is memory above a fresh Chrome's: what could come back.
	Above int64
}

const (
	// relief is the share of the soft mark to which memory is brought down: so that the mark is not
	// passed again at once.
	relief = 0.9
	// cooldown is the time between two actions below the hard mark, and retireCooldown between two
	// Chromes that are retired there; urgentCooldown is that above it.
	cooldown, retireCooldown, urgentCooldown = 2 * time.Second, 30 * time.Second, 5 * time.Second
	// skipFor is how long an action rests that found nothing to do.
	skipFor = 5 * time.Second
	// successor is what a Chrome takes that starts.
	successor = 90 * mib
	// worth is the least that an action must be expected to give back; worthRetiring is that of a new
	// Chrome, which is some MB larger after its first pages than before.
	worth, worthRetiring = mib, 16 * mib
	// quietCounts is for how long what was held while no run was at work says what no run holds.
	quietCounts = time.Minute
	// levelReadings is how many readings the level is the lowest of: a page that is open takes memory
	// and gives it back.
	levelReadings = 12
	// idleReadings is how many there are while no run is at work.
	idleReadings = 3
)

// Ladder decides from readings. It is told what became of each decision before the next reading. It is
// for one goroutine.
type Ladder struct {
	budget   Budget
	learned  *Experience
	forecast Forecast

	levels   []int64 // of Chrome, the latest
	last     Event   // the latest action that was done
	lastNeed int64
	rested   map[Action]time.Time // until when an action rests
	retired  time.Time            // when a Chrome was last retired
	holding  bool

	slow slowness
}

// NewLadder returns a ladder that begins with what was learned before.
func NewLadder(b Budget, learned *Experience) *Ladder {
	return &Ladder{budget: b, learned: learned, rested: map[Action]time.Time{}, slow: slowness{rest: slowRest}}
}

// Experience is what the ladder has learned.
func (l *Ladder) Experience() *Experience { return l.learned }

// Holding says whether no run should begin while others are at work.
func (l *Ladder) Holding() bool { return l.holding }

// Next says what to do, if anything. While what was decided is under way, it is not asked.
func (l *Ladder) Next(r Reading) (Decision, bool) {
	if !l.budget.Known() {
		return Decision{}, false
	}
	l.note(r)
	urgent := r.Used >= l.budget.Hard
	if !urgent && r.Room == 0 && r.At.Sub(l.last.At) < cooldown {
		return Decision{}, false
	}
	if d, ok := l.marks(r); ok {
		return d, true
	}
	return l.aged(r)
}

// note keeps what a reading says.
func (l *Ladder) note(r Reading) {
	l.levels = append(l.levels, r.Chrome)
	l.levels = l.levels[max(0, len(l.levels)-levelReadings):]
	if r.Shared != "" {
		l.forecast.Add(r.Shared, r.Pages, r.SharedAnon)
	}
	switch {
	case r.Used >= l.budget.Hard, r.Used >= l.budget.Soft && r.Draining:
		l.holding = true
	case r.Used < l.target():
		l.holding = false
	}
}

// target is to where memory is brought down.
func (l *Ladder) target() int64 { return int64(relief * float64(l.budget.Soft)) }

// above is what is held above a fresh Chrome's for longer than a page is open.
func (l *Ladder) above(r Reading) int64 {
	level, readings := r.Chrome, l.levels
	if r.AtWork == 0 { // no page is open but those that stay
		readings = readings[max(0, len(readings)-idleReadings):]
	}
	for _, v := range readings {
		level = min(level, v)
	}
	return max(level-r.Fresh, 0)
}

// marks says what to do about the marks, the forecast and a run that waits.
func (l *Ladder) marks(r Reading) (Decision, bool) {
	d := Decision{Above: l.above(r)}
	in := fmt.Sprintf("%s in use", Size(r.Used))
	switch {
	case r.Used >= l.budget.Hard:
		d.Reason, d.Need = ReasonHard, r.Used-l.target()
		d.Says = fmt.Sprintf("hard mark %s, %s", Size(l.budget.Hard), in)
	case r.Room > 0:
		d.Reason, d.Need = ReasonRoom, r.Room
		d.Says = fmt.Sprintf("%s, which is next, lacks %s, %s", r.RoomFor, Size(r.Room), in)
	case r.Used >= l.budget.Soft:
		d.Reason, d.Need = ReasonSoft, r.Used-l.target()
		d.Says = fmt.Sprintf("soft mark %s, %s", Size(l.budget.Soft), in)
	default:
		pages, slope, ok := l.forecast.Pages(l.budget.Soft - r.Used)
		if !ok {
			return Decision{}, false
		}
		d.Reason, d.Need = ReasonForecast, max(int64(slope*horizon), worth)
		d.Says = fmt.Sprintf("soft mark in %d pages: %s a page, %s", pages, Size(int64(slope)), in)
	}
	if l.helpless(r, d.Reason) {
		given, _ := l.last.Given()
		d.Says = fmt.Sprintf("%s gave back %s of %s; %s", l.last.Action, Size(max(given, 0)), Size(l.lastNeed), d.Says)
		d.Reason = ReasonHelpless
	}
	return l.choose(r, d)
}

// helpless says whether the last action was for the same and did not do half of what it should.
func (l *Ladder) helpless(r Reading, why Reason) bool {
	given, ok := l.last.Given()
	return ok && why != ReasonForecast && r.At.Sub(l.last.At) < retireCooldown && given < l.lastNeed/2
}

// choose takes the cheapest action that is expected to be enough, or else the one that is expected to give
// back most.
func (l *Ladder) choose(r Reading, d Decision) (Decision, bool) {
	best := Decision{}
	for _, rung := range rungs {
		if r.At.Before(l.rested[rung.action]) {
			continue
		}
		share, _ := l.learned.Expect(rung.action, r.At)
		expected := int64(share * float64(d.Above))
		if rung.action == RetireBrowser {
			expected = min(expected, l.retirable(r))
		}
		if expected < worth || expected <= best.Expected {
			continue
		}
		best = d
		best.Action, best.Expected = rung.action, expected
		if expected >= d.Need {
			break
		}
	}
	return best, best.Action != ""
}

// retirable is what a retired Chrome would give back at most: what runs at work hold goes with them in any
// case. It is 0 where none may be retired: beside one that still drains, since both take memory, and while
// there is no room for the successor beside runs at work; those then come to their end first.
func (l *Ladder) retirable(r Reading) int64 {
	rest := retireCooldown
	if r.Used >= l.budget.Hard || r.Room > 0 {
		rest = urgentCooldown
	}
	held := max(r.Chrome-r.Fresh, 0)
	if r.AtWork > 0 && r.Quiet > 0 && r.QuietFor < quietCounts {
		held = max(min(r.Chrome, r.Quiet)-r.Fresh, 0)
	}
	switch {
	case r.Shared == "" || r.Draining || r.At.Sub(l.retired) < rest || held < worthRetiring:
		return 0
	case r.AtWork > 0 && r.Used+successor > l.budget.Hard:
		l.holding = true
		return 0
	}
	return held
}

// Skipped tells that an action found nothing to do.
func (l *Ladder) Skipped(a Action, at time.Time) { l.rested[a] = at.Add(skipFor) }

// Did tells what became of a decision. An action that gave back nothing rests, so that another has its
// turn. Without a reading afterwards, what came of it is learned later, by Learn.
func (l *Ladder) Did(d Decision, e Event) {
	l.last, l.lastNeed = e, d.Need
	l.levels = nil
	l.forecast.Reset()
	l.learned.Add(e)
	if given, ok := e.Given(); ok && given < worth {
		l.rested[e.Action] = e.At.Add(skipFor)
	}
	if e.Action == RetireBrowser {
		l.retired = e.At
	}
}

// Learn takes what came of an action that took longer, or of a rule of the pool.
func (l *Ladder) Learn(e Event) {
	l.learned.Add(e)
	if e.Action == RetireBrowser {
		l.levels = nil
		l.forecast.Reset()
	}
}
