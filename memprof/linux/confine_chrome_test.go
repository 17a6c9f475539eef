package linux

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// What dies in Chrome is told apart by its cause. At the limit the kernel takes a renderer before Chrome,
// and Chrome before this program: all but the one that leaked live on. Some milliseconds later the kernel now
// and then kills another one, while the first one's memory is not yet given back: then all is done again.
func TestDeathsAreToldApart(t *testing.T) {
	const tries = 4
	for i := range tries {
		alone := true
		t.Run(fmt.Sprint("try ", i+1), func(t *testing.T) { alone = deathsAreToldApart(t) })
		if alone {
			return
		}
	}
	require.Fail(t, "each time the kernel killed more than the one that leaked")
}

// deathsAreToldApart is false where the kernel killed more than the one that leaked.
func deathsAreToldApart(t *testing.T) bool {
	const limit = 600 << 20
	if _, ok := confineReally(t, Limits{Memory: limit}); !ok {
		return true
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>page</title><p>text")
	}))
	t.Cleanup(server.Close)
	kills := NewKills(Options{})
	deaths := make(chan browser.Death, 10)
	options := browsertest.LaunchOptions(t)
	options.Flags = []string{"--js-flags=--max-old-space-size=20"}
	options.KernelKills, options.OnDeath = kills.Within, func(d browser.Death) { deaths <- d }
	pool := browser.NewPool(browser.PoolOptions{Launch: options, Tabs: 2})
	t.Cleanup(func() { require.NoError(t, pool.Close(browsertest.Within(t))) })
	lend := func(run string) *browser.Lease {
		l, err := pool.Acquire(browsertest.Within(t), browser.LeaseOptions{Site: "shop", Run: run})
		require.NoError(t, err)
		_, err = l.Navigate(browsertest.Within(t), server.URL)
		require.NoError(t, err)
		return l
	}
	bystander := lend("bystander")
	chrome := bystander.Browser()
	require.Greater(t, score(t, chrome.PID()), score(t, os.Getpid()), "Chrome is taken before this program")

	told := func(l *browser.Lease, kind browser.DeathKind, is, err error) {
		t.Helper()
		require.ErrorIs(t, err, browser.ErrCrashed)
		for _, other := range []error{browser.ErrOutOfMemory, browser.ErrHeapLimit, browser.ErrKilled} {
			require.Equal(t, other == is, errors.Is(err, other), "%v", err)
		}
		d := <-deaths
		require.Equal(t, kind, d.Kind)
		require.Equal(t, []string{"shop", string(kind), server.URL + "/"}, []string{d.Site, d.Run, d.URL})
		require.False(t, d.Main)
		require.Equal(t, l.Err(), d.Err)
		require.NoError(t, l.Release(browsertest.Within(t), err))
	}
	dies := func(kind browser.DeathKind, is error, kill func(l *browser.Lease) error) {
		t.Helper()
		l := lend(string(kind))
		told(l, kind, is, kill(l))
	}
	dies(browser.DeathKilled, browser.ErrKilled, func(l *browser.Lease) error {
		pid, err := l.RendererPID(browsertest.Within(t))
		require.NoError(t, err)
		require.Greater(t, score(t, pid), score(t, chrome.PID()), "a renderer is taken before Chrome")
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		<-l.Ended()
		return l.Err()
	})
	dies(browser.DeathHeap, browser.ErrHeapLimit, func(l *browser.Lease) error {
		_, err := l.EvaluateMain(browsertest.Within(t), "kept = []; for (;;) kept.push(new Array(100000).fill(1.5)); 0")
		return err
	})
	dies(browser.DeathCrash, nil, func(l *browser.Lease) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := cdp.Call(ctx, l.Session(), page.Crash, cdp.Empty{})
		return err
	})
	n, err := kills.Within(time.Minute)
	require.NoError(t, err)
	require.Zero(t, n, "so far the kernel has killed nothing")
	leaks := lend(string(browser.DeathMemory))
	_, died := leaks.EvaluateMain(browsertest.Within(t), "kept = []; for (let i = 0; i < 100; i++) kept.push(new Uint8Array(10 << 20).fill(1)); 0")
	n, err = kills.Within(time.Minute)
	require.NoError(t, err)
	require.Positive(t, n)
	if n > 1 {
		return false
	}
	told(leaks, browser.DeathMemory, browser.ErrOutOfMemory, died)

	// Chrome, this program and the other tab have lived on.
	title, err := bystander.Evaluate(browsertest.Within(t), "document.title")
	require.NoError(t, err)
	require.JSONEq(t, `"page"`, string(title))
	require.Equal(t, bystander.Browser(), chrome)
	require.NoError(t, syscall.Kill(chrome.PID(), syscall.SIGABRT), "it is there")
	<-bystander.Ended()
	require.ErrorIs(t, bystander.Err(), browser.ErrGone)
	require.NotErrorIs(t, bystander.Err(), browser.ErrKilled)
	d := <-deaths
	require.True(t, d.Main)
	require.Equal(t, browser.DeathCrash, d.Kind)
	require.NoError(t, bystander.Release(browsertest.Within(t), bystander.Err()))
	return true
}

// score is how much sooner or later the kernel takes a process.
func score(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid))
	require.NoError(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	return n
}
