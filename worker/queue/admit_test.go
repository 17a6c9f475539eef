package queue

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// A run that waits until it may begin takes no place among the runs and none of its site's time; when the
// worker stops, the wait ends at once and the run stays as it was.
func TestARunWaitsBeforeItBegins(t *testing.T) {
	begun, ended := make(chan string, 2), make(chan string, 2)
	let := make(chan struct{})
	slow := newSite("slow")
	slow.Timeout = sites.Duration(300 * time.Millisecond)
	e, s := open(t, storetest.SQLite(t), Options{
		Sites: []*sites.Site{slow, newSite("quick"), newSite("never")}, Runs: 1,
		Admit: func(ctx context.Context, site string, _ int64) (func(), error) {
			wait := let
			switch site {
			case "quick":
				return func() { ended <- site }, nil
			case "never":
				wait = nil
			}
			select {
			case <-wait:
				return func() { ended <- site }, nil
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		},
		Handler: func(_ context.Context, run Run) (Outcome, error) {
			begun <- run.Site
			return Outcome{State: store.RunDone}, nil
		},
	})
	stop := start(t, e)
	never, err := e.Enqueue(t.Context(), "never")
	require.NoError(t, err)
	waits, err := e.Enqueue(t.Context(), "slow")
	require.NoError(t, err)
	quick, err := e.Enqueue(t.Context(), "quick")
	require.NoError(t, err)
	require.Equal(t, "quick", <-begun, "the one place is free")
	require.Equal(t, "quick", <-ended)
	_, err = e.Wait(t.Context(), quick)
	require.NoError(t, err)
	run, err := s.Run(t.Context(), waits)
	require.NoError(t, err)
	require.Equal(t, store.RunPlanned, run.State)
	require.Zero(t, run.Attempt)

	time.AfterFunc(time.Duration(slow.Timeout), func() { close(let) }) // all of its time
	run, err = e.Wait(t.Context(), waits)
	require.NoError(t, err)
	require.Equal(t, store.RunDone, run.State, run.Error)
	require.Equal(t, "slow", <-ended)

	stop() // within the grace of 30 s, and well within that of a test
	run, err = s.Run(t.Context(), never)
	require.NoError(t, err)
	require.Equal(t, store.RunPlanned, run.State)
	require.Zero(t, run.Attempt)
}
