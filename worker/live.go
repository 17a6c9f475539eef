package worker

import (
	"sync"

	"github.com/ebbworker/ebb/memprof"
)

// live judges a recording while it is being made. It holds the values of the cycles only, in
// memory that is set aside at the start, so that it does not itself grow with the cycles.
type live struct {
	mu    sync.Mutex // owns tally
	tally *memprof.Tally
}

func newLive(cycles int) *live {
	return &live{tally: memprof.NewTally(memprof.TallyOptions{Cycles: cycles})}
}

// observe takes the next value of the recording. What a tally refuses is no note of a diagnosis,
// and is told when the recording is read.
func (l *live) observe(v any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.tally.Add(v)
}

// experiment is the outcome so far.
func (l *live) experiment() memprof.Experiment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tally.Experiment()
}

// diagnosis is the verdict so far.
func (l *live) diagnosis() memprof.Diagnosis {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tally.Diagnosis()
}
