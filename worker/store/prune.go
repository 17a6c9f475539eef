package store

import (
	"context"
	"fmt"
	"time"
)

// Pruned says what Prune removed.
type Pruned struct {
	// Pages is the number of pages, StagedItems of items of failed runs that were staged
	// with them, Skipped of runs that never started.
	Pages, StagedItems, Skipped int64
}

// pruneRuns is how many runs one transaction of Prune clears: others wait meanwhile.
const pruneRuns = 20

// Prune removes the pages of runs that finished before a time, and runs that were
// skipped before it. Items stay, and so do the runs with their counts. A failed run that
// is tried again after it was pruned begins from its start.
func (s *Store) Prune(ctx context.Context, before time.Time) (Pruned, error) {
	var all Pruned
	for {
		more := false
		err := s.backend.write(ctx, func(tx Tx) error {
			ids, err := s.prunable(ctx, tx, before)
			if err != nil {
				return err
			}
			more = len(ids) == pruneRuns
			for _, id := range ids {
				if err := pruneRun(ctx, tx, id, &all); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil && !more {
			err = s.backend.write(ctx, func(tx Tx) (err error) {
				all.Skipped, err = tx.Exec(ctx, "DELETE FROM runs WHERE state = 'skipped' AND finished_at < $1", micros(before))
				return err
			})
		}
		if err != nil {
			return all, fmt.Errorf("remove the pages of runs before %s: %w", before.Format(time.RFC3339), err)
		}
		if !more {
			return all, nil
		}
	}
}

// prunable returns some runs that finished before a time and still have pages.
func (s *Store) prunable(ctx context.Context, tx Tx, before time.Time) ([]int64, error) {
	rows, err := tx.Query(ctx, `SELECT id FROM runs r WHERE finished_at > 0 AND finished_at < $1
		AND state IN ('done', 'partial', 'failed') AND EXISTS (SELECT 1 FROM pages p WHERE p.run = r.id)
		ORDER BY finished_at LIMIT $2`, micros(before), pruneRuns)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(row Row) (id int64, err error) { return id, row.Scan(&id) })
}

func pruneRun(ctx context.Context, tx Tx, id int64, sum *Pruned) error {
	items, err := tx.Exec(ctx, "DELETE FROM page_items WHERE run = $1", id)
	if err != nil {
		return err
	}
	pages, err := tx.Exec(ctx, "DELETE FROM pages WHERE run = $1", id)
	sum.StagedItems += items
	sum.Pages += pages
	return err
}
