package crawl

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// robotsServer answers robots.txt by h and counts how often it is asked.
func robotsServer(t *testing.T, h http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		h(w, r)
	}))
	t.Cleanup(server.Close)
	return server, &asked
}

func ask(t *testing.T, c *RobotsCache, origin, path string) error {
	t.Helper()
	entry, err := c.get(t.Context(), origin)
	require.NoError(t, err)
	u, err := url.Parse(origin + path)
	require.NoError(t, err)
	_, err = entry.verdict("Ebb", u)
	return err
}

func TestRobotsByAnswer(t *testing.T) {
	const forbid = "User-agent: *\nDisallow: /no\n"
	tests := map[string]struct {
		answer http.HandlerFunc
		no     Class // of /no
		yes    Class // of /yes
		asked  int64
	}{
		"there":        {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, forbid) }, ClassRobots, ClassNone, 1},
		"not there":    {http.NotFound, ClassNone, ClassNone, 1},
		"forbidden":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, ClassNone, ClassNone, 1},
		"server error": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, ClassBusy, ClassBusy, 1},
		"too many":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, ClassBusy, ClassBusy, 1},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "999")
			fmt.Fprint(w, forbid)
		}, ClassConnect, ClassConnect, 1},
		"five redirects": {redirects(5, forbid), ClassRobots, ClassNone, 6},
		"six redirects":  {redirects(6, forbid), ClassNone, ClassNone, 6},
		"rule beyond 500 KiB": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "User-agent: *\n"+strings.Repeat("#234567890123456789\n", 500<<10/20)+"Disallow: /no\n")
		}, ClassNone, ClassNone, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, asked := robotsServer(t, test.answer)
			c := NewRobotsCache(RobotsOptions{Client: server.Client()})
			require.Equal(t, test.no, classOf(ask(t, c, server.URL, "/no")))
			require.Equal(t, test.yes, classOf(ask(t, c, server.URL, "/yes")))
			require.Equal(t, test.asked, asked.Load(), "the second time it is known")
		})
	}
}

func redirects(n int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at := 0
		fmt.Sscanf(r.URL.Path, "/robots%d", &at)
		if at == n {
			fmt.Fprint(w, body)
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/robots%d", at+1), http.StatusFound)
	}
}

func TestRobotsNamesItself(t *testing.T) {
	var agent atomic.Value
	server, _ := robotsServer(t, func(_ http.ResponseWriter, r *http.Request) { agent.Store(r.UserAgent()) })
	c := NewRobotsCache(RobotsOptions{Client: server.Client(), UserAgent: "Ebb/1.0 (+https://ebb.test)"})
	require.NoError(t, ask(t, c, server.URL, "/"))
	require.Equal(t, "Ebb/1.0 (+https://ebb.test)", agent.Load())
}

func TestRobotsOfADeadHost(t *testing.T) {
	server, _ := robotsServer(t, http.NotFound)
	server.Close()
	c := NewRobotsCache(RobotsOptions{})
	require.Equal(t, ClassConnect, classOf(ask(t, c, server.URL, "/")))
}

func TestRobotsTimeout(t *testing.T) {
	gate := make(chan struct{})
	server, _ := robotsServer(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-gate:
		case <-r.Context().Done():
		}
	})
	defer close(gate)
	c := NewRobotsCache(RobotsOptions{Client: server.Client(), Timeout: 50 * time.Millisecond})
	require.Equal(t, ClassTimeout, classOf(ask(t, c, server.URL, "/")))
}

func TestRobotsAreFetchedOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		transport := &slowTransport{world: w, takes: time.Second}
		c := NewRobotsCache(RobotsOptions{Client: &http.Client{Transport: transport}})
		first, cancel := context.WithCancelCause(t.Context())
		errs := make(chan error, 10)
		go func() {
			_, err := c.get(first, "http://shop.test")
			errs <- err
		}()
		synctest.Wait()
		for range 9 {
			go func() {
				_, err := c.get(t.Context(), "http://shop.test")
				errs <- err
			}()
		}
		synctest.Wait()
		stopped := errors.New("stopped")
		cancel(stopped)
		require.ErrorIs(t, <-errs, stopped)
		for range 9 {
			require.NoError(t, <-errs, "who waits goes on when who fetched was interrupted")
		}
		require.Equal(t, 1, w.robotsN["shop.test"])
		require.Equal(t, int64(2), transport.begun.Load())
	})
}

type slowTransport struct {
	world *world
	takes time.Duration
	begun atomic.Int64
}

func (s *slowTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	s.begun.Add(1)
	if err := sleep(r.Context(), s.takes); err != nil {
		return nil, err
	}
	return s.world.RoundTrip(r)
}

func TestRobotsAge(t *testing.T) {
	for control, want := range map[string]time.Duration{
		"": 24 * time.Hour, "max-age=60": time.Hour, "public, max-age=7200": 2 * time.Hour,
		"max-age=9999999": 24 * time.Hour, "no-store": time.Hour, "max-age=x": 24 * time.Hour,
	} {
		require.Equal(t, want, robotsAge(http.Header{"Cache-Control": {control}}), control)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.robots["shop.test"] = "User-agent: *\nDisallow: /no\n"
		c := w.robotsCache(RobotsOptions{})
		no := func() error { return ask(t, c, "http://shop.test", "/no") }
		require.ErrorIs(t, no(), errDisallowed)
		time.Sleep(23 * time.Hour)
		require.ErrorIs(t, no(), errDisallowed)
		require.Equal(t, 1, w.robotsN["shop.test"])
		time.Sleep(time.Hour)
		w.robots["shop.test"] = "503"
		require.ErrorIs(t, no(), errDisallowed, "what it said holds while it cannot be read")
		require.NoError(t, ask(t, c, "http://shop.test", "/yes"))
		require.Equal(t, 2, w.robotsN["shop.test"])
		time.Sleep(robotsFaultAge)
		w.robots["shop.test"] = ""
		require.NoError(t, no())
		require.Equal(t, 3, w.robotsN["shop.test"])
	})
}

// What a file said holds for 30 days while it cannot be read, then nothing may be visited. It held for ever: each
// attempt to read the file began the 30 days anew.
func TestRobotsOfLongAgoHoldNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.robots["shop.test"] = "User-agent: *\nDisallow: /no\n"
		c := w.robotsCache(RobotsOptions{})
		yes := func() error { return ask(t, c, "http://shop.test", "/yes") }
		require.NoError(t, yes())
		w.robots["shop.test"] = "503"
		for range 30 {
			time.Sleep(24 * time.Hour)
			require.NoError(t, yes())
		}
		time.Sleep(25 * time.Hour)
		require.Error(t, yes())
	})
}

func TestRobotsCacheIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		c := w.robotsCache(RobotsOptions{Hosts: 10, Bytes: 20_000})
		for i := range 30 {
			require.NoError(t, ask(t, c, fmt.Sprintf("http://%d.test", i), "/"))
		}
		entries, _ := c.size()
		require.Equal(t, 10, entries)
		require.NoError(t, ask(t, c, "http://20.test", "/"), "the least recent that is left")
		require.NoError(t, ask(t, c, "http://99.test", "/"))
		require.NotNil(t, c.known("http://20.test"))
		require.Nil(t, c.known("http://21.test"))
		for i := range 10 {
			host := fmt.Sprintf("big%d.test", i)
			w.robots[host] = strings.Repeat("# comment\n", 500)
			require.NoError(t, ask(t, c, "http://"+host, "/"))
			_, bytes := c.size()
			require.LessOrEqual(t, bytes, int64(20_000))
		}
		w.robots["huge.test"] = strings.Repeat("# comment\n", 10_000)
		require.NoError(t, ask(t, c, "http://huge.test", "/"))
		entries, _ = c.size()
		require.Equal(t, 1, entries)
	})
}

// A run holds no file longer than the next page needs it: it held those of all origins that it had
// visited, whatever the bound of the cache.
func TestARunHoldsNoRobots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var start []string
		for i := range 20 {
			start = append(start, fmt.Sprintf("http://%d.test/", i))
			w.add(start[i], &place{})
		}
		r := w.start(t, fakeSite(t, nil, start...), nil)
		_, err := r.run(t.Context())
		require.NoError(t, err)
		require.Len(t, r.ledger().pages, 20)
		require.Len(t, w.robotsN, 20)
		require.Empty(t, r.fetched)
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, " 5 ": 5 * time.Second, "-1": 0, "soon": 0,
		"99999999999": maxPause, "18446744073709551615": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:00 GMT": 0,
		"Fri, 02 Jan 2099 03:05:05 GMT": maxPause,
	} {
		require.Equal(t, want, retryAfter(http.Header{"Retry-After": {value}}, now), value)
	}
}
