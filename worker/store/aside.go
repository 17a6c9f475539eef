package store

import (
	"context"
	"fmt"
	"time"
)

// Standing is what is remembered of a site whose pages were killed for want of memory.
type Standing struct {
	Site string
	// Killed is when that was last; zero if it never was, or long enough ago.
	Killed time.Time
	// Calm is the number of runs since then that ended without a kill.
	Calm int
	// Aside is since when the site is set aside, so that its schedule begins no runs; zero if it
	// is not. Why says why.
	Aside time.Time
	Why   string
}

const standingColumns = "site, killed_at, calm, aside_at, aside_why"

func scanStanding(row Row) (Standing, error) {
	var s Standing
	var killed, aside int64
	err := row.Scan(&s.Site, &killed, &s.Calm, &aside, &s.Why)
	s.Killed, s.Aside = fromMicros(killed), fromMicros(aside)
	return s, err
}

// Standing returns what is remembered of a site. The caller has locked it.
func (s *Store) Standing(ctx context.Context, tx Tx, site string) (Standing, error) {
	standing, err := scanStanding(tx.QueryRow(ctx, "SELECT "+standingColumns+" FROM schedules WHERE site = $1", site))
	if err != nil {
		return Standing{}, fmt.Errorf("read how %s stands: %w", site, err)
	}
	return standing, nil
}

// CalmRuns is how many runs of a site must end without a kill for an earlier one to be forgotten.
const CalmRuns = 10

// NoteMemory remembers of a site that a run has ended, in which pages were killed for want of memory
// or none was. The caller has locked the site.
func (s *Store) NoteMemory(ctx context.Context, tx Tx, site string, killed bool) error {
	now, err := s.Now(ctx, tx)
	if err != nil {
		return err
	}
	query, args := "UPDATE schedules SET killed_at = $2, calm = 0 WHERE site = $1", []any{site, micros(now)}
	if !killed {
		query = `UPDATE schedules SET killed_at = CASE WHEN calm + 1 >= $2 THEN 0 ELSE killed_at END, calm = calm + 1
			WHERE site = $1 AND killed_at > 0`
		args[1] = CalmRuns
	}
	if _, err := tx.Exec(ctx, query, args...); err != nil {
		return fmt.Errorf("remember how %s fared: %w", site, err)
	}
	return nil
}

// SetAside takes a site out of its schedule until its site file changes or somebody resumes it. Its
// runs that wait and were not asked for by anybody are skipped. The caller has locked the site.
func (s *Store) SetAside(ctx context.Context, tx Tx, site, why string) error {
	now, err := s.Now(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE schedules SET aside_at = $2, aside_why = $3 WHERE site = $1", site, micros(now), clean(why)); err != nil {
		return fmt.Errorf("set %s aside: %w", site, err)
	}
	if _, err := tx.Exec(ctx, `UPDATE runs SET state = 'skipped', finished_at = $2, error = $3
		WHERE site = $1 AND state = 'planned' AND reason <> 'manual' AND attempt = 0`, site, micros(now), clean(SkippedAside(why))); err != nil {
		return fmt.Errorf("skip the runs of %s: %w", site, err)
	}
	return nil
}

// SkippedAside is why a run of a site that is set aside for a reason is skipped.
func SkippedAside(why string) string { return "the site is set aside: " + why }

// Resume puts a site back that was set aside, and forgets that its pages were killed. It returns false
// if there was nothing to do.
func (s *Store) Resume(ctx context.Context, site string) (done bool, err error) {
	err = s.backend.write(ctx, func(tx Tx) error {
		n, err := tx.Exec(ctx, "UPDATE schedules SET "+forgotten+" WHERE site = $1 AND (aside_at > 0 OR killed_at > 0)", site)
		done = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("resume %s: %w", site, err)
	}
	return done, nil
}

// forgotten is the standing of a site of which nothing is remembered.
const forgotten = "killed_at = 0, calm = 0, aside_at = 0, aside_why = ''"

// noteFile forgets what is remembered of a site when its file is another than it was. The caller has
// locked it.
func (s *Store) noteFile(ctx context.Context, tx Tx, site, file string) error {
	if file == "" {
		return nil
	}
	if _, err := tx.Exec(ctx, "UPDATE schedules SET "+forgotten+" WHERE site = $1 AND file <> $2 AND file <> ''", site, file); err != nil {
		return fmt.Errorf("look whether the file of %s has changed: %w", site, err)
	}
	if _, err := tx.Exec(ctx, "UPDATE schedules SET file = $2 WHERE site = $1", site, file); err != nil {
		return fmt.Errorf("record the file of %s: %w", site, err)
	}
	return nil
}

// Standings returns what is remembered of sites, by their names.
func (s *Store) Standings(ctx context.Context) (map[string]Standing, error) {
	all := map[string]Standing{}
	err := s.backend.read(ctx, func(tx Tx) error {
		rows, err := tx.Query(ctx, "SELECT "+standingColumns+" FROM schedules WHERE aside_at > 0 OR killed_at > 0")
		if err != nil {
			return err
		}
		list, err := collect(rows, scanStanding)
		for _, standing := range list {
			all[standing.Site] = standing
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list how sites stand: %w", err)
	}
	return all, nil
}
