package browser_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// pagesOf counts the pages that are open.
func pagesOf(b *browser.Browser) int {
	n := 0
	for _, t := range b.Targets() {
		if t.Type == "page" {
			n++
		}
	}
	return n
}

func TestATabApartOutlivesWhatThePoolCloses(t *testing.T) {
	ctx := within(t, 60*time.Second)
	o := browsertest.LaunchOptions(t)
	o.KeepPopups = true
	pool := browser.NewPool(browser.PoolOptions{Launch: o, Tabs: 2})
	defer func() { require.NoError(t, pool.Close(ctx)) }()
	require.NoError(t, pool.Start(ctx))
	b := pool.Browsers()[0]
	apart, err := b.OpenApart(ctx)
	require.NoError(t, err)
	require.NotZero(t, apart.Renderer)
	lease, err := pool.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "1", Isolation: browser.IsolateTab, Keep: "s page"})
	require.NoError(t, err)
	_, err = lease.EvaluateMain(ctx, `window.open("about:blank"), 1`)
	require.NoError(t, err)
	require.NoError(t, lease.Release(ctx, nil))
	require.Equal(t, 3, pagesOf(b), "the kept page, its window, the tab apart")
	require.NoError(t, pool.CloseTabs(ctx))
	require.Equal(t, 1, pagesOf(b), "only the tab apart is left")
	require.NoError(t, pool.DisposeContexts(ctx))
	raw, err := apart.EvaluateMain(ctx, "6*7")
	require.NoError(t, err)
	require.Equal(t, "42", string(raw))

	again, err := pool.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "2", Isolation: browser.IsolateTab, Keep: "s page"})
	require.NoError(t, err)
	require.False(t, again.Kept(), "the kept document went with its tab")
	require.NoError(t, again.Release(ctx, nil))
	require.NoError(t, apart.Close(ctx))
	require.NoError(t, pool.CloseTabs(ctx))
	require.Zero(t, pagesOf(b))
}

func TestRestartReplacesChrome(t *testing.T) {
	ctx := within(t, 60*time.Second)
	pool := browsertest.Pool(t, 1)
	require.NoError(t, pool.Start(ctx))
	before := pool.Browsers()[0].PID()
	require.NoError(t, pool.Restart(ctx))
	require.Len(t, pool.Browsers(), 1)
	require.NotEqual(t, before, pool.Browsers()[0].PID())
}
