package browser

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
)

// member is one Chrome of the pool. A retired one takes no new runs and is closed when
// its last lease has come back and the last of its runs has ended. The pool's mu guards it.
type member struct {
	browser   *Browser
	own       bool      // a run's own; the others are for all runs, one after the other
	uses      int       // leases, and runs that have a browser context in it or own it
	since     time.Time // when the last use ended, or it came
	home      bool      // its default browser context has what tabs of isolation tab left there
	failures  int       // leases in a row that failed for reasons that speak against it
	recycling *Recycling
	retired   bool
	again     time.Time                     // no successor is started before
	timer     *time.Timer                   // when something may be due; nil while nothing is
	contexts  map[cdp.BrowserContextID]bool // those of runs and sites
	left      chan struct{}                 // closed when it is gone and that was told
}

// close closes a Chrome and waits until the pool has forgotten it.
func (m *member) close(ctx context.Context) error {
	err := m.browser.Close(ctx)
	select {
	case <-m.left:
	case <-ctx.Done():
	}
	return err
}

// run is what the pool knows of an owner: of a run between its first lease and EndRun, of
// a site for as long as its Chrome is in use. A run is one use of its Chrome, a site is none.
type run struct {
	owner   owner
	options LeaseOptions
	ready   chan struct{} // closed when member and context are set, or err is
	ground
	err error

	cookies  []*network.Cookie // those that its browser context begins with
	leases   int               // that are out
	lent     int               // how many were given
	renewing bool              // another is being made to take its place
	retired  bool              // another takes its place: it ends with its last lease
	ended    bool              // EndRun has come: no lease may make its place anew
}

// place returns the Chrome and the browser context that a lease belongs to. Both count
// one more lease.
func (p *Pool) place(ctx context.Context, o LeaseOptions) (spot, error) {
	key, own := o.owner()
	if !own {
		m, err := p.enter(ctx)
		return spot{ground: ground{member: m}}, err
	}
	for {
		r, first := p.noteRun(key, o)
		if first {
			p.prepare(ctx, r)
		}
		select {
		case <-r.ready:
		case <-ctx.Done():
			return spot{}, context.Cause(ctx)
		}
		at := spot{ground: r.ground, run: r}
		p.mu.Lock()
		if r.ended {
			p.mu.Unlock()
			return spot{}, errors.New("the run has ended meanwhile")
		}
		if r.err == nil && p.renewable(r) {
			r.renewing = true
			p.mu.Unlock()
			p.renewRun(ctx, r)
			continue
		}
		if r.err == nil && p.options.ContextPages > 0 && r.options.Renew {
			p.look(r.member) // nobody else may ask for long
		}
		if r.err == nil && at.enter() {
			r.lent++
			p.mu.Unlock()
			p.tellNews()
			return at, nil
		}
		// What the run had is gone, or never came: the next one makes it anew.
		if p.runs[key] == r {
			delete(p.runs, key)
			if r.member != nil && key.run != "" {
				r.member.uses--
			}
		}
		p.mu.Unlock()
		if r.err != nil && (ctx.Err() != nil || !interrupted(r.err)) {
			return spot{}, r.err
		}
	}
}

// interrupted says whether an error is the end of somebody's context: what failed for
// one lease's lack of time is tried again for the next.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// noteRun returns what is known of an owner, and whether this is its first lease.
func (p *Pool) noteRun(key owner, o LeaseOptions) (*run, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.runs[key]; r != nil {
		return r, false
	}
	r := &run{owner: key, options: o, ready: make(chan struct{})}
	p.runs[key] = r
	return r, true
}

// prepare makes an owner's Chrome, or its browser context in the shared one.
func (p *Pool) prepare(ctx context.Context, r *run) {
	defer close(r.ready)
	if r.options.Isolation == IsolateBrowser {
		b, err := p.launch(ctx, r.options.Proxy)
		if err != nil {
			r.err = err
			return
		}
		m := p.join(b, true)
		p.mu.Lock()
		r.ground = ground{member: m}
		m.uses++ // until EndRun
		p.mu.Unlock()
		return
	}
	m, err := p.enter(ctx)
	if err != nil {
		r.err = err
		return
	}
	in, err := m.browser.newContext(ctx, r.options.Proxy)
	if err == nil {
		if err = m.browser.setCookies(ctx, in, r.cookies); err != nil {
			err = errors.Join(err, m.browser.disposeContext(context.WithoutCancel(ctx), in))
		}
	}
	if err == nil {
		p.mu.Lock()
		r.ground = ground{member: m, context: in}
		m.contexts[in] = true
		p.mu.Unlock()
	}
	if r.err = err; err != nil || r.owner.run == "" { // a run is one use until EndRun
		p.leave(ctx, spot{ground: ground{member: m}})
	}
}

// enter returns the shared Chrome, started if need be, with one more use.
func (p *Pool) enter(ctx context.Context) (*member, error) {
	for {
		p.mu.Lock()
		if p.shut {
			p.mu.Unlock()
			return nil, ErrPoolClosed
		}
		if m := p.main; m != nil && !m.retired && m.browser.Err() == nil {
			m.uses++
			p.look(m) // where it is due, this use still goes there
			p.mu.Unlock()
			p.tellNews()
			return m, nil
		}
		starting, because := p.start, p.recycled.latest
		if starting == nil {
			starting = p.beginStart(nil)
		}
		p.mu.Unlock()
		if err := p.awaitStart(ctx, starting, because); err != nil {
			return nil, err
		}
	}
}

// beginStart starts the shared Chrome, in place of one that goes on until then; nil for none. The caller
// holds mu.
func (p *Pool) beginStart(old *member) chan struct{} {
	p.start, p.failed = make(chan struct{}), nil
	go p.startMain(p.start, old)
	return p.start
}

// awaitStart waits for a start to end; where it is because of a retirement, the wait counts there.
func (p *Pool) awaitStart(ctx context.Context, starting <-chan struct{}, because *Recycling) error {
	began := time.Now()
	var err error
	select {
	case <-starting:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if because != nil {
		because.Waited += time.Since(began)
	}
	if err == nil {
		err = p.failed
	}
	return err
}

// maxStartDelay is the longest pause between two starts that fail.
const maxStartDelay = 30 * time.Second

// startMain starts the shared Chrome. It has no caller's context: the Chrome is for
// all of them. After a failure the next start waits a little longer each time.
func (p *Pool) startMain(done chan struct{}, old *member) {
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	var b *Browser
	err := ErrPoolClosed
	select {
	case <-timer.C:
		b, err = p.launch(context.Background(), p.options.Launch.Proxy)
	case <-p.closed:
	}
	var m *member
	if err == nil {
		m = p.join(b, false)
		err = b.Err()
	}
	p.mu.Lock()
	p.failed, p.start = err, nil
	if err == nil {
		p.succeed(old, m)
		p.arm(m)
	} else {
		p.delay = min(max(2*p.delay, 250*time.Millisecond), maxStartDelay)
		p.keepOn(old, err)
	}
	p.mu.Unlock()
	p.tellNews()
	close(done)
}

// launch starts a Chrome; it gives up when the pool is closed.
func (p *Pool) launch(ctx context.Context, proxy Proxy) (*Browser, error) {
	ctx, cancel := p.untilClosed(ctx)
	defer cancel()
	o := p.options.Launch
	o.Proxy = proxy
	b, err := Launch(ctx, o)
	if err == nil && p.options.OnLaunch != nil {
		p.options.OnLaunch(b)
	}
	return b, err
}

// join makes a Chrome a member, and forgets it when it ends.
func (p *Pool) join(b *Browser, own bool) *member {
	m := &member{browser: b, own: own, since: time.Now(), contexts: map[cdp.BrowserContextID]bool{}, left: make(chan struct{})}
	p.mu.Lock()
	p.all[m] = true
	shut := p.shut
	p.mu.Unlock()
	if shut {
		b.Kill()
	}
	go func() {
		defer close(m.left)
		<-b.cleaned
		p.forget(m)
		if p.options.OnGone != nil {
			p.options.OnGone(b)
		}
		p.tellNews()
	}()
	return m
}

// forget drops a Chrome that has ended and all that lived in it.
func (p *Pool) forget(m *member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, m)
	p.fetched += m.browser.Fetched()
	if p.main == m {
		p.main = nil
	}
	if m.timer != nil {
		m.timer.Stop()
	}
	if m.recycling != nil {
		m.recycling.Gone = time.Now()
		p.recycled.note(m.recycling)
	}
	if p.main != nil {
		p.look(p.main) // what was due had to wait while this one drained
	}
	p.idle = slices.DeleteFunc(p.idle, func(i *idleTab) bool { return i.at.member == m })
	p.forgetKept(m)
	for key, r := range p.runs {
		if r.member == m && key.run == "" {
			delete(p.runs, key)
		}
	}
	for _, t := range p.traces {
		maps.DeleteFunc(t.grounds, func(g ground, _ bool) bool { return g.member == m })
	}
}

// forgetKept drops the kept tabs of a Chrome that are not lent. The caller holds mu.
func (p *Pool) forgetKept(m *member) {
	maps.DeleteFunc(p.kept, func(_ string, k *keptTab) bool { return k.at.member == m && len(k.free) > 0 })
}

// leave counts one lease less, and closes a retired Chrome, or a place that another has taken, with
// its last one.
func (p *Pool) leave(ctx context.Context, at spot) {
	p.mu.Lock()
	m := at.member
	m.uses--
	if m.uses == 0 {
		m.since = time.Now()
		p.arm(m)
	}
	if m.uses == 0 || p.failing(m) { // while it is used, the next run asks soon enough
		p.look(m)
	}
	last := m.retired && m.uses == 0
	ended := false
	if r := at.run; r != nil {
		r.leases--
		ended = r.retired && r.leases == 0
	}
	p.mu.Unlock()
	p.tellNews()
	switch {
	case last && m.own:
		_ = m.close(ctx) // it goes on in the background if the time is short
	case last:
		m.browser.beginClose()
	case ended:
		_ = p.endPlace(ctx, at.run) // a context that stays is retired with its Chrome
	}
}

// retire takes a Chrome out of use at once that does not answer: it gets no new runs and closes with its
// last use.
func (p *Pool) retire(m *member, says string) {
	p.mu.Lock()
	if !m.retired && !m.own && m.recycling == nil {
		p.recycle(m, RecycleHang, says)
	}
	p.drain(m)
	p.mu.Unlock()
	p.tellNews()
}

// dropSites drops the idle and kept tabs that outlive runs. The caller holds mu.
func (p *Pool) dropSites(m *member) {
	p.idle = slices.DeleteFunc(p.idle, func(i *idleTab) bool { return i.at.member == m && i.run == "" })
	p.forgetKept(m)
}

// Start starts the shared Chrome if none runs, so that its start can be told from the
// work that follows. The error wraps ErrStart, ErrPoolClosed or the context's cause.
func (p *Pool) Start(ctx context.Context) error {
	m, err := p.enter(ctx)
	if err != nil {
		return fmt.Errorf("start Chrome: %w", err)
	}
	p.leave(ctx, spot{ground: ground{member: m}})
	return nil
}
