package browser_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// inFolder returns the options of a Chrome whose folder is made below a new folder that
// Chrome's account can reach.
func inFolder(t *testing.T) (browser.LaunchOptions, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ebb-test-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	o := browsertest.LaunchOptions(t)
	o.TempDir = dir
	return o, dir
}

// using lists the processes that were started with a folder in their arguments.
func using(t *testing.T, dir string) []int {
	t.Helper()
	var pids []int
	entries, err := os.ReadDir("/proc")
	require.NoError(t, err)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		cmdline, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if pid != os.Getpid() && bytes.Contains(cmdline, []byte(dir)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// nothingLeft checks that no process and no file of a Chrome is left.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	require.Empty(t, using(t, dir))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestCloseLeavesNothing(t *testing.T) {
	o, dir := inFolder(t)
	b, err := browser.Launch(t.Context(), o)
	require.NoError(t, err)
	require.NotEmpty(t, using(t, dir))
	require.NoError(t, b.Close(within(t, 20*time.Second)))
	nothingLeft(t, dir)
	require.ErrorIs(t, b.Err(), browser.ErrGone)
	require.NoError(t, b.Close(t.Context()), "closing again is no error")
}

func TestKilledChromeIsNamed(t *testing.T) {
	o, dir := inFolder(t)
	p := browser.NewPool(browser.PoolOptions{Launch: o, Tabs: 1})
	ctx := within(t, 40*time.Second)
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.NoError(t, err)
	failed := make(chan error, 1)
	go func() {
		_, err := l.Evaluate(ctx, `new Promise(() => {})`)
		failed <- err
	}()
	first := l.Browser().PID()
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	err = <-failed
	require.ErrorIs(t, err, browser.ErrGone)
	require.ErrorContains(t, err, "signal: killed")
	require.NoError(t, l.Release(ctx, err))

	l, err = p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.NoError(t, err, "the next lease gets a new Chrome")
	require.NotEqual(t, first, l.Browser().PID())
	require.NoError(t, l.Release(ctx, nil))
	require.NoError(t, p.Close(ctx))
	nothingLeft(t, dir)
}

func TestStoppedChromeIsGoneInTime(t *testing.T) {
	o, dir := inFolder(t)
	o.CloseTimeout = time.Second
	b, err := browser.Launch(t.Context(), o)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(b.PID(), syscall.SIGSTOP))
	require.NoError(t, b.Close(within(t, 10*time.Second)))
	nothingLeft(t, dir)
}

func TestLaunchFails(t *testing.T) {
	dir := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755))
		return path
	}
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	for name, path := range map[string]string{
		"missing": filepath.Join(dir, "none"),
		"exits":   script("exits", "echo broken >&2; exit 7"),
		"silent":  script("silent", "exec sleep 60"),
		"garbage": script("garbage", `echo nonsense >&4; exec sleep 60`),
	} {
		t.Run(name, func(t *testing.T) {
			o, tmp := inFolder(t)
			o.Path, o.StartTimeout, o.CloseTimeout = path, 500*time.Millisecond, 100*time.Millisecond
			_, err := browser.Launch(t.Context(), o)
			require.ErrorIs(t, err, browser.ErrStart)
			if name == "exits" {
				require.ErrorContains(t, err, "exit status 7")
				require.ErrorContains(t, err, "broken")
			}
			nothingLeft(t, tmp)
		})
	}
	for _, flag := range []string{"--no-sandbox", "--remote-debugging-port=9222", "--user-data-dir=/x", "headless"} {
		o, tmp := inFolder(t)
		o.Flags = []string{flag}
		_, err := browser.Launch(t.Context(), o)
		require.ErrorContains(t, err, flag)
		nothingLeft(t, tmp)
	}
}

func TestSandbox(t *testing.T) {
	l := browsertest.Lease(t)
	r, err := l.Browser().Sandbox()
	require.NoError(t, err)
	require.True(t, r.Sandboxed(), "%+v", r)
	require.NotZero(t, r.UID)
	for _, flag := range l.Browser().Flags() {
		require.NotContains(t, flag, "no-sandbox")
		require.NotContains(t, flag, "debugging-port")
	}
	profile, err := os.Stat(l.Browser().ProfileDir())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), profile.Mode().Perm())
	require.Equal(t, r.UID, int(profile.Sys().(*syscall.Stat_t).Uid), "the profile belongs to Chrome's account")
}

// TestSandboxAsOrdinaryUser runs TestSandbox again as an ordinary user, when this is
// root.
func TestSandboxAsOrdinaryUser(t *testing.T) {
	browsertest.AsOrdinaryUser(t, "TestSandbox", TestSandbox)
}

// TestSweep starts a worker that is killed, and looks at what it leaves.
func TestSweep(t *testing.T) {
	if dir := os.Getenv("EBB_TEST_SWEEP"); dir != "" {
		o := browsertest.LaunchOptions(t)
		o.TempDir = dir
		b, err := browser.Launch(context.Background(), o)
		require.NoError(t, err)
		fmt.Println("started", b.PID())
		select {} // until it is killed
	}
	_, dir := inFolder(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestSweep$")
	cmd.Env = append(os.Environ(), "EBB_TEST_SWEEP="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line := make([]byte, 64)
	n, err := out.Read(line)
	require.NoError(t, err)
	require.Contains(t, string(line[:n]), "started")

	removed, err := browser.Sweep(dir)
	require.NoError(t, err)
	require.Zero(t, removed, "a living worker's Chrome is left alone")
	require.NotEmpty(t, using(t, dir))

	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	o, other := inFolder(t)
	stranger, err := browser.Launch(t.Context(), o)
	require.NoError(t, err)
	removed, err = browser.Sweep(dir)
	require.NoError(t, err)
	require.Equal(t, 1, removed)
	nothingLeft(t, dir)
	require.NoError(t, stranger.Err(), "a stranger's Chrome is untouched")
	require.NoError(t, stranger.Close(within(t, 20*time.Second)))
	nothingLeft(t, other)
}

func TestDownloadsAndPermissionsAreDenied(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<a id=d href=/file download>d</a><iframe src="file:///etc/passwd"></iframe><p>x`)
	})
	mux.HandleFunc("/file", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		fmt.Fprint(w, strings.Repeat("x", 1000))
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	o, dir := inFolder(t)
	p := browser.NewPool(browser.PoolOptions{Launch: o, Tabs: 1})
	ctx := within(t, 40*time.Second)
	for _, isolation := range []browser.Isolation{browser.IsolateContext, browser.IsolateTab} {
		l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r" + string(isolation), Isolation: isolation})
		require.NoError(t, err)
		_, err = l.Navigate(ctx, srv.URL+"/")
		require.NoError(t, err)
		require.NoError(t, l.Click(ctx, "#d"))
		raw, err := l.EvaluateMain(ctx, `Promise.all(["geolocation", "notifications", "camera", "microphone"].map(name => navigator.permissions.query({name}).then(p => p.state)))`)
		require.NoError(t, err)
		require.NotContains(t, string(raw), "granted")
		raw, err = l.EvaluateMain(ctx, `new Promise(r => navigator.geolocation.getCurrentPosition(() => r("given"), e => r("denied")))`)
		require.NoError(t, err)
		require.Equal(t, `"denied"`, string(raw))
		raw, err = l.Evaluate(ctx, `fetch("file:///etc/passwd").then(() => "read", () => "refused")`)
		require.NoError(t, err)
		require.Equal(t, `"refused"`, string(raw))
		require.NoError(t, l.Release(ctx, nil))
	}
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if info, statErr := os.Stat(path); statErr == nil && info.Size() == 1000 {
			files = append(files, path)
		}
		return nil
	}))
	require.Empty(t, files, "nothing was downloaded")
	require.NoError(t, p.Close(ctx))
	nothingLeft(t, dir)
}

// A page that Chrome opened for itself would be drawn all the time.
func TestChromeOpensNoPageOfItsOwn(t *testing.T) {
	p := browsertest.Pool(t, 1)
	require.NoError(t, p.Start(within(t, time.Minute)))
	require.Len(t, p.Browsers(), 1)
	require.Empty(t, p.Browsers()[0].Targets())
}
