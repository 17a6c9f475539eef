package main

import (
	"context"
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
	return group("jobs", "List the queue's jobs, dead letters among them, and try one again",
		newJobsListCommand(a), newJobsRetryCommand(a))
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
				return listJobs(a.out(), jobs, time.Now())
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

func listJobs(out output.Terminal, jobs []queue.Job, now time.Time) error {
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
		table.Add(strconv.FormatInt(j.ID, 10), j.Kind, j.Site, run, j.State, output.Ago(j.Due, now), took, j.Error)
	}
	return table.Write(out)
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
