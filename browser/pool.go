package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/target"
	"golang.org/x/sync/errgroup"
)

// PoolOptions say how many tabs there may be and which Chrome they live in.
type PoolOptions struct {
	// Launch starts each Chrome. Its Path must be set.
	Launch LaunchOptions
	// Tabs is how many tabs may be lent at once. Default: 4.
	Tabs int
	// TabPages is after how many pages another tab takes the place of one that is used again, with all that its
	// renderer has kept of the documents that it has left, where the lease can do with another (LeaseOptions.Renew).
	// It is made while that one goes on. Default: 0, never.
	TabPages int
	// CollectPages is after how many pages the garbage of a tab that is used again is collected. V8 leaves
	// it: the documents that a tab has left, up to hundreds of MB of them. What is compiled stays. A renderer that
	// holds less than 32 MiB is left alone. Default: 0, never.
	CollectPages int
	// TabMark is from how many bytes of anonymous memory of its renderer the garbage of such a tab is
	// collected before, thoroughly: compiled scripts go too. Where the renderer holds twice as much just after,
	// another tab takes the place of one that has visited 50 pages. Default: 0, whatever it holds.
	TabMark int64
	// OnTidy is told of each collection and each such replacement, from any goroutine; it must not block.
	// Default: nobody.
	OnTidy func(Tidying)
	// ContextPages is after how many leases a run that can do with another browser context (LeaseOptions.Renew)
	// gets one; and so it does when its Chrome has been retired. Default: 0, never.
	ContextPages int
	// AcquireTimeout bounds the wait for a place. Default: 0, the context alone does.
	AcquireTimeout time.Duration
	// Recycle says when the Chrome that runs share is retired. Default: never.
	Recycle Recycle
	// OnRecycle is told of each retirement when it is decided and when it has ended, one call after
	// the other, from any goroutine; it must not block. Default: nobody.
	OnRecycle func(Recycling)
	// OnLaunch and OnGone are called for each Chrome that starts and that ends, from
	// any goroutine; they must not block. Default: none.
	OnLaunch func(*Browser)
	OnGone   func(*Browser)
}

// Pool lends tabs. Its invariants:
//
//   - no lease is given while as many are out as SetTabs allows, which is Tabs or less, and they are
//     given in the order in which they were asked for;
//   - a tab is lent to one lease at a time, or idle, or closed;
//   - leased and idle tabs together are never more than Tabs, kept tabs, those that are being
//     cleaned, and those that take the place of another aside;
//   - only Release, EndRun, Clean and Close end a tab, and whatever fails in them, the place
//     of the lease is given back;
//   - no lease's context ends a Chrome;
//   - a Chrome that is retired closes with its last lease and run, never before; of those that runs
//     share, one takes new runs and at most one drains, but for one that does not answer.
type Pool struct {
	options PoolOptions
	places  *places
	closed  chan struct{}

	mu     sync.Mutex
	shut   bool
	main   *member // the Chrome that runs share; nil before the first lease
	all    map[*member]bool
	idle   []*idleTab     // least recently used first
	runs   map[owner]*run // of isolation context and browser, and of sites with a context of their own
	traces []*trace       // what runs have used; the oldest that have ended are forgotten
	kept   map[string]*keptTab
	leases map[*Lease]bool
	coming int           // tabs on their way to a lease
	start  chan struct{} // closed when the start under way has ended; nil when none is
	failed error         // the last start's error
	delay  time.Duration // how long to wait before the next start
	opened int           // tabs opened so far

	succeeding sync.WaitGroup // tabs on their way to the place of another
	fetched    int64          // bytes, in Chromes that have ended

	recycled recyclings
	needs    map[string]*frameNeed // by site
	waiting  atomic.Int64
}

// keptTab is a tab whose document stays open between leases.
type keptTab struct {
	site    string
	tab     *Tab // nil until it has opened
	at      spot
	free    chan struct{} // holds one token while nobody has the tab
	blanked bool          // its document is gone: the next lease must navigate
}

// NewPool returns a pool. No Chrome starts before the first lease.
func NewPool(o PoolOptions) *Pool {
	if o.Tabs <= 0 {
		o.Tabs = 4
	}
	return &Pool{
		options: o, places: &places{limit: o.Tabs}, closed: make(chan struct{}),
		all: map[*member]bool{}, runs: map[owner]*run{}, kept: map[string]*keptTab{}, leases: map[*Lease]bool{}, needs: map[string]*frameNeed{},
	}
}

// Acquire lends a tab; it waits for a place in the order of the calls, and for Chrome
// to start where none runs. The error wraps ErrPoolClosed, ErrStart, or the context's
// cause.
func (p *Pool) Acquire(ctx context.Context, o LeaseOptions) (*Lease, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := o.proxied(p.options.Launch.Proxy); err != nil {
		return nil, err
	}
	ctx, cancel := p.untilClosed(ctx)
	defer cancel()
	if err := p.awaitPlace(ctx); err != nil {
		return nil, err
	}
	l, err := p.lend(ctx, o)
	if err != nil {
		p.places.free()
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		return nil, fmt.Errorf("lend a tab: %w", err)
	}
	return l, nil
}

// untilClosed is ctx until the pool is closed; cancel must be called.
func (p *Pool) untilClosed(ctx context.Context) (bounded context.Context, cancel func()) {
	ctx, end := context.WithCancelCause(ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-p.closed:
			end(ErrPoolClosed)
		case <-stop:
		}
	}()
	return ctx, func() {
		close(stop)
		end(nil)
	}
}

// awaitPlace waits for a place among the leases.
func (p *Pool) awaitPlace(ctx context.Context) error {
	if limit := p.options.AcquireTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("none came free within %s: %w", limit, context.DeadlineExceeded))
		defer cancel()
	}
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	if err := p.places.take(ctx); err != nil {
		return fmt.Errorf("wait for a tab: %w", err)
	}
	return nil
}

// SetTabs changes how many leases may be out at once, from 1 to PoolOptions.Tabs. Leases that are out
// stay; the next one is given when fewer are out.
func (p *Pool) SetTabs(n int) { p.places.set(min(max(n, 1), p.options.Tabs)) }

// TabLimit is how many leases may be out at once.
func (p *Pool) TabLimit() int {
	limit, _ := p.places.count()
	return limit
}

// Lent is how many leases are out, or about to be.
func (p *Pool) Lent() int {
	_, taken := p.places.count()
	return taken
}

func (p *Pool) lend(ctx context.Context, o LeaseOptions) (*Lease, error) {
	if o.Keep != "" {
		return p.lendKept(ctx, o)
	}
	at, err := p.place(ctx, o)
	if err != nil {
		return nil, err
	}
	p.dropEnded(ctx)
	tab := p.takeIdle(at, o)
	if tab == nil {
		if tab, err = p.open(ctx, at, o); err != nil {
			p.leave(ctx, at)
			return nil, err
		}
	}
	return p.leased(&Lease{Tab: tab, pool: p, at: at, options: o}), nil
}

// leased makes a lease of a tab that was on its way to it.
func (p *Pool) leased(l *Lease) *Lease {
	p.mu.Lock()
	p.coming--
	l.trace = p.traceOf(l.options)
	l.trace.grounds[l.at.ground] = true
	if l.options.Isolation == IsolateTab {
		l.at.member.home = true
	}
	p.leases[l] = true
	l.Tab.need = p.needOf(l.options.Site)
	p.mu.Unlock()
	l.touched.site, l.touched.run, l.touched.whole = l.options.Site, l.options.Run, &l.trace.touched
	l.Tab.noteFor(&l.touched)
	l.Tab.session.guard.limit.Store(int64(l.options.MaxScript))
	l.Tab.unheld = l.options.Unheld
	return l
}

// Close ends the pool: waiting leases fail, every Chrome is closed, and nothing is
// left when it returns, unless the context ends first.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	if !p.shut {
		p.shut = true
		close(p.closed)
	}
	members := make([]*member, 0, len(p.all))
	for m := range p.all {
		members = append(members, m)
		if m.timer != nil {
			m.timer.Stop()
		}
	}
	starting := p.start
	p.mu.Unlock()
	var g errgroup.Group
	for _, m := range members {
		g.Go(func() error { return m.close(ctx) })
	}
	err := g.Wait()
	p.succeeding.Wait() // their Chromes are gone
	if starting != nil {
		select {
		case <-starting:
			return errors.Join(err, p.Close(ctx))
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		}
	}
	return err
}

// Waiting is the number of leases that wait for a place.
func (p *Pool) Waiting() int { return int(p.waiting.Load()) }

// Opened is the number of tabs that the pool has opened so far.
func (p *Pool) Opened() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened
}

// Browsers are the pool's living Chromes.
func (p *Pool) Browsers() []*Browser {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []*Browser
	for m := range p.all {
		if m.browser.Err() == nil {
			list = append(list, m.browser)
		}
	}
	slices.SortFunc(list, func(a, b *Browser) int { return a.PID() - b.PID() })
	return list
}

// OpenTab is a tab that the pool has open, and whose it is.
type OpenTab struct {
	Tab  *Tab
	Site string
	// Leased says that a lease has it now; otherwise it is idle or kept.
	Leased bool
}

// Tabs are the tabs that the pool has open, in the order of their IDs.
func (p *Pool) Tabs() []OpenTab {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []OpenTab
	seen := map[target.ID]bool{}
	add := func(t *Tab, site string, leased bool) {
		if t.Err() == nil && !seen[t.id] {
			seen[t.id] = true
			list = append(list, OpenTab{Tab: t, Site: site, Leased: leased})
		}
	}
	for l := range p.leases {
		add(l.Tab, l.options.Site, true)
	}
	for _, i := range p.idle {
		add(i.tab, i.site, false)
	}
	for name, k := range p.kept {
		if k.tab != nil { // nil while it is being opened
			add(k.tab, name, false)
		}
	}
	slices.SortFunc(list, func(a, b OpenTab) int {
		if a.Tab.id < b.Tab.id {
			return -1
		}
		return 1
	})
	return list
}
