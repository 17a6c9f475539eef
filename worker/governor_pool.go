package worker

import (
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/worker/budget"
)

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

// retireBrowser asks for the retirement of a Chrome.
func retireBrowser(pool *browser.Pool, b *browser.Browser, d budget.Decision) error {
	reason := browser.RecycleMemory
	if d.Reason == budget.ReasonSlow {
		reason = browser.RecycleSlow
	}
	return pool.Retire(b, reason, d.Says)
}

func tabLimit(pool *browser.Pool) int { return pool.TabLimit() }

func setTabs(pool *browser.Pool, n int) { pool.SetTabs(n) }

// paceOf is how long visits took when a Chrome was young and take now; 0 while that is not known.
func paceOf(b *browser.Browser) (early, late time.Duration) {
	p := b.Pace()
	return p.First, p.Last
}
