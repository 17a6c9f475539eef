package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/memory"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
)

// cleanGC collects garbage in every isolate of the tabs: of the page, of frames in processes of their
// own, and of workers, each of which has its own.
func cleanGC(ctx context.Context, c *cleaning) {
	isolates, was, is := 0, 0.0, 0.0
	n := c.eachTab(ctx, func(ctx context.Context, h *held) error {
		return h.eachIsolate(ctx, func(s cdp.Session) error {
			before, err := heapUsed(ctx, s)
			if err == nil {
				_, err = cdp.Call(ctx, s, heapprofiler.CollectGarbage, cdp.Empty{})
			}
			if err != nil {
				return fmt.Errorf("collect garbage: %w", err)
			}
			after, err := heapUsed(ctx, s)
			isolates, was, is = isolates+1, was+before, is+after
			return err
		})
	})
	if n == 0 || isolates == 0 {
		return
	}
	r := c.report
	r.Bytes, r.BytesKnown, r.Count, r.Of = max(0, was-is), true, isolates, "heaps"
	c.say("%.2f MB -> %.2f MB in %s", was/(1<<20), is/(1<<20), plural(isolates, "heap", "heaps"))
}

// heapUsed is what V8, the page's own collected heap and the backing stores of buffers hold, in bytes.
func heapUsed(ctx context.Context, s cdp.Session) (float64, error) {
	res, err := cdp.Call(ctx, s, cdpruntime.GetHeapUsage, cdp.Empty{})
	if err != nil {
		return 0, fmt.Errorf("read the heap: %w", err)
	}
	return res.UsedSize + res.EmbedderHeapUsedSize + res.BackingStorageSize, nil
}

// eachIsolate calls use with a session for each isolate of the tab.
func (h *held) eachIsolate(ctx context.Context, use func(cdp.Session) error) error {
	return errors.Join(use(h.session), h.eachOther(ctx, []string{"worker", "iframe", "shared_worker", "service_worker"}, use))
}

// eachOther calls use with a session for each target of the tab beside its page. One that ends meanwhile
// is no error.
func (h *held) eachOther(ctx context.Context, types []string, use func(cdp.Session) error) error {
	b := h.browser
	ids := b.tracker.othersOf(h.Tab, h.at.context != "", types)
	if len(ids) == 0 {
		return nil
	}
	err := h.meetWorkers(ctx)
	for _, id := range ids {
		if ctx.Err() != nil {
			break
		}
		s, detach, attachErr := b.Attach(ctx, string(id))
		if attachErr != nil {
			continue
		}
		useErr := use(s)
		detach()
		if b.tracker.has(id) {
			err = errors.Join(err, useErr)
		}
	}
	return err
}

// meetWorkers makes Chrome tell the page of its workers: until a session of the page has asked once for
// what it attaches to by itself, a dedicated worker can be attached to but answers nothing (Chromium 156).
func (t *Tab) meetWorkers(ctx context.Context) error {
	params := target.SetAutoAttachParams{AutoAttach: true, Flatten: new(true), Filter: target.Filter{{Type: "worker"}}}
	_, err := cdp.Call(ctx, t.session, target.SetAutoAttach, params)
	if err == nil {
		_, err = cdp.Call(ctx, t.session, target.SetAutoAttach, target.SetAutoAttachParams{Flatten: new(true)})
	}
	if err != nil {
		return fmt.Errorf("ask for the page's workers: %w", err)
	}
	return nil
}

// othersOf are the targets that belong to a tab: frames and dedicated workers of its page, and the
// workers that its origins share.
func (t *tracker) othersOf(tab *Tab, ownContext bool, types []string) []target.ID {
	t.mu.Lock()
	defer t.mu.Unlock()
	in := t.targets[tab.id].Context
	var ids []target.ID
	for id, open := range t.targets {
		if !slices.Contains(types, open.Type) {
			continue
		}
		switch open.Type {
		case "shared_worker", "service_worker":
			if open.Context == in && (ownContext || tab.hasTouched(open.URL)) {
				ids = append(ids, id)
			}
		default:
			if t.tabOf(open.parent) == tab {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// cleanPressure tells the tabs' renderers that memory is short, and looks whether they do anything.
func cleanPressure(ctx context.Context, c *cleaning) {
	was, is := 0.0, 0.0
	n := c.eachTab(ctx, func(ctx context.Context, h *held) error {
		before, err := heapUsed(ctx, h.session)
		if err != nil {
			return err
		}
		params := memory.SimulatePressureNotificationParams{Level: memory.PressureLevelCritical}
		if _, err := cdp.Call(ctx, h.session, memory.SimulatePressureNotification, params); err != nil {
			return fmt.Errorf("tell of memory pressure: %w", err)
		}
		after, err := heapUsed(ctx, h.session)
		was, is = was+before, is+after
		return err
	})
	if n == 0 || c.report.Err != nil {
		return
	}
	c.report.Bytes, c.report.BytesKnown = max(0, was-is), true
	if came := was - is; came > was/20 {
		c.say("%.2f MB of heap came back", came/(1<<20))
		return
	}
	c.unsure = true
	c.say("nothing came back: Chromium does not act on it (heap %.2f MB -> %.2f MB)", was/(1<<20), is/(1<<20))
}
