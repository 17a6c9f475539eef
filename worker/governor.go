package worker

import (
	"context"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/worker/budget"
	"github.com/ebbworker/ebb/worker/store"
)

const (
	// governInterval is the time between two readings while runs are at work or wait, or memory is short, and
	// restInterval else.
	governInterval, restInterval = 200 * time.Millisecond, 5 * time.Second
	// governTimeout bounds what the governor asks of the database at once.
	governTimeout = 10 * time.Second
	// recentEvents is how many events of this host are kept in memory, to judge what earns its cost.
	recentEvents = 300
)

// governor keeps memory within the budget while the worker is at work: it reads what is in use, lets the
// ladder decide what to give back, does it, and lets runs begin that fit. It reads by itself: it works
// whether memory is recorded or not.
type governor struct {
	w      *Worker
	budget *Budget
	wake   chan struct{}          // a run has come or gone
	news   chan browser.Recycling // from the pool
	paced  chan budget.Event      // how many tabs are worth having

	gate  *gate // has its own lock
	asked *asked
	acts  *acts

	// Owned by the goroutine of run.
	gauge  *gauge
	ladder *budget.Ladder
	held   budget.Event // since when no run begins; zero while they may

	short    bool // the soft mark is passed
	recorded bool // what the budget is
}

// newGovernor returns nil where there is no budget.
func newGovernor(w *Worker) *governor {
	if !w.options.Budget.known() {
		return nil
	}
	g := &governor{
		w: w, budget: w.options.Budget, wake: make(chan struct{}, 1), news: make(chan browser.Recycling, 64), paced: make(chan budget.Event, 8),
		gate: newGate(w.options.Budget.Budget), asked: &asked{}, gauge: newGauge(w),
	}
	g.acts = &acts{g: g, retiring: map[int]*retiring{}, told: map[string]bool{}}
	return g
}

// run governs until ctx ends.
func (g *governor) run(ctx context.Context) {
	if g == nil {
		return
	}
	g.remember(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-g.news:
			g.acts.recycled(ctx, r)
			timer.Reset(governInterval)
			continue
		case e := <-g.paced:
			g.acts.tell(ctx, e)
			timer.Reset(0)
			continue
		case <-timer.C:
		case <-g.wake:
		}
		g.tick(ctx)
		next := restInterval
		if g.gate.busy() || len(g.acts.retiring) > 0 || g.short {
			next = governInterval
		}
		timer.Reset(next)
	}
}

// tabsChanged takes that there are more or fewer tabs from now on, to be told.
func (g *governor) tabsChanged(ctx context.Context, e budget.Event) {
	if g == nil {
		return
	}
	select {
	case g.paced <- e:
	case <-ctx.Done():
	}
}

// poke makes the next reading come at once.
func (g *governor) poke() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// remember reads what this host has learned before, and what the sites' runs took.
func (g *governor) remember(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, governTimeout)
	defer cancel()
	experience := budget.NewExperience()
	events, err := g.w.options.Store.MemoryEvents(ctx, store.MemoryEventFilter{Host: g.w.engine.Self().Host, Limit: recentEvents})
	for _, e := range events {
		g.acts.events = append(g.acts.events, eventOf(e))
		experience.Add(eventOf(e))
	}
	g.ladder = budget.NewLadder(g.budget.Budget, experience)
	peaks, peaksErr := g.w.options.Store.SitePeaks(ctx)
	g.gate.learn(peaks)
	for _, err := range []error{err, peaksErr} {
		if err != nil && ctx.Err() == nil {
			g.w.options.Log.Warn().Err(err).Msg("what was learned of memory before is not known")
		}
	}
}

// tick reads, decides and acts once.
func (g *governor) tick(ctx context.Context) {
	now, ok := g.gauge.read(ctx)
	if !ok {
		g.gate.admitBlind()
		return
	}
	g.acts.observe(now)
	g.short = now.used >= g.budget.Soft
	g.gate.read(now.used, g.ladder.Holding())
	reading := g.reading(now)
	d, act := g.ladder.Next(reading)
	g.hold(ctx, now)
	switch {
	case act:
		g.acts.do(ctx, d, now)
	case reading.Room > 0 && !reading.Draining:
		g.gate.free() // no more can be given back for it
	}
	g.adaptTabs(ctx, now)
	g.tell(ctx)
}

// reading is what the ladder wants to know.
func (g *governor) reading(now memoryNow) budget.Reading {
	r := budget.Reading{At: now.at, Used: now.used, Chrome: now.chrome, Fresh: now.fresh, Draining: len(g.acts.retiring) > 0}
	if b := g.w.options.Pool.Shared(); b != nil {
		r.Shared, r.SharedAnon, r.Pages = id(b), now.chromes[id(b)], b.Pages()
		r.Early, r.Late = b.Pace().First, b.Pace().Last
	}
	if r.AtWork = g.gate.atWork(); r.AtWork == 0 {
		g.gauge.quiet = now
	}
	r.Quiet, r.QuietFor = g.gauge.quiet.chrome, now.at.Sub(g.gauge.quiet.at)
	if load, err := g.budget.room.LoadPerCPU(); err != nil || load > busyLoad {
		r.Busy = true
	}
	r.RoomFor, r.Room = g.gate.lacking()
	return r
}

// busyLoad is the load average by processor above which times tell nothing.
const busyLoad = 1.5

// settle waits until memory is down to what is expected, at least 100 ms and at most so long, and reads it.
func (g *governor) settle(ctx context.Context, most time.Duration, expected int64) memoryNow {
	end := time.Now().Add(most)
	timer := time.NewTimer(settleTimes[memprof.LevelCheap])
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return g.gauge.latest
		case <-timer.C:
		}
		now, _ := g.gauge.read(ctx)
		g.gate.observe(now.used)
		if now.used <= expected || now.at.After(end) {
			return now
		}
		timer.Reset(50 * time.Millisecond)
	}
}
