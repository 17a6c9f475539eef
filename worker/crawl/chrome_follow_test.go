package crawl

import (
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

// TestFollowInChrome proves which pages a run asks for, and which it never does.
func TestFollowInChrome(t *testing.T) {
	p := browsertest.Pool(t, 4)
	for name, test := range map[string]func(*testing.T, *browser.Pool){
		"robots": chromeRobots, "crawl delay": chromeCrawlDelay, "robots unreachable": chromeRobotsUnreachable,
		"origins and patterns": chromePatterns, "redirects": chromeRedirects, "asked for twice": chromeTwice,
	} {
		t.Run(name, func(t *testing.T) { test(t, p) })
	}
}

// robots serves a robots.txt.
func (w *web) robots(status int, text string) {
	w.handle("/robots.txt", func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "text/plain")
		out.WriteHeader(status)
		fmt.Fprint(out, text)
	})
}

func chromeRobots(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.robots(http.StatusOK, "User-agent: ebb\nDisallow: /private\nAllow: /private/but-this\n\nUser-agent: *\nDisallow: /\n")
	w.page("/", "/private/a", "/private/but-this", "/public", "/sent")
	w.page("/private/a")
	w.page("/private/but-this")
	w.page("/public")
	w.handle("/sent", http.RedirectHandler("/public/../private/b", http.StatusFound).ServeHTTP)
	w.page("/private/b")
	r := w.visit(t, p, nil)
	require.NoError(t, r.err)
	require.Equal(t, []string{"/", "/private/but-this", "/public"}, r.titles())
	require.Zero(t, w.count("/private/a"), "never asked for")
	require.Equal(t, ClassRobots, r.page(t, "/private/a").Class)
	require.Equal(t, PageSkipped, r.page(t, "/private/a").State)
	require.Equal(t, ClassRobots, r.page(t, "/sent").Class, "a redirect to what is forbidden is not taken")
	require.Equal(t, 1, w.count("/robots.txt"), "asked for once a run")

	again := w.visit(t, p, func(s *sites.Site) { s.Robots = sites.RobotsIgnore })
	require.NoError(t, again.err)
	require.Equal(t, 1, w.count("/private/a"), "the site may say that it is not obeyed")
	require.Equal(t, 1, w.count("/robots.txt"))
}

func chromeCrawlDelay(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.robots(http.StatusOK, "User-agent: *\nCrawl-delay: 0.3\n")
	w.star(5)
	began := time.Now()
	r := w.visit(t, p, func(s *sites.Site) { s.Limits.Rate, s.Limits.Burst, s.Limits.Tabs = 50, 5, 4 })
	require.NoError(t, r.err)
	require.Len(t, w.documents(), 6)
	requirePace(t, w, began, 300*time.Millisecond, 1)
}

func chromeRobotsUnreachable(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.robots(http.StatusBadGateway, "")
	w.star(2)
	r := w.visit(t, p, nil)
	require.NoError(t, r.err)
	require.Empty(t, w.documents(), "nothing is asked for")
	page := r.page(t, "/")
	require.Equal(t, []any{PageFailed, ClassBusy}, []any{page.State, page.Class})
	require.Contains(t, page.Error, "robots.txt")
	require.Equal(t, RunFailed, r.Outcome.State)
}

func chromePatterns(t *testing.T, p *browser.Pool) {
	w, other, friend := newWeb(t), newWeb(t), newWeb(t)
	friend.page("/p/friend")
	w.page("/", "/p/1", "/p/2?print=1", "/about", other.URL+"/p/3", friend.URL+"/p/friend",
		"mailto:a@b.example", "javascript:void(0)", "/leave")
	w.page("/p/1")
	w.handle("/leave", http.RedirectHandler(other.URL+"/p/4", http.StatusFound).ServeHTTP)
	r := w.visit(t, p, func(s *sites.Site) {
		s.Follow.Origins = []string{friend.URL}
		s.Follow.Allow = []sites.Pattern{"/p/*", "/leave", "/"}
		s.Follow.Deny = []sites.Pattern{"~print="}
	})
	require.NoError(t, r.err)
	require.Equal(t, []string{"/", "/p/1", "/leave"}, w.documents(), "neither denied nor outside of what is allowed")
	require.Equal(t, []string{"/p/friend"}, friend.documents(), "another origin that the site names")
	require.Zero(t, other.count("/p/3"), "an origin that nobody named")
	require.Equal(t, []string{"/", "/p/1", "/p/friend"}, r.titles())
	require.Equal(t, PageSkipped, r.page(t, "/leave").State, "a redirect out of the site is not taken")
	require.Equal(t, 3, r.Refused, "by origin, by allow, by deny; what is no page is no link")
}

func chromeRedirects(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.page("/", "/old", "/new", "/moved", "/round", "/hop")
	w.page("/new")
	w.page("/elsewhere")
	w.handle("/old", http.RedirectHandler("/new", http.StatusMovedPermanently).ServeHTTP)
	w.handle("/moved", http.RedirectHandler("/elsewhere?utm_source=x#part", http.StatusSeeOther).ServeHTTP)
	w.handle("/round", http.RedirectHandler("/round", http.StatusFound).ServeHTTP)
	w.html("/hop", "", "/elsewhere") // a link to where another page was redirected to
	r := w.visit(t, p, nil)
	require.NoError(t, r.err)
	require.Equal(t, []string{"/", "/elsewhere", "/hop", "/new"}, r.titles(), "no page's items twice")
	require.Equal(t, PageSkipped, r.page(t, "/old").State)
	require.Contains(t, r.page(t, "/old").Error, "same page as "+w.URL+"/new")
	require.Equal(t, w.URL+"/elsewhere", r.page(t, "/moved").FinalURL)
	require.NotContains(t, r.order, w.URL+"/elsewhere", "known from the redirect")
	require.Equal(t, ClassHTTP, r.page(t, "/round").Class)
	require.Less(t, w.count("/round"), 30)
}

func chromeTwice(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	full := newMeeting(3)
	w.page("/", "/a", "/b", "/c")
	w.meet(full, "/a", "/same", "/")
	w.meet(full, "/b", "/same#part", "/a?utm_source=x")
	w.meet(full, "/c", strings.ToUpper(w.URL[:7])+w.URL[7:]+"/same?utm_medium=y", "/b")
	w.page("/same")
	r := w.visit(t, p, func(s *sites.Site) { s.Limits.Tabs = 3 })
	require.NoError(t, r.err)
	require.Len(t, w.documents(), 5)
	require.Equal(t, 1, w.count("/same")+w.count("/same?utm_medium=y"), "found by three pages at once, fetched once")
	require.Equal(t, []int{5, 5, 5}, []int{r.Done, r.Found, r.Duplicates})
}
