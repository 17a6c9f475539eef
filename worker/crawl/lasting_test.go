package crawl

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLastingContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lasting{timeout: 16 * time.Second}
		ctx, cancel := context.WithCancel(t.Context())
		first := l.of(ctx)
		cancel()
		require.NoError(t, first.Err(), "it does not end with the run")
		time.Sleep(time.Second)
		require.True(t, first == l.of(ctx))
		time.Sleep(time.Millisecond)
		second := l.of(ctx)
		require.False(t, first == second)
		time.Sleep(15*time.Second - time.Millisecond)
		synctest.Wait()
		require.ErrorIs(t, first.Err(), context.DeadlineExceeded)
		require.NoError(t, second.Err())
		l.close()
		require.ErrorIs(t, second.Err(), context.Canceled)
		(&lasting{}).close() // nothing was asked for
	})
}
