package worker

import (
	"context"
	"sync"
	"time"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/worker/crawl"
)

// settleTimes is how long memory may settle before the last reading of a cycle: the
// processes of a browser context end some 80 ms after it, and what Chrome gives back by
// itself it gives back within 200 ms.
var settleTimes = map[memprof.Level]time.Duration{memprof.LevelCheap: 100 * time.Millisecond, memprof.LevelFull: 200 * time.Millisecond}

// meter makes a memory cycle of each run. The idle time between two runs belongs to
// the cycle of the later one, so that what happens in it is not lost between them.
type meter struct {
	recorder *memprof.Recorder                    // nil measures nothing
	tell     func(site string, kind memprof.Kind) // of each phase that begins

	mu     sync.Mutex
	outer  *memprof.Cycle                               // of a diagnosis: runs are phases of it
	ending func(ctx context.Context, kind memprof.Kind) // called before a run's phase of outer ends
	active int
	idle   *cycle // begun when the last run ended; nil while runs are at work
}

func newMeter(r *memprof.Recorder) *meter {
	return &meter{recorder: r, tell: func(string, memprof.Kind) {}}
}

// cycle is the memory cycle of one run, with the phase that it is in.
type cycle struct {
	meter  *meter
	cycle  *memprof.Cycle
	site   string
	now    *memprof.Phase
	kind   memprof.Kind                                 // of now
	quiet  bool                                         // no other run was at work when it ended
	ending func(ctx context.Context, kind memprof.Kind) // nil, unless the cycle is of several runs
}

// within makes the runs that begin from now on phases of one cycle, which the caller ends; nil
// ends that. ending is called before each of their phases ends, and with no kind before the first.
func (m *meter) within(outer *memprof.Cycle, ending func(ctx context.Context, kind memprof.Kind)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outer, m.ending = outer, ending
}

// begin starts the cycle of a run, or takes over the idle one.
func (m *meter) begin(ctx context.Context, site string) *cycle {
	m.mu.Lock()
	if m.outer != nil {
		defer m.mu.Unlock()
		return &cycle{meter: m, site: site, cycle: m.outer, ending: m.ending}
	}
	c := m.idle
	m.idle = nil
	m.active++
	m.mu.Unlock()
	if c == nil {
		return &cycle{meter: m, site: site, cycle: m.recorder.Cycle(site, site)}
	}
	c.now.End(ctx)
	c.now, c.site = nil, site
	c.cycle.Rename(site, site)
	return c
}

// phase ends the phase that the cycle is in and begins another.
func (c *cycle) phase(ctx context.Context, kind memprof.Kind) {
	if c.now == nil && c.ending != nil {
		c.ending(ctx, "") // what came before the run is none of its own
	}
	c.endPhase(ctx)
	c.now, c.kind = c.cycle.Phase(kind, c.site), kind
	c.meter.tell(c.site, kind)
}

// endPhase ends the phase that the cycle is in, if it is in one.
func (c *cycle) endPhase(ctx context.Context) {
	if c.now == nil {
		return
	}
	if c.ending != nil {
		c.ending(ctx, c.kind)
	}
	c.now.End(ctx)
	c.now = nil
}

// follow changes the phase as the run's events say.
func (c *cycle) follow(ctx context.Context, e crawl.Event) {
	if e.Kind != crawl.EventPhase {
		return
	}
	switch e.Phase {
	case crawl.PhaseScrape:
		c.phase(ctx, memprof.Scrape)
	case crawl.PhaseCleanup:
		c.phase(ctx, memprof.Cleanup)
	}
}

// settle gives memory its time.
func (m *meter) settle(ctx context.Context, c *cycle) {
	if c.ending != nil {
		return // the cycle settles after all of its runs
	}
	c.phase(ctx, memprof.Settle)
	if m.recorder == nil {
		return
	}
	timer := time.NewTimer(settleTimes[m.recorder.Level()])
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// stop ends the phase that the cycle is in, and the cycle.
func (c *cycle) stop(ctx context.Context) memprof.Summary {
	c.endPhase(ctx)
	return c.cycle.End(ctx)
}

// end ends the cycle; if no other run is at work, the idle time begins.
func (c *cycle) end(ctx context.Context) memprof.Summary {
	if c.ending != nil {
		c.endPhase(ctx)
		return memprof.Summary{}
	}
	summary := c.stop(ctx)
	m := c.meter
	m.mu.Lock()
	m.active--
	quiet := m.active == 0
	c.quiet = quiet
	m.mu.Unlock()
	if !quiet || m.recorder == nil {
		return summary
	}
	idle := &cycle{meter: m, cycle: m.recorder.Cycle("idle")}
	idle.now = idle.cycle.Phase(memprof.Idle, "")
	m.tell("", memprof.Idle)
	m.mu.Lock()
	if m.active == 0 && m.idle == nil {
		m.idle, idle = idle, nil
	}
	m.mu.Unlock()
	if idle != nil { // another run began meanwhile, with a cycle of its own
		idle.stop(ctx)
	}
	return summary
}

// close ends the idle time after the last run.
func (m *meter) close(ctx context.Context) {
	m.mu.Lock()
	idle := m.idle
	m.idle = nil
	m.mu.Unlock()
	if idle != nil {
		idle.stop(ctx)
	}
}
