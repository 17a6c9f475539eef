package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/memprof/devtools"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
)

// warmUpRounds are repeated before the first snapshot, so that code is compiled and caches are
// filled.
const warmUpRounds = 2

// heapOfPage drives a page and tells what grows in it.
func (a *app) heapOfPage(ctx context.Context, o *heapOptions) (err error) {
	p, err := a.newHeapPage(o)
	if err != nil {
		return err
	}
	dir := o.out
	if dir == "" {
		made, err := newTemporary("ebb-heap-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, made.remove()) }()
		dir = made.path
	}
	var paths []string
	err = a.withPool(ctx, p.site, func(pool *browser.Pool) error {
		p.tabs = &heldTab{Pool: pool}
		var err error
		paths, err = p.run(ctx, dir)
		return err
	})
	if err != nil {
		return err
	}
	report := heapReport{Schema: heapSchema, URL: o.url, Repeat: o.repeat, Sampling: o.sampling}
	if report.Diff, err = compareHeaps(paths, o.top); err != nil {
		return err
	}
	if o.out != "" {
		report.Files = paths
	}
	for i := range report.Diff.Snapshots {
		report.Diff.Snapshots[i].Name = fmt.Sprintf("after %s", plural(warmUpRounds+i*o.repeat, "round"))
	}
	return a.writeHeapReport(&report, o)
}

// heapPage is a live page whose steps are repeated.
type heapPage struct {
	app  *app
	o    *heapOptions
	site *sites.Site
	page crawl.PageRef
	tabs *heldTab
}

// newHeapPage makes a site of the page and its steps. Its errors have exit code 2.
func (a *app) newHeapPage(o *heapOptions) (*heapPage, error) {
	steps := []sites.Step{{Goto: o.url}}
	if o.steps != "" {
		var err error
		if steps, err = sites.LoadSteps(o.steps); err != nil {
			return nil, withCode(exitUsage, err)
		}
		for i := range steps {
			steps[i].Timeout = min(steps[i].Timeout, sites.Duration(o.timeout))
		}
	}
	site := sites.New("heap", o.url)
	site.Keep, site.Isolation, site.Robots, site.Timeout = sites.KeepPage, sites.IsolationTab, sites.RobotsIgnore, tryTimeout
	site.Limits = sites.Limits{Pages: 1, Tabs: 1, Retries: new(int), PageTimeout: sites.Duration(o.timeout)}
	site.Templates = []sites.Template{{Name: tryTemplate, Wait: []sites.Wait{{Event: sites.WaitLoad}}, Steps: steps}}
	if err := site.Complete(); err != nil {
		return nil, withCode(exitUsage, flagFaults(err))
	}
	page, err := pageRef(site, o.url, tryTemplate)
	if err != nil {
		return nil, err
	}
	return &heapPage{app: a, o: o, site: site, page: page}, nil
}

// run warms up, and takes the snapshots with rounds between them.
func (p *heapPage) run(ctx context.Context, dir string) (paths []string, err error) {
	if err := p.rounds(ctx, warmUpRounds); err != nil {
		return nil, err
	}
	if p.o.sampling != "" {
		if err := devtools.StartSampling(ctx, p.tabs.lease.Session(), 0); err != nil {
			return nil, err
		}
	}
	for i := range p.o.snapshots {
		if i > 0 {
			if err := p.rounds(ctx, p.o.repeat); err != nil {
				return nil, err
			}
		}
		if p.o.sampling != "" && i == p.o.snapshots-1 {
			// Before the last snapshot, which allocates much itself.
			if err := p.profile(ctx); err != nil {
				return nil, err
			}
		}
		path := filepath.Join(dir, fmt.Sprintf("%d.heapsnapshot", i+1))
		if err := p.snapshot(ctx, path); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// rounds repeats the steps.
func (p *heapPage) rounds(ctx context.Context, n int) error {
	for range n {
		if err := p.round(ctx); err != nil {
			return err
		}
	}
	return nil
}

// round does the steps once, in the document that is open.
func (p *heapPage) round(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	journal := &firstPage{}
	p.tabs.end = cancel
	_, err := crawl.Run(ctx, crawl.Options{
		Site: p.site, RunID: "heap", Final: true, Tabs: p.tabs, Journal: journal,
		State: crawl.State{Queued: []crawl.PageRef{p.page}}, Secret: p.app.secret, On: p.app.tellTry,
	})
	switch {
	case ctx.Err() != nil:
		return firstError(p.tabs.err, errors.New("interrupted"))
	case journal.page == nil:
		return firstError(err, errors.New("the page was not visited"))
	case journal.page.Error != "":
		return fmt.Errorf("%s: %s", p.page.URL, journal.page.Error)
	case err != nil && !errors.Is(err, errFirstPage):
		return err
	}
	return nil
}

// snapshot writes one snapshot to a file.
func (p *heapPage) snapshot(ctx context.Context, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write a heap snapshot: %w", err)
	}
	_, err = devtools.TakeHeapSnapshot(ctx, p.tabs.lease.Session(), f, devtools.SnapshotOptions{
		MaxHeap: int64(p.o.maxHeapMB) * 1e6, Timeout: 10 * time.Minute,
	})
	if errors.Is(err, devtools.ErrHeapTooLarge) {
		err = fmt.Errorf("%w; --max-heap raises it", err)
	}
	return errors.Join(err, f.Close())
}

// profile writes what was allocated and is alive.
func (p *heapPage) profile(ctx context.Context) error {
	profile, err := devtools.StopSampling(ctx, p.tabs.lease.Session())
	if err != nil {
		return err
	}
	f, err := os.Create(p.o.sampling)
	if err != nil {
		return fmt.Errorf("write a heap profile: %w", err)
	}
	return errors.Join(devtools.WriteProfile(f, profile), f.Close())
}

// heldTab lends the tab of a pool whose document stays open, and keeps it at hand between the
// rounds. When there is none, the round is over.
type heldTab struct {
	*browser.Pool
	end   context.CancelCauseFunc
	lease *browser.Lease
	err   error // why there was none
}

func (t *heldTab) Acquire(ctx context.Context, options browser.LeaseOptions) (*browser.Lease, error) {
	lease, err := t.Pool.Acquire(ctx, options)
	if err != nil {
		t.err = err
		t.end(err)
		return nil, err
	}
	t.lease = lease
	return lease, nil
}
