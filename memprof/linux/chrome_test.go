package linux

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
)

// startChrome starts a sandboxed Chrome on a page that holds 40 MB. As root, Chrome runs as
// another user than its reader.
func startChrome(t testing.TB) Browser {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>page</title><p>text")
	}))
	t.Cleanup(server.Close)
	tab := browsertest.Lease(t)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := tab.Navigate(ctx, server.URL)
	require.NoError(t, err)
	_, err = tab.EvaluateMain(ctx, "kept = new Uint8Array(40 << 20).fill(1); 0")
	require.NoError(t, err)
	return browserOf(tab.Browser())
}

func browserOf(b *browser.Browser) Browser {
	return Browser{ID: "b", PID: b.PID(), ProfileDir: b.ProfileDir()}
}

// value returns a total that must be known.
func value(t *testing.T, totals memprof.Totals, metric, group string) float64 {
	t.Helper()
	v, ok := totals.At(memprof.Series{Metric: metric, Group: group})
	require.True(t, ok, "%s/%s is unknown; missing: %v", metric, group, totals.Missing)
	return v
}

// Whoever starts a sandboxed Chrome may read all of it: root, though it runs as somebody else,
// and an ordinary user, to whom the sandbox's user namespace belongs.
func TestARealChrome(t *testing.T) {
	b := startChrome(t)
	o := Options{Browsers: func() []Browser { return []Browser{b} }}
	readings, totals := read(t, NewProcesses(o), full)
	for _, kind := range []string{"browser", "renderer", "gpu-process", "network", "zygote", memprof.Worker} {
		require.GreaterOrEqual(t, value(t, totals, "process.count", kind), 1.0, kind)
		require.Greater(t, value(t, totals, "process.anon", kind), float64(1<<20), kind)
	}
	require.Zero(t, totals.Values[memprof.Series{Metric: "process.count", Group: typeOther}])
	require.Greater(t, value(t, totals, "process.anon", "renderer"), float64(40<<20), "the page's array is in it")
	require.Empty(t, faults(readings))
	for _, metric := range []string{"process.pss", "process.uss", "process.fds"} {
		require.Positive(t, value(t, totals, metric, memprof.Chrome), metric)
		require.Positive(t, value(t, totals, metric, "renderer"), metric)
	}
	sameBySmaps(t, b, value(t, totals, "process.anon", memprof.Chrome))
	readings, totals = read(t, NewProfiles(o), full)
	require.Empty(t, faults(readings))
	require.Positive(t, value(t, totals, "profile.bytes", ""))
}

// sameBySmaps compares a total with the same processes by smaps_rollup: RssAnon is a counter
// that the kernel keeps per thread and adds up late, so they differ a little.
func sameBySmaps(t *testing.T, b Browser, want float64) {
	t.Helper()
	root, tree := os.DirFS("/"), newTree()
	require.NoError(t, tree.scan(root))
	var sum float64
	for _, pid := range tree.of(b.PID) {
		r, err := readRollup(root, pid)
		require.NoError(t, err)
		s, err := readStatus(root, pid)
		require.NoError(t, err)
		sum += float64(r.anonymous + s.shmem)
	}
	require.InEpsilon(t, sum, want, 0.05)
}

// TestARealChromeAsOrdinaryUser runs TestARealChrome as an ordinary user when the tests run as
// root.
func TestARealChromeAsOrdinaryUser(t *testing.T) {
	browsertest.AsOrdinaryUser(t, "TestARealChrome", TestARealChrome)
}

// A renderer that is killed is gone, and the total is valid at once and stays so.
func TestAKilledRendererSpoilsNothing(t *testing.T) {
	b := startChrome(t)
	p := NewProcesses(Options{Browsers: func() []Browser { return []Browser{b} }})
	_, before := read(t, p, tick)
	var victim member
	members, err := p.members(p.o.Browsers())
	require.NoError(t, err)
	for _, m := range members[0] {
		if m.kind == "renderer" {
			victim = m
		}
	}
	require.NoError(t, syscall.Kill(victim.pid, syscall.SIGKILL))
	for running := true; running; _, running = p.tree.processes[victim.pid] {
		readings, after := read(t, p, tick) // while it gives back its memory, as a zombie, and then
		for _, r := range readings {
			require.True(t, r.Err == nil || isGoneReading(r), "%v", r.Err)
		}
		value(t, after, "process.anon", "renderer")
		value(t, after, "process.anon", memprof.Chrome)
	}
	_, after := read(t, p, tick)
	require.Equal(t, value(t, before, "process.count", "renderer")-1, value(t, after, "process.count", "renderer"))
	require.Less(t, value(t, after, "process.anon", memprof.Chrome), value(t, before, "process.anon", memprof.Chrome)-40<<20)
}

// The machine that the tests run on has processes, a kernel and, mostly, a cgroup.
func TestThisMachine(t *testing.T) {
	info, err := HostInfo(nil)
	require.NoError(t, err)
	require.NotEmpty(t, info.Kernel)
	require.Greater(t, info.Memory, int64(1<<28))
	readings, totals := read(t, NewProcesses(Options{}), full)
	require.Empty(t, faults(readings))
	require.Greater(t, value(t, totals, "process.anon", memprof.Worker), float64(1<<20))
	require.Len(t, Sources(Options{}), 4)
	for _, s := range Sources(Options{}) {
		require.Contains(t, s.Name(), "linux/")
	}
	if info.Cgroup == kindNone {
		return
	}
	_, totals = read(t, NewCgroup(Options{}), tick)
	require.Positive(t, value(t, totals, "cgroup.current", ""))
}

func BenchmarkRead(b *testing.B) {
	chrome := startChrome(b)
	o := Options{Browsers: func() []Browser { return []Browser{chrome} }}
	for _, q := range []struct {
		name    string
		request memprof.Request
	}{{"quick", quick}, {"tick", tick}, {"full", full}} {
		for _, s := range Sources(o) {
			b.Run(fmt.Sprintf("%s/%s", q.name, s.Name()), func(b *testing.B) {
				for b.Loop() {
					s.Read(context.Background(), q.request)
				}
			})
		}
	}
}
