package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ebbworker/ebb/worker/crawl"
)

// The functions below are the steps of a run's life. Each is a part of a transaction of
// the queue's, which holds the job of the run. The queue calls LockSite first.

// LockSite makes the transaction the only one that plans, starts or finishes runs of a
// site, until it ends.
func (s *Store) LockSite(ctx context.Context, tx Tx, site string) error {
	_, err := tx.Exec(ctx, "INSERT INTO schedules (site) VALUES ($1) ON CONFLICT (site) DO UPDATE SET site = excluded.site", site)
	if err != nil {
		return fmt.Errorf("lock site %s: %w", site, err)
	}
	return nil
}

// AddRun records a run with Site, ScheduledAt, Reason, State, NotBefore, Missed and
// Error of the one given, and returns its ID. It returns false if there is a run of this
// site and time already, which is then left as it is.
func (s *Store) AddRun(ctx context.Context, tx Tx, run Run) (int64, bool, error) {
	var finished int64
	if run.State.Finished() {
		now, err := s.Now(ctx, tx)
		if err != nil {
			return 0, false, err
		}
		finished = micros(now)
	}
	var id int64
	err := tx.QueryRow(ctx, `INSERT INTO runs (site, scheduled_at, reason, state, not_before, missed, finished_at, error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (site, scheduled_at) DO NOTHING RETURNING id`,
		run.Site, micros(run.ScheduledAt), string(run.Reason), string(run.State), micros(run.NotBefore), run.Missed,
		finished, clean(run.Error)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("record a run of %s: %w", run.Site, err)
	}
	return id, true, nil
}

// Unfinished returns the run of a site that is to be at work now: the one that is
// running, else the oldest planned one, where runs that somebody asked for come first.
// It returns false if there is none.
func (s *Store) Unfinished(ctx context.Context, tx Tx, site string) (Run, bool, error) {
	run, err := scanRun(tx.QueryRow(ctx, "SELECT "+runColumns+` FROM runs
		WHERE site = $1 AND state IN ('planned', 'running')
		ORDER BY CASE WHEN state = 'running' THEN 0 WHEN reason = 'manual' THEN 1 ELSE 2 END, scheduled_at LIMIT 1`, site))
	if errors.Is(err, ErrNotFound) {
		return Run{}, false, nil
	}
	if err != nil {
		return Run{}, false, fmt.Errorf("look for unfinished runs of %s: %w", site, err)
	}
	return run, true, nil
}

// UnfinishedSites returns the sites that have a run which is not finished.
func (s *Store) UnfinishedSites(ctx context.Context) ([]string, error) {
	var names []string
	err := s.backend.read(ctx, func(tx Tx) error {
		rows, err := tx.Query(ctx, "SELECT DISTINCT site FROM runs WHERE state IN ('planned', 'running') ORDER BY site")
		if err != nil {
			return err
		}
		names, err = collect(rows, func(row Row) (name string, err error) { return name, row.Scan(&name) })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the sites with unfinished runs: %w", err)
	}
	return names, nil
}

// Claim begins an attempt at a planned run for a worker, and returns the run with the
// attempt's number. What an earlier attempt asks for from now on is refused. It returns
// ErrSuperseded for a run that is not planned.
func (s *Store) Claim(ctx context.Context, tx Tx, id int64, worker string) (Run, error) {
	now, err := s.Now(ctx, tx)
	if err != nil {
		return Run{}, err
	}
	n, err := tx.Exec(ctx, `UPDATE runs SET state = 'running', attempt = attempt + 1, worker = $2,
		started_at = CASE WHEN started_at = 0 THEN $3 ELSE started_at END
		WHERE id = $1 AND state = 'planned'`, id, worker, micros(now))
	if err != nil {
		return Run{}, fmt.Errorf("begin run %d: %w", id, err)
	}
	if n == 0 {
		return Run{}, ErrSuperseded
	}
	return s.RunTx(ctx, tx, id)
}

// Again says when an attempt is made again and why.
type Again struct {
	// NotBefore is the earliest time of the next attempt.
	NotBefore time.Time
	// Failed counts the attempt as a failure of the run's own.
	Failed bool
	// Class and Error say what went wrong.
	Class crawl.Class
	Error string
}

// Release ends an attempt and leaves the run planned, to go on from its unvisited
// pages. It returns ErrSuperseded, and changes nothing, if the attempt is not the
// current one.
func (s *Store) Release(ctx context.Context, tx Tx, id int64, attempt int, again Again) error {
	n, err := tx.Exec(ctx, `UPDATE runs SET state = 'planned', not_before = $3, failures = failures + $4, class = $5, error = $6
		WHERE id = $1 AND attempt = $2 AND state = 'running'`,
		id, attempt, micros(again.NotBefore), count(again.Failed), string(again.Class), clean(again.Error))
	if err != nil {
		return fmt.Errorf("put run %d back: %w", id, err)
	}
	if n == 0 {
		return ErrSuperseded
	}
	return nil
}

// Reopen makes a run that failed, wholly or in part, planned again: it goes on from its
// unvisited pages, and its failed pages are visited anew. It returns an error for a run
// in any other state.
func (s *Store) Reopen(ctx context.Context, tx Tx, id int64) (Run, error) {
	run, err := s.RunTx(ctx, tx, id)
	if err != nil {
		return Run{}, err
	}
	if run.State != RunFailed && run.State != RunPartial {
		return Run{}, fmt.Errorf("run %d is %s; only a failed or partial run can be tried again", id, run.State)
	}
	if _, err := tx.Exec(ctx, `UPDATE runs SET state = 'planned', not_before = 0, failures = 0, finished_at = 0, class = '', error = ''
		WHERE id = $1`, id); err != nil {
		return Run{}, fmt.Errorf("open run %d again: %w", id, err)
	}
	if _, err := tx.Exec(ctx, `UPDATE pages SET state = 'queued', attempts = 0, class = '', error = ''
		WHERE run = $1 AND state = 'failed'`, id); err != nil {
		return Run{}, fmt.Errorf("queue the failed pages of run %d: %w", id, err)
	}
	return s.RunTx(ctx, tx, id)
}

// InTx runs do in a transaction that can write, for callers that need no job in it.
func (s *Store) InTx(ctx context.Context, do func(Tx) error) error { return s.backend.write(ctx, do) }

// count is 1 for true.
func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
