package browser

import (
	"context"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
)

// CloseTabs closes every page of the pool that no lease has: idle and kept tabs, and pages that
// belong to nobody, such as windows that pages opened. Pages that Chrome itself keeps open, and
// tabs apart, stay.
func (p *Pool) CloseTabs(ctx context.Context) error {
	p.mu.Lock()
	var tabs []*Tab
	for _, i := range p.idle {
		tabs = append(tabs, i.tab)
	}
	p.idle = nil
	for name, k := range p.kept {
		select {
		case <-k.free: // nobody has it; whoever waits for it sees that it is no longer current
			tabs = append(tabs, k.tab)
			delete(p.kept, name)
			k.free <- struct{}{}
		default:
		}
	}
	p.mu.Unlock()
	var err error
	for _, t := range tabs {
		if t == nil {
			continue
		}
		if closeErr := t.close(ctx); !errors.Is(closeErr, ErrGone) {
			err = errors.Join(err, closeErr)
		}
	}
	for _, b := range p.Browsers() {
		for _, id := range b.tracker.orphans() {
			err = errors.Join(err, b.closeTarget(ctx, id))
		}
	}
	return err
}

// DisposeContexts disposes of every browser context of the pool's Chromes that no tab apart lives
// in. No run may be at work.
func (p *Pool) DisposeContexts(ctx context.Context) error {
	var err error
	for _, b := range p.Browsers() {
		res, callErr := cdp.Call(ctx, b.conn.root, target.GetBrowserContexts, cdp.Empty{})
		if callErr != nil {
			err = errors.Join(err, fmt.Errorf("list browser contexts: %w", callErr))
			continue
		}
		for _, id := range res.BrowserContextIDs {
			if !b.tracker.isApart(id) {
				err = errors.Join(err, b.disposeContext(ctx, id))
			}
		}
	}
	return err
}

// Restart retires the shared Chrome, which closes when its last lease has come back, and starts
// another.
func (p *Pool) Restart(ctx context.Context) error {
	p.mu.Lock()
	m := p.main
	p.mu.Unlock()
	if m != nil {
		p.retire(ctx, m)
		select {
		case <-m.browser.cleaned:
		case <-ctx.Done():
			return fmt.Errorf("restart Chrome: %w", context.Cause(ctx))
		}
	}
	return p.Start(ctx)
}

// orphans are the pages that belong to no tab, but for those that Chrome itself keeps open.
func (t *tracker) orphans() []target.ID {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []target.ID
	for id, info := range t.targets {
		if info.Type == "page" && t.tabs[id] == nil && !t.anchors[id] && !t.apart[cdp.BrowserContextID(info.Context)] {
			ids = append(ids, id)
		}
	}
	return ids
}

func (t *tracker) setApart(id cdp.BrowserContextID, apart bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !apart {
		delete(t.apart, id)
		return
	}
	t.apart[id] = true
}

func (t *tracker) isApart(id cdp.BrowserContextID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.apart[id]
}
