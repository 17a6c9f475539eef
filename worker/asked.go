package worker

import (
	"context"
	"sync"
	"time"

	"github.com/ebbworker/ebb/browser"
)

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
