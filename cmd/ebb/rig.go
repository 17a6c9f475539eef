package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/linux"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// rig is what a command that scrapes works with, put together from the configuration.
type rig struct {
	settings *Settings
	store    *store.Store
	exits    *exits // nil: Chrome reaches what it can
	pool     *browser.Pool
	memory   *worker.Memory
	worker   *worker.Worker
	governed atomic.Pointer[worker.Worker] // the worker, for the pool's news
	board    *board
	log      zerolog.Logger
	kills    *linux.Kills
	shown    shown
	news     news // what is told of Chrome
	first    firstChrome

	// In a diagnosis end ends it, and unwritten holds why its recording ended early.
	end       context.CancelFunc
	unwritten chan error
}

// rigOptions say what differs between the commands that scrape.
type rigOptions struct {
	sites []*sites.Site
	// cleanup goes before what the sites and the configuration say. Default: nothing is said.
	cleanup sites.Cleanup
	// stop counts the signals that ask the command to end.
	stop *stopper
	// retries are those of worker.Options.
	retries map[crawl.Class]queue.Retry
	// endless: to be stopped is the regular end, also before the work has begun.
	endless bool
	// database is used instead of the configured one. Default: "", the configured one.
	database string
	// recordings is used instead of the configured folder. Default: "", that one.
	recordings string
	// recording is the file that the recording is written to. Default: "", a new one in the
	// folder.
	recording string
	// diagnosis is set for a diagnosis: everything is measured, Chrome stays whatever its
	// pages and age, and windows that pages open are left open.
	diagnosis *diagnosisRig
	// ahead lets the work begin while Chrome starts. It must be Worker.Once, which waits for Options.Ready, and nothing
	// else of it may need Chrome. Default: the work begins when Chrome is there.
	ahead bool
	// web serves health, metrics and page, where web.listen is set.
	web bool
	// quiet logs no more than errors where the configuration says nothing else: thousands of runs of
	// which some must fail are no news.
	quiet bool
	// most is how many runs of each site are begun. Default: 0, no limit.
	most int
	// onEvent is told what happens within a run. Default: nobody is.
	onEvent func(crawl.Event)
	// onItems and onEnd are those of worker.Options.
	onItems func(site string, run int64, page crawl.PageResult)
	onEnd   func(ended queue.Ended, memory memprof.Summary)
}

// diagnosisRig is what a diagnosis asks of a rig.
type diagnosisRig struct {
	// cycles is the largest number of cycles.
	cycles int
	// flags are further flags of Chrome. Default: none.
	flags []string
}

// stopped is what comes of a command that was stopped before its work had begun.
func (o rigOptions) stopped() error {
	if o.endless {
		return nil
	}
	return errStopped
}

// withRig starts Chrome, opens everything else meanwhile, runs work, and closes everything again,
// whatever happened. A Chrome that cannot be had is exit code 4.
func (a *app) withRig(ctx context.Context, o rigOptions, work func(context.Context, *rig) error) (err error) {
	settings, err := a.config()
	if err != nil {
		return err
	}
	exe, err := a.findBrowser(settings)
	if err != nil {
		return err
	}
	if o.sites, err = cleanedSites(o.sites, settings.Cleanup, o.cleanup); err != nil {
		return err
	}
	r := &rig{settings: settings, board: newBoard(a.err())}
	defer r.board.close()
	r.log = a.logger(settings.Log, r.board.progress)
	if o.quiet && r.log.GetLevel() == zerolog.InfoLevel {
		r.log = r.log.Level(zerolog.ErrorLevel)
	}
	if o.diagnosis != nil {
		if r.log.GetLevel() == zerolog.InfoLevel {
			r.log = r.log.Level(zerolog.WarnLevel) // dozens of runs that went well are no news
		}
		ctx, r.end = context.WithCancel(ctx)
		defer r.end()
		r.unwritten = make(chan error, 1)
		defer func() { err = r.written(err) }()
	}
	r.sweep()
	if o.database == "" {
		o.database = settings.Database
	}
	defer func() { err = errors.Join(err, r.closeStore()) }() // last: all others may write to it
	r.kills = linux.NewKills(linux.Options{})
	launch := launchOptions(settings, exe)
	launch.Block = blockedByFlags(o.sites)
	launch.KernelKills, launch.OnDeath = r.kills.Within, told(&r.news, r.died)
	if r.exits, err = newExits(settings.Egress, o.sites); err != nil {
		return err
	}
	if r.exits != nil {
		r.exits.run()
		defer func() { err = errors.Join(err, r.exits.close(r.log)) }()
	}
	tabs, most := settings.Pool.Tabs.bounds()
	pool := browser.PoolOptions{
		Launch: launch, Tabs: most,
		AcquireTimeout: settings.Timeouts.Acquire, OnRecycle: told(&r.news, r.recycled), OnTidy: told(&r.news, r.tidied),
		OnLaunch: told(&r.news, r.launched), OnGone: func(b *browser.Browser) { r.log.Debug().Int("pid", b.PID()).Err(b.Err()).Msg("Chrome has ended") },
	}
	r.exits.chrome(&pool.Launch)
	auto := worker.AutoTabs{}
	if most > tabs {
		auto.Begin = tabs
	}
	if o.diagnosis == nil {
		tend(&pool, settings.Pool)
		pool.Recycle, pool.ContextPages = recycle(settings.Pool), settings.Pool.PagesPerContext
	} else {
		auto, pool.Tabs = worker.AutoTabs{}, tabs
		pool.Launch.KeepPopups = true
		pool.Launch.Flags = append(slices.Clone(pool.Launch.Flags), o.diagnosis.flags...)
	}
	r.pool = browser.NewPool(pool)
	defer func() { err = errors.Join(err, r.closePool(ctx)) }()
	r.kills.OnKill, r.kills.Idle = told(&r.news, r.killed), func() bool { return r.pool.Lent() == 0 }
	r.first.begin(ctx, r.pool)
	defer r.first.end()
	if r.store, err = store.Open(ctx, o.database); err != nil {
		if ctx.Err() == nil {
			return err
		}
		return o.stopped()
	}
	if err := r.measure(o); err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, r.memory.Close(closing))
	}()
	defer r.watchKills(ctx)()
	hide, err := r.show(ctx, o)
	if err != nil {
		return err
	}
	defer hide()
	if !o.ahead {
		if err := r.awaitChrome(); err != nil {
			if ctx.Err() == nil {
				return err
			}
			return o.stopped()
		}
	}
	r.worker, err = worker.New(worker.Options{
		Sites: o.sites, Store: r.store, Pool: r.pool, Ready: r.first.there, Memory: r.memory, Budget: a.budget(r, o), Egress: r.egress(),
		UserAgent: userAgent(settings.UserAgent, exe.Version), Secret: a.secret,
		AutoTabs: auto, Runs: settings.Pool.Runs, Grace: settings.Timeouts.Drain, Retries: o.retries, ForgetKills: o.diagnosis != nil, MaxRuns: o.most, Log: r.log,
		KeepHistory: settings.History.Keep, Alarms: worker.AlarmOptions{Webhook: settings.Alarms.Webhook, On: r.shown.alarm},
		OnItems: o.onItems,
		OnEvent: func(site string, run int64, e crawl.Event) {
			r.event(site, run, e)
			if o.onEvent != nil {
				o.onEvent(e)
			}
		},
		OnEnd: func(ended queue.Ended, memory memprof.Summary) {
			r.board.ended(ended.Run.ID)
			r.shown.ended(ended)
			if o.onEnd != nil {
				o.onEnd(ended, memory)
			}
		},
	})
	if err != nil {
		return err
	}
	r.governed.Store(r.worker)
	r.board.follow(r.worker)
	o.stop.on(r.onSignal)
	if o.ahead {
		return r.meanwhile(ctx, o, work)
	}
	r.shown.ready()
	return work(ctx, r)
}

// event takes what happens within a run.
func (r *rig) event(site string, run int64, e crawl.Event) {
	r.board.event(site, run, e)
	if r.shown.activity != nil {
		r.shown.activity.Event(site, run, e)
	}
}

// egress is what the worker needs of the exits.
func (r *rig) egress() func(site string) worker.Exit {
	if r.exits == nil {
		return nil
	}
	return r.exits.of
}

// secret gives the value of ${NAME} in a site's step: an environment variable.
func (a *app) secret(name string) (string, bool) {
	value := a.getenv(name)
	return value, value != ""
}

// sweep removes what killed workers have left.
func (r *rig) sweep() {
	removed, err := browser.Sweep("")
	if removed > 0 {
		r.log.Info().Int("folders", removed).Msg("removed what a killed worker had left of its Chrome")
	}
	if _, sweepErr := sweepTemporary(); sweepErr != nil {
		err = errors.Join(err, sweepErr)
	}
	if err != nil {
		r.log.Warn().Err(err).Msg("could not remove all that a killed worker has left")
	}
}

// launched tells of a Chrome that has started, in the log and in the recording.
func (r *rig) launched(b *browser.Browser) {
	event := r.log.Debug()
	if r.settings != nil && !r.settings.Browser.Sandbox {
		event = r.log.Warn().Bool("sandbox", false)
	}
	event.Str("version", b.Version()).Int("pid", b.PID()).Str("as", b.Account()).Msg("Chrome has started")
	r.shown.launched(b.Version())
	if r.memory != nil {
		_ = r.memory.NoteBrowser(b)
	}
}

// recycle is when the configuration says that a Chrome is retired.
func recycle(pool PoolConfig) browser.Recycle {
	return browser.Recycle{Pages: pool.PagesPerBrowser, Age: pool.MaxAge, Idle: pool.Idle, Failures: pool.Failures}
}

// tend says when a tab is tidied.
func tend(o *browser.PoolOptions, pool PoolConfig) {
	o.TabPages, o.CollectPages = pool.PagesPerTab, pool.GCPages
	o.TabMark, _ = parseMemory(pool.TabMemory) // it has been checked
}

// tidied tells of a tab whose garbage was collected, or that was replaced.
func (r *rig) tidied(d browser.Tidying) {
	r.shown.tidied(d)
	event, message := r.log.Debug(), "the garbage of a tab was collected"
	switch {
	case d.Replaced && d.Reason == browser.TidyPages:
		message = "another tab has taken the place of one that has visited its pages"
	case d.Replaced:
		event, message = r.log.Info(), "a tab that stays large is replaced"
	}
	event.Str("site", d.Site).Str("reason", string(d.Reason)).Int("pages", d.Pages).Int64("held", d.Held).Dur("took", d.Took).Msg(message)
}

// recycled tells of a Chrome that is being retired, in the log.
func (r *rig) recycled(rc browser.Recycling) {
	if w := r.governed.Load(); w != nil {
		w.Recycled(rc)
	}
	event, message := r.log.Info(), "Chrome is being replaced"
	switch {
	case rc.Err != nil:
		event, message = r.log.Warn().Err(rc.Err), "Chrome could not be replaced and goes on"
	case rc.Reason == browser.RecycleHang:
		event = r.log.Warn()
	case rc.Reason == browser.RecycleIdle:
		message = "Chrome is being closed"
	}
	if !rc.Gone.IsZero() {
		r.shown.recycled(string(rc.Reason))
		event, message = r.log.Info().Dur("took", rc.Gone.Sub(rc.Decided)).Dur("waited", rc.Waited), "Chrome has been retired"
	}
	event.Int("pid", rc.PID).Str("reason", string(rc.Reason)).Str("says", rc.Says).Int("pages", rc.Pages).
		Str("age", rc.Age.Round(time.Second).String()).Msg(message)
}

// measure opens the recording as the configuration says.
func (r *rig) measure(o rigOptions) error {
	level, err := memprof.ParseLevel(r.settings.Memory.Profile)
	if err != nil {
		return withCode(exitUsage, err)
	}
	dir := r.settings.Memory.Recordings
	if o.recordings != "" {
		dir = o.recordings
	}
	memory := worker.MemoryOptions{
		Level: level, Interval: r.settings.Memory.Interval, Dir: dir, Keep: r.settings.Memory.Keep, Path: o.recording,
		Version: versionName(), ConfigHash: r.settings.Hash(), StoreSize: r.store.Size,
		WriteFailed: r.writeFailed,
	}
	if o.diagnosis != nil {
		memory.Level, memory.SpikeInterval, memory.Judged = memprof.LevelFull, worker.SpikeInterval, o.diagnosis.cycles
	}
	if r.memory, err = worker.NewMemory(r.pool, memory); err != nil {
		return err
	}
	r.board.memory = r.memory.Recorder
	return nil
}

func (r *rig) closePool(ctx context.Context) error {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.settings.Timeouts.Close+poolGrace)
	defer cancel()
	return r.pool.Close(closing)
}

// writeFailed tells that the recording could not be written. Work goes on without it; a diagnosis
// has nothing else to judge, and ends at once.
func (r *rig) writeFailed(err error) {
	if r.unwritten == nil {
		r.log.Error().Err(err).Msg("the recording ends here; the work goes on")
		return
	}
	r.unwritten <- err // told once
	r.end()
	r.force()
}

// written is err, or that the recording of a diagnosis is not whole.
func (r *rig) written(err error) error {
	select {
	case failure := <-r.unwritten:
		if errors.Is(err, context.Canceled) || errors.Is(err, errStopped) {
			err = nil // that was its end
		}
		return errors.Join(fmt.Errorf("the diagnosis has ended without a verdict: %w", failure), err)
	default:
		return err
	}
}

// force interrupts the runs at work.
func (r *rig) force() {
	if r.worker != nil {
		r.worker.Force()
	}
}

// onSignal tells of a signal, and ends the grace of the runs at work at the second; in a diagnosis,
// which leaves out a cycle that has not ended, at the first.
func (r *rig) onSignal(count int, last os.Signal) {
	r.shown.draining()
	diagnosing := r.unwritten != nil
	switch {
	case count == 1 && diagnosing:
		r.log.Warn().Str("signal", last.String()).Msg("stopping: the cycles so far are judged")
		r.force()
	case count == 1:
		r.log.Info().Str("signal", last.String()).Dur("grace", r.settings.Timeouts.Drain).Msg("stopping: runs at work may finish; once more interrupts them")
	case count == 2 && diagnosing:
		r.log.Warn().Str("signal", last.String()).Msg("Chrome is being closed; once more ends the program where it is")
	case count == 2:
		r.log.Warn().Str("signal", last.String()).Msg("interrupting the runs at work; they go on at the next start")
		r.force()
	}
}
