// Package browsertest starts a Chrome for tests.
package browsertest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

// Executable returns the Chrome that tests use. A test that needs one fails without.
func Executable(t testing.TB) browser.Executable {
	t.Helper()
	exe, err := browser.Find(browser.FindOptions{})
	require.NoError(t, err, "tests need Chrome: run `go run ./cmd/ebb browser install`")
	return exe
}

// LaunchOptions are those of a Chrome whose files live in the test's own folder.
func LaunchOptions(t testing.TB) browser.LaunchOptions {
	t.Helper()
	return browser.LaunchOptions{Path: Executable(t).Path}
}

// Launch starts a Chrome that is closed, and checked to leave nothing, when the test
// ends.
func Launch(t testing.TB) *browser.Browser {
	t.Helper()
	b, err := browser.Launch(t.Context(), LaunchOptions(t))
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, b.Close(ctx))
	})
	return b
}

// Pool returns a pool that is closed when the test ends.
func Pool(t testing.TB, tabs int) *browser.Pool {
	t.Helper()
	p := browser.NewPool(browser.PoolOptions{Launch: LaunchOptions(t), Tabs: tabs})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, p.Close(ctx))
	})
	return p
}

// Lease lends a tab of a pool of one, with a browser context of its own.
func Lease(t testing.TB) *browser.Lease {
	t.Helper()
	p := Pool(t, 1)
	l, err := p.Acquire(t.Context(), browser.LeaseOptions{Site: "test", Run: "test"})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = l.Release(ctx, nil)
	})
	return l
}
