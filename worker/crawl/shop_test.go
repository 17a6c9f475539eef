package crawl

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// shop is a web server on loopback that counts what it is asked.
type shop struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]http.HandlerFunc // by path; others are listings of links
	asked []string
	times []time.Time
	links int // on the home page
}

func newShop(t testing.TB, links int) *shop {
	s := &shop{pages: map[string]http.HandlerFunc{}, links: links}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/favicon.ico" {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	page := s.pages[r.URL.Path]
	s.asked = append(s.asked, r.URL.Path)
	if r.URL.Path != "/robots.txt" {
		s.times = append(s.times, time.Now())
	}
	s.mu.Unlock()
	switch {
	case page != nil:
		page(w, r)
	case r.URL.Path == "/robots.txt":
		http.NotFound(w, r)
	default:
		s.page(w, r)
	}
}

// page is one product; the home page links to all of them.
func (s *shop) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><title>%[1]s</title><h1>%[1]s</h1>", r.URL.Path)
	if r.URL.Path == "/" {
		for i := range s.links {
			fmt.Fprintf(w, `<a href="/p/%d">%d</a>`, i+1, i+1)
		}
	}
}

// count is how often a path was asked for.
func (s *shop) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, asked := range s.asked {
		if asked == path {
			n++
		}
	}
	return n
}

// visits is how many pages were asked for, robots.txt aside.
func (s *shop) visits() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.times)
}

// site takes the heading of every page of the shop.
func (s *shop) site(t testing.TB, change func(*sites.Site)) *sites.Site {
	t.Helper()
	site := sites.New("shop", s.URL+"/")
	site.Limits.Rate = 0
	site.Templates = []sites.Template{{
		Name: "page", Match: []sites.Pattern{"/**"},
		Items: []sites.ItemRule{{Fields: []sites.Field{{Name: "name", Source: sites.Source{CSS: "h1"}, Required: true}}}},
		Links: []sites.LinkRule{{Source: sites.Source{CSS: "a"}}},
	}}
	if change != nil {
		change(site)
	}
	require.NoError(t, site.Complete())
	return site
}

// crawl runs the site in Chrome.
func (s *shop) crawl(t testing.TB, pool *browser.Pool, site *sites.Site, change func(*Options)) (Summary, *ledger) {
	t.Helper()
	journal := newLedger()
	options := Options{Site: site, RunID: t.Name(), Tabs: pool, Journal: journal, Final: true}
	if change != nil {
		change(&options)
	}
	summary, err := Run(t.Context(), options)
	require.NoError(t, err)
	return summary, journal
}

func html(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, body)
	}
}
