package browser

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// queue makes n takers wait, one after the other, and returns where each tells that it was served.
func queue(t *testing.T, ctx context.Context, p *places, n int) <-chan int {
	t.Helper()
	served := make(chan int, n)
	for i := range n {
		before := waitingIn(p)
		go func() {
			if p.take(ctx) == nil {
				served <- i
			}
		}()
		require.Eventually(t, func() bool { return waitingIn(p) == before+1 }, 10*time.Second, time.Millisecond)
	}
	return served
}

func waitingIn(p *places) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

// TestPlacesShrinkAndGrow: who has a place keeps it, nobody gets one above the limit, and who waits is
// served in the order of asking.
func TestPlacesShrinkAndGrow(t *testing.T) {
	p := &places{limit: 3}
	for range 3 {
		require.NoError(t, p.take(t.Context()))
	}
	served := queue(t, t.Context(), p, 4)
	p.set(1)
	p.free()
	p.free()
	_, taken := p.count()
	require.Equal(t, 1, taken)
	require.Equal(t, 4, waitingIn(p), "the limit is 1, and one is taken")
	p.free()
	require.Equal(t, 0, <-served)
	require.Equal(t, 3, waitingIn(p))
	p.set(3)
	for range 2 {
		require.Contains(t, []int{1, 2}, <-served)
	}
	require.Equal(t, 1, waitingIn(p))
	p.free()
	require.Equal(t, 3, <-served)
	limit, taken := p.count()
	require.Equal(t, []int{3, 3}, []int{limit, taken})
}

// TestPlacesOfThoseWhoGiveUp: who waits no longer takes no place with him.
func TestPlacesOfThoseWhoGiveUp(t *testing.T) {
	p := &places{limit: 1}
	gone, cancel := context.WithCancelCause(t.Context())
	why := errors.New("no time left")
	cancel(why)
	require.ErrorIs(t, p.take(gone), why, "not even a free one")
	require.NoError(t, p.take(t.Context()))
	gone, cancel = context.WithCancelCause(t.Context())
	failed := make(chan error)
	go func() { failed <- p.take(gone) }()
	require.Eventually(t, func() bool { return waitingIn(p) == 1 }, 10*time.Second, time.Millisecond)
	served := queue(t, t.Context(), p, 1)
	cancel(why)
	require.ErrorIs(t, <-failed, why)
	p.free()
	require.Equal(t, 0, <-served)
	p.free()
	_, taken := p.count()
	require.Zero(t, taken)
}

// TestNoPlaceIsLost takes, gives up, frees and changes the limit at random, and counts at the end.
func TestNoPlaceIsLost(t *testing.T) {
	p := &places{limit: 4}
	var out atomic.Int64
	var wg sync.WaitGroup
	for seed := range uint64(16) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 1))
			for range 2000 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(200))*time.Microsecond)
				if p.take(ctx) == nil {
					if out.Add(1) > 4 {
						t.Error("more are out than the largest limit")
					}
					out.Add(-1)
					p.free()
				}
				cancel()
				if r.IntN(20) == 0 {
					p.set(1 + r.IntN(4))
				}
			}
		})
	}
	wg.Wait()
	_, taken := p.count()
	require.Zero(t, taken)
	require.Zero(t, waitingIn(p))
	p.set(4)
	for range 4 {
		require.NoError(t, p.take(t.Context()))
	}
}
