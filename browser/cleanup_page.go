package browser

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/domstorage"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
)

// cleanBlank leaves the documents of the tabs. A kept tab's next lease must navigate again.
func cleanBlank(ctx context.Context, c *cleaning) {
	left := 0
	n := c.eachTab(ctx, func(ctx context.Context, h *held) error {
		h.forgetDocument(c.pool)
		if err := h.clear(ctx); err != nil {
			return err
		}
		entries, err := h.history(ctx)
		if err != nil {
			return err
		}
		if entries != 1 || h.URL() != "about:blank" {
			left++
		} else {
			c.report.Count++
		}
		return nil
	})
	if n > 0 {
		c.report.Of = "documents"
		c.unsure = left > 0
		c.say("%d of %s left the document and its history", c.report.Count, plural(n, "tab", "tabs"))
	}
}

// forgetDocument makes a kept tab's next lease navigate again, whatever becomes of the tab now.
func (h *held) forgetDocument(p *Pool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case h.lease != nil && h.lease.kept != nil:
		h.lease.reused, h.lease.kept.blanked = false, true
	case h.kept != nil:
		h.kept.blanked = true
	}
}

// history is the number of entries in the session history.
func (t *Tab) history(ctx context.Context) (int, error) {
	res, err := callActive(ctx, t, page.GetNavigationHistory, cdp.Empty{})
	if err != nil {
		return 0, fmt.Errorf("look at the tab's history: %w", err)
	}
	return len(res.Entries), nil
}

// cleanSessionStorage empties the sessionStorage of the documents that are shown.
func cleanSessionStorage(ctx context.Context, c *cleaning) {
	t := tally{of: "items", known: true}
	shown := 0
	n := c.eachTab(ctx, func(ctx context.Context, h *held) error {
		var err error
		for _, key := range h.keysShown() {
			shown++
			err = errors.Join(err, clearSession(ctx, h.session, key.String(), &t))
		}
		return errors.Join(err, h.eachOther(ctx, []string{"iframe"}, func(s cdp.Session) error {
			key, err := keyOfFrame(ctx, s)
			if err != nil {
				return err
			}
			shown++
			return clearSession(ctx, s, key, &t)
		}))
	})
	switch {
	case n > 0 && shown == 0 && c.report.Err == nil:
		c.skip("the tabs show no document: what they keep for others ends with the tab (recreate-page)")
	case n > 0:
		t.tell(c)
	}
}

// keyOfFrame asks a frame in a process of its own for its storage key.
func keyOfFrame(ctx context.Context, s cdp.Session) (string, error) {
	tree, err := cdp.Call(ctx, s, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return "", fmt.Errorf("tell the storage key of a frame: %w", err)
	}
	if tree.FrameTree == nil || tree.FrameTree.Frame == nil {
		return "", errors.New("tell the storage key of a frame: it shows nothing")
	}
	key, err := cdp.Call(ctx, s, storage.GetStorageKey, storage.GetStorageKeyParams{FrameID: tree.FrameTree.Frame.ID})
	if err != nil {
		return "", fmt.Errorf("tell the storage key of a frame: %w", err)
	}
	return string(key.StorageKey), nil
}

// keysShown are the storage keys of the frames in the tab's own process.
func (t *Tab) keysShown() []storageKey {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.frames.keys()
}

func clearSession(ctx context.Context, s cdp.Session, key string, sum *tally) error {
	id := &domstorage.StorageID{StorageKey: domstorage.SerializedStorageKey(key)}
	before, err := cdp.Call(ctx, s, domstorage.GetDOMStorageItems, domstorage.GetDOMStorageItemsParams{StorageID: id})
	if err != nil {
		if strings.Contains(err.Error(), "Frame not found") {
			return nil // the frame has gone, or two are of one origin and one has
		}
		return fmt.Errorf("look at the sessionStorage of %s: %w", key, err)
	}
	if _, err := cdp.Call(ctx, s, domstorage.Clear, domstorage.ClearParams{StorageID: id}); err != nil {
		return fmt.Errorf("empty the sessionStorage of %s: %w", key, err)
	}
	after, err := cdp.Call(ctx, s, domstorage.GetDOMStorageItems, domstorage.GetDOMStorageItemsParams{StorageID: id})
	if err != nil {
		return fmt.Errorf("look at the sessionStorage of %s: %w", key, err)
	}
	sum.found += len(before.Entries)
	sum.left += len(after.Entries)
	sum.bytes += float64(itemBytes(before.Entries) - itemBytes(after.Entries))
	return nil
}

func itemBytes(items []domstorage.Item) int {
	n := 0
	for _, item := range items {
		for _, text := range item {
			n += len(text)
		}
	}
	return n
}

// cleanObjects lets go of what only DevTools holds. The Network domain is disabled too: its bodies go
// with it.
func cleanObjects(ctx context.Context, c *cleaning) {
	t := tally{of: "console and log entries"}
	n := c.eachTab(ctx, func(ctx context.Context, h *held) error {
		h.endSteps()
		before, err := h.entries(ctx)
		if err != nil {
			return err
		}
		if err := h.releaseObjects(ctx); err != nil {
			return err
		}
		after, err := h.entries(ctx)
		t.found += before
		t.left += after
		return err
	})
	if n > 0 {
		t.tell(c)
	}
}

func (t *Tab) releaseObjects(ctx context.Context) error {
	var err error
	for _, group := range []string{"console", "ebb"} {
		_, groupErr := cdp.Call(ctx, t.session, cdpruntime.ReleaseObjectGroup, cdpruntime.ReleaseObjectGroupParams{ObjectGroup: group})
		err = errors.Join(err, groupErr)
	}
	_, consoleErr := cdp.Call(ctx, t.session, cdpruntime.DiscardConsoleEntries, cdp.Empty{})
	_, logErr := cdp.Call(ctx, t.session, cdplog.Clear, cdp.Empty{})
	_, netErr := cdp.Call(ctx, t.session, network.Disable, cdp.Empty{})
	if err = errors.Join(err, consoleErr, logErr, netErr); err != nil {
		return fmt.Errorf("release objects: %w", err)
	}
	return nil
}

// entries counts the messages that the page's console and log keep: a session that asks for them is told
// all of them again, before Chrome answers.
func (t *Tab) entries(ctx context.Context) (int, error) {
	opened, detach, err := t.browser.Attach(ctx, string(t.id))
	if err != nil {
		return 0, err
	}
	defer detach()
	n := 0 // the events come before the reply, in the goroutine that hands it on
	s := opened.(*session)
	listen(s, cdpruntime.ConsoleAPICalled, func(cdpruntime.EventConsoleAPICalled) { n++ })
	listen(s, cdpruntime.ExceptionThrown, func(cdpruntime.EventExceptionThrown) { n++ })
	listen(s, cdplog.EntryAdded, func(cdplog.EventEntryAdded) { n++ })
	if _, err := cdp.Call(ctx, s, cdpruntime.Enable, cdp.Empty{}); err != nil {
		return 0, fmt.Errorf("count console entries: %w", err)
	}
	if _, err := cdp.Call(ctx, s, cdplog.Enable, cdp.Empty{}); err != nil {
		return 0, fmt.Errorf("count log entries: %w", err)
	}
	return n, nil
}
