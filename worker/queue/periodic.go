package queue

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/robfig/cron/v3"

	"github.com/ebbworker/ebb/worker/store"
)

// periodic are the sites for which this process calls the planner when it leads: the
// scheduled sites of all workers, whichever process has them.
type periodic map[string]*periodicJob

type periodicJob struct {
	spec, timezone string
	times          cron.Schedule
	plannedTo      atomic.Pointer[time.Time] // as it was when the schedules were read last
	handle         rivertype.PeriodicJobHandle
}

// syncPeriodic makes River's periodic jobs those of the schedules in the database.
func (e *engine[TTx]) syncPeriodic(ctx context.Context) error {
	schedules, err := e.store.Schedules(ctx)
	if err != nil {
		return err
	}
	if e.planned == nil {
		e.planned = periodic{}
	}
	wanted := map[string]store.Schedule{}
	for _, schedule := range schedules {
		wanted[schedule.Site] = schedule
	}
	for site, job := range e.planned {
		if schedule, found := wanted[site]; !found || schedule.Spec != job.spec || schedule.Timezone != job.timezone {
			e.client.PeriodicJobs().Remove(job.handle)
			delete(e.planned, site)
		}
	}
	for site, schedule := range wanted {
		if job, found := e.planned[site]; found {
			job.plannedTo.Store(&schedule.PlannedTo)
			continue
		}
		times, err := cronOf(schedule)
		if err != nil {
			return fmt.Errorf("schedule of %s: %w", site, err) // another version of the program wrote it
		}
		job := &periodicJob{spec: schedule.Spec, timezone: schedule.Timezone, times: times}
		job.plannedTo.Store(&schedule.PlannedTo)
		job.handle, err = e.client.PeriodicJobs().AddSafely(river.NewPeriodicJob(forward{times}, func() (river.JobArgs, *river.InsertOpts) {
			if !job.mayBeDue(time.Now()) {
				return nil, nil // each time a process begins to lead
			}
			return planArgs{Site: site}, &river.InsertOpts{Queue: planQueue, MaxAttempts: 10}
		}, &river.PeriodicJobOpts{RunOnStart: true}))
		if err != nil {
			return fmt.Errorf("schedule %s: %w", site, err)
		}
		e.planned[site] = job
	}
	return nil
}

// next is the first time that is not planned yet; zero where there is none.
func (p *periodicJob) next(now time.Time) time.Time {
	if planned := *p.plannedTo.Load(); planned.Before(now) {
		return p.times.Next(planned)
	}
	return p.times.Next(now) // the clock was set back: the planner says what comes of it
}

// mayBeDue tells whether there may be something to plan: River calls a moment early.
func (p *periodicJob) mayBeDue(now time.Time) bool {
	next := p.next(now)
	return !p.plannedTo.Load().Before(now) || !next.IsZero() && !next.After(now.Add(time.Second))
}

// forward is a schedule that leaves out the times that have passed: after a standstill
// the planner is called once, not once for each of them.
type forward struct{ cron.Schedule }

// Next implements river.PeriodicSchedule.
func (f forward) Next(current time.Time) time.Time {
	next := f.Schedule.Next(current)
	if now := time.Now(); !next.IsZero() && next.Before(now.Add(-time.Second)) {
		next = f.Schedule.Next(now)
	}
	if next.IsZero() {
		return current.AddDate(100, 0, 0)
	}
	return next
}
