package worker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ebbworker/ebb/worker/budget"
	"github.com/ebbworker/ebb/worker/store"
)

// hold tells when no run begins any more, and when they may again.
func (g *governor) hold(ctx context.Context, now memoryNow) {
	holding := g.ladder.Holding()
	switch {
	case holding && g.held.At.IsZero():
		g.held = budget.Event{
			At: now.at, Action: budget.Hold, Reason: budget.ReasonHard, Before: now.used,
			Says: fmt.Sprintf("hard mark %s: no run began beside others", budget.Size(g.budget.Hard)),
		}
		if now.used < g.budget.Hard {
			g.held.Reason = budget.ReasonSoft
			g.held.Says = fmt.Sprintf("soft mark %s, no room for another browser: no run began beside others", budget.Size(g.budget.Soft))
		}
		g.w.options.Log.Warn().Int64("used", now.used).Str("says", g.held.Says).Msg("memory is short: no run begins beside others until it is not")
	case !holding && !g.held.At.IsZero():
		e := g.held
		e.After, e.Took = now.used, now.at.Sub(e.At)
		g.held = budget.Event{}
		g.acts.tell(ctx, e)
	}
}

// adaptTabs lets fewer tabs be lent while memory is short.
func (g *governor) adaptTabs(ctx context.Context, now memoryNow) {
	pressure, err := g.budget.room.Pressure()
	why, says, changed := g.w.tabs.read(now.at, now.used >= g.budget.Hard, now.used < g.budget.Soft, pressure, err == nil)
	if !changed {
		return
	}
	g.acts.tell(ctx, budget.Event{At: now.at, Action: budget.FewerTabs, Reason: why, Says: says, Before: now.used, After: now.used})
}

// tell tells who waits, once for each reason, and what the budget is, once.
func (g *governor) tell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, governTimeout)
	defer cancel()
	self := g.w.engine.Self().ID
	for _, r := range g.gate.waits() {
		log := g.w.options.Log.Debug()
		if r.alone { // the first time
			log = g.w.options.Log.Info()
		}
		log.Str("site", r.Site).Int64("run", r.Run).Int64("needs", r.Need.Bytes).Str("why", r.Why).Msg("the run waits for memory")
		_, err := g.w.options.Store.SetMemoryWait(ctx, store.MemoryWait{Worker: self, Run: r.Run, Site: r.Site, Since: r.came, Why: r.Why})
		if err == nil && !g.gate.waitsFor(r.Run) { // it has begun meanwhile
			err = g.w.options.Store.EndMemoryWait(ctx, self, r.Run)
		}
		if err != nil && ctx.Err() == nil {
			g.w.options.Log.Warn().Err(err).Msg("why the run waits is not recorded")
		}
	}
	if g.recorded {
		return
	}
	data, err := json.Marshal(g.budget.Budget)
	if err == nil {
		g.recorded, err = g.w.options.Store.SetBudget(ctx, self, string(data))
	}
	if err != nil && ctx.Err() == nil {
		g.recorded = true
		g.w.options.Log.Warn().Err(err).Msg("`ebb explain` will not know the budget")
	}
}
