package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/report"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker"
)

type experimentOptions struct {
	diagnoseOptions // which sites, and where the outcome is written

	named         []string
	siteFlags     []string
	each, all     bool
	design        string
	budget        time.Duration
	seed          uint64
	writeConfig   string
	cyclesGiven   bool
	experimentSet []memprof.PlannedCleanup
	write         *configWriter
}

func newExperimentCommand(a *app) *cobra.Command {
	var o experimentOptions
	cmd := &cobra.Command{
		Use:   "experiment [SITE...|FILE...]",
		Short: "Tell what each cleanup gives, and what it costs",
		Long: `Run sites in blocks of a few cycles, with and without each cleanup, in an order drawn
at random, and say by how much less memory grows with each of them (with a 95 %
interval), what that costs in milliseconds, bytes fetched again and pages failed, and
which smallest set of cleanups keeps memory flat. Without arguments: every site of the
configuration.

Blocks without any cleanup are always in it, twice in each round: they must not differ.
A cleanup is done after each run unless it is written with a time: gc=page,
blank="every 10 pages"; 'ebb cleanups' lists them all.`,
		Example: `  ebb experiment shop --cleanups storage,recreate-page,gc=page
  ebb experiment shop --each --budget 10m --html experiment.html
  ebb experiment --url http://127.0.0.1:8080/ --steps steps.yaml --until-certain
  ebb experiment shop --cleanups storage,blank --write-config sites/shop.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			args = append(args, o.siteFlags...)
			o.cyclesGiven = cmd.Flags().Changed("cycles")
			if err := o.checkExperiment(cmd, args); err != nil {
				return err
			}
			if !cmd.Flags().Changed("seed") {
				o.seed = rand.Uint64N(1_000_000)
			}
			return a.stoppable(cmd.Context(), func(ctx context.Context, stop *stopper) error { return a.experiment(ctx, stop, o, args) })
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.siteFlags, "site", nil, "a `site`, as by an argument; may be repeated")
	f.StringSliceVar(&o.named, "cleanups", nil, "compare these `cleanups`, each NAME or NAME=WHEN")
	f.BoolVar(&o.each, "each", false, "compare each cleanup alone with nothing (default: all there are)")
	f.BoolVar(&o.all, "all", false, "compare all cleanups together with all but each")
	f.StringVar(&o.design, "design", string(memprof.DesignAuto), "`design`: auto, crossover, factorial, fractional or fresh")
	f.IntVar(&o.cycles, "cycles", 0, "`number` of cycles in all (default: as the design needs)")
	f.BoolVar(&o.untilCertain, "until-certain", false, "go on until nothing is undecided, and stop then")
	f.DurationVar(&o.budget, "budget", 0, "`time` that it may take")
	f.Uint64Var(&o.seed, "seed", 0, "`number` that gives the order of the blocks (default: drawn)")
	f.StringVar(&o.writeConfig, "write-config", "", "write what is recommended into this `file`: a site file\nor a configuration")
	f.StringVar(&o.url, "url", "", "a single page by its `URL`")
	f.StringVar(&o.steps, "steps", "", "`file` with the steps of each cycle, for --url")
	f.StringVar(&o.keep, "keep", "", "for --url: `page` keeps the document open, none navigates\nin each cycle (default: page with --steps)")
	f.BoolVar(&o.demo, "demo", false, "the built-in demo sites")
	f.BoolVar(&o.parallel, "parallel", false, "run the sites of a cycle at once")
	f.DurationVar(&o.settle, "settle", worker.DefaultSettle, "`time` for memory to settle in each cycle")
	o.out.addFlags(cmd)
	f.StringVar(&o.out.record, "record", "", "write the recording to `file` (default: memory.recordings)")
	return cmd
}

func (o *experimentOptions) checkExperiment(cmd *cobra.Command, args []string) error {
	switch {
	case o.each && o.all:
		return usageErrorf("--each and --all exclude each other")
	case (o.each || o.all) && (o.design == string(memprof.DesignFactorial) || o.design == string(memprof.DesignFractional)):
		return usageErrorf("--each and --all say which cleanups are on together, as the design %s does: leave one out", o.design)
	case !slices.Contains(memprof.Designs(), memprof.Design(o.design)):
		return usageErrorf("--design: %q is none of auto, crossover, factorial, fractional, fresh", o.design)
	case o.budget < 0 || o.budget > 7*24*time.Hour:
		return usageErrorf("--budget must be between 0 and a week")
	case o.cyclesGiven && o.cycles < 1:
		return usageErrorf("--cycles must be at least 1")
	}
	if !o.cyclesGiven {
		o.cycles = 1 // is not looked at
	}
	err := o.check(cmd, args)
	if !o.cyclesGiven {
		o.cycles = 0
	}
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("write-config") && o.writeConfig == "" {
		return usageErrorf("--write-config names no file")
	}
	if cmd.Flags().Changed("cleanups") && len(o.named) == 0 {
		return usageErrorf("--cleanups names none; leave it out to compare all")
	}
	o.experimentSet, err = plannedCleanups(o.named)
	if len(o.named) == 0 && !o.all && o.design != string(memprof.DesignFactorial) && o.design != string(memprof.DesignFractional) {
		o.each = true
	}
	return err
}

// plannedCleanups are the cleanups of these names, or all of them.
func plannedCleanups(named []string) ([]memprof.PlannedCleanup, error) {
	if len(named) == 0 {
		named = sites.CleanupNames()
	}
	chosen, err := sites.ParseCleanup(named)
	if err != nil {
		return nil, usageErrorf("--cleanups: %w", err)
	}
	var list []memprof.PlannedCleanup
	for _, rule := range chosen.Rules() {
		if rule.When == sites.Never {
			return nil, usageErrorf("--cleanups: %s=off cannot be compared with nothing", rule.Name)
		}
		row, _ := browser.FindCleanup(rule.Name)
		list = append(list, memprof.PlannedCleanup{
			Name: rule.Name, When: string(rule.When), Touches: row.Touches, Carry: string(row.Carry), Warning: row.Warning,
		})
	}
	return list, nil
}

// plan draws the plan of the experiment.
func (o *experimentOptions) plan() (memprof.ExperimentPlan, error) {
	plan, err := memprof.PlanExperiment(memprof.DesignOptions{
		Cleanups: o.experimentSet, Design: memprof.Design(o.design), Each: o.each, All: o.all,
		Cycles: o.cycles, UntilCertain: o.untilCertain, Seed: o.seed,
	})
	if err != nil {
		return plan, usageErrorf("%w", err)
	}
	if plan.Total() > maxExperimentCycles {
		return plan, usageErrorf("%d cycles are too many: at most %d", plan.Total(), maxExperimentCycles)
	}
	return plan, nil
}

// maxExperimentCycles bounds what one experiment holds in memory.
const maxExperimentCycles = 10_000

func (a *app) experiment(ctx context.Context, stop *stopper, o experimentOptions, args []string) (err error) {
	plan, err := o.plan()
	if err != nil {
		return err
	}
	if err := o.out.check(""); err != nil {
		return err
	}
	chosen, closeSites, err := a.diagnosed(o.diagnoseOptions, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeSites()) }()
	if err := a.openWriteConfig(&o, chosen); err != nil {
		return err
	}
	path, err := a.compareCleanups(ctx, stop, o, chosen, plan)
	if err != nil {
		return err
	}
	outcome, err := a.renderExperiment(path, o.out)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "\nRecording: %s\n", path)
	if o.write == nil {
		return nil
	}
	wrote, err := o.write.write(outcome, path)
	if err == nil {
		fmt.Fprintln(a.stderr, wrote)
	}
	return err
}

// openWriteConfig opens the file that takes what is recommended, if there is one.
func (a *app) openWriteConfig(o *experimentOptions, chosen []*sites.Site) error {
	if o.writeConfig == "" {
		return nil
	}
	for _, out := range o.out.named() {
		if collide(out.path, o.writeConfig) {
			return usageErrorf("%s and --write-config are the same file: %s", out.flag, out.path)
		}
	}
	settings, err := a.config()
	if err != nil {
		return err
	}
	o.write, err = newConfigWriter(o.writeConfig, chosen, settings.Cleanup, o.experimentSet)
	return err
}

// compareCleanups works the blocks and returns where the recording stands.
func (a *app) compareCleanups(ctx context.Context, stop *stopper, o experimentOptions, chosen []*sites.Site, plan memprof.ExperimentPlan) (path string, err error) {
	folder, err := newTemporary("ebb-experiment-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, folder.remove()) }()
	opened := rigOptions{
		sites: unscheduled(chosen), stop: stop, retries: promptRetries(), database: filepath.Join(folder.path, "ebb.db"),
		diagnosis: &diagnosisRig{cycles: plan.Total()}, recording: o.out.record,
	}
	err = a.withRig(ctx, opened, func(ctx context.Context, r *rig) error {
		path = r.memory.Path
		r.board.progress.Printf("%s", planSays(plan))
		err := r.worker.Experiment(ctx, worker.ExperimentOptions{
			Plan: plan, Budget: o.budget, Settle: o.settle, Parallel: o.parallel, OnCycle: r.board.block,
			OnPlan: func(plan memprof.ExperimentPlan, takes time.Duration) {
				if takes > 0 {
					r.board.progress.Printf("%s", takesSays(plan, takes))
				}
			},
		})
		if errors.Is(err, worker.ErrBudget) {
			return withCode(exitUsage, fmt.Errorf("--budget %s: %w", o.budget, err))
		}
		return err
	})
	return path, err
}

// planSays tells a plan before it is carried out.
func planSays(p memprof.ExperimentPlan) string {
	var names []string
	for _, c := range p.Cleanups {
		names = append(names, c.Name+"="+c.When)
	}
	replicates := p.Replicates()
	var b strings.Builder
	fmt.Fprintf(&b, "Compares %s.\n", strings.Join(names, ", "))
	fmt.Fprintf(&b, "Design: %s.\n", p.Chosen)
	fmt.Fprintf(&b, "%d blocks of %s, %s over, in random order (seed %d): %s", len(p.Blocks)/max(1, replicates),
		output.Counted(int64(p.Cycles), "cycle", "cycles"), output.Counted(int64(replicates), "time", "times"), p.Seed,
		output.Counted(int64(len(p.Blocks)*p.Cycles), "cycle", "cycles"))
	if p.WarmUp > 0 {
		fmt.Fprintf(&b, " after %d to warm up", p.WarmUp)
	}
	if p.Open {
		b.WriteString(" at most: it stops when nothing is undecided")
	}
	b.WriteString(".")
	if p.Smallest > 0 {
		fmt.Fprintf(&b, "\nThe smallest effect that it can see is about %.2g MB a cycle, if a reading varies by %.2g MB.", p.Smallest/memprof.MB, p.Noise/memprof.MB)
	}
	return b.String()
}

// takesSays tells how long a plan takes, once that can be told, and what of it fits into the time there is.
func takesSays(p memprof.ExperimentPlan, takes time.Duration) string {
	return fmt.Sprintf("It takes about %s: %s in %d blocks.", output.Duration(takes.Round(time.Second)), output.Counted(int64(len(p.Blocks)*p.Cycles), "cycle", "cycles"), len(p.Blocks))
}

// renderExperiment analyses a recording and writes what comes of it.
func (a *app) renderExperiment(path string, files diagnosisFiles) (memprof.Experiment, error) {
	tally, err := readTally(path)
	if err != nil {
		return memprof.Experiment{}, err
	}
	return a.showExperiment(tally, files)
}

func (a *app) showExperiment(tally *memprof.Tally, files diagnosisFiles) (memprof.Experiment, error) {
	e := tally.Experiment()
	return e, a.show(files, rendered{
		text: func(out output.Terminal) error { return report.ExperimentText(out, e, out.Width, out.Color) },
		json: func(w io.Writer) error { return report.ExperimentJSON(w, e) },
		html: func(w io.Writer) error { return report.ExperimentHTML(w, e) },
	})
}
