package store

import (
	"context"
	"fmt"
	"math/bits"
	"sync/atomic"

	"github.com/ebbworker/ebb/worker/crawl"
)

// Journal makes the steps of one attempt at a run durable. It implements
// crawl.Journal. Each step is done whole or not at all, and returns ErrSuperseded, having
// changed nothing, once the attempt is not the current one any more. Steps of all journals
// of a store that come at the same time share a transaction. It is safe for concurrent use.
type Journal struct {
	store   *Store
	run     int64
	attempt int
	lingers atomic.Bool // saves may wait for others
}

var _ crawl.Journal = (*Journal)(nil)

// Journal returns the journal of an attempt that Claim began.
func (s *Store) Journal(run int64, attempt int) *Journal {
	return &Journal{store: s, run: run, attempt: attempt}
}

// Linger implements crawl.Journal.
func (j *Journal) Linger(may bool) {
	if j.lingers.Swap(may) && !may {
		j.store.batches.hurry()
	}
}

// Queue implements crawl.Journal.
func (j *Journal) Queue(ctx context.Context, pages []crawl.PageRef) error {
	err := j.write(ctx, func(ctx context.Context, tx Tx, p *place) error { return j.queue(ctx, tx, p, pages) })
	if err != nil {
		return fmt.Errorf("queue %d pages of run %d: %w", len(pages), j.run, err)
	}
	return nil
}

// Save implements crawl.Journal.
func (j *Journal) Save(ctx context.Context, result crawl.PageResult) error {
	err := j.write(ctx, func(ctx context.Context, tx Tx, p *place) error {
		saved, err := j.savePage(ctx, tx, p, &result)
		if err != nil || !saved {
			return err
		}
		if err := j.saveItems(ctx, tx, &result); err != nil {
			return err
		}
		return j.queue(ctx, tx, p, result.Found)
	})
	if err != nil {
		return fmt.Errorf("save page %s of run %d: %w", clip(result.Key), j.run, err)
	}
	return nil
}

// Retry implements crawl.Journal.
func (j *Journal) Retry(ctx context.Context, page crawl.PageRef, class crawl.Class, reason string) error {
	id, _ := shortKey(page.Key)
	err := j.write(ctx, func(ctx context.Context, tx Tx, _ *place) error {
		_, err := tx.Exec(ctx, `UPDATE pages SET attempts = $3, class = $4, error = $5
			WHERE run = $1 AND id = $2 AND state = 'queued'`, j.run, id, page.Attempts, string(class), clean(reason))
		if err != nil || class != crawl.ClassMemory {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE runs SET killed = killed + 1 WHERE id = $1", j.run)
		return err
	})
	if err != nil {
		return fmt.Errorf("record that page %s of run %d is tried again: %w", clip(page.Key), j.run, err)
	}
	return nil
}

// write makes a step durable. It can be done twice.
func (j *Journal) write(ctx context.Context, do func(context.Context, Tx, *place) error) error {
	return j.store.batches.add(ctx, &write{journal: j, do: do})
}

// maxRows bounds the rows of one INSERT, so that its parameters stay below the smallest
// limit of both databases (32,766).
const maxRows = 256

// inserts are the texts of an INSERT of 1, 2, 4, ... maxRows rows: few, so that a database
// keeps each of them prepared.
type inserts []string

func newInserts(head string, width int, tail string) inserts {
	var all inserts
	for n := 1; n <= maxRows; n *= 2 {
		all = append(all, head+placeholders(n, width)+tail)
	}
	return all
}

// of returns the statement for the most of n rows, and for how many it is.
func (all inserts) of(n int) (query string, rows int) {
	i := min(bits.Len(uint(n)), len(all)) - 1
	return all[i], 1 << i
}

// queue adds pages to the run after those that it has. Pages that the run knows are
// left as they are.
func (j *Journal) queue(ctx context.Context, tx Tx, p *place, pages []crawl.PageRef) error {
	for len(pages) > 0 {
		query, n := queueQueries.of(len(pages))
		args := make([]any, 0, n*10)
		for i := range n {
			seq, err := j.nextSeq(ctx, tx, p)
			if err != nil {
				return err
			}
			args = j.pageArgs(args, &pages[i], seq, crawl.PageQueued)
		}
		pages = pages[n:]
		if _, err := tx.Exec(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

var queueQueries = newInserts("INSERT INTO pages ("+refColumns+") VALUES ", 10, " ON CONFLICT (run, id) DO NOTHING")

// nextSeq is the place after the run's last page.
func (j *Journal) nextSeq(ctx context.Context, tx Tx, p *place) (int64, error) {
	if p.seq == 0 {
		err := tx.QueryRow(ctx, "SELECT coalesce(max(seq), 0) FROM pages WHERE run = $1", j.run).Scan(&p.seq)
		if err != nil {
			return 0, err
		}
	}
	p.seq++
	return p.seq, nil
}

// refColumns are the columns that pageArgs fills.
const refColumns = "run, id, long_key, seq, url, template, depth, parent, state, attempts"

func (j *Journal) pageArgs(args []any, page *crawl.PageRef, seq int64, state crawl.PageState) []any {
	id, long := shortKey(page.Key)
	address := clean(page.URL)
	if address == wholeKey(id, long) {
		address = ""
	}
	return append(args, j.run, id, long, seq, address, clean(page.Template), int64(page.Depth), clean(page.Parent), string(state), int64(page.Attempts))
}

// savePage records a page's result. It returns false if it was recorded before. A page
// that was never queued (a redirect's target) is added.
func (j *Journal) savePage(ctx context.Context, tx Tx, p *place, r *crawl.PageResult) (bool, error) {
	seq, err := j.nextSeq(ctx, tx, p)
	if err != nil {
		return false, err
	}
	args := append(j.pageArgs(make([]any, 0, 20), &r.PageRef, seq, r.State), int64(r.Status), clean(r.FinalURL), clean(r.Title), r.Bytes,
		string(r.Class), clean(r.Error), micros(r.Started), r.Duration.Microseconds(), int64(len(r.Items)), int64(r.Duplicates))
	n, err := tx.Exec(ctx, savePageQuery, args...)
	return n > 0, err
}

var savePageQuery = "INSERT INTO pages (" + refColumns + `, status, final_url, title, bytes, class, error, started_at, duration,
	items, duplicates) VALUES ` + placeholders(1, 20) + `
	ON CONFLICT (run, id) DO UPDATE SET state = excluded.state, attempts = excluded.attempts, status = excluded.status,
		final_url = excluded.final_url, title = excluded.title, bytes = excluded.bytes, class = excluded.class,
		error = excluded.error, started_at = excluded.started_at, duration = excluded.duration, items = excluded.items,
		duplicates = excluded.duplicates
	WHERE pages.state = 'queued'`

// saveItems stages a page's items.
func (j *Journal) saveItems(ctx context.Context, tx Tx, r *crawl.PageResult) error {
	page, _ := shortKey(r.Key)
	for start := 0; start < len(r.Items); {
		query, n := itemQueries.of(len(r.Items) - start)
		args := make([]any, 0, n*8)
		for i := start; i < start+n; i++ {
			item := &r.Items[i]
			key, long := shortKey(item.Key)
			args = append(args, j.run, page, int64(i), clean(item.Kind), key, long, item.Hash, clean(string(item.Data)))
		}
		start += n
		if _, err := tx.Exec(ctx, query, args...); err != nil {
			return fmt.Errorf("stage items: %w", err)
		}
	}
	return nil
}

var itemQueries = newInserts("INSERT INTO page_items (run, page, ordinal, kind, key, long_key, hash, data) VALUES ", 8, "")

// clip shortens a URL for a message.
func clip(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return clean(text[:most]) + "..."
}
