package browser

import (
	"context"
	"fmt"
	"time"
)

// Reach is how far a cleanup acts.
type Reach string

const (
	// ReachTab is the tab of a lease, or the idle and kept tabs of a run or of the pool.
	ReachTab Reach = "tab"
	// ReachPlace is the browser context of a lease or a run, and the origins that it touched there.
	ReachPlace Reach = "place"
	// ReachBrowser is the whole Chrome.
	ReachBrowser Reach = "browser"
	// ReachWorker is the worker itself: its part, not the pool's.
	ReachWorker Reach = "worker"
)

// CarryOver is how the effect of a cleanup carries over into later cycles.
type CarryOver string

const (
	// Transient lowers the level only: the next cycle is as if it had not been.
	Transient CarryOver = "transient"
	// Resetting clears all arrears when it is done once.
	Resetting CarryOver = "resetting"
	// Lasting puts later cycles into something younger: an experiment needs a fresh browser for each arm.
	Lasting CarryOver = "lasting"
)

// Cleanup is one named way of giving memory back: a row of one table.
type Cleanup struct {
	// Name is what a site file calls it.
	Name string
	// Reach is how far it acts.
	Reach Reach
	// Touches says what it gives back, in words for people.
	Touches string
	// How names the calls that do it.
	How string
	// Carry is how its effect carries over into later cycles.
	Carry CarryOver
	// Warning is what to know before using it; "" for nothing.
	Warning string

	run func(context.Context, *cleaning)
}

// CleanAt is where a cleanup acts. Both empty is the whole pool, after a cycle; leases that are out are
// then left alone.
type CleanAt struct {
	// Lease is after a page: its tab. nil otherwise.
	Lease *Lease
	// Site and Run are after a run: all that the run of the site used, which is its tabs that are idle
	// or kept, its browser context, and the origins that it touched.
	Site, Run string
}

// CleanReport is what one cleanup did, and what a check afterwards showed.
type CleanReport struct {
	Name string
	Took time.Duration
	// Bytes were given back as far as Chrome can tell; BytesKnown says whether it can.
	Bytes      float64
	BytesKnown bool
	// Count objects or targets were given back: 3 "databases".
	Count int
	Of    string
	// Verified says that a check afterwards showed what the cleanup is for, Says what it showed.
	Verified bool
	Says     string
	// Skipped is why there was nothing to do, or why it cannot work here; "" when it was done.
	Skipped string
	// Err is why it did not work.
	Err error
}

// Cleanups are all cleanups, in the order in which they are done when several are asked for: the
// storage of origins, the page, the browser context, the browser, the worker.
func Cleanups() []Cleanup { return append([]Cleanup(nil), cleanups...) }

// FindCleanup returns the cleanup of a name.
func FindCleanup(name string) (Cleanup, bool) {
	for _, c := range cleanups {
		if c.Name == name {
			return c, true
		}
	}
	return Cleanup{}, false
}

// cleanTimeout bounds a cleanup whose context has no deadline.
const cleanTimeout = 30 * time.Second

// Clean does one cleanup and checks what became of it. It is bounded: a context without a deadline gets
// one of 30 s. Whatever fails in it, the next Acquire works.
func (p *Pool) Clean(ctx context.Context, name string, at CleanAt) (r CleanReport) {
	began := time.Now()
	r.Name = name
	defer func() { r.Took = time.Since(began) }()
	c, ok := FindCleanup(name)
	switch {
	case !ok:
		r.Err = fmt.Errorf("clean: no cleanup is called %q", name)
	case c.Reach == ReachWorker:
		r.Err = fmt.Errorf("clean: %s is done by the worker", name)
	case at.Lease != nil && !p.isOut(at.Lease):
		r.Err = fmt.Errorf("clean %s: the lease has come back: its tab may be another's", name)
	default:
		if _, bounded := ctx.Deadline(); !bounded {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, cleanTimeout, ErrHung)
			defer cancel()
		}
		if at.Lease != nil {
			at.Lease.endVisit()
		}
		work := &cleaning{pool: p, at: at, report: &r}
		c.run(ctx, work)
		work.finish()
	}
	return r
}

// isOut says whether a lease has not come back yet.
func (p *Pool) isOut(l *Lease) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leases[l]
}
