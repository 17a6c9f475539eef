package browser

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"golang.org/x/sync/errgroup"
)

// Tab is one page target with a lean session of its own. Its methods are for one
// goroutine at a time; every call is bounded, and fails at once with ErrCrashed,
// ErrClosed or ErrGone when the tab or Chrome ends.
type Tab struct {
	browser *Browser
	id      target.ID
	context cdp.BrowserContextID
	session *session
	rules   rules

	mu    sync.Mutex
	world cdpruntime.ExecutionContextID // 0 when a navigation has made it invalid
	nav   navigation
	visit visit
	url   string

	held   holding // which requests are paused; only who has the tab touches it, and unheld
	unheld bool    // the lease does without holding documents

	lazy    bool       // frames are drawn only when they are asked for
	need    *frameNeed // of the site that has the tab; nil before the first lease
	frames  frames     // what is shown now
	touched *touched   // of the lease that has the tab, or had it last; nil before the first

	shown []document    // the latest that were shown, newest last
	moved chan struct{} // closed, and made anew, when another document is shown

	unwatch func() // ends the watching of what is fetched; nil without

	weighing weighing
	tidiness tidiness
	// The pool's mu guards these: another tab is on its way to take this one's place, and has taken it.
	succeeded, replaced bool
	renderer            renderer
	steps               steps // chromedp, while interactive steps need it
	popups              atomic.Int64
	dialogs             atomic.Int64
	asked               atomic.Int64 // how many dialogs the document that is open has opened
}

// document is one that the tab has shown.
type document struct {
	loader    cdp.LoaderID
	url, mime string
}

// maxDialogs is how many dialogs one document may open.
const maxDialogs = 200

// openTab makes a tab in a browser context ("" is the default one) and prepares it.
func (b *Browser) openTab(ctx context.Context, in cdp.BrowserContextID, r rules) (*Tab, error) {
	lazy := r.LazyFrames && isHeadlessShell(b.options.Path)
	params := target.CreateTargetParams{URL: "about:blank", BrowserContextID: in, NewWindow: newWindow(in, b.options.Path)}
	if lazy {
		params.EnableBeginFrameControl = new(true)
	}
	made, err := cdp.Call(ctx, b.conn.root, target.CreateTarget, params)
	if err != nil {
		return nil, fmt.Errorf("open a tab: %w", err)
	}
	t := &Tab{browser: b, id: made.TargetID, context: in, rules: r, lazy: lazy, url: "about:blank", moved: make(chan struct{})}
	if err := t.attach(ctx); err != nil {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if t.session != nil {
			defer t.forget()
		}
		return nil, errors.Join(fmt.Errorf("open a tab: %w", err), b.closeTarget(closeCtx, made.TargetID))
	}
	return t, nil
}

// newWindow asks for a window where Chrome needs one for a tab in a context other than
// the default: the new headless mode does, headless-shell knows no windows.
func newWindow(in cdp.BrowserContextID, path string) *bool {
	if in == "" || isHeadlessShell(path) {
		return nil
	}
	return new(true)
}

// attach opens the tab's session and sets up what every visit relies on.
func (t *Tab) attach(ctx context.Context) error {
	b := t.browser
	res, err := cdp.Call(ctx, b.conn.root, target.AttachToTarget, target.AttachToTargetParams{TargetID: t.id, Flatten: new(true)})
	if err != nil {
		return err
	}
	t.session = b.conn.open(res.SessionID)
	t.session.guard = newGuard(t.session, b.PID())
	b.tracker.add(t)
	t.listen()
	// One after the other, each would wait for a renderer that is just starting.
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		_, err := cdp.Call(ctx, t.session, page.Enable, page.EnableParams{})
		return err
	})
	g.Go(func() error { return t.setUserAgent(ctx) })
	g.Go(func() error { return t.watchNetwork(ctx) })
	g.Go(func() error { return t.watchDocuments(ctx) })
	return g.Wait()
}

func (t *Tab) setUserAgent(ctx context.Context) error {
	if t.rules.UserAgent == "" {
		return nil
	}
	_, err := cdp.Call(ctx, t.session, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: t.rules.UserAgent})
	return err
}

// listen answers what a page asks of a person: dialogs are dismissed, and leaving the
// page is always allowed.
func (t *Tab) listen() {
	listen(t.session, page.JavascriptDialogOpening, func(ev page.EventJavascriptDialogOpening) {
		t.dialogs.Add(1)
		leave := ev.Type == page.DialogTypeBeforeunload
		t.session.post(page.CommandHandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: leave})
		if t.asked.Add(1) > maxDialogs && t.session.guard.limit.Load() > 0 {
			t.session.giveUp(fmt.Errorf("%w: it opened more than %d dialogs", ErrScript, maxDialogs))
		}
	})
	listen(t.session, page.FrameNavigated, func(ev page.EventFrameNavigated) {
		if ev.Frame == nil {
			return
		}
		if ev.Frame.ParentID == "" {
			t.session.guard.moves.Add(1)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if key, ok := t.frames.came(ev.Frame); ok {
			t.touched.note(key)
		}
		if ev.Frame.ParentID != "" {
			return
		}
		t.world, t.url, t.weighing.arrived = 0, ev.Frame.URL+ev.Frame.URLFragment, false
		t.asked.Store(0)
		t.shown = append(t.shown[max(0, len(t.shown)-15):], document{loader: ev.Frame.LoaderID, url: t.url, mime: ev.Frame.MimeType})
		close(t.moved)
		t.moved = make(chan struct{})
	})
	listen(t.session, page.DomContentEventFired, func(page.EventDomContentEventFired) { t.arrived() })
	listen(t.session, page.FrameDetached, func(ev page.EventFrameDetached) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.frames.gone(ev.FrameID)
	})
	listen(t.session, page.NavigatedWithinDocument, func(ev page.EventNavigatedWithinDocument) {
		if string(ev.FrameID) != string(t.id) {
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.url = ev.URL
	})
}

// URL is what the tab shows now.
func (t *Tab) URL() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.url
}

// ID is the target's ID.
func (t *Tab) ID() string { return string(t.id) }

// Popups is the number of windows that the tab's pages have opened, Dialogs the number
// of dialogs.
func (t *Tab) Popups() int { return int(t.popups.Load()) }

// Dialogs is the number of dialogs that the tab's pages have opened.
func (t *Tab) Dialogs() int { return int(t.dialogs.Load()) }

// Session is the tab's DevTools session, for readings.
func (t *Tab) Session() cdp.Session { return t.session }

// Ended is closed when the tab has crashed, was closed, or Chrome has gone; Err then
// says which.
func (t *Tab) Ended() <-chan struct{} { return t.session.done }

// Err is why the tab ended; nil while it lives.
func (t *Tab) Err() error {
	select {
	case <-t.session.done:
		return t.session.reason()
	default:
		return nil
	}
}

// Browser is the Chrome that the tab belongs to.
func (t *Tab) Browser() *Browser { return t.browser }

// closePatience is how long a tab may take to close by itself before its scripts are
// ended. They are not ended at once: with no script running, that request stays with
// the page until one does, and it then holds up the very closing.
const closePatience = 300 * time.Millisecond

// crashPatience is how long it may take before its renderer is made to crash, which ends what runs in it.
const crashPatience = 2 * time.Second

// firstPatience is how long the first request to close a tab may take before it is made again.
const firstPatience = 20 * time.Millisecond

// close closes the tab and checks that it has gone.
func (t *Tab) close(ctx context.Context) error {
	t.endSteps()
	defer t.forget()
	timer := time.AfterFunc(closePatience, func() {
		t.session.post(cdpruntime.CommandTerminateExecution, cdp.Empty{})
	})
	crash := time.AfterFunc(crashPatience, func() { t.session.post(page.CommandCrash, cdp.Empty{}) })
	err := t.browser.closeTarget(ctx, t.id)
	timer.Stop()
	crash.Stop()
	return err
}

// closeTarget closes a target and waits until Chrome says that it is gone.
func (b *Browser) closeTarget(ctx context.Context, id target.ID) error {
	gone := make(chan struct{}, 1)
	off := listen(b.conn.root, target.TargetDestroyed, func(ev target.EventTargetDestroyed) {
		if ev.TargetID == id {
			select {
			case gone <- struct{}{}:
			default:
			}
		}
	})
	defer off()
	for patience := firstPatience; ; patience = min(2*patience, closePatience) {
		// A request that comes while a document takes another's place, as one does that
		// follows its navigation at once, is lost: it is made again.
		if _, err := cdp.Call(ctx, b.conn.root, target.CloseTarget, target.CloseTargetParams{TargetID: id}); err != nil {
			if strings.Contains(err.Error(), "No target ") {
				return nil
			}
			return fmt.Errorf("close a tab: %w", err)
		}
		if !b.tracker.has(id) {
			return nil
		}
		again := time.NewTimer(patience)
		select {
		case <-gone:
			again.Stop()
			return nil
		case <-b.conn.closed:
			again.Stop()
			return nil
		case <-ctx.Done():
			again.Stop()
			return fmt.Errorf("close a tab: %w", context.Cause(ctx))
		case <-again.C:
		}
	}
}
