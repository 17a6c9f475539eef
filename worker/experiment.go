package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
)

// ExperimentOptions say how cleanups are compared. All sites of the worker make one cycle together.
type ExperimentOptions struct {
	// Plan is what is done. Its blocks are in order.
	Plan memprof.ExperimentPlan
	// Budget shortens the plan to the replicates that fit into it, two at least. Default: 0, none.
	Budget time.Duration
	// Settle is how long memory settles in each cycle. Default: DefaultSettle.
	Settle time.Duration
	// Parallel runs the sites of a cycle at once.
	Parallel bool
	// Fault is called in each cycle, as part of its scraping: for tests that need a worker that errs.
	// Default: nil.
	Fault func(ctx context.Context, cycle int) error
	// OnPlan is told, after the cycles that warm up, of the plan as it will be run, and about how long that takes; 0 if
	// none did. Default: nobody is.
	OnPlan func(plan memprof.ExperimentPlan, takes time.Duration)
	// OnCycle is told of each cycle that ends. Default: nobody is.
	OnCycle func(ExperimentProgress)
}

// ExperimentProgress is where an experiment stands.
type ExperimentProgress struct {
	// Cycle has ended, of Cycles; Block, of Blocks, is the one that it is in, 0 while warming up.
	Cycle, Cycles, Block, Blocks int
	// On are the cleanups of the block.
	On []string
	// Left is an estimate.
	Left time.Duration
	// Memory is the anonymous memory of Chrome in bytes, after the cycle; 0 if unknown.
	Memory float64
}

// ErrBudget is returned by Experiment where two replicates do not fit into its budget.
var ErrBudget = errors.New("the time is too short")

// experiment is an experiment under way. One goroutine owns it.
type experiment struct {
	*diagnosis
	eo   ExperimentOptions
	plan memprof.ExperimentPlan
	// began is when the first cycle began, blocks when the first block did.
	began, blocks time.Time
}

// Experiment runs the sites in blocks of cycles with and without each cleanup, and writes the recording of
// it. What the recording says is for memprof.Tally.Experiment. If ctx ends, the blocks so far stand.
func (w *Worker) Experiment(ctx context.Context, o ExperimentOptions) error {
	if w.options.Memory.Recorder == nil {
		return errors.New("compare cleanups: nothing is measured")
	}
	x := &experiment{eo: o, plan: o.Plan}
	x.diagnosis = w.newDiagnosis(DiagnoseOptions{Settle: o.Settle, Idle: -1, Parallel: o.Parallel, Fault: o.Fault})
	x.raw = true
	x.prepare()
	return w.working(ctx, func(ctx context.Context) error {
		err := x.run(ctx)
		if err != nil && ctx.Err() != nil {
			return nil // the blocks so far stand
		}
		return err
	})
}

// prepare completes the plan, and asks of the sites' tabs what the cleanups need.
func (x *experiment) prepare() {
	x.plan.Settle, x.plan.Parallel = x.o.Settle, x.o.Parallel
	recreates := slices.ContainsFunc(x.plan.Cleanups, func(c memprof.PlannedCleanup) bool { return c.Name == "recreate-context" })
	for _, s := range x.w.options.Sites {
		x.plan.Sites = append(x.plan.Sites, planSite(s))
		c := x.w.cleaners[s.Name]
		c.counted = true
		if recreates && !c.own {
			c.own = true
			if s.Isolation == sites.IsolationTab {
				x.plan.Fixed = append(x.plan.Fixed, s.Name+": a browser context of its own, for recreate-context")
			}
		}
		for _, rule := range s.Cleanups(sites.Cleanup{}).Rules() {
			compared := slices.ContainsFunc(x.plan.Cleanups, func(c memprof.PlannedCleanup) bool { return c.Name == rule.Name })
			if !compared && rule.When != sites.Never {
				x.plan.Fixed = append(x.plan.Fixed, fmt.Sprintf("%s: %s=%s", s.Name, rule.Name, rule.When))
			}
		}
	}
}

func (x *experiment) run(ctx context.Context) error {
	if err := x.memory.Recorder.Note(memprof.ExperimentNote, x.plan); err != nil {
		return err
	}
	x.began = time.Now()
	each, err := x.warmUp(ctx)
	if err != nil {
		return err
	}
	if x.plan.WarmUp > 0 {
		if err := x.fit(each); err != nil {
			return err
		}
	}
	if x.eo.OnPlan != nil {
		x.eo.OnPlan(x.plan, time.Duration(len(x.plan.Blocks)*x.plan.Cycles)*each)
	}
	x.blocks = time.Now()
	for i := 0; i < len(x.plan.Blocks); i++ {
		if err := x.block(ctx, i, x.plan.Blocks[i]); err != nil {
			return err
		}
		if i == 0 && x.plan.WarmUp == 0 { // only now is known how long a cycle takes
			if err := x.fit(time.Since(x.blocks) / time.Duration(x.plan.Cycles)); err != nil {
				return err
			}
		}
		if why := x.enough(i); why != "" {
			return x.memory.Recorder.Note(memprof.StopNote, why)
		}
	}
	return nil
}

// fit shortens the plan to the budget, if a cycle takes so long, and notes it.
func (x *experiment) fit(each time.Duration) error {
	if x.eo.Budget <= 0 {
		return nil
	}
	var ok bool
	if x.plan, ok = x.plan.Within(x.eo.Budget, each); !ok {
		return fmt.Errorf("%w: a cycle takes about %s, so that two replicates take %s; give more time, compare fewer cleanups, or fewer sites",
			ErrBudget, each.Round(10*time.Millisecond), (time.Duration(x.plan.Total()) * each).Round(time.Second))
	}
	return x.memory.Recorder.Note(memprof.ExperimentNote, x.plan)
}

// enough says, after each replicate from the second on, why the experiment ends before its plan; "" if it does not.
func (x *experiment) enough(index int) string {
	replicate := x.plan.Blocks[index].Replicate
	if index+1 == len(x.plan.Blocks) || x.plan.Blocks[index+1].Replicate == replicate || replicate == 0 {
		return ""
	}
	if x.certain() {
		return fmt.Sprintf("nothing was undecided any more after %d replicates", replicate+1)
	}
	next := time.Since(x.blocks) / time.Duration(replicate+1)
	if x.eo.Budget > 0 && time.Since(x.began)+next > x.eo.Budget {
		return fmt.Sprintf("after %d replicates the time did not suffice for another", replicate+1)
	}
	return ""
}

// warmUp runs the cycles before the first block, without the cleanups that are compared, and returns how long
// one takes; 0 if there are none.
func (x *experiment) warmUp(ctx context.Context) (each time.Duration, err error) {
	x.collect(ctx, memprof.Launch)
	x.set(nil)
	x.tellCycle(0, 0, nil)
	began := time.Now()
	for n := range x.plan.WarmUp {
		if err := x.cycle(ctx, memprof.WarmUpCycle, 0); err != nil {
			return 0, err
		}
		x.done = 1 // a run that fails from now on is the sites' matter
		x.tellCycle(n+1, 0, nil)
	}
	if x.plan.WarmUp == 0 {
		return 0, nil
	}
	return time.Since(began) / time.Duration(x.plan.WarmUp), nil
}

// set switches the cleanups that are compared: those of the indices on, the others off.
func (x *experiment) set(on []int) (names []string) {
	for _, s := range x.w.options.Sites {
		rules := s.Cleanups(sites.Cleanup{})
		names = nil
		for i, c := range x.plan.Cleanups {
			when := sites.Never
			if slices.Contains(on, i) {
				when = sites.When(c.When)
				names = append(names, c.Name)
			}
			_ = rules.Set(c.Name, when) // it was checked when the plan was made
		}
		x.w.cleaners[s.Name].set(rules)
	}
	return names
}

// restartTimeout bounds the start of a fresh browser.
const restartTimeout = 60 * time.Second

// block makes the block ready and runs its cycles.
func (x *experiment) block(ctx context.Context, index int, b memprof.PlannedBlock) error {
	began := time.Now()
	names := x.set(b.On)
	if x.plan.Fresh && (index > 0 || x.plan.WarmUp > 0) {
		bounded, cancel := context.WithTimeout(ctx, restartTimeout)
		err := x.w.options.Pool.Restart(bounded)
		cancel()
		if err != nil {
			return fmt.Errorf("begin a block with a fresh browser: %w", err)
		}
		x.collect(ctx, memprof.Launch)
	}
	if err := x.memory.Recorder.Note(memprof.BlockNote, memprof.BlockStart{Block: index, Took: time.Since(began)}); err != nil {
		return err
	}
	for n := range x.plan.Cycles {
		number := index*x.plan.Cycles + n + 1
		if err := x.cycle(ctx, memprof.JudgedCycle, number); err != nil {
			return err
		}
		x.done = number
		x.tellCycle(number, index+1, names)
	}
	return nil
}

// tellCycle tells of a cycle that has ended.
func (x *experiment) tellCycle(number, block int, on []string) {
	if x.eo.OnCycle == nil {
		return
	}
	p := ExperimentProgress{Cycle: number, Cycles: len(x.plan.Blocks) * x.plan.Cycles, Block: block, Blocks: len(x.plan.Blocks), On: on, Memory: x.latest}
	if block == 0 {
		p.Cycles = x.plan.WarmUp
	} else {
		p.Left = time.Since(x.blocks) / time.Duration(number) * time.Duration(p.Cycles-number)
	}
	x.eo.OnCycle(p)
}

// certain says whether nothing is undecided, where the plan is open.
func (x *experiment) certain() bool {
	if !x.plan.Open || x.memory.live == nil {
		return false
	}
	so := x.memory.live.experiment()
	return !slices.ContainsFunc(so.Answers, func(a memprof.CleanupAnswer) bool { return a.Verdict == memprof.CannotTell })
}
