package browser

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
)

// Target is something that Chrome has open: a page, a worker, a frame in a process of
// its own.
type Target struct {
	ID string
	// Type is page, worker, service_worker, shared_worker, iframe, ...
	Type string
	// URL is cut to 300 bytes.
	URL string
	// Opener is the ID of the page that opened it; "" for none.
	Opener string
	// Context is the browser context it lives in.
	Context string

	parent cdp.FrameID // of a frame in a process of its own, and of a worker
}

// tracker follows Chrome's targets through events: what is open, what crashed, and
// which pages opened windows of their own.
type tracker struct {
	conn       *conn
	keepPopups bool
	closeOnce  sync.Once // of the Browser's closing channel

	mu      sync.Mutex
	targets map[target.ID]Target
	tabs    map[target.ID]*Tab
	popups  int
	// attached are the sessions of Attach.
	attached map[target.ID]map[*session]bool
	anchors  map[target.ID]bool            // pages that Chrome opened by itself, before anybody
	apart    map[cdp.BrowserContextID]bool // browser contexts of tabs apart
	opened   map[target.ID]opening         // windows that are open, by who opened them
	spared   map[target.ID]bool            // pages that the pool looks from
	home     string                        // what Chrome calls its default browser context
}

// opening is whose page opened a window.
type opening struct {
	tab       target.ID
	site, run string
}

func newTracker(c *conn, keepPopups bool, crashed func(target.EventTargetCrashed)) *tracker {
	t := &tracker{conn: c, keepPopups: keepPopups, targets: map[target.ID]Target{}, tabs: map[target.ID]*Tab{}, attached: map[target.ID]map[*session]bool{}, anchors: map[target.ID]bool{}, apart: map[cdp.BrowserContextID]bool{}, opened: map[target.ID]opening{}, spared: map[target.ID]bool{}}
	listen(c.root, target.TargetCreated, t.created)
	listen(c.root, target.TargetInfoChanged, t.changed)
	listen(c.root, target.TargetDestroyed, t.destroyed)
	listen(c.root, target.TargetCrashed, crashed)
	listen(c.root, target.DetachedFromTarget, t.detached)
	return t
}

// begin asks for the events. Chrome tells of all that is open first.
func (t *tracker) begin(ctx context.Context) error {
	if _, err := cdp.Call(ctx, t.conn.root, target.SetDiscoverTargets, target.SetDiscoverTargetsParams{Discover: true}); err != nil {
		return err
	}
	contexts, err := cdp.Call(ctx, t.conn.root, target.GetBrowserContexts, cdp.Empty{})
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.home = string(contexts.DefaultBrowserContextID)
	for id := range t.targets {
		t.anchors[id] = true
	}
	return nil
}

func (t *tracker) created(ev target.EventTargetCreated) {
	if ev.TargetInfo == nil {
		return
	}
	info := ev.TargetInfo
	popup := info.Type == "page" && info.OpenerID != ""
	t.mu.Lock()
	t.targets[info.TargetID] = newTarget(info)
	var owner *Tab
	if popup {
		t.popups++
		owner = t.tabs[info.OpenerID]
		t.noteOpening(info)
	}
	t.noteFrame(info)
	t.mu.Unlock()
	if !popup {
		return
	}
	if owner != nil {
		owner.popups.Add(1)
	}
	if !t.keepPopups {
		t.conn.root.post(target.CommandCloseTarget, target.CloseTargetParams{TargetID: info.TargetID})
	}
}

func newTarget(info *target.Info) Target {
	url := info.URL
	if len(url) > 300 {
		cut := 300
		for cut > 0 && !utf8.RuneStart(url[cut]) {
			cut--
		}
		url = url[:cut] + "…"
	}
	return Target{ID: string(info.TargetID), Type: info.Type, URL: url, Opener: string(info.OpenerID), Context: string(info.BrowserContextID), parent: info.ParentFrameID}
}

// noteOpening notes whose page opened a window. The caller holds mu.
func (t *tracker) noteOpening(info *target.Info) {
	if tab := t.tabs[info.OpenerID]; tab != nil {
		site, run := tab.lentTo()
		t.opened[info.TargetID] = opening{tab: tab.id, site: site, run: run}
	} else if by, ok := t.opened[info.OpenerID]; ok { // a window's own window
		t.opened[info.TargetID] = by
	}
}

// noteFrame notes the storage key of a frame in a process of its own, whose events its tab's session
// does not get. The caller holds mu.
func (t *tracker) noteFrame(info *target.Info) {
	origin, ok := originOf(info.URL)
	if info.Type != "iframe" || !ok {
		return
	}
	if tab := t.tabOf(info.ParentFrameID); tab != nil {
		tab.noteForeign(origin)
	}
}

// tabOf is the tab in whose page a frame is, however deep. The caller holds mu.
func (t *tracker) tabOf(id cdp.FrameID) *Tab {
	for range 20 {
		if tab := t.tabs[target.ID(id)]; tab != nil {
			return tab
		}
		parent := t.targets[target.ID(id)].parent
		if parent == "" {
			break
		}
		id = parent
	}
	for _, tab := range t.tabs {
		if tab.shows(id) {
			return tab
		}
	}
	return nil
}

func (t *tracker) changed(ev target.EventTargetInfoChanged) {
	if ev.TargetInfo == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.targets[ev.TargetInfo.TargetID]; known {
		t.targets[ev.TargetInfo.TargetID] = newTarget(ev.TargetInfo)
		t.noteFrame(ev.TargetInfo)
	}
}

func (t *tracker) destroyed(ev target.EventTargetDestroyed) {
	t.mu.Lock()
	delete(t.targets, ev.TargetID)
	delete(t.opened, ev.TargetID)
	delete(t.spared, ev.TargetID)
	tab := t.tabs[ev.TargetID]
	attached := t.attached[ev.TargetID]
	delete(t.attached, ev.TargetID)
	t.mu.Unlock()
	for s := range attached {
		t.conn.forget(s, ErrClosed)
	}
	if tab != nil {
		tab.session.conn.forget(tab.session, ErrClosed)
	}
}

func (t *tracker) detached(ev target.EventDetachedFromTarget) {
	t.conn.mu.Lock()
	s := t.conn.sessions[ev.SessionID]
	t.conn.mu.Unlock()
	if s != nil {
		t.conn.forget(s, ErrClosed)
	}
}

func (t *tracker) has(id target.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.targets[id]
	return ok
}

// add tells the tracker of a tab of ours, remove that it is no longer one.
func (t *tracker) add(tab *Tab) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tabs[tab.id] = tab
}

func (t *tracker) remove(tab *Tab) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tabs, tab.id)
}

// awaitContextGone waits until no target of a browser context is open any more.
func (b *Browser) awaitContextGone(ctx context.Context, id cdp.BrowserContextID) error {
	changed := make(chan struct{}, 1)
	off := listen(b.conn.root, target.TargetDestroyed, func(target.EventTargetDestroyed) {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer off()
	for b.tracker.inContext(id) {
		select {
		case <-changed:
		case <-b.conn.closed:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("dispose of a browser context: its tabs stay: %w", context.Cause(ctx))
		}
	}
	return nil
}

func (t *tracker) inContext(id cdp.BrowserContextID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, open := range t.targets {
		if open.Context == string(id) {
			return true
		}
	}
	return false
}

// Targets returns what Chrome has open, in the order of their IDs.
func (b *Browser) Targets() []Target {
	b.tracker.mu.Lock()
	defer b.tracker.mu.Unlock()
	list := make([]Target, 0, len(b.tracker.targets))
	for _, id := range slices.Sorted(maps.Keys(b.tracker.targets)) {
		list = append(list, b.tracker.targets[id])
	}
	return list
}

// Popups is the number of windows that pages have opened so far.
func (b *Browser) Popups() int {
	b.tracker.mu.Lock()
	defer b.tracker.mu.Unlock()
	return b.tracker.popups
}
