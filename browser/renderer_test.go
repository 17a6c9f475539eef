package browser_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// ballast is what a page is made to keep, in bytes: far more than a renderer takes by itself meanwhile.
const ballast = 50 << 20

// holdings are the anonymous memory of the renderers of a Chrome, by pid.
func holdings(t *testing.T, b *browser.Browser) map[int]int {
	t.Helper()
	held := map[int]int{}
	for _, pid := range renderers(b.PID()) {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		if err != nil {
			continue // it has just ended
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "RssAnon:" {
				kib, err := strconv.Atoi(f[1])
				require.NoError(t, err)
				held[pid] = kib << 10
			}
		}
	}
	return held
}

// grown is the renderer that grows when the tab's page does: its pid by what the kernel tells alone.
func grown(ctx context.Context, t *testing.T, tab *browser.Tab) int {
	t.Helper()
	before := holdings(t, tab.Browser())
	raw, err := tab.EvaluateMain(ctx, `(globalThis.ebbKept ??= []).push(new Uint8Array(`+strconv.Itoa(ballast)+`).fill(1))`)
	require.NoError(t, err)
	require.NotEmpty(t, raw)
	var pids []int
	for pid, held := range holdings(t, tab.Browser()) {
		if then, known := before[pid]; known && held-then > ballast*4/5 {
			pids = append(pids, pid)
		}
	}
	require.Len(t, pids, 1, "which renderer has grown cannot be told")
	return pids[0]
}

// told is the tab's renderer as the tab tells it, checked against what grows with its page.
func told(ctx context.Context, t *testing.T, tab *browser.Tab) int {
	t.Helper()
	pid, err := tab.RendererPID(ctx)
	require.NoError(t, err)
	require.Equal(t, grown(ctx, t, tab), pid)
	return pid
}

// crashes kills a renderer, and holds that these tabs crash of it.
func crashes(t *testing.T, pid int, tabs ...*browser.Lease) {
	t.Helper()
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	for _, l := range tabs {
		select {
		case <-l.Ended():
		case <-time.After(20 * time.Second):
			require.Fail(t, "its tab lives on")
		}
		require.ErrorIs(t, l.Err(), browser.ErrCrashed)
	}
}

// The renderer of a tab is told whatever the tab shows and however it draws; it is another one when the tab has
// gone to another site, and no other tab's.
func TestTheRendererOfATabIsTold(t *testing.T) {
	for name, lazy := range map[string]bool{"drawn": false, "drawn lazily": true} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t, map[string]string{"/": `<p>x`})
			p := browsertest.Pool(t, 3)
			ctx := within(t, 2*time.Minute)
			var leases []*browser.Lease
			for _, run := range []string{"a", "b", "c"} {
				l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: run, LazyFrames: lazy})
				require.NoError(t, err)
				leases = append(leases, l)
			}
			before := map[*browser.Lease]int{}
			for _, host := range []string{"127.0.0.1", "localhost"} {
				seen := map[int]bool{}
				for _, l := range leases {
					_, err := l.Navigate(ctx, strings.Replace(srv.URL, "127.0.0.1", host, 1)+"/")
					require.NoError(t, err)
					pid := told(ctx, t, l.Tab)
					require.NotEqual(t, before[l], pid, "another site has another process")
					before[l], seen[pid] = pid, true
				}
				require.Len(t, seen, len(leases), "each context has a renderer of its own")
			}
			crashes(t, before[leases[1]], leases[1])
			for _, l := range []*browser.Lease{leases[0], leases[2]} {
				require.Equal(t, before[l], told(ctx, t, l.Tab), "the others live on")
			}
			for _, l := range leases {
				require.NoError(t, l.Release(ctx, l.Err()))
			}
		})
	}
}

// Tabs that share a renderer are told the same one.
func TestTheRendererOfTabsThatShareOneIsTold(t *testing.T) {
	srv := serve(t, map[string]string{"/": `<p>x`})
	o := browsertest.LaunchOptions(t)
	o.Flags = append(o.Flags, "--renderer-process-limit=1")
	p := browser.NewPool(browser.PoolOptions{Launch: o, Tabs: 2})
	defer func() { require.NoError(t, p.Close(browsertest.Within(t))) }()
	ctx := within(t, time.Minute)
	var leases []*browser.Lease
	var pids []int
	for _, site := range []string{"a", "b"} {
		l, err := p.Acquire(ctx, browser.LeaseOptions{Site: site, Run: "r", Isolation: browser.IsolateTab})
		require.NoError(t, err)
		_, err = l.Navigate(ctx, srv.URL+"/")
		require.NoError(t, err)
		leases, pids = append(leases, l), append(pids, told(ctx, t, l.Tab))
	}
	require.Equal(t, pids[0], pids[1], "they share a renderer")
	crashes(t, pids[0], leases...)
	for _, l := range leases {
		require.NoError(t, l.Release(ctx, l.Err()))
	}
}

// No renderer is told of a tab that has none any more.
func TestTheRendererOfACrashedTabIsNotTold(t *testing.T) {
	l := browsertest.Lease(t)
	ctx := within(t, time.Minute)
	crashes(t, told(ctx, t, l.Tab), l)
	pid, err := l.RendererPID(ctx)
	require.ErrorIs(t, err, browser.ErrCrashed)
	require.Zero(t, pid)
}
