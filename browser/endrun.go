package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"golang.org/x/sync/errgroup"
)

// EndRun gives back what a run had for itself: its idle tabs, its browser context, its
// Chrome. The tabs that its site keeps (isolation tab) leave their documents, unless the
// leases asked for LeaveDocuments. Leases that are still out end when they are released. A
// run that is not known is no error.
func (p *Pool) EndRun(ctx context.Context, name string) error {
	p.mu.Lock()
	key := owner{run: name}
	r := p.runs[key]
	if r != nil {
		r.ended = true
	}
	delete(p.runs, key)
	var blanks []*idleTab
	for _, t := range p.endTraces(name) {
		for _, i := range p.idle {
			if i.run == "" && i.site == t.site && !i.busy && t.blanks() {
				i.busy = true // until its document is left
				blanks = append(blanks, i)
			}
		}
	}
	p.mu.Unlock()
	var g errgroup.Group
	for _, i := range blanks {
		g.Go(func() error {
			defer p.spare(i)
			return i.tab.clear(ctx)
		})
	}
	err := g.Wait()
	if r == nil {
		return err
	}
	select {
	case <-r.ready:
		return errors.Join(err, p.endPlace(ctx, r))
	case <-ctx.Done():
		go p.endLater(context.WithoutCancel(ctx), r)
		return errors.Join(err, fmt.Errorf("end a run: %w", context.Cause(ctx)))
	}
}

// endLater ends a run's place that is being prepared still, which the lease that it is for bounds.
func (p *Pool) endLater(ctx context.Context, r *run) {
	<-r.ready
	ctx, cancel := context.WithTimeout(ctx, cleanTimeout)
	defer cancel()
	_ = p.endPlace(ctx, r) // a context that stays is retired with its Chrome
}

// endIdleRun ends a run of which no lease is out, or does nothing.
func (p *Pool) endIdleRun(ctx context.Context, name string) error {
	p.mu.Lock()
	r := p.runs[owner{run: name}]
	idle := r != nil && r.leases == 0
	p.mu.Unlock()
	if !idle {
		return nil
	}
	return p.EndRun(ctx, name)
}

// endOwn lets a run's own Chrome end with its last use.
func (p *Pool) endOwn(m *member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drain(m)
}

// endPlace disposes of the browser context or Chrome of a run, or of the context of a site.
func (p *Pool) endPlace(ctx context.Context, r *run) error {
	for _, t := range p.dropIdle(r) {
		t.endSteps()
		defer t.forget()
	}
	m := r.member
	if m == nil {
		return nil
	}
	if r.owner.run != "" {
		defer p.leave(ctx, spot{ground: r.ground})
	}
	if m.browser.Err() != nil {
		return nil
	}
	if r.options.Isolation == IsolateBrowser {
		p.endOwn(m) // it closes when the run's use ends
		return nil
	}
	p.mu.Lock()
	delete(m.contexts, r.context)
	p.mu.Unlock()
	if err := m.browser.disposeContext(ctx, r.context); err != nil {
		if errors.Is(err, ErrGone) {
			return nil
		}
		p.retire(m, "a browser context could not be disposed of")
		return err
	}
	return m.browser.awaitContextGone(ctx, r.context)
}

// dropIdle drops the idle and kept tabs of a place, which go with it, and returns them.
func (p *Pool) dropIdle(r *run) (tabs []*Tab) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(i *idleTab) bool {
		its := i.at == r.ground && r.member != nil
		if its {
			tabs = append(tabs, i.tab)
		}
		return its
	})
	for name, k := range p.kept {
		if k.at.run == r && len(k.free) > 0 {
			tabs = append(tabs, k.tab)
			delete(p.kept, name)
		}
	}
	return tabs
}

// forget drops a tab that has gone with its browser context.
func (t *Tab) forget() {
	t.weighedEnough()
	if t.unwatch != nil {
		t.unwatch()
	}
	t.browser.tracker.remove(t)
	t.browser.conn.forget(t.session, ErrClosed)
}

// clear leaves the document and its history, so that nothing holds the old one. A tab that ends
// meanwhile, as one does whose Chrome is retired, has left them too.
func (t *Tab) clear(ctx context.Context) error {
	if t.Err() != nil {
		return nil
	}
	err := t.Blank(ctx)
	if err == nil {
		if _, err = callActive(ctx, t, page.ResetNavigationHistory, cdp.Empty{}); err != nil {
			err = fmt.Errorf("forget the tab's history: %w", err)
		}
	}
	if t.Err() != nil {
		return nil
	}
	return err
}
