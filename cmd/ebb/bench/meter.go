package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/linux"
)

// Measured is a round as it was seen from outside.
type Measured struct {
	Round
	// CPU is processor time by type of process, those of ProcessTypes.
	CPU map[string]time.Duration `json:"cpu_ns"`
	// PeakAnon is the largest anonymous memory of the arm's process and all below it, in bytes.
	PeakAnon int64 `json:"peak_anon_bytes"`
	// Others is the share of the machine's processors that everybody else used meanwhile, whoever serves
	// the pages included.
	Others float64 `json:"others_cpu_share"`
}

// ProcessTypes are the types of process that are told apart.
var ProcessTypes = []string{memprof.Worker, "browser", "renderer", "network", "gpu", "other"}

const (
	lookEvery = 100 * time.Millisecond
	// lateWork is how long after a round its work is still counted: Chrome tidies up after the last page.
	lateWork = 200 * time.Millisecond
)

// round has the arm make a round and measures it.
func (p *process) round(ctx context.Context) (Measured, error) {
	ctx, cancel := p.roundLimit(ctx)
	defer cancel()
	busy, err := busySince()
	if err != nil {
		return Measured{}, err
	}
	before, _, err := p.usage.Read()
	if err != nil {
		return Measured{}, err
	}
	var m Measured
	if err := p.order(); err != nil {
		return m, err
	}
	looking, stop := context.WithCancel(ctx)
	peak := make(chan int64)
	go func() { peak <- p.look(looking) }()
	m.Round, err = p.reply(ctx)
	stop()
	m.PeakAnon = <-peak
	if err != nil {
		return m, fmt.Errorf("%s: %w", p.arm.Name, err)
	}
	if err := sleep(ctx, lateWork); err != nil {
		return m, err
	}
	after, _, err := p.usage.Read()
	if err != nil {
		return m, err
	}
	m.CPU = map[string]time.Duration{}
	for _, kind := range ProcessTypes {
		m.CPU[kind] = 0
	}
	for kind, took := range after {
		m.CPU[processType(kind)] += took - before[kind]
	}
	m.Others, err = busy(total(after) - total(before))
	return m, err
}

// total is the sum over all types of process.
func total[N ~int64](byType map[string]N) (sum N) {
	for _, n := range byType {
		sum += n
	}
	return sum
}

// busySince returns what tells the share of the processors that others used since now, besides what own
// processes took.
func busySince() (others func(own time.Duration) (float64, error), err error) {
	worked, all, err := linux.Busy(linux.Options{})
	if err != nil {
		return nil, err
	}
	return func(own time.Duration) (float64, error) {
		workedNow, allNow, err := linux.Busy(linux.Options{})
		if err != nil || allNow <= all {
			return 0, err
		}
		return float64(max(0, workedNow-worked-own)) / float64(allNow-all), nil
	}, nil
}

// look reads the processes until ctx ends, and returns the most memory that they had.
func (p *process) look(ctx context.Context) (peak int64) {
	for {
		_, anon, err := p.usage.Read()
		if err == nil {
			peak = max(peak, total(anon))
		}
		if sleep(ctx, lookEvery) != nil {
			return peak
		}
	}
}

// processType is the type under which one is shown.
func processType(kind string) string {
	switch kind {
	case memprof.Worker, "browser", "renderer", "network":
		return kind
	case "gpu-process":
		return "gpu"
	}
	return "other"
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
