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
	// settleMost is how long what was given back may take to be seen, and drainMost how long tabs in use
	// have to take part.
	settleMost, drainMost = 500 * time.Millisecond, time.Second
	// actTimeout bounds one action.
	actTimeout = 10 * time.Second
)

// acts does what the ladder decides, and keeps what came of it. It belongs to the governor's goroutine.
type acts struct {
	g        *governor
	retiring map[int]*retiring // by the Chrome's process
	events   []budget.Event    // the latest of this host
	told     map[string]bool   // policies that do not earn their cost, as they were told
}

// retiring is a Chrome that has been retired and is not gone. low is the least that it has held since: when
// its runs had gone. ladder says that the ladder retired it.
type retiring struct {
	event  budget.Event
	low    int64
	ladder bool
}

// observe takes a reading of the Chromes that are being retired.
func (a *acts) observe(now memoryNow) {
	for pid, r := range a.retiring {
		held := now.chromes[chromeID(pid)]
		if held >= 3*a.g.gauge.freshAs(chromeID(pid))/4 && (r.low == 0 || held < r.low) { // else it is ending
			r.low = held
		}
	}
}

// do does one action, waits until memory has settled, and tells.
func (a *acts) do(ctx context.Context, d budget.Decision, now memoryNow) {
	e := budget.Event{At: now.at, Action: d.Action, Reason: d.Reason, Says: d.Says, Before: now.used, Above: d.Above}
	if d.Action == budget.RetireBrowser {
		a.retire(d, e)
		return
	}
	most := settleMost
	if cleanup := leasedCleanups[d.Action]; cleanup != "" && a.g.inUse() {
		most = drainMost
		a.g.asked.begin(cleanup, time.Now().Add(most))
	}
	count, took := a.clean(ctx, d.Action)
	after := a.g.settle(ctx, most, now.used-d.Expected)
	leased, leasedTook := a.g.asked.end()
	if count+leased == 0 {
		a.g.ladder.Skipped(d.Action, after.at)
		return
	}
	e.After, e.Took = after.used, took+leasedTook
	a.g.ladder.Did(d, e)
	a.tell(ctx, e)
}

// leasedCleanups are the actions in which a tab in use takes part after its next page.
var leasedCleanups = map[budget.Action]string{budget.CollectGarbage: "gc", budget.RecreatePage: "recreate-page"}

// storageCleanups clear what origins keep in memory. Cookies and localStorage stay: a site that is logged in
// stays so.
var storageCleanups = []string{"service-workers", "cache-storage", "indexeddb"}

// clean gives back what nobody uses, and counts what it was. What a site's runs share is left alone while
// one of them is at work.
func (a *acts) clean(ctx context.Context, action budget.Action) (count int, took time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, actTimeout)
	defer cancel()
	do := func(name string, at browser.CleanAt) {
		r := a.g.w.options.Pool.Clean(ctx, name, at)
		took += r.Took
		if r.Skipped == "" && r.Err == nil && (r.Count > 0 || r.Says != "") {
			count += max(r.Count, 1) // Chrome may take longer than the check
		}
		a.g.w.options.Log.Debug().Str("cleanup", name).Str("site", at.Site).Int("count", r.Count).Dur("took", r.Took).
			Str("says", r.Says).Str("skipped", r.Skipped).Err(r.Err).Msg("gave back what nobody uses")
	}
	switch action {
	case budget.CollectGarbage, budget.RecreatePage:
		do(leasedCleanups[action], browser.CleanAt{})
	case budget.ClearStorage:
		for _, site := range a.g.resting() {
			for _, name := range storageCleanups {
				do(name, browser.CleanAt{Site: site})
			}
		}
	case budget.RecreateContext:
		for _, site := range a.g.resting() {
			do("recreate-context", browser.CleanAt{Site: site})
		}
	}
	return count, took
}

// resting are the sites of which no run is at work.
func (g *governor) resting() []string {
	names := make([]string, 0, len(g.w.options.Sites))
	for _, s := range g.w.options.Sites {
		names = append(names, s.Name)
	}
	return g.gate.resting(names)
}

// inUse says whether a lease has a tab.
func (g *governor) inUse() bool {
	for _, t := range g.w.options.Pool.Tabs() {
		if t.Leased {
			return true
		}
	}
	return false
}

// retire begins the retirement of the Chrome that runs share. What comes of it is known when it is gone.
func (a *acts) retire(d budget.Decision, e budget.Event) {
	b := a.g.w.options.Pool.Shared()
	if b == nil {
		a.g.ladder.Skipped(d.Action, e.At)
		return
	}
	why := browser.RecycleMemory
	if d.Reason == budget.ReasonSlow {
		why = browser.RecycleSlow
	}
	if err := a.g.w.options.Pool.Retire(b, why, d.Says); err != nil {
		a.g.w.options.Log.Debug().Err(err).Str("says", d.Says).Msg("Chrome cannot be retired now")
		a.g.ladder.Skipped(d.Action, e.At)
		return
	}
	a.retiring[b.PID()] = &retiring{event: e, ladder: true}
	a.g.ladder.Did(d, e)
}

// Recycled takes what the pool tells of a Chrome that is being retired: it is browser.PoolOptions.OnRecycle.
// It does not block.
func (w *Worker) Recycled(r browser.Recycling) {
	if w.governor == nil {
		return
	}
	select {
	case w.governor.news <- r:
	default: // nobody takes them: the worker is not at work
	}
}

// recycled takes news of the pool: of a Chrome that is being retired, whoever decided it.
func (a *acts) recycled(ctx context.Context, r browser.Recycling) {
	was := a.retiring[r.PID]
	switch {
	case r.Err != nil:
		delete(a.retiring, r.PID)
	case r.Gone.IsZero():
		if was == nil {
			a.retiring[r.PID] = &retiring{event: budget.Event{
				At: r.Decided, Action: budget.RetireBrowser, Reason: budget.Reason(r.Reason), Says: r.Says,
			}}
			now, _ := a.g.gauge.read(ctx)
			a.observe(now)
		}
	case was != nil:
		delete(a.retiring, r.PID)
		e := was.event
		e.Took = r.Waited
		if !r.Ready.IsZero() {
			e.Took += r.Ready.Sub(r.Decided)
		}
		after := a.g.settle(ctx, 2*settleTimes[memprof.LevelCheap], 0)
		if e.After = after.used; !was.ladder { // of what other runs did meanwhile it says nothing
			e.Before, e.After = was.low, a.g.gauge.freshAs(chromeID(r.PID))
			e.Above = e.Before - e.After
		}
		a.g.ladder.Learn(e)
		a.tell(ctx, e)
	}
}

// tell logs an event, notes it in the recording and stores it; then it says what does not earn its cost.
func (a *acts) tell(ctx context.Context, e budget.Event) {
	g := a.g
	a.events = append(a.events, e)
	a.events = a.events[max(0, len(a.events)-recentEvents):]
	given, _ := e.Given()
	g.w.options.Log.Info().Str("action", string(e.Action)).Str("reason", string(e.Reason)).Str("says", e.Says).
		Int64("before", e.Before).Int64("after", e.After).Int64("given", given).Int64("took_ms", e.Took.Milliseconds()).Msg("acted on memory")
	_ = g.w.options.Memory.Recorder.Note(budgetNote, e)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), governTimeout)
	defer cancel()
	self := g.w.engine.Self()
	err := g.w.options.Store.AddMemoryEvent(ctx, store.MemoryEvent{
		At: e.At, Host: self.Host, Worker: self.ID, Action: string(e.Action), Reason: string(e.Reason), Says: e.Says,
		Before: e.Before, After: e.After, Above: e.Above, Took: e.Took,
	})
	if err != nil {
		g.w.options.Log.Warn().Err(err).Msg("`ebb explain` will not know of it")
	}
	for _, p := range budget.Policies(a.events) {
		if key := string(p.Action) + " " + string(p.Reason); p.Wasteful != "" && !a.told[key] {
			a.told[key] = true
			g.w.options.Log.Warn().Str("action", string(p.Action)).Str("reason", string(p.Reason)).Int("times", p.Known).
				Int64("given", p.Given).Int64("took_ms", p.Took.Milliseconds()).Msg(p.Wasteful)
		}
	}
}

// budgetNote is the name of a note that holds a budget.Event.
const budgetNote = "memory"

// eventOf is an event as it was stored.
func eventOf(e store.MemoryEvent) budget.Event {
	return budget.Event{
		At: e.At, Action: budget.Action(e.Action), Reason: budget.Reason(e.Reason), Says: e.Says,
		Before: e.Before, After: e.After, Above: e.Above, Took: e.Took,
	}
}
