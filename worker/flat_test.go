//go:build studies

package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/stats"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// The growth a run that starts to matter: of the live heap in bytes, which is 5 MB a day at 20,000 runs, and of
// goroutines and open files.
const (
	flatLimit = 5e6 / 20_000
	flatCount = 0.05
)

// flatRounds are the rounds between two readings.
const flatRounds = 5

// flatPlanted is what the worker is made to keep of each run that fails, in bytes: a size that the allocator
// has, so that it takes no more.
const flatPlanted = 4 << 10

// flatSeries are the readings after each block of runs.
type flatSeries struct {
	runs                    int // in a block
	live, goroutines, files []float64
	planted                 []float64 // bytes, of live
}

// measure runs blocks and reads after each.
func (r *flatRig) measure(ctx context.Context, blocks int, planted func() float64) flatSeries {
	s := flatSeries{runs: flatRounds * flatRound}
	for range blocks {
		r.block(ctx, flatRounds)
		live, goroutines, files := r.read()
		s.live, s.goroutines, s.files = append(s.live, live), append(s.goroutines, goroutines), append(s.files, files)
		s.planted = append(s.planted, planted())
	}
	return s
}

// heap judges a live heap, per block.
func (s flatSeries) heap(live []float64) stats.Judgement {
	return stats.Judge(live, stats.Options{Delta: flatLimit * float64(s.runs), Floor: 4 << 10, MinStep: 256 << 10, MinSpike: 128 << 10})
}

// count judges goroutines or files, per block.
func (s flatSeries) count(values []float64) stats.Judgement {
	return stats.Judge(values, stats.Options{Delta: flatCount * float64(s.runs), Floor: 1, MinStep: 12, MinSpike: 12})
}

// The live heap of a worker stays flat over runs of which half end in errors of all kinds, and so do its
// goroutines and open files. In the same runs 4 KiB are kept of each that fails: the readings with them are called a
// leak, of the right rate, and those without them are flat. So this cannot pass for lack of sight.
func TestTheWorkersHeapStaysFlat(t *testing.T) {
	const blocks = 18
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	fillGoroutines()
	began := time.Now()
	var planting atomic.Bool
	var mu sync.Mutex                                           // guards planted
	planted := make([][]byte, 0, blocks*flatRounds*flatRound/2) // it does not grow by itself
	r := newFlatRig(t, memprof.LevelCheap, func(e queue.Ended) {
		if !planting.Load() || e.Run.State != store.RunFailed {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		planted = append(planted, make([]byte, flatPlanted))
	})
	r.block(ctx, 2) // Chrome and the first pages come up
	planting.Store(true)
	s := r.measure(ctx, blocks, func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return float64(len(planted) * flatPlanted)
	})
	r.requireClasses(blocks*flatRounds + 2)
	require.Len(t, planted, cap(planted))

	per := func(block float64) float64 { return block / float64(s.runs) }
	with := s.heap(s.live)
	t.Logf("%d runs in %s: %v", flatRound*(blocks*flatRounds+2), time.Since(began).Round(time.Second), r.classes)
	t.Logf("with what is planted: %s, %.0f bytes a run", with.Class, per(with.Rate.Value))
	require.Equal(t, stats.Leak, with.Class, with.Warnings)
	require.InEpsilon(t, flatPlanted/2, per(with.Rate.Value), 0.3)

	own := make([]float64, len(s.live))
	for i := range own {
		own[i] = s.live[i] - s.planted[i]
	}
	heap := s.heap(own)
	t.Logf("live heap without it after each %d runs, KiB: %.0f", s.runs, inKiB(own))
	t.Logf("%s, %.0f bytes a run [%.0f, %.0f]; no growth above %.0f; a leak of %.0f would be seen; limit %.0f",
		heap.Class, per(heap.Rate.Value), per(heap.Rate.Lo), per(heap.Rate.Hi), per(heap.NoGrowthAbove), per(heap.SmallestVisible), float64(flatLimit))
	require.Equal(t, stats.Stable, heap.Class, heap.Warnings)
	require.Less(t, per(heap.Rate.Hi), float64(flatLimit))
	for name, values := range map[string][]float64{"goroutines": s.goroutines, "open files": s.files} {
		j := s.count(values)
		t.Logf("%s: %s, %.4f a run [%.4f, %.4f]; limit %.4f: %.0f", name, j.Class, per(j.Rate.Value), per(j.Rate.Lo), per(j.Rate.Hi), flatCount, values)
		require.Equal(t, stats.Stable, j.Class, "%s: %v", name, j.Warnings)
		require.Less(t, per(j.Rate.Hi), flatCount, name)
	}
}

// requireClasses requires that half of the runs of so many rounds failed, in all ways there are.
func (r *flatRig) requireClasses(rounds int) {
	failed := 0
	for _, k := range flatKinds {
		for _, class := range k.classes {
			require.Positive(r.t, r.classes[k.name][class], "no run of %s ended with %s", k.name, class)
			failed += r.classes[k.name][class]
		}
	}
	require.Equal(r.t, rounds*flatRound/2, failed, "half of the runs end in errors")
}

func inKiB(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v / 1024
	}
	return out
}
