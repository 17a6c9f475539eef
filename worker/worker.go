// Package worker runs each site on its schedule: queue, lease, scrape, store, clean up, judge, control.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// Options say what a Worker works with. It owns none of it: whoever made the store, the
// pool and the memory closes them, after the worker has returned.
type Options struct {
	// Sites are those that are worked.
	Sites []*sites.Site
	// Store keeps runs, pages and items. Needed.
	Store *store.Store
	// Pool lends the tabs. Needed.
	Pool *browser.Pool
	// Ready is closed when runs may begin, which is when Chrome is there. Default: nil, at once.
	Ready <-chan struct{}
	// Egress is a site's way to the network, for its tabs and for its robots.txt files.
	// Default: nil, the pool's Chrome and this program reach what they can.
	Egress func(site string) Exit
	// Memory measures. Default: nil, nothing is measured.
	Memory *Memory
	// Budget is the memory within which the worker keeps itself and its Chromes. Default: nil, it does
	// not.
	Budget *Budget
	// UserAgent is sent by sites that set none, and names this program to servers.
	// Default: Chrome's own.
	UserAgent string
	// Secret gives the value of ${NAME} in a step. Default: nil, there is none.
	Secret func(name string) (value string, ok bool)
	// AutoTabs lets the number of tabs be found by measuring, up to that of the pool. Default: it stays.
	AutoTabs AutoTabs
	// Runs is the largest number of runs at work at once. Default: 4.
	Runs int
	// MaxRuns ends Run when each site has had this many runs. Default: 0, no limit.
	MaxRuns int
	// Retries say how failed runs are tried again, by class. Default: as queue.Options.
	Retries map[crawl.Class]queue.Retry
	// ForgetKills is that of queue.Options. Default: false.
	ForgetKills bool
	// Grace is how long runs at work may go on after the worker was told to stop.
	// Default: 30s.
	Grace time.Duration
	// KeepHistory is how long the pages of ended runs stay in the store. Default: 0, for
	// ever.
	KeepHistory time.Duration
	// Alarms say who is told of memory that grows from run to run.
	Alarms AlarmOptions
	// Log takes one event for each run that ends, and what else a person should know.
	Log zerolog.Logger
	// OnEvent is told what happens within runs, from several goroutines; it should return
	// soon. Default: nobody is.
	OnEvent func(site string, run int64, event crawl.Event)
	// OnItems is told of items once they are stored, page by page, from several
	// goroutines. Default: nobody is.
	OnItems func(site string, run int64, page crawl.PageResult)
	// OnEnd is told of each attempt that ends, with its memory. Default: nobody is.
	OnEnd func(ended queue.Ended, memory memprof.Summary)
}

// Exit is a way to the network, the same for Chrome and for the worker itself.
type Exit interface {
	browser.Proxy
	http.RoundTripper
}

// Worker runs sites: by their schedules, or once.
type Worker struct {
	options Options
	sites   map[string]*sites.Site
	engine  queue.Engine
	hosts   *crawl.Hosts
	exits   map[string]Exit // by site; nil for whatever is there
	robots  map[Exit]*crawl.RobotsCache
	meter   *meter
	quota   *quota
	// governor keeps memory within the budget; nil without one.
	governor *governor
	tabs     *tabLimit
	climber  *climber // nil where the number of tabs is fixed
	alarms   *alarms
	// cleaners do the cleanups of each site, by its name.
	cleaners map[string]*cleaner
}

// New returns a worker. Nothing runs yet.
func New(o Options) (*Worker, error) {
	if o.Memory == nil {
		o.Memory = &Memory{}
	}
	w := &Worker{
		options: o,
		sites:   map[string]*sites.Site{},
		hosts:   crawl.NewHosts(0),
		exits:   map[string]Exit{},
		robots:  map[Exit]*crawl.RobotsCache{},
		meter:   newMeter(o.Memory.Recorder),
		quota:   newQuota(o.MaxRuns, o.Sites),

		cleaners: map[string]*cleaner{},
	}
	w.meter.tell = func(site string, kind memprof.Kind) {
		o.Log.Debug().Str("site", site).Str("phase", string(kind)).Msg("a phase has begun")
	}
	for _, s := range o.Sites {
		w.sites[s.Name] = s
		w.cleaners[s.Name] = newCleaner(w, s)
		w.addExit(s.Name)
	}
	most := w.options.Pool.TabLimit()
	w.tabs, w.climber = newTabLimit(w), newClimber(w, most)
	w.governor = newGovernor(w)
	engine, err := queue.Open(o.Store, queue.Options{
		Sites: o.Sites, Handler: w.work, Ready: o.Ready, Admit: w.governor.admit, Runs: o.Runs, Grace: o.Grace, Retries: o.Retries,
		ForgetKills: o.ForgetKills,
		Logger:      slog.New(slogHandler{log: o.Log}),
		OnEnd:       w.ended,
		OnFault:     func(err error) { o.Log.Error().Err(err).Msg("the queue had a fault and goes on") },
	})
	if err != nil {
		return nil, fmt.Errorf("open the queue: %w", err)
	}
	w.engine, w.alarms = engine, newAlarms(w)
	return w, nil
}

// addExit notes a site's way to the network. The sites of one way share their robots.txt
// files: what may be reached by another may be forbidden here.
func (w *Worker) addExit(site string) {
	if w.options.Egress != nil {
		w.exits[site] = w.options.Egress(site)
	}
	exit := w.exits[site]
	if w.robots[exit] != nil {
		return
	}
	o := crawl.RobotsOptions{UserAgent: w.options.UserAgent}
	if exit != nil {
		o.Client = &http.Client{Transport: exit}
	}
	w.robots[exit] = crawl.NewRobotsCache(o)
}

// Queue gives access to jobs and runs.
func (w *Worker) Queue() queue.Engine { return w.engine }

// Force ends the grace of a worker that was told to stop.
func (w *Worker) Force() { w.engine.Force() }

// Run works all schedules until ctx ends, or each site has had Options.MaxRuns, and
// then lets the runs at work finish for Options.Grace.
func (w *Worker) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-w.quota.full:
			stop()
			w.engine.Force() // what still stands in the queue has stood aside
		case <-ended:
		}
	}()
	return w.measured(ctx, func() error {
		var pruning sync.WaitGroup
		pruning.Go(func() { w.prune(ctx) })
		defer pruning.Wait()
		defer stop()
		return w.engine.Run(ctx)
	})
}

// Once runs each of the named sites one time and returns the runs.
func (w *Worker) Once(ctx context.Context, names ...string) (runs []store.Run, err error) {
	err = w.measured(ctx, func() error {
		runs, err = w.engine.Once(ctx, names...)
		return err
	})
	return runs, err
}

// measured does something while the recorder takes its ticks. The recorder outlives
// the work, so that what ends with it is measured too.
func (w *Worker) measured(ctx context.Context, do func() error) error {
	ticks, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	var governing sync.WaitGroup
	governing.Go(func() { w.governor.run(ticks) })
	governing.Go(func() { w.climber.run(ticks) })
	go func() {
		if w.options.Memory.Recorder == nil {
			ended <- nil
			return
		}
		ended <- w.options.Memory.Recorder.Run(ticks)
	}()
	err := w.alarming(ctx, do)
	w.meter.close(ticks)
	stop()
	governing.Wait()
	return errors.Join(err, <-ended)
}

// work is one attempt at a run.
func (w *Worker) work(ctx context.Context, run queue.Run) (queue.Outcome, error) {
	site := w.sites[run.Site]
	if site == nil {
		return queue.Outcome{State: store.RunFailed, Class: crawl.ClassInternal, Error: "the site is not known to this worker"}, nil
	}
	if !w.quota.begin(run.Site, run.ID) {
		return queue.Outcome{}, queue.ErrAside
	}
	cycle := w.meter.begin(ctx, site.Name)
	if site.Isolation != sites.IsolationBrowser && len(w.options.Pool.Browsers()) == 0 {
		cycle.phase(ctx, memprof.Launch)
		if err := w.options.Pool.Start(ctx); err != nil {
			cycle.end(ctx)
			return queue.Outcome{State: store.RunFailed, Class: crawl.ClassBrowser, Error: err.Error()}, nil
		}
	}
	cleaner := w.cleaners[site.Name]
	runID := fmt.Sprintf("%s-%d-%d", site.Name, run.ID, run.Attempt)
	lease := cleaner.leaseOptions()
	if exit := w.exits[site.Name]; exit != nil {
		lease.Proxy = exit
	}
	summary, err := crawl.Run(ctx, crawl.Options{
		Site:    site,
		RunID:   runID,
		Tabs:    w.options.Pool,
		Journal: w.journal(run),
		State:   run.State,
		OneTab:  run.OneTab,
		Hosts:   w.hosts,
		Robots:  w.robots[w.exits[site.Name]],
		Agent:   Product,
		Secret:  w.options.Secret,
		Lease:   lease,

		HoldDocuments: cleaner.redirects(),
		AfterPage: func(ctx context.Context, lease *browser.Lease) {
			cleaner.clean(ctx, sites.AfterPage, browser.CleanAt{Lease: lease, Site: site.Name})
			w.governor.afterPage(ctx, lease)
		},
		AfterRun: func(ctx context.Context, runID string) {
			cleaner.clean(ctx, sites.AfterRun, browser.CleanAt{Site: site.Name, Run: runID})
		},
		On: func(e crawl.Event) {
			cycle.follow(ctx, e)
			w.tell(run, e)
		},
	})
	if cycle.ending == nil && ctx.Err() == nil { // the run is a cycle of its own
		cleaner.clean(ctx, sites.AfterCycle, browser.CleanAt{Site: site.Name, Run: runID})
		cleaner.tell(0)
	}
	w.meter.settle(ctx, cycle)
	memory := runMemory{summary: cycle.end(ctx)}
	memory.quiet = cycle.quiet
	o, err := outcome(summary, err)
	o.With = memory
	if err == nil && o.State != store.RunFailed {
		w.governor.ended(run.ID)
	}
	return o, err
}

// runMemory goes with the end of an attempt: what memory did, and whether no other run was at work
// when it ended.
type runMemory struct {
	summary memprof.Summary
	quiet   bool
}

// outcome says what the queue must know of a run.
func outcome(s crawl.Summary, err error) (queue.Outcome, error) {
	o := queue.Outcome{Class: s.Outcome.Class, Error: s.FirstError, RetryAfter: s.Outcome.RetryAfter}
	switch s.Outcome.State {
	case crawl.RunDone:
		o.State = store.RunDone
	case crawl.RunPartial:
		o.State = store.RunPartial
		if s.Queued > 0 {
			o.State = store.RunFailed // the rest is to be tried again
		}
	default:
		o.State = store.RunFailed
	}
	if err != nil && o.Error == "" {
		o.Error = err.Error()
	}
	switch {
	case errors.Is(err, crawl.ErrDrained), errors.Is(err, crawl.ErrAgain):
		err = nil
	case errors.Is(err, crawl.ErrMemory):
		o.Error, err = err.Error(), nil
	}
	return o, err
}

// tell passes an event on, and logs those that a person should know.
func (w *Worker) tell(run queue.Run, e crawl.Event) {
	switch e.Kind {
	case crawl.EventPage:
		w.climber.ended()
	case crawl.EventNote, crawl.EventPause:
		w.options.Log.Warn().Str("site", run.Site).Int64("run", run.ID).Dur("delay", e.Delay).Msg(e.Text)
	case crawl.EventRetry:
		w.options.Log.Debug().Str("site", run.Site).Int64("run", run.ID).Str("class", string(e.Page.Class)).Dur("delay", e.Delay).Msg("a page is tried again")
	}
	if w.options.OnEvent != nil {
		w.options.OnEvent(run.Site, run.ID, e)
	}
}

// ended logs the end of an attempt, with fixed fields.
func (w *Worker) ended(e queue.Ended) {
	measured, _ := e.Outcome.With.(runMemory) // zero for an attempt that was left behind
	memory, r := measured.summary, e.Run
	if e.Interrupted && !w.quota.counts(r.Site, r.ID) {
		return // it only stood aside
	}
	level := zerolog.InfoLevel
	if r.State == store.RunFailed || r.State == store.RunPartial {
		level = zerolog.WarnLevel
	}
	w.options.Log.WithLevel(level).Str("site", r.Site).Int64("run", r.ID).Int("attempt", r.Attempt).
		Str("state", string(r.State)).Str("class", string(r.Class)).Str("error", r.Error).
		Int("pages", r.Pages.Done).Int("failed", r.Pages.Failed).Int("skipped", r.Pages.Skipped).
		Int("new", r.Items.New).Int("changed", r.Items.Changed).Int("same", r.Items.Same).
		Int64("duration_ms", e.Duration.Milliseconds()).Bool("interrupted", e.Interrupted).Msg("run ended")
	if r.Class == crawl.ClassMemory && r.State.Finished() && !w.options.ForgetKills {
		w.options.Log.Error().Str("site", r.Site).Int64("run", r.ID).Int("killed", r.Killed).
			Msg("the site is set aside, since a page of it needs more memory than there is; `ebb sites resume` puts it back")
	}
	if measured.quiet && memory.AfterScrape != nil {
		w.alarms.judge(memory)
	}
	if w.options.OnEnd != nil {
		w.options.OnEnd(e, memory)
	}
	if r.State.Finished() {
		w.quota.end(r.Site, r.ID)
	}
}

// journal is the run's journal, and tells of items once they are stored.
func (w *Worker) journal(run queue.Run) crawl.Journal {
	if w.options.OnItems == nil {
		return run.Journal
	}
	return telling{Journal: run.Journal, saved: func(p crawl.PageResult) { w.options.OnItems(run.Site, run.ID, p) }}
}

type telling struct {
	crawl.Journal
	saved func(crawl.PageResult)
}

// Save stores a page's result and then tells of it.
func (t telling) Save(ctx context.Context, result crawl.PageResult) error {
	if err := t.Journal.Save(ctx, result); err != nil {
		return err
	}
	t.saved(result)
	return nil
}
