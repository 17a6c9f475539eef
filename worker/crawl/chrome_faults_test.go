package crawl

import (
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/sites"
)

// TestFaultsInChrome proves what a run makes of servers, pages and Chromes that fail.
func TestFaultsInChrome(t *testing.T) {
	p := browsertest.Pool(t, 3)
	for name, test := range map[string]func(*testing.T, *browser.Pool){
		"status": chromeStatus, "retry after": chromeRetryAfter, "unknown name": chromeUnknownName,
		"refused": chromeRefused, "certificate": chromeCertificate, "no page": chromeNoPage,
		"challenge": chromeChallenge, "challenge passes": chromeChallengePasses, "challenge stays": chromeChallengeStays,
		"tab crashes": chromeTabCrashes, "chrome is killed": chromeIsKilled,
		"popups": chromePopups, "dialogs": chromeDialogs,
	} {
		t.Run(name, func(t *testing.T) { test(t, p) })
	}
}

// status adds a page that answers statuses in turn, the last one again and again.
func (w *web) status(path string, header http.Header, statuses ...int) {
	w.handle(path, func(out http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			out.Header()[name] = values
		}
		out.Header().Set("Content-Type", "text/html")
		out.WriteHeader(statuses[min(w.count(path), len(statuses))-1])
		fmt.Fprint(out, document(path, ""))
	})
}

func chromeStatus(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.page("/", "/404", "/410", "/401", "/403", "/500", "/501", "/once")
	for _, status := range []int{404, 410, 401, 403, 500, 501} {
		w.status(fmt.Sprintf("/%d", status), nil, status)
	}
	w.status("/once", nil, 502, 200)
	r := w.visit(t, p, func(s *sites.Site) { s.Limits.Retries, s.Limits.Tabs = new(1), 3 })
	require.NoError(t, r.err)
	require.Equal(t, []int{2, 6, 2}, []int{r.Done, r.Failed, r.Retries})
	for path, want := range map[string]struct {
		class Class
		asked int
	}{
		"/404": {ClassHTTP, 1}, "/410": {ClassHTTP, 1}, "/501": {ClassHTTP, 1}, "/500": {ClassHTTP, 2},
		"/401": {ClassBlocked, 1}, "/403": {ClassBlocked, 1}, "/once": {ClassNone, 2},
	} {
		require.Equal(t, want.class, r.page(t, path).Class, path)
		require.Equal(t, want.asked, w.count(path), "%s: how often it is asked for", path)
	}
	require.Equal(t, 404, r.page(t, "/404").Status)
	require.Equal(t, []string{"/", "/once"}, r.titles(), "an error's page has no items")
	require.Equal(t, RunPartial, r.Outcome.State)
}

func chromeRetryAfter(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.page("/", "/busy", "/next")
	w.status("/busy", http.Header{"Retry-After": {"1"}}, 503, 200)
	w.page("/next")
	var pauses []time.Duration
	r := w.visit(t, p, func(s *sites.Site) { s.Limits.Retries = new(1) }, func(o *Options) {
		o.On = func(e Event) {
			if e.Kind == EventPause {
				pauses = append(pauses, e.Delay)
			}
		}
	})
	require.NoError(t, r.err)
	require.Equal(t, 3, r.Done)
	require.Len(t, pauses, 1)
	require.Equal(t, []int{2, 1}, []int{w.count("/busy"), w.count("/next")})
	asked := w.requests("document")
	require.Equal(t, "/busy", asked[1].path)
	for _, later := range asked[2:] {
		require.GreaterOrEqual(t, later.at.Sub(asked[1].at), time.Second, "the host is left alone, for %s too", later.path)
	}
}

// alone runs a site whose one page is elsewhere.
func (w *web) alone(t *testing.T, p *browser.Pool, start string) PageResult {
	t.Helper()
	r := w.visit(t, p, func(s *sites.Site) { s.Start, s.Robots = []string{start}, sites.RobotsIgnore })
	require.NoError(t, r.err)
	require.Equal(t, RunFailed, r.Outcome.State)
	return r.pages[start]
}

func chromeUnknownName(t *testing.T, p *browser.Pool) {
	page := newWeb(t).alone(t, p, "http://no-such-name.invalid/")
	require.Equal(t, ClassDNS, page.Class, page.Error)
	require.Contains(t, page.Error, "net::ERR_NAME_NOT_RESOLVED")
}

func chromeRefused(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	gone := newWeb(t)
	gone.Close()
	page := w.alone(t, p, gone.URL+"/")
	require.Equal(t, ClassConnect, page.Class, page.Error)
}

func chromeCertificate(t *testing.T, p *browser.Pool) {
	w := newSecureWeb(t)
	w.page("/")
	page := w.alone(t, p, w.URL+"/")
	require.Equal(t, ClassTLS, page.Class, page.Error)
	require.Contains(t, page.Error, "net::ERR_CERT_AUTHORITY_INVALID")
	require.Empty(t, w.documents())

	r := w.visit(t, p, nil) // and for robots.txt
	require.Equal(t, ClassTLS, r.page(t, "/").Class)
	require.Zero(t, w.count("/"))
}

func chromeNoPage(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.page("/", "/attached", "/archive", "/picture", "/nothing", "/after")
	send := func(path string, status int, header ...string) {
		w.handle(path, func(out http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				out.Header().Set(header[i], header[i+1])
			}
			out.WriteHeader(status)
			if status != http.StatusNoContent {
				fmt.Fprint(out, "x")
			}
		})
	}
	send("/attached", 200, "Content-Type", "text/html", "Content-Disposition", `attachment; filename="a.html"`)
	send("/archive", 200, "Content-Type", "application/zip")
	send("/picture", 200, "Content-Type", "image/png")
	send("/nothing", 204)
	w.page("/after")
	r := w.visit(t, p, nil)
	require.NoError(t, r.err)
	require.Equal(t, []string{"/", "/after"}, r.titles())
	for _, path := range []string{"/attached", "/archive", "/picture", "/nothing"} {
		require.Equal(t, ClassType, r.page(t, path).Class, "%s: %s", path, r.page(t, path).Error)
		require.Equal(t, 1, w.count(path))
	}
}

// challenge adds a page that answers with a challenge until Chrome sends the cookie.
// The script of the challenge is to set it, or not.
func (w *web) challenge(path, script string) {
	w.handle(path, func(out http.ResponseWriter, in *http.Request) {
		if _, err := in.Cookie("passed"); err == nil {
			fmt.Fprint(out, document(path, ""))
			return
		}
		out.Header().Set("Content-Type", "text/html")
		out.Header().Set("Cf-Mitigated", "challenge")
		out.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(out, "<title>Just a moment...</title><h1>Checking</h1><script>%s</script>", script)
	})
}

const passSoon = `setTimeout(() => { document.cookie = "passed=1"; location.reload() }, 300)`

func chromeChallenge(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.page("/", "/guarded", "/after")
	w.challenge("/guarded", passSoon)
	w.page("/after")
	r := w.visit(t, p, nil)
	require.NoError(t, r.err)
	require.Equal(t, ClassBlocked, r.page(t, "/guarded").Class)
	require.Equal(t, 1, w.count("/guarded"), "it is not waited for")
	require.Equal(t, []string{"/", "/after"}, r.titles())
}

func chromeChallengePasses(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.page("/", "/guarded", "/after")
	w.challenge("/guarded", passSoon)
	w.page("/after")
	r := w.visit(t, p, func(s *sites.Site) { s.Challenge.Mode = sites.ChallengeWait })
	require.NoError(t, r.err)
	require.Equal(t, []string{"/", "/after", "/guarded"}, r.titles())
	require.Equal(t, 200, r.page(t, "/guarded").Status)
	require.Equal(t, 3, w.count("/guarded"), "seen, waited for in a page of its own, reloaded by itself")
}

func chromeChallengeStays(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.page("/", "/guarded", "/after")
	w.challenge("/guarded", "")
	w.page("/after")
	var open []browser.Target // after the challenge
	r := w.visit(t, p, func(s *sites.Site) {
		s.Challenge = sites.Challenge{Mode: sites.ChallengeWait, Limit: sites.Duration(time.Second)}
	}, func(o *Options) {
		o.On = func(e Event) {
			if e.Kind == EventPage && e.Page.URL == w.URL+"/guarded" {
				open = slices.DeleteFunc(openPages(p), func(page browser.Target) bool { return page.URL == "about:blank" })
			}
		}
	})
	require.NoError(t, r.err)
	page := r.page(t, "/guarded")
	require.Equal(t, ClassBlocked, page.Class)
	require.Contains(t, page.Error, "it did not pass in 1s")
	require.Equal(t, 2, w.count("/guarded"))
	require.Equal(t, []string{"/", "/after"}, r.titles())
	require.Empty(t, open, "every tab that showed it is closed")
}

// hook adds a page whose script asks for something, at which the server does what the
// test wants, once, while the page is open.
func (w *web) hook(path string, do func()) {
	w.html(path, `<script src="/hook`+path+`"></script>`)
	w.handle("/hook"+path, func(http.ResponseWriter, *http.Request) {
		if w.count("/hook"+path) == 1 {
			do()
		}
	})
}

func chromeTabCrashes(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.star(4)
	var crashed string
	w.hook("/2", func() {
		for _, open := range p.Tabs() {
			if open.Leased {
				crashed = open.Tab.ID()
				_, _ = cdp.Call(t.Context(), open.Tab.Session(), page.Crash, cdp.Empty{}) // no answer comes
			}
		}
	})
	r := w.visit(t, p, func(s *sites.Site) { s.Limits.Retries = new(1) })
	require.NoError(t, r.err)
	require.NotEmpty(t, crashed)
	require.Equal(t, []int{5, 0, 1}, []int{r.Done, r.Failed, r.Retries})
	require.Equal(t, []string{string(ClassCrash)}, r.retries)
	require.Equal(t, 2, w.count("/2"))
	require.Equal(t, RunDone, r.Outcome.State)
}

func chromeIsKilled(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.star(8)
	require.NoError(t, p.Start(t.Context()))
	before := p.Browsers()[0]
	w.hook("/3", func() { _ = syscall.Kill(before.PID(), syscall.SIGKILL) })
	r := w.visit(t, p, func(s *sites.Site) { s.Limits.Tabs = 3 })
	require.NoError(t, r.err)
	require.Equal(t, []int{9, 0}, []int{r.Done, r.Failed}, "pages are tried again although the site allows no retry: they had no part in it")
	require.Len(t, r.titles(), 9)
	require.Error(t, before.Err())
	require.Len(t, p.Browsers(), 1)
	require.NotEqual(t, before.PID(), p.Browsers()[0].PID())
	for _, class := range r.retries {
		require.Equal(t, string(ClassBrowser), class)
	}
}

func chromePopups(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.html("/", `<button onclick="window.open('/popup'); window.open('/popup?2')">b</button>`, "/after")
	w.page("/popup")
	w.page("/after")
	require.NoError(t, p.Start(t.Context()))
	before := p.Browsers()[0].Popups()
	r := w.visit(t, p, func(s *sites.Site) {
		s.Templates[0].Steps = []sites.Step{{Click: "button", Optional: true, Timeout: sites.Duration(time.Second)}}
	})
	require.NoError(t, r.err)
	require.Equal(t, []string{"/", "/after"}, r.titles(), r.FirstError)
	require.Greater(t, p.Browsers()[0].Popups(), before, "windows were opened, and are gone")
}

func chromeDialogs(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.html("/", `<script>
alert("a");
document.querySelector("h1").textContent = [confirm("b"), prompt("c", "d")].join();
addEventListener("beforeunload", e => { e.preventDefault(); e.returnValue = "stay" });
</script><button>b</button>`, "/after")
	w.html("/after", "<button>b</button>")
	r := w.visit(t, p, func(s *sites.Site) { s.Templates[0].Steps = []sites.Step{{Click: "button"}} })
	require.NoError(t, r.err)
	require.Equal(t, []string{"/after", "false,"}, r.titles(), "every dialog is dismissed, and no page keeps its tab")
}
