package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/bench"
	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
)

type benchLongOptions struct {
	pages, concurrency, block int
	json                      string
	gate                      bool
}

func newBenchLongCommand(a *app) *cobra.Command {
	var o benchLongOptions
	cmd := &cobra.Command{
		Use:   "long",
		Short: "Visit 10,000 pages in one run: does it slow down, does memory grow?",
		Long: `Have a whole worker (queue, database, egress guard, profiling) visit many pages of a large demo
shop in one run. They are in blocks: for each, pages a second, processor time a page, and the
anonymous memory of the worker with all processes below it, and of the worker alone. All is read
from outside, and every item is compared with what the shop holds.

The first block is warm-up. The answer is how fast the last block was, as a multiple of the first
one after it; and what the judge of 'ebb diagnose' says of memory after the warm-up.

With --gate, exit code 3 says that the ratio is below ` + fmt.Sprint(bench.LeastRatio) + ` or that memory grows, and 5 that
there were too few pages to tell.`,
		Example: `  ebb bench long
  ebb bench long --pages 2000 --block 500 --json long.json
  ebb bench long --concurrency 8 --gate`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return a.stoppable(cmd.Context(), func(ctx context.Context, _ *stopper) error { return a.benchLong(ctx, o) })
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.pages, "pages", 10_000, "`number` of pages of the run, all different")
	f.IntVar(&o.concurrency, "concurrency", 4, "how `many` pages are open at once")
	f.IntVar(&o.block, "block", 1000, "`number` of pages of a block")
	addBenchOutput(f, &o.json, &o.gate)
	return cmd
}

// mostLongPages bounds the shop, and leastBlocks are one to warm up and two to compare.
const (
	mostLongPages = 100_000
	leastBlocks   = 3
)

func (o *benchLongOptions) check() error {
	switch {
	case o.concurrency < 1 || o.concurrency > maxConcurrency:
		return usageErrorf("--concurrency must be between 1 and %d", maxConcurrency)
	case o.block < 1:
		return atLeastOne("block", o.block)
	case o.pages > mostLongPages:
		return usageErrorf("--pages: at most %d", mostLongPages)
	case o.pages < leastBlocks*o.block:
		return usageErrorf("--pages must be %d blocks or more: %d with --block %d", leastBlocks, leastBlocks*o.block, o.block)
	case o.pages%o.block != 0:
		return usageErrorf("--pages must be so many whole blocks: %d or %d with --block %d", o.pages/o.block*o.block, (o.pages/o.block+1)*o.block, o.block)
	}
	return checkOutput("--json", o.json)
}

func (a *app) benchLong(ctx context.Context, o benchLongOptions) (err error) {
	settings, err := a.config()
	if err != nil {
		return err
	}
	exe, err := a.findBrowser(settings)
	if err != nil {
		return err
	}
	served, err := a.startSoakPages(ctx, bench.ShopProducts(o.pages))
	if err != nil {
		return benchStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, served.stop()) }()
	say, end := a.benchSays()
	arm := bench.Arm{Name: "whole", Level: bench.LevelWhole, Marks: bench.MarkPages(o.block)}
	long, err := bench.RunLong(ctx, bench.LongOptions{
		Pages: o.pages, Block: o.block, Concurrency: o.concurrency, Say: say,
		Command: a.benchCommand(served.bases.Demo, o.pages)(arm, o.concurrency),
	})
	end()
	if err != nil {
		return benchStopped(ctx, err)
	}
	long.Ebb, long.Chrome, long.Processors = versionName(), exe.Version, runtime.NumCPU()
	return a.showLong(long, o)
}

// showLong shows what a long run came to, and fails where it is to.
func (a *app) showLong(l *bench.Long, o benchLongOptions) error {
	if err := writeLong(a.benchTables(o.json), l); err != nil {
		return err
	}
	if err := a.endBench(o.json, l, l.Right()); err != nil {
		return err
	}
	switch {
	case !o.gate || l.Pass:
		return nil
	case l.Undecided():
		return &exitError{code: exitInconclusive}
	}
	return &exitError{code: exitLeak}
}

// writeLong writes what a long run came to, for people.
func writeLong(out output.Terminal, l *bench.Long) error {
	fmt.Fprintf(out, "%s in one run, %d at once, Chrome %s, %s.\n\n", output.Counted(int64(l.Pages), "page", "pages"), l.Concurrency,
		output.CleanLine(l.Chrome), output.Counted(int64(l.Processors), "processor", "processors"))
	var columns []output.Column
	for _, title := range []string{"PAGES", "SECONDS", "PAGES/S", "CPU MS/PAGE", "TREE MB", "PEAK MB", "WORKER MB", "PEAK MB"} {
		columns = append(columns, output.Column{Title: title, Right: true})
	}
	table := output.NewTable(columns...)
	for _, b := range l.Blocks {
		table.Add(output.Count(int64(b.To)), fmt.Sprintf("%.1f", b.Seconds), fmt.Sprintf("%.2f", b.PagesPerSecond), benchMS(b.CPU),
			benchMB(b.TreeMean), benchMB(b.TreePeak), benchMB(b.WorkerMean), benchMB(b.WorkerPeak))
	}
	if err := table.Write(out); err != nil {
		return err
	}
	writeWrongItems(out, "", l.Wrong)
	writeBusy(out, l.Others)
	slower := "so it has not slowed down"
	if l.Ratio < bench.LeastRatio {
		slower = fmt.Sprintf("so it has slowed down: %.2f is the least", bench.LeastRatio)
	}
	var text outline
	text.out = out
	text.line("")
	text.add(0, 0, "", fmt.Sprintf("The last block made %.2f of the pages a second of the first one after the warm-up, %s, with %s right.",
		l.Ratio, slower, output.Counted(int64(l.Items), "item", "items")))
	text.add(0, 0, "", "Memory of the worker and all below it: "+longVerdict(l.Tree)+".")
	text.add(0, 0, "", "Memory of the worker alone: "+longVerdict(l.Worker)+".")
	text.add(0, 0, "", "The first block is warm-up. Memory is anonymous; 1 MB is 1,000,000 bytes.")
	return text.write()
}

// longVerdict says what the judge says of memory.
func longVerdict(m bench.LongMemory) string {
	text := string(m.Verdict)
	if e := m.Slope; e.Known {
		text += fmt.Sprintf(", %+.2f MB per 1,000 pages (95 %%: %+.2f to %+.2f)", e.Value/memprof.MB, e.Lo/memprof.MB, e.Hi/memprof.MB)
	}
	if e := m.EndSlope; e.Known && slices.Contains([]memprof.Shape{memprof.Accelerating, memprof.Onset, memprof.Saturating}, m.Shape) {
		text += fmt.Sprintf(", %+.2f at the end", e.Value/memprof.MB)
	}
	if m.MorePages > 0 {
		text += fmt.Sprintf("; some %s pages more would tell", output.Count(int64(math.Ceil(float64(m.MorePages)/1000)*1000)))
	}
	return text
}

func benchMB(bytes float64) string { return fmt.Sprintf("%.1f", bytes/memprof.MB) }
