package worker

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/worker/budget"
)

// How many tabs are lent is what is worth having, or what memory allows, if that is less.
func TestTabsAreTheFewerOfWorthAndMemory(t *testing.T) {
	pool := browser.NewPool(browser.PoolOptions{Tabs: 16})
	w := &Worker{options: Options{Pool: pool, AutoTabs: AutoTabs{Begin: 8}, Log: zerolog.Nop()}}
	w.tabs = newTabLimit(w)
	require.Equal(t, 8, pool.TabLimit())
	at := time.Unix(0, 0)
	read := func(over, below bool, after time.Duration) {
		at = at.Add(after)
		w.tabs.read(at, over, below, 0, true)
	}
	read(false, true, 0)
	require.False(t, w.tabs.isShort())
	w.tabs.worth(9)
	require.Equal(t, 9, pool.TabLimit())
	read(true, false, time.Minute)
	require.Equal(t, 4, pool.TabLimit(), "half")
	require.True(t, w.tabs.isShort())
	w.tabs.worth(8)
	require.Equal(t, 4, pool.TabLimit(), "memory is short still")
	w.tabs.worth(3)
	require.Equal(t, 3, pool.TabLimit())
	w.tabs.worth(4)
	for range 40 {
		read(false, true, 15*time.Second)
	}
	require.Equal(t, 4, pool.TabLimit())
	require.False(t, w.tabs.isShort())
}

// What pays stays; a fixed number of tabs stays as it is.
func TestTabsFollowThePace(t *testing.T) {
	pool := browser.NewPool(browser.PoolOptions{Tabs: 6})
	w := &Worker{options: Options{Pool: pool, AutoTabs: AutoTabs{Begin: 4}, Log: zerolog.Nop()}}
	w.tabs = newTabLimit(w)
	c := newClimber(w, 6)
	at, pages := time.Unix(0, 0), 0
	for range 2000 {
		at = at.Add(time.Second)
		pages += 5 * pool.TabLimit()
		c.look(t.Context(), budget.Pace{At: at, Pages: int64(pages), Full: true})
	}
	require.Equal(t, 6, pool.TabLimit())

	fixed := &Worker{options: Options{Pool: browser.NewPool(browser.PoolOptions{Tabs: 6})}}
	require.Nil(t, newClimber(fixed, 6))
	require.NotNil(t, newTabLimit(fixed))
	require.Equal(t, 6, fixed.options.Pool.TabLimit())
}

// A worker that waits for work does not measure; the next page that ends begins it again.
func TestTheClimberSleepsWhileNothingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Worker{options: Options{Pool: browser.NewPool(browser.PoolOptions{Tabs: 6}), AutoTabs: AutoTabs{Begin: 4}, Log: zerolog.Nop()}}
		w.tabs = newTabLimit(w)
		c := newClimber(w, 6)
		var looks atomic.Int64
		c.busy = func() (worked, all time.Duration, err error) {
			looks.Add(1)
			return 0, 0, nil
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			c.run(ctx)
		}()
		time.Sleep(time.Hour)
		require.EqualValues(t, 1, looks.Load())
		for range 10 {
			c.ended()
			time.Sleep(climbInterval)
		}
		synctest.Wait()
		require.GreaterOrEqual(t, looks.Load(), int64(10))
		time.Sleep(5 * climbInterval)
		then := looks.Load()
		time.Sleep(time.Hour)
		require.Equal(t, then, looks.Load())
		stop()
		<-ended
	})
}
