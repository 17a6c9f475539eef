//go:build !race

package worker

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/stats"
	"github.com/ebbworker/ebb/worker/queue"
)

// flatCount is the growth of goroutines and open files that starts to matter: one in 100 runs.
const flatCount = 0.01

// count judges goroutines or files, per block.
func (s flatSeries) count(values []float64) stats.Judgement {
	return stats.Judge(values, stats.Options{Delta: flatCount * float64(s.runs), Floor: 1, MinStep: 12, MinSpike: 12})
}

// The live heap of a worker stays flat over 2,000 runs, of which half end in errors of all kinds, and
// so do its goroutines and open files. It grew by 500 bytes a run, for the sessions of tabs that had
// gone with their browser context. Under the race detector a run takes many times as long: there
// TestAHeapThatGrowsIsFound has its 750 runs alone.
func TestTheWorkersHeapStaysFlat(t *testing.T) {
	const blocks = 20
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	fillGoroutines()
	began := time.Now()
	r := newFlatRig(t, memprof.LevelCheap, func(queue.Ended) {})
	r.block(ctx, 1) // Chrome and the first pages come up
	s := r.measure(ctx, blocks, 2)
	heap := s.heap()
	per := func(block float64) float64 { return block / float64(s.runs) }
	t.Logf("%d runs in %s: %v", flatRound+blocks*s.runs, time.Since(began).Round(time.Second), r.classes)
	t.Logf("live heap after each %d runs, KiB: %.0f", s.runs, inKiB(s.live))
	t.Logf("%s, %.0f bytes a run [%.0f, %.0f]; no growth above %.0f; a leak of %.0f would be seen; limit %.0f",
		heap.Class, per(heap.Rate.Value), per(heap.Rate.Lo), per(heap.Rate.Hi), per(heap.NoGrowthAbove), per(heap.SmallestVisible), flatLimit)

	require.Equal(t, stats.Stable, heap.Class, heap.Warnings)
	require.Less(t, per(heap.Rate.Hi), flatLimit)
	require.Less(t, per(heap.NoGrowthAbove), flatLimit)
	for name, values := range map[string][]float64{"goroutines": s.goroutines, "open files": s.files} {
		j := s.count(values)
		t.Logf("%s: %s, %.4f a run [%.4f, %.4f]; limit %.4f: %.0f", name, j.Class, per(j.Rate.Value), per(j.Rate.Lo), per(j.Rate.Hi), flatCount, values)
		require.Equal(t, stats.Stable, j.Class, "%s: %v", name, j.Warnings)
		require.Less(t, per(j.Rate.Hi), flatCount, name)
	}
	failed := 0
	for _, k := range flatKinds {
		for _, class := range k.classes {
			require.Positive(t, r.classes[k.name][class], "no run of %s ended with %s", k.name, class)
			failed += r.classes[k.name][class]
		}
	}
	require.Equal(t, (flatRound+blocks*s.runs)/2, failed, "half of the runs end in errors")
}
