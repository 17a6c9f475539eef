package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// succeeding is a pool whose tabs are replaced after so many pages.
type succeeding struct {
	*browser.Pool
	t   *testing.T
	url string

	mu   sync.Mutex // owns told
	told []browser.Tidying
}

func newSucceeding(t *testing.T, tabs, pages int) *succeeding {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<p>x")
	}))
	t.Cleanup(srv.Close)
	s := &succeeding{t: t, url: srv.URL}
	s.Pool = browser.NewPool(browser.PoolOptions{Launch: browsertest.LaunchOptions(t), Tabs: tabs, TabPages: pages, OnTidy: func(d browser.Tidying) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, d)
	}})
	t.Cleanup(func() { require.NoError(t, s.Close(browsertest.Within(t))) })
	return s
}

// visit visits a page and returns the tab that did.
func (s *succeeding) visit(ctx context.Context, o browser.LeaseOptions, script string) (tab, value string, err error) {
	l, err := s.Acquire(ctx, o)
	if err != nil {
		return "", "", err
	}
	var raw []byte
	if _, err = l.Navigate(ctx, s.url+"/"); err == nil {
		raw, err = l.EvaluateMain(ctx, script)
	}
	id := l.ID()
	if releaseErr := l.Release(ctx, err); err == nil {
		err = releaseErr
	}
	return id, string(raw), err
}

// replaced are the replacements so far.
func (s *succeeding) replaced() []browser.Tidying {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]browser.Tidying{}, s.told...)
}

// A tab that has visited its pages goes on until another is there, which has the cookies of the run.
func TestAnotherTabTakesThePlaceOfOneWithItsPages(t *testing.T) {
	for _, isolation := range []browser.Isolation{browser.IsolateTab, browser.IsolateContext, browser.IsolateBrowser} {
		t.Run(string(isolation), func(t *testing.T) {
			s, ctx := newSucceeding(t, 1, 5), within(t, time.Minute)
			o := browser.LeaseOptions{Site: "s", Run: "r", Isolation: isolation, Renew: true}
			first, _, err := s.visit(ctx, o, `document.cookie = "seen=1"`)
			require.NoError(t, err)
			tab := first
			for range 4 {
				tab, _, err = s.visit(ctx, o, `1`)
				require.NoError(t, err)
				require.Equal(t, first, tab, "it has not visited its pages")
			}
			require.Eventually(t, func() bool { return len(s.replaced()) == 1 && len(s.Tabs()) == 1 }, 20*time.Second, 10*time.Millisecond)
			require.Equal(t, browser.Tidying{Site: "s", Reason: browser.TidyPages, Replaced: true, Pages: 5}, s.replaced()[0])
			next, cookie, err := s.visit(ctx, o, `document.cookie`)
			require.NoError(t, err)
			require.NotEqual(t, first, next)
			require.Equal(t, `"seen=1"`, cookie)
			require.Equal(t, 2, s.Opened())
			require.NoError(t, s.EndRun(ctx, "r"))
		})
	}
}

// A site whose steps may have left something in a tab keeps it.
func TestATabThatIsNotToBeRenewedStays(t *testing.T) {
	s, ctx := newSucceeding(t, 1, 2), within(t, time.Minute)
	for range 8 {
		_, _, err := s.visit(ctx, browser.LeaseOptions{Site: "s", Run: "r"}, `1`)
		require.NoError(t, err)
	}
	require.Equal(t, 1, s.Opened())
}

// Several at once, runs that end and a pool that is closed while tabs are on their way: no page fails, and nothing
// stays open.
func TestTabsAreReplacedUnderLoad(t *testing.T) {
	const tabs, runs, pages = 3, 3, 40
	s, ctx := newSucceeding(t, tabs, 3), within(t, 2*time.Minute)
	for run := range runs {
		o := browser.LeaseOptions{Site: "s", Run: fmt.Sprint("r", run), Renew: true}
		var working sync.WaitGroup
		errs := make(chan error, tabs*pages)
		for range tabs {
			working.Go(func() {
				for range pages {
					if _, _, err := s.visit(ctx, o, `1`); err != nil {
						errs <- err
					}
				}
			})
		}
		working.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		require.NoError(t, s.EndRun(ctx, o.Run))
		require.Eventually(t, func() bool { return len(s.Tabs()) == 0 && len(s.Browsers()[0].Targets()) == 0 }, 20*time.Second, 10*time.Millisecond)
	}
	require.Greater(t, len(s.replaced()), tabs*runs, "tabs were replaced")
	o := browser.LeaseOptions{Site: "s", Run: "last", Renew: true}
	for range 3 {
		_, _, err := s.visit(ctx, o, `1`)
		require.NoError(t, err)
	}
}
