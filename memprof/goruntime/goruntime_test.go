package goruntime

import (
	"context"
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
	require.GreaterOrEqual(t, after["go.heap_objects"]-before["go.heap_objects"], float64(len(kept)))
	require.Equal(t, 10.0, after["go.goroutines"]-before["go.goroutines"])
	require.GreaterOrEqual(t, after["go.total"], after["go.heap_objects"])
	close(stop)
	require.Equal(t, "goruntime", Source{}.Name())
}

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		Source{}.Read(context.Background(), memprof.Request{})
	}
}
