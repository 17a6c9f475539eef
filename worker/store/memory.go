package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// keptEvents is how many events about memory are kept, of all workers together: the latest.
const keptEvents = 5000

// MemoryEvent is one thing that was done about memory.
type MemoryEvent struct {
	// ID rises with time. AddMemoryEvent gives it.
	ID int64
	At time.Time
	// Host and Worker say who did it.
	Host, Worker string
	// Action and Reason are words of package budget and of the pool; Says is the reason in words.
	Action, Reason, Says string
	// Before and After are memory in use, in bytes; 0 where it is not known. Above is how much of it
	// could have been given back.
	Before, After, Above int64
	// Took is what it cost.
	Took time.Duration
}

const memoryEventColumns = "id, at, host, worker, action, reason, says, used_before, used_after, above, took"

// AddMemoryEvent records an event and removes the oldest beyond the latest 5000.
func (s *Store) AddMemoryEvent(ctx context.Context, e MemoryEvent) error {
	err := s.backend.write(ctx, func(tx Tx) error {
		var id int64
		err := tx.QueryRow(ctx, `INSERT INTO memory_events (at, host, worker, action, reason, says, used_before, used_after, above, took)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
			micros(e.At), clean(e.Host), e.Worker, e.Action, e.Reason, clean(e.Says), e.Before, e.After, e.Above, e.Took.Microseconds()).Scan(&id)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM memory_events WHERE id <= $1", id-keptEvents)
		return err
	})
	if err != nil {
		return fmt.Errorf("record what was done about memory: %w", err)
	}
	return nil
}

// MemoryEventFilter chooses events about memory.
type MemoryEventFilter struct {
	// Host is whose. Default: "", all.
	Host string
	// Since is the earliest time. Default: zero, all.
	Since time.Time
	// Limit is the largest number, the latest. Default: 0, all that are kept.
	Limit int
}

// MemoryEvents returns the latest events about memory, oldest first.
func (s *Store) MemoryEvents(ctx context.Context, f MemoryEventFilter) ([]MemoryEvent, error) {
	var c conditions
	if f.Host != "" {
		c.add("host = $", clean(f.Host))
	}
	if !f.Since.IsZero() {
		c.add("at >= $", micros(f.Since))
	}
	if f.Limit <= 0 {
		f.Limit = keptEvents
	}
	query := "SELECT " + memoryEventColumns + " FROM memory_events" + c.text() + " ORDER BY id DESC LIMIT " + c.arg(f.Limit)
	events, err := list(ctx, s, func(row Row) (e MemoryEvent, err error) {
		var at, took int64
		err = row.Scan(&e.ID, &at, &e.Host, &e.Worker, &e.Action, &e.Reason, &e.Says, &e.Before, &e.After, &e.Above, &took)
		e.At, e.Took = fromMicros(at), time.Duration(took)*time.Microsecond
		return e, err
	}, query, c.args...)
	if err != nil {
		return nil, fmt.Errorf("list what was done about memory: %w", err)
	}
	slices.Reverse(events)
	return events, nil
}

// SitePeak is what a run of a site added to memory at its peak, in bytes. Alone says that no other run was
// at work meanwhile.
type SitePeak struct {
	Site  string
	At    time.Time
	Bytes int64
	Alone bool
}

// AddSitePeak records a peak and removes the site's oldest beyond the latest keep.
func (s *Store) AddSitePeak(ctx context.Context, p SitePeak, keep int) error {
	err := s.backend.write(ctx, func(tx Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO site_peaks (site, at, bytes, alone) VALUES ($1, $2, $3, $4)", p.Site, micros(p.At), p.Bytes, count(p.Alone))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM site_peaks WHERE site = $1 AND id NOT IN
			(SELECT id FROM site_peaks WHERE site = $1 ORDER BY id DESC LIMIT $2)`, p.Site, keep)
		return err
	})
	if err != nil {
		return fmt.Errorf("record the memory of a run of %s: %w", p.Site, err)
	}
	return nil
}

// SitePeaks returns the peaks that are kept, by site, oldest first.
func (s *Store) SitePeaks(ctx context.Context) ([]SitePeak, error) {
	peaks, err := list(ctx, s, func(row Row) (p SitePeak, err error) {
		var at, alone int64
		err = row.Scan(&p.Site, &at, &p.Bytes, &alone)
		p.At, p.Alone = fromMicros(at), alone == 1
		return p, err
	}, "SELECT site, at, bytes, alone FROM site_peaks ORDER BY site, id")
	if err != nil {
		return nil, fmt.Errorf("list the memory of sites: %w", err)
	}
	return peaks, nil
}

// WorkerBudget is what a registered worker may use.
type WorkerBudget struct {
	Worker, Host string
	PID          int
	// Budget is package budget's, as JSON.
	Budget string
}

// SetBudget records what a worker may use, until it is unregistered. It returns false if it is not
// registered.
func (s *Store) SetBudget(ctx context.Context, worker, budget string) (bool, error) {
	return s.touch(ctx, "record a worker's budget", `INSERT INTO worker_budgets (worker, budget)
		SELECT id, CAST($2 AS TEXT) FROM workers WHERE id = $1 ON CONFLICT (worker) DO UPDATE SET budget = excluded.budget`, worker, budget)
}

// Budgets returns what the registered workers may use.
func (s *Store) Budgets(ctx context.Context) ([]WorkerBudget, error) {
	budgets, err := list(ctx, s, func(row Row) (b WorkerBudget, err error) {
		return b, row.Scan(&b.Worker, &b.Host, &b.PID, &b.Budget)
	}, "SELECT w.id, w.host, w.pid, b.budget FROM worker_budgets b JOIN workers w ON w.id = b.worker ORDER BY w.id")
	if err != nil {
		return nil, fmt.Errorf("list the workers' budgets: %w", err)
	}
	return budgets, nil
}

// MemoryWait is a run that waits for memory.
type MemoryWait struct {
	Worker string
	Run    int64
	Site   string
	Since  time.Time
	Why    string
}

// SetMemoryWait records that a run waits, and why. It returns false if its worker is not registered.
func (s *Store) SetMemoryWait(ctx context.Context, w MemoryWait) (bool, error) {
	return s.touch(ctx, "record that a run waits", `INSERT INTO memory_waits (worker, run, site, since, why)
		SELECT id, CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($5 AS TEXT) FROM workers WHERE id = $1
		ON CONFLICT (worker, run) DO UPDATE SET why = excluded.why`, w.Worker, w.Run, w.Site, micros(w.Since), clean(w.Why))
}

// EndMemoryWait records that a run waits no more.
func (s *Store) EndMemoryWait(ctx context.Context, worker string, run int64) error {
	_, err := s.touch(ctx, "record that a run waits no more", "DELETE FROM memory_waits WHERE worker = $1 AND run = $2", worker, run)
	return err
}

// MemoryWaits returns the runs that wait, the longest first.
func (s *Store) MemoryWaits(ctx context.Context) ([]MemoryWait, error) {
	waits, err := list(ctx, s, func(row Row) (w MemoryWait, err error) {
		var since int64
		err = row.Scan(&w.Worker, &w.Run, &w.Site, &since, &w.Why)
		w.Since = fromMicros(since)
		return w, err
	}, "SELECT worker, run, site, since, why FROM memory_waits ORDER BY since, run")
	if err != nil {
		return nil, fmt.Errorf("list the runs that wait: %w", err)
	}
	return waits, nil
}

// touch changes rows in a transaction of its own, and says whether there were any.
func (s *Store) touch(ctx context.Context, doing, query string, args ...any) (bool, error) {
	var n int64
	err := s.backend.write(ctx, func(tx Tx) (err error) {
		n, err = tx.Exec(ctx, query, args...)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("%s: %w", doing, err)
	}
	return n > 0, nil
}

// list reads rows in a transaction of its own.
func list[T any](ctx context.Context, s *Store, scan func(Row) (T, error), query string, args ...any) (all []T, err error) {
	err = s.backend.read(ctx, func(tx Tx) error {
		rows, err := tx.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		all, err = collect(rows, scan)
		return err
	})
	return all, err
}
