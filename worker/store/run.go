package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ebbworker/ebb/worker/crawl"
)

// Reason is why a run exists.
type Reason string

const (
	ReasonSchedule Reason = "schedule" // its site's schedule fired
	ReasonManual   Reason = "manual"   // somebody asked for it
	ReasonMissed   Reason = "missed"   // it makes up for a time when no worker ran
)

// RunState is where a run stands.
type RunState string

const (
	RunPlanned RunState = "planned" // to be started, or to go on
	RunRunning RunState = "running" // a worker is at it
	RunDone    RunState = "done"    // finished, all of it
	RunPartial RunState = "partial" // finished or given up with some pages visited, others not
	RunFailed  RunState = "failed"  // given up with no page visited
	RunSkipped RunState = "skipped" // never started; Error says why
)

// Known says whether there is such a state.
func (s RunState) Known() bool {
	switch s {
	case RunPlanned, RunRunning, RunDone, RunPartial, RunFailed, RunSkipped:
		return true
	}
	return false
}

// Finished tells whether nothing more happens to a run in this state by itself.
func (s RunState) Finished() bool { return s != RunPlanned && s != RunRunning }

// Run is one execution of a site, planned, going on or finished. It is unique by Site
// and ScheduledAt.
type Run struct {
	// ID names the run; later runs have larger ones.
	ID   int64
	Site string
	// ScheduledAt is the time for which the run was planned, in UTC.
	ScheduledAt time.Time
	Reason      Reason
	State       RunState
	// NotBefore is the earliest time of the next attempt.
	NotBefore time.Time
	// Attempt counts how often the run was begun or taken up again; Failures how often
	// it failed by itself. An attempt that ends with its worker is no failure.
	Attempt, Failures int
	// Killed counts how often pages of it were killed for want of memory.
	Killed int
	// Missed is the number of scheduled times before this one for which there is no run,
	// because no worker ran.
	Missed int
	// Started is when the first attempt began, Finished when the run ended; zero if not yet.
	Started, Finished time.Time
	Pages             PageCounts
	Items             ItemCounts
	// Class and Error say why the run, or its latest attempt, failed.
	Class crawl.Class
	Error string
	// Worker is the id of the process that is or was last at it.
	Worker string
}

// PageCounts are numbers of pages of a run by state.
type PageCounts struct{ Queued, Done, Failed, Skipped int }

// ItemCounts are numbers of items of a run: never seen before, seen with other content,
// seen as they were. They are known when the run has ended.
type ItemCounts struct{ New, Changed, Same int }

const runColumns = `id, site, scheduled_at, reason, state, not_before, attempt, failures, missed, started_at,
	finished_at, pages_done, pages_failed, pages_skipped, items_new, items_changed, items_same, class, error, worker, killed`

// scanRun reads runColumns.
func scanRun(row Row) (Run, error) {
	var r Run
	var scheduled, notBefore, started, finished int64
	err := row.Scan(&r.ID, &r.Site, &scheduled, &r.Reason, &r.State, &notBefore, &r.Attempt, &r.Failures, &r.Missed, &started,
		&finished, &r.Pages.Done, &r.Pages.Failed, &r.Pages.Skipped, &r.Items.New, &r.Items.Changed, &r.Items.Same,
		&r.Class, &r.Error, &r.Worker, &r.Killed)
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, ErrNotFound
	}
	r.ScheduledAt, r.NotBefore = fromMicros(scheduled), fromMicros(notBefore)
	r.Started, r.Finished = fromMicros(started), fromMicros(finished)
	return r, err
}

// RunFilter chooses runs. Its zero value chooses all.
type RunFilter struct {
	// Site is the name of a site. Default: "", all.
	Site string
	// States are the states wanted. Default: none, all.
	States []RunState
	// Before is an ID: only runs with a smaller one, for the next page of a listing.
	// Default: 0, no limit.
	Before int64
	// Limit is the largest number of runs. Default: 0, all.
	Limit int
}

// Runs lists runs, the latest first. The counts of pages of a run that is not finished
// are those of the moment.
func (s *Store) Runs(ctx context.Context, filter RunFilter) ([]Run, error) {
	var runs []Run
	err := s.backend.read(ctx, func(tx Tx) error {
		query, args := filter.query()
		rows, err := tx.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		if runs, err = collect(rows, scanRun); err != nil {
			return err
		}
		for i := range runs {
			if !runs[i].State.Finished() {
				if runs[i].Pages, err = countPages(ctx, tx, runs[i].ID); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return runs, nil
}

func (f RunFilter) query() (string, []any) {
	var where conditions
	if f.Site != "" {
		where.add("site = $", f.Site)
	}
	if f.Before > 0 {
		where.add("id < $", f.Before)
	}
	if len(f.States) > 0 {
		names := make([]string, len(f.States))
		for i, state := range f.States {
			names[i] = where.arg(string(state))
		}
		where.addText("state IN (" + strings.Join(names, ", ") + ")")
	}
	query := "SELECT " + runColumns + " FROM runs" + where.text() + " ORDER BY id DESC"
	if f.Limit > 0 {
		query += " LIMIT " + where.arg(f.Limit)
	}
	return query, where.args
}

// Run returns one run, or ErrNotFound.
func (s *Store) Run(ctx context.Context, id int64) (Run, error) {
	var run Run
	err := s.backend.read(ctx, func(tx Tx) (err error) {
		if run, err = s.RunTx(ctx, tx, id); err == nil && !run.State.Finished() {
			run.Pages, err = countPages(ctx, tx, id)
		}
		return err
	})
	return run, err
}

// RunTx returns one run as a transaction sees it, or ErrNotFound.
func (s *Store) RunTx(ctx context.Context, tx Tx, id int64) (Run, error) {
	run, err := scanRun(tx.QueryRow(ctx, "SELECT "+runColumns+" FROM runs WHERE id = $1", id))
	if err != nil {
		return Run{}, fmt.Errorf("read run %d: %w", id, err)
	}
	return run, nil
}

// countPages counts a run's pages by state.
func countPages(ctx context.Context, tx Tx, run int64) (PageCounts, error) {
	var c PageCounts
	err := tx.QueryRow(ctx, `SELECT
		coalesce(sum(CASE WHEN state = 'queued' THEN 1 ELSE 0 END), 0),
		coalesce(sum(CASE WHEN state = 'done' THEN 1 ELSE 0 END), 0),
		coalesce(sum(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0),
		coalesce(sum(CASE WHEN state = 'skipped' THEN 1 ELSE 0 END), 0)
		FROM pages WHERE run = $1`, run).Scan(&c.Queued, &c.Done, &c.Failed, &c.Skipped)
	if err != nil {
		return c, fmt.Errorf("count the pages of run %d: %w", run, err)
	}
	return c, nil
}
