package crawl

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/sites"
)

func TestShopThatIsBusy(t *testing.T) {
	pool := browsertest.Pool(t, 2)
	s := newShop(t, 3)
	var refused atomic.Int64
	var until atomic.Value
	s.pages["/p/1"] = func(w http.ResponseWriter, r *http.Request) {
		if refused.Add(1) == 1 {
			until.Store(time.Now().Add(time.Second))
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		s.page(w, r)
	}
	summary, _ := s.crawl(t, pool, s.site(t, func(s *sites.Site) { s.Limits.Tabs = 1 }), nil)
	require.Equal(t, []int{4, 1}, []int{summary.Done, summary.Retries}, summary.FirstError)
	for _, at := range s.times[2:] {
		require.False(t, at.Before(until.Load().(time.Time)), "the whole host is left alone")
	}
}

func TestShopWithFaults(t *testing.T) {
	pool := browsertest.Pool(t, 2)
	s, dead := newShop(t, 0), newShop(t, 0)
	dead.Close()
	s.pages["/to-dead"] = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, dead.URL, http.StatusFound) }
	s.pages["/loop"] = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) }
	s.pages["/reset"] = func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			conn.Close()
		}
	}
	s.pages["/image"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		fmt.Fprint(w, "x")
	}
	s.pages["/gone"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }
	s.pages["/forbidden"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
	s.pages["/empty"] = html("<p>no heading</p>")
	classes := map[string]Class{
		"/to-dead": ClassConnect, "/reset": ClassConnect, "/loop": ClassHTTP, "/image": ClassType,
		"/gone": ClassHTTP, "/forbidden": ClassBlocked, "/empty": ClassMissing,
	}
	site := s.site(t, func(site *sites.Site) {
		site.Limits.Retries = new(0)
		for path := range classes {
			site.Start = append(site.Start, s.URL+path)
		}
		slices.Sort(site.Start)
		site.Follow.Origins = []string{dead.URL}
	})
	summary, journal := s.crawl(t, pool, site, nil)
	require.Equal(t, []int{1, len(classes)}, []int{summary.Done, summary.Failed})
	for path, class := range classes {
		page := journal.pages[s.URL+path]
		require.Equal(t, class, page.Class, "%s: %s", path, page.Error)
	}
}

func TestShopWithSteps(t *testing.T) {
	pool := browsertest.Pool(t, 1)
	s := newShop(t, 0)
	s.pages["/"] = html(`<!doctype html><h1>closed</h1>
		<input id="name"><select id="size"><option value="s">S</option><option value="l">L</option></select>
		<button onclick="setTimeout(() => {
			const of = css => document.querySelector(css).value;
			document.querySelector('h1').textContent = 'open ' + of('#name') + of('#size');
			document.body.dataset.ready = 1;
		}, 50)">open</button>`)
	site := s.site(t, func(s *sites.Site) {
		s.Templates[0].Steps = []sites.Step{
			{Type: &sites.Input{Into: "#name", Text: "for ${WHO}, "}},
			{Select: &sites.Input{Into: "#size", Text: "l"}},
			{Click: "button"},
			{Wait: &sites.Wait{Selector: "body[data-ready]"}},
			{Wait: &sites.Wait{Function: "document.body.dataset.ready === '1'"}},
			{Evaluate: "document.querySelector('h1').append('!')"},
			{Scroll: "end"},
		}
	})
	summary, journal := s.crawl(t, pool, site, func(o *Options) {
		o.Secret = func(name string) (string, bool) { return "Ann", name == "WHO" }
	})
	require.Equal(t, 1, summary.Done, summary.FirstError)
	require.Equal(t, []string{"open for Ann, l!"}, journal.titles())

	_, journal = s.crawl(t, pool, s.site(t, func(s *sites.Site) {
		s.Limits.PageTimeout, s.Limits.Retries = sites.Duration(6*time.Second), new(0)
		s.Templates[0].Wait = []sites.Wait{{Selector: "#never"}}
	}), nil)
	page := journal.pages[s.URL+"/"]
	require.Equal(t, ClassSelector, page.Class, page.Error)
	require.Contains(t, page.Error, `wait for selector "#never"`)
}

func TestShopThatStaysOpen(t *testing.T) {
	pool := browsertest.Pool(t, 1)
	s := newShop(t, 0)
	s.pages["/"] = html(`<h1>0</h1><button onclick="document.querySelector('h1').textContent++">+</button>`)
	site := s.site(t, func(s *sites.Site) {
		s.Keep = sites.KeepPage
		s.Templates[0].Steps, s.Templates[0].Links = []sites.Step{{Click: "button"}}, nil
	})
	for n := range 3 {
		summary, journal := s.crawl(t, pool, site, func(o *Options) { o.RunID = fmt.Sprint(n) })
		require.Equal(t, 1, summary.Done, summary.FirstError)
		require.Equal(t, []string{fmt.Sprint(n + 1)}, journal.titles(), "the document goes on where it was")
	}
	require.Equal(t, 1, s.visits())
}

// challenged is a page that answers with a challenge until its cookie is there. Browser
// contexts keep the cookies of one test from the next.
func (s *shop) challenged(status int, header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("passed"); err == nil {
			s.page(w, r)
			return
		}
		if header != "" {
			w.Header().Set("Cf-Mitigated", header)
		}
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestShopWithChallenges(t *testing.T) {
	pool := browsertest.Pool(t, 3)
	const (
		page     = `<!doctype html><title>Just a moment...</title><form id="challenge-form"></form>`
		plain    = `<p>one moment</p>`
		script   = `<script src="/cdn-cgi/challenge-platform/x.js"></script>`
		reload   = `<script>setTimeout(() => { document.cookie = "passed=1; path=/"; location.reload() }, 100)</script>`
		later    = `<script>setTimeout(() => location.reload(), 20000)</script>` // the run is over by then
		inPlace  = `<script>setTimeout(() => { document.title = "/p/1"; document.body.innerHTML = "<h1>/p/1</h1>" }, 100)</script>`
		wait     = sites.ChallengeWait
		fail     = sites.ChallengeFail
		noHeader = ""
	)
	tests := map[string]struct {
		mode   sites.ChallengeMode
		status int
		header string
		body   string
		class  Class
		asked  int
	}{
		"passes by a reload":     {wait, 403, noHeader, page + reload, ClassNone, 3},
		"announced, passes":      {wait, 200, "challenge", plain + reload, ClassNone, 3},
		"stays":                  {wait, 403, noHeader, page, ClassBlocked, 2},
		"announced, stays":       {wait, 200, "challenge", plain, ClassBlocked, 2},
		"is not waited for":      {fail, 403, noHeader, page + later, ClassBlocked, 1},
		"is known by its script": {fail, 503, noHeader, script, ClassBlocked, 1},
		"only looks like one":    {wait, 200, noHeader, page + "<h1>/p/1</h1>", ClassNone, 1},
		"passes, and is the document that came with 503": {wait, 503, noHeader, page + inPlace, ClassBusy, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, 2)
			s.pages["/cdn-cgi/challenge-platform/x.js"] = html("")
			s.pages["/p/1"] = s.challenged(test.status, test.header, test.body)
			limit := time.Second // of which one that stays takes all
			if strings.HasPrefix(name, "passes") {
				limit = 10 * time.Second
			}
			summary, journal := s.crawl(t, pool, s.site(t, func(s *sites.Site) {
				s.Challenge = sites.Challenge{Mode: test.mode, Limit: sites.Duration(limit)}
				s.Limits.Retries = new(0)
			}), nil)
			page := journal.pages[s.URL+"/p/1"]
			require.Equal(t, test.class, page.Class, page.Error)
			require.Equal(t, test.class == ClassNone, slices.Contains(journal.titles(), "/p/1"))
			require.Equal(t, test.asked, s.count("/p/1"))
			require.Equal(t, PageDone, journal.pages[s.URL+"/p/2"].State, "others go on")
			require.Zero(t, summary.Queued)
			require.Empty(t, pool.Tabs(), "nothing of the run is open")
		})
	}
}

func TestShopWhoseChromeDies(t *testing.T) {
	pool := browsertest.Pool(t, 2)
	s := newShop(t, 12)
	var once sync.Once
	s.pages["/p/5"] = func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { pool.Browsers()[0].Kill() })
		s.page(w, r)
	}
	summary, journal := s.crawl(t, pool, s.site(t, nil), nil)
	require.Equal(t, 13, summary.Done, summary.FirstError)
	require.Len(t, journal.titles(), 13)
	require.GreaterOrEqual(t, summary.Retries, 1)
	require.Len(t, pool.Browsers(), 1, "the next Chrome")
}

func TestShopWithoutAChrome(t *testing.T) {
	pool := browser.NewPool(browser.PoolOptions{Launch: browser.LaunchOptions{Path: "/nowhere/chrome"}, Tabs: 2})
	t.Cleanup(func() { require.NoError(t, pool.Close(context.Background())) })
	s := newShop(t, 3)
	journal := newLedger()
	summary, err := Run(t.Context(), Options{Site: s.site(t, nil), RunID: "run", Tabs: pool, Journal: journal})
	require.ErrorIs(t, err, ErrBrowser)
	require.Equal(t, Outcome{State: RunFailed, Class: ClassBrowser}, summary.Outcome)
	require.Len(t, journal.queued, 1)
	require.Zero(t, s.visits())
}
