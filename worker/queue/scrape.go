package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
)

// scrapeWorker makes one attempt at a run.
type scrapeWorker[TTx any] struct {
	river.WorkerDefaults[scrapeArgs]
	engine *engine[TTx]
}

// Timeout leaves the limit of time to Work: it begins when the run does, and a handler
// that does not obey it is left behind.
func (w *scrapeWorker[TTx]) Timeout(*river.Job[scrapeArgs]) time.Duration { return -1 }

// readyInterval is after how long a job is looked at again that came before runs may begin.
const readyInterval = time.Second

// Work implements river.Worker. When it returns nil, the job has been ended in the
// transaction that recorded the attempt.
func (w *scrapeWorker[TTx]) Work(ctx context.Context, job *river.Job[scrapeArgs]) error {
	e := w.engine
	if !e.atWork.add(job.ID) {
		return river.JobSnooze(0) // the worker lies down to rest
	}
	defer e.atWork.remove(job.ID)
	if !isClosed(e.options.Ready) {
		return river.JobSnooze(readyInterval) // another process may be ready
	}
	ended, err := e.admit(ctx, job.Args)
	switch {
	case err == nil:
		defer ended()
	case ctx.Err() == nil:
		return river.JobSnooze(0) // for another process, or this one's next life
	} // a job that was cancelled goes on, to be ended
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-e.draining:
		return river.JobSnooze(0)
	}
	select {
	case <-e.draining: // both were ready
		return river.JobSnooze(0)
	default:
	}
	site := e.sites[job.Args.Site]
	if site == nil {
		return river.JobCancel(fmt.Errorf("this worker has no site %s", job.Args.Site))
	}
	run, begun, err := e.begin(ctx, job)
	if err != nil {
		e.fault(fmt.Sprintf("begin run %d of %s", job.Args.Run, job.Args.Site), err)
		return river.JobSnooze(5 * time.Second)
	}
	if !begun {
		return nil
	}
	start := time.Now()
	result := e.attempt(ctx, site, run)
	err = e.finish(ctx, job, run.Run, result, start)
	if result.why == asideWhy {
		e.standAside()
	}
	return err
}

// asideFor is how long a run that was left to others is theirs alone: on SQLite they look each quarter of a second,
// while this process hears of its own jobs at once, and would take the run again and again.
const asideFor = 2 * time.Second

// standAside takes no further run of the site for a moment, unless the worker stops: its queue has one job at a time.
func (e *engine[TTx]) standAside() {
	timer := time.NewTimer(e.aside)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-e.draining:
	}
}

// admit waits until the run may begin, or the worker stops.
func (e *engine[TTx]) admit(ctx context.Context, args scrapeArgs) (ended func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-e.draining:
			cancel()
		case <-ctx.Done():
		}
	}()
	return e.options.Admit(ctx, args.Site, args.Run)
}

// begin claims the run for this attempt. It returns false, and has ended the job, if
// there is nothing to do: the run has ended.
func (e *engine[TTx]) begin(ctx context.Context, job *river.Job[scrapeArgs]) (begun Run, found bool, err error) {
	err = e.inTx(ctx, func(ctx context.Context, tx store.Tx, raw TTx) error {
		if err := e.store.LockSite(ctx, tx, job.Args.Site); err != nil {
			return err
		}
		run, err := e.store.RunTx(ctx, tx, job.Args.Run)
		if err != nil {
			return err
		}
		if found = !run.State.Finished(); !found {
			return e.completeJob(ctx, tx, raw, job)
		}
		if run.State == store.RunRunning {
			// A site has one unfinished job, and it is this one: whoever was at the run is gone.
			if err := e.store.Release(ctx, tx, run.ID, run.Attempt, store.Again{}); err != nil {
				return err
			}
		}
		if begun.OneTab, err = e.oneTab(ctx, tx, run.Site); err != nil {
			return err
		}
		begun.Run, err = e.store.Claim(ctx, tx, run.ID, e.self.ID)
		return err
	})
	return begun, found, err
}

// completeJob ends a job that succeeded, and queues what comes next.
func (e *engine[TTx]) completeJob(ctx context.Context, tx store.Tx, raw TTx, job *river.Job[scrapeArgs]) error {
	if _, err := river.JobCompleteTx[jobDriver[TTx]](ctx, raw, job); err != nil {
		return fmt.Errorf("complete job %d: %w", job.ID, err)
	}
	return e.putJob(ctx, tx, raw, job.Args.Site)
}

// result is how an attempt ended, as the engine sees it.
type result struct {
	outcome Outcome
	// interrupted: the worker stops, or leaves the run to another, and it is to go on another time.
	interrupted bool
	// why says why it was interrupted. Default: the worker stopped.
	why string
	// cancelled: somebody cancelled the job; the run is given up.
	cancelled bool
}

// asideWhy is why a run that was left to others was interrupted.
var asideWhy = ErrAside.Error()

// errTimeout ends the context of a run that takes too long.
var errTimeout = errors.New("the run took longer than its timeout")

// attempt lets the handler work, for as long as the site's timeout allows.
func (e *engine[TTx]) attempt(ctx context.Context, site *sites.Site, run Run) result {
	work, cancel := context.WithTimeoutCause(ctx, time.Duration(site.Timeout), errTimeout)
	defer cancel()
	var err error
	if run.State, err = e.store.State(work, run.ID); err != nil {
		return e.judge(ctx, work, site, Outcome{}, err)
	}
	run.State.Killed = run.Killed > 0
	run.Journal = e.store.Journal(run.ID, run.Attempt)
	type returned struct {
		outcome Outcome
		err     error
	}
	done := make(chan returned, 1)
	judge := func(r returned) result {
		judged := e.judge(ctx, work, site, r.outcome, r.err)
		judged.outcome.With = r.outcome.With
		return judged
	}
	go func() {
		var r returned
		defer func() {
			if fault := recover(); fault != nil {
				r = returned{Outcome{}, fmt.Errorf("panic: %v\n%s", fault, debug.Stack())}
			}
			done <- r
		}()
		r.outcome, r.err = e.options.Handler(work, run)
	}()
	select {
	case r := <-done:
		return judge(r)
	case <-work.Done():
	}
	margin := time.NewTimer(e.options.Margin)
	defer margin.Stop()
	select {
	case r := <-done:
		return judge(r)
	case <-margin.C:
		err := fmt.Errorf("%w; it did not return within %v and was left behind", context.Cause(work), e.options.Margin)
		e.fault(fmt.Sprintf("run %d of %s", run.ID, run.Site), err)
		return e.judge(ctx, work, site, Outcome{}, err)
	}
}

// judge says what to make of what the handler returned. ctx is the job's, work the
// handler's context.
func (e *engine[TTx]) judge(ctx, work context.Context, site *sites.Site, outcome Outcome, err error) result {
	succeeded := err == nil && (outcome.State == store.RunDone || outcome.State == store.RunPartial)
	switch {
	case succeeded && (outcome.State == store.RunDone || work.Err() == nil):
		return result{outcome: outcome}
	case errors.Is(context.Cause(ctx), rivertype.ErrJobCancelledRemotely):
		return result{outcome: Outcome{State: store.RunFailed, Error: "cancelled"}, cancelled: true}
	case ctx.Err() != nil:
		return result{outcome: outcome, interrupted: true}
	case errors.Is(err, ErrAside):
		return result{interrupted: true, why: asideWhy}
	case work.Err() != nil:
		outcome = Outcome{Class: crawl.ClassTimeout, Error: fmt.Sprintf("%v of %v", errTimeout, time.Duration(site.Timeout))}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			outcome.Error += ": " + err.Error()
		}
	case err != nil:
		outcome.Error = err.Error()
	case outcome.State != store.RunFailed:
		outcome.Error = "the handler did not say how the run ended"
	}
	if outcome.Class == crawl.ClassNone {
		outcome.Class = crawl.ClassInternal
	}
	outcome.State = store.RunFailed
	return result{outcome: outcome}
}

// finish records how the attempt ended and ends its job, in one transaction. It tries
// for two minutes: a database that is away may come back.
func (e *engine[TTx]) finish(ctx context.Context, job *river.Job[scrapeArgs], run store.Run, r result, start time.Time) error {
	end := Ended{Outcome: r.outcome, Interrupted: r.interrupted, Duration: time.Since(start)}
	record := func() (store.Run, error) {
		var after store.Run
		err := e.inTx(ctx, func(ctx context.Context, tx store.Tx, raw TTx) (err error) {
			after, err = e.record(ctx, tx, raw, job, run, r)
			return err
		})
		if errors.Is(err, store.ErrSuperseded) {
			after, err = e.recorded(ctx, run)
		}
		if errors.Is(err, store.ErrSuperseded) || err != nil && e.isForced() {
			err = backoff.Permanent(err)
		}
		return after, err
	}
	after, err := backoff.Retry(context.WithoutCancel(ctx), record, backoff.WithBackOff(backoff.NewExponentialBackOff()),
		backoff.WithMaxElapsedTime(2*time.Minute),
		backoff.WithNotify(func(err error, _ time.Duration) { e.fault(fmt.Sprintf("record the end of run %d", run.ID), err) }))
	e.announce.tell()
	switch {
	case errors.Is(err, store.ErrSuperseded):
		// Another process holds this one for dead and has taken the run and ended this job:
		// there is nothing left to record, and nothing of the other's that this return can touch.
		e.fault(fmt.Sprintf("record the end of run %d of %s", run.ID, run.Site), err)
		return nil
	case err != nil:
		// The job stays as it is; beat finds it and takes it up again.
		return fmt.Errorf("record the end of run %d: %w", run.ID, err)
	}
	end.Run = after
	e.options.OnEnd(end)
	return nil
}

// recorded returns the run if this attempt's end was stored after all, by a transaction
// whose answer was lost; else ErrSuperseded.
func (e *engine[TTx]) recorded(ctx context.Context, run store.Run) (store.Run, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), databaseTimeout)
	defer cancel()
	after, err := e.store.Run(ctx, run.ID)
	if err == nil && (after.Attempt != run.Attempt || after.State == store.RunRunning || after.Worker != e.self.ID) {
		err = store.ErrSuperseded
	}
	return after, err
}

// record is the transaction of finish.
func (e *engine[TTx]) record(ctx context.Context, tx store.Tx, raw TTx, job *river.Job[scrapeArgs], run store.Run, r result) (store.Run, error) {
	if err := e.store.LockSite(ctx, tx, run.Site); err != nil {
		return store.Run{}, err
	}
	outcome := r.outcome
	ending := store.Ending{State: outcome.State, Failed: outcome.State == store.RunFailed, Class: outcome.Class, Error: outcome.Error}
	if outcome.State != store.RunFailed && !r.interrupted {
		after, err := e.store.Publish(ctx, tx, run.ID, run.Attempt, ending)
		if err == nil {
			err = e.noteMemory(ctx, tx, after, false)
		}
		if err != nil {
			return store.Run{}, err
		}
		return after, e.completeJob(ctx, tx, raw, job)
	}
	again := store.Again{Failed: true, Class: outcome.Class, Error: outcome.Error}
	wait, retry := time.Duration(0), false
	switch {
	case r.interrupted:
		again, retry = store.Again{Error: cmp.Or(r.why, "the worker stopped")}, true
	case !r.cancelled && !e.hopeless(r):
		wait, retry = pause(e.options.Retries, outcome, run.Failures+1)
	}
	if !retry {
		after, err := e.store.Publish(ctx, tx, run.ID, run.Attempt, ending)
		if err == nil {
			err = e.noteMemory(ctx, tx, after, e.hopeless(r))
		}
		if err == nil {
			err = e.endJob(ctx, raw, job.JobRow, rivertype.JobStateDiscarded, outcome.Error)
		}
		if err == nil {
			err = e.putJob(ctx, tx, raw, run.Site)
		}
		return after, err
	}
	if wait > 0 {
		now, err := e.store.Now(ctx, tx)
		if err != nil {
			return store.Run{}, err
		}
		again.NotBefore = now.Add(wait)
	}
	if err := e.replaceJob(ctx, tx, raw, job.JobRow, run, again); err != nil {
		return store.Run{}, err
	}
	return e.store.RunTx(ctx, tx, run.ID)
}

// replaceJob ends an attempt and its job, and queues the next one.
func (e *engine[TTx]) replaceJob(ctx context.Context, tx store.Tx, raw TTx, job *rivertype.JobRow, run store.Run, again store.Again) error {
	if err := e.store.Release(ctx, tx, run.ID, run.Attempt, again); err != nil {
		return err
	}
	if err := e.endJob(ctx, raw, job, rivertype.JobStateCancelled, again.Error); err != nil {
		return err
	}
	return e.putJob(ctx, tx, raw, run.Site)
}
