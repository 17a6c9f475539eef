package devtools

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// A snapshot of a real page is whole, and a page that holds more than the limit is left alone.
func TestARealSnapshot(t *testing.T) {
	tab := newTab(t, newPool(t, 1), "1", serve(t))
	var b bytes.Buffer
	n, err := TakeHeapSnapshot(browsertest.Within(t), tab.Session(), &b, SnapshotOptions{MaxHeap: AutomaticHeap})
	require.NoError(t, err)
	require.Equal(t, int64(b.Len()), n)
	require.Greater(t, n, int64(1_000_000))
	require.True(t, json.Valid(b.Bytes()))

	evaluate(t, tab, `kept = Array.from({length: 3e6}, (_, i) => ({i})); 0`)
	n, err = TakeHeapSnapshot(browsertest.Within(t), tab.Session(), &b, SnapshotOptions{MaxHeap: AutomaticHeap})
	require.ErrorIs(t, err, ErrHeapTooLarge)
	require.Zero(t, n)
}

// A page that crashes meanwhile costs its snapshot, and no time.
func TestASnapshotOfACrashingPage(t *testing.T) {
	_, tab, pid := twoTabs(t)
	evaluate(t, tab, `kept = Array.from({length: 1e6}, (_, i) => ({i})); 0`)
	var killed error
	var once sync.Once // more pieces may be under way
	crash := writerFunc(func(p []byte) (int, error) {
		once.Do(func() { killed = syscall.Kill(pid, syscall.SIGKILL) })
		return len(p), killed
	})
	_, err := TakeHeapSnapshot(browsertest.Within(t), tab.Session(), crash, SnapshotOptions{})
	require.ErrorIs(t, err, browser.ErrCrashed)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// The profile of a real page names the function that leaks, with its script and line, to
// `go tool pprof`.
func TestARealSamplingProfile(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/app.js" {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte("const kept = [];\n\nfunction leaks() {\n  for (let i = 0; i < 1e5; i++) kept.push({i, text: 'x' + i});\n}\nfunction caller() {\n  leaks();\n}\n"))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<script src="/app.js"></script>`))
	}))
	t.Cleanup(server.Close)
	tab := newTab(t, newPool(t, 1), "1", server.URL)
	require.NoError(t, StartSampling(browsertest.Within(t), tab.Session(), 0))
	evaluate(t, tab, `new Promise(done => document.readyState === 'complete' ? done(0) : addEventListener('load', () => done(0)))`)
	evaluate(t, tab, `caller(); 0`)
	_, err := cdp.Call(browsertest.Within(t), tab.Session(), heapprofiler.CollectGarbage, cdp.Empty{})
	require.NoError(t, err)
	before, err := SamplingProfile(browsertest.Within(t), tab.Session())
	require.NoError(t, err)
	require.NotEmpty(t, before.Sample)
	p, err := StopSampling(browsertest.Within(t), tab.Session())
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "heap.pb.gz")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, WriteProfile(f, p))
	require.NoError(t, f.Close())

	cmd := exec.CommandContext(browsertest.Within(t), "go", "tool", "pprof", "-top", "-lines", "-unit", "MB", path)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "Type: inuse_space")
	require.Regexp(t, `\d\d*\.\d+MB +\d.*leaks .*/app\.js:3`, string(out))
	require.Regexp(t, `(100|9\d\.\d+)% +caller .*/app\.js:6`, string(out), "all of it, and next to nothing of its own")

	_, err = toProfile(nil)
	require.EqualError(t, err, "convert a heap profile: Chrome sent none")
}
