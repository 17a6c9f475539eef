package browser

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
)

// maxRedirects is how often Chrome follows a redirect in one navigation.
const maxRedirects = 20

// rules are what a lease sets for its tab.
type rules struct {
	UserAgent   string
	BlockKinds  []string
	BlockURLs   []string
	MaxDocument int64
}

// Response is what a server answered to a navigation.
type Response struct {
	// URL is where redirects led.
	URL string
	// Status is the HTTP status.
	Status int
	Header http.Header
	// MIME is the media type without parameters.
	MIME string
	// Redirects are the URLs that led on, in order.
	Redirects []string
	// ContentLength is what the server announced, in bytes; -1 where it did not.
	ContentLength int64
}

// navigation is what the tab learns of a main document while it is fetched.
type navigation struct {
	response  Response
	redirects []string
	refused   error // why the document was not taken
}

// kinds maps the kinds of a site file to Chrome's resource types.
var kinds = map[string][]network.ResourceType{
	"image":      {network.ResourceTypeImage},
	"font":       {network.ResourceTypeFont},
	"media":      {network.ResourceTypeMedia, network.ResourceTypeTextTrack},
	"stylesheet": {network.ResourceTypeStylesheet},
	"script":     {network.ResourceTypeScript},
	"xhr":        {network.ResourceTypeXHR, network.ResourceTypeFetch, network.ResourceTypeEventSource},
	"websocket":  {network.ResourceTypeWebSocket},
	"other":      {network.ResourceTypeManifest, network.ResourceTypePing, network.ResourceTypePrefetch, network.ResourceTypeOther},
}

// watchDocuments pauses every document at its response, which gives the status, the
// headers and each redirect without the Network domain (that costs a fifth of a page's
// time), and lets a document be refused before it is loaded. What the lease blocks is
// paused at its request, and failed.
func (t *Tab) watchDocuments(ctx context.Context) error {
	listen(t.session, fetch.RequestPaused, t.paused)
	patterns := []*fetch.RequestPattern{{URLPattern: "*", ResourceType: network.ResourceTypeDocument, RequestStage: fetch.RequestStageResponse}}
	for _, kind := range t.rules.BlockKinds {
		for _, typ := range kinds[kind] {
			patterns = append(patterns, &fetch.RequestPattern{URLPattern: "*", ResourceType: typ, RequestStage: fetch.RequestStageRequest})
		}
	}
	for _, u := range t.rules.BlockURLs {
		patterns = append(patterns, &fetch.RequestPattern{URLPattern: u, RequestStage: fetch.RequestStageRequest})
	}
	_, err := cdp.Call(ctx, t.session, fetch.Enable, fetch.EnableParams{Patterns: patterns})
	return err
}

// paused decides about a request that Chrome holds. It runs in the reading goroutine.
func (t *Tab) paused(ev fetch.EventRequestPaused) {
	atResponse := ev.ResponseStatusCode != 0 || ev.ResponseErrorReason != ""
	switch {
	case !atResponse:
		t.session.post(fetch.CommandFailRequest, fetch.FailRequestParams{RequestID: ev.RequestID, ErrorReason: network.ErrorReasonBlockedByClient})
	case ev.ResourceType == network.ResourceTypeDocument && string(ev.FrameID) == string(t.id) && t.refuse(ev):
		t.session.post(fetch.CommandFailRequest, fetch.FailRequestParams{RequestID: ev.RequestID, ErrorReason: network.ErrorReasonAborted})
	default:
		t.session.post(fetch.CommandContinueRequest, fetch.ContinueRequestParams{RequestID: ev.RequestID})
	}
}

// refuse notes the answer to a main document's request and says whether it is not to
// be loaded.
func (t *Tab) refuse(ev fetch.EventRequestPaused) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := newResponse(ev)
	if r.Status >= 300 && r.Status < 400 && r.Header.Get("Location") != "" {
		if len(t.nav.redirects) < maxRedirects {
			t.nav.redirects = append(t.nav.redirects, r.URL)
		}
		return false
	}
	r.Redirects = t.nav.redirects
	t.nav.redirects = nil
	t.nav.response = r
	t.nav.refused = unwanted(r, t.rules.MaxDocument)
	return t.nav.refused != nil
}

func newResponse(ev fetch.EventRequestPaused) Response {
	r := Response{Status: int(ev.ResponseStatusCode), Header: http.Header{}, ContentLength: -1}
	if ev.Request != nil {
		r.URL = ev.Request.URL + ev.Request.URLFragment
	}
	for _, h := range ev.ResponseHeaders {
		if h != nil {
			r.Header.Add(h.Name, h.Value)
		}
	}
	if n, err := strconv.ParseInt(r.Header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		r.ContentLength = n
	}
	r.MIME, _, _ = mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r
}

// unwanted says why a document is not to be loaded, if it is not.
func unwanted(r Response, limit int64) error {
	if limit > 0 && r.ContentLength > limit {
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, r.ContentLength, limit)
	}
	if r.Status == http.StatusNoContent || r.Status == http.StatusResetContent {
		return fmt.Errorf("%w: status %d has no content", ErrNotPage, r.Status)
	}
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Disposition"))), "attachment") {
		return fmt.Errorf("%w: it is offered as a download", ErrNotPage)
	}
	switch m := r.MIME; {
	case m == "", strings.HasPrefix(m, "text/"), strings.HasSuffix(m, "/xml"), strings.HasSuffix(m, "+xml"), strings.HasSuffix(m, "/json"), strings.HasSuffix(m, "+json"):
		if m == "image/svg+xml" {
			break
		}
		return nil
	}
	return fmt.Errorf("%w: its type is %s", ErrNotPage, r.MIME)
}

// Navigate opens an http or https URL and returns when the new document has begun (its
// HTML may still be arriving). Redirects are followed. It fails with a NetError where
// the network does, and with ErrTooLarge, ErrNotPage or ErrRedirects where the answer
// is not taken. A status of 400 or more is no error.
func (t *Tab) Navigate(ctx context.Context, rawURL string) (Response, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return Response{}, fmt.Errorf("open a page: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return Response{}, fmt.Errorf("open %s: %w", rawURL, ErrScheme)
	}
	t.endSteps()
	t.mu.Lock()
	t.nav = navigation{}
	t.mu.Unlock()
	t.browser.pages.Add(1)
	res, err := cdp.Call(ctx, t.session, page.Navigate, page.NavigateParams{URL: rawURL})
	if err == nil && res.ErrorText == "" && !res.IsDownload {
		err = t.awaitCommit(ctx, res.LoaderID)
	}
	t.mu.Lock()
	nav := t.nav
	t.mu.Unlock()
	switch {
	case nav.refused != nil:
		return nav.response, fmt.Errorf("open %s: %w", rawURL, nav.refused)
	case err != nil:
		return nav.response, fmt.Errorf("open %s: %w", rawURL, err)
	case res.IsDownload:
		return nav.response, fmt.Errorf("open %s: %w: it is a download", rawURL, ErrNotPage)
	case res.ErrorText == "net::ERR_TOO_MANY_REDIRECTS":
		return nav.response, fmt.Errorf("open %s: %w", rawURL, ErrRedirects)
	case res.ErrorText != "":
		return nav.response, &NetError{Code: res.ErrorText, URL: rawURL}
	}
	if nav.response.URL == "" {
		// Nothing was fetched: the page stayed in the same document, for a fragment.
		nav.response = Response{URL: rawURL, Status: http.StatusOK, Header: http.Header{}, ContentLength: -1}
	}
	return nav.response, nil
}

// awaitCommit waits until the document of a navigation has taken the place of the one
// before. Chrome answers Page.navigate a little earlier: what is evaluated, or closed,
// in between meets the old document.
func (t *Tab) awaitCommit(ctx context.Context, loader cdp.LoaderID) error {
	if loader == "" {
		return nil // the document stays the same
	}
	for {
		t.mu.Lock()
		shown, changed := t.loader, t.moved
		t.mu.Unlock()
		if shown == loader {
			return nil
		}
		select {
		case <-changed:
		case <-t.session.done:
			return t.session.reason()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Blank leaves the document for an empty one.
func (t *Tab) Blank(ctx context.Context) error {
	t.endSteps()
	res, err := cdp.Call(ctx, t.session, page.Navigate, page.NavigateParams{URL: "about:blank"})
	if err == nil {
		err = t.awaitCommit(ctx, res.LoaderID)
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

// Back goes one entry back in the history. It is an error where there is none.
func (t *Tab) Back(ctx context.Context) error {
	h, err := cdp.Call(ctx, t.session, page.GetNavigationHistory, cdp.Empty{})
	if err != nil {
		return fmt.Errorf("go back: %w", err)
	}
	if h.CurrentIndex < 1 || int(h.CurrentIndex) > len(h.Entries) {
		return errors.New("go back: the history has no earlier entry")
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
