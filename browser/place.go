package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chromedp/cdproto/cdp"
)

// member is one Chrome of the pool. A retired one takes no new runs and is closed when
// its last lease has come back and the last of its runs has ended.
type member struct {
	browser *Browser
	uses    int // leases, and runs that have a browser context in it or own it
	retired bool
}

// run is what the pool knows of a run between its first lease and EndRun.
type run struct {
	options LeaseOptions
	ready   chan struct{} // closed when member and context are set, or err is
	member  *member
	context cdp.BrowserContextID
	err     error
}

// place returns the Chrome and the browser context that a lease belongs to. The
// member counts one more use.
func (p *Pool) place(ctx context.Context, o LeaseOptions) (*member, cdp.BrowserContextID, error) {
	if o.Isolation == IsolateTab || o.Isolation == IsolatePage {
		p.noteSite(o)
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

// noteSite remembers whose tabs a run of isolation tab uses, for EndRun.
func (p *Pool) noteSite(o LeaseOptions) {
	if o.Isolation != IsolateTab {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.siteOf[o.Run] = o.Site
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
	ctx, cancel := p.untilClosed(ctx)
	defer cancel()
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
