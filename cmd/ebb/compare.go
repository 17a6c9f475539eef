package main

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/report"
)

// compareOptions are the flags of `ebb compare`.
type compareOptions struct {
	files  diagnosisFiles
	failOn []string
}

func newCompareCommand(a *app) *cobra.Command {
	var o compareOptions
	cmd := &cobra.Command{
		Use:   "compare BEFORE AFTER",
		Short: "Tell what differs between two recordings, and whether a fix holds",
		Long: `Compare two recordings of 'ebb diagnose' or 'ebb run': before and after a fix, with two
versions of Chrome, a known good one and today's. It tells in what the growth of memory, its
level and the time of a cycle differ, with 95 % intervals, and answers the checklist of a fix:

  growth      the growth rate is reduced, or neither grows
  new-leak    nothing leaks that did not before
  speed       neither a cycle's work nor its scraping takes longer by more than 5 %
  cycles      it holds over 20 cycles or more
  profiling   it does not rest on being measured; only recordings of 'ebb run' can tell

Each is pass, fail or cannot tell. What else differs between the two is told.`,
		Example: `  ebb compare before.ebb.jsonl after.ebb.jsonl
  ebb compare before.ebb.jsonl after.ebb.jsonl --html comparison.html
  ebb compare good.ebb.jsonl today.ebb.jsonl --fail-on new-leak,speed
  ebb compare before.ebb.jsonl after.ebb.jsonl --fail-on growth,new-leak,cycles,cannot-tell
  ebb compare before.ebb.jsonl after.ebb.jsonl --json - | jq '.checks[] | {name, state}'`,
		Args: twoRecordings,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := o.check(args); err != nil {
				return err
			}
			return a.compare(args[0], args[1], o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.files.json, "json", "", "write the comparison as JSON to `file`; - is standard output")
	f.StringVar(&o.files.html, "html", "", "write it as one HTML page to `file`; - is standard output")
	f.StringSliceVar(&o.failOn, "fail-on", nil, "exit with 3 where a check fails: fail is any, or name `checks`;\nwith cannot-tell: with 5 where one that counts cannot be told")
	return cmd
}

// twoRecordings takes exactly two arguments.
func twoRecordings(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) < 2:
		return usageErrorf("%s needs two recordings: %s", cmd.CommandPath(), cmd.UseLine())
	case len(args) > 2:
		return usageErrorf("%s takes two recordings; %q is one too many", cmd.CommandPath(), args[2])
	}
	return nil
}

// Words that --fail-on takes beside the names of checks.
const (
	onFail       = "fail"
	onCannotTell = "cannot-tell"
)

func (o compareOptions) check(recordings []string) error {
	words := []string{onFail, onCannotTell}
	for _, name := range memprof.CheckNames {
		words = append(words, string(name))
	}
	for _, word := range o.failOn {
		if !slices.Contains(words, word) {
			return usageErrorf("--fail-on: %q is nothing to fail on; there are %s", word, strings.Join(words, ", "))
		}
	}
	for _, recording := range recordings {
		if err := o.files.check(recording); err != nil {
			return err
		}
	}
	return nil
}

// compare reads two recordings and writes what comes of comparing them.
func (a *app) compare(before, after string, o compareOptions) error {
	first, err := readCompared(before)
	if err != nil {
		return err
	}
	second, err := readCompared(after)
	if err != nil {
		return err
	}
	c := memprof.Compare(first, second)
	err = a.show(o.files, rendered{
		text: func(t output.Terminal) error { return report.ComparisonText(t, c, t.Width, t.Color) },
		json: func(w io.Writer) error { return report.ComparisonJSON(w, c) },
		html: func(w io.Writer) error { return report.ComparisonHTML(w, c) },
	})
	return o.fail(c, err)
}

// readCompared reads a recording, but none of an experiment, whose blocks were run in different ways.
func readCompared(path string) (*memprof.Tally, error) {
	tally, err := readTally(path)
	if err == nil && tally.IsExperiment() {
		return nil, usageErrorf("%s is of an experiment, whose blocks differ from each other: ebb report %s compares them", path, path)
	}
	return tally, err
}

// fail is err, with the exit code that the checks were asked to end with. Where checks are named, only
// they count.
func (o compareOptions) fail(c memprof.Comparison, err error) error {
	named := slices.ContainsFunc(memprof.CheckNames, func(name memprof.CheckName) bool { return slices.Contains(o.failOn, string(name)) })
	has := func(state memprof.CheckState) bool {
		return slices.ContainsFunc(c.Checks, func(check memprof.Check) bool {
			return check.State == state && (!named || slices.Contains(o.failOn, string(check.Name)))
		})
	}
	switch {
	case (named || slices.Contains(o.failOn, onFail)) && has(memprof.CheckFail):
		return &exitError{code: exitLeak, err: err}
	case slices.Contains(o.failOn, onCannotTell) && has(memprof.CheckCannotTell):
		return &exitError{code: exitInconclusive, err: err}
	}
	return err
}
