// Package browsertest starts a Chrome for tests.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
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

// Within is a context for one step of a test, or of cleaning up after it: a minute, since the machine
// may be busy.
func Within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// AsOrdinaryUser runs a test of the running test binary as an ordinary user: in this
// process when it is one's, otherwise, as root, in a process of its own.
func AsOrdinaryUser(t *testing.T, name string, test func(*testing.T)) {
	t.Helper()
	if os.Geteuid() != 0 {
		test(t)
		return
	}
	dir, err := os.MkdirTemp("", "ebb-test-")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	require.NoError(t, os.Chmod(dir, 0o777))
	self, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	program := filepath.Join(dir, "test")
	require.NoError(t, os.WriteFile(program, self, 0o755))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-test.run=^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir, "GOCOVERDIR="+dir)
	cmd.Dir = dir
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: "+name, "the test has run")
}
