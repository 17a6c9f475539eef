package browser

import (
	"context"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/systeminfo"
)

// Apart is a tab that belongs to no lease, in a browser context of its own: for whoever measures a
// Chrome and needs a page in it that no site touches. The pool neither counts nor closes it, but
// it ends with its Chrome.
type Apart struct {
	*Tab
	// Renderer is the pid of the tab's renderer; 0 where it could not be told.
	Renderer int
}

// OpenApart opens a tab apart. No other page should be at work meanwhile: the tab's renderer is
// told by the processor time that a script of the tab takes.
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
	if a.Renderer, err = b.RendererOf(ctx, tab); err != nil {
		return nil, errors.Join(err, a.Close(ctx))
	}
	return a, nil
}

const (
	// busyScript keeps a renderer busy for 60 ms, of which it gets a part on a busy machine:
	// leastBusy is what must be seen, in seconds, and twice what any other renderer took.
	busyScript = `(() => { const end = performance.now() + 60; while (performance.now() < end); })()`
	leastBusy  = 0.015
	busyTries  = 20
)

// RendererOf tells the pid of a tab's renderer by the work that it does; 0 where that is not clear. No
// other page should be at work meanwhile.
func (b *Browser) RendererOf(ctx context.Context, tab *Tab) (int, error) {
	for range busyTries {
		before, err := b.renderers(ctx)
		if err != nil {
			return 0, err
		}
		if _, err := tab.EvaluateMain(ctx, busyScript); err != nil {
			return 0, fmt.Errorf("tell the renderer of a tab: %w", err)
		}
		after, err := b.renderers(ctx)
		if err != nil {
			return 0, err
		}
		if pid := busiest(before, after); pid != 0 {
			return pid, nil
		}
	}
	return 0, nil
}

// busiest is the process that took clearly more time than any other; 0 for none.
func busiest(before, after map[int]float64) int {
	pid, most, second := 0, 0.0, 0.0
	for candidate, now := range after {
		took := now - before[candidate]
		if before[candidate] == 0 {
			took = 0 // it has just started: that is what it did
		}
		if took > most {
			pid, most, second = candidate, took, most
		} else {
			second = max(second, took)
		}
	}
	if most < leastBusy || most < 2*second {
		return 0
	}
	return pid
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

// renderers are the processor times of the renderer processes, in seconds by pid.
func (b *Browser) renderers(ctx context.Context) (map[int]float64, error) {
	res, err := cdp.Call(ctx, b.conn.root, systeminfo.GetProcessInfo, cdp.Empty{})
	if err != nil {
		return nil, fmt.Errorf("list the processes of Chrome: %w", err)
	}
	times := map[int]float64{}
	for _, p := range res.ProcessInfo {
		if p.Type == "renderer" {
			times[int(p.ID)] = p.CPUTime
		}
	}
	return times, nil
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
