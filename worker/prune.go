package worker

import (
	"context"
	"time"
)

// pruneEvery is the time between two looks for history that is too old.
const pruneEvery = 24 * time.Hour

// prune removes old history from the store, now and each day, until ctx ends.
func (w *Worker) prune(ctx context.Context) {
	if w.options.KeepHistory <= 0 {
		return
	}
	ticker := time.NewTicker(pruneEvery)
	defer ticker.Stop()
	for {
		pruned, err := w.options.Store.Prune(ctx, time.Now().Add(-w.options.KeepHistory))
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			w.options.Log.Warn().Err(err).Msg("could not remove old history; trying again in a day")
		case pruned.Pages > 0 || pruned.Skipped > 0:
			w.options.Log.Info().Int64("pages", pruned.Pages).Int64("skipped", pruned.Skipped).Msg("removed old history")
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
