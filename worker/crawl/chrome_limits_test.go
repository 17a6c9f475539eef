package crawl

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/sites"
)

// TestLimitsInChrome trips each limit of a site against a server that counts.
func TestLimitsInChrome(t *testing.T) {
	p := browsertest.Pool(t, 6)
	for name, test := range map[string]func(*testing.T, *browser.Pool){
		"tabs": chromeTabs, "per host": chromePerHost, "rate": chromeRate, "burst": chromeBurst,
		"depth": chromeDepth, "pages": chromePages, "page size": chromePageSize, "item size": chromeItemSize,
		"page timeout": chromePageTimeout, "run timeout": chromeRunTimeout,
	} {
		t.Run(name, func(t *testing.T) { test(t, p) })
	}
}

func chromeTabs(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.star(12)
	full := newMeeting(3)
	for i := range 12 {
		w.meet(full, fmt.Sprintf("/%d", i+1))
	}
	r := w.visit(t, p, func(s *sites.Site) { s.Limits.Tabs, s.Limits.PerHost = 3, 50 })
	require.NoError(t, r.err)
	require.Equal(t, 13, r.Done)
	require.Equal(t, 3, w.mostOpen(), "documents answered at once")
	require.Equal(t, 3, r.PeakOpen)
}

func chromePerHost(t *testing.T, p *browser.Pool) {
	first, second := newWeb(t), newWeb(t)
	full := newMeeting(4) // two of each host
	for _, w := range []*web{first, second} {
		w.star(6)
		for i := range 6 {
			w.meet(full, fmt.Sprintf("/%d", i+1))
		}
	}
	r := first.visit(t, p, func(s *sites.Site) {
		s.Start = append(s.Start, second.URL+"/")
		s.Limits.Tabs, s.Limits.PerHost = 6, 2
	})
	require.NoError(t, r.err)
	require.Equal(t, 14, r.Done)
	require.Equal(t, 2, first.mostOpen(), "documents that one host answered at once")
	require.Equal(t, 2, second.mostOpen())
	require.Equal(t, 4, r.PeakOpen)
}

// requirePace holds the documents to a rate: each comes no earlier than the bucket, full
// when the run began, has a token for it.
func requirePace(t *testing.T, w *web, began time.Time, every time.Duration, burst int) {
	t.Helper()
	for i, a := range w.requests("document") {
		require.GreaterOrEqual(t, a.at.Sub(began), time.Duration(i+1-burst)*every, "document %d", i+1)
	}
}

func chromeRate(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.star(7)
	began := time.Now()
	r := w.visit(t, p, func(s *sites.Site) { s.Limits.Rate, s.Limits.Tabs = 4, 6 }) // much slower than Chrome
	require.NoError(t, r.err)
	require.Len(t, w.documents(), 8)
	requirePace(t, w, began, time.Second/4, 1)
}

func chromeBurst(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.star(8)
	full := newMeeting(4)
	for i := range 4 {
		w.meet(full, fmt.Sprintf("/%d", i+1))
	}
	began := time.Now()
	r := w.visit(t, p, func(s *sites.Site) { s.Limits.Rate, s.Limits.Burst, s.Limits.Tabs = 4, 4, 4 })
	require.NoError(t, r.err)
	require.Equal(t, 9, r.Done)
	require.Equal(t, 4, w.mostOpen(), "a burst is asked for at once")
	requirePace(t, w, began, time.Second/4, 4)
}

func chromeDepth(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.html("/", `<a class=more href="/?p=2"></a>`, "/a", "/b")
	w.page("/a", "/c")
	w.page("/b", "/c", "/")
	w.page("/c", "/d")
	w.page("/d", "/e")
	r := w.visit(t, p, func(s *sites.Site) { s.Limits.Depth = new(2) })
	require.NoError(t, r.err)
	require.Equal(t, []string{"/", "/a", "/b", "/?p=2", "/c"}, w.documents(), "in order of depth, then of discovery")
	require.Equal(t, []int{5, 1}, []int{r.Done, r.Refused})

	start := newWeb(t)
	start.page("/", "/a")
	r = start.visit(t, p, func(s *sites.Site) { s.Limits.Depth = new(0) })
	require.NoError(t, r.err)
	require.Equal(t, []string{"/"}, start.documents(), "depth 0 visits the start pages only")
}

func chromePages(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.star(9)
	r := w.visit(t, p, func(s *sites.Site) { s.Limits.Pages, s.Limits.Tabs = 4, 3 })
	require.NoError(t, r.err)
	require.Len(t, w.documents(), 4)
	require.Equal(t, 4, r.Done)
	require.Equal(t, 4, r.Skipped, "known, but over the limit")
	require.Equal(t, 2, r.LeftOut, "more than twice the limit are not even kept")
	require.Equal(t, ClassLimit, r.page(t, "/4").Class)
}

func chromePageSize(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	large := document("large", strings.Repeat("<p>0123456789</p>\n", 20_000))
	w.page("/", "/announced", "/chunked", "/packed", "/small")
	w.page("/small")
	w.handle("/announced", func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Length", fmt.Sprint(len(large)))
		_, _ = fmt.Fprint(out, large) // Chrome hangs up before its end
	})
	w.handle("/chunked", func(out http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(out).Flush()
		fmt.Fprint(out, large)
	})
	w.handle("/packed", func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "text/html")
		out.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(out)
		fmt.Fprint(zip, large)
		_ = zip.Close()
	})
	r := w.visit(t, p, func(s *sites.Site) { s.Limits.PageSize = 100_000 })
	require.NoError(t, r.err)
	require.Equal(t, []int{2, 3}, []int{r.Done, r.Failed})
	for _, path := range []string{"/announced", "/chunked", "/packed"} {
		page := r.page(t, path)
		require.Equal(t, ClassTooLarge, page.Class, path)
		require.Contains(t, page.Error, fmt.Sprintf("%d bytes, the limit is 100000", len(large)), path)
		require.Empty(t, page.Items)
		require.Equal(t, 1, w.count(path), "it would be too large again")
	}
	require.Equal(t, []string{"/", "/small"}, r.titles())
}

func chromeItemSize(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.handle("/", func(out http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(out, "<!doctype html><i>one</i><i>%s</i><i>three</i><i>%s</i>", strings.Repeat("x", 3000), strings.Repeat("y", 2000))
	})
	r := w.visit(t, p, func(s *sites.Site) {
		s.Limits.ItemSize = 1000
		s.Templates[0].Items = []sites.ItemRule{{
			Each: &sites.Source{CSS: "i"}, Fields: []sites.Field{{Name: "name", Source: sites.Source{XPath: "."}}},
		}}
	})
	require.NoError(t, r.err)
	page := r.page(t, "/")
	require.Equal(t, []string{"one", "three"}, r.titles(), page.Error)
	require.Equal(t, PageDone, page.State)
	require.Equal(t, ClassTooLarge, page.Class)
	require.Len(t, page.Faults, 2, "each item that was not taken is told")
	require.Equal(t, 2, r.Summary.Faults[ClassTooLarge])
}

func chromePageTimeout(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.page("/", "/silent", "/endless", "/loop", "/later", "/after")
	w.page("/after")
	w.handle("/silent", func(_ http.ResponseWriter, in *http.Request) { <-in.Context().Done() })
	w.handle("/endless", func(out http.ResponseWriter, in *http.Request) {
		fmt.Fprint(out, document("/endless", "<p>and"))
		_ = http.NewResponseController(out).Flush()
		<-in.Context().Done() // until Chrome hangs up
	})
	w.html("/loop", "<script>for (;;) {}</script>")
	w.html("/later", "<script>addEventListener('load', () => { for (;;) {} })</script>")
	r := w.visit(t, p, func(s *sites.Site) {
		s.Limits.PageTimeout = sites.Duration(time.Second)
		s.Templates[0].Wait = []sites.Wait{{Event: sites.WaitLoad}}
	})
	require.NoError(t, r.err)
	for _, path := range []string{"/silent", "/endless", "/loop", "/later"} {
		page := r.page(t, path)
		require.Equal(t, ClassTimeout, page.Class, "%s: %s", path, page.Error)
		require.Equal(t, 1, w.count(path))
	}
	require.Equal(t, []string{"/", "/after"}, r.titles(), "the pages after it are none the worse")
}

func chromeRunTimeout(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.page("/", "/silent", "/after")
	w.page("/after")
	w.handle("/silent", func(_ http.ResponseWriter, in *http.Request) { <-in.Context().Done() })
	r := w.visit(t, p, func(s *sites.Site) {
		s.Timeout, s.Limits.PageTimeout = sites.Duration(2*time.Second), sites.Duration(2*time.Second)
	})
	require.ErrorIs(t, r.err, ErrTimeout)
	require.Equal(t, []int{1, 2}, []int{r.Done, r.Queued}, "what was not visited stays queued")
	require.NotContains(t, w.documents(), "/after")
}
