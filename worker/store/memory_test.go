package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

func TestMemoryEventsAreKeptInOrderAndBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx, s := t.Context(), storetest.Open(t, address)
		first := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		for i, host := range []string{"one", "two", "one"} {
			require.NoError(t, s.AddMemoryEvent(ctx, store.MemoryEvent{
				At: first.Add(time.Duration(i) * time.Hour), Host: host, Worker: "w", Action: "page", Reason: "soft", Says: "why\x00",
				Before: 300, After: 200, Above: 150, Took: 40 * time.Millisecond,
			}))
		}
		all, err := s.MemoryEvents(ctx, store.MemoryEventFilter{})
		require.NoError(t, err)
		require.Len(t, all, 3)
		want := all[0]
		want.ID = 0
		require.Equal(t, store.MemoryEvent{
			At: first, Host: "one", Worker: "w", Action: "page", Reason: "soft", Says: "why\uFFFD", Before: 300, After: 200, Above: 150, Took: 40 * time.Millisecond,
		}, want)
		some, err := s.MemoryEvents(ctx, store.MemoryEventFilter{Host: "one", Since: first.Add(time.Minute)})
		require.NoError(t, err)
		require.Equal(t, all[2:], some)
		some, err = s.MemoryEvents(ctx, store.MemoryEventFilter{Limit: 2})
		require.NoError(t, err)
		require.Equal(t, all[1:], some)

		require.NoError(t, s.InTx(ctx, func(tx store.Tx) error {
			for range 5000 - 2 {
				if _, err := tx.Exec(ctx, "INSERT INTO memory_events (at, host, worker, action, reason) VALUES (1, 'x', 'w', 'gc', 'soft')"); err != nil {
					return err
				}
			}
			return nil
		}))
		require.NoError(t, s.AddMemoryEvent(ctx, store.MemoryEvent{At: first, Host: "last", Worker: "w", Action: "page", Reason: "soft"}))
		all, err = s.MemoryEvents(ctx, store.MemoryEventFilter{})
		require.NoError(t, err)
		require.Len(t, all, 5000)
		require.Equal(t, "one", all[0].Host)
		require.Equal(t, "last", all[4999].Host)
	})
}

func TestSitePeaksAreTheLatest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx, s := t.Context(), storetest.Open(t, address)
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		for i := range int64(5) {
			require.NoError(t, s.AddSitePeak(ctx, store.SitePeak{Site: "shop", At: at, Bytes: i, Alone: i%2 == 0}, 3))
		}
		require.NoError(t, s.AddSitePeak(ctx, store.SitePeak{Site: "news", At: at, Bytes: 9}, 3))
		peaks, err := s.SitePeaks(ctx)
		require.NoError(t, err)
		require.Equal(t, []store.SitePeak{
			{"news", at, 9, false}, {"shop", at, 2, true}, {"shop", at, 3, false}, {"shop", at, 4, true},
		}, peaks)
	})
}

func TestBudgetsAndWaitsEndWithTheirWorker(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx, s := t.Context(), storetest.Open(t, address)
		since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		wait := store.MemoryWait{Worker: "w", Run: 7, Site: "shop", Since: since, Why: "it needs 400 MB"}
		set, err := s.SetBudget(ctx, "w", "{}")
		require.NoError(t, err)
		require.False(t, set, "there is no such worker")
		set, err = s.SetMemoryWait(ctx, wait)
		require.NoError(t, err)
		require.False(t, set)

		require.NoError(t, s.Register(ctx, store.Worker{ID: "w", Host: "here", PID: 42}, []string{"shop"}, true))
		for _, budget := range []string{"{}", `{"total":1}`} {
			set, err = s.SetBudget(ctx, "w", budget)
			require.NoError(t, err)
			require.True(t, set)
		}
		for range 2 {
			set, err = s.SetMemoryWait(ctx, wait)
			require.NoError(t, err)
			require.True(t, set)
		}
		other := wait
		other.Run, other.Since = 8, since.Add(-time.Minute)
		_, err = s.SetMemoryWait(ctx, other)
		require.NoError(t, err)
		budgets, err := s.Budgets(ctx)
		require.NoError(t, err)
		require.Equal(t, []store.WorkerBudget{{"w", "here", 42, `{"total":1}`}}, budgets)
		waits, err := s.MemoryWaits(ctx)
		require.NoError(t, err)
		require.Equal(t, []store.MemoryWait{other, wait}, waits)
		require.NoError(t, s.EndMemoryWait(ctx, "w", 8))
		waits, err = s.MemoryWaits(ctx)
		require.NoError(t, err)
		require.Equal(t, []store.MemoryWait{wait}, waits)

		require.NoError(t, s.InTx(ctx, func(tx store.Tx) error { return s.Unregister(ctx, tx, "w") }))
		waits, err = s.MemoryWaits(ctx)
		require.NoError(t, err)
		require.Empty(t, waits)
		budgets, err = s.Budgets(ctx)
		require.NoError(t, err)
		require.Empty(t, budgets)
	})
}
