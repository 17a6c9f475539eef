package queue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// A client of River wakes many times a second, whether there are jobs or not: its completer twenty times, each
// queue's producer some times a minute. So a worker that has had nothing to do for a time, and will have nothing
// for longer, stops its client and rests: it goes on beating, and looks each second whether there is a job. It
// starts the client again before the next one is due, or the next schedule fires: times are planned by River's
// periodic jobs alone.

// restTimes say when a worker rests.
type restTimes struct {
	// after is how long nothing was at work.
	after time.Duration
	// least is for how long nothing will be due.
	least time.Duration
	// ahead is how long before something is due the client is started: the one that leads begins to plan some
	// two seconds later.
	ahead time.Duration
	// look is the time between two looks for jobs, and beat that between two beats, while it rests.
	look, beat time.Duration
}

func defaultRest() restTimes {
	return restTimes{after: 10 * time.Second, least: 2 * time.Minute, ahead: 5 * time.Second, look: time.Second, beat: 2 * beatInterval}
}

// work beats and rests until stopped is closed. The client has been started.
func (e *engine[TTx]) work(ctx context.Context, stopped <-chan struct{}) {
	resting, asked, beaten := false, false, time.Now()
	timer := time.NewTimer(min(beatInterval, e.rest.after))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			asked = false
		case <-e.asked:
			if asked = resting; !asked {
				continue
			}
		case <-stopped:
			return
		}
		if !resting || time.Since(beaten) >= e.rest.beat {
			e.beat(ctx)
			beaten = time.Now()
		}
		if resting {
			resting = !asked && !e.isDue(ctx, e.rest.ahead) || !e.rise(ctx)
		} else {
			resting = e.mayRest(ctx) && e.lieDown(ctx)
		}
		if resting {
			timer.Reset(e.rest.look)
		} else {
			timer.Reset(min(beatInterval, e.rest.after))
		}
	}
}

// ask wakes this process for a job that it has just queued itself.
func (e *engine[TTx]) ask(site string) {
	if e.sites[site] == nil {
		return
	}
	select {
	case e.asked <- struct{}{}:
	default:
	}
}

// mayRest tells whether nothing has been at work for long enough, and will not be.
func (e *engine[TTx]) mayRest(ctx context.Context) bool {
	if !isClosed(e.options.Ready) || e.atWork.idle() < e.rest.after || e.isDue(ctx, e.rest.least) {
		return false
	}
	running, err := e.runningJobs(ctx) // it may have been fetched this very moment
	return err == nil && !slices.ContainsFunc(running, func(job *rivertype.JobRow) bool { return owner(job) == e.self.ID })
}

// isDue tells whether a scheduled time that is not planned yet, or a job of this process's queues, comes within a
// time, or may: while the database cannot be asked, nothing changes. The beats tell of that.
func (e *engine[TTx]) isDue(ctx context.Context, within time.Duration) bool {
	now := time.Now()
	until := now.Add(within)
	for _, job := range e.planned {
		if next := job.next(now); !next.IsZero() && !next.After(until) {
			return true
		}
	}
	stamp := e.db.Stamp()
	if stamp == nil || stamp != e.waits.stamp || now.Sub(e.waits.asked) >= e.rest.beat {
		first, err := e.firstJob(ctx)
		if err != nil {
			return !e.atWork.isClosed()
		}
		e.waits = waiting{first, stamp, now}
	}
	return !e.waits.first.IsZero() && !e.waits.first.After(until)
}

// waiting is what is known of the jobs that wait.
type waiting struct {
	first time.Time // when the first is due; zero where there is none
	stamp any       // of the database
	asked time.Time
}

// firstJob is when the first of the jobs that wait in the queues of this process is due; zero where there is none.
func (e *engine[TTx]) firstJob(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	result, err := e.client.JobList(ctx, river.NewJobListParams().First(1).Queues(e.queues...).
		States(rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateScheduled).
		OrderBy(river.JobListOrderByScheduledAt, river.SortOrderAsc))
	if err != nil || len(result.Jobs) == 0 {
		return time.Time{}, err
	}
	if result.Jobs[0].State == rivertype.JobStateAvailable {
		return time.Now(), nil // whatever the clock of the database says
	}
	return result.Jobs[0].ScheduledAt, nil
}

// lieDown stops the client, unless a job is at work or the worker stops. A job that is fetched at that moment
// goes back into the queue.
func (e *engine[TTx]) lieDown(ctx context.Context) bool {
	e.turning.Lock()
	defer e.turning.Unlock()
	if e.isDraining() || !e.atWork.close() {
		return false
	}
	if err := e.halt(ctx); err != nil {
		e.fault("let the queue rest", err) // it may yet stop; rise waits for that
	}
	return true
}

// rise starts the client again, unless the worker stops, or the database does not answer: the client would wait
// for that without bound.
func (e *engine[TTx]) rise(ctx context.Context) bool {
	if _, err := e.firstJob(ctx); err != nil {
		e.fault("start the queue after a rest", err)
		return false
	}
	e.turning.Lock()
	defer e.turning.Unlock()
	if e.isDraining() {
		return false
	}
	err := e.halt(ctx)
	if err == nil {
		e.atWork.open()
		err = e.client.Start(ctx)
	}
	if err != nil {
		e.fault("start the queue after a rest", err)
		return false
	}
	return true
}

// halt waits until the client has stopped.
func (e *engine[TTx]) halt(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	if err := e.client.Stop(ctx); err != nil {
		return fmt.Errorf("stop River's client: %w", err)
	}
	return nil
}
