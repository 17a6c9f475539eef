package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

// renewServer gives each visitor without a cookie two, and counts them.
type renewServer struct {
	*httptest.Server
	mu       sync.Mutex
	visitors int
}

func newRenewServer(t *testing.T) *renewServer {
	s := &renewServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/" {
			session, err1 := r.Cookie("session")
			kept, err2 := r.Cookie("kept")
			if err1 != nil || err2 != nil || session.Value != "ab" || kept.Value != "1" {
				s.mu.Lock()
				s.visitors++
				s.mu.Unlock()
				http.SetCookie(w, &http.Cookie{Name: "session", Value: "ab", HttpOnly: true, Path: "/", SameSite: http.SameSiteStrictMode})
				http.SetCookie(w, &http.Cookie{Name: "kept", Value: "1", Path: "/", MaxAge: 3600})
			}
		}
		fmt.Fprint(w, "<p>x")
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *renewServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.visitors
}

// contexts are the browser contexts that a Chrome lists.
func contexts(t *testing.T, b *browser.Browser) int {
	t.Helper()
	res, err := cdp.Call(within(t, 10*time.Second), b.Session(), target.GetBrowserContexts, cdp.Empty{})
	require.NoError(t, err)
	return len(res.BrowserContextIDs)
}

// A run that goes on for long gets another browser context after so many leases, with the cookies of the one
// before, which goes; one that keeps its own keeps it.
func TestALongRunGetsAnotherContext(t *testing.T) {
	for _, renew := range []bool{true, false} {
		t.Run(fmt.Sprint(renew), func(t *testing.T) {
			w := newRecycleWorld(t, 2, browser.Recycle{}, func(o *browser.PoolOptions) { o.ContextPages = 3 })
			s := newRenewServer(t)
			o := browser.LeaseOptions{Run: "r", Renew: renew}
			places := map[string]bool{}
			var b *browser.Browser
			for range 10 {
				l := w.lease(o)
				_, err := l.Navigate(w.ctx, s.URL+"/")
				require.NoError(t, err)
				for _, open := range l.Browser().Targets() {
					if open.ID == l.ID() {
						places[open.Context] = true
					}
				}
				b = l.Browser()
				require.NoError(t, l.Release(w.ctx, nil))
				require.Equal(t, 1, contexts(t, b), "the one before has gone")
			}
			want := 1
			if renew {
				want = 4
			}
			require.Len(t, places, want)
			require.Equal(t, 1, s.count(), "the site sees one visitor")
			require.NoError(t, w.pool.EndRun(w.ctx, "r"))
			require.Zero(t, contexts(t, b))
		})
	}
}

// A context that leases are out of stays until they have come back, while the run goes on in the next.
func TestTheOldContextGoesWithItsLastLease(t *testing.T) {
	w := newRecycleWorld(t, 3, browser.Recycle{}, func(o *browser.PoolOptions) { o.ContextPages = 2 })
	o := browser.LeaseOptions{Run: "r", Renew: true}
	old, second := w.lease(o), w.lease(o)
	third := w.lease(o)
	b := old.Browser()
	require.Equal(t, 2, contexts(t, b))
	_, err := old.Navigate(w.ctx, w.url)
	require.NoError(t, err)
	require.NoError(t, old.Release(w.ctx, nil))
	require.Equal(t, 2, contexts(t, b))
	require.NoError(t, second.Release(w.ctx, nil))
	require.Equal(t, 1, contexts(t, b))
	require.NoError(t, third.Release(w.ctx, nil))
	require.NoError(t, w.pool.EndRun(w.ctx, "r"))
	require.Zero(t, contexts(t, b))
}

// A long run does not hold the Chrome that was retired: it goes on in the next.
func TestALongRunLeavesARetiredChrome(t *testing.T) {
	w := newRecycleWorld(t, 2, browser.Recycle{Pages: 4}, func(o *browser.PoolOptions) { o.ContextPages = 1000 })
	o := browser.LeaseOptions{Run: "r", Renew: true}
	first := w.visit(o)
	for w.visit(o) == first {
		require.NoError(t, w.ctx.Err())
	}
	retired := w.ended(1)[0]
	require.Equal(t, first.PID(), retired.PID)
	require.Equal(t, browser.RecyclePages, retired.Reason)
	require.NoError(t, w.pool.EndRun(w.ctx, "r"))
}
