package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
)

// Defaults of a diagnosis.
const (
	DefaultDiagnosisCycles = 30
	// DefaultSettle is how long memory settles at the end of each cycle: a blob takes up to half
	// a second to its process, everything else less than 200 ms.
	DefaultSettle = 250 * time.Millisecond
	// DefaultIdle is how long the browser is left alone after that.
	DefaultIdle = 250 * time.Millisecond

	// SpikeInterval is the time between ticks in the phases in which a spike is looked for.
	SpikeInterval = 100 * time.Millisecond

	maxExtensions  = 3
	evidenceCycles = 4
	leastExtension = 5
)

// looks are the cycles after which the verdict so far is looked at, beside the last: each look has a
// chance of its own to err, so that they must be few.
var looks = []int{15, 20, 30, 50}

// ErrCycles is returned by Diagnose for a run whose first cycles failed: there is nothing to judge.
var ErrCycles = errors.New("no cycle could be completed")

// ErrEarly says that a diagnosis has ended before its time: the cycles before, which are in the recording,
// can be judged.
var ErrEarly = errors.New("the diagnosis has ended early")

// diagnosis is a diagnosis under way. One goroutine owns it.
type diagnosis struct {
	w       *Worker
	o       DiagnoseOptions
	memory  *Memory
	names   []string
	control *control
	done    int // judged cycles
	total   int
	began   time.Time
	soFar   memprof.Verdict
	latest  float64
	ext     int
	fetched fetching
	looking bool // for the cause: the control keeps still
	raw     bool // only the settling of a cycle begins with a collection, its phases end as they are
}

// Diagnose works all sites again and again, with a forced collection and a reading at each phase's
// end, and writes the recording of it. What the recording says is for memprof.Diagnose. If ctx ends, the
// cycles so far stand.
func (w *Worker) Diagnose(ctx context.Context, o DiagnoseOptions) error {
	if w.options.Memory.Recorder == nil {
		return errors.New("diagnose memory: nothing is measured")
	}
	d := w.newDiagnosis(o)
	return w.working(ctx, d.run)
}

func (w *Worker) newDiagnosis(o DiagnoseOptions) *diagnosis {
	d := &diagnosis{w: w, o: o.withDefaults(), memory: w.options.Memory, began: time.Now()}
	d.total = d.o.Cycles
	for _, s := range w.options.Sites {
		d.names = append(d.names, s.Name)
	}
	return d
}

// working does something while the queue works what is asked of it, and memory is measured.
func (w *Worker) working(ctx context.Context, do func(context.Context) error) error {
	return w.measured(ctx, func() error {
		working, stop := context.WithCancel(context.WithoutCancel(ctx))
		defer stop()
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		ended := make(chan error, 1)
		go func() {
			err := w.engine.Run(working)
			cancel(fmt.Errorf("the queue has ended: %w", err)) // nobody would work what is asked for
			ended <- err
		}()
		err := do(ctx)
		stop()
		return errors.Join(err, <-ended)
	})
}

func (d *diagnosis) run(ctx context.Context) error {
	if err := d.plan(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // stopped before the first cycle
		}
		return err
	}
	d.collect(ctx, memprof.Launch)
	d.progress(memprof.JudgedCycle, 0, 0)
	for d.done < d.total {
		if err := d.cycle(ctx, memprof.JudgedCycle, d.done+1); err != nil {
			if ctx.Err() != nil {
				break // the cycles so far stand
			}
			if d.done > 0 {
				err = fmt.Errorf("%w, after %d cycles: %w", ErrEarly, d.done, err)
			}
			return err
		}
		d.done++
		if d.look() {
			break
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if err := d.evidence(ctx); err != nil && ctx.Err() == nil {
		d.missing("evidence of the cause: %v", err)
	}
	d.progress(memprof.RecreateCycle, d.done, 0)
	d.recreate(ctx)
	return nil
}

// plan says what will be done, and plants the control.
func (d *diagnosis) plan(ctx context.Context) error {
	p := memprof.Plan{Cycles: d.o.Cycles, Settle: d.o.Settle, Idle: d.o.Idle, UntilCertain: d.o.UntilCertain, Parallel: d.o.Parallel, Limit: d.o.Limit, LimitIs: d.o.LimitIs}
	for _, s := range d.w.options.Sites {
		site := planSite(s)
		site.Schedule, site.RunsPerDay = d.o.Schedules[s.Name].Text, d.o.Schedules[s.Name].RunsPerDay
		p.Sites = append(p.Sites, site)
	}
	if d.o.NoControl {
		p.ControlNote = "no control leak was planted: nothing shows that this run could have found one"
	} else if err := d.plant(ctx, &p); err != nil {
		return err
	}
	if err := d.memory.Recorder.Note(memprof.PlanNote, p); err != nil {
		return err
	}
	if len(d.o.Earlier) == 0 {
		return nil
	}
	return d.memory.Recorder.Note(memprof.EarlierNote, d.o.Earlier)
}

func (d *diagnosis) plant(ctx context.Context, p *memprof.Plan) error {
	if err := d.w.options.Pool.Start(ctx); err != nil {
		return err
	}
	browsers := d.w.options.Pool.Browsers()
	if len(browsers) == 0 {
		return errors.New("plant the control leak: Chrome has ended")
	}
	c, err := plantControl(ctx, browsers[0])
	if err != nil {
		return err
	}
	d.control = c
	d.memory.setControl(c.page)
	p.Control = c.truth()
	if !c.told() {
		d.missing("process memory of the control: Chrome does not tell its renderer")
	}
	return nil
}

func planSite(s *sites.Site) memprof.PlanSite {
	p := memprof.PlanSite{Name: s.Name, Isolation: string(s.Isolation), Keep: string(s.Keep)}
	for _, t := range s.Templates {
		p.Templates = append(p.Templates, t.Name)
	}
	return p
}

// missing records what could not be measured.
func (d *diagnosis) missing(format string, args ...any) {
	_ = d.memory.Recorder.Note(memprof.MissingNote, fmt.Sprintf(format, args...))
}

// look judges the cycles so far, now and then, and says whether the run is over early; at its
// planned end it lengthens it where that is asked for and needed.
func (d *diagnosis) look() (enough bool) {
	last := d.done == d.total
	if d.memory.live == nil || !slices.Contains(looks, d.done) && !last {
		return false
	}
	verdict := d.memory.live.diagnosis()
	d.soFar = verdict.Verdict
	if d.o.UntilCertain && !last && d.certain(verdict) {
		return true
	}
	short := verdict.Verdict == memprof.Inconclusive || verdict.Verdict == memprof.Growing
	if !last || !d.o.Extend || !short || d.ext == maxExtensions {
		return false
	}
	to := min(d.done+max(verdict.MoreCycles, leastExtension), 5*d.o.Cycles)
	if to <= d.done {
		return false
	}
	d.ext++
	_ = d.memory.Recorder.Note(memprof.ExtensionNote, memprof.Extension{From: d.done, To: to, Why: string(verdict.Verdict)})
	d.total = to
	return false
}

// warmUp is the number of cycles before which process memory alone makes no run end early: that of a
// busy browser may rise in a line for so long, and still level off.
const warmUp = 30

// certain says whether no further cycle would change the verdict.
func (d *diagnosis) certain(v memprof.Diagnosis) bool {
	switch v.Verdict {
	case memprof.Stable:
		return true
	case memprof.Leak:
		return d.done >= warmUp || slices.ContainsFunc(v.Metrics, func(m memprof.MetricVerdict) bool {
			exact := !strings.HasPrefix(m.Name, "process.anon") && !strings.HasPrefix(m.Name, "go.heap")
			return m.Role == memprof.Primary && m.Verdict == memprof.Leak && exact
		})
	}
	return false
}

func (d *diagnosis) progress(stage string, number int, took time.Duration) {
	p := DiagnosisProgress{Cycle: number, Cycles: d.total, Stage: stage, Took: took, Memory: d.latest, SoFar: d.soFar}
	if stage == memprof.JudgedCycle && number > 0 {
		p.Left = time.Since(d.began) / time.Duration(number) * time.Duration(d.total-number)
	}
	d.o.OnCycle(p)
}

func (d *diagnosis) discardConsole(ctx context.Context) error {
	for _, f := range d.memory.discardConsole(ctx).Faults {
		d.memory.Recorder.Gap(f.Gap())
	}
	return nil
}

// recreateTimeout bounds each way of giving memory back.
const recreateTimeout = 60 * time.Second

// recreate does away with the messages of consoles, the pages, the browser contexts, and the browser,
// and reads what each gives back.
func (d *diagnosis) recreate(ctx context.Context) {
	pool := d.w.options.Pool
	for _, way := range []struct {
		name string
		do   func(context.Context) error
	}{
		{memprof.RecreateConsole, d.discardConsole},
		{memprof.RecreatePages, pool.CloseTabs},
		{memprof.RecreateContexts, pool.DisposeContexts},
		{memprof.RecreateBrowser, pool.Restart},
	} {
		if ctx.Err() != nil {
			return
		}
		bounded, cancel := context.WithTimeout(ctx, recreateTimeout)
		cycle := d.memory.Recorder.Cycle(memprof.RecreateCycle+" "+way.name, d.names...)
		cleanup := cycle.Phase(memprof.Cleanup, "")
		if way.name == memprof.RecreateBrowser {
			d.memory.setControl(nil) // it goes with its browser
		}
		err := way.do(bounded)
		cleanup.End(bounded)
		settle := cycle.Phase(memprof.Settle, "")
		err = errors.Join(err, pause(bounded, d.o.Settle))
		d.collect(bounded, memprof.Settle)
		settle.End(bounded)
		cycle.End(context.WithoutCancel(bounded))
		cancel()
		if err != nil {
			d.missing("what %s gives back: %v", way.name, err)
		}
		d.progress(memprof.RecreateCycle, d.done, 0)
	}
}
