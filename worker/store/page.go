package store

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/ebbworker/ebb/worker/crawl"
)

// Page is a page of a run as the store keeps it.
type Page struct {
	// PageResult is what came of the page; without its Items and Found.
	crawl.PageResult
	// ItemCount is the number of items taken from it.
	ItemCount int
}

const pageColumns = `id, long_key, url, template, depth, parent, state, attempts, status, final_url, title, bytes,
	class, error, started_at, duration, items, duplicates`

func scanPage(row Row) (Page, error) {
	var p Page
	var id, long string
	var started, duration int64
	err := row.Scan(&id, &long, &p.URL, &p.Template, &p.Depth, &p.Parent, &p.State, &p.Attempts, &p.Status, &p.FinalURL, &p.Title,
		&p.Bytes, &p.Class, &p.Error, &started, &duration, &p.ItemCount, &p.Duplicates)
	p.Key = wholeKey(id, long)
	if p.URL == "" {
		p.URL = p.Key
	}
	p.Started, p.Duration = fromMicros(started), time.Duration(duration)*time.Microsecond
	return p, err
}

// Pages yields the pages of a run in the order in which they were found. An error is
// yielded last.
func (s *Store) Pages(ctx context.Context, run int64) iter.Seq2[Page, error] {
	return stream(ctx, s, scanPage, fmt.Sprintf("read the pages of run %d", run),
		"SELECT "+pageColumns+" FROM pages WHERE run = $1 ORDER BY seq, id", run)
}

// State returns what a run knew when it was interrupted: an empty one for a new run.
func (s *Store) State(ctx context.Context, run int64) (crawl.State, error) {
	var state crawl.State
	for page, err := range s.Pages(ctx, run) {
		if err != nil {
			return crawl.State{}, err
		}
		if page.State == crawl.PageQueued {
			state.Queued = append(state.Queued, page.PageRef)
			continue
		}
		state.Known = append(state.Known, page.Key)
		if page.FinalURL != "" && page.FinalURL != page.URL {
			state.Landed = append(state.Landed, page.FinalURL)
		}
		if page.State != crawl.PageSkipped {
			state.Visited++
		}
		state.Items += page.ItemCount
	}
	return state, nil
}

// stream yields the rows of a query one by one, so that a result of any size needs
// little memory. The rows are those of one moment.
func stream[T any](ctx context.Context, s *Store, scan func(Row) (T, error), doing, query string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		stopped := false
		err := s.backend.read(ctx, func(tx Tx) error {
			// A reader that stops early ends the query: Postgres would send all the rest.
			ctx, stop := context.WithCancel(ctx)
			defer stop()
			rows, err := tx.Query(ctx, query, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				one, err := scan(rows)
				if err != nil {
					return err
				}
				if !yield(one, nil) {
					stopped = true
					stop()
					return nil
				}
			}
			return rows.Err()
		})
		if err != nil && !stopped {
			yield(none, fmt.Errorf("%s: %w", doing, err))
		}
	}
}
