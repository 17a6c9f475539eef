package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ebbworker/ebb/worker/store"
)

// Enqueue implements Engine.
func (e *engine[TTx]) Enqueue(ctx context.Context, site string) (int64, error) {
	var id int64
	err := e.inTx(ctx, func(ctx context.Context, tx store.Tx, raw TTx) error {
		if e.sites[site] == nil {
			known, err := e.store.HasSite(ctx, tx, site)
			if err != nil {
				return err
			}
			if !known {
				return ErrUnknownSite
			}
		}
		if err := e.store.LockSite(ctx, tx, site); err != nil {
			return err
		}
		now, err := e.store.Now(ctx, tx)
		if err != nil {
			return err
		}
		for added := false; !added; now = now.Add(time.Microsecond) { // a run's time is unique
			run := store.Run{Site: site, ScheduledAt: now, Reason: store.ReasonManual, State: store.RunPlanned}
			if id, added, err = e.store.AddRun(ctx, tx, run); err != nil {
				return err
			}
		}
		return e.putJob(ctx, tx, raw, site)
	})
	if err != nil {
		return 0, fmt.Errorf("queue a run of %s: %w", site, err)
	}
	e.ask(site)
	return id, nil
}

// waitInterval is how often Wait looks for the end of a run that another process works.
const waitInterval = 250 * time.Millisecond

// waitFailures is how often in a row Wait may fail to look: a database that is away may
// come back.
const waitFailures = 20

// Wait implements Engine.
func (e *engine[TTx]) Wait(ctx context.Context, id int64) (store.Run, error) {
	poll := time.NewTicker(waitInterval)
	defer poll.Stop()
	for failed := 0; ; {
		told := e.announce.wait()
		run, err := e.store.Run(ctx, id)
		switch {
		case err == nil && run.State.Finished():
			return run, nil
		case err == nil:
			failed = 0
		case errors.Is(err, store.ErrNotFound) || failed == waitFailures:
			return run, err
		case ctx.Err() == nil:
			failed++
			e.fault(fmt.Sprintf("wait for run %d", id), err)
		}
		select {
		case <-told:
		case <-poll.C:
		case <-ctx.Done():
			return run, fmt.Errorf("wait for run %d: %w", id, context.Cause(ctx))
		}
	}
}

// errEnded is why nothing is waited for any more.
var errEnded = errors.New("the queue has ended")

// awaitReady waits until runs may begin; from then on this process may rest.
func (e *engine[TTx]) awaitReady(ctx context.Context) error {
	select {
	case <-e.options.Ready:
	case <-ctx.Done():
		if !isClosed(e.options.Ready) {
			return fmt.Errorf("wait until runs may begin: %w", context.Cause(ctx))
		}
	}
	e.atWork.touch()
	return nil
}

// Once implements Engine.
func (e *engine[TTx]) Once(ctx context.Context, siteNames ...string) ([]store.Run, error) {
	for _, name := range siteNames {
		if e.sites[name] == nil {
			return nil, fmt.Errorf("run %s: %w", name, ErrUnknownSite)
		}
	}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	asking, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- e.run(working, func() error { close(ready); return nil })
		cancel(errEnded)
	}()
	select {
	case <-ready:
	case err := <-ended:
		return nil, err
	}
	if err := e.awaitReady(asking); err != nil {
		stop()
		return nil, errors.Join(err, <-ended)
	}
	ids, err := e.enqueueAll(asking, siteNames)
	var runs []store.Run
	for _, id := range ids {
		run, failed := e.Wait(asking, id)
		runs, err = append(runs, run), errors.Join(err, failed)
		if failed != nil {
			break
		}
	}
	interrupted := asking.Err() != nil
	stop()
	err = errors.Join(err, <-ended)
	if !interrupted {
		return runs, err
	}
	after := context.WithoutCancel(ctx)
	runs = nil
	for _, id := range ids {
		run, failed := e.abandon(after, id)
		runs, err = append(runs, run), errors.Join(err, failed)
	}
	return runs, err
}

func (e *engine[TTx]) enqueueAll(ctx context.Context, siteNames []string) ([]int64, error) {
	var ids []int64
	for _, name := range siteNames {
		id, err := e.Enqueue(ctx, name)
		if err != nil {
			return ids, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// abandon ends a run that is not at work where it is. What it took is kept.
func (e *engine[TTx]) abandon(ctx context.Context, id int64) (store.Run, error) {
	run, err := e.store.Run(ctx, id)
	if err != nil || run.State != store.RunPlanned {
		return run, err
	}
	err = e.inTx(ctx, func(ctx context.Context, tx store.Tx, raw TTx) error {
		if err := e.store.LockSite(ctx, tx, run.Site); err != nil {
			return err
		}
		claimed, err := e.store.Claim(ctx, tx, id, e.self.ID)
		if errors.Is(err, store.ErrSuperseded) {
			return nil // another process has begun it
		}
		if err != nil {
			return err
		}
		run, err = e.store.Publish(ctx, tx, id, claimed.Attempt, store.Ending{State: store.RunFailed, Error: "stopped before it was complete"})
		if err != nil {
			return err
		}
		// Its job, if it still waits, finds the run ended and makes way.
		return e.putJob(ctx, tx, raw, run.Site)
	})
	return run, err
}
