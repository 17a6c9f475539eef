package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/cmd/ebb/bench"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
)

// benchArm is what the process of an arm is told.
type benchArm struct {
	level, isolation, frames, viewport, base string
	tabs, marks                              int
}

func (b *benchArm) flags(f *pflag.FlagSet) {
	f.StringVar(&b.level, "arm", "", "be this arm, for another process")
	f.StringVar(&b.isolation, "arm-isolation", "", "what its tabs share")
	f.StringVar(&b.frames, "arm-frames", "", "when its pages are drawn")
	f.StringVar(&b.viewport, "arm-viewport", "", "the viewport of its pages")
	f.StringVar(&b.base, "arm-base", "", "where its pages are served")
	f.IntVar(&b.tabs, "arm-tabs", 1, "how many pages it has open at once")
	f.IntVar(&b.marks, "arm-marks", 0, "after how many pages it says how far it is; 0 is never")
	for _, hidden := range []string{"arm", "arm-isolation", "arm-frames", "arm-viewport", "arm-base", "arm-tabs", "arm-marks"} {
		_ = f.MarkHidden(hidden)
	}
}

// benchCommand makes the processes of arms.
func (a *app) benchCommand(base string, pages int) func(arm bench.Arm, concurrency int) *exec.Cmd {
	return func(arm bench.Arm, concurrency int) *exec.Cmd {
		args := []string{
			"bench", "--arm", string(arm.Level), "--arm-isolation", arm.Isolation, "--arm-frames", arm.Frames, "--arm-viewport", arm.Viewport, "--arm-base", base,
			"--arm-tabs", strconv.Itoa(concurrency), "--arm-marks", strconv.Itoa(arm.Marks), "--pages", strconv.Itoa(pages),
		}
		args = append(args, a.measuredSettings()...)
		for _, set := range arm.Set {
			args = append(args, "--set", set)
		}
		if arm.Level == bench.LevelWhole {
			args = append(args, "--set", "pool.tabs="+strconv.Itoa(concurrency), "--log-level", "error")
		}
		return selfCommand(args...)
	}
}

// selfCommand is this program as another process.
func selfCommand(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return exec.Command(self, args...)
}

// measuredSettings are the arguments by which a process that is measured has this one's settings. Where
// none was named, it finds its Chrome itself.
func (a *app) measuredSettings() []string {
	args := a.sameSettings(a.flags.browser)
	if a.flags.given["profile"] {
		args = append(args, "--set", "memory.profile="+a.flags.profile)
	}
	return args
}

// benchArm is the process of an arm: it makes a round whenever it is told to on standard input.
func (a *app) benchArm(ctx context.Context, stop *stopper, o benchOptions) error {
	signal.Ignore(syscall.SIGPIPE) // where whoever asked has died, the end is a regular one
	job, err := bench.NewJob(o.arm.base, o.pages, o.arm.tabs)
	if err != nil {
		return withCode(exitUsage, err)
	}
	job.Site.Isolation, job.Site.Frames = sites.Isolation(o.arm.isolation), sites.Frames(o.arm.frames)
	debug.FreeOSMemory() // what making the job took is not the arm's
	replies := bench.NewReplies(a.stdout)
	serve := func(ctx context.Context, arm bench.Runner) error {
		return bench.Serve(ctx, a.stdin, replies, arm, o.pages)
	}
	switch level := bench.Level(o.arm.level); level {
	case bench.LevelBare, bench.LevelCrawl:
		return a.benchLean(ctx, level, job, o.arm.viewport, serve)
	case bench.LevelWhole:
		return a.benchWhole(ctx, stop, &benchWorker{job: job, marks: o.arm.marks, mark: replies.Mark}, serve)
	}
	return usageErrorf("--arm: there is no arm %q", o.arm.level)
}

// benchLean is the process of an arm with less than a whole worker.
func (a *app) benchLean(ctx context.Context, level bench.Level, job *bench.Job, viewport string, serve func(context.Context, bench.Runner) error) (err error) {
	settings, err := a.config()
	if err != nil {
		return err
	}
	exe, err := a.findBrowser(settings)
	if err != nil {
		return err
	}
	launch := launchOptions(settings, exe)
	launch.Block = blockedByFlags([]*sites.Site{job.Site})
	if level == bench.LevelBare {
		arm, closeArm, err := bench.NewBare(ctx, bench.BareOptions{Launch: launch, Job: job, Collect: settings.Pool.GCPages, Viewport: viewport})
		if err != nil {
			return noBrowser(err)
		}
		return errors.Join(serve(ctx, arm), closeArm())
	}
	if job.Site.Isolation == "" {
		job.Site.Isolation = sites.IsolationTab // as the bare loop: the same tabs for all rounds
	}
	options := browser.PoolOptions{Launch: launch, Tabs: job.Site.Limits.Tabs}
	tend(&options, settings.Pool)
	pool := browser.NewPool(options)
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), settings.Timeouts.Close+poolGrace)
		defer cancel()
		err = errors.Join(err, pool.Close(closing))
	}()
	if job.Site.Isolation != sites.IsolationBrowser { // whose runs have a Chrome each
		if err := pool.Start(ctx); err != nil {
			return noBrowser(err)
		}
	}
	return serve(ctx, bench.NewCrawl(job, pool))
}

// noBrowser gives an error that means that no Chrome can be had its exit code.
func noBrowser(err error) error {
	if errors.Is(err, browser.ErrStart) {
		return withCode(exitNoBrowser, err)
	}
	return err
}

// benchWhole is the process of an arm that is a whole worker.
func (a *app) benchWhole(ctx context.Context, stop *stopper, w *benchWorker, serve func(context.Context, bench.Runner) error) (err error) {
	folder, err := newTemporary("ebb-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.remove()) }()
	o := rigOptions{
		sites: []*sites.Site{w.job.Site}, stop: stop, quiet: true,
		database: filepath.Join(folder.path, "ebb.db"), recordings: folder.path,
		onItems: w.saved, onEvent: w.event,
	}
	return a.withRig(ctx, o, func(ctx context.Context, r *rig) error {
		w.rig = r
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		working, stop := context.WithCancel(context.WithoutCancel(ctx))
		defer stop()
		ended := make(chan error, 1)
		go func() {
			err := r.worker.Run(working)
			cancel(fmt.Errorf("the worker has ended: %w", err))
			ended <- err
		}()
		err := serve(ctx, w)
		stop()
		r.worker.Force()
		return errors.Join(err, <-ended)
	})
}

// benchWorker makes rounds by a whole worker.
type benchWorker struct {
	job   *bench.Job
	rig   *rig
	marks int              // after how many pages mark is called; 0 is never
	mark  func(bench.Mark) // says how far the round is

	mu    sync.Mutex // owns what follows
	began time.Time  // of the round
	done  int
	check *bench.Checking
	watch *bench.Watch
}

// saved compares the items of a page, and keeps nothing of it.
func (w *benchWorker) saved(_ string, _ int64, page crawl.PageResult) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.check.Page(bench.Page{URL: page.URL, Items: page.Items})
	if w.done++; w.marks > 0 && w.done%w.marks == 0 {
		w.mark(bench.Mark{Pages: w.done, Took: time.Since(w.began)})
	}
}

// event takes what happens in the run.
func (w *benchWorker) event(e crawl.Event) {
	w.mu.Lock()
	watch := w.watch
	w.mu.Unlock()
	if watch != nil {
		watch.Event(e)
	}
}

// begin makes ready for a round.
func (w *benchWorker) begin() *bench.Watch {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.check, w.watch = w.job.Begin(), bench.NewWatch(w.job.Site.Limits.Tabs)
	w.began, w.done = time.Now(), 0
	return w.watch
}

// Round has the worker make one run, from the queue to its end there.
func (w *benchWorker) Round(ctx context.Context) (bench.Round, error) {
	watch := w.begin()
	began := time.Now()
	id, err := w.rig.worker.Queue().Enqueue(ctx, w.job.Site.Name)
	if err != nil {
		return bench.Round{}, err
	}
	run, err := w.rig.worker.Queue().Wait(ctx, id)
	if err != nil {
		return bench.Round{}, err
	}
	round := bench.Round{Pages: run.Pages.Done, Took: time.Since(began), Stages: watch.Stages()}
	if run.State != store.RunDone {
		return round, fmt.Errorf("the run is %s: %s", run.State, run.Error)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	round.Items, round.Wrong = w.check.End()
	return round, nil
}
