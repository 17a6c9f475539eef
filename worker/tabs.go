package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ebbworker/ebb/memprof/linux"
	"github.com/ebbworker/ebb/worker/budget"
)

// AutoTabs lets the number of tabs be found by measuring.
type AutoTabs struct {
	// Begin is how many there are at first. Default: 0, their number is as it is.
	Begin int
}

// tabLimit is how many tabs may be lent: as many as measuring finds worth having, or fewer while memory is
// short. The pool's own number is the most.
type tabLimit struct {
	set func(tabs int)

	mu     sync.Mutex // guards what follows
	memory *budget.Tabs
	short  bool // memory is, or was just now
}

// newTabLimit begins with what measuring begins with.
func newTabLimit(w *Worker) *tabLimit {
	most := w.options.Pool.TabLimit()
	if begin := w.options.AutoTabs.Begin; begin > 0 {
		most = min(begin, most)
		w.options.Pool.SetTabs(most)
	}
	return &tabLimit{set: w.options.Pool.SetTabs, memory: budget.NewTabs(most)}
}

// worth takes how many are worth having.
func (l *tabLimit) worth(tabs int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.memory.SetMost(tabs)
	l.set(l.memory.Limit())
}

// read takes a reading of memory, as budget.Tabs.Next does.
func (l *tabLimit) read(at time.Time, over, below bool, pressure float64, known bool) (why budget.Reason, says string, changed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, why, says, changed := l.memory.Next(at, over, below, pressure, known)
	if changed {
		l.set(limit)
	}
	l.short = !below || l.memory.Short()
	return why, says, changed
}

// isShort says whether memory is too short for more tabs.
func (l *tabLimit) isShort() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.short
}

const (
	// climbInterval is the time between two looks at how many pages have ended.
	climbInterval = 500 * time.Millisecond
	// saturatedShare is the share of the processors' time that is used from which they count as saturated.
	saturatedShare = 0.95
)

// climber finds how many tabs are worth having while the worker is at work.
type climber struct {
	w     *Worker
	climb *budget.Climb
	pages atomic.Int64  // that have ended
	woken chan struct{} // holds one after a page
	busy  func() (worked, all time.Duration, err error)

	worked, all time.Duration // of the processors, at the last look
}

// newClimber returns nil where the number of tabs is fixed.
func newClimber(w *Worker, most int) *climber {
	if w.options.AutoTabs.Begin <= 0 {
		return nil
	}
	return &climber{w: w, climb: budget.NewClimb(w.options.AutoTabs.Begin, most), woken: make(chan struct{}, 1), busy: processorTimes}
}

func processorTimes() (worked, all time.Duration, err error) { return linux.Busy(linux.Options{}) }

// ended counts a page.
func (c *climber) ended() {
	if c == nil {
		return
	}
	c.pages.Add(1)
	select {
	case c.woken <- struct{}{}:
	default: // it has not looked since the one before
	}
}

// run climbs until ctx ends. It sleeps from a look that finds nothing to measure to the next page that ends.
func (c *climber) run(ctx context.Context) {
	if c == nil {
		return
	}
	ticker := time.NewTicker(climbInterval)
	defer ticker.Stop()
	seen := int64(0)
	for {
		var at time.Time
		select {
		case <-ctx.Done():
			return
		case at = <-ticker.C:
		}
		p := budget.Pace{
			At: at, Pages: c.pages.Load(), Full: c.w.options.Pool.Waiting() > 0,
			Saturated: c.saturated(), Short: c.w.tabs.isShort(),
		}
		c.look(ctx, p)
		idle := p.Pages == seen && !p.Full && !c.climb.Trying()
		seen = p.Pages
		if !idle {
			continue
		}
		ticker.Stop()
		select {
		case <-ctx.Done():
			return
		case <-c.woken:
		}
		c.saturated() // the next look is at what comes after the sleep
		ticker.Reset(climbInterval)
	}
}

// look takes a reading, and does what follows from it.
func (c *climber) look(ctx context.Context, p budget.Pace) {
	was := c.climb.Tabs()
	says, changed := c.climb.Next(p)
	if tabs := c.climb.Tabs(); tabs != was {
		c.w.tabs.worth(tabs)
	}
	if says == "" {
		return
	}
	event := c.w.options.Log.Debug()
	if changed {
		event = c.w.options.Log.Info()
		c.w.governor.tabsChanged(ctx, budget.Event{At: p.At, Action: budget.FewerTabs, Reason: budget.ReasonPace, Says: says})
	}
	event.Str("says", says).Int("tabs", c.climb.Tabs()).Msg("measured how many tabs are worth having")
}

// saturated says whether the processors had no time left since the last look; false where that cannot be
// told.
func (c *climber) saturated() bool {
	worked, all, err := c.busy()
	if err != nil || all == c.all {
		return false
	}
	share := float64(worked-c.worked) / float64(all-c.all)
	c.worked, c.all = worked, all
	return share >= saturatedShare
}
