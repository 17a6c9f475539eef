// Package goruntime reads this program's own heap and goroutines.
package goruntime

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

var errNotCollected = errors.New("read the live heap: no collection has run yet")

// names maps memprof's metrics to those of runtime/metrics.
var names = [...]struct{ metric, runtime string }{
	{"go.heap_live", "/gc/heap/live:bytes"},
	{"go.heap_objects", "/memory/classes/heap/objects:bytes"},
	{"go.stacks", "/memory/classes/heap/stacks:bytes"},
	{"go.total", "/memory/classes/total:bytes"},
	{"go.released", "/memory/classes/heap/released:bytes"},
	{"go.goroutines", "/sched/goroutines:goroutines"},
	{"go.gc_cycles", "/gc/cycles/total:gc-cycles"},
}

// Collect collects this program's garbage, so that go.heap_live is the live heap of this moment,
// and returns how long that took: some 10 ms for 20 MB.
func Collect() time.Duration {
	begin := time.Now()
	runtime.GC()
	return time.Since(begin)
}

// Source reads runtime/metrics. It stops nothing and collects nothing: go.heap_live is the live
// heap at the last collection that the program did by itself, or that Collect did. The zero value is ready for use.
type Source struct{}

// Name returns "goruntime".
func (Source) Name() string { return "goruntime" }

// Read returns all metrics of the group "go" at every level.
func (Source) Read(context.Context, memprof.Request) []memprof.Reading {
	samples := make([]metrics.Sample, len(names))
	for i, n := range names {
		samples[i].Name = n.runtime
	}
	metrics.Read(samples)
	readings := make([]memprof.Reading, len(names))
	for i, s := range samples {
		readings[i].Metric = names[i].metric
		if s.Value.Kind() != metrics.KindUint64 {
			readings[i].Err = fmt.Errorf("read %s: this Go runtime does not have it", s.Name)
			continue
		}
		readings[i].Value = float64(s.Value.Uint64())
	}
	if live := &readings[0]; live.Err == nil && live.Value == 0 {
		live.Err = errNotCollected // the runtime says 0
	}
	return readings
}
