package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/ebbworker/ebb/worker/store"
)

// scrapeArgs are the arguments of the job that makes one attempt at a run.
type scrapeArgs struct {
	Run  int64  `json:"run"`
	Site string `json:"site"`
}

// Kind implements river.JobArgs.
func (scrapeArgs) Kind() string { return "scrape" }

// riverName is what River takes for the name of a queue, beside 64 characters at most.
var riverName = regexp.MustCompile(`^[a-z0-9]+([_-]?[a-z0-9]+)*$`)

// queueName is the name of a site's queue. Different sites have different ones: River
// does not take every name of a site, so some are replaced by their hash.
func queueName(site string) string {
	if len(site) <= 62 && riverName.MatchString(site) {
		return "s-" + site
	}
	sum := sha256.Sum256([]byte(site))
	return "x-" + hex.EncodeToString(sum[:20])
}

// unfinished are the states of a job that is not over. River asks for all but retryable.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// putJob makes sure that the site's next run has a job, if there is such a run. The
// transaction has locked the site. A job that waits for its time gives way to a run that
// is to come before it.
func (e *engine[TTx]) putJob(ctx context.Context, tx store.Tx, raw TTx, site string) error {
	run, found, err := e.store.Unfinished(ctx, tx, site)
	if err != nil || !found {
		return err
	}
	now, err := e.store.Now(ctx, tx)
	if err != nil {
		return err
	}
	options := &river.InsertOpts{
		Queue: queueName(site), MaxAttempts: 1,
		UniqueOpts: river.UniqueOpts{ByQueue: true, ByState: unfinished},
	}
	if run.NotBefore.After(now) {
		options.ScheduledAt = run.NotBefore
	}
	for {
		result, err := e.client.InsertTx(ctx, raw, scrapeArgs{Run: run.ID, Site: site}, options)
		if err != nil {
			return fmt.Errorf("queue run %d of %s: %w", run.ID, site, err)
		}
		if !result.UniqueSkippedAsDuplicate || result.Job.State != rivertype.JobStateScheduled || runOf(result.Job).Run == run.ID {
			return nil
		}
		if _, err := tx.Exec(ctx, "DELETE FROM river_job WHERE id = $1 AND state = 'scheduled'", result.Job.ID); err != nil {
			return fmt.Errorf("withdraw a waiting job of %s: %w", site, err)
		}
	}
}

// runOf reads the arguments of a scrape job; they are zero for another.
func runOf(job *rivertype.JobRow) (args scrapeArgs) {
	if job.Kind != args.Kind() {
		return args
	}
	if err := json.Unmarshal(job.EncodedArgs, &args); err != nil {
		return scrapeArgs{}
	}
	return args
}

// endJob ends a running job that did not succeed: as cancelled where its run goes on
// with another job, as discarded (a dead letter) where the run is given up.
func (e *engine[TTx]) endJob(ctx context.Context, raw TTx, job *rivertype.JobRow, state rivertype.JobState, reason string) error {
	now := time.Now().UTC()
	var errData []byte
	if reason != "" {
		data, err := json.Marshal(rivertype.AttemptError{At: now, Attempt: job.Attempt, Error: reason})
		if err != nil {
			return err
		}
		errData = data
	}
	_, err := e.client.Driver().UnwrapExecutor(raw).JobSetStateIfRunningMany(ctx, &riverdriver.JobSetStateIfRunningManyParams{
		ID: []int64{job.ID}, Attempt: []*int{nil}, ErrData: [][]byte{errData}, FinalizedAt: []*time.Time{&now},
		MetadataDoMerge: []bool{false}, MetadataUpdates: [][]byte{nil}, ScheduledAt: []*time.Time{nil},
		State: []rivertype.JobState{state},
	})
	if err != nil {
		return fmt.Errorf("end job %d: %w", job.ID, err)
	}
	return nil
}

// Job is one attempt at a run, or one planning of a site, as the queue has it. Jobs that
// are over are kept for a time: an hour if they succeeded, a month if they are dead
// letters.
type Job struct {
	ID int64
	// Kind is "scrape" or "plan".
	Kind string
	Site string
	// Run is the run, 0 for kind plan.
	Run int64
	// State is available (waiting for a worker), scheduled (waiting for its time), running,
	// completed, cancelled (another job goes on with the run) or discarded (a dead letter:
	// the run was given up).
	State string
	// Created, Due, Started and Ended are times in UTC; Started and Ended are zero if
	// not yet.
	Created, Due, Started, Ended time.Time
	// Worker is the id of the process that took it, "" if none has.
	Worker string
	// Error says why it did not succeed.
	Error string
}

// JobDiscarded is the state of dead letters.
const JobDiscarded = string(rivertype.JobStateDiscarded)

// JobFilter chooses jobs. Its zero value chooses the latest 100 scrape jobs.
type JobFilter struct {
	// Site is the name of a site. Default: "", all.
	Site string
	// States are the states wanted. Default: none, all.
	States []string
	// Plans adds the jobs that plan sites; they have no Site to choose by. Default: false.
	Plans bool
	// Limit is the largest number of jobs, at most 10,000. Default: 100.
	Limit int
}

// Jobs implements Engine.
func (e *engine[TTx]) Jobs(ctx context.Context, filter JobFilter) ([]Job, error) {
	if filter.Limit <= 0 {
		filter.Limit = 100
	}
	params := river.NewJobListParams().First(min(filter.Limit, 10_000)).OrderBy(river.JobListOrderByID, river.SortOrderDesc)
	if !filter.Plans {
		params = params.Kinds(scrapeArgs{}.Kind())
	}
	if filter.Site != "" {
		params = params.Queues(queueName(filter.Site))
	}
	if len(filter.States) > 0 {
		var states []rivertype.JobState
		for _, state := range filter.States {
			states = append(states, rivertype.JobState(state))
		}
		params = params.States(states...)
	}
	result, err := e.client.JobList(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	jobs := make([]Job, 0, len(result.Jobs))
	for _, row := range result.Jobs {
		jobs = append(jobs, jobOf(row))
	}
	return jobs, nil
}

func jobOf(row *rivertype.JobRow) Job {
	args := runOf(row)
	job := Job{
		ID: row.ID, Kind: row.Kind, Site: args.Site, Run: args.Run, State: string(row.State),
		Created: row.CreatedAt.UTC(), Due: row.ScheduledAt.UTC(), Worker: owner(row),
	}
	if row.Kind == (planArgs{}).Kind() {
		job.Site = planOf(row).Site
	}
	if row.AttemptedAt != nil {
		job.Started = row.AttemptedAt.UTC()
	}
	if row.FinalizedAt != nil {
		job.Ended = row.FinalizedAt.UTC()
	}
	if len(row.Errors) > 0 {
		job.Error = row.Errors[len(row.Errors)-1].Error
	}
	return job
}

// owner is the id of the worker that took a job last, "" if none has.
func owner(row *rivertype.JobRow) string {
	if len(row.AttemptedBy) == 0 {
		return ""
	}
	return row.AttemptedBy[len(row.AttemptedBy)-1]
}

// Requeue implements Engine.
func (e *engine[TTx]) Requeue(ctx context.Context, id int64) error {
	run, err := e.store.Run(ctx, id)
	if err != nil {
		return err
	}
	err = e.inTx(ctx, func(ctx context.Context, tx store.Tx, raw TTx) error {
		if err := e.store.LockSite(ctx, tx, run.Site); err != nil {
			return err
		}
		if _, err := e.store.Reopen(ctx, tx, id); err != nil {
			return err
		}
		if err := e.dropLetters(ctx, raw, run); err != nil {
			return err
		}
		return e.putJob(ctx, tx, raw, run.Site)
	})
	if err == nil {
		e.ask(run.Site)
	}
	return err
}

// dropLetters removes the dead letters of a run that is tried again.
func (e *engine[TTx]) dropLetters(ctx context.Context, raw TTx, run store.Run) error {
	result, err := e.client.JobListTx(ctx, raw, river.NewJobListParams().First(10_000).
		Kinds(scrapeArgs{}.Kind()).Queues(queueName(run.Site)).States(rivertype.JobStateDiscarded))
	if err != nil {
		return fmt.Errorf("list the dead letters of %s: %w", run.Site, err)
	}
	for _, row := range result.Jobs {
		if runOf(row).Run != run.ID {
			continue
		}
		if _, err := e.client.JobDeleteTx(ctx, raw, row.ID); err != nil {
			return fmt.Errorf("remove dead letter %d: %w", row.ID, err)
		}
	}
	return nil
}

// Job implements Engine.
func (e *engine[TTx]) Job(ctx context.Context, id int64) (Job, error) {
	row, err := e.jobRow(ctx, id)
	if err != nil {
		return Job{}, err
	}
	return jobOf(row), nil
}

func (e *engine[TTx]) jobRow(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	row, err := e.client.JobGet(ctx, id)
	if errors.Is(err, rivertype.ErrNotFound) {
		return nil, fmt.Errorf("job %d: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read job %d: %w", id, err)
	}
	return row, nil
}

// RequeueJob implements Engine.
func (e *engine[TTx]) RequeueJob(ctx context.Context, id int64) error {
	row, err := e.jobRow(ctx, id)
	if err != nil {
		return err
	}
	args := runOf(row)
	if args.Run == 0 {
		return fmt.Errorf("job %d is of kind %s; only a scrape can be tried again", id, row.Kind)
	}
	return e.Requeue(ctx, args.Run)
}
