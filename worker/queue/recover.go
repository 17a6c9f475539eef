package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/ebbworker/ebb/worker/store"
)

// River itself takes up the job of a dead process only when the longest run could be
// over. So each process says every beatInterval that it lives, a resting one at half that
// pace, and the others take up the jobs of one that is dead: at once if they can see that
// its process is gone, or after deadAfter without a sign of life.

const (
	beatInterval = 5 * time.Second
	deadAfter    = 30 * time.Second
)

// watch is what a process has seen of the others. It compares no clocks but its own.
type watch struct {
	seen map[string]sighting
	// lost are jobs that are running by the books of this process but not in it, as the
	// last beat saw it.
	lost map[int64]bool
}

// sighting is a beat of a worker and when this process first saw it.
type sighting struct {
	beat  int64
	since time.Time
}

// dead returns those of the workers that are dead.
func (w *watch) dead(self store.Worker, workers []store.Worker, now time.Time) map[string]bool {
	seen := map[string]sighting{}
	dead := map[string]bool{}
	for _, worker := range workers {
		s, known := w.seen[worker.ID]
		if !known || s.beat != worker.Beat {
			s = sighting{worker.Beat, now}
		}
		seen[worker.ID] = s
		if worker.ID == self.ID {
			continue
		}
		if gone(self, worker) || now.Sub(s.since) >= deadAfter {
			dead[worker.ID] = true
		}
	}
	w.seen = seen
	return dead
}

// beat says that this process lives, takes up what dead ones left, and mends what
// should not be. An error is reported and the next beat tries again.
func (e *engine[TTx]) beat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	known, err := e.store.Beat(ctx, e.self.ID)
	if err == nil && !known {
		// Others took this process for dead.
		err = e.store.Register(ctx, e.self, e.siteNames(), e.plans)
	}
	e.fault("say that this worker lives", err)
	e.fault("take up the jobs of dead workers", e.recoverJobs(ctx))
	e.fault("queue runs without a job", e.mend(ctx))
	e.fault("follow the schedules", e.syncPeriodic(ctx))
}

// recoverJobs takes up the jobs of dead workers and forgets these.
func (e *engine[TTx]) recoverJobs(ctx context.Context) error {
	// The jobs are listed before the workers: the worker of every job that is listed has
	// registered before.
	jobs, err := e.runningJobs(ctx)
	if err != nil {
		return err
	}
	workers, err := e.store.Workers(ctx)
	if err != nil {
		return err
	}
	dead := e.watch.dead(e.self, workers, time.Now())
	alive := map[string]bool{}
	for _, worker := range workers {
		alive[worker.ID] = !dead[worker.ID]
	}
	lost := map[int64]bool{}
	for _, job := range jobs {
		switch own := owner(job) == e.self.ID; {
		case own && e.atWork.has(job.ID):
		case own && !e.watch.lost[job.ID]:
			lost[job.ID] = true // it may have been fetched, or ended, this very moment
		case own || !alive[owner(job)]:
			err = errors.Join(err, e.takeUp(ctx, job))
		}
	}
	e.watch.lost = lost
	if err != nil {
		return err
	}
	for id := range dead {
		if err := e.bury(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// runningJobs lists the jobs that are running by the books.
func (e *engine[TTx]) runningJobs(ctx context.Context) ([]*rivertype.JobRow, error) {
	params := river.NewJobListParams().First(10_000).States(rivertype.JobStateRunning).
		OrderBy(river.JobListOrderByID, river.SortOrderAsc)
	result, err := e.client.JobList(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("list the running jobs: %w", err)
	}
	return result.Jobs, nil
}

// takeUp ends a job that was left, and puts a fresh one in its place. It counts as no
// failure of the run's own.
func (e *engine[TTx]) takeUp(ctx context.Context, left *rivertype.JobRow) error {
	args, plan := runOf(left), planOf(left)
	reason := fmt.Sprintf("worker %s ended before the job did", owner(left))
	return e.inTx(ctx, func(ctx context.Context, tx store.Tx, raw TTx) error {
		if err := e.store.LockSite(ctx, tx, plan.Site); err != nil {
			return err
		}
		job, err := e.client.JobGetTx(ctx, raw, left.ID)
		if errors.Is(err, rivertype.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read job %d: %w", left.ID, err)
		}
		if job.State != rivertype.JobStateRunning || job.Attempt != left.Attempt || owner(job) != owner(left) {
			return nil // somebody else was faster
		}
		if args.Run == 0 {
			return e.replan(ctx, raw, job, plan, reason)
		}
		run, err := e.store.RunTx(ctx, tx, args.Run)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && run.State == store.RunRunning {
			return e.replaceJob(ctx, tx, raw, job, run, store.Again{Error: reason})
		}
		if err := e.endJob(ctx, raw, job, rivertype.JobStateCancelled, reason); err != nil {
			return err
		}
		return e.putJob(ctx, tx, raw, args.Site)
	})
}

// replan puts a fresh planning job in the place of one that was left.
func (e *engine[TTx]) replan(ctx context.Context, raw TTx, job *rivertype.JobRow, plan planArgs, reason string) error {
	if err := e.endJob(ctx, raw, job, rivertype.JobStateCancelled, reason); err != nil {
		return err
	}
	if _, err := e.client.InsertTx(ctx, raw, plan, &river.InsertOpts{Queue: planQueue, MaxAttempts: 10}); err != nil {
		return fmt.Errorf("plan %s again: %w", plan.Site, err)
	}
	return nil
}

// bury forgets a dead worker. If it led the others, they need not wait until its term is
// over.
func (e *engine[TTx]) bury(ctx context.Context, id string) error {
	return e.inTx(ctx, func(ctx context.Context, tx store.Tx, _ TTx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM river_leader WHERE leader_id = $1", id); err != nil {
			return fmt.Errorf("end the lead of worker %s: %w", id, err)
		}
		return e.store.Unregister(ctx, tx, id)
	})
}

// mend queues the runs of this process's sites that have lost their job: somebody
// deleted it, or it was ended without its run.
func (e *engine[TTx]) mend(ctx context.Context) error {
	names, err := e.store.UnfinishedSites(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if e.sites[name] == nil {
			continue
		}
		result, err := e.client.JobList(ctx, river.NewJobListParams().First(1).Kinds(scrapeArgs{}.Kind()).
			Queues(queueName(name)).States(unfinished...))
		if err != nil {
			return fmt.Errorf("look for the job of %s: %w", name, err)
		}
		if len(result.Jobs) > 0 {
			continue
		}
		err = e.inTx(ctx, func(ctx context.Context, tx store.Tx, raw TTx) error {
			if err := e.store.LockSite(ctx, tx, name); err != nil {
				return err
			}
			return e.putJob(ctx, tx, raw, name)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
