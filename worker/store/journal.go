package store

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"sync"
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

	// What its statements are given again and again, as they take it. Owned by who commits.
	runArg any
	words  map[string]any // kinds, states, templates
	parent boxed          // of the last page

	// Room for what a batch writes. Owned by who commits.
	args    []any
	results []saved
	found   []found
	staged  []staged
}

// boxed is a text as statements take it.
type boxed struct {
	text string
	arg  any
}

// mostWords bounds the words that a journal keeps.
const mostWords = 64

// word is a text of which there are few as statements take it.
func (j *Journal) word(text string) any {
	if arg, found := j.words[text]; found {
		return arg
	}
	arg := any(clean(text))
	if len(j.words) < mostWords {
		j.words[text] = arg
	}
	return arg
}

// parentArg is the key of a page on which others were found, as statements take it.
func (j *Journal) parentArg(text string) any {
	if j.parent.arg == nil || j.parent.text != text {
		j.parent = boxed{text, clean(text)}
	}
	return j.parent.arg
}

var _ crawl.Journal = (*Journal)(nil)

// Journal returns the journal of an attempt that Claim began.
func (s *Store) Journal(run int64, attempt int) *Journal {
	return &Journal{store: s, run: run, attempt: attempt, runArg: run, words: map[string]any{}}
}

// Linger implements crawl.Journal.
func (j *Journal) Linger(may bool) {
	if j.lingers.Swap(may) && !may {
		j.store.batches.hurry()
	}
}

// Queue implements crawl.Journal.
func (j *Journal) Queue(ctx context.Context, pages []crawl.PageRef) error {
	all := make([]found, len(pages))
	for i := range pages {
		all[i] = found{&pages[i], clean(pages[i].Parent)}
	}
	err := j.write(ctx, func(ctx context.Context, tx Tx, p *place) error { return j.queue(ctx, tx, p, all) })
	if err != nil {
		return fmt.Errorf("queue %d pages of run %d: %w", len(pages), j.run, err)
	}
	return nil
}

// Save implements crawl.Journal.
func (j *Journal) Save(ctx context.Context, result crawl.PageResult) error {
	err := j.store.batches.add(ctx, &write{journal: j, result: result})
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

// fewRows is up to how many rows there is a statement for each number.
const fewRows = 8

// inserts are the texts of an INSERT of 1, 2, ... fewRows and then twice as many rows each, up to maxRows: few, so
// that a database keeps each of them prepared.
type inserts []func() string

func newInserts(head string, width int, tail string) inserts {
	var all inserts
	for n := 1; n <= maxRows; {
		rows := n
		all = append(all, sync.OnceValue(func() string { return head + placeholders(rows, width) + tail }))
		if n < fewRows {
			n++
		} else {
			n *= 2
		}
	}
	return all
}

// of returns the statement for the most of n rows, and for how many it is.
func (all inserts) of(n int) (query string, rows int) {
	if n <= fewRows {
		return all[n-1](), n
	}
	doubled := min(bits.Len(uint(n/fewRows)), len(all)-fewRows+1) - 1
	return all[fewRows-1+doubled](), fewRows << doubled
}

// insert inserts n rows, of which row appends the values of one, and returns how many the database touched.
func (j *Journal) insert(ctx context.Context, tx Tx, texts inserts, n int, row func(args []any, i int) []any) (int64, error) {
	touched := int64(0)
	for i := 0; i < n; {
		query, rows := texts.of(n - i)
		for range rows {
			j.args = row(j.args, i)
			i++
		}
		some, err := tx.Exec(ctx, query, j.args...)
		clear(j.args)
		j.args = j.args[:0]
		if err != nil {
			return touched, err
		}
		touched += some
	}
	return touched, nil
}

// queue adds pages to the run after those that it has. Pages that the run knows are
// left as they are.
func (j *Journal) queue(ctx context.Context, tx Tx, p *place, pages []found) error {
	if len(pages) == 0 {
		return nil
	}
	if err := j.findPlace(ctx, tx, p); err != nil {
		return err
	}
	_, err := j.insert(ctx, tx, queueQueries, len(pages), func(args []any, i int) []any {
		id, long := shortKey(pages[i].page.Key)
		return j.pageArgs(args, pages[i].page, id, id, long, pages[i].parent, p.next(), crawl.PageQueued)
	})
	return err
}

// found is a page that was found, with its parent as statements take it.
type found struct {
	page   *crawl.PageRef
	parent any
}

var queueQueries = newInserts("INSERT INTO pages ("+refColumns+") VALUES ", 10, " ON CONFLICT (run, id) DO NOTHING")

// findPlace finds the place after the run's last page, unless it is known.
func (j *Journal) findPlace(ctx context.Context, tx Tx, p *place) error {
	if p.known {
		return nil
	}
	p.known = true
	return tx.QueryRow(ctx, "SELECT coalesce(max(seq), 0) FROM pages WHERE run = $1", j.run).Scan(&p.seq)
}

// refColumns are the columns that pageArgs fills.
const refColumns = "run, id, long_key, seq, url, template, depth, parent, state, attempts"

// pageArgs adds what is stored of a page before it is visited. short and long are its key, id and parent that and the
// key of its parent as statements take them.
func (j *Journal) pageArgs(args []any, page *crawl.PageRef, id any, short, long string, parent any, seq int64, state crawl.PageState) []any {
	address := clean(page.URL)
	if address == wholeKey(short, long) {
		address = ""
	}
	return append(args, j.runArg, id, long, seq, address, j.word(page.Template), int64(page.Depth), parent, j.word(string(state)), int64(page.Attempts))
}

// saved is a result that is recorded, with its page's key: in two parts, and the first as statements take it.
type saved struct {
	result      *crawl.PageResult
	short, long string
	id          any
}

// errSavedBefore says that of several pages some were saved before: each is to be saved by itself.
var errSavedBefore = errors.New("some of the pages were saved before")

// save records results of pages, with their items and the pages that they led to. One that was recorded before is
// left as it is; among several it is errSavedBefore.
func (j *Journal) save(ctx context.Context, tx Tx, p *place, results []saved) error {
	for i := range results {
		r := &results[i]
		r.short, r.long = shortKey(r.result.Key)
		r.id = r.short
	}
	n, err := j.savePages(ctx, tx, p, results)
	switch {
	case err != nil:
		return err
	case n < int64(len(results)) && len(results) > 1:
		return errSavedBefore
	case n == 0:
		return nil
	}
	if err := j.saveItems(ctx, tx, results); err != nil {
		return err
	}
	all := j.found[:0]
	for i := range results {
		r := &results[i]
		for k := range r.result.Found {
			page := &r.result.Found[k]
			parent := r.id
			if page.Parent != r.short {
				parent = j.parentArg(page.Parent)
			}
			all = append(all, found{page, parent})
		}
	}
	err = j.queue(ctx, tx, p, all)
	clear(all)
	j.found = all[:0]
	return err
}

// savePages records the results themselves, and returns of how many that was done: not of those that were recorded
// before. A page that was never queued (a redirect's target) is added.
func (j *Journal) savePages(ctx context.Context, tx Tx, p *place, results []saved) (int64, error) {
	if err := j.findPlace(ctx, tx, p); err != nil {
		return 0, err
	}
	return j.insert(ctx, tx, savePageQueries, len(results), func(args []any, i int) []any {
		s := &results[i]
		r := s.result
		args = j.pageArgs(args, &r.PageRef, s.id, s.short, s.long, j.parentArg(r.Parent), p.next(), r.State)
		return append(args, int64(r.Status), clean(r.FinalURL), clean(r.Title), r.Bytes,
			j.word(string(r.Class)), clean(r.Error), micros(r.Started), r.Duration.Microseconds(), int64(len(r.Items)), int64(r.Duplicates))
	})
}

var savePageQueries = newInserts("INSERT INTO pages ("+refColumns+`, status, final_url, title, bytes, class, error, started_at, duration,
	items, duplicates) VALUES `, 20, `
	ON CONFLICT (run, id) DO UPDATE SET state = excluded.state, attempts = excluded.attempts, status = excluded.status,
		final_url = excluded.final_url, title = excluded.title, bytes = excluded.bytes, class = excluded.class,
		error = excluded.error, started_at = excluded.started_at, duration = excluded.duration, items = excluded.items,
		duplicates = excluded.duplicates
	WHERE pages.state = 'queued'`)

// staged is an item of a page that is saved.
type staged struct {
	page    *saved
	ordinal int
}

// saveItems stages the items of pages.
func (j *Journal) saveItems(ctx context.Context, tx Tx, results []saved) error {
	all := j.staged[:0]
	for i := range results {
		for k := range results[i].result.Items {
			all = append(all, staged{&results[i], k})
		}
	}
	_, err := j.insert(ctx, tx, itemQueries, len(all), func(args []any, i int) []any {
		page := all[i].page
		item := &page.result.Items[all[i].ordinal]
		short, long := shortKey(item.Key)
		key := page.id
		if short != page.short {
			key = short
		}
		return append(args, j.runArg, page.id, int64(all[i].ordinal), j.word(item.Kind), key, long, item.Hash, clean(string(item.Data)))
	})
	clear(all)
	j.staged = all[:0]
	if err != nil {
		return fmt.Errorf("stage items: %w", err)
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
