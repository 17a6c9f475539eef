package browser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
)

// Navigate opens an http or https URL and returns when the new document has begun (its
// HTML may still be arriving). Redirects are followed. It fails with a NetError where
// the network does, and with ErrTooLarge, ErrNotPage or ErrRedirects where the answer
// is not taken. A status of 400 or more is no error.
//
// Where the lease is Unheld, the status is not known: Response.Status is 0. What Chrome does not tell by itself
// then, such as why an answer brings no document, is found out by asking the server once more, held.
func (t *Tab) Navigate(ctx context.Context, rawURL string) (Response, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return Response{}, fmt.Errorf("open a page: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return Response{}, fmt.Errorf("open %s: %w", rawURL, ErrScheme)
	}
	t.endSteps()
	if err := t.leaveFor(ctx, u); err != nil {
		return Response{}, err
	}
	if t.unheld {
		response, err := t.navigateUnheld(ctx, rawURL)
		if !errors.Is(err, errUntold) {
			return response, err
		}
	}
	return t.navigateHeld(ctx, rawURL)
}

// arrive begins a visit and asks Chrome for a page.
func (t *Tab) arrive(ctx context.Context, rawURL string, hold holding) (shown document, res page.NavigateResult, err error) {
	if err := t.hold(ctx, hold); err != nil {
		return shown, res, err
	}
	t.weighedEnough()
	t.mu.Lock()
	t.nav = navigation{}
	t.mu.Unlock()
	t.beginVisit()
	t.browser.pages.Add(1)
	t.tidiness.visit()
	res, err = cdp.Call(ctx, t.session, page.Navigate, page.NavigateParams{URL: rawURL})
	if err == nil && res.ErrorText == "" && !res.IsDownload {
		shown, err = t.awaitCommit(ctx, res.LoaderID)
	}
	return shown, res, err
}

func (t *Tab) navigateHeld(ctx context.Context, rawURL string) (Response, error) {
	_, res, err := t.arrive(ctx, rawURL, holdDocuments)
	t.mu.Lock()
	nav := t.nav
	t.mu.Unlock()
	failed := err != nil || res.ErrorText != "" || res.IsDownload
	switch denied := nav.denied; {
	case failed && denied.unreached != "":
		return denied.response, notReached(t.rules.Proxy, rawURL, denied.response.URL, denied.unreached)
	case failed && denied.refused != nil:
		return denied.response, fmt.Errorf("open %s: %w", rawURL, denied.refused)
	case err != nil:
		return nav.response, fmt.Errorf("open %s: %w", rawURL, err)
	}
	if err := t.notOpened(rawURL, nav.response.URL, res); err != nil {
		return nav.response, err
	}
	if t.rules.MaxDocument > 0 && res.LoaderID != "" && nav.response.weighed() {
		t.weigh(res.LoaderID)
	}
	if nav.response.URL == "" {
		return sameDocument(rawURL), nil
	}
	return nav.response, nil
}

// errUntold is what a document that is not held does not tell.
var errUntold = errors.New("not known unless the document is held")

// navigateUnheld fails with errUntold where holding the document would tell more.
func (t *Tab) navigateUnheld(ctx context.Context, rawURL string) (Response, error) {
	shown, res, err := t.arrive(ctx, rawURL, holdBlocked)
	response := Response{URL: shown.url, MIME: shown.mime, Header: http.Header{}, ContentLength: -1}
	switch {
	case err != nil:
		return response, fmt.Errorf("open %s: %w", rawURL, err)
	case res.ErrorText == "net::ERR_ABORTED", res.IsDownload:
		return response, errUntold
	}
	if err := t.notOpened(rawURL, rawURL, res); err != nil {
		return response, err
	}
	if res.LoaderID == "" {
		return sameDocument(rawURL), nil
	}
	if t.markedByProxy(response) {
		return response, notReached(t.rules.Proxy, rawURL, response.URL, unreached)
	}
	if err := unwanted(response, 0); err != nil {
		return response, fmt.Errorf("open %s: %w", rawURL, err)
	}
	if t.rules.MaxDocument > 0 {
		t.weigh(res.LoaderID)
	}
	return response, nil
}

// notOpened is the error by which Chrome, or its proxy, has not opened a page; nil where it has.
func (t *Tab) notOpened(rawURL, reached string, res page.NavigateResult) error {
	switch {
	case res.IsDownload:
		return fmt.Errorf("open %s: %w: it is a download", rawURL, ErrNotPage)
	case res.ErrorText == "net::ERR_TOO_MANY_REDIRECTS":
		return fmt.Errorf("open %s: %w", rawURL, ErrRedirects)
	case ofProxy(res.ErrorText):
		return notReached(t.rules.Proxy, rawURL, cmp.Or(reached, rawURL), res.ErrorText)
	case res.ErrorText != "":
		return &NetError{Code: res.ErrorText, URL: rawURL}
	}
	return nil
}

// sameDocument is the answer to a navigation for which nothing was fetched: the page stayed in the same
// document, for a fragment.
func sameDocument(rawURL string) Response {
	return Response{URL: rawURL, Status: http.StatusOK, Header: http.Header{}, ContentLength: -1}
}

// leaveFor leaves the document first when it is the very one that a URL with a fragment
// names: Chrome would only scroll in it, and not load it again.
func (t *Tab) leaveFor(ctx context.Context, u *url.URL) error {
	shown, _, _ := strings.Cut(t.URL(), "#")
	wanted, _, fragment := strings.Cut(u.String(), "#")
	if !fragment || shown != wanted {
		return nil
	}
	return t.Blank(ctx)
}

// awaitCommit waits until the document of a navigation has taken the place of the one
// before. Chrome answers Page.navigate a little earlier: what is evaluated, or closed,
// in between meets the old document.
func (t *Tab) awaitCommit(ctx context.Context, loader cdp.LoaderID) (document, error) {
	if loader == "" {
		return document{}, nil // the document stays the same
	}
	for {
		t.mu.Lock()
		at, changed := slices.IndexFunc(t.shown, func(d document) bool { return d.loader == loader }), t.moved
		if at >= 0 { // and perhaps gone again: a page may lead on at once
			defer t.mu.Unlock()
			return t.shown[at], nil
		}
		t.mu.Unlock()
		select {
		case <-changed:
		case <-t.session.done:
			return document{}, t.session.reason()
		case <-ctx.Done():
			return document{}, context.Cause(ctx)
		}
	}
}

// Blank leaves the document for an empty one.
func (t *Tab) Blank(ctx context.Context) error {
	t.endSteps()
	res, err := cdp.Call(ctx, t.session, page.Navigate, page.NavigateParams{URL: "about:blank"})
	if err == nil {
		_, err = t.awaitCommit(ctx, res.LoaderID)
	}
	if err != nil {
		return fmt.Errorf("leave the page: %w", err)
	}
	return nil
}

// move is a navigation of the main frame that is to come.
type move struct {
	came chan struct{}
	off  func()
}

// awaitMove listens from now on for the main frame to show a URL. The event of an
// earlier navigation may still be on its way, so the URL must be the one.
func (t *Tab) awaitMove(to string) move {
	m := move{came: make(chan struct{}, 1)}
	note := func(shown string) {
		if shown != to {
			return
		}
		select {
		case m.came <- struct{}{}:
		default:
		}
	}
	off1 := listen(t.session, page.FrameNavigated, func(ev page.EventFrameNavigated) {
		if ev.Frame != nil && ev.Frame.ParentID == "" {
			note(ev.Frame.URL + ev.Frame.URLFragment)
		}
	})
	off2 := listen(t.session, page.NavigatedWithinDocument, func(ev page.EventNavigatedWithinDocument) { note(ev.URL) })
	m.off = func() { off1(); off2() }
	return m
}

func (m move) wait(ctx context.Context, t *Tab) error {
	select {
	case <-m.came:
		return nil
	case <-t.session.done:
		return t.session.reason()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// callActive calls a command of the page that is open. Chrome's browser process learns
// of a new document a little after its renderer has told us, and refuses until then: it
// is asked again for half a second.
func callActive[P, R any](ctx context.Context, t *Tab, command cdp.Command[P, R], params P) (R, error) {
	for tries := 0; ; tries++ {
		res, err := cdp.Call(ctx, t.session, command, params)
		if err == nil || tries == 50 || !strings.Contains(err.Error(), "Not attached to an active page") {
			return res, err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return res, context.Cause(ctx)
		}
	}
}

// Back goes one entry back in the history. The error wraps ErrNoEntry where there is none.
func (t *Tab) Back(ctx context.Context) error {
	h, err := callActive(ctx, t, page.GetNavigationHistory, cdp.Empty{})
	if err != nil {
		return fmt.Errorf("go back: %w", err)
	}
	if h.CurrentIndex < 1 || int(h.CurrentIndex) > len(h.Entries) {
		return fmt.Errorf("go back: %w", ErrNoEntry)
	}
	entry := h.Entries[h.CurrentIndex-1]
	moved := t.awaitMove(entry.URL)
	defer moved.off()
	if _, err := cdp.Call(ctx, t.session, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: entry.ID}); err != nil {
		return fmt.Errorf("go back: %w", err)
	}
	if err := moved.wait(ctx, t); err != nil {
		return fmt.Errorf("go back: %w", err)
	}
	return nil
}
