//go:build studies

package main

import (
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// TestRunDrainsAllSites stops a worker in the midst of both demo sites: what it had begun
// goes on with the next.
func TestRunDrainsAllSites(t *testing.T) {
	w := newWorld(t)
	came := w.afterRequests(60)
	p := w.ebb("run", "--set", "timeouts.drain=1s")
	p.awaitEvent(came, "its request")
	p.signal(syscall.SIGTERM)
	require.Equal(t, 0, p.wait(), p.said())
	w.requireNothingLeft()
	w.onRequest(nil)
	w.ok("run", "--cycles", "1")
	s := w.open()
	begun := 0
	for _, run := range w.runs(s, store.RunFilter{}) {
		if run.Attempt > 1 && run.State.Finished() {
			w.requireWhole(s, run)
			begun++
		}
	}
	require.Equal(t, 2, begun)
	w.requireTruth(s, "shop", "news")
	for _, site := range []string{"shop", "news"} {
		for page, err := range s.Pages(t.Context(), w.runs(s, store.RunFilter{Site: site})[0].ID) {
			require.NoError(t, err)
			require.LessOrEqual(t, w.askedFor(page.URL), 2, page.URL)
		}
	}
}

// TestKilledOnPostgres does the same on the other database.
func TestKilledOnPostgres(t *testing.T) {
	k := &killing{world: newWorld(t), random: rand.New(rand.NewPCG(20240607, 2))}
	k.database = storetest.Postgres(t)
	k.round(killsARound)
	k.require(k.open())
}
