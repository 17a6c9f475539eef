package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/report"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
)

// sayRunning is logged when the worker is up.
const sayRunning = "running; ^C stops"

func newRunCommand(a *app) *cobra.Command {
	var once bool
	var cycles int
	var cleanup cleanupFlag
	cmd := &cobra.Command{
		Use:   "run [SITE...]",
		Short: "Run every site on its schedule until stopped",
		Long: `Run every site of the configuration, or the named ones, on their schedules until
stopped. Several processes may do so on one database: each scheduled run is done once.

SIGTERM or ^C stops: runs at work may finish (timeouts.drain), and those that do not go
on at the next start. A second one interrupts them at once.

With --listen 127.0.0.1:9321 it serves /healthz, /readyz, /metrics for Prometheus, and a
page at /. Where other machines reach the address, web.token must be set.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if once && cycles > 0 {
				return usageErrorf("--once and --cycles exclude each other")
			}
			if cmd.Flags().Changed("cycles") {
				if err := atLeastOne("cycles", cycles); err != nil {
					return err
				}
			}
			cleaned, err := cleanup.parse()
			if err != nil {
				return err
			}
			return a.run(cmd.Context(), names, once, cycles, cleaned)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "run every site once, now, and exit")
	cmd.Flags().IntVar(&cycles, "cycles", 0, "exit after `N` runs of each site")
	cmd.Flags().StringVar(&a.flags.listen, "listen", "", "serve health, metrics and a page at `HOST:PORT` (web.listen)")
	cleanup.add(cmd)
	return cmd
}

func (a *app) run(ctx context.Context, names []string, once bool, cycles int, cleanup sites.Cleanup) error {
	chosen, err := a.chosenSites(names)
	if err != nil {
		return err
	}
	if !once {
		if err := anyScheduled(chosen); err != nil {
			return err
		}
	}
	var r *rig
	o := rigOptions{sites: chosen, cleanup: cleanup, most: cycles, web: true}
	o.onEnd = func(_ queue.Ended, memory memprof.Summary) {
		if r != nil && r.forPeople(a) && len(memory.Phases) > 0 {
			_ = report.CycleTable(r.board.progress, memory, a.err().Width)
		}
	}
	return a.stoppable(ctx, func(ctx context.Context, stop *stopper) error {
		o.stop, o.endless = stop, !once
		if once {
			o.retries = promptRetries()
		}
		return a.withRig(ctx, o, func(ctx context.Context, opened *rig) error {
			r = opened
			if once {
				return a.runOnce(ctx, r, chosen)
			}
			r.log.Info().Int("sites", len(chosen)).Str("database", r.store.Address()).Str("recording", r.memory.Path).Msg(sayRunning)
			return r.worker.Run(ctx)
		})
	})
}

// forPeople says whether tables may stand between the lines of the log.
func (r *rig) forPeople(a *app) bool {
	return r.settings.Log.Format == "console" || r.settings.Log.Format == "auto" && a.err().TTY
}

// runOnce runs each site one time. Every site has its turn whatever came of the others.
func (a *app) runOnce(ctx context.Context, r *rig, chosen []*sites.Site) error {
	names := make([]string, 0, len(chosen))
	for _, s := range chosen {
		names = append(names, s.Name)
	}
	runs, err := r.worker.Once(ctx, names...)
	if err != nil {
		return err
	}
	r.board.progress.Close()
	var errs error
	for _, run := range runs {
		printRun(a.err(), run)
		errs = errors.Join(errs, runError(run))
	}
	return errs
}

// promptRetries are for commands that somebody waits for: what needs a pause of more than
// a few seconds, such as a server that is down, is not tried again.
func promptRetries() map[crawl.Class]queue.Retry {
	retries := queue.DefaultRetries()
	for class, retry := range retries {
		if retry.First > 5*time.Second {
			retries[class] = queue.Retry{Tries: 1}
		}
	}
	return retries
}

// chosenSites are the configured sites, or those of them that are named.
func (a *app) chosenSites(names []string) ([]*sites.Site, error) {
	chosen, err := a.pickSites(names)
	if err == nil && len(chosen) == 0 {
		return nil, usageErrorf("there is nothing to run: no site file was found; name their folder with --sites")
	}
	return chosen, err
}

// anyScheduled refuses to wait for ever for sites that have no schedule.
func anyScheduled(chosen []*sites.Site) error {
	for _, s := range chosen {
		if s.Schedule != "" {
			return nil
		}
	}
	return usageErrorf("no site has a schedule; `ebb run --once` runs each one now")
}
