package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// PoolOptions say how many tabs there may be and which Chrome they live in.
type PoolOptions struct {
	// Launch starts each Chrome. Its Path must be set.
	Launch LaunchOptions
	// Tabs is how many tabs may be lent at once. Default: 4.
	Tabs int
	// AcquireTimeout bounds the wait for a place. Default: 0, the context alone does.
	AcquireTimeout time.Duration
	// PagesPerBrowser is after how many navigations the shared Chrome is retired: new
	// runs get a new one, and it closes when its last run has ended. A Chrome with a
	// kept page stays. Default: 0, never.
	PagesPerBrowser int
	// OnLaunch and OnGone are called for each Chrome that starts and that ends, from
	// any goroutine; they must not block. Default: none.
	OnLaunch func(*Browser)
	OnGone   func(*Browser)
}

// Pool lends tabs. Its invariants:
//
//   - at most Tabs leases are out, and they are given in the order in which they were
//     asked for;
//   - a tab is lent to one lease at a time, or idle, or closed;
//   - leased and idle tabs together are never more than Tabs, kept tabs aside;
//   - only Release, EndRun and Close end a tab, and whatever fails in them, the place
//     of the lease is given back;
//   - no lease's context ends a Chrome.
type Pool struct {
	options PoolOptions
	places  *semaphore.Weighted
	closed  chan struct{}

	mu     sync.Mutex
	shut   bool
	main   *member // the Chrome that runs share; nil before the first lease
	all    map[*member]bool
	idle   []*idleTab // least recently used first
	runs   map[string]*run
	kept   map[string]*keptTab
	leases map[*Lease]bool
	start  chan struct{} // closed when the start under way has ended; nil when none is
	failed error         // the last start's error
	delay  time.Duration // how long to wait before the next start
	opened int           // tabs opened so far

	waiting atomic.Int64
}

// member is one Chrome of the pool. A retired one takes no new runs and is closed when
// its last lease has come back and the last of its runs has ended.
type member struct {
	browser *Browser
	uses    int // leases, and runs that have a browser context in it or own it
	retired bool
}

// idleTab is a tab that waits for its next lease, in a site's or a run's own place.
type idleTab struct {
	tab    *Tab
	member *member
	site   string // of isolation tab
	run    string // of isolation context and browser
}

// keptTab is a tab whose document stays open between leases.
type keptTab struct {
	tab    *Tab
	member *member
	free   chan struct{} // holds one token while nobody has the tab
}

// run is what the pool knows of a run between its first lease and EndRun.
type run struct {
	options LeaseOptions
	ready   chan struct{} // closed when member and context are set, or err is
	member  *member
	context cdp.BrowserContextID
	err     error
}

// NewPool returns a pool. No Chrome starts before the first lease.
func NewPool(o PoolOptions) *Pool {
	if o.Tabs <= 0 {
		o.Tabs = 4
	}
	return &Pool{
		options: o, places: semaphore.NewWeighted(int64(o.Tabs)), closed: make(chan struct{}),
		all: map[*member]bool{}, runs: map[string]*run{}, kept: map[string]*keptTab{}, leases: map[*Lease]bool{},
	}
}

// Acquire lends a tab; it waits for a place in the order of the calls, and for Chrome
// to start where none runs. The error wraps ErrPoolClosed, ErrStart, or the context's
// cause.
func (p *Pool) Acquire(ctx context.Context, o LeaseOptions) (*Lease, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-p.closed:
			cancel(ErrPoolClosed)
		case <-stop:
		}
	}()
	if err := p.awaitPlace(ctx); err != nil {
		return nil, err
	}
	l, err := p.lend(ctx, o)
	if err != nil {
		p.places.Release(1)
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		return nil, fmt.Errorf("lend a tab: %w", err)
	}
	return l, nil
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
	if err := p.places.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("wait for a tab: %w", context.Cause(ctx))
	}
	return nil
}

func (p *Pool) lend(ctx context.Context, o LeaseOptions) (*Lease, error) {
	if o.Keep != "" {
		return p.lendKept(ctx, o)
	}
	m, in, err := p.place(ctx, o)
	if err != nil {
		return nil, err
	}
	tab := p.takeIdle(m, o)
	if tab == nil {
		if tab, err = p.open(ctx, m, in, o); err != nil {
			p.leave(ctx, m)
			return nil, err
		}
	}
	return p.leased(&Lease{Tab: tab, pool: p, member: m, options: o}), nil
}

func (p *Pool) leased(l *Lease) *Lease {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leases[l] = true
	return l
}

// place returns the Chrome and the browser context that a lease belongs to. The
// member counts one more use.
func (p *Pool) place(ctx context.Context, o LeaseOptions) (*member, cdp.BrowserContextID, error) {
	if o.Isolation == IsolateTab || o.Isolation == IsolatePage {
		p.noteRun(o)
		m, err := p.enter(ctx)
		return m, "", err
	}
	for {
		r, first := p.noteRun(o)
		if first {
			p.prepare(ctx, r)
		}
		select {
		case <-r.ready:
		case <-ctx.Done():
			return nil, "", context.Cause(ctx)
		}
		if r.err == nil && p.reenter(r.member) {
			return r.member, r.context, nil
		}
		// What the run had is gone, or never came: the next one makes it anew.
		p.mu.Lock()
		if p.runs[o.Run] == r {
			delete(p.runs, o.Run)
			if r.member != nil {
				r.member.uses--
			}
		}
		p.mu.Unlock()
		if r.err != nil && (ctx.Err() != nil || !interrupted(r.err)) {
			return nil, "", r.err
		}
	}
}

// interrupted says whether an error is the end of somebody's context: what failed for
// one lease's lack of time is tried again for the next.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// noteRun returns what is known of a lease's run, and whether this is its first.
func (p *Pool) noteRun(o LeaseOptions) (*run, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.runs[o.Run]; r != nil {
		return r, false
	}
	r := &run{options: o, ready: make(chan struct{})}
	p.runs[o.Run] = r
	return r, true
}

// prepare makes a run's own Chrome, or its own browser context in the shared one.
func (p *Pool) prepare(ctx context.Context, r *run) {
	defer close(r.ready)
	if r.options.Isolation == IsolateBrowser {
		b, err := p.launch(ctx)
		if err != nil {
			r.err = err
			return
		}
		r.member = p.join(b)
		p.reenter(r.member) // until EndRun
		return
	}
	m, err := p.enter(ctx) // until EndRun
	if err != nil {
		r.err = err
		return
	}
	if r.context, r.err = m.browser.newContext(ctx); r.err != nil {
		p.leave(ctx, m)
		return
	}
	r.member = m
}

// enter returns the shared Chrome, started if need be, with one more use.
func (p *Pool) enter(ctx context.Context) (*member, error) {
	for {
		p.mu.Lock()
		if p.shut {
			p.mu.Unlock()
			return nil, ErrPoolClosed
		}
		if p.main != nil && p.wornOut(p.main) {
			worn := p.main
			p.mu.Unlock()
			p.retire(ctx, worn)
			continue
		}
		if m := p.main; m != nil && !m.retired && m.browser.Err() == nil {
			m.uses++
			p.mu.Unlock()
			return m, nil
		}
		starting := p.start
		if starting == nil {
			starting = make(chan struct{})
			p.start, p.failed = starting, nil
			go p.startMain(starting)
		}
		p.mu.Unlock()
		select {
		case <-starting:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		p.mu.Lock()
		err := p.failed
		p.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
}

// wornOut says whether a Chrome has opened its number of pages. The caller holds mu.
func (p *Pool) wornOut(m *member) bool {
	if p.options.PagesPerBrowser <= 0 || m.browser.Pages() < p.options.PagesPerBrowser {
		return false
	}
	for _, k := range p.kept {
		if k.member == m {
			return false
		}
	}
	return true
}

// reenter counts one more use of a Chrome that is known; false when it is gone.
func (p *Pool) reenter(m *member) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.browser.Err() != nil {
		return false
	}
	m.uses++
	return true
}

// maxStartDelay is the longest pause between two starts that fail.
const maxStartDelay = 30 * time.Second

// startMain starts the shared Chrome. It has no caller's context: the Chrome is for
// all of them. After a failure the next start waits a little longer each time.
func (p *Pool) startMain(done chan struct{}) {
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	var b *Browser
	err := ErrPoolClosed
	select {
	case <-timer.C:
		b, err = p.launch(context.Background())
	case <-p.closed:
	}
	var m *member
	if err == nil {
		m = p.join(b)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed, p.start = err, nil
	if err == nil {
		p.main, p.delay = m, 0
	} else {
		p.delay = min(max(2*p.delay, 250*time.Millisecond), maxStartDelay)
	}
	close(done)
}

// launch starts a Chrome; it gives up when the pool is closed.
func (p *Pool) launch(ctx context.Context) (*Browser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-p.closed:
			cancel(ErrPoolClosed)
		case <-stop:
		}
	}()
	b, err := Launch(ctx, p.options.Launch)
	if err == nil && p.options.OnLaunch != nil {
		p.options.OnLaunch(b)
	}
	return b, err
}

// join makes a Chrome a member, and forgets it when it ends.
func (p *Pool) join(b *Browser) *member {
	m := &member{browser: b}
	p.mu.Lock()
	p.all[m] = true
	shut := p.shut
	p.mu.Unlock()
	if shut {
		b.Kill()
	}
	go func() {
		<-b.cleaned
		p.forget(m)
		if p.options.OnGone != nil {
			p.options.OnGone(b)
		}
	}()
	return m
}

// forget drops a Chrome that has ended and all that lived in it.
func (p *Pool) forget(m *member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, m)
	if p.main == m {
		p.main = nil
	}
	p.idle = slices.DeleteFunc(p.idle, func(i *idleTab) bool { return i.member == m })
	for name, k := range p.kept {
		if k.member == m && len(k.free) > 0 {
			delete(p.kept, name)
		}
	}
}

// leave counts one use less, and closes a retired Chrome with its last one.
func (p *Pool) leave(ctx context.Context, m *member) {
	p.mu.Lock()
	m.uses--
	last := m.retired && m.uses == 0
	p.mu.Unlock()
	if last {
		_ = m.browser.Close(ctx) // it goes on in the background if the time is short
	}
}

// retire takes a Chrome out of use: it gets no new runs and closes with its last use.
func (p *Pool) retire(ctx context.Context, m *member) {
	p.mu.Lock()
	m.retired = true
	if p.main == m {
		p.main = nil
	}
	last := m.uses == 0
	p.idle = slices.DeleteFunc(p.idle, func(i *idleTab) bool { return i.member == m && i.run == "" })
	p.mu.Unlock()
	if last {
		_ = m.browser.Close(ctx)
	}
}

// takeIdle returns a living idle tab of the same site or run with the same rules.
func (p *Pool) takeIdle(m *member, o LeaseOptions) *Tab {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at := len(p.idle) - 1; at >= 0; at-- {
		i := p.idle[at]
		if i.member != m || !i.fits(o) || i.tab.Err() != nil {
			continue
		}
		p.idle = slices.Delete(p.idle, at, at+1)
		return i.tab
	}
	return nil
}

func (i *idleTab) fits(o LeaseOptions) bool {
	if !i.tab.rules.equal(o.rules()) {
		return false
	}
	switch o.Isolation {
	case IsolateTab:
		return i.run == "" && i.site == o.Site
	case IsolateContext, IsolateBrowser:
		return i.run == o.Run
	}
	return false
}

// open opens a tab. Idle tabs that nobody fits make room for it.
func (p *Pool) open(ctx context.Context, m *member, in cdp.BrowserContextID, o LeaseOptions) (*Tab, error) {
	p.makeRoom(ctx)
	tab, err := m.browser.openTab(ctx, in, o.rules())
	if err != nil {
		if m.browser.Err() == nil && ctx.Err() == nil && isTimeout(err) {
			p.retire(context.WithoutCancel(ctx), m)
		}
		return nil, err
	}
	p.mu.Lock()
	p.opened++
	p.mu.Unlock()
	return tab, nil
}

// makeRoom closes the idle tab that has waited longest, when leases and idle tabs fill
// the pool.
func (p *Pool) makeRoom(ctx context.Context) {
	p.mu.Lock()
	var oldest *idleTab
	if len(p.idle) > 0 && len(p.leases)+len(p.idle) >= p.options.Tabs {
		oldest = p.idle[0]
		p.idle = p.idle[1:]
	}
	p.mu.Unlock()
	if oldest != nil {
		_ = oldest.tab.close(ctx) // a tab that does not close dies with its Chrome
	}
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
	}
	starting := p.start
	p.mu.Unlock()
	var g errgroup.Group
	for _, m := range members {
		g.Go(func() error { return m.browser.Close(ctx) })
	}
	err := g.Wait()
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
		add(k.tab, name, false)
	}
	slices.SortFunc(list, func(a, b OpenTab) int {
		if a.Tab.id < b.Tab.id {
			return -1
		}
		return 1
	})
	return list
}

// Start starts the shared Chrome if none runs, so that its start can be told from the
// work that follows. The error wraps ErrStart, ErrPoolClosed or the context's cause.
func (p *Pool) Start(ctx context.Context) error {
	m, err := p.enter(ctx)
	if err != nil {
		return fmt.Errorf("start Chrome: %w", err)
	}
	p.leave(ctx, m)
	return nil
}
