package goruntime

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func read(t testing.TB) map[string]float64 {
	t.Helper()
	values := make(map[string]float64)
	for _, r := range (Source{}).Read(context.Background(), memprof.Request{Level: memprof.LevelCheap, Tick: true}) {
		require.NoError(t, r.Err)
		row, ok := memprof.MetricOf(r.Metric)
		require.True(t, ok && row.Tick, r.Metric)
		values[r.Metric] = r.Value
	}
	return values
}

func TestReadSeesMemoryAndGoroutines(t *testing.T) {
	runtime.GC() // its workers count as goroutines from then on
	before := read(t)
	require.Len(t, before, len(names))
	kept := make([]byte, 32<<20)
	stop, started := make(chan struct{}), make(chan struct{})
	for range 10 {
		go func() { started <- struct{}{}; <-stop }()
		<-started
	}
	after := read(t)
	// Less a little: a collection in between may free what was there before.
	require.GreaterOrEqual(t, after["go.heap_objects"]-before["go.heap_objects"], 0.99*float64(len(kept)))
	require.Equal(t, 10.0, after["go.goroutines"]-before["go.goroutines"])
	require.GreaterOrEqual(t, after["go.total"], after["go.heap_objects"])
	runtime.KeepAlive(kept)
	close(stop)
	require.Equal(t, "goruntime", Source{}.Name())
}

// After Collect the live heap is what is live now: neither what was before, nor garbage.
func TestCollectMakesTheLiveHeapFresh(t *testing.T) {
	require.Positive(t, Collect())
	before := read(t)["go.heap_live"]
	kept, garbage := make([]byte, 8<<20), make([]byte, 16<<20)
	runtime.KeepAlive(garbage)
	Collect()
	grown := read(t)["go.heap_live"] - before
	require.InDelta(t, float64(len(kept)), grown, 512<<10)
	runtime.KeepAlive(kept)
	kept = nil
	Collect()
	require.InDelta(t, before, read(t)["go.heap_live"], 512<<10)
}

// Before the first collection the live heap is unknown, not 0. The test binary starts itself
// again to see that moment.
func TestTheLiveHeapIsUnknownBeforeTheFirstCollection(t *testing.T) {
	if os.Getenv("EBB_TEST_FRESH") == "1" {
		live := (Source{}).Read(context.Background(), memprof.Request{})[0]
		require.Equal(t, memprof.Reading{Metric: "go.heap_live", Err: errNotCollected}, live)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "EBB_TEST_FRESH=1", "GOGC=off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		Source{}.Read(context.Background(), memprof.Request{})
	}
}
