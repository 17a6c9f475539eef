package memprof

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// maxBusy is how many readings of one source may be under way at once. A source that never
// returns therefore costs at most this many goroutines.
const maxBusy = 2

// lateGrace is how long a source may take to return after its time is up.
const lateGrace = 250 * time.Millisecond

var errBusy = errors.New("not asked: still busy with earlier readings")

// meter reads one source, bounded in time, and takes its cost.
type meter struct {
	source Source
	busy   atomic.Int32
}

// answer is what one source gave in one sample.
type answer struct {
	source   string
	readings []Reading
	cost     time.Duration
}

// start reads the source in a goroutine of its own; the channel holds its answer.
func (m *meter) start(ctx context.Context, q Request) <-chan answer {
	out := make(chan answer, 1)
	name := m.source.Name()
	if m.busy.Add(1) > maxBusy {
		m.busy.Add(-1)
		out <- answer{source: name, readings: []Reading{{Err: errBusy}}}
		return out
	}
	go func() {
		defer m.busy.Add(-1)
		begin := time.Now()
		readings := m.read(ctx, q)
		out <- answer{source: name, readings: readings, cost: time.Since(begin)}
	}()
	return out
}

// read turns a panic of the source into a gap: measuring must not end what is measured.
func (m *meter) read(ctx context.Context, q Request) (readings []Reading) {
	defer func() {
		if p := recover(); p != nil {
			readings = []Reading{{Err: fmt.Errorf("the source panicked: %v", p)}}
		}
	}()
	return m.source.Read(ctx, q)
}

// readAll asks all sources at once and waits for them, at most for the timeout and a little.
func readAll(ctx context.Context, meters []*meter, q Request, timeout time.Duration) []answer {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	begin := time.Now()
	pending := make([]<-chan answer, len(meters))
	for i, m := range meters {
		pending[i] = m.start(ctx, q)
	}
	limit := time.NewTimer(timeout + lateGrace)
	defer limit.Stop()
	answers := make([]answer, len(meters))
	for i, m := range meters {
		select {
		case answers[i] = <-pending[i]:
		case <-limit.C:
			limit.Reset(0) // the time is up for those that follow too
			answers[i] = timedOut(m, pending[i], time.Since(begin))
		}
	}
	return answers
}

func timedOut(m *meter, pending <-chan answer, after time.Duration) answer {
	select {
	case a := <-pending:
		return a
	default:
		err := fmt.Errorf("no answer within %v", after.Round(time.Millisecond))
		return answer{source: m.source.Name(), readings: []Reading{{Err: err}}, cost: after}
	}
}
