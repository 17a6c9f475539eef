package worker

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/stats"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// flatLimit is the growth of the live heap, in bytes a run, that starts to matter: 5 MB a day, at the
// 20,000 runs of fourteen sites that are scraped each minute.
const flatLimit = 5e6 / 20_000

// flatSeries are the readings after each block of runs.
type flatSeries struct {
	runs                    int // in a block
	live, goroutines, files []float64
}

// measure runs blocks and reads after each.
func (r *flatRig) measure(ctx context.Context, blocks, rounds int) flatSeries {
	s := flatSeries{runs: rounds * flatRound}
	for range blocks {
		r.block(ctx, rounds)
		live, goroutines, files := r.read()
		s.live, s.goroutines, s.files = append(s.live, live), append(s.goroutines, goroutines), append(s.files, files)
	}
	return s
}

// heap judges the live heap, per block.
func (s flatSeries) heap() stats.Judgement {
	return stats.Judge(s.live, stats.Options{Delta: flatLimit * float64(s.runs), Floor: 4 << 10, MinStep: 256 << 10, MinSpike: 128 << 10})
}

// A worker that keeps the error of each run that failed, in 4 KiB, is found, and by how much it grows.
func TestAHeapThatGrowsIsFound(t *testing.T) {
	const kept, each, blocks = 4 << 10, 0.5, 15
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	fillGoroutines()
	var mu sync.Mutex // guards leaked
	var leaked [][]byte
	r := newFlatRig(t, memprof.LevelOff, func(e queue.Ended) {
		if e.Run.State != store.RunFailed {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		leaked = append(leaked, make([]byte, kept))
		copy(leaked[len(leaked)-1], e.Run.Error)
	})
	s := r.measure(ctx, blocks, 1)
	heap := s.heap()
	rate := heap.Rate.Value / float64(s.runs)
	t.Logf("live heap after each %d runs, KiB: %.0f; %s, %.0f bytes a run", s.runs, inKiB(s.live), heap.Class, rate)
	require.Len(t, leaked, int(each*blocks*flatRound))
	require.Equal(t, stats.Leak, heap.Class, heap.Warnings)
	require.InEpsilon(t, each*kept, rate, 0.2)
}

func inKiB(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v / 1024
	}
	return out
}
