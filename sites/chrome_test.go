package sites

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// chrome is the one pool of this package's tests, of one sandboxed Chrome: TestMain closes it.
var chrome struct {
	once  sync.Once
	pool  *browser.Pool
	close func()
}

// tab is a tab of the tests' Chrome, in a browser context of its own.
type tab struct {
	t     testing.TB
	lease *browser.Lease
}

func newTab(t testing.TB) *tab {
	t.Helper()
	chrome.once.Do(func() {
		chrome.pool = browser.NewPool(browser.PoolOptions{Launch: browsertest.LaunchOptions(t), Tabs: 4})
		chrome.close = func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := chrome.pool.Close(ctx); err != nil {
				panic(err)
			}
		}
	})
	lease, err := chrome.pool.Acquire(browsertest.Within(t), browser.LeaseOptions{Site: "test", Run: t.Name()})
	require.NoError(t, err, "tests need Chrome")
	t.Cleanup(func() { require.NoError(t, lease.Release(browsertest.Within(t), nil)) })
	return &tab{t: t, lease: lease}
}

// navigate begins to load a page and does not wait for it.
func (b *tab) navigate(url string) {
	b.t.Helper()
	_, err := cdp.Call(browsertest.Within(b.t), b.lease.Session(), page.Navigate, page.NavigateParams{URL: url})
	require.NoError(b.t, err)
}

// evaluate evaluates an expression as the worker does: in an isolated world of the
// main frame, its promise awaited, by value.
func (b *tab) evaluate(expression string) json.RawMessage {
	b.t.Helper()
	raw, err := b.lease.Evaluate(browsertest.Within(b.t), expression)
	require.NoError(b.t, err)
	return raw
}

// serve serves one page.
func serve(t testing.TB, contentType, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// extract loads a page in Chrome and runs a template of a site on it.
func extract(t testing.TB, site *Site, html string) (Extract, error) {
	t.Helper()
	return extractFrom(t, site, serve(t, "text/html; charset=utf-8", html))
}

func extractFrom(t testing.TB, site *Site, url string) (Extract, error) {
	t.Helper()
	program, err := site.Compile(&site.Templates[0])
	require.NoError(t, err)
	b := newTab(t)
	b.navigate(url)
	raw := b.evaluate(program.Expression)
	return program.Decode(raw, PageInfo{URL: url, Now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)})
}

// siteOf is a site with one template.
func siteOf(t Template) *Site {
	t.Name = "page"
	return &Site{Name: "test", Templates: []Template{t}, Limits: Limits{ItemSize: 1e6, PageTimeout: Duration(20 * time.Second)}}
}
