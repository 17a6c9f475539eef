package crawl

import (
	"context"
	"sync"
	"time"
)

// lasting gives contexts for what is to be done although the run's time is over, such as making a page durable. Those
// who ask within a short time share one, since each costs a timer and half a dozen allocations.
type lasting struct {
	timeout time.Duration

	mu    sync.Mutex // guards what follows
	made  time.Time
	given context.Context // nil before the first
	end   context.CancelFunc
}

// of returns a context that ends after the timeout, or up to a sixteenth of it earlier, and not with ctx. Its values are
// those of the ctx for which it was made.
func (l *lasting) of(ctx context.Context) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.given == nil || time.Since(l.made) > l.timeout/16 {
		l.made = time.Now()
		l.given, l.end = context.WithTimeout(context.WithoutCancel(ctx), l.timeout) // the one before ends by itself
	}
	return l.given
}

// close ends the last context: nobody uses it any more.
func (l *lasting) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.given != nil {
		l.end()
	}
}
