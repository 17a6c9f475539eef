package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/store"
)

// engine is Engine on one kind of database.
type engine[TTx any] struct {
	used    atomic.Bool // Run or Once was called
	store   *store.Store
	db      store.DB[TTx]
	options Options
	sites   map[string]*sites.Site
	queues  []string // of River, that this process works
	self    store.Worker
	rest    restTimes
	aside   time.Duration // how long a run that was left to others is theirs alone
	client  *river.Client[TTx]

	slots    chan struct{} // holds one for each run at work
	draining chan struct{} // closed when no run may be begun any more
	force    chan struct{} // closed by Force
	forced   sync.Once
	turning  sync.Mutex    // held while the client is stopped for a rest or started after it
	asked    chan struct{} // holds one when this process has queued a job of its own

	plans    bool        // schedules fire; owned by the goroutine of Run
	planned  periodic    // owned by the goroutine of Run
	waits    waiting     // owned by the goroutine of Run
	watch    watch       // owned by the goroutine of Run
	atWork   *jobSet     // has its own lock
	announce broadcaster // has its own lock
}

// databaseTimeout bounds a transaction of the engine's own.
const databaseTimeout = 30 * time.Second

func newEngine[TTx any](s *store.Store, db store.DB[TTx], options Options) (Engine, error) {
	options = options.withDefaults()
	if len(options.Sites) > 0 && options.Handler == nil {
		return nil, errors.New("open the queue: there are sites but no handler for their runs")
	}
	e := &engine[TTx]{
		store: s, db: db, options: options, sites: map[string]*sites.Site{}, self: thisProcess(), rest: defaultRest(), aside: asideFor,
		slots: make(chan struct{}, options.Runs), draining: make(chan struct{}), force: make(chan struct{}),
		asked: make(chan struct{}, 1), atWork: newJobSet(),
	}
	queues := map[string]river.QueueConfig{}
	for _, site := range options.Sites {
		if e.sites[site.Name] != nil {
			return nil, fmt.Errorf("open the queue: there are two sites named %s", site.Name)
		}
		e.sites[site.Name] = site
		queues[queueName(site.Name)] = river.QueueConfig{MaxWorkers: 1}
	}
	config := &river.Config{
		ID:                e.self.ID,
		FetchPollInterval: pollInterval(len(queues)),
		// River does not rescue jobs: see recover.go.
		RescueStuckJobsAfter: 10 * 365 * 24 * time.Hour,
		// The history is in the table of runs.
		CompletedJobRetentionPeriod: time.Hour,
		CancelledJobRetentionPeriod: 24 * time.Hour,
		DiscardedJobRetentionPeriod: 30 * 24 * time.Hour,
		SoftStopTimeout:             options.Grace,
		Logger:                      options.Logger,
		Workers:                     river.NewWorkers(),
	}
	if len(queues) > 0 {
		queues[planQueue] = river.QueueConfig{MaxWorkers: 4, FetchPollInterval: planPollInterval}
		config.Queues = queues
		e.queues = slices.Sorted(maps.Keys(queues))
	}
	river.AddWorker(config.Workers, &scrapeWorker[TTx]{engine: e})
	river.AddWorker(config.Workers, &planWorker[TTx]{engine: e})
	client, err := river.NewClient(db.Driver(), config)
	if err != nil {
		return nil, fmt.Errorf("open the queue: %w", err)
	}
	e.client = client
	return e, nil
}

// pollInterval is the time between two looks of a queue for new jobs. Each is announced to all processes, so
// polling is for the rare one that was announced before it was due, or put back by a process that stops.
// Many queues poll less often, from 50 on every 30 seconds: each look wakes what sleeps otherwise.
func pollInterval(queues int) time.Duration {
	return min(max(time.Second, time.Duration(queues)*600*time.Millisecond), 30*time.Second)
}

// planPollInterval is that of the queue of the schedules.
const planPollInterval = 5 * time.Second

// siteNames are the names of the sites of this process, in order.
func (e *engine[TTx]) siteNames() []string { return slices.Sorted(maps.Keys(e.sites)) }

// Run implements Engine.
func (e *engine[TTx]) Run(ctx context.Context) error {
	e.plans = true
	return e.run(ctx, func() error { return e.setSchedules(ctx) })
}

// Self implements Engine.
func (e *engine[TTx]) Self() store.Worker { return e.self }

// Force implements Engine.
func (e *engine[TTx]) Force() { e.forced.Do(func() { close(e.force) }) }

func (e *engine[TTx]) isForced() bool { return isClosed(e.force) }

func (e *engine[TTx]) isDraining() bool { return isClosed(e.draining) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// run works until ctx ends. prepare is called when the worker is known to the others but
// has not begun.
func (e *engine[TTx]) run(ctx context.Context, prepare func() error) error {
	if len(e.sites) == 0 {
		return errors.New("run the queue: there is no site")
	}
	if e.used.Swap(true) {
		return errors.New("run the queue: an engine works once; open another")
	}
	if err := e.store.Register(ctx, e.self, e.siteNames(), e.plans); err != nil {
		return err
	}
	// The worker is known until the last of its jobs is put back, whatever ends it.
	after := context.WithoutCancel(ctx)
	defer e.unregister(after)
	if err := prepare(); err != nil {
		return err
	}
	// What a dead process left is taken up before anything else.
	e.beat(ctx)
	if err := e.client.Start(after); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		e.stop(ctx)
	}()
	e.work(after, stopped)
	return nil
}

// stop waits for the end of ctx and ends all work, which River cuts short after the
// grace.
func (e *engine[TTx]) stop(ctx context.Context) {
	after := context.WithoutCancel(ctx)
	select {
	case <-ctx.Done():
	case <-e.force:
	}
	e.turning.Lock()
	close(e.draining) // from now on the client is not started again
	e.turning.Unlock()
	done := make(chan error, 1)
	go func() { done <- e.client.Stop(after) }()
	select {
	case err := <-done:
		e.fault("stop the queue", err)
	case <-e.force:
		e.fault("stop the queue", e.client.StopAndCancel(after))
		<-done
	}
}

// unregister takes this worker off the list.
func (e *engine[TTx]) unregister(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	e.fault("leave the list of workers", e.store.InTx(ctx, func(tx store.Tx) error {
		return e.store.Unregister(ctx, tx, e.self.ID)
	}))
}

// fault reports an error that nobody is waiting for.
func (e *engine[TTx]) fault(doing string, err error) {
	if err != nil {
		e.options.OnFault(fmt.Errorf("%s: %w", doing, err))
	}
}

// inTx is DB.InTx with a limit of time, not ended by the end of ctx's work.
func (e *engine[TTx]) inTx(ctx context.Context, do func(ctx context.Context, tx store.Tx, raw TTx) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), databaseTimeout)
	defer cancel()
	return e.db.InTx(ctx, func(tx store.Tx, raw TTx) error { return do(ctx, tx, raw) })
}

// jobSet is the set of River's jobs that this process is at.
type jobSet struct {
	mu     sync.Mutex
	ids    map[int64]bool
	closed bool
	since  time.Time // when it was last opened or touched, or a job ended
}

func newJobSet() *jobSet { return &jobSet{ids: map[int64]bool{}, since: time.Now()} }

// add tells whether the job may be begun: none is while the set is closed.
func (s *jobSet) add(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.ids[id] = true
	return true
}

func (s *jobSet) remove(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ids, id)
	s.since = time.Now()
}

// close closes the set if it is empty, and tells whether it did.
func (s *jobSet) close() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = len(s.ids) == 0
	return s.closed
}

func (s *jobSet) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *jobSet) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.since = false, time.Now()
}

// touch has idle begin anew.
func (s *jobSet) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = time.Now()
}

// idle is for how long there has been no job.
func (s *jobSet) idle() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ids) > 0 {
		return 0
	}
	return time.Since(s.since)
}

func (s *jobSet) has(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids[id]
}

// broadcaster wakes everybody who waits for the end of an attempt.
type broadcaster struct {
	mu   sync.Mutex
	next chan struct{}
}

// wait returns a channel that the next tell closes.
func (b *broadcaster) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *broadcaster) tell() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}
