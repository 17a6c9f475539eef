package crawl

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// web is a server on loopback that counts what it is asked. Tests of runs in a real
// Chrome (chrome_*_test.go) scrape it.
type web struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]http.HandlerFunc // by path
	asked   []asked
	open    int // documents being answered
	most    int // the largest number at once
}

// asked is one request that came.
type asked struct {
	path string // with its query
	dest string // what Chrome wants it for: document, image, ...; "" from anybody else
	at   time.Time
}

func newWeb(t testing.TB) *web {
	t.Helper()
	w := &web{answers: map[string]http.HandlerFunc{}}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

// newSecureWeb is a web whose certificate nobody trusts.
func newSecureWeb(t testing.TB) *web {
	t.Helper()
	w := &web{answers: map[string]http.HandlerFunc{}}
	w.Server = httptest.NewUnstartedServer(w)
	w.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.StartTLS()
	t.Cleanup(w.Close)
	return w
}

func (w *web) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	dest := in.Header.Get("Sec-Fetch-Dest")
	w.mu.Lock()
	w.asked = append(w.asked, asked{in.URL.RequestURI(), dest, time.Now()})
	answer := w.answers[in.URL.Path]
	if dest == "document" {
		w.open++
		w.most = max(w.most, w.open)
	}
	w.mu.Unlock()
	defer func() { // before the end of a short answer is sent
		if dest == "document" {
			w.mu.Lock()
			w.open--
			w.mu.Unlock()
		}
	}()
	if answer == nil {
		http.NotFound(out, in)
		return
	}
	answer(out, in)
}

func (w *web) handle(path string, answer http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[path] = answer
}

// page adds a page whose item is its path, with links to others.
func (w *web) page(path string, links ...string) { w.html(path, "", links...) }

// html adds a page like page, with more in its body.
func (w *web) html(path, body string, links ...string) {
	text := document(path, body, links...)
	w.handle(path, func(out http.ResponseWriter, _ *http.Request) { fmt.Fprint(out, text) })
}

// document is a page whose item is its name.
func document(name, body string, links ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!doctype html><meta charset=utf-8><title>%s</title><link rel=icon href=data:,><h1>%s</h1>", name, name)
	for _, link := range links {
		fmt.Fprintf(&b, "<a href=%q>x</a>\n", link)
	}
	return b.String() + body
}

// star adds a home page with links to /1 to /n.
func (w *web) star(n int) {
	var links []string
	for i := range n {
		path := fmt.Sprintf("/%d", i+1)
		links = append(links, path)
		w.page(path)
	}
	w.page("/", links...)
}

// documents are the pages that Chrome asked for, in order.
func (w *web) documents() []string {
	var paths []string
	for _, a := range w.requests("document") {
		paths = append(paths, a.path)
	}
	return paths
}

func (w *web) requests(dest string) []asked {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.asked), func(a asked) bool { return a.dest != dest })
}

// count is how often a path was asked for.
func (w *web) count(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, a := range w.asked {
		if a.path == path {
			n++
		}
	}
	return n
}

// mostOpen is the largest number of documents that were being answered at once.
func (w *web) mostOpen() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.most
}

// meeting holds its guests back until there are enough of them; then the next ones.
type meeting struct {
	size int
	mu   sync.Mutex
	here int
	full chan struct{}
}

func newMeeting(size int) *meeting { return &meeting{size: size, full: make(chan struct{})} }

func (m *meeting) wait(ctx context.Context) {
	m.mu.Lock()
	full := m.full
	if m.here++; m.here == m.size {
		close(full)
		m.here, m.full = 0, make(chan struct{})
	}
	m.mu.Unlock()
	select {
	case <-full:
	case <-ctx.Done():
	}
}

// meet makes a page answer only when as many are asked for at once as the meeting is for.
func (w *web) meet(m *meeting, path string, links ...string) {
	text := document(path, "", links...)
	w.handle(path, func(out http.ResponseWriter, in *http.Request) {
		m.wait(in.Context())
		fmt.Fprint(out, text)
	})
}

// webRun is what came of a run in a real Chrome.
type webRun struct {
	Summary
	*ledger
	err error
	web *web
}

// page is what came of the page at a path.
func (r *webRun) page(t testing.TB, path string) PageResult {
	t.Helper()
	result, ok := r.pages[r.web.URL+path]
	require.True(t, ok, "page %s came to no end; the run knows %v", path, r.order)
	return result
}

// visit runs a site over the web, as fakeSite makes it: one tab, no rate, and the
// heading of each page as its item. A page that fails is not tried again. Afterwards no
// tab is lent, and Chrome has no page open that the pool does not know.
func (w *web) visit(t testing.TB, p *browser.Pool, change func(*sites.Site), options ...func(*Options)) *webRun {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // against a run that hangs
	defer cancel()
	site := fakeSite(t, func(s *sites.Site) {
		s.Limits.Retries = new(int)
		if change != nil {
			change(s)
		}
	}, w.URL+"/")
	journal := newLedger()
	o := Options{Site: site, RunID: t.Name(), Tabs: p, Journal: journal, Final: true}
	for _, option := range options {
		option(&o)
	}
	s, err := Run(ctx, o)
	requireTidy(t, p)
	return &webRun{Summary: s, ledger: journal, err: err, web: w}
}

// requireTidy waits until Chrome has no page open but the pool's own, none of them lent,
// and the blank one with which each Chrome starts.
func requireTidy(t testing.TB, p *browser.Pool) {
	t.Helper()
	known := map[string]bool{}
	for _, open := range p.Tabs() {
		require.False(t, open.Leased, "the tab of %s is still lent", open.Tab.URL())
		known[open.Tab.ID()] = true
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var strange []browser.Target
		for _, page := range openPages(p) {
			if !known[page.ID] {
				strange = append(strange, page)
			}
		}
		assert.LessOrEqual(c, len(strange), len(p.Browsers()), "Chrome has pages open that nobody has: %+v", strange)
		for _, page := range strange {
			assert.Equal(c, "about:blank", page.URL)
		}
	}, 10*time.Second, 5*time.Millisecond)
}

// openPages are the pages that the pool's Chromes have open.
func openPages(p *browser.Pool) []browser.Target {
	var pages []browser.Target
	for _, b := range p.Browsers() {
		for _, target := range b.Targets() {
			if target.Type == "page" {
				pages = append(pages, target)
			}
		}
	}
	return pages
}
