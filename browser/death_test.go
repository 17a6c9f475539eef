package browser_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// A Chrome that somebody killed is told from one that the kernel killed, and from one that this
// package ended, of which nobody is told.
func TestTheDeathOfChromeIsToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		kernel func(time.Duration) (int, error)
		kind   browser.DeathKind
		is     error
	}{
		"nobody counts": {nil, browser.DeathKilled, browser.ErrKilled},
		"somebody":      {func(time.Duration) (int, error) { return 0, nil }, browser.DeathKilled, browser.ErrKilled},
		"unknown":       {func(time.Duration) (int, error) { return 1, errors.New("no count") }, browser.DeathKilled, browser.ErrKilled},
		"the kernel":    {func(time.Duration) (int, error) { return 1, nil }, browser.DeathMemory, browser.ErrOutOfMemory},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deaths := make(chan browser.Death, 10)
			options := browsertest.LaunchOptions(t)
			options.KernelKills, options.OnDeath = c.kernel, func(d browser.Death) { deaths <- d }
			b, err := browser.Launch(browsertest.Within(t), options)
			require.NoError(t, err)
			require.NoError(t, syscall.Kill(b.PID(), syscall.SIGKILL))
			d := <-deaths
			require.Equal(t, c.kind, d.Kind)
			require.True(t, d.Main)
			require.Equal(t, b, d.Browser)
			require.ErrorIs(t, d.Err, c.is)
			require.ErrorIs(t, d.Err, browser.ErrGone)
			require.NoError(t, b.Close(browsertest.Within(t)))
			require.ErrorIs(t, b.Err(), c.is)
		})
	}
	t.Run("this package", func(t *testing.T) {
		t.Parallel()
		for _, end := range []func(*browser.Browser){(*browser.Browser).Kill, func(*browser.Browser) {}} {
			options := browsertest.LaunchOptions(t)
			options.OnDeath = func(d browser.Death) { t.Errorf("nobody died unasked, but %+v", d) }
			b, err := browser.Launch(browsertest.Within(t), options)
			require.NoError(t, err)
			end(b)
			require.NoError(t, b.Close(browsertest.Within(t)))
			require.NotErrorIs(t, b.Err(), browser.ErrKilled)
		}
	})
}
