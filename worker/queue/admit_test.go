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

// While a worker is not ready, no run begins, and Once asks for none; one that is stopped before leaves nothing.
func TestNoRunBeginsBeforeTheWorkerIsReady(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		shop := []*sites.Site{newSite("shop")}
		ready, begun := make(chan struct{}), make(chan string, 2)
		options := Options{Sites: shop, Ready: ready, Handler: func(_ context.Context, run Run) (Outcome, error) {
			begun <- run.Site
			return Outcome{State: store.RunDone}, nil
		}}
		e, s := open(t, address, options)
		workers := func() int {
			known, err := s.Workers(t.Context())
			require.NoError(t, err)
			return len(known)
		}
		for _, want := range []error{context.Canceled, errEnded} {
			ctx, cancel := context.WithCancel(t.Context())
			stopped := make(chan error, 1)
			go func() {
				_, err := e.Once(ctx, "shop")
				stopped <- err
			}()
			eventually(t, func() bool { return workers() == 1 }, "the worker does not come up")
			if want == errEnded {
				e.Force()
			} else {
				cancel()
			}
			require.ErrorIs(t, <-stopped, want)
			cancel()
			require.Empty(t, runs(t, s, store.RunFilter{}))
			require.Zero(t, workers())
			e, _ = open(t, address, options)
		}

		stop := start(t, e)
		waits, err := e.Enqueue(t.Context(), "shop")
		require.NoError(t, err)
		eventually(t, func() bool {
			jobs, err := e.Jobs(t.Context(), JobFilter{})
			require.NoError(t, err)
			return len(jobs) == 1 && jobs[0].Worker == e.Self().ID && jobs[0].State != "running"
		}, "the job is not put back")
		run, err := s.Run(t.Context(), waits)
		require.NoError(t, err)
		require.Equal(t, store.RunPlanned, run.State)
		require.Empty(t, begun)
		close(ready)
		run, err = e.Wait(t.Context(), waits)
		require.NoError(t, err)
		require.Equal(t, store.RunDone, run.State)
		stop()
		require.Len(t, begun, 1)
	})
}
