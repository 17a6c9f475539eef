package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/bench"
	"github.com/ebbworker/ebb/cmd/ebb/output"
)

type benchOptions struct {
	concurrency  []string
	pairs, pages int
	whole        bool
	compare      map[string]*bool // by the name of the setting
	json         string
	arm          benchArm
}

// maxConcurrency bounds the tabs of an arm, and maxPairs its rounds.
const (
	maxConcurrency = 64
	maxPairs       = 1000
)

func newBenchCommand(a *app) *cobra.Command {
	o := benchOptions{compare: map[string]*bool{}}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what a page costs, against a bare loop over Chrome's pipe",
		Long: `Scrape the built-in demo shop, which a process of its own serves, with 1, 2, 4 and 8 pages
open at once, and print pages a second, processor time a page by type of process, the peak of
anonymous memory, and the time of a page by stage. Three arms take turns on the same pages,
with the same Chrome and the same flags: a bare loop over Chrome's pipe, which is the limit;
Ebb from its pool of tabs to its crawl; and a whole worker with queue, database, egress guard
and profiling. Each arm is a process of its own, and what it takes is read from outside.

The ratios are medians over pairs of rounds. Every item of every round is compared with what
the shop holds: exit code 1 where one is wrong or missing.

With one of the flags that compare a setting, only that is compared.`,
		Example: `  ebb bench
  ebb bench --concurrency 4 --pairs 10 --json bench.json
  ebb bench --whole=false --concurrency 1,2
  ebb bench --profile-levels --concurrency 4
  ebb bench --egress --isolation --pages 50`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.arm.level != "" {
				return a.stoppable(cmd.Context(), func(ctx context.Context, stop *stopper) error { return a.benchArm(ctx, stop, o) })
			}
			concurrency, err := o.check()
			if err != nil {
				return err
			}
			return a.stoppable(cmd.Context(), func(ctx context.Context, _ *stopper) error { return a.bench(ctx, o, concurrency) })
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.concurrency, "concurrency", []string{"1", "2", "4", "8"}, "how `many` pages are open at once, one after the other")
	f.IntVar(&o.pairs, "pairs", 5, "how `often` each arm makes a round, in turns")
	f.IntVar(&o.pages, "pages", 100, fmt.Sprintf("`number` of pages of a round, %d at most", bench.MostPages))
	f.BoolVar(&o.whole, "whole", true, "measure a whole worker too")
	f.StringVar(&o.json, "json", "", "write the figures as JSON to `file`; - is standard output")
	for _, s := range bench.Settings {
		o.compare[s.Name] = f.Bool(s.Name, false, s.Says)
	}
	o.arm.flags(f)
	cmd.AddCommand(newBenchLongCommand(a), newBenchStartCommand(a), newBenchIdleCommand(a))
	return cmd
}

// check returns the concurrencies.
func (o *benchOptions) check() ([]int, error) {
	var concurrency []int
	for _, text := range o.concurrency {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		switch {
		case err != nil:
			return nil, usageErrorf("--concurrency: %q is not a whole number", text)
		case n < 1 || n > maxConcurrency:
			return nil, usageErrorf("--concurrency must be between 1 and %d", maxConcurrency)
		case slices.Contains(concurrency, n):
			return nil, usageErrorf("--concurrency: %d stands there twice", n)
		}
		concurrency = append(concurrency, n)
	}
	switch {
	case len(concurrency) == 0:
		return nil, usageErrorf("--concurrency: how many? as in 1,2,4")
	case o.pairs < 1:
		return nil, atLeastOne("pairs", o.pairs)
	case o.pairs > maxPairs:
		return nil, usageErrorf("--pairs: at most %d", maxPairs)
	case o.pages < 1:
		return nil, atLeastOne("pages", o.pages)
	case o.pages > bench.MostPages:
		return nil, usageErrorf("--pages: the demo shop has %d", bench.MostPages)
	}
	return concurrency, checkOutput("--json", o.json)
}

// comparisons are the settings that were asked for, or else Ebb with the limit.
func (o *benchOptions) comparisons() []bench.Comparison {
	var list []bench.Comparison
	for _, s := range bench.Settings {
		if *o.compare[s.Name] {
			list = append(list, s)
		}
	}
	if len(list) > 0 {
		return list
	}
	limit := bench.Limit
	if !o.whole {
		limit.Arms = slices.DeleteFunc(slices.Clone(limit.Arms), func(arm bench.Arm) bool { return arm.Level == bench.LevelWhole })
	}
	return []bench.Comparison{limit}
}

func (a *app) bench(ctx context.Context, o benchOptions, concurrency []int) (err error) {
	settings, err := a.config()
	if err != nil {
		return err
	}
	exe, err := a.findBrowser(settings)
	if err != nil {
		return err
	}
	served, err := a.startSoakPages(ctx, 0)
	if err != nil {
		return benchStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, served.stop()) }()
	say, end := a.benchSays()
	result, err := bench.Run(ctx, bench.Options{
		Comparisons: o.comparisons(), Concurrency: concurrency, Pairs: o.pairs, Pages: o.pages,
		Command: a.benchCommand(served.bases.Demo, o.pages),
		Say:     say,
	})
	end()
	if err != nil {
		return benchStopped(ctx, err)
	}
	result.Ebb, result.Chrome, result.Processors = versionName(), exe.Version, runtime.NumCPU()
	return a.showBench(result, o.json)
}

// benchStopped is the error of a bench that has not come to its end.
func benchStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("stopped before all was measured")
	}
	var exit *bench.ExitError
	if errors.As(err, &exit) && exit.Code == exitNoBrowser {
		return withCode(exitNoBrowser, err)
	}
	return err
}

// showBench shows what was measured, and fails where an item was not as it is.
func (a *app) showBench(r *bench.Result, path string) error {
	if err := writeBench(a.benchTables(path), r); err != nil {
		return err
	}
	return a.endBench(path, r, r.Right())
}

// endBench writes what was measured as JSON, and fails where an item was not as it is.
func (a *app) endBench(path string, figures any, right bool) error {
	err := a.writeTo(path, cleanJSON(func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(figures)
	}))
	if err != nil {
		return err
	}
	if !right {
		return &exitError{code: exitFailed}
	}
	return nil
}

// benchTables is where the tables go: standard output, unless the JSON goes there.
func (a *app) benchTables(json string) output.Terminal {
	if json == "-" {
		return a.err()
	}
	return a.out()
}

// benchSays tells what a bench is doing, on standard error, until end is called.
func (a *app) benchSays() (say func(text string), end func()) {
	progress := output.NewProgress(a.err(), output.ProgressOptions{})
	return func(text string) { progress.Printf("%s", text) }, progress.Close
}
