package main

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/worker/store"
)

// A Chrome that cannot start ends a scrape before anything of a run is written, and one that starts while
// the database cannot be opened is closed again.
func TestStartsThatFailLeaveNothing(t *testing.T) {
	w := smallWorld(t)
	file := filepath.Join(w.sites, "sections.yaml")
	scrape := func(code int, says string, more ...string) {
		t.Helper()
		p := w.ebb(append([]string{"scrape", file}, more...)...)
		require.Equal(t, code, p.wait(), p.said())
		require.Regexp(t, says, p.said())
		w.requireNothingLeft()
	}
	scrape(exitFailed, "^ebb: .* is a folder", "--database", w.home)
	require.NoFileExists(t, w.database)

	w.useMuteChrome()
	scrape(exitNoBrowser, "(?m)^ebb: start Chrome: ", "--set", "timeouts.start=1s")
	require.Empty(t, w.runs(w.open(), store.RunFilter{}))
	scrape(exitFailed, "^ebb: .* is a folder", "--database", w.home)
}

// What is told before the rig is whole is told then, in its order, and before what comes after.
func TestNewsWaitForTheRig(t *testing.T) {
	var n news
	var heard []int
	tell := told(&n, func(i int) { heard = append(heard, i) })
	var early sync.WaitGroup
	early.Go(func() {
		tell(1)
		tell(2)
	})
	early.Wait()
	require.Empty(t, heard)
	n.open()
	tell(3)
	require.Equal(t, []int{1, 2, 3}, heard)
}

// A start that nobody waits for ends with its pool, and no goroutine stays (see TestMain).
func TestAStartThatNobodyWaitsForEnds(t *testing.T) {
	w := smallWorld(t)
	started := w.useMuteChrome()
	pool := browser.NewPool(browser.PoolOptions{Launch: browser.LaunchOptions{Path: w.chrome, NoSandbox: true}})
	var first firstChrome
	first.begin(t.Context(), pool)
	<-started
	first.end()
	require.ErrorIs(t, first.err, context.Canceled)
	require.NoError(t, pool.Close(t.Context()))
	require.Empty(t, pool.Browsers())
}
