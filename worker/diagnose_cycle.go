package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/goruntime"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
)

// cycle runs every site once and reads what memory came to.
func (d *diagnosis) cycle(ctx context.Context, name string, number int) error {
	began := time.Now()
	cycle := d.memory.Recorder.Cycle(name, d.names...)
	d.memory.stage.Store(&stage{name: name, cycle: number})
	defer d.memory.stage.Store(&stage{name: memprof.RecreateCycle}) // whatever comes until the next
	d.w.meter.within(cycle, d.endPhase)
	err := d.scrape(ctx, cycle, number)
	d.w.meter.within(nil, nil)
	if err == nil {
		d.clean(ctx, cycle, number)
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
	d.fetched.since(d.w.options.Pool)
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
	if !d.raw {
		d.collect(ctx, memprof.Scrape)
	}
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
	if d.raw {
		report.Fetched = float64(d.fetched.since(d.w.options.Pool))
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
	case run.Class == crawl.ClassMemory:
		return nil // that is what this diagnosis is about
	case run.State == store.RunFailed:
		return fmt.Errorf("%w: the run of %s failed: %s", ErrCycles, site, run.Error)
	case run.Pages.Done == 0:
		return fmt.Errorf("%w: the run of %s visited no page, %d were skipped: robots.txt, or what the site file allows, leaves out what it begins with", ErrCycles, site, run.Pages.Skipped)
	}
	return nil
}

// fetching counts what a pool's pages fetch.
type fetching struct {
	mu   sync.Mutex // owns told: runs may overlap
	told int64
}

// since is how many bytes they have fetched since it was last asked.
func (f *fetching) since(pool *browser.Pool) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.told
	f.told = pool.Fetched()
	return f.told - before
}

// opened is how many windows pages have opened so far.
func (d *diagnosis) opened() int {
	n := 0
	for _, b := range d.w.options.Pool.Browsers() {
		n += b.Popups()
	}
	return n
}

// clean does what is due after a cycle, and notes what all cleanups of the cycle did.
func (d *diagnosis) clean(ctx context.Context, cycle *memprof.Cycle, number int) {
	due := map[string][]string{}
	for _, site := range d.names {
		if names := d.w.cleaners[site].due(sites.AfterCycle); len(names) > 0 {
			due[site] = names
		}
	}
	if len(due) > 0 {
		phase := cycle.Phase(memprof.Cleanup, "")
		for _, site := range d.names {
			d.w.cleaners[site].do(ctx, due[site], sites.AfterCycle, browser.CleanAt{Site: site})
		}
		d.endPhase(ctx, memprof.Cleanup)
		phase.End(ctx)
	}
	for _, site := range d.names {
		d.w.cleaners[site].tell(number)
	}
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
	if d.raw || d.o.Parallel || kind == memprof.Launch {
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
