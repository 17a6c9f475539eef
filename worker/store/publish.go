package store

import (
	"context"
	"fmt"

	"github.com/ebbworker/ebb/worker/crawl"
)

// Ending says how a run ended.
type Ending struct {
	// State is RunDone, RunPartial or RunFailed.
	State RunState
	// Failed counts the attempt as a failure of the run's own.
	Failed bool
	// Class and Error say what went wrong, if anything.
	Class crawl.Class
	Error string
}

// Publish ends a run: the items taken from its pages become the site's items, and the
// run gets its counts and its final state. An item that several pages of the run hold is
// taken from the last of them in page order. Publishing a run that was opened again
// counts anew and never overwrites what a later run saw.
//
// A run that ends as failed though some of its pages were visited is recorded as
// partial. Publish returns the run as it is then, or ErrSuperseded, having changed
// nothing, if the attempt is not the current one.
func (s *Store) Publish(ctx context.Context, tx Tx, id int64, attempt int, ending Ending) (Run, error) {
	now, err := s.Now(ctx, tx)
	if err != nil {
		return Run{}, err
	}
	// The fence comes first: it also waits for pages that are being saved.
	n, err := tx.Exec(ctx, `UPDATE runs SET state = $3, finished_at = $4, class = $5, error = $6, failures = failures + $7
		WHERE id = $1 AND attempt = $2 AND state = 'running'`,
		id, attempt, string(ending.State), micros(now), string(ending.Class), clean(ending.Error), count(ending.Failed))
	if err != nil {
		return Run{}, fmt.Errorf("finish run %d: %w", id, err)
	}
	if n == 0 {
		return Run{}, ErrSuperseded
	}
	if _, err := tx.Exec(ctx, mergeItems, id); err != nil {
		return Run{}, fmt.Errorf("publish the items of run %d: %w", id, err)
	}
	if err := s.countRun(ctx, tx, id, ending.State); err != nil {
		return Run{}, err
	}
	if ending.State == RunDone {
		// Nothing more comes of this run: its items are kept once.
		if _, err := tx.Exec(ctx, "DELETE FROM page_items WHERE run = $1", id); err != nil {
			return Run{}, fmt.Errorf("drop the staged items of run %d: %w", id, err)
		}
	}
	return s.RunTx(ctx, tx, id)
}

// mergeItems makes the staged items of run $1 items of its site. The last staged item
// of a kind and key counts; an item that has been seen later than it stays as it is.
const mergeItems = `
INSERT INTO items (site, kind, key, long_key, url, hash, data,
	first_seen, last_seen, changed_at, first_run, last_run, changed_run, sighting)
SELECT site, kind, key, long_key, url, hash, data, seen, seen, seen, run, run, run, sighting
FROM (
	SELECT r.site, i.kind, i.key, i.long_key, i.hash, i.data, i.run, i.id AS sighting, p.started_at AS seen,
		CASE WHEN p.final_url <> '' THEN p.final_url WHEN p.url <> '' THEN p.url
			WHEN p.long_key <> '' THEN p.long_key ELSE p.id END AS url,
		row_number() OVER (PARTITION BY i.kind, i.key ORDER BY p.seq DESC, i.page DESC, i.ordinal DESC) AS place
	FROM page_items i
	JOIN pages p ON p.run = i.run AND p.id = i.page
	JOIN runs r ON r.id = i.run
	WHERE i.run = $1
) AS staged
WHERE place = 1
ON CONFLICT (site, kind, key) DO UPDATE SET
	url = excluded.url,
	data = excluded.data,
	hash = excluded.hash,
	last_seen = excluded.last_seen,
	last_run = excluded.last_run,
	changed_at = CASE WHEN items.hash = excluded.hash THEN items.changed_at ELSE excluded.changed_at END,
	changed_run = CASE WHEN items.hash = excluded.hash THEN items.changed_run ELSE excluded.changed_run END,
	sighting = excluded.sighting
WHERE excluded.sighting > items.sighting`

// countRun records the counts of a run's pages and items.
func (s *Store) countRun(ctx context.Context, tx Tx, id int64, state RunState) error {
	pages, err := countPages(ctx, tx, id)
	if err != nil {
		return err
	}
	if state == RunFailed && pages.Done > 0 {
		state = RunPartial
	}
	var all int
	var items ItemCounts
	err = tx.QueryRow(ctx, `SELECT count(*),
		coalesce(sum(CASE WHEN i.first_run = $1 THEN 1 ELSE 0 END), 0),
		coalesce(sum(CASE WHEN i.changed_run = $1 AND i.first_run <> $1 THEN 1 ELSE 0 END), 0)
		FROM (SELECT DISTINCT kind, key FROM page_items WHERE run = $1) AS staged
		JOIN items i ON i.site = (SELECT site FROM runs WHERE id = $1) AND i.kind = staged.kind AND i.key = staged.key`,
		id).Scan(&all, &items.New, &items.Changed)
	if err != nil {
		return fmt.Errorf("count the items of run %d: %w", id, err)
	}
	items.Same = all - items.New - items.Changed
	_, err = tx.Exec(ctx, `UPDATE runs SET state = $2, pages_done = $3, pages_failed = $4, pages_skipped = $5,
		items_new = $6, items_changed = $7, items_same = $8 WHERE id = $1`,
		id, string(state), pages.Done, pages.Failed, pages.Skipped, items.New, items.Changed, items.Same)
	if err != nil {
		return fmt.Errorf("count run %d: %w", id, err)
	}
	return nil
}
