package browser

import (
	"context"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
)

// CloseTabs closes every page of the pool that no lease has: idle and kept tabs, and pages that
// belong to nobody, such as windows that pages opened. Pages that Chrome itself keeps open, and
// tabs apart, stay.
func (p *Pool) CloseTabs(ctx context.Context) error {
	p.dropEnded(ctx)
	work := &cleaning{pool: p, report: &CleanReport{}}
	cleanPages(ctx, work)
	err := work.report.Err
	for _, b := range p.Browsers() {
		err = errors.Join(err, b.closeOrphans(ctx))
	}
	return err
}

// DisposeContexts disposes of every browser context of the pool's Chromes that no tab apart lives
// in. No run may be at work.
func (p *Pool) DisposeContexts(ctx context.Context) error {
	work := &cleaning{pool: p, report: &CleanReport{}}
	work.renewSites(ctx)
	work.disposeContexts(ctx, func(*member, cdp.BrowserContextID) bool { return true })
	return work.report.Err
}

// Restart puts another Chrome in the place of the shared one, which closes when its last lease has come
// back, and waits for that.
func (p *Pool) Restart(ctx context.Context) error {
	p.mu.Lock()
	m := p.main
	p.mu.Unlock()
	if m != nil {
		err := p.replace(ctx, m)
		if err == nil {
			err = awaitGone(ctx, m.browser)
		}
		if err != nil {
			return fmt.Errorf("restart Chrome: %w", err)
		}
	}
	return p.Start(ctx)
}
