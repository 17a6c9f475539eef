// Package queue fires each site's schedule once and runs its job until it is done.
//
// The table of runs (package store) says what is to be done; a job of River is one
// attempt at one run, and is never made a second time: an attempt that fails, is
// interrupted or loses its process ends its own job and puts a fresh one into the queue,
// in the same transaction that records it in the run. So a job that comes back from the
// dead can only touch its own row, and the number of attempts has no limit but the one
// that a run's own failures set.
//
// Each site has a queue of its own in River, with one unfinished job at most, over all
// processes on the database: that is the rule that runs of a site do not overlap.
package queue

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
)

var (
	// ErrUnknownSite is returned for a site that no worker on the database has.
	ErrUnknownSite = errors.New("no worker has this site")
	// ErrNotFound is returned for a job that does not exist.
	ErrNotFound = errors.New("no such job")
	// ErrAside is what a Handler returns to leave a run to another worker: it goes back into the
	// queue as if the worker had stopped, and costs no attempt.
	ErrAside = errors.New("left to another worker")
)

// Engine plans and works the runs of some sites. Its methods are safe for concurrent
// use; Enqueue, Wait, Jobs, Requeue and RequeueJob need no Run.
type Engine interface {
	// Run plans and works until ctx ends; then it starts nothing more, lets the runs at
	// work finish for as long as Options.Grace, interrupts those that do not, and
	// returns. Interrupted runs go on when a worker starts. It can be called once.
	Run(ctx context.Context) error
	// Self is this process as other workers know it, once Run or Once has begun.
	Self() store.Worker
	// Force ends the grace: runs at work are interrupted at once.
	Force()
	// Once runs each of the named sites one time and returns the runs when all have
	// ended, in the order of the names. It plans nothing. It takes the place of Run. If
	// ctx ends first, the runs are ended where they are: what they took is kept.
	Once(ctx context.Context, siteNames ...string) ([]store.Run, error)
	// Enqueue records a run of a site that is to begin now, and returns its ID once it
	// is stored. A run of the site that is at work is waited for. It returns
	// ErrUnknownSite for a site that neither this nor another worker has.
	Enqueue(ctx context.Context, site string) (int64, error)
	// Wait returns a run when it has ended.
	Wait(ctx context.Context, run int64) (store.Run, error)
	// Jobs lists jobs, the latest first.
	Jobs(ctx context.Context, filter JobFilter) ([]Job, error)
	// Job returns one job, or ErrNotFound.
	Job(ctx context.Context, id int64) (Job, error)
	// Requeue puts a run that failed, wholly or in part, back into the queue. It goes on
	// from its unvisited pages and visits its failed ones anew.
	Requeue(ctx context.Context, run int64) error
	// RequeueJob does the same for the run of a job, or returns ErrNotFound.
	RequeueJob(ctx context.Context, job int64) error
}

// Handler works one attempt at a run. ctx ends when the site's timeout is over or the
// worker stops; the handler must return soon after. An error is a fault of the worker:
// class internal, unless the outcome says another. When ctx was ended, what the handler
// returns is of no account unless it is RunDone.
type Handler func(ctx context.Context, run Run) (Outcome, error)

// Run is one attempt at a run of a site.
type Run struct {
	store.Run
	// Journal takes the attempt's steps.
	Journal crawl.Journal
	// State is what earlier attempts left.
	State crawl.State
	// OneTab says that a page of the site was killed for want of memory not long ago: the attempt
	// is to visit one page at a time.
	OneTab bool
}

// Outcome is what came of an attempt.
type Outcome struct {
	// State is store.RunDone, store.RunPartial (some pages failed for good: nothing is
	// tried again) or store.RunFailed (the whole run failed, and may be tried again).
	State store.RunState
	// Class and Error say why it failed.
	Class crawl.Class
	Error string
	// RetryAfter is how long the host asks to be left alone. Default: 0, it does not say.
	RetryAfter time.Duration
	// With is what the handler has to tell of the attempt beside: OnEnd is told of it, whatever the
	// engine makes of the rest. Default: nil.
	With any
}

// Ended tells of the end of an attempt.
type Ended struct {
	// Run is the run as it is stored now: planned if there will be another attempt, not
	// before its NotBefore.
	Run     store.Run
	Outcome Outcome
	// Interrupted tells that the attempt ended because the worker stops.
	Interrupted bool
	// Duration is how long the attempt took.
	Duration time.Duration
}

// Options configure an Engine.
type Options struct {
	// Sites are those that this process works. Default: none; then only Enqueue, Wait,
	// Jobs, Requeue and RequeueJob can be used.
	Sites []*sites.Site
	// Handler works a run. It must be set where there are Sites.
	Handler Handler
	// Runs is the largest number of runs at work at once in this process. Default: 4.
	Runs int
	// Ready is closed when runs may begin: none does before, and Once asks for none. Default: nil, at once.
	Ready <-chan struct{}
	// Admit waits until a run may begin; what it returns is called when the attempt has ended. The run is
	// still planned meanwhile: it takes none of Runs, none of its site's timeout, and may be done by
	// nobody else. ctx ends when the worker stops: the run then stays in the queue. Default: nil, every
	// run may begin.
	Admit func(ctx context.Context, site string, run int64) (ended func(), err error)
	// Grace is how long runs at work may go on after the worker was told to stop.
	// Default: 30s.
	Grace time.Duration
	// Margin is how long a handler may take to return after its context ended. Then it is
	// left behind: nothing that it still does is recorded. Default: 30s.
	Margin time.Duration
	// Retries say how failed runs are tried again, by class. Default: those of
	// DefaultRetries for every class that is not in it.
	Retries map[crawl.Class]Retry
	// ForgetKills remembers nothing of pages that were killed for want of memory: every run begins
	// as the one before, and no site is set aside. Default: false.
	ForgetKills bool
	// Logger takes what River says. Default: nothing is logged.
	Logger *slog.Logger
	// OnEnd is told of the end of each attempt, after it was stored. It must not block.
	// Default: none.
	OnEnd func(Ended)
	// OnFault is told of errors that nobody is waiting for; the engine goes on. It must
	// not block. Default: none.
	OnFault func(error)
}

func (o Options) withDefaults() Options {
	if o.Runs <= 0 {
		o.Runs = 4
	}
	if o.Grace <= 0 {
		o.Grace = 30 * time.Second
	}
	if o.Margin <= 0 {
		o.Margin = 30 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Ready == nil {
		ready := make(chan struct{})
		close(ready)
		o.Ready = ready
	}
	if o.Admit == nil {
		o.Admit = func(context.Context, string, int64) (func(), error) { return func() {}, nil }
	}
	if o.OnEnd == nil {
		o.OnEnd = func(Ended) {}
	}
	if o.OnFault == nil {
		o.OnFault = func(error) {}
	}
	return o
}

// Open returns an engine on a store. Nothing is started, and there is nothing to close.
func Open(s *store.Store, options Options) (Engine, error) {
	if db := s.SQLite(); db != nil {
		return newEngine(s, db, options)
	}
	return newEngine(s, s.Postgres(), options)
}
