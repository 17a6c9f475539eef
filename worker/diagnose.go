package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/goruntime"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/store"
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

// ErrCycles is returned by Diagnose for a run whose first cycles failed: there is nothing to judge.
var ErrCycles = errors.New("no cycle could be completed")

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
	looking bool // for the cause: the control keeps still
}

// Diagnose works all sites again and again, with a forced collection and a reading at each phase's
// end, and writes the recording of it. What the recording says is for memprof.Diagnose. If ctx ends, the
// cycles so far stand.
func (w *Worker) Diagnose(ctx context.Context, o DiagnoseOptions) error {
	if w.options.Memory.Recorder == nil {
		return errors.New("diagnose memory: nothing is measured")
	}
	d := &diagnosis{w: w, o: o.withDefaults(), memory: w.options.Memory, began: time.Now()}
	d.total = d.o.Cycles
	for _, s := range w.options.Sites {
		d.names = append(d.names, s.Name)
	}
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
		err := d.run(ctx)
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
		d.missing("process memory of the control: its renderer could not be told from others")
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

// cycle runs every site once and reads what memory came to.
func (d *diagnosis) cycle(ctx context.Context, name string, number int) error {
	began := time.Now()
	cycle := d.memory.Recorder.Cycle(name, d.names...)
	d.w.meter.within(cycle, d.endPhase)
	err := d.scrape(ctx, cycle, number)
	d.w.meter.within(nil, nil)
	if err == nil {
		err = d.rest(ctx, cycle)
	}
	if err != nil {
		cycle.Rename(memprof.StoppedCycle, d.names...)
	}
	sum := cycle.End(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	d.latest, _ = sum.After.At(memprof.Series{Metric: "process.anon", Group: memprof.Chrome})
	d.progress(name, number, time.Since(began))
	return nil
}

// scrape runs the sites, one after the other or all at once.
func (d *diagnosis) scrape(ctx context.Context, cycle *memprof.Cycle, number int) error {
	if !d.o.Parallel {
		for _, site := range d.names {
			if err := d.runSite(ctx, site, number); err != nil {
				return err
			}
		}
	} else {
		var wg sync.WaitGroup
		errs := make([]error, len(d.names))
		for i, site := range d.names {
			wg.Go(func() { errs[i] = d.runSite(ctx, site, number) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return d.fault(ctx, cycle, number)
}

// fault lets the worker err, as part of the last site's scraping.
func (d *diagnosis) fault(ctx context.Context, cycle *memprof.Cycle, number int) error {
	if d.o.Fault == nil {
		return nil
	}
	phase := cycle.Phase(memprof.Scrape, d.names[len(d.names)-1])
	defer phase.End(ctx)
	if err := d.o.Fault(ctx, number); err != nil {
		return fmt.Errorf("the fault that was asked for: %w", err)
	}
	d.collect(ctx, memprof.Scrape)
	return nil
}

// runSite runs one site once, over the queue as production does.
func (d *diagnosis) runSite(ctx context.Context, site string, number int) error {
	opened := d.opened()
	id, err := d.w.engine.Enqueue(ctx, site)
	if err != nil {
		return err
	}
	run, err := d.w.engine.Wait(ctx, id)
	if err != nil {
		return err
	}
	report := memprof.RunReport{Cycle: number, Site: site, Pages: run.Pages.Done, Failed: run.Pages.Failed, Items: run.Items.New + run.Items.Changed + run.Items.Same}
	if run.State != store.RunDone {
		report.Error = fmt.Sprintf("%s: %s", run.State, run.Error)
	}
	report.Lost = run.State == store.RunFailed || run.Pages.Done == 0
	if err := d.memory.Recorder.Note(memprof.RunNote, report); err != nil {
		return err
	}
	if now := d.opened(); now > opened && !d.o.Parallel {
		_ = d.memory.Recorder.Note(memprof.PopupsNote, memprof.PopupReport{Cycle: number, Site: site, Opened: now - opened})
	}
	switch {
	case d.done > 0:
		return nil
	case run.State == store.RunFailed:
		return fmt.Errorf("%w: the run of %s failed: %s", ErrCycles, site, run.Error)
	case run.Pages.Done == 0:
		return fmt.Errorf("%w: the run of %s visited no page, %d were skipped: robots.txt, or what the site file allows, leaves out what it begins with", ErrCycles, site, run.Pages.Skipped)
	}
	return nil
}

// opened is how many windows pages have opened so far.
func (d *diagnosis) opened() int {
	n := 0
	for _, b := range d.w.options.Pool.Browsers() {
		n += b.Popups()
	}
	return n
}

// rest lets memory settle and the browser idle, each to a reading after a collection.
func (d *diagnosis) rest(ctx context.Context, cycle *memprof.Cycle) error {
	settle := cycle.Phase(memprof.Settle, "")
	if d.control != nil && !d.looking {
		if err := d.control.leak(ctx); err != nil && ctx.Err() == nil {
			d.missing("the control in one cycle: %v", err)
		}
	}
	err := pause(ctx, d.o.Settle)
	d.collect(ctx, memprof.Settle)
	settle.End(ctx)
	if err != nil || d.o.Idle == 0 {
		return err
	}
	idle := cycle.Phase(memprof.Idle, "")
	err = pause(ctx, d.o.Idle)
	d.collect(ctx, memprof.Idle)
	idle.End(ctx)
	return err
}

func pause(ctx context.Context, for_ time.Duration) error {
	timer := time.NewTimer(for_)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// endPhase collects before the phase of a run ends, so that what it leaves is told from its
// garbage. Sites that run at once would collect each other's work: they are read as they are.
func (d *diagnosis) endPhase(ctx context.Context, kind memprof.Kind) {
	if d.o.Parallel || kind == memprof.Launch {
		return
	}
	d.collect(ctx, kind)
}

// collect forces a collection in Chrome and in this program.
func (d *diagnosis) collect(ctx context.Context, before memprof.Kind) {
	began := time.Now()
	c := d.memory.collect(ctx)
	goruntime.Collect()
	for _, f := range c.Faults {
		d.memory.Recorder.Gap(f.Gap())
	}
	_ = d.memory.Recorder.Note(memprof.CollectNote, memprof.CollectReport{Before: before, Took: time.Since(began), Isolates: c.Isolates})
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
	}{{"console", d.discardConsole}, {"pages", pool.CloseTabs}, {"contexts", pool.DisposeContexts}, {"browser", pool.Restart}} {
		if ctx.Err() != nil {
			return
		}
		bounded, cancel := context.WithTimeout(ctx, recreateTimeout)
		cycle := d.memory.Recorder.Cycle(memprof.RecreateCycle+" "+way.name, d.names...)
		cleanup := cycle.Phase(memprof.Cleanup, "")
		if way.name == "browser" {
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
