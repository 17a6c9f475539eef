package queue

import (
	"context"
	"fmt"

	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
)

// oneTab says whether an attempt begins with one tab: a page of the site was killed for want of memory
// not long ago. The transaction has locked the site.
func (e *engine[TTx]) oneTab(ctx context.Context, tx store.Tx, site string) (bool, error) {
	if e.options.ForgetKills {
		return false, nil
	}
	standing, err := e.store.Standing(ctx, tx, site)
	return !standing.Killed.IsZero(), err
}

// hopeless says whether an attempt ended since a page was killed for want of memory that was alone
// already.
func (e *engine[TTx]) hopeless(r result) bool {
	return !e.options.ForgetKills && r.outcome.State == store.RunFailed && r.outcome.Class == crawl.ClassMemory && !r.interrupted
}

// noteMemory remembers how a run that has ended fared, and sets its site aside if the next would fare
// no better. The transaction has locked the site.
func (e *engine[TTx]) noteMemory(ctx context.Context, tx store.Tx, run store.Run, hopeless bool) error {
	if e.options.ForgetKills {
		return nil
	}
	if err := e.store.NoteMemory(ctx, tx, run.Site, run.Killed > 0 || hopeless); err != nil || !hopeless {
		return err
	}
	return e.store.SetAside(ctx, tx, run.Site, fmt.Sprintf("run %d: %s", run.ID, run.Error))
}
