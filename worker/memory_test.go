package worker

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/demo"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

const mib = 1 << 20

func memoryCtx(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// leakyCycles visits a page once a cycle, evaluates an expression in it, and returns the cycles
// and what was recorded of them.
func leakyCycles(t *testing.T, expression string, cycles int) ([]memprof.Summary, *memprof.Recording) {
	t.Helper()
	ctx := memoryCtx(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<title>page</title><script>kept = []</script>"))
	}))
	t.Cleanup(server.Close)
	pool := browsertest.Pool(t, 1)
	memory, err := NewMemory(pool, MemoryOptions{Level: memprof.LevelFull, Interval: 50 * time.Millisecond, Dir: t.TempDir(), Version: "test"})
	require.NoError(t, err)
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- memory.Recorder.Run(running) }()

	lease, err := pool.Acquire(ctx, browser.LeaseOptions{Site: "leaky", Run: "1"})
	require.NoError(t, err)
	require.NoError(t, memory.NoteBrowser(lease.Browser()))
	_, err = lease.Navigate(ctx, server.URL)
	require.NoError(t, err)
	var summaries []memprof.Summary
	for range cycles {
		cycle := memory.Recorder.Cycle("leaky", "leaky")
		phase := cycle.Phase(memprof.Scrape, "leaky")
		_, err := lease.EvaluateMain(ctx, expression)
		require.NoError(t, err)
		phase.End(ctx)
		summaries = append(summaries, cycle.End(ctx))
	}
	require.NoError(t, lease.Release(ctx, nil))
	stop()
	require.NoError(t, <-ended)
	require.NoError(t, memory.Close(ctx))
	return summaries, readBack(t, memory.Path)
}

func readBack(t *testing.T, path string) *memprof.Recording {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	recording, err := memprof.ReadRecording(file)
	require.NoError(t, err)
	require.False(t, recording.Cut)
	return recording
}

// growth is by how much a series rose from the end of the first cycle to that of the last, in
// MiB: the first visit warms up.
func growth(t *testing.T, cycles []memprof.Summary, metric, group string) float64 {
	t.Helper()
	series := memprof.Series{Metric: metric, Group: group}
	first, ok := cycles[0].After.At(series)
	require.True(t, ok, "%v is unknown at first: %v", series, cycles[0].Gaps)
	last, ok := cycles[len(cycles)-1].After.At(series)
	require.True(t, ok, "%v is unknown at last: %v", series, cycles[len(cycles)-1].Gaps)
	return (last - first) / mib
}

// Each leak of a page grows where its memory is: array buffers in the renderer, blobs in Chrome's
// first process, of which the page's own figures show nothing.
func TestALeakGrowsInTheProcessThatHoldsIt(t *testing.T) {
	const cycles, leaked = 5, 8 // MiB a cycle, four times
	for name, c := range map[string]struct {
		expression, kind string
		backing          float64
	}{
		"arrays":   {`kept.push(new Uint8Array(8 << 20).fill(1)); 0`, "renderer", 4 * leaked},
		"blobs":    {`(async () => { for (let i = 0; i < 4; i++) { kept.push(URL.createObjectURL(new Blob([new Uint8Array(2 << 20).fill(i + 1)]))); await fetch(kept.at(-1), {headers: {Range: "bytes=0-0"}}).then(r => r.text()) } })().then(() => 0)`, "browser", 0},
		"no leaks": {`kept = [new Uint8Array(1 << 20).fill(1)]; 0`, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			summaries, recording := leakyCycles(t, c.expression, cycles)
			for _, kind := range []string{"browser", "gpu-process", "network"} {
				if kind != c.kind {
					require.Less(t, growth(t, summaries, "process.anon", kind), 4.0, kind)
				}
			}
			if c.kind != "" {
				require.Greater(t, growth(t, summaries, "process.anon", c.kind), 0.9*4*leaked)
				require.Greater(t, growth(t, summaries, "process.anon", memprof.Chrome), 0.9*4*leaked)
			}
			if c.kind == "renderer" {
				require.InDelta(t, c.backing, growth(t, summaries, "heap.backing", ""), 0.01)
			}
			require.Zero(t, growth(t, summaries, "target.count", "page"))
			require.Len(t, recording.Cycles, cycles)
			require.Len(t, recording.Manifest.Browsers, 1)
			sane(t, recording)
		})
	}
}

// sane checks that a recording says the same at all its ends: the changes by phase add up to
// those of the cycle, phases begin and end with readings, and totals follow from readings.
func sane(t *testing.T, recording *memprof.Recording) {
	t.Helper()
	samples := make(map[uint64]memprof.Sample)
	for _, s := range recording.Samples {
		require.NotContains(t, samples, s.Seq)
		samples[s.Seq] = s
		if !s.Totals.Tick {
			q := memprof.Request{Level: s.Totals.Level}
			require.Equal(t, s.Totals.Values, memprof.NewTotals(q, s.Readings).Values)
		}
	}
	for _, p := range recording.Phases {
		require.Contains(t, samples, p.From)
		require.Contains(t, samples, p.To)
		require.LessOrEqual(t, p.From, p.To, "one that ends at once has the same reading at both ends")
		require.False(t, p.End.Before(p.Start))
		require.False(t, samples[p.From].Totals.Tick || samples[p.To].Totals.Tick)
	}
	for _, c := range recording.Cycles {
		telescopes(t, c)
		require.Equal(t, c.Before.Level, recording.Manifest.Level)
		for _, p := range c.Phases {
			if p.Kind == memprof.Scrape {
				require.Equal(t, samples[p.To].Totals, *c.AfterScrape)
			}
		}
	}
	known := 0
	for _, s := range recording.Samples {
		if _, ok := s.Totals.At(memprof.Series{Metric: "process.anon", Group: memprof.Chrome}); ok {
			known++
		}
	}
	require.Equal(t, len(recording.Samples), known, "the headline is never unknown: %+v", recording.Gaps)
}

// telescopes checks that a cycle's change is the sum of those of its phases: exactly, but for
// times, which are no whole numbers.
func telescopes(t *testing.T, c memprof.Summary) {
	t.Helper()
	checked := 0
	for series := range c.After.Values {
		row, _ := memprof.MetricOf(series.Metric)
		change, ok := c.Change(series)
		if !ok {
			continue
		}
		checked++
		sum := 0.0
		for _, d := range c.Deltas {
			sum += d.Values[series]
		}
		if row.Unit == memprof.Seconds || row.Unit == memprof.Percent || series.Metric == "host.load" {
			require.InDelta(t, change, sum, 1e-6, "%v of cycle %d", series, c.Cycle)
			continue
		}
		require.Equal(t, change, sum, "%v of cycle %d", series, c.Cycle)
	}
	require.Greater(t, checked, 20)
}

// Two sites are worked at once by a whole worker: its recording is sane, and memory comes back.
func TestTheRecordingOfAWorkerIsSane(t *testing.T) {
	ctx := memoryCtx(t)
	shop := demo.New(demo.Options{})
	server := httptest.NewServer(shop.Handler())
	t.Cleanup(server.Close)
	var loaded []*sites.Site
	var names []string
	for name, data := range shop.SiteFiles(server.URL) {
		site, err := sites.Parse(name, data)
		require.NoError(t, err)
		site.Limits.Pages = 12
		loaded, names = append(loaded, site), append(names, site.Name)
	}
	require.Greater(t, len(loaded), 1)
	kept, err := store.Open(ctx, filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.Close()) })
	pool := browsertest.Pool(t, 2)
	memory, err := NewMemory(pool, MemoryOptions{Level: memprof.LevelCheap, Interval: 100 * time.Millisecond, Dir: t.TempDir()})
	require.NoError(t, err)
	var ended []memprof.Summary
	cycles := make(chan memprof.Summary, 2*len(loaded))
	for range 2 {
		w, err := New(Options{
			Sites: loaded, Store: kept, Pool: pool, Memory: memory, Log: zerolog.Nop(),
			OnEnd: func(_ queue.Ended, s memprof.Summary) { cycles <- s },
		})
		require.NoError(t, err)
		_, err = w.Once(ctx, names...)
		require.NoError(t, err)
		for range loaded {
			ended = append(ended, <-cycles)
		}
	}
	require.NoError(t, memory.Close(ctx))
	require.Greater(t, memory.Recorder.Stats().Ticks, 1)
	require.Len(t, memory.Recorder.Recent(), 1, "what is recorded is not held in memory too: it grew for five minutes")
	recording := readBack(t, memory.Path)
	sane(t, recording)
	require.GreaterOrEqual(t, len(recording.Cycles), len(ended))
	for _, s := range ended {
		require.NotNil(t, s.AfterScrape)
		require.NotNil(t, s.AfterCleanup)
		require.Positive(t, s.Ticks)
		require.Empty(t, s.Warnings)
	}
	last := recording.Cycles[len(recording.Cycles)-1]
	contexts, ok := last.After.At(memprof.Series{Metric: "context.count"})
	require.True(t, ok)
	require.Zero(t, contexts, "no run left a browser context")
}

// Nothing is started, read or written when nothing is measured.
func TestMemoryThatIsOffCostsNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := filepath.Join(t.TempDir(), "recordings")
	pool := browser.NewPool(browser.PoolOptions{})
	goroutines := runtime.NumGoroutine()
	memory, err := NewMemory(pool, MemoryOptions{Level: memprof.LevelOff, Dir: dir})
	require.NoError(t, err)
	require.Nil(t, memory.Recorder)
	require.Empty(t, memory.Path)
	m, ctx := newMeter(memory.Recorder), t.Context()
	c := m.begin(ctx, "shop")
	c.phase(ctx, memprof.Scrape)
	m.settle(ctx, c)
	require.Zero(t, c.end(ctx))
	m.close(ctx)
	require.NoError(t, memory.Recorder.Run(ctx))
	require.Equal(t, goroutines, runtime.NumGoroutine())
	require.NoError(t, memory.Close(ctx))
	require.NoDirExists(t, dir)
	require.NoError(t, pool.Close(ctx))
}

// TestMemoryOfAMachineThatTellsLittle: a container may hide files of /proc. That is told, and the rest
// is measured.
func TestMemoryOfAMachineThatTellsLittle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run"+memprof.RecordingSuffix)
	memory, err := newMemory(browser.NewPool(browser.PoolOptions{}), MemoryOptions{Level: memprof.LevelCheap, Path: path}, fstest.MapFS{})
	require.NoError(t, err)
	_, known := memory.Recorder.Read(t.Context()).Totals.At(memprof.Series{Metric: "go.goroutines"})
	require.True(t, known)
	require.NoError(t, memory.Close(t.Context()))
	recording, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(recording), `"name":"missing","data":"the machine: open proc/sys/kernel/osrelease: file does not exist`)
}

// Only so many recordings are kept, the newest.
func TestOldRecordingsAreRemoved(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(other, nil, 0o600))
	var paths []string
	for range 5 {
		file, err := newRecordingFile(dir, 3)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		paths = append(paths, file.Name())
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"+memprof.RecordingSuffix))
	require.NoError(t, err)
	require.Equal(t, paths[2:], left)
	require.FileExists(t, other)
}

// TestARecordingThatIsWrittenStays: a worker that runs for months is not to lose its recording to the
// twentieth diagnosis beside it.
func TestARecordingThatIsWrittenStays(t *testing.T) {
	dir := t.TempDir()
	long, err := newRecordingFile(dir, 2)
	require.NoError(t, err)
	named, err := MemoryOptions{Path: filepath.Join(dir, "a"+memprof.RecordingSuffix)}.file()
	require.NoError(t, err)
	for range 4 {
		file, err := newRecordingFile(dir, 2)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		require.FileExists(t, long.Name())
		require.FileExists(t, named.Name())
	}
	require.NoError(t, long.Close())
	require.NoError(t, named.Close())
	file, err := newRecordingFile(dir, 2)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	left, err := filepath.Glob(filepath.Join(dir, "*"+memprof.RecordingSuffix))
	require.NoError(t, err)
	require.Len(t, left, 2)
	require.NotContains(t, left, long.Name())
}
