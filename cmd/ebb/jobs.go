package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

func newJobsCommand(a *app) *cobra.Command {
	return group("jobs", "List the queue's jobs, dead letters among them, show one, and try one again",
		newJobsListCommand(a), newJobsShowCommand(a), newJobsRetryCommand(a))
}

// jobStates are the states of a job.
var jobStates = []string{"available", "scheduled", "running", "completed", "cancelled", "discarded"}

func newJobsListCommand(a *app) *cobra.Command {
	var filter queue.JobFilter
	var dead, asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List jobs, the latest first", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := atLeastOne("limit", filter.Limit); err != nil {
				return err
			}
			if dead && len(filter.States) > 0 {
				return usageErrorf("--dead and --state exclude each other: dead letters are the jobs in state %s", queue.JobDiscarded)
			}
			for _, s := range filter.States {
				if !slices.Contains(jobStates, s) {
					return usageErrorf("there is no state %q of a job; one of %s", s, strings.Join(jobStates, ", "))
				}
			}
			if dead {
				filter.States = []string{queue.JobDiscarded}
			}
			return a.withStore(cmd.Context(), func(ctx context.Context, s *store.Store) error {
				engine, err := queue.Open(s, queue.Options{})
				if err != nil {
					return err
				}
				jobs, err := engine.Jobs(ctx, filter)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSONLines(a, jobs, jobRowOf)
				}
				if len(jobs) == 0 {
					_, err := fmt.Fprintf(a.stdout, "no such jobs in %s\n", s.Address())
					return err
				}
				waits, err := waitReasons(ctx, s)
				if err != nil {
					return err
				}
				return listJobs(a.out(), jobs, waits, time.Now())
			})
		},
	}
	cmd.Flags().StringVar(&filter.Site, "site", "", "only jobs of this `site`")
	cmd.Flags().StringSliceVar(&filter.States, "state", nil, "only jobs in these `states` (available, running, discarded, ...)")
	cmd.Flags().BoolVar(&dead, "dead", false, "only dead letters: jobs that were given up")
	cmd.Flags().BoolVar(&filter.Plans, "plans", false, "also the jobs that plan the sites' runs")
	cmd.Flags().IntVarP(&filter.Limit, "limit", "n", 20, "at most `N`")
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

func listJobs(out output.Terminal, jobs []queue.Job, waits map[int64]string, now time.Time) error {
	table := output.NewTable(
		output.Column{Title: "JOB", Right: true}, output.Column{Title: "KIND", Keep: true}, output.Column{Title: "SITE", Keep: true},
		output.Column{Title: "RUN", Right: true}, output.Column{Title: "STATE", Keep: true}, output.Column{Title: "DUE", Keep: true},
		output.Column{Title: "TOOK", Right: true}, output.Column{Title: "WHY"})
	for _, j := range jobs {
		run, took := "-", "-"
		if j.Run != 0 {
			run = strconv.FormatInt(j.Run, 10)
		}
		if !j.Started.IsZero() && !j.Ended.IsZero() {
			took = output.Duration(j.Ended.Sub(j.Started))
		}
		table.Add(strconv.FormatInt(j.ID, 10), j.Kind, j.Site, run, j.State, output.Ago(j.Due, now), took, cmp.Or(j.Error, waits[j.Run]))
	}
	return table.Write(out)
}

func newJobsShowCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show JOB", Short: "Show a job with all that is known of it", Args: oneArgument("the number of a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := number(args[0], "job")
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(ctx context.Context, s *store.Store) error {
				engine, err := queue.Open(s, queue.Options{})
				if err != nil {
					return err
				}
				job, err := engine.Job(ctx, id)
				if errors.Is(err, queue.ErrNotFound) {
					return noSuch("job", id)
				}
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSONLines(a, []queue.Job{job}, jobRowOf)
				}
				return showJob(a.out(), job)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

// showJob prints a job, a line for each thing that is known of it.
func showJob(out output.Terminal, j queue.Job) error {
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	run := ""
	if j.Run != 0 {
		run = fmt.Sprintf("%d (see `ebb runs show %d`)", j.Run, j.Run)
	}
	for _, line := range [][2]string{
		{"job", fmt.Sprintf("%d, %s", j.ID, j.Kind)},
		{"site", j.Site},
		{"run", run},
		{"state", j.State},
		{"created", stamp(j.Created)},
		{"due", stamp(j.Due)},
		{"started", stamp(j.Started)},
		{"ended", stamp(j.Ended)},
		{"worker", j.Worker},
		{"error", output.CleanLine(j.Error)},
	} {
		if line[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(out, "%-8s %s\n", line[0], line[1]); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

func newJobsRetryCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "retry JOB", Short: "Put the run of a dead letter back into the queue", Args: oneArgument("the number of a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := number(args[0], "job")
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(ctx context.Context, s *store.Store) error {
				return a.requeue(s, "job", id, func(e queue.Engine) error { return e.RequeueJob(ctx, id) })
			})
		},
	}
}
