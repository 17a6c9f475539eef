package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/leaky"
	"github.com/ebbworker/ebb/worker"
)

// cureResult is what an experiment says of all cleanups on one leak.
type cureResult struct {
	Case   string `json:"page"`
	Metric string `json:"metric"`
	// Rate is the growth without a cleanup, TrueRate what the page leaks, in the metric's unit per cycle.
	Rate     memprof.Estimate `json:"rate"`
	TrueRate float64          `json:"true_rate"`
	// Same is by how much the two blocks without a cleanup of each round differed, SameDiffers that they did.
	Same        memprof.Estimate `json:"same"`
	SameDiffers bool             `json:"same_differs"`
	Cells       []cureCell       `json:"cleanups"`
	Error       string           `json:"error,omitempty"`
	Seconds     float64          `json:"seconds"`
}

// cureCell is what one cleanup does to one leak.
type cureCell struct {
	Cleanup string `json:"cleanup"`
	// Saved is by how much less the metric grows per cycle, Share that of the growth without the cleanup.
	Saved memprof.Estimate `json:"saved"`
	Share float64          `json:"share"`
	// Does is returns, part, leaves, more or "?"; Want what is certain, "" where nothing is.
	Does  string     `json:"does"`
	Want  leaky.Cure `json:"want,omitempty"`
	Right bool       `json:"right"`
}

// does names what an effect comes to.
func does(e memprof.Effect, share float64) string {
	switch {
	case e.Verdict == memprof.Helps && share >= 0.9:
		return string(leaky.Returns)
	case e.Verdict == memprof.Helps:
		return "part"
	case e.Verdict == memprof.NoEffect:
		return string(leaky.Leaves)
	case e.Verdict == memprof.Harms:
		return string(leaky.Worsens)
	}
	return "?"
}

// cureResultOf compares an experiment with what is known.
func cureResultOf(c leaky.Case, e memprof.Experiment) cureResult {
	r := cureResult{Case: c.Name, Metric: c.Metric, TrueRate: c.Rate}
	if e.Same != nil {
		r.Same, r.SameDiffers = e.Same.Difference.Estimate, e.Same.Differs
	}
	var found *memprof.MetricEffects
	for i := range e.Metrics {
		if e.Metrics[i].Series.String() == c.Metric {
			found = &e.Metrics[i]
		}
	}
	if !c.Leaks {
		return r
	}
	if found == nil {
		r.Error = c.Metric + " does not grow without a cleanup"
		return r
	}
	r.Rate = found.Baseline
	for i, planned := range e.Plan.Cleanups {
		cell := cureCell{Cleanup: planned.Name, Saved: found.Saved[i].Estimate, Want: c.CureBy(planned.Name)}
		if found.Baseline.Value > 0 {
			cell.Share = cell.Saved.Value / found.Baseline.Value
		}
		cell.Does = does(found.Saved[i], cell.Share)
		cell.Right = cell.Want == "" || cell.Does == string(cell.Want)
		r.Cells = append(r.Cells, cell)
	}
	return r
}

// selftestCleanups compares the cleanups on each page.
func (a *app) selftestCleanups(ctx context.Context, o selftestOptions, names []string) error {
	if slices.Equal(o.cleanups, []string{"all"}) {
		o.cleanups = sites.CleanupNames()
	}
	if _, err := plannedCleanups(o.cleanups); err != nil {
		return err
	}
	if len(names) == 0 {
		names = leaky.Curable()
		if o.quick {
			names = []string{"global-array", "indexed-db", "service-worker-memory", "popups"}
		}
	}
	cases, err := chosenCases(o, names)
	if err != nil {
		return err
	}
	o.cycles = 2 * (len(o.cleanups) + 2) * cureBlock
	began := time.Now()
	progress := output.NewProgress(a.err(), output.ProgressOptions{})
	results := runCases(ctx, o, cases, progress, func(ctx context.Context, c leaky.Case, round int) cureResult {
		began := time.Now()
		o := o
		o.seed += uint64(round)
		r := cureResult{Case: c.Name}
		if err := a.apart(ctx, o, c, &r); err != nil {
			r.Error = err.Error()
		}
		r.Seconds = time.Since(began).Seconds()
		return r
	})
	progress.Close()
	if ctx.Err() != nil {
		return errors.New("stopped before all pages were seen")
	}
	return a.showCures(o, results, time.Since(began))
}

// experimentCase compares the cleanups on one page, in this process.
func (a *app) experimentCase(ctx context.Context, stop *stopper, o selftestOptions, c leaky.Case, site *sites.Site, folder, recording string) (memprof.Experiment, error) {
	set, err := plannedCleanups(o.cleanups)
	if err != nil {
		return memprof.Experiment{}, err
	}
	plan, err := memprof.PlanExperiment(memprof.DesignOptions{
		Cleanups: set, Design: memprof.DesignCrossover, Each: true, Cycles: 2 * (len(set) + 2) * cureBlock, Seed: o.seed,
	})
	if err != nil {
		return memprof.Experiment{}, err
	}
	wanted := rigOptions{
		sites: []*sites.Site{site}, stop: stop, retries: promptRetries(), database: filepath.Join(folder, "ebb.db"),
		recording: recording, diagnosis: &diagnosisRig{cycles: plan.Total(), flags: c.Flags},
	}
	err = a.withRig(ctx, wanted, func(ctx context.Context, opened *rig) error {
		fault := &fault{kind: c.Fault, keeps: c.Leaks, pool: opened.pool}
		defer fault.end()
		eo := worker.ExperimentOptions{Plan: plan, OnCycle: opened.board.block}
		if c.Fault != "" {
			eo.Fault = fault.happen
		}
		return opened.worker.Experiment(ctx, eo)
	})
	if err != nil {
		return memprof.Experiment{}, err
	}
	tally, err := readTally(recording)
	if err != nil {
		return memprof.Experiment{}, err
	}
	return tally.Experiment(), nil
}

// cureBlock is how many cycles a block of these experiments has.
const cureBlock = 3

// showCures prints the matrix, and fails where a cell that is certain is not as it should be.
func (a *app) showCures(o selftestOptions, results []cureResult, took time.Duration) error {
	table := a.out()
	if o.json == "-" {
		table = a.err()
	}
	if err := writeCures(table, results); err != nil {
		return err
	}
	sum := sumOfCures(results)
	fmt.Fprintf(table, "\ncertain cells as expected  %d of %d\nA/A alike                  %d of %d\nfailed                     %d\ntook                       %s\n",
		sum.Right, sum.Certain, sum.Pairs-sum.Differ, sum.Pairs, sum.Failed, output.Duration(took))
	err := a.writeTo(o.json, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Schema string       `json:"schema"`
			Sum    cureSum      `json:"sum"`
			Pages  []cureResult `json:"pages"`
		}{"ebb.cures/1", sum, results})
	})
	if err == nil && !sum.good() {
		return &exitError{code: exitLeak}
	}
	return err
}

// cureSum is what all pages together came to.
type cureSum struct {
	Certain int `json:"certain_cells"`
	Right   int `json:"right_cells"`
	// Pairs are the comparisons of blocks without a cleanup with each other, of which Differ did.
	Pairs  int `json:"same_pairs"`
	Differ int `json:"same_differ"`
	Failed int `json:"failed"`
}

func sumOfCures(results []cureResult) (sum cureSum) {
	for _, r := range results {
		if r.Error != "" {
			sum.Failed++
		}
		if r.Same.Known {
			sum.Pairs++
		}
		if r.SameDiffers {
			sum.Differ++
		}
		for _, cell := range r.Cells {
			if cell.Want == "" {
				continue
			}
			sum.Certain++
			if cell.Right {
				sum.Right++
			}
		}
	}
	return sum
}

// good says that all is as it should be: at most one in twenty A/A pairs may differ.
func (s cureSum) good() bool {
	return s.Right == s.Certain && s.Failed == 0 && 20*s.Differ <= s.Pairs
}

// marks are what stands in the matrix for what a cleanup does.
var cureMarks = map[string]string{string(leaky.Returns): "+", "part": "~", string(leaky.Leaves): ".", string(leaky.Worsens): "x", "?": "?"}

// writeCures writes one row a leak and one column a cleanup, and then each cell that is not as it should be,
// with its interval.
func writeCures(out output.Terminal, results []cureResult) error {
	var names []string
	for _, r := range results {
		if len(names) == 0 {
			for _, cell := range r.Cells {
				names = append(names, cell.Cleanup)
			}
		}
	}
	columns := []output.Column{{Title: "LEAK", Keep: true}}
	for i := range names {
		columns = append(columns, output.Column{Title: fmt.Sprint(i + 1), Right: true})
	}
	table := output.NewTable(columns...)
	for _, r := range results {
		row := []string{r.Case}
		for _, cell := range r.Cells {
			mark := cureMarks[cell.Does]
			if !cell.Right {
				mark += "!"
			}
			row = append(row, mark)
		}
		table.Add(row...)
	}
	if err := table.Write(out); err != nil {
		return err
	}
	var legend strings.Builder
	for i, name := range names {
		fmt.Fprintf(&legend, "%2d %s  ", i+1, name)
		if i%5 == 4 {
			legend.WriteByte('\n')
		}
	}
	fmt.Fprintf(out, "\n%s\n+ gives back what leaked; ~ less than nine tenths of it; . nothing of it (95 %%); x makes it leak more;\n? cannot tell; ! not as expected. The intervals are in the JSON.\n", legend.String())
	for _, r := range results {
		if r.Error != "" {
			fmt.Fprintf(out, "%s FAILED: %s\n", r.Case, output.CleanLine(r.Error))
		}
		if r.SameDiffers {
			fmt.Fprintf(out, "%s: blocks without a cleanup differ from each other, by %.3g a cycle\n", r.Case, r.Same.Value)
		}
		for _, cell := range r.Cells {
			if !cell.Right {
				fmt.Fprintf(out, "%s, %s: %s (%.3g, %.3g ... %.3g of %.3g a cycle), expected: %s\n", r.Case, cell.Cleanup, cell.Does,
					cell.Saved.Value, cell.Saved.Lo, cell.Saved.Hi, r.Rate.Value, cell.Want)
			}
		}
	}
	return nil
}

// line says in one line what came of a page.
func (r cureResult) line() string {
	if r.Error != "" {
		return fmt.Sprintf("%-24s FAILED: %s", r.Case, output.CleanLine(r.Error))
	}
	wrong := 0
	var by []string
	for _, cell := range r.Cells {
		if !cell.Right {
			wrong++
		}
		if cell.Does == string(leaky.Returns) {
			by = append(by, cell.Cleanup)
		}
	}
	return fmt.Sprintf("%-24s given back by: %s; %d not as expected; %s", r.Case, strings.Join(by, ", "), wrong, output.Duration(time.Duration(math.Round(r.Seconds))*time.Second))
}
