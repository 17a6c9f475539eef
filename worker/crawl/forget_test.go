package crawl

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
)

// visitOnce takes a turn at once, and ends it.
func visitOnce(t *testing.T, g *guest, key string, delay time.Duration) *turn {
	t.Helper()
	turn := g.ask(key, delay).turn
	require.NotNil(t, turn, key)
	turn.start()
	turn.done()
	return turn
}

func TestForgetDropsHostsThatAreLikeNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := NewHosts(0)
		past := hosts.enter(HostLimits{Rate: 10})
		for i := range 100 {
			visitOnce(t, past, fmt.Sprint(i), 0)
		}
		visitOnce(t, past, "slow", time.Minute)
		paused := past.ask("paused", 0).turn
		paused.start()
		paused.pause(10 * time.Second)
		paused.done()
		require.Equal(t, 0, hosts.Forget(0).Count, "a run that is at work has its limits there")
		past.leave()
		require.Equal(t, 0, hosts.Forget(0).Count, "nobody may ask for 100 ms")

		time.Sleep(100 * time.Millisecond)
		open := hosts.enter(HostLimits{}).ask("open", 0).turn
		waiting := hosts.enter(HostLimits{})
		waiting.ask("open", 0)
		require.Equal(t, 0, hosts.Forget(time.Second).Count, "another site may allow more at once")
		time.Sleep(time.Second)
		f := hosts.Forget(time.Second)
		require.Equal(t, []int{100, 3}, []int{f.Count, f.Left}, "slow, paused and open stay")
		require.Equal(t, 3, hosts.size())
		require.Equal(t, 2, hosts.idle.Len())
		runtime.GC()
		require.Zero(t, f.Held())

		next := hosts.enter(HostLimits{Rate: 10})
		require.Equal(t, 58900*time.Millisecond, time.Until(next.ask("slow", time.Minute).at).Round(time.Millisecond), "what robots.txt asked for holds")
		require.True(t, next.ask("paused", 0).paused)
		require.Equal(t, answer{}, waiting.ask("open", 0))
		open.done()
		<-waiting.wake
		require.NotNil(t, waiting.ask("open", 0).turn)
		next.leave()

		time.Sleep(time.Hour)
		f = hosts.Forget(time.Second)
		require.Equal(t, []int{1, 2}, []int{f.Count, f.Left}, "one that asked for a pause is known until it has answered well")
		again := hosts.enter(HostLimits{}).ask("paused", 0).turn
		require.NotNil(t, again)
		again.start()
		require.Greater(t, again.pause(10*time.Second), 0*time.Second)
		require.Equal(t, 2, again.host.strikes)
	})
}

// turnsOf are the times of the turns that runs with limits, one after the other, have at a host that
// asks some of them for a delay between two pages.
func turnsOf(t *testing.T, limits []HostLimits, delay time.Duration, forget func(hosts *Hosts)) (at []time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		hosts := NewHosts(0)
		for run := range 40 {
			g := hosts.enter(limits[run%len(limits)])
			for page := range 4 {
				forget(hosts)
				a := g.ask("h", delay*time.Duration(run%3))
				for a.turn == nil {
					time.Sleep(time.Until(a.at))
					forget(hosts)
					a = g.ask("h", delay*time.Duration(run%3))
				}
				a.turn.start()
				a.turn.fine()
				if run%5 == 0 && page == 3 {
					a.turn.pause(2 * time.Second)
				}
				a.turn.done()
				at = append(at, time.Since(began))
			}
			g.leave()
			time.Sleep(time.Duration(run*run%7) * time.Second)
		}
	})
	return at
}

// Whenever and however often hosts are forgotten, the turns come when they come without it.
func TestForgettingHostsChangesNoTurn(t *testing.T) {
	for name, c := range map[string]struct {
		limits []HostLimits
		delay  time.Duration
	}{
		"rates": {[]HostLimits{{Rate: 5}, {Rate: 1}, {Rate: 20}, {}}, 700 * time.Millisecond},
		"burst": {[]HostLimits{{Rate: 1, Burst: 3}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			forgot := 0
			want := turnsOf(t, c.limits, c.delay, func(*Hosts) {})
			require.Equal(t, want, turnsOf(t, c.limits, c.delay, func(h *Hosts) { forgot += h.Forget(3 * time.Second).Count }))
			require.Greater(t, forgot, 3)
		})
	}
}

func TestRestIsUntilABurstIsWhole(t *testing.T) {
	site := sites.New("shop", "http://127.0.0.1:1/")
	site.Limits.Rate, site.Limits.Burst = 2, 5
	require.Equal(t, 2500*time.Millisecond, Rest(site))
	site.Limits.Burst = 0
	require.Equal(t, 500*time.Millisecond, Rest(site))
	site.Limits.Rate = 0
	require.Zero(t, Rest(site))
}

func TestForgottenRobotsAreFetchedWhenTheyAreNeeded(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte("User-agent: *\nDisallow: /no\n"))
	}))
	t.Cleanup(server.Close)
	c := NewRobotsCache(RobotsOptions{Client: server.Client()})
	require.ErrorIs(t, ask(t, c, server.URL, "/no"), errDisallowed)
	f := c.Forget()
	require.Equal(t, []int{1, 0}, []int{f.Count, f.Left})
	runtime.GC()
	require.Zero(t, f.Held())
	entries, bytes := c.size()
	require.Zero(t, entries)
	require.Zero(t, bytes)
	require.Equal(t, int64(1), asked.Load(), "nobody needs it")
	require.ErrorIs(t, ask(t, c, server.URL, "/no"), errDisallowed)
	require.NoError(t, ask(t, c, server.URL, "/yes"))
	require.Equal(t, int64(2), asked.Load(), "once for both")
}

func TestForgetKeepsWhatAnUnreachableFileForbids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.robots["down.test"], w.robots["shop.test"] = "503", "User-agent: *\nDisallow: /no\n"
		c := w.robotsCache(RobotsOptions{})
		require.Error(t, ask(t, c, "http://down.test", "/"))
		require.NoError(t, ask(t, c, "http://shop.test", "/"))
		time.Sleep(25 * time.Hour)
		w.robots["shop.test"] = "503"
		require.Error(t, ask(t, c, "http://down.test", "/"))
		require.ErrorIs(t, ask(t, c, "http://shop.test", "/no"), errDisallowed)
		f := c.Forget()
		require.Equal(t, []int{0, 2}, []int{f.Count, f.Left})
		require.ErrorIs(t, ask(t, c, "http://shop.test", "/no"), errDisallowed, "the earlier file goes on to hold")
		require.Error(t, ask(t, c, "http://down.test", "/"))
		require.Equal(t, []int{2, 2}, []int{w.robotsN["down.test"], w.robotsN["shop.test"]}, "neither was asked again")
		time.Sleep(robotsFaultAge)
		require.Equal(t, 2, c.Forget().Count, "their time is over")
	})
}
