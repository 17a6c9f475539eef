package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/ebbworker/ebb/worker/crawl"
)

// Journal makes the steps of one attempt at a run durable. It implements
// crawl.Journal. Each method is one transaction, and returns ErrSuperseded, having
// changed nothing, once the attempt is not the current one any more. It is safe for
// concurrent use.
type Journal struct {
	store   *Store
	run     int64
	attempt int
}

var _ crawl.Journal = (*Journal)(nil)

// Journal returns the journal of an attempt that Claim began.
func (s *Store) Journal(run int64, attempt int) *Journal { return &Journal{s, run, attempt} }

// Queue implements crawl.Journal.
func (j *Journal) Queue(ctx context.Context, pages []crawl.PageRef) error {
	err := j.write(ctx, func(tx Tx) error { return j.queue(ctx, tx, pages) })
	if err != nil {
		return fmt.Errorf("queue %d pages of run %d: %w", len(pages), j.run, err)
	}
	return nil
}

// Save implements crawl.Journal.
func (j *Journal) Save(ctx context.Context, result crawl.PageResult) error {
	err := j.write(ctx, func(tx Tx) error {
		saved, err := j.savePage(ctx, tx, result)
		if err != nil || !saved {
			return err
		}
		if err := j.saveItems(ctx, tx, result); err != nil {
			return err
		}
		return j.queue(ctx, tx, result.Found)
	})
	if err != nil {
		return fmt.Errorf("save page %s of run %d: %w", clip(result.Key), j.run, err)
	}
	return nil
}

// Retry implements crawl.Journal.
func (j *Journal) Retry(ctx context.Context, page crawl.PageRef, class crawl.Class, reason string) error {
	id, _ := shortKey(page.Key)
	err := j.write(ctx, func(tx Tx) error {
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

// write runs do in a transaction in which the attempt is the current one. What a journal
// does can be done twice, so a lost connection is no failure: it is tried once more.
func (j *Journal) write(ctx context.Context, do func(Tx) error) error {
	err := j.writeOnce(ctx, do)
	if err != nil && j.store.backend.isAway(err) {
		err = j.writeOnce(ctx, do)
	}
	return err
}

func (j *Journal) writeOnce(ctx context.Context, do func(Tx) error) error {
	query := "SELECT 1 FROM runs WHERE id = $1 AND attempt = $2 AND state = 'running'" + j.store.backend.dialect().forUpdate
	return j.store.backend.write(ctx, func(tx Tx) error {
		var one int
		err := tx.QueryRow(ctx, query, j.run, j.attempt).Scan(&one)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrSuperseded
		}
		if err != nil {
			return err
		}
		return do(tx)
	})
}

// maxRows bounds the rows of one INSERT, so that its parameters stay below the smallest
// limit of both databases (32,766).
const maxRows = 500

// queue adds pages to the run after those that it has. Pages that the run knows are
// left as they are.
func (j *Journal) queue(ctx context.Context, tx Tx, pages []crawl.PageRef) error {
	if len(pages) == 0 {
		return nil
	}
	seq, err := j.lastSeq(ctx, tx)
	if err != nil {
		return err
	}
	for len(pages) > 0 {
		some := pages[:min(len(pages), maxRows)]
		pages = pages[len(some):]
		args := make([]any, 0, len(some)*10)
		for _, page := range some {
			seq++
			args = append(args, j.pageArgs(page, seq, crawl.PageQueued)...)
		}
		_, err := tx.Exec(ctx, "INSERT INTO pages ("+refColumns+") VALUES "+placeholders(len(some), 10)+
			" ON CONFLICT (run, id) DO NOTHING", args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// lastSeq is the place of the run's last page.
func (j *Journal) lastSeq(ctx context.Context, tx Tx) (seq int64, err error) {
	err = tx.QueryRow(ctx, "SELECT coalesce(max(seq), 0) FROM pages WHERE run = $1", j.run).Scan(&seq)
	return seq, err
}

// refColumns are the columns that pageArgs fills.
const refColumns = "run, id, long_key, seq, url, template, depth, parent, state, attempts"

func (j *Journal) pageArgs(page crawl.PageRef, seq int64, state crawl.PageState) []any {
	id, long := shortKey(page.Key)
	address := clean(page.URL)
	if address == wholeKey(id, long) {
		address = ""
	}
	return []any{j.run, id, long, seq, address, clean(page.Template), page.Depth, clean(page.Parent), string(state), page.Attempts}
}

// savePage records a page's result. It returns false if it was recorded before. A page
// that was never queued (a redirect's target) is added.
func (j *Journal) savePage(ctx context.Context, tx Tx, r crawl.PageResult) (bool, error) {
	seq, err := j.lastSeq(ctx, tx)
	if err != nil {
		return false, err
	}
	args := append(j.pageArgs(r.PageRef, seq+1, r.State), r.Status, clean(r.FinalURL), clean(r.Title), r.Bytes,
		string(r.Class), clean(r.Error), micros(r.Started), r.Duration.Microseconds(), len(r.Items), r.Duplicates)
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
func (j *Journal) saveItems(ctx context.Context, tx Tx, r crawl.PageResult) error {
	page, _ := shortKey(r.Key)
	for start := 0; start < len(r.Items); start += maxRows {
		some := r.Items[start:min(len(r.Items), start+maxRows)]
		args := make([]any, 0, len(some)*8)
		for i, item := range some {
			key, long := shortKey(item.Key)
			args = append(args, j.run, page, start+i, clean(item.Kind), key, long, item.Hash, clean(string(item.Data)))
		}
		_, err := tx.Exec(ctx, "INSERT INTO page_items (run, page, ordinal, kind, key, long_key, hash, data) VALUES "+
			placeholders(len(some), 8), args...)
		if err != nil {
			return fmt.Errorf("stage items: %w", err)
		}
	}
	return nil
}

// clip shortens a URL for a message.
func clip(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return clean(text[:most]) + "..."
}
