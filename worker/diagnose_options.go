package worker

import (
	"context"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

// DiagnoseOptions say how memory is diagnosed. All sites of the worker make one cycle together.
type DiagnoseOptions struct {
	// Cycles is how many there are. Default: DefaultDiagnosisCycles.
	Cycles int
	// Extend lengthens the run, at most three times and to five times its length, where the
	// verdict needs more cycles. UntilCertain ends it as soon as the verdict is certain.
	Extend, UntilCertain bool
	// Settle and Idle are the times of these phases in each cycle; an Idle below 0 is none.
	// Default: DefaultSettle, DefaultIdle.
	Settle, Idle time.Duration
	// Parallel runs the sites of a cycle at once. Default: false, one after the other, so that
	// each has its own share of the growth.
	Parallel bool
	// NoControl leaves out the planted leak, NoHeap the snapshots that follow a leak.
	NoControl, NoHeap bool
	// Limit is a memory limit in bytes to count down to, and LimitIs whose. Default: 0, that of
	// the cgroup or the machine.
	Limit   float64
	LimitIs string
	// Schedules are those that the sites run on in production, by name: they turn growth per
	// cycle into growth per day. Default: none.
	Schedules map[string]Schedule
	// Dir is the folder in which heap snapshots and profiles are made. Default: "", there are none.
	Dir string
	// KeepFiles says that they stay there, and may be named. Default: false, the caller removes them.
	KeepFiles bool
	// Earlier is what earlier recordings of the same folder came to.
	Earlier []memprof.EarlierVerdict
	// Fault is called in each cycle, as part of its scraping: for tests of the diagnosis that need
	// a worker that errs. Default: nil.
	Fault func(ctx context.Context, cycle int) error
	// OnCycle is told of each cycle that ends. Default: nobody is.
	OnCycle func(DiagnosisProgress)
}

func (o DiagnoseOptions) withDefaults() DiagnoseOptions {
	if o.Cycles <= 0 {
		o.Cycles = DefaultDiagnosisCycles
	}
	if o.Settle <= 0 {
		o.Settle = DefaultSettle
	}
	if o.Idle == 0 {
		o.Idle = DefaultIdle
	}
	o.Idle = max(o.Idle, 0)
	if o.OnCycle == nil {
		o.OnCycle = func(DiagnosisProgress) {}
	}
	return o
}

// Schedule is when a site runs.
type Schedule struct {
	Text       string
	RunsPerDay float64
}

// DiagnosisProgress is where a diagnosis stands.
type DiagnosisProgress struct {
	// Cycle has ended, of Cycles; 0 when the first begins. Stage is "cycle", "evidence" or "recreate".
	Cycle, Cycles int
	Stage         string
	Took          time.Duration
	Left          time.Duration // an estimate
	// Memory is the anonymous memory of Chrome in bytes, after the cycle; 0 if unknown.
	Memory float64
	// SoFar is the verdict at the latest look, "" before the first.
	SoFar memprof.Verdict
}
