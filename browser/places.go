package browser

import (
	"context"
	"slices"
	"sync"
)

// places are those of leases: so many may be taken at once, and they are given in the order in which
// they were asked for. The limit may change at any time: places that are taken stay taken.
type places struct {
	mu      sync.Mutex
	limit   int
	taken   int
	waiting []chan struct{} // first come first; closed when a place is its
}

// take waits for a place. The error is the context's cause.
func (p *places) take(ctx context.Context) error {
	p.mu.Lock()
	if ctx.Err() == nil && p.taken < p.limit && len(p.waiting) == 0 {
		p.taken++
		p.mu.Unlock()
		return nil
	}
	given := make(chan struct{})
	p.waiting = append(p.waiting, given)
	p.mu.Unlock()
	select {
	case <-given:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := slices.Index(p.waiting, given); at >= 0 {
		p.waiting = slices.Delete(p.waiting, at, at+1)
		return context.Cause(ctx)
	}
	return nil // it came at the same moment
}

// free gives a place back.
func (p *places) free() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	p.give()
}

// set changes how many there are.
func (p *places) set(limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = limit
	p.give()
}

// give hands places that are free to those who wait. The caller holds mu.
func (p *places) give() {
	for p.taken < p.limit && len(p.waiting) > 0 {
		close(p.waiting[0])
		p.waiting = slices.Delete(p.waiting, 0, 1)
		p.taken++
	}
}

// count is how many there are, and how many are taken.
func (p *places) count() (limit, taken int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit, p.taken
}
