package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"
)

// standIn is a page of our own that shows an empty document of whatever origin, without asking any
// server: its requests are answered here. What an origin has stored can so be looked at when no page of
// it is open, partitioned data too (as a frame in a document of the other site). DevTools itself tells
// of IndexedDB, CacheStorage and localStorage only where a frame of the origin is open (Chromium 156).
type standIn struct {
	browser *Browser
	id      target.ID
	session *session
	detach  func()

	mu     sync.Mutex
	serial int
	bodies map[string]string // by URL
	key    storageKey        // of the document that is shown
}

// openStandIn opens one in a browser context; close must be called.
func (b *Browser) openStandIn(ctx context.Context, in cdp.BrowserContextID) (*standIn, error) {
	made, err := cdp.Call(ctx, b.conn.root, target.CreateTarget, target.CreateTargetParams{URL: "about:blank", BrowserContextID: in, NewWindow: newWindow(in, b.options.Path)})
	if err != nil {
		return nil, fmt.Errorf("open a page to look from: %w", err)
	}
	b.tracker.spare(made.TargetID)
	s := &standIn{browser: b, id: made.TargetID, detach: func() {}}
	opened, detach, err := b.Attach(ctx, string(made.TargetID))
	if err == nil {
		s.session, s.detach = opened.(*session), detach
		err = s.answer(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

// answer makes the page's requests come here, and past every service worker.
func (s *standIn) answer(ctx context.Context) error {
	listen(s.session, fetch.RequestPaused, s.paused)
	if _, err := cdp.Call(ctx, s.session, network.SetBypassServiceWorker, network.SetBypassServiceWorkerParams{Bypass: true}); err != nil {
		return err
	}
	_, err := cdp.Call(ctx, s.session, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: "*"}}})
	return err
}

// paused answers a request. It runs in the reading goroutine.
func (s *standIn) paused(ev fetch.EventRequestPaused) {
	s.mu.Lock()
	body, ok := "", false
	if ev.Request != nil {
		body, ok = s.bodies[ev.Request.URL]
	}
	s.mu.Unlock()
	if !ok {
		s.session.post(fetch.CommandFailRequest, fetch.FailRequestParams{RequestID: ev.RequestID, ErrorReason: network.ErrorReasonBlockedByClient})
		return
	}
	s.session.post(fetch.CommandFulfillRequest, fetch.FulfillRequestParams{
		RequestID: ev.RequestID, ResponseCode: 200, Body: []byte(body),
		ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: "text/html"}, {Name: "Cache-Control", Value: "no-store"}},
	})
}

// close closes the page, also when the time of the work is up.
func (s *standIn) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), answerTime, ErrHung)
	defer cancel()
	s.detach()
	err := s.browser.closeTarget(ctx, s.id)
	if errors.Is(err, ErrGone) {
		return nil
	}
	return err
}

const (
	// lookScript answers what is stored for the document that it runs in; with empty set, it empties
	// localStorage first.
	lookScript = `const look = async ({empty}) => {
	if (empty) localStorage.clear();
	const seen = {origin: location.origin, items: localStorage.length, chars: 0, databases: (await indexedDB.databases()).length, caches: 0, workers: 0};
	for (const [name, value] of Object.entries(localStorage)) seen.chars += name.length + value.length;
	if (self.caches) seen.caches = (await caches.keys()).length;
	if (navigator.serviceWorker) seen.workers = (await navigator.serviceWorker.getRegistrations()).length;
	if (navigator.storage) seen.usage = (await navigator.storage.estimate()).usageDetails || {};
	return seen;
};
const ask = what => look(what).catch(e => ({fault: String(e)}));
`
	// hostPage is the document around a partitioned frame: it hands on what it is asked.
	hostPage = `<!doctype html><link rel=icon href="data:,"><script>const serial = %d;
const loaded = new Promise(ok => addEventListener("load", ok));
const ask = what => loaded.then(() => new Promise(ok => { onmessage = e => ok(e.data); frames[0].postMessage(what, "*"); }));
</script><iframe src="%s"></iframe>`
	framePage = `<!doctype html><script>` + lookScript + `onmessage = async e => e.source.postMessage(await ask(e.data), "*");</script>`
	plainPage = `<!doctype html><link rel=icon href="data:,"><script>const serial = %d;` + lookScript + `</script>`
)

// errUnseen says that no document can be made that would see what a storage key holds.
var errUnseen = errors.New("it cannot be looked at from outside its page")

// show shows an empty document of a storage key.
func (s *standIn) show(ctx context.Context, key storageKey) error {
	if key.partition == foreignAncestor {
		return fmt.Errorf("look at %s: %w", key, errUnseen)
	}
	s.mu.Lock()
	s.serial++
	s.key = key
	url := fmt.Sprintf("%s/ebb-%d", key.origin, s.serial)
	s.bodies = map[string]string{url: fmt.Sprintf(plainPage, s.serial)}
	if top := key.topSite(); top != "" {
		inner := url + "-frame"
		url = fmt.Sprintf("%s/ebb-%d", top, s.serial)
		s.bodies = map[string]string{url: fmt.Sprintf(hostPage, s.serial, inner), inner: framePage}
	}
	s.mu.Unlock()
	res, err := cdp.Call(ctx, s.session, page.Navigate, page.NavigateParams{URL: url})
	if err == nil && res.ErrorText != "" {
		err = errors.New(res.ErrorText)
	}
	if err != nil {
		return fmt.Errorf("stand in for %s: %w", key, err)
	}
	return nil
}

// stored is what a storage key holds.
type stored struct {
	Origin    string
	Items     int // of localStorage
	Chars     int // in them
	Databases int
	Caches    int
	Workers   int                // registrations of service workers
	Usage     map[string]float64 // bytes by kind, as navigator.storage.estimate names them; nil where it does not exist
	Fault     string
}

// look tells what the storage key that is shown holds; with empty set, localStorage is emptied first.
func (s *standIn) look(ctx context.Context, empty bool) (stored, error) {
	expression := fmt.Sprintf(`new Promise(ok => { const go = () => typeof serial !== "undefined" && serial === %d ? ok(ask({empty: %t})) : setTimeout(go, 2); go() })`, s.serial, empty)
	var seen stored
	raw, err := s.evaluate(ctx, expression)
	if err == nil {
		err = json.Unmarshal(raw, &seen)
	}
	switch {
	case err != nil:
		return stored{}, fmt.Errorf("look at %s: %w", s.key, err)
	case seen.Fault != "":
		return stored{}, fmt.Errorf("look at %s: %s", s.key, firstLine(seen.Fault, 200))
	case seen.Origin != s.key.origin:
		return stored{}, fmt.Errorf("look at %s: Chrome went to %s instead", s.key, firstLine(seen.Origin, 200))
	}
	if seen.Usage == nil && s.key.partition == "" {
		seen.Usage, err = s.usage(ctx)
	}
	return seen, err
}

// evaluate asks the document that is to come, however often the one before is asked instead.
func (s *standIn) evaluate(ctx context.Context, expression string) (json.RawMessage, error) {
	for {
		res, err := cdp.Call(ctx, s.session, cdpruntime.Evaluate, cdpruntime.EvaluateParams{Expression: expression, AwaitPromise: new(true), ReturnByValue: new(true), Silent: new(true)})
		switch {
		case err == nil && res.ExceptionDetails != nil:
			return nil, scriptError(res.ExceptionDetails)
		case err == nil:
			return json.RawMessage(res.Result.Value), nil
		case !isMoved(err):
			return nil, err
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// usage asks Chrome for the bytes where the document's origin may not.
func (s *standIn) usage(ctx context.Context) (map[string]float64, error) {
	res, err := cdp.Call(ctx, s.session, storage.GetUsageAndQuota, storage.GetUsageAndQuotaParams{Origin: s.key.origin})
	if err != nil {
		return nil, fmt.Errorf("ask what %s uses: %w", s.key, err)
	}
	names := map[storage.Type]string{storage.TypeIndexeddb: "indexedDB", storage.TypeCacheStorage: "caches", storage.TypeServiceWorkers: "serviceWorkerRegistrations", storage.TypeFileSystems: "fileSystem"}
	usage := map[string]float64{}
	for _, u := range res.UsageBreakdown {
		if name := names[u.StorageType]; name != "" {
			usage[name] = u.Usage
		}
	}
	return usage, nil
}

// spare keeps a page out of what is closed as nobody's.
func (t *tracker) spare(id target.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spared[id] = true
}
