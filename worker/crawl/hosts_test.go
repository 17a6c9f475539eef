package crawl

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTurnsOfTwoRunsAlternate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := NewHosts(0)
		a, b := hosts.enter(HostLimits{Open: 1}), hosts.enter(HostLimits{Open: 1})
		first := a.ask("h", 0).turn
		require.NotNil(t, first)
		require.Equal(t, answer{}, b.ask("h", 0), "it will be woken")
		require.Equal(t, answer{}, a.ask("h", 0))
		first.start()
		first.done()
		<-b.wake
		require.Equal(t, answer{}, a.ask("h", 0), "b has waited longer")
		second := b.ask("h", 0).turn
		require.NotNil(t, second)
		second.done() // it never got a tab
		<-a.wake
		third := a.ask("h", 0).turn
		require.NotNil(t, third)
		third.done()
		third.done()
		require.NotNil(t, b.ask("h", 0).turn, "a turn that ends twice frees one place")
		require.Nil(t, a.ask("h", 0).turn)
	})
}

func TestAGuestThatCannotComeHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := NewHosts(0)
		a, b, c := hosts.enter(HostLimits{}), hosts.enter(HostLimits{}), hosts.enter(HostLimits{})
		turn := a.ask("h", 0).turn
		b.ask("h", 0)
		c.ask("h", 0)
		turn.done()
		require.Nil(t, c.ask("h", 0).turn)
		b.withdraw()
		<-c.wake
		require.NotNil(t, c.ask("h", 0).turn)
	})
}

func TestTheStricterRateHoldsUntilItsRunLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := NewHosts(0)
		fast, slow := hosts.enter(HostLimits{Rate: 10, Open: 9}), hosts.enter(HostLimits{Rate: 1, Open: 9})
		take := func(g *guest) time.Duration {
			began := time.Now()
			for {
				a := g.ask("h", 0)
				if a.turn != nil {
					a.turn.start()
					a.turn.done()
					return time.Since(began).Round(time.Millisecond)
				}
				time.Sleep(time.Until(a.at))
			}
		}
		require.Zero(t, take(fast))
		require.Equal(t, 100*time.Millisecond, take(fast))
		require.Equal(t, time.Second, take(slow))
		require.Equal(t, time.Second, take(fast))
		slow.leave()
		require.Equal(t, 100*time.Millisecond, take(fast))
		fast.leave()
		later := hosts.enter(HostLimits{Rate: 10})
		require.Equal(t, 100*time.Millisecond, take(later), "the next run owes what the last one took")
	})
}

func TestPausesGrowUntilTheHostIsFine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := NewHosts(0)
		g := hosts.enter(HostLimits{Open: 5})
		pause := func(asked time.Duration) time.Duration {
			turn := g.ask("h", 0).turn
			require.NotNil(t, turn)
			turn.start()
			got := turn.pause(asked)
			turn.done()
			a := g.ask("h", 0)
			require.True(t, a.paused)
			require.Equal(t, got, time.Until(a.at))
			time.Sleep(got)
			return got
		}
		require.Equal(t, 2*time.Second, pause(2*time.Second), "what it asks for")
		second, third := pause(2*time.Second), pause(0)
		require.Greater(t, second, 7*time.Second)
		require.Greater(t, third, second)
		turn := g.ask("h", 0).turn
		turn.fine()
		turn.done()
		require.Equal(t, 2*time.Second, pause(2*time.Second))
		require.Equal(t, maxPause, pause(100*24*time.Hour))
	})
}

func TestOneRefusalSeenByTwoPagesIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewHosts(0).enter(HostLimits{Open: 2})
		first := g.ask("h", 0).turn
		first.start()
		second := g.ask("h", 0).turn
		second.start()
		require.Equal(t, 10*time.Second, first.pause(10*time.Second))
		require.Equal(t, 10*time.Second, second.pause(9*time.Second))
		require.Equal(t, 1, first.host.strikes)
	})
}

func TestHostsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := NewHosts(10)
		g := hosts.enter(HostLimits{})
		busy := g.ask("busy", 0).turn
		for i := range 100 {
			turn := g.ask(fmt.Sprint(i), 0).turn
			require.NotNil(t, turn)
			turn.start()
			turn.done()
			require.LessOrEqual(t, hosts.size(), 10)
		}
		require.Equal(t, answer{}, g.ask("busy", 0), "a host with an open page is not forgotten")
		busy.done()
		require.NotNil(t, g.ask("busy", 0).turn)
		require.NotNil(t, g.ask("99", 0).turn)
	})
}
