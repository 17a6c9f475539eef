package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

func TestStandingOfASite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx := t.Context()
		s := storetest.Open(t, address)
		in := func(do func(tx store.Tx) error) {
			t.Helper()
			require.NoError(t, s.InTx(ctx, do))
		}
		schedule := func(file string) {
			in(func(tx store.Tx) error {
				return s.SetSchedule(ctx, tx, store.Schedule{Site: "shop", Timezone: "UTC", File: file})
			})
		}
		note := func(killed bool) {
			in(func(tx store.Tx) error { return s.NoteMemory(ctx, tx, "shop", killed) })
		}
		standing := func() (found store.Standing) {
			in(func(tx store.Tx) (err error) { found, err = s.Standing(ctx, tx, "shop"); return err })
			return found
		}
		aside := func() {
			in(func(tx store.Tx) error { return s.SetAside(ctx, tx, "shop", "run 1: why") })
		}
		schedule("first")
		note(false)
		require.Equal(t, store.Standing{Site: "shop"}, standing(), "nothing is remembered of a calm site")

		// A kill is forgotten after so many runs without one.
		note(true)
		for range store.CalmRuns - 1 {
			note(false)
			require.False(t, standing().Killed.IsZero())
		}
		require.Equal(t, store.CalmRuns-1, standing().Calm)
		note(false)
		require.True(t, standing().Killed.IsZero())

		// What is set aside stays so until the site file changes, or somebody says so.
		note(true)
		aside()
		schedule("first")
		schedule("")
		require.Equal(t, "run 1: why", standing().Why)
		require.False(t, standing().Aside.IsZero())
		all, err := s.Standings(ctx)
		require.NoError(t, err)
		require.Equal(t, map[string]store.Standing{"shop": standing()}, all)
		schedule("second")
		require.Equal(t, store.Standing{Site: "shop"}, standing())
		aside()
		done, err := s.Resume(ctx, "shop")
		require.NoError(t, err)
		require.True(t, done)
		require.Equal(t, store.Standing{Site: "shop"}, standing())
		for _, name := range []string{"shop", "unknown"} {
			done, err = s.Resume(ctx, name)
			require.NoError(t, err)
			require.False(t, done)
		}
	})
}

// A page that is killed is noted with the run at once, so that a worker that dies then is no way round.
func TestAKillIsNotedWithTheRun(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx := t.Context()
		s := storetest.Open(t, address)
		var run store.Run
		require.NoError(t, s.InTx(ctx, func(tx store.Tx) error {
			id, _, err := s.AddRun(ctx, tx, store.Run{Site: "shop", Reason: store.ReasonManual, State: store.RunPlanned})
			if err == nil {
				run, err = s.Claim(ctx, tx, id, "worker")
			}
			return err
		}))
		j := s.Journal(run.ID, run.Attempt)
		page := crawl.PageRef{Key: "http://a/1", URL: "http://a/1", Attempts: 1}
		require.NoError(t, j.Queue(context.Background(), []crawl.PageRef{page}))
		require.NoError(t, j.Retry(ctx, page, crawl.ClassCrash, "crashed"))
		require.NoError(t, j.Retry(ctx, page, crawl.ClassMemory, "killed"))
		run, err := s.Run(ctx, run.ID)
		require.NoError(t, err)
		require.Equal(t, 1, run.Killed)
	})
}
