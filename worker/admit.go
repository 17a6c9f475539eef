package worker

import (
	"context"
	"time"

	"github.com/ebbworker/ebb/worker/budget"
)

// admit waits until a run may begin. The queue calls it.
func (g *governor) admit(ctx context.Context, site string, run int64) (func(), error) {
	if g == nil || g.w.quota.beyond(site, run) {
		return func() {}, nil
	}
	r := g.gate.come(site, run)
	g.poke()
	select {
	case <-r.ready:
		if g.gate.wasTold(r) {
			g.endWait(ctx, r)
		}
		return func() { g.leave(ctx, r) }, nil
	case <-ctx.Done():
		g.leave(ctx, r)
		if g.gate.wasTold(r) {
			g.endWait(ctx, r)
		}
		return nil, context.Cause(ctx)
	}
}

// waitsFor says whether a run waits.
func (g *gate) waitsFor(run int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range g.admission.Waiting() {
		if w.Run == run {
			return true
		}
	}
	return false
}

// ended notes that a run came to its end: what it took says what the next takes.
func (g *governor) ended(run int64) {
	if g == nil {
		return
	}
	g.gate.mu.Lock()
	defer g.gate.mu.Unlock()
	for _, r := range g.gate.runs {
		r.ended = r.ended || r.Run == run
	}
}

// leave takes a run out, and keeps what it took.
func (g *governor) leave(ctx context.Context, r *gated) {
	p, known := g.gate.leave(r)
	g.poke()
	if !known {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), governTimeout)
	defer cancel()
	if err := g.w.options.Store.AddSitePeak(ctx, p, budget.KeptPeaks); err != nil {
		g.w.options.Log.Warn().Err(err).Msg("what the run took is not kept")
	}
}

// endWait records that a run that was told to wait waits no more.
func (g *governor) endWait(ctx context.Context, r *gated) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), governTimeout)
	defer cancel()
	if err := g.w.options.Store.EndMemoryWait(ctx, g.w.engine.Self().ID, r.Run); err != nil {
		g.w.options.Log.Warn().Err(err).Msg("a run still counts as waiting")
	}
	g.w.options.Log.Info().Str("site", r.Site).Int64("run", r.Run).Dur("waited", time.Since(r.came)).Msg("the run waits for memory no more")
}

// Waiting is how many runs wait for memory.
func (w *Worker) Waiting() int {
	if w.governor == nil {
		return 0
	}
	w.governor.gate.mu.Lock()
	defer w.governor.gate.mu.Unlock()
	return len(w.governor.gate.admission.Waiting())
}
