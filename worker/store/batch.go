package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/ebbworker/ebb/worker/crawl"
)

const (
	// lingerTime is how long a save may wait for others, so that one commit makes several pages durable.
	lingerTime = 50 * time.Millisecond
	// mostWrites is how many writes are made durable by one commit.
	mostWrites = 64
	// batchTimeout bounds how long a batch may take.
	batchTimeout = 30 * time.Second
)

// batches put the writes of journals together: whoever comes first waits a little for others, if all of
// them may wait, and commits for all. There is one writer at a time; what comes meanwhile is the next batch.
type batches struct {
	backend backend
	linger  time.Duration

	writing sync.Mutex // held by the one that writes

	mu   sync.Mutex // guards what follows
	next *batch     // takes writes; nil while there are none
}

// batch is what one commit makes durable.
type batch struct {
	writes []*write      // guarded by the lock of batches until the batch is closed
	due    chan struct{} // closed when nothing is waited for any more
	isDue  bool          // guarded by the lock of batches
	done   chan struct{} // closed when every write has its outcome
}

// write is one step of a journal: the result of a page, or something else to do. It may be done more than once.
type write struct {
	journal *Journal
	result  crawl.PageResult // where there is no do
	do      func(ctx context.Context, tx Tx, p *place) error
	late    bool  // the attempt was not the current one; owned by who commits
	err     error // valid when the batch is done
}

// errUnwritten is the outcome of a write of which nothing else is known.
var errUnwritten = errors.New("it was not written")

// place is where the last page of a run stands, once that is known.
type place struct {
	seq   int64
	known bool
}

func (p *place) next() int64 {
	p.seq++
	return p.seq
}

// add makes a write durable together with others. When ctx ends first, the write may have been made or not.
func (b *batches) add(ctx context.Context, w *write) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	w.err = errUnwritten
	own, first := b.join(w)
	if first {
		b.lead(ctx, own)
		return w.err
	}
	select {
	case <-own.done:
		return w.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// join puts a write into the next batch, and says whether it is the first there.
func (b *batches) join(w *write) (own *batch, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if first = b.next == nil; first {
		b.next = &batch{due: make(chan struct{}), done: make(chan struct{})}
	}
	own = b.next
	own.writes = append(own.writes, w)
	if len(own.writes) == mostWrites || !w.journal.lingers.Load() {
		own.hurry()
	}
	return own, first
}

// hurry ends the waiting. The caller holds the lock of batches.
func (o *batch) hurry() {
	if !o.isDue {
		o.isDue = true
		close(o.due)
	}
}

// hurry ends the waiting for the batch that takes writes.
func (b *batches) hurry() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		b.next.hurry()
	}
}

// lead makes a batch durable.
func (b *batches) lead(ctx context.Context, own *batch) {
	defer close(own.done)
	if b.linger > 0 {
		timer := time.NewTimer(b.linger)
		select {
		case <-own.due:
		case <-timer.C:
		}
		timer.Stop()
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	b.next = nil // so far others could join
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout) // the others do not end with the first
	defer cancel()
	slices.SortStableFunc(own.writes, func(x, y *write) int { // so that two processes lock runs in one order
		return cmp.Compare(x.journal.run, y.journal.run)
	})
	err := b.commit(ctx, own.writes)
	if err == nil {
		return
	}
	// Each for itself: what is wrong with one is no fault of the others. What a journal does can be done
	// twice, so a lost connection is no failure either.
	again := len(own.writes) > 1 || b.backend.isAway(err)
	for i, w := range own.writes {
		if again {
			err = b.commit(ctx, own.writes[i:i+1])
		}
		if err != nil {
			w.err = err
		}
	}
}

// commit makes writes durable in one transaction. Those whose attempt is not the current one have
// ErrSuperseded as their outcome; any other error is that of the transaction, of which nothing was done.
func (b *batches) commit(ctx context.Context, writes []*write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := b.backend.write(ctx, func(tx Tx) error {
		for rest := writes; len(rest) > 0; {
			n := 1
			for n < len(rest) && rest[n].journal.sameAttempt(rest[0].journal) {
				n++
			}
			if err := rest[0].journal.make(ctx, tx, rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, w := range writes {
		w.err = nil
		if w.late {
			w.err = ErrSuperseded
		}
	}
	return nil
}

// make does writes of the journal's attempt, or notes that they come too late.
func (j *Journal) make(ctx context.Context, tx Tx, writes []*write) error {
	err := j.fence(ctx, tx)
	late := errors.Is(err, ErrSuperseded)
	if err != nil && !late {
		return err
	}
	var p place
	results := j.results[:0]
	for _, w := range writes {
		switch w.late = late; {
		case late:
		case w.do == nil:
			results = append(results, saved{result: &w.result})
		default:
			if err := w.do(ctx, tx, &p); err != nil {
				return err
			}
		}
	}
	if len(results) == 0 {
		return nil
	}
	err = j.save(ctx, tx, &p, results)
	clear(results)
	j.results = results[:0]
	return err
}

func (j *Journal) sameAttempt(other *Journal) bool {
	return j.run == other.run && j.attempt == other.attempt
}

// fence returns ErrSuperseded unless the attempt is the current one, which it is then until the transaction
// ends.
func (j *Journal) fence(ctx context.Context, tx Tx) error {
	query := "SELECT 1 FROM runs WHERE id = $1 AND attempt = $2 AND state = 'running'" + j.store.backend.dialect().forUpdate
	var one int
	err := tx.QueryRow(ctx, query, j.run, j.attempt).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrSuperseded
	}
	return err
}
