package browser_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// recycleWorld is a pool whose retirements are noted.
type recycleWorld struct {
	t    *testing.T
	ctx  context.Context
	pool *browser.Pool
	url  string

	mu   sync.Mutex
	told []browser.Recycling
}

func newRecycleWorld(t *testing.T, tabs int, recycle browser.Recycle) *recycleWorld {
	w := &recycleWorld{t: t, ctx: within(t, 60*time.Second)}
	w.url = serve(t, map[string]string{"/": `<p>x`}).URL + "/"
	w.pool = browser.NewPool(browser.PoolOptions{
		Launch: browsertest.LaunchOptions(t), Tabs: tabs, Recycle: recycle,
		OnRecycle: func(r browser.Recycling) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told = append(w.told, r)
		},
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, w.pool.Close(ctx))
	})
	return w
}

func (w *recycleWorld) lease(o browser.LeaseOptions) *browser.Lease {
	w.t.Helper()
	o.Site = "s"
	l, err := w.pool.Acquire(w.ctx, o)
	require.NoError(w.t, err)
	return l
}

// visit opens a page for a run and returns the Chrome that it was in.
func (w *recycleWorld) visit(o browser.LeaseOptions) *browser.Browser {
	w.t.Helper()
	l := w.lease(o)
	_, err := l.Navigate(w.ctx, w.url)
	require.NoError(w.t, err)
	require.NoError(w.t, l.Release(w.ctx, nil))
	return l.Browser()
}

// ended waits until the retirements that have ended are so many, and returns them.
func (w *recycleWorld) ended(n int) (list []browser.Recycling) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		list = nil
		for _, r := range w.told {
			if !r.Gone.IsZero() {
				list = append(list, r)
			}
		}
		return len(list) >= n
	}, 20*time.Second, time.Millisecond)
	return list
}

// living waits until so many Chromes live.
func (w *recycleWorld) living(n int) []*browser.Browser {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return len(w.pool.Browsers()) == n }, 20*time.Second, time.Millisecond)
	return w.pool.Browsers()
}

// TestWornOutChromeIsReplaced: the successor comes first, runs that are under way stay where they are,
// and the old one closes with the last of them.
func TestWornOutChromeIsReplaced(t *testing.T) {
	w := newRecycleWorld(t, 2, browser.Recycle{Pages: 2})
	first := w.visit(browser.LeaseOptions{Run: "a"})
	require.Same(t, first, w.visit(browser.LeaseOptions{Run: "a"}))
	require.Len(t, w.pool.Browsers(), 1, "nobody needs another yet")
	require.Same(t, first, w.visit(browser.LeaseOptions{Run: "b"}), "which the next run makes start, without waiting")
	w.living(2)
	require.Eventually(t, func() bool { return w.visit(browser.LeaseOptions{Run: "c"}) != first }, 20*time.Second, time.Millisecond)
	require.Same(t, first, w.visit(browser.LeaseOptions{Run: "a"}), "a run that is under way stays where it is")
	for _, run := range []string{"a", "b", "c"} {
		require.NoError(t, w.pool.EndRun(w.ctx, run))
	}
	r := w.ended(1)[0]
	require.Equal(t, first.PID(), r.PID)
	require.Equal(t, browser.RecyclePages, r.Reason)
	require.Equal(t, "2 pages", r.Says)
	require.Equal(t, 2, r.Pages)
	require.Positive(t, r.Age)
	require.True(t, r.Decided.Before(r.Ready))
	require.True(t, r.Ready.Before(r.Gone))
	require.Zero(t, r.Waited)
	require.ErrorIs(t, first.Err(), browser.ErrGone)
}
