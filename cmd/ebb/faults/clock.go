package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"

	"github.com/ebbworker/ebb/memprof"
)

// clockFaults set the clock: what the worker has planned last lies in the future, or long ago.
func clockFaults() []Fault {
	return []Fault{
		{Name: "clock-back", Does: "Sets the clock back by an hour, as the plan sees it.", Holds: "the site runs on, and no scheduled time twice", run: clockSet(time.Hour)},
		{Name: "clock-forward", Does: "Sets the clock forward by an hour, as the plan sees it.", Holds: "one missed run is made up for, and no scheduled time runs twice", run: clockSet(-time.Hour)},
	}
}

// clockSet runs a site on its schedule after its plan was moved.
func clockSet(by time.Duration) func(ctx context.Context, s *scene) error {
	return func(ctx context.Context, s *scene) error {
		site, p, err := s.site("waiting", `schedule: "@every 2s"`)
		if err != nil {
			return err
		}
		if err := s.open(ctx, s.options.Launch); err != nil {
			return err
		}
		if err := s.scheduled(ctx, site); err != nil {
			return err
		}
		moved := time.Now().Add(by)
		err = s.store.InTx(ctx, func(tx store.Tx) error { return s.store.SetPlanned(ctx, tx, site.Name, moved, 0) })
		if err != nil {
			return err
		}
		s.hurts()
		if err := s.scheduled(ctx, site); err != nil {
			return err
		}
		s.mu.Lock()
		s.recovered = time.Since(s.hurt)
		s.mu.Unlock()
		runs, err := s.store.Runs(ctx, store.RunFilter{Limit: 1000})
		if err != nil {
			return err
		}
		times, missed := map[time.Time]bool{}, 0
		for _, run := range runs {
			if times[run.ScheduledAt] {
				err = errors.Join(err, fmt.Errorf("the time %s is planned twice", run.ScheduledAt))
			}
			times[run.ScheduledAt] = true
			if run.Reason == store.ReasonMissed && run.State != store.RunSkipped {
				missed++
			}
		}
		if by < 0 && missed > 1 {
			err = errors.Join(err, fmt.Errorf("%d missed runs are made up for", missed))
		}
		return errors.Join(err, s.holdsItems(ctx, s.store, p.Names()), s.holdsSlots(ctx))
	}
}

// scheduled works a site's schedule until one more run of it is done.
func (s *scene) scheduled(ctx context.Context, site *sites.Site) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("no run came in a minute"))
	defer cancel()
	working, stop := context.WithCancel(ctx)
	defer stop()
	done := false
	w, err := worker.New(worker.Options{
		Sites: []*sites.Site{site}, Store: s.store, Pool: s.pool, Retries: quickRetries(), MaxRuns: 1,
		OnEnd: func(e queue.Ended, _ memprof.Summary) { done = done || e.Run.State == store.RunDone },
	})
	if err != nil {
		return err
	}
	if err := w.Run(working); err != nil {
		return err
	}
	if !done {
		return errors.Join(errors.New("no run of the schedule was done"), context.Cause(ctx))
	}
	return nil
}
