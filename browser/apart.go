package browser

import (
	"context"
	"errors"

	"github.com/chromedp/cdproto/cdp"
)

// Apart is a tab that belongs to no lease, in a browser context of its own: for whoever measures a
// Chrome and needs a page in it that no site touches. The pool neither counts nor closes it, but
// it ends with its Chrome.
type Apart struct {
	*Tab
	// Renderer is the pid of the tab's renderer; 0 where it could not be told.
	Renderer int
}

// OpenApart opens a tab apart.
func (b *Browser) OpenApart(ctx context.Context) (*Apart, error) {
	in, err := b.newContext(ctx, nil)
	if err != nil {
		return nil, err
	}
	b.tracker.setApart(in, true)
	tab, err := b.openTab(ctx, in, rules{Proxy: b.options.Proxy})
	if err != nil {
		return nil, errors.Join(err, b.closeContext(ctx, in))
	}
	a := &Apart{Tab: tab}
	if a.Renderer, err = tab.RendererPID(ctx); err != nil && !errors.Is(err, errNoRenderer) {
		return nil, errors.Join(err, a.Close(ctx))
	}
	return a, nil
}

// Close gives the tab and its browser context back.
func (a *Apart) Close(ctx context.Context) error {
	defer a.forget()
	return a.browser.closeContext(ctx, a.context)
}

func (b *Browser) closeContext(ctx context.Context, id cdp.BrowserContextID) error {
	b.tracker.setApart(id, false)
	err := b.disposeContext(ctx, id)
	if errors.Is(err, ErrGone) {
		return nil
	}
	return err
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

// isApart says whether a browser context is that of a tab apart.
func (t *tracker) isApart(id cdp.BrowserContextID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.apart[id]
}
