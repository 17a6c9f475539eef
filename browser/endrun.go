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
// Chrome. The tabs that its site keeps (isolation tab) leave their documents. Leases
// that are still out end when they are released. A run that is not known is no error.
func (p *Pool) EndRun(ctx context.Context, name string) error {
	p.mu.Lock()
	r := p.runs[name]
	delete(p.runs, name)
	var tabs, blanks []*Tab
	p.idle = slices.DeleteFunc(p.idle, func(i *idleTab) bool {
		if i.run == name {
			tabs = append(tabs, i.tab)
		}
		return i.run == name
	})
	if site, ok := p.siteOf[name]; ok {
		delete(p.siteOf, name)
		for _, i := range p.idle {
			if i.run == "" && i.site == site {
				blanks = append(blanks, i.tab)
			}
		}
	}
	p.mu.Unlock()
	var g errgroup.Group
	for _, t := range blanks {
		g.Go(func() error { return t.clear(ctx) })
	}
	err := g.Wait()
	if r != nil {
		err = errors.Join(err, p.endPlace(ctx, r, tabs))
	}
	return err
}

// endPlace disposes of a run's browser context or Chrome.
func (p *Pool) endPlace(ctx context.Context, r *run, tabs []*Tab) error {
	if r.member == nil {
		return nil
	}
	defer p.leave(ctx, r.member)
	if r.member.browser.Err() != nil {
		return nil
	}
	if r.options.Isolation == IsolateBrowser {
		p.retire(ctx, r.member) // it closes when the run's use ends
		return nil
	}
	for _, t := range tabs {
		t.endSteps()
		defer t.forget()
	}
	if err := r.member.browser.disposeContext(ctx, r.context); err != nil {
		if errors.Is(err, ErrGone) {
			return nil
		}
		p.retire(ctx, r.member)
		return err
	}
	return r.member.browser.awaitContextGone(ctx, r.context)
}

// forget drops a tab that has gone with its browser context.
func (t *Tab) forget() {
	t.browser.tracker.remove(t)
	t.browser.conn.forget(t.session, ErrClosed)
}

// clear leaves the document and its history, so that nothing holds the old one.
func (t *Tab) clear(ctx context.Context) error {
	if t.Err() != nil {
		return nil
	}
	if err := t.Blank(ctx); err != nil {
		return err
	}
	if _, err := callActive(ctx, t, page.ResetNavigationHistory, cdp.Empty{}); err != nil {
		return fmt.Errorf("forget the tab's history: %w", err)
	}
	return nil
}
