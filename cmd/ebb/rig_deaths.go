package main

import (
	"context"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/cmd/ebb/output"
)

// watchKills counts what the kernel kills for want of memory, until the function that it returns is called.
func (r *rig) watchKills(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.kills.Run(ctx) // it returns nil
	}()
	return func() {
		cancel()
		<-done
	}
}

// died tells of a process of Chrome that died unasked, in the log and in the recording.
func (r *rig) died(d browser.Death) {
	event := r.log.Warn().Str("kind", string(d.Kind)).Int("chrome", d.Browser.PID()).AnErr("error", d.Err)
	if d.Site != "" {
		event = event.Str("site", d.Site).Str("run", d.Run).Str("url", output.CleanLine(d.URL))
	}
	what := "the renderer of a page has died"
	if d.Main {
		what = "Chrome's main process has died"
	}
	event.Msg(what)
	if r.memory != nil {
		_ = r.memory.NoteDeath(d) // the recording's own faults are told by its writer
	}
}

// killed tells of processes that the kernel has killed for want of memory.
func (r *rig) killed(n int) {
	event := r.log.Error().Int("processes", n)
	if r.memory != nil {
		if kind, err := r.memory.NoteKill(); err == nil && kind != "" {
			event = event.Str("process", kind)
		}
	}
	event.Msg("the kernel has killed processes for want of memory")
}
