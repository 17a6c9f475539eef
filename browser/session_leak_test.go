package browser

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/stretchr/testify/require"
)

// sessionPool is a pool of a real Chrome, and that Chrome.
func sessionPool(t *testing.T) (*Pool, *Browser) {
	t.Helper()
	exe, err := Find(FindOptions{})
	require.NoError(t, err, "tests need Chrome: run `go run ./cmd/ebb browser install`")
	p := NewPool(PoolOptions{Launch: LaunchOptions{Path: exe.Path}, Tabs: 2})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, p.Close(ctx))
	})
	require.NoError(t, p.Start(t.Context()))
	return p, p.Browsers()[0]
}

// heldBy is what is known of tabs: sessions of the pipe and entries of the tracker.
func heldBy(b *Browser) (sessions, tabs int) {
	b.conn.mu.Lock()
	defer b.conn.mu.Unlock()
	b.tracker.mu.Lock()
	defer b.tracker.mu.Unlock()
	return len(b.conn.sessions), len(b.tracker.tabs)
}

// A tab that goes with its browser context leaves nothing behind: its session stayed, with all that
// listened to it, some 2 KiB for each tab of a run.
func TestARunLeavesNoSession(t *testing.T) {
	p, b := sessionPool(t)
	ctx := t.Context()
	for i := range 3 {
		o := LeaseOptions{Site: "shop", Run: fmt.Sprint(i)}
		first, err := p.Acquire(ctx, o)
		require.NoError(t, err)
		second, err := p.Acquire(ctx, o)
		require.NoError(t, err)
		sessions, tabs := heldBy(b)
		require.Equal(t, []int{2, 2}, []int{sessions, tabs})
		require.NoError(t, first.Release(ctx, nil))
		require.NoError(t, second.Release(ctx, nil))
		require.NoError(t, p.EndRun(ctx, o.Run))
		sessions, tabs = heldBy(b)
		require.Zero(t, sessions, "after run %d", i)
		require.Zero(t, tabs)
		require.ErrorIs(t, first.Err(), ErrClosed)
	}
}

// A tab that could not be prepared is forgotten with its target.
func TestATabThatDoesNotOpenLeavesNothing(t *testing.T) {
	p, b := sessionPool(t)
	_, err := b.openTab(t.Context(), "", rules{UserAgent: "Ebb\nEbb"})
	require.Error(t, err, "Chrome takes no such header")
	sessions, tabs := heldBy(b)
	require.Zero(t, sessions)
	require.Zero(t, tabs)
	require.Zero(t, p.Opened())
}

// Chrome tells the browser's own session that another one was detached, and names that one among the
// parameters: it is no event of the session that it names.
func TestADetachedSessionEnds(t *testing.T) {
	_, b := sessionPool(t)
	ctx := t.Context()
	tab, err := b.openTab(ctx, "", rules{})
	require.NoError(t, err)
	_, err = cdp.Call(ctx, b.conn.root, target.DetachFromTarget, target.DetachFromTargetParams{SessionID: tab.session.id})
	require.NoError(t, err)
	select {
	case <-tab.Ended():
	case <-time.After(10 * time.Second):
		require.Fail(t, "nobody heard of it")
	}
	require.ErrorIs(t, tab.Err(), ErrClosed)
	require.NoError(t, tab.close(ctx))
}
