package main

import (
	"runtime/debug"

	"github.com/ebbworker/ebb/worker"
)

// readBudget is the memory budget that the configuration and this machine make.
func readBudget(settings *Settings) (*worker.Budget, error) {
	limit, _ := parseMemory(settings.Memory.Limit) // it has been checked
	return worker.ReadBudget(limit)
}

// budget reads the memory budget of a rig, tells it, and bounds this program's own heap by its part,
// unless GOMEMLIMIT does. Without memory.control, and in a diagnosis, which is about memory that nobody
// gives back, there is none.
func (a *app) budget(r *rig, o rigOptions) *worker.Budget {
	if !r.settings.Memory.Control || o.diagnosis != nil {
		return nil
	}
	b, err := readBudget(r.settings)
	if err != nil {
		r.log.Warn().Err(err).Msg("not all is known of how much memory there is")
	}
	if !b.Known() {
		return nil
	}
	r.log.Info().Int64("total", b.Total).Int64("soft", b.Soft).Int64("hard", b.Hard).Msg("memory budget: " + b.String())
	if a.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(b.Worker)
	}
	return b
}
