package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

func newRunsCommand(a *app) *cobra.Command {
	return group("runs", "List runs, show one with its pages, and try one again",
		newRunsListCommand(a), newRunsShowCommand(a), newRunsRetryCommand(a))
}

// withStore opens the configured database for a command that needs no Chrome.
func (a *app) withStore(ctx context.Context, work func(context.Context, *store.Store) error) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible(ctx)
	defer stop()
	s, err := store.Open(ctx, settings.Database)
	if err != nil {
		return err
	}
	return errors.Join(work(ctx, s), s.Close())
}

func newRunsListCommand(a *app) *cobra.Command {
	var filter store.RunFilter
	var states []string
	var asJSON, skipped bool
	cmd := &cobra.Command{
		Use: "list", Short: "List runs, the latest first", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := atLeastOne("limit", filter.Limit); err != nil {
				return err
			}
			for _, s := range states {
				state := store.RunState(s)
				if !state.Known() {
					return usageErrorf("there is no state %q of a run; one of planned, running, done, partial, failed, skipped", s)
				}
				filter.States = append(filter.States, state)
			}
			if len(states) == 0 && !skipped {
				filter.States = []store.RunState{store.RunPlanned, store.RunRunning, store.RunDone, store.RunPartial, store.RunFailed}
			}
			return a.withStore(cmd.Context(), func(ctx context.Context, s *store.Store) error {
				runs, err := s.Runs(ctx, filter)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSONLines(a, runs, runRowOf)
				}
				if len(runs) == 0 && (filter.Site != "" || len(states) > 0) {
					_, err := fmt.Fprintf(a.stdout, "no such runs in %s\n", s.Address())
					return err
				}
				if len(runs) == 0 {
					_, err := fmt.Fprintf(a.stdout, "no runs yet in %s: `ebb scrape` and `ebb run` make some\n", s.Address())
					return err
				}
				waits, err := waitReasons(ctx, s)
				if err != nil {
					return err
				}
				return listRuns(a.out(), runs, waits, time.Now())
			})
		},
	}
	cmd.Flags().StringVar(&filter.Site, "site", "", "only runs of this `site`")
	cmd.Flags().StringSliceVar(&states, "state", nil, "only runs in these `states`: planned, running, done, partial, failed, skipped")
	cmd.Flags().BoolVar(&skipped, "skipped", false, "also runs that were skipped: the one before was at\nwork, or the site is set aside")
	cmd.Flags().IntVarP(&filter.Limit, "limit", "n", 20, "at most `N`")
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

// writeJSONLines writes values as JSON rows, one a line.
func writeJSONLines[T, Row any](a *app, values []T, row func(T) Row) error {
	for _, v := range values {
		if err := writeJSONLine(a.stdout, row(v)); err != nil {
			return err
		}
	}
	return nil
}

// waitReasons says why runs wait for memory, by run.
func waitReasons(ctx context.Context, s *store.Store) (map[int64]string, error) {
	waits, err := s.MemoryWaits(ctx)
	reasons := map[int64]string{}
	for _, w := range waits {
		reasons[w.Run] = "waits for memory: " + w.Why
	}
	return reasons, err
}

func listRuns(out output.Terminal, runs []store.Run, waits map[int64]string, now time.Time) error {
	table := output.NewTable(
		output.Column{Title: "RUN", Right: true}, output.Column{Title: "SITE", Keep: true},
		output.Column{Title: "STATE", Keep: true}, output.Column{Title: "DUE", Keep: true},
		output.Column{Title: "TOOK", Right: true}, output.Column{Title: "PAGES", Right: true},
		output.Column{Title: "FAILED", Right: true}, output.Column{Title: "NEW", Right: true},
		output.Column{Title: "CHANGED", Right: true}, output.Column{Title: "SAME", Right: true}, output.Column{Title: "WHY"})
	for _, r := range runs {
		took := "-"
		switch {
		case !r.Finished.IsZero() && !r.Started.IsZero():
			took = output.Duration(r.Finished.Sub(r.Started))
		case !r.Started.IsZero():
			took = output.Duration(now.Sub(r.Started))
		}
		why := r.Error
		if r.Class != "" {
			why = string(r.Class) + ": " + why
		}
		why = cmp.Or(waits[r.ID], why)
		count := func(n int) string {
			if r.Started.IsZero() {
				return "-"
			}
			return output.Count(int64(n))
		}
		table.Add(strconv.FormatInt(r.ID, 10), r.Site, string(r.State), output.Ago(r.ScheduledAt, now), took,
			count(r.Pages.Done), count(r.Pages.Failed), count(r.Items.New), count(r.Items.Changed), count(r.Items.Same), why)
	}
	return table.Write(out)
}

func newRunsShowCommand(a *app) *cobra.Command {
	var asJSON, failed bool
	cmd := &cobra.Command{
		Use: "show RUN", Short: "Show a run with its pages", Args: oneArgument("the number of a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := number(args[0], "run")
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(ctx context.Context, s *store.Store) error {
				return a.showRun(ctx, s, id, failed, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the pages as JSON, one a line")
	cmd.Flags().BoolVar(&failed, "failed", false, "only pages that failed")
	return cmd
}

// number reads the number of a run or a job.
func number(text, of string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, usageErrorf("%q is not the number of a %s; `ebb %ss list` shows them", text, of, of)
	}
	return id, nil
}

func (a *app) showRun(ctx context.Context, s *store.Store, id int64, failed, asJSON bool) error {
	run, err := s.Run(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return noSuch("run", id)
	}
	if err != nil {
		return err
	}
	table := output.NewTable(output.Column{Title: "STATE", Keep: true}, output.Column{Title: "HTTP", Right: true},
		output.Column{Title: "TOOK", Right: true}, output.Column{Title: "SIZE", Right: true}, output.Column{Title: "URL"}, output.Column{Title: "WHY"})
	for page, err := range s.Pages(ctx, id) {
		if err != nil {
			return err
		}
		if failed && page.State != "failed" {
			continue
		}
		if asJSON {
			if err := writeJSONLine(a.stdout, pageRowOf(page)); err != nil {
				return err
			}
			continue
		}
		status, why := "-", page.Error
		if page.Status != 0 {
			status = strconv.Itoa(page.Status)
		}
		if page.Class != "" {
			why = string(page.Class) + ": " + why
		}
		table.Add(string(page.State), status, output.Duration(page.Duration), output.Bytes(page.Bytes), page.URL, why)
	}
	if asJSON {
		return nil
	}
	printRun(a.out(), run)
	if table.Len() == 0 {
		return nil
	}
	return table.Write(a.out())
}

func newRunsRetryCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "retry RUN", Short: "Put a run that failed back into the queue", Args: oneArgument("the number of a run"),
		Long: `Put a run that failed, wholly or in part, back into the queue. It goes on from its
unvisited pages and visits its failed ones anew, as soon as an 'ebb run' works the site.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := number(args[0], "run")
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(ctx context.Context, s *store.Store) error {
				return a.requeue(s, "run", id, func(e queue.Engine) error { return e.Requeue(ctx, id) })
			})
		},
	}
}

// requeue puts something back into the queue and says so.
func (a *app) requeue(s *store.Store, what string, id int64, do func(queue.Engine) error) error {
	engine, err := queue.Open(s, queue.Options{})
	if err != nil {
		return err
	}
	switch err := do(engine); {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, queue.ErrNotFound):
		return noSuch(what, id)
	case err != nil:
		return fmt.Errorf("try %s %d again: %w", what, id, err)
	}
	_, err = fmt.Fprintf(a.stdout, "%s %d is in the queue again\n", what, id)
	return err
}

// noSuch is the error of a number that no run or job has.
func noSuch(what string, id int64) error {
	return fmt.Errorf("there is no %s %d; `ebb %ss list` shows those there are", what, id, what)
}
