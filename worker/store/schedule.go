package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ebbworker/ebb/sites"
)

// Schedule is what the planner knows of a site.
type Schedule struct {
	Site string
	// Spec and Timezone say when the site is due; with an empty Spec it never is.
	Spec, Timezone string
	Jitter         time.Duration
	Overlap        sites.Overlap
	Missed         sites.Missed
	// PlannedTo is the latest scheduled time that has been dealt with.
	PlannedTo time.Time
	// Unmade counts the scheduled times without a run since the last planned run.
	Unmade int
	// Aside says why no runs are begun; "" if they are.
	Aside string
	// File is a hash of the site file; one that is another than before puts a site back that was
	// set aside. "" says nothing.
	File string
}

const scheduleColumns = "site, spec, timezone, jitter, overlap, missed, planned_to, unmade, aside_why"

func scanSchedule(row Row) (Schedule, error) {
	var s Schedule
	var jitter, plannedTo int64
	err := row.Scan(&s.Site, &s.Spec, &s.Timezone, &jitter, &s.Overlap, &s.Missed, &plannedTo, &s.Unmade, &s.Aside)
	s.Jitter, s.PlannedTo = time.Duration(jitter)*time.Microsecond, fromMicros(plannedTo)
	return s, err
}

// SetSchedule records how a site is scheduled. A site that is new, or whose Spec or
// Timezone is another than before, is planned from now on: there is nothing to catch up
// with.
func (s *Store) SetSchedule(ctx context.Context, tx Tx, schedule Schedule) error {
	if err := s.LockSite(ctx, tx, schedule.Site); err != nil {
		return err
	}
	now, err := s.Now(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE schedules SET
		planned_to = CASE WHEN spec = $2 AND timezone = $3 AND planned_to > 0 THEN planned_to ELSE $7 END,
		unmade = CASE WHEN spec = $2 AND timezone = $3 THEN unmade ELSE 0 END,
		spec = $2, timezone = $3, jitter = $4, overlap = $5, missed = $6 WHERE site = $1`,
		schedule.Site, schedule.Spec, schedule.Timezone, schedule.Jitter.Microseconds(),
		string(schedule.Overlap), string(schedule.Missed), micros(now))
	if err != nil {
		return fmt.Errorf("record the schedule of %s: %w", schedule.Site, err)
	}
	return s.noteFile(ctx, tx, schedule.Site, schedule.File)
}

// LockSchedule locks a site as LockSite does and returns its schedule.
func (s *Store) LockSchedule(ctx context.Context, tx Tx, site string) (Schedule, error) {
	if err := s.LockSite(ctx, tx, site); err != nil {
		return Schedule{}, err
	}
	schedule, err := scanSchedule(tx.QueryRow(ctx, "SELECT "+scheduleColumns+" FROM schedules WHERE site = $1", site))
	if err != nil {
		return Schedule{}, fmt.Errorf("read the schedule of %s: %w", site, err)
	}
	return schedule, nil
}

// SetPlanned records up to which scheduled time a site is planned, and how many times
// before it have no run. The caller has locked the site.
func (s *Store) SetPlanned(ctx context.Context, tx Tx, site string, to time.Time, unmade int) error {
	_, err := tx.Exec(ctx, "UPDATE schedules SET planned_to = $2, unmade = $3 WHERE site = $1", site, micros(to), unmade)
	if err != nil {
		return fmt.Errorf("record how far %s is planned: %w", site, err)
	}
	return nil
}

// Schedules returns the schedules that a registered worker wants to fire.
func (s *Store) Schedules(ctx context.Context) ([]Schedule, error) {
	var all []Schedule
	err := s.backend.read(ctx, func(tx Tx) error {
		rows, err := tx.Query(ctx, "SELECT "+scheduleColumns+` FROM schedules
			WHERE spec <> '' AND site IN (SELECT site FROM worker_sites WHERE plans = 1) ORDER BY site`)
		if err != nil {
			return err
		}
		all, err = collect(rows, scanSchedule)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the schedules: %w", err)
	}
	return all, nil
}
