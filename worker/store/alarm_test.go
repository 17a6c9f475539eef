package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

func TestAnAlarmIsNewOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address)
		var wg sync.WaitGroup
		var mu sync.Mutex // guards news
		news := 0
		for range 6 {
			wg.Go(func() {
				known, err := s.SeeAlarm(t.Context(), "abc", []string{"shop", "news"})
				mu.Lock()
				defer mu.Unlock()
				if err == nil && known.Seen == 0 {
					news++
				}
			})
		}
		wg.Wait()
		require.Equal(t, 1, news, "of all that raise it at once one is the first")

		known, err := s.SeeAlarm(t.Context(), "abc", []string{"news", "shop"})
		require.NoError(t, err)
		require.Equal(t, 6, known.Seen)
		require.WithinDuration(t, time.Now(), known.First, time.Minute)
		for _, other := range [][]string{{"shop"}, nil} {
			known, err = s.SeeAlarm(t.Context(), "abc", other)
			require.NoError(t, err)
			require.Zero(t, known.Seen, "of other sites it is another")
		}

		require.NoError(t, s.InTx(t.Context(), func(tx store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE alarms SET last_at = $1", time.Now().Add(-store.AlarmMemory-time.Hour).UnixMicro())
			return err
		}))
		known, err = s.SeeAlarm(t.Context(), "abc", []string{"news", "shop"})
		require.NoError(t, err)
		require.Zero(t, known.Seen, "what nobody saw for a month is news")
	})
}
