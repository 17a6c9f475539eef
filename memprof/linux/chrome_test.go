package linux

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/ebbworker/ebb/memprof"
)

// chromePath is the program itself: /usr/bin/chromium-headless-shell is a script around it.
const chromePath = "/usr/lib/chromium/chromium-headless-shell"

// startChrome starts a Chrome on a page that holds 40 MB, and returns once the page says so.
func startChrome(t testing.TB) Browser {
	t.Helper()
	ready := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ready" {
			ready <- struct{}{}
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<script>kept = new Uint8Array(40 << 20).fill(1); fetch('/ready')</script>")
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	args := []string{"--headless", "--no-first-run", "--disable-background-networking", "--remote-debugging-port=0", "--user-data-dir=" + dir}
	if os.Getuid() == 0 {
		args = append(args, "--no-sandbox") // Chrome refuses to sandbox itself as root
	}
	cmd := exec.Command(chromePath, append(args, server.URL)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { stopChrome(t, cmd) })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	select {
	case <-ready:
	case <-ctx.Done():
		t.Fatal("Chrome did not load its page within 30 s")
	}
	return Browser{ID: "b", PID: cmd.Process.Pid, ProfileDir: dir}
}

// stopChrome kills Chrome's process group and waits until all of it has ended.
func stopChrome(t testing.TB, cmd *exec.Cmd) {
	pid := cmd.Process.Pid
	tree, err := scanTree(os.DirFS("/"))
	require.NoError(t, err)
	var ends []unix.PollFd // the children are not ours to wait for, but a pidfd tells their end
	for _, child := range tree.of(pid) {
		if fd, err := unix.PidfdOpen(child, 0); err == nil {
			defer unix.Close(fd)
			ends = append(ends, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
	}
	require.NoError(t, syscall.Kill(-pid, syscall.SIGKILL))
	require.Error(t, cmd.Wait(), "it was killed")
	for i := range ends {
		for {
			if _, err := unix.Poll(ends[i:i+1], 30_000); err != unix.EINTR {
				require.NoError(t, err)
				break
			}
		}
		require.NotZero(t, ends[i].Revents, "a child of Chrome did not end")
	}
}

func TestARealChrome(t *testing.T) {
	b := startChrome(t)
	o := Options{Browsers: func() []Browser { return []Browser{b} }}
	readings, totals := read(t, NewProcesses(o), full)
	require.Empty(t, faults(readings))
	for _, kind := range []string{"browser", "renderer", "gpu-process", "network", "zygote", memprof.Worker} {
		value, ok := totals.At(memprof.Series{Metric: "process.count", Group: kind})
		require.True(t, ok && value >= 1, "no %s among %v", kind, totals.Values)
		anon, ok := totals.At(memprof.Series{Metric: "process.anon", Group: kind})
		require.True(t, ok && anon > 1<<20, "%s: %v", kind, anon)
	}
	require.Zero(t, totals.Values[memprof.Series{Metric: "process.count", Group: typeOther}])
	renderer, _ := totals.At(memprof.Series{Metric: "process.anon", Group: "renderer"})
	require.Greater(t, renderer, float64(40<<20), "the page's array is in it")

	// The same processes by smaps_rollup: RssAnon is a counter that the kernel keeps per
	// thread and adds up late, so they differ a little.
	root := os.DirFS("/")
	tree, err := scanTree(root)
	require.NoError(t, err)
	var anonymous, shared float64
	for _, pid := range tree.of(b.PID) {
		data, err := readProc(root, pid, "smaps_rollup")
		require.NoError(t, err)
		r, err := parseRollup(data)
		require.NoError(t, err)
		s, err := readStatus(root, pid)
		require.NoError(t, err)
		anonymous += float64(r.anonymous)
		shared += float64(s.shmem)
	}
	all, ok := totals.At(memprof.Series{Metric: "process.anon", Group: memprof.Chrome})
	require.True(t, ok)
	require.InEpsilon(t, anonymous+shared, all, 0.05)

	readings, totals = read(t, NewProfiles(o), full)
	require.Empty(t, faults(readings))
	size, ok := totals.At(memprof.Series{Metric: "profile.bytes"})
	require.True(t, ok && size > 0)
}

// The machine that the tests run on has processes, a kernel and, mostly, a cgroup.
func TestThisMachine(t *testing.T) {
	info, err := HostInfo(nil)
	require.NoError(t, err)
	require.NotEmpty(t, info.Kernel)
	require.Greater(t, info.Memory, int64(1<<28))
	readings, totals := read(t, NewProcesses(Options{}), full)
	require.Empty(t, faults(readings))
	own, ok := totals.At(memprof.Series{Metric: "process.anon", Group: memprof.Worker})
	require.True(t, ok && own > 1<<20)
	require.Len(t, Sources(Options{}), 4)
	for _, s := range Sources(Options{}) {
		require.Contains(t, s.Name(), "linux/")
	}
	if info.Cgroup == kindNone {
		return
	}
	_, totals = read(t, NewCgroup(Options{}), tick)
	current, ok := totals.At(memprof.Series{Metric: "cgroup.current"})
	require.True(t, ok && current > 0)
}

func BenchmarkRead(b *testing.B) {
	chrome := startChrome(b)
	o := Options{Browsers: func() []Browser { return []Browser{chrome} }}
	for _, q := range []struct {
		name    string
		request memprof.Request
	}{{"tick", tick}, {"full", full}} {
		for _, s := range Sources(o) {
			b.Run(fmt.Sprintf("%s/%s", q.name, s.Name()), func(b *testing.B) {
				for b.Loop() {
					s.Read(context.Background(), q.request)
				}
			})
		}
	}
}
