package browser

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"slices"
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
	CountBytes  bool
	Proxy       Proxy
	LazyFrames  bool
}

// Response is what a server answered to a navigation. Where its document was not held (LeaseOptions.Unheld), only
// URL and MIME are known.
type Response struct {
	// URL is where redirects led.
	URL string
	// Status is the HTTP status; 0 where it is not known.
	Status int
	Header http.Header
	// MIME is the media type without parameters.
	MIME string
	// Redirects are the URLs that led on, in order.
	Redirects []string
	// ContentLength is what the server announced, in bytes; -1 where it did not.
	ContentLength int64
}

// navigation is what the tab learns of main documents while one is fetched: of that one, and of those to
// which the page that is left, or the new one, leads at that moment. Chrome does not say which is which. What
// was taken can become the document, what was refused cannot.
type navigation struct {
	response  Response // the latest that was taken
	redirects []string
	denied    denial // the latest that was not
}

// denial is a document that was not taken.
type denial struct {
	response  Response
	refused   error  // why
	unreached string // the proxy did not reach the server: what Chrome would say
}

// kinds maps the kinds of a site file to the resource types that Fetch tells apart: it
// refuses the others. Text tracks are media to it, fetch() and EventSource are XHR, and
// the scripts of workers are "other". WebSockets never come by it: see noSockets.
var kinds = map[string][]network.ResourceType{
	"image":      {network.ResourceTypeImage},
	"font":       {network.ResourceTypeFont},
	"media":      {network.ResourceTypeMedia},
	"stylesheet": {network.ResourceTypeStylesheet},
	"script":     {network.ResourceTypeScript},
	"xhr":        {network.ResourceTypeXHR},
	kindSockets:  {},
	"other":      {network.ResourceTypePing, network.ResourceTypeCSPViolationReport, network.ResourceTypeOther},
}

const kindSockets = "websocket"

// noSockets makes every WebSocket of a document fail as one that cannot connect: Chrome
// refuses the port before anything is sent. Those of workers are not reached.
const noSockets = `WebSocket = new Proxy(WebSocket, {construct: (real) => new real("wss://127.0.0.1:1/")})`

// watchDocuments sets up what is decided about requests. Which are paused says hold.
func (t *Tab) watchDocuments(ctx context.Context) error {
	listen(t.session, fetch.RequestPaused, t.paused)
	if slices.Contains(t.rules.BlockKinds, kindSockets) {
		params := page.AddScriptToEvaluateOnNewDocumentParams{Source: noSockets}
		if _, err := cdp.Call(ctx, t.session, page.AddScriptToEvaluateOnNewDocument, params); err != nil {
			return err
		}
	}
	return nil
}

// holding says which requests Chrome pauses.
type holding int

const (
	holdUnset     holding = iota // nothing has been said yet, and none is
	holdDocuments                // documents, and what is blocked
	holdBlocked                  // what is blocked
)

// hold pauses every document at its response, or none. Paused, it gives the status, the headers and each
// redirect without the Network domain, and can be refused before it is loaded: for a round trip, and a
// detour for all of the page's requests. What the lease blocks by kind is paused at its request, and failed.
func (t *Tab) hold(ctx context.Context, want holding) error {
	if t.held == want {
		return nil
	}
	var patterns []*fetch.RequestPattern
	if want == holdDocuments {
		patterns = append(patterns, &fetch.RequestPattern{URLPattern: "*", ResourceType: network.ResourceTypeDocument, RequestStage: fetch.RequestStageResponse})
	}
	for _, kind := range t.rules.BlockKinds {
		if slices.Contains(t.browser.options.Block, kind) && kindFlags[kind] != "" {
			continue
		}
		for _, typ := range kinds[kind] {
			patterns = append(patterns, &fetch.RequestPattern{URLPattern: "*", ResourceType: typ, RequestStage: fetch.RequestStageRequest})
		}
	}
	var err error
	if len(patterns) > 0 {
		_, err = cdp.Call(ctx, t.session, fetch.Enable, fetch.EnableParams{Patterns: patterns})
	} else if t.held != holdUnset {
		_, err = cdp.Call(ctx, t.session, fetch.Disable, cdp.Empty{})
	}
	if err == nil {
		t.held = want
	}
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
		if origin, ok := originOf(r.URL); ok {
			t.touched.note(storageKey{origin: origin}) // it may have set cookies
		}
		return false
	}
	r.Redirects = t.nav.redirects
	t.nav.redirects = nil
	if t.markedByProxy(r) {
		t.nav.denied = denial{response: r, unreached: unreached}
		return true
	}
	if err := unwanted(r, t.rules.MaxDocument); err != nil {
		t.nav.denied = denial{response: r, refused: err}
		return true
	}
	t.nav.response = r
	return false
}

// unreached is Chrome's word for an answer of the proxy's own, where the proxy knows no better one.
const unreached = "net::ERR_PROXY_CONNECTION_FAILED"

// markedByProxy says that an answer is the proxy's own.
func (t *Tab) markedByProxy(r Response) bool {
	return t.rules.Proxy != nil && r.MIME == t.rules.Proxy.Mark()
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
