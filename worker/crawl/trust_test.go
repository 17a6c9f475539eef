package crawl

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/sites"
)

// TestTrust: the answers of a host are held until three of its pages in a row were plain, and again after one that
// was not. A page with another status is not waited for, and one without a document is asked for once more, held.
func TestTrust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(13)
		w.pages[chainURL(5)].status = http.StatusNotFound
		last := w.pages[chainURL(10)]
		last.status, last.empty = http.StatusNotFound, true
		w.pages[chainURL(13)].status = http.StatusNonAuthoritativeInfo // a page all the same
		r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.Tabs = 1 }, home), nil)
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Equal(t, []int{12, 2, 0}, []int{s.Done, s.Failed, s.Retries})
		var unheld []int
		for i, lease := range w.leases {
			if lease.Unheld {
				unheld = append(unheld, i)
			}
		}
		require.Equal(t, []int{3, 4, 5, 9, 10}, unheld, "by lease; that after 10 is for the same page")
		for _, page := range []int{5, 10} {
			result := r.ledger().pages[chainURL(page)]
			require.Equal(t, http.StatusNotFound, result.Status, page)
			require.Equal(t, ClassHTTP, result.Class, page)
		}
		require.Equal(t, http.StatusNonAuthoritativeInfo, r.ledger().pages[chainURL(13)].Status)
	})
}

// TestHoldDocuments: a run that must know each redirect holds all of them.
func TestHoldDocuments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(6)
		r := w.start(t, fakeSite(t, nil, home), func(o *Options) { o.HoldDocuments = true })
		_, err := r.run(t.Context())
		require.NoError(t, err)
		for _, lease := range w.leases {
			require.False(t, lease.Unheld)
		}
	})
}

// TestTrustInChrome: what a trusted host answers besides pages ends as it does with one that is not.
func TestTrustInChrome(t *testing.T) {
	w := newWeb(t)
	answers := map[string]func(http.ResponseWriter, *http.Request){
		"/empty":  func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusNotFound) },
		"/gone":   func(out http.ResponseWriter, _ *http.Request) { http.Error(out, "<p>gone", http.StatusGone) },
		"/none":   func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusNoContent) },
		"/saved":  func(out http.ResponseWriter, _ *http.Request) { out.Header().Set("Content-Disposition", "attachment") },
		"/image":  func(out http.ResponseWriter, _ *http.Request) { out.Header().Set("Content-Type", "image/png") },
		"/leads":  func(out http.ResponseWriter, r *http.Request) { http.Redirect(out, r, "/target", http.StatusFound) },
		"/denied": func(out http.ResponseWriter, _ *http.Request) { http.Error(out, "<p>no", http.StatusForbidden) },
	}
	var links []string
	for path, answer := range answers {
		w.handle(path, answer)
		links = append(links, path)
	}
	w.page("/", append(links, "/target")...)
	w.page("/target")
	pool := browsertest.Pool(t, 1)
	seen := map[bool]map[string]Class{}
	for _, trusted := range []bool{false, true} {
		r := w.visit(t, pool, func(s *sites.Site) { s.Limits.Retries = new(0) }, func(o *Options) {
			o.HoldDocuments = !trusted
			o.Hosts = NewHosts(0)
			if trusted {
				o.Hosts.byKey[w.Listener.Addr().String()] = newHost(w.Listener.Addr().String())
				o.AfterPage = func(context.Context, *browser.Lease) { // whatever came
					o.Hosts.mu.Lock()
					defer o.Hosts.mu.Unlock()
					o.Hosts.byKey[w.Listener.Addr().String()].plain = trustAfter
				}
			}
		})
		require.NoError(t, r.err)
		seen[trusted] = map[string]Class{}
		for url, page := range r.pages {
			seen[trusted][url] = page.Class
		}
	}
	require.Equal(t, seen[false], seen[true])
	require.Equal(t, ClassType, seen[true][w.URL+"/none"])
	require.Equal(t, 3, w.count("/none"), "once held; once not, and once more to know why")
	require.Equal(t, 2, w.count("/gone"), "once each time")
	require.Equal(t, ClassBlocked, seen[true][w.URL+"/denied"])
}
