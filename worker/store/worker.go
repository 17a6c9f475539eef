package store

import (
	"context"
	"fmt"
	"time"
)

// Worker is a process that works, or did until it died.
type Worker struct {
	// ID names the process for good.
	ID string
	// Host is the name of its host.
	Host string
	// Boot and PIDNamespace say where PID and PIDStart mean something: a process is
	// looked up only by one that has the same of both. Empty where the system has none.
	Boot, PIDNamespace string
	// PID is its process id, PIDStart when it began, in ticks since Boot.
	PID      int
	PIDStart int64
	// Started is when it registered.
	Started time.Time
	// Beat rises for as long as the process lives.
	Beat int64
}

// Register records a worker and the sites that it works. With plans it also wants their
// schedules to fire.
func (s *Store) Register(ctx context.Context, worker Worker, siteNames []string, plans bool) error {
	err := s.backend.write(ctx, func(tx Tx) error {
		now, err := s.Now(ctx, tx)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO workers (id, host, boot, pid_ns, pid, pid_start, started_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`,
			worker.ID, clean(worker.Host), worker.Boot, worker.PIDNamespace, worker.PID, worker.PIDStart, micros(now))
		if err != nil {
			return err
		}
		for _, name := range siteNames {
			if _, err := tx.Exec(ctx, "INSERT INTO worker_sites (worker, site, plans) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
				worker.ID, name, count(plans)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("register worker %s: %w", worker.ID, err)
	}
	return nil
}

// Beat records that a worker lives. It returns false if the worker is not registered
// (any more).
func (s *Store) Beat(ctx context.Context, id string) (bool, error) {
	var n int64
	err := s.backend.write(ctx, func(tx Tx) (err error) {
		n, err = tx.Exec(ctx, "UPDATE workers SET beat = beat + 1 WHERE id = $1", id)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("record that worker %s lives: %w", id, err)
	}
	return n > 0, nil
}

// Workers returns the registered workers, by ID.
func (s *Store) Workers(ctx context.Context) ([]Worker, error) {
	var all []Worker
	err := s.backend.read(ctx, func(tx Tx) error {
		rows, err := tx.Query(ctx, "SELECT id, host, boot, pid_ns, pid, pid_start, started_at, beat FROM workers ORDER BY id")
		if err != nil {
			return err
		}
		all, err = collect(rows, func(row Row) (w Worker, err error) {
			var started int64
			err = row.Scan(&w.ID, &w.Host, &w.Boot, &w.PIDNamespace, &w.PID, &w.PIDStart, &started, &w.Beat)
			w.Started = fromMicros(started)
			return w, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the workers: %w", err)
	}
	return all, nil
}

// Unregister removes a worker.
func (s *Store) Unregister(ctx context.Context, tx Tx, id string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM workers WHERE id = $1", id); err != nil {
		return fmt.Errorf("remove worker %s: %w", id, err)
	}
	return nil
}

// HasSite tells whether a registered worker has a site.
func (s *Store) HasSite(ctx context.Context, tx Tx, site string) (bool, error) {
	var n int
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM worker_sites WHERE site = $1", site).Scan(&n); err != nil {
		return false, fmt.Errorf("look for workers of %s: %w", site, err)
	}
	return n > 0, nil
}
