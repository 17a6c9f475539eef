package browser

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestEndRunWhileItsFirstLeaseIsPrepared: the lease fails, and nothing of the run stays: neither its browser
// context nor the use that kept its Chrome from ever being closed.
func TestEndRunWhileItsFirstLeaseIsPrepared(t *testing.T) {
	exe, err := Find(FindOptions{})
	require.NoError(t, err)
	p := NewPool(PoolOptions{Launch: LaunchOptions{Path: exe.Path}, Tabs: 2})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	locked := func(look func() bool) func() bool {
		return func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return look()
		}
	}
	for _, patience := range []time.Duration{0, time.Minute} {
		failed := make(chan error)
		go func() {
			_, err := p.Acquire(ctx, LeaseOptions{Site: "s", Run: "r", Isolation: IsolateBrowser})
			failed <- err
		}()
		require.Eventually(t, locked(func() bool { return p.runs[owner{run: "r"}] != nil }), 10*time.Second, 50*time.Microsecond)
		short, cancel := context.WithTimeout(ctx, patience)
		if err := p.EndRun(short, "r"); patience == 0 {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		} else {
			require.NoError(t, err)
		}
		cancel()
		require.ErrorContains(t, <-failed, "the run has ended meanwhile")
		require.Eventually(t, locked(func() bool { return len(p.all) == 0 && len(p.runs) == 0 }), 20*time.Second, time.Millisecond)
	}
	_, taken := p.places.count()
	require.Zero(t, taken)
	require.NoError(t, p.Close(ctx))
}
