package worker

import (
	"context"
	"sync"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/linux"
	"github.com/ebbworker/ebb/worker/budget"
	"github.com/ebbworker/ebb/worker/store"
)

const (
	// governInterval is the time between two readings while runs are at work or wait, and restInterval
	// else.
	governInterval, restInterval = 200 * time.Millisecond, 2 * time.Second
	// governTimeout bounds what the governor asks of the database at once.
	governTimeout = 10 * time.Second
	// defaultFresh is what a Chrome is taken to hold that was not seen before its first page, and
	// mostFresh the most that one that was is believed to.
	defaultFresh, mostFresh = 90 << 20, 160 << 20
	// recentEvents is how many events of this host are kept in memory, to judge what earns its cost.
	recentEvents = 300
)

// governor keeps memory within the budget while the worker is at work: it reads what is in use, lets the
// ladder decide what to give back, does it, and lets runs begin that fit. It reads by itself: it works
// whether memory is recorded or not.
type governor struct {
	w      *Worker
	budget *Budget
	source memprof.Source
	wake   chan struct{}          // a run has come or gone
	news   chan browser.Recycling // from the pool

	gate  *gate // has its own lock
	asked *asked
	acts  *acts

	// Owned by the goroutine of run.
	ladder *budget.Ladder
	tabs   *budget.Tabs
	fresh  map[string]int64 // what each Chrome held when it was young
	latest memoryNow
	quiet  memoryNow    // the latest while no run was at work
	held   budget.Event // since when no run begins; zero while they may

	recorded bool // what the budget is
}

// newGovernor returns nil where there is no budget.
func newGovernor(w *Worker) *governor {
	if !w.options.Budget.known() {
		return nil
	}
	g := &governor{
		w: w, budget: w.options.Budget, wake: make(chan struct{}, 1), news: make(chan browser.Recycling, 64),
		gate: newGate(w.options.Budget.Budget), asked: &asked{}, fresh: map[string]int64{},
	}
	g.acts = &acts{g: g, retiring: map[int]*retiring{}, told: map[string]bool{}}
	g.source = linux.NewProcesses(linux.Options{Browsers: func() []linux.Browser { return processesOf(w.options.Pool) }})
	return g
}

// processesOf are the pool's Chromes.
func processesOf(pool *browser.Pool) []linux.Browser {
	var list []linux.Browser
	for _, b := range pool.Browsers() {
		list = append(list, linux.Browser{ID: id(b), PID: b.PID()})
	}
	return list
}

// run governs until ctx ends.
func (g *governor) run(ctx context.Context) {
	if g == nil {
		return
	}
	g.remember(ctx)
	g.tabs = budget.NewTabs(tabLimit(g.w.options.Pool))
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
		case <-timer.C:
		case <-g.wake:
		}
		g.tick(ctx)
		next := restInterval
		if g.gate.busy() || len(g.acts.retiring) > 0 {
			next = governInterval
		}
		timer.Reset(next)
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
	now, ok := g.read(ctx)
	if !ok {
		g.gate.admitBlind()
		return
	}
	g.acts.observe(now)
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
		r.Early, r.Late = paceOf(b)
	}
	if r.AtWork = g.gate.atWork(); r.AtWork == 0 {
		g.quiet = now
	}
	r.Quiet, r.QuietFor = g.quiet.chrome, now.at.Sub(g.quiet.at)
	if load, err := g.budget.room.LoadPerCPU(); err != nil || load > busyLoad {
		r.Busy = true
	}
	r.RoomFor, r.Room = g.gate.lacking()
	return r
}

// busyLoad is the load average by processor above which times tell nothing.
const busyLoad = 1.5

// memoryNow is one reading of memory, in bytes of anonymous memory.
type memoryNow struct {
	at      time.Time
	used    int64 // what counts against the budget
	chrome  int64 // of all Chromes
	fresh   int64 // of as many that are young
	chromes map[string]int64
}

// read reads memory now; false where that was not possible.
func (g *governor) read(ctx context.Context) (memoryNow, bool) {
	now := memoryNow{at: time.Now(), chromes: map[string]int64{}}
	own, known := int64(0), false
	for _, r := range g.source.Read(ctx, memprof.Request{Level: memprof.LevelCheap, Tick: true, Quick: true}) {
		if r.Metric != "process.anon" || r.Err != nil {
			continue // a process that has just ended holds nothing
		}
		own += int64(r.Value)
		if r.Subject.Browser == "" {
			known = true
			continue
		}
		now.chrome += int64(r.Value)
		now.chromes[r.Subject.Browser] += int64(r.Value)
	}
	now.used = g.budget.used(own)
	for _, b := range g.w.options.Pool.Browsers() {
		now.fresh += g.freshOf(b, now.chromes[id(b)])
	}
	if known {
		g.latest = now
	}
	return now, known
}

// freshOf is what a Chrome held before its first page.
func (g *governor) freshOf(b *browser.Browser, anon int64) int64 {
	name := id(b)
	if anon > 0 && b.Pages() == 0 {
		for old := range g.fresh {
			if len(g.fresh) > 16 {
				delete(g.fresh, old) // of Chromes that have ended
			}
		}
		g.fresh[name] = min(anon, mostFresh)
	}
	return g.freshAs(name)
}

// freshAs is what is known of how much a Chrome held before its first page.
func (g *governor) freshAs(name string) int64 {
	if fresh, seen := g.fresh[name]; seen {
		return fresh
	}
	return defaultFresh
}

// settle waits until memory is down to what is expected, at least 100 ms and at most so long, and reads it.
func (g *governor) settle(ctx context.Context, most time.Duration, expected int64) memoryNow {
	end := time.Now().Add(most)
	timer := time.NewTimer(settleTimes[memprof.LevelCheap])
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return g.latest
		case <-timer.C:
		}
		now, _ := g.read(ctx)
		g.gate.observe(now.used)
		if now.used <= expected || now.at.After(end) {
			return now
		}
		timer.Reset(50 * time.Millisecond)
	}
}

// asked is an action that each tab in use is to take part in after its next page.
type asked struct {
	mu      sync.Mutex // owns what follows
	cleanup string
	until   time.Time
	done    map[*browser.Lease]bool
	count   int
	took    time.Duration
}

// begin asks the tabs in use for a cleanup, until a time.
func (a *asked) begin(cleanup string, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cleanup, a.until, a.done, a.count, a.took = cleanup, until, map[*browser.Lease]bool{}, 0, 0
}

// end says how many tabs did it, and for how long they took.
func (a *asked) end() (count int, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cleanup, a.done = "", nil
	return a.count, a.took
}

// of returns what is asked of a lease; each is asked once.
func (a *asked) of(l *browser.Lease) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cleanup == "" || a.done[l] || time.Now().After(a.until) {
		return ""
	}
	a.done[l] = true
	return a.cleanup
}

func (a *asked) add(r browser.CleanReport) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.Skipped == "" && r.Err == nil {
		a.count++
		a.took += r.Took
	}
}

// afterPage does what was asked for to a tab between two visits.
func (g *governor) afterPage(ctx context.Context, l *browser.Lease) {
	if g == nil {
		return
	}
	if name := g.asked.of(l); name != "" {
		g.asked.add(g.w.options.Pool.Clean(ctx, name, browser.CleanAt{Lease: l}))
	}
}
