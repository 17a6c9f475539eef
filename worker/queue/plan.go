package queue

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
	"github.com/robfig/cron/v3"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/store"
)

// jobDriver names the type that river.JobCompleteTx asks for.
type jobDriver[TTx any] interface{ riverdriver.Driver[TTx] }

// planArgs are the arguments of the job that plans a site's runs. A bare periodic scrape
// job would lose the times at which no process leads the others; this one plans every
// time since the one that was planned last, whenever it runs.
type planArgs struct {
	Site string `json:"site"`
}

// Kind implements river.JobArgs.
func (planArgs) Kind() string { return "plan" }

// planQueue is the queue of the jobs that plan. No site's queue has this name.
const planQueue = "plan"

func planOf(job *rivertype.JobRow) (args planArgs) {
	if err := json.Unmarshal(job.EncodedArgs, &args); err != nil {
		return planArgs{}
	}
	return args
}

const (
	// onTime is how late a run may be planned and still count as on time: it covers a
	// change of the leading process. What is later was missed.
	onTime = time.Minute
	// planBatch is how many scheduled times one transaction deals with.
	planBatch = 500
)

// planWorker plans the runs of a site that have become due.
type planWorker[TTx any] struct {
	river.WorkerDefaults[planArgs]
	engine *engine[TTx]
}

// Timeout implements river.Worker.
func (w *planWorker[TTx]) Timeout(*river.Job[planArgs]) time.Duration { return 5 * time.Minute }

// NextRetry implements river.Worker.
func (w *planWorker[TTx]) NextRetry(*river.Job[planArgs]) time.Time {
	return time.Now().Add(5 * time.Second)
}

// Work implements river.Worker.
func (w *planWorker[TTx]) Work(ctx context.Context, job *river.Job[planArgs]) error {
	e := w.engine
	if !e.atWork.add(job.ID) {
		return river.JobSnooze(0)
	}
	defer e.atWork.remove(job.ID)
	for {
		var p planning
		err := e.inTx(ctx, func(ctx context.Context, tx store.Tx, raw TTx) (err error) {
			if p, err = e.plan(ctx, tx, raw, job.Args.Site, job.ScheduledAt); err != nil || p.more || p.early > 0 {
				return err
			}
			_, err = river.JobCompleteTx[jobDriver[TTx]](ctx, raw, job)
			return err
		})
		switch {
		case err != nil:
			return fmt.Errorf("plan %s: %w", job.Args.Site, err)
		case p.early > 0:
			return river.JobSnooze(p.early)
		case !p.more:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
	}
}

// planning is what a transaction of the planner leaves to do.
type planning struct {
	// more: further times are due.
	more bool
	// early is how much too early it is by the database's clock.
	early time.Duration
}

// plan records the runs of a site that have become due. fired is the time for which the
// planner was called, by the clock of the process that leads.
func (e *engine[TTx]) plan(ctx context.Context, tx store.Tx, raw TTx, site string, fired time.Time) (planning, error) {
	schedule, err := e.store.LockSchedule(ctx, tx, site)
	if err != nil || schedule.Spec == "" {
		return planning{}, err
	}
	times, err := cronOf(schedule)
	if err != nil {
		return planning{}, err
	}
	now, err := e.store.Now(ctx, tx)
	if err != nil {
		return planning{}, err
	}
	if schedule.PlannedTo.After(now.Add(onTime)) {
		// The clock was set back. The site does not stand still until it is as late again: times that
		// have had their run keep it, and get no other.
		schedule.PlannedTo = now
		if err := e.store.SetPlanned(ctx, tx, site, now, schedule.Unmade); err != nil {
			return planning{}, err
		}
	}
	due, more := dueTimes(times, schedule.PlannedTo, now)
	if len(due) == 0 {
		next := times.Next(schedule.PlannedTo)
		if !next.IsZero() && !fired.Before(next) {
			return planning{early: next.Sub(now)}, nil
		}
		return planning{}, nil
	}
	unmade, err := e.planTimes(ctx, tx, schedule, due, more, now)
	if err != nil {
		return planning{}, err
	}
	if err := e.store.SetPlanned(ctx, tx, site, due[len(due)-1], unmade); err != nil {
		return planning{}, err
	}
	return planning{more: more}, e.putJob(ctx, tx, raw, site)
}

// cronOf is the schedule's times.
func cronOf(schedule store.Schedule) (cron.Schedule, error) {
	return (&sites.Site{Name: schedule.Site, Schedule: schedule.Spec, Timezone: schedule.Timezone}).CronSchedule()
}

// dueTimes are the scheduled times after one and up to another, at most planBatch, and
// whether there are more.
func dueTimes(times cron.Schedule, after, upTo time.Time) ([]time.Time, bool) {
	var due []time.Time
	for t := times.Next(after); !t.IsZero() && !t.After(upTo); t = times.Next(t) {
		if len(due) == planBatch {
			return due, true
		}
		due = append(due, t.UTC())
	}
	return due, false
}

// planTimes records a run for each of the times that gets one, and returns how many
// before the next have none.
func (e *engine[TTx]) planTimes(ctx context.Context, tx store.Tx, schedule store.Schedule, due []time.Time, more bool, now time.Time) (int, error) {
	unmade := schedule.Unmade
	for i, t := range due {
		reason := store.ReasonSchedule
		if now.Sub(t) > onTime {
			last := i == len(due)-1 && !more
			if schedule.Missed == sites.MissedSkip || schedule.Missed == sites.MissedLatest && !last {
				unmade++
				continue
			}
			reason = store.ReasonMissed
		}
		run := store.Run{
			Site: schedule.Site, ScheduledAt: t, Reason: reason, State: store.RunPlanned, Missed: unmade,
			NotBefore: t.Add(jitter(schedule, t)),
		}
		if schedule.Aside != "" {
			run.State, run.Error = store.RunSkipped, store.SkippedAside(schedule.Aside)
		} else if schedule.Overlap != sites.OverlapQueue && !(reason == store.ReasonMissed && schedule.Missed == sites.MissedAll) {
			before, found, err := e.store.Unfinished(ctx, tx, schedule.Site)
			if err != nil {
				return 0, err
			}
			if found {
				run.State = store.RunSkipped
				run.Error = fmt.Sprintf("overlap: run %d of %s was not finished", before.ID, before.ScheduledAt.Format(time.RFC3339))
			}
		}
		if _, _, err := e.store.AddRun(ctx, tx, run); err != nil {
			return 0, err
		}
		unmade = 0
	}
	return unmade, nil
}

// jitter is how long after its scheduled time a run begins: between 0 and the schedule's
// Jitter, always the same for the same site and time.
func jitter(schedule store.Schedule, t time.Time) time.Duration {
	if schedule.Jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(schedule.Site)) // a hash never fails
	_ = binary.Write(h, binary.LittleEndian, t.Unix())
	return time.Duration(h.Sum64() % uint64(schedule.Jitter))
}

// setSchedules records how the sites of this process are scheduled.
func (e *engine[TTx]) setSchedules(ctx context.Context) error {
	return e.store.InTx(ctx, func(tx store.Tx) error {
		for _, name := range e.siteNames() { // in order, so that two processes do not wait for each other
			site := e.sites[name]
			err := e.store.SetSchedule(ctx, tx, store.Schedule{
				Site: name, Spec: site.Schedule, Timezone: site.Timezone, Jitter: time.Duration(site.Jitter),
				Overlap: site.Overlap, Missed: site.Missed, File: site.Hash(),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
