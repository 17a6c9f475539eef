package bench

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestIdleFigures(t *testing.T) {
	var r idleReads
	for _, mb := range []int64{20, 22, 30} {
		r.add(map[string]int64{"worker": mb * 1e6, "browser": 50e6, "gpu-process": 10e6}, map[string]int64{"worker": 2 * mb * 1e6}, false)
	}
	i := &Idle{Measured: 60}
	i.sum(r, 300*time.Millisecond, 900*time.Millisecond)
	require.Equal(t, IdleUsage{CPU: 0.5, Anon: 22e6, AnonPeak: 30e6, PSS: 44e6}, i.Worker)
	require.Equal(t, IdleUsage{CPU: 1, Anon: 60e6, AnonPeak: 60e6}, i.Rest, "its PSS was not to be read")
	require.True(t, i.Pass)
	i.sum(r, 600*time.Millisecond, 600*time.Millisecond)
	require.False(t, i.Pass, "1 % is too much")
	r.workerPSS = []float64{60e6}
	i.sum(r, 0, 0)
	require.False(t, i.Pass, "60 MB are too much")
}

func TestSighting(t *testing.T) {
	s := &sighting{text: []byte("running; ^C stops"), seen: make(chan struct{})}
	for _, text := range []string{"something run", "ning; ^C sto"} {
		_, err := s.Write([]byte(text))
		require.NoError(t, err)
		select {
		case <-s.seen:
			require.Fail(t, "too early")
		default:
		}
	}
	for range 2 {
		n, err := s.Write([]byte("ps\n"))
		require.NoError(t, err)
		require.Equal(t, 3, n)
		<-s.seen
	}
}

func TestRunIdle(t *testing.T) {
	idle := func(ctx context.Context, script string) (*Idle, error) {
		return RunIdle(ctx, IdleOptions{
			Command: shell(script), Up: "running", Sites: 3, For: 1100 * time.Millisecond, TickFor: 100 * time.Millisecond, Say: func(string) {},
		})
	}
	i, err := idle(t.Context(), `trap 'exit 0' TERM; echo running >&2; while :; do sleep 0.1; done`)
	require.NoError(t, err)
	require.Equal(t, IdleSchema, i.Schema)
	require.Equal(t, 3, i.Sites)
	require.GreaterOrEqual(t, i.Measured, 1.1)
	require.Positive(t, i.Worker.Anon)
	require.Positive(t, i.Ticks)
	require.Positive(t, i.Worker.PSS)

	_, err = idle(t.Context(), `echo 'no usable Chrome' >&2; exit 4`)
	var exit *ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 4, exit.Code)

	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	time.AfterFunc(20*time.Millisecond, func() { cancel(stopped) })
	_, err = idle(ctx, `trap 'exit 0' TERM; while :; do sleep 0.05; done`)
	require.ErrorIs(t, err, stopped)
}
