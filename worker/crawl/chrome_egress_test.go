package crawl

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/browser/egress"
	"github.com/ebbworker/ebb/sites"
)

// TestEgressInChrome: pages that may not be reached, themselves, by a redirect, or by the
// redirect of their robots.txt, fail with a class of their own, once, and the others are taken. So it is with
// hosts that are trusted, whose documents are not held.
func TestEgressInChrome(t *testing.T) {
	secret := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was reached", r.URL) }))
	t.Cleanup(secret.Close)
	w := newWeb(t)
	w.page("/", "/fine", secret.URL+"/linked", "/leads")
	w.page("/fine")
	w.handle("/leads", func(out http.ResponseWriter, r *http.Request) {
		http.Redirect(out, r, secret.URL+"/led", http.StatusFound)
	})
	proxy, err := egress.New(egress.Options{})
	require.NoError(t, err)
	door, err := proxy.Open(egress.Policy{Allow: []string{strings.TrimPrefix(w.URL, "http://")}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- proxy.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	launch := browsertest.LaunchOptions(t)
	launch.Proxy = door
	pool := browser.NewPool(browser.PoolOptions{Launch: launch, Tabs: 2})
	t.Cleanup(func() { require.NoError(t, pool.Close(browsertest.Within(t))) })

	trusting := NewHosts(0)
	for _, url := range []string{w.URL, secret.URL} {
		key := strings.TrimPrefix(url, "http://")
		trusting.byKey[key] = newHost(key)
		trusting.byKey[key].plain = trustAfter
	}
	for _, test := range []struct {
		robots sites.RobotsRule
		hosts  *Hosts
	}{{sites.RobotsObey, NewHosts(0)}, {sites.RobotsIgnore, NewHosts(0)}, {sites.RobotsIgnore, trusting}} {
		robots := test.robots
		r := w.visit(t, pool, func(s *sites.Site) { s.Follow.Origins, s.Robots = []string{"*"}, robots }, func(o *Options) {
			o.Robots, o.Hosts = NewRobotsCache(RobotsOptions{Client: &http.Client{Transport: door}}), test.hosts
		})
		require.NoError(t, r.err)
		require.Equal(t, []int{2, 2, 0}, []int{r.Done, r.Failed, r.Retries}, fmt.Sprint(robots))
		for _, page := range []string{secret.URL + "/linked", w.URL + "/leads"} {
			result, known := r.pages[page]
			require.True(t, known, page)
			require.Equal(t, ClassEgress, result.Class, page)
			require.Contains(t, result.Error, "not allowed by egress: 127.0.0.1 is a loopback address; allow it with egress.allow")
		}
	}
}
