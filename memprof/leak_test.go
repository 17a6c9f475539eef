package memprof

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof/stats"
)

// liveHeaps simulates cycles whose subjects, sites, faults and figures change all the time, and
// returns the live heap in bytes at the end of each block of every cycles.
func liveHeaps(t *testing.T, cycles, every int) []float64 {
	m := &meterable{}
	observed := 0
	r, err := NewRecorder(Options{
		Level: LevelFull, Interval: time.Hour, Ring: 10, Sources: []Source{m, quickly{steady(anon(1)...)}}, Out: io.Discard,
		Observe: func(any) { observed++ },
	})
	require.NoError(t, err)
	heaps := make([]float64, 0, cycles/every)
	for i := 1; i <= cycles; i++ {
		simulate(t, r, m, i)
		if i%every == 0 {
			heaps = append(heaps, liveHeap())
		}
	}
	require.Equal(t, 2*cycles, r.Stats().Cycles)
	require.Greater(t, observed, 8*cycles)
	runtime.KeepAlive(r)
	return heaps
}

// simulate runs one cycle of a worker whose Chrome, pages, sites and faults are others each time.
func simulate(t *testing.T, r *Recorder, m *meterable, i int) {
	name, site := fmt.Sprint("id-", i), fmt.Sprint("site-", i%97)
	page := Subject{Browser: name, Kind: "page", Target: name, Site: site, Isolate: name, URL: "http://" + site + "/" + name}
	m.set(
		reading("process.count", "renderer", 1+float64(i%3)), reading("process.anon", "renderer", float64(i)),
		reading("process.count", ControlGroup, 1), reading("process.anon", ControlGroup, float64(i)),
		reading("page.read", "", 1), Reading{Metric: "heap.used", Subject: page, Value: float64(i)},
		Reading{Metric: "perf.Field" + fmt.Sprint(i%50), Subject: page, Value: 1},
		Reading{Metric: "target.open", Subject: page, Value: 1},
		Reading{Metric: "storage.bytes", Subject: Subject{Browser: name, Kind: "indexeddb", URL: page.URL}, Value: 1},
		Reading{Metric: "perf.*", Subject: page, Err: errors.New(name)},
	)
	ctx := t.Context()
	c := r.Cycle(name, site)
	other := r.Cycle(name+"-beside", site)
	scrape := c.Phase(Scrape, site)
	beside := other.Phase(Scrape, name)
	r.tick(ctx, true)
	r.tick(ctx, false)
	scrape.End(ctx)
	beside.End(ctx)
	c.Phase(Cleanup, site).End(ctx)
	require.NoError(t, r.Note(name, name))
	r.Gap(Gap{Source: "collect", Subject: page, Error: name})
	r.Read(ctx)
	if i%10 != 0 {
		c.Phase(Idle, "") // left open
	}
	c.End(ctx)
	other.End(ctx)
}

func liveHeap() float64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools held
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// The recorder's live heap stays where it is for 10,000 cycles: what it holds at the end of each
// block of 500 does not rise from cycle 2,000 on by more than it varies. Under the race detector,
// which makes each cycle fifty times slower, there are fewer.
func TestTheRecorderDoesNotLeak(t *testing.T) {
	heaps := liveHeaps(t, leakCycles, leakEvery)
	late := heaps[len(heaps)/5:]
	half := len(late) / 2
	early, last := median(late[:half]), median(late[half:])
	t.Logf("live heap after each %d cycles, KiB: %.0f", leakEvery, inKiB(heaps))
	const most = 16 << 10
	require.InDelta(t, early, last, most, "a leak of more than %.1f bytes a cycle would show", most/float64(half*leakEvery))

	// The judge's own verdict, of blocks: it must see growth of 4 KiB in each.
	p := policy{role: Primary, Options: stats.Options{Delta: 4 * kib, Floor: kib, MinStep: 64 * kib, MinSpike: 64 * kib}, material: 8 * kib}
	own := judgeOne(Series{Metric: "go.heap_live"}, Metric{Unit: Bytes}, p, heaps)
	require.Equal(t, Stable, own.verdict, own.evidence())
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func inKiB(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v / 1024
	}
	return out
}
