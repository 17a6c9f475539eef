package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites/leaky"
)

type selftestOptions struct {
	cycles, jobs, repeat int
	quick, statistics    bool
	list                 bool // only list the pages
	keep, recordings     string
	json                 string
	one, base            string
	cleanups             []string // compared instead of a diagnosis; nil for that
	seed                 uint64   // of that comparison
	faults               bool
	asInit               int // how often Chrome is launched and killed by this process, which has pid 1
}

func newSelftestCommand(a *app) *cobra.Command {
	var o selftestOptions
	cmd := &cobra.Command{
		Use:   "selftest [PAGE...]",
		Short: "Diagnose pages whose leaks are known, and tell what was found",
		Long: `Diagnose built-in pages that leak a known amount for a known cause, and their clean
twins, each in a Chrome of its own, and print what this build finds on this machine: found,
cause named, rate against truth, false alarms. --statistics judges simulated series,
and analyses simulated experiments, instead; --cleanups compares cleanups on each page, and
prints which of them gives back which leak; --faults brings about what may befall a worker,
or the named faults (--list tells which), and prints what was lost.

Exit code 3: a leak was missed, a clean page accused, a wrong cause stated as certain, or a
page could not be diagnosed; a cleanup does not do what it is known to; where 30 leaking
pages or more were, also that the cause of less than 93 % of them was named right, or the
rate of less than 93 % was.`,
		Example: `  ebb selftest --quick
  ebb selftest --list
  ebb selftest array-buffers event-listeners event-listeners-clean
  ebb selftest --repeat 3 --json matrix.json
  ebb selftest --cleanups all --json cures.json
  ebb selftest --statistics
  ebb selftest --faults
  ebb selftest --faults renderer-killed kill-9-scrape`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.asInit > 0 {
				return a.launchAndKill(cmd.Context(), o.asInit)
			}
			if err := oneKind(cmd); err != nil {
				return err
			}
			if o.faults {
				return a.selftestFaults(cmd.Context(), o, args)
			}
			if o.one != "" {
				return a.stoppable(cmd.Context(), func(ctx context.Context, stop *stopper) error { return a.selftestOne(ctx, stop, o) })
			}
			if err := o.check(); err != nil {
				return err
			}
			cases, err := chosenCases(o, args)
			if err != nil {
				return err
			}
			ctx, cancel := a.interruptible(cmd.Context())
			defer cancel()
			switch {
			case o.list:
				return a.listCases(cases)
			case o.statistics:
				return a.selftestStatistics(ctx)
			case o.cleanups != nil:
				return a.selftestCleanups(ctx, o, args)
			case o.recordings != "":
				return a.selftestRecordings(o, cases)
			}
			return a.selftest(ctx, o, cases)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.list, "list", false, "only list the pages, with what is true of each")
	f.IntVar(&o.cycles, "cycles", 25, fmt.Sprintf("`number` of cycles of each page, %d at least", leastSelftestCycles))
	f.BoolVar(&o.quick, "quick", false, "a small set of pages")
	f.IntVar(&o.jobs, "jobs", max(1, runtime.NumCPU()/2), "how `many` pages are diagnosed at once")
	f.IntVar(&o.repeat, "repeat", 1, "how `often` each page is diagnosed")
	f.StringSliceVar(&o.cleanups, "cleanups", nil, "tell which of these `cleanups`, or all, gives back what each page leaks")
	f.BoolVar(&o.statistics, "statistics", false, "study the judge and experiments on simulated series")
	f.StringVar(&o.keep, "keep", "", "keep the recordings in this `folder`")
	f.StringVar(&o.recordings, "recordings", "", "judge the recordings in this `folder` again, made with --keep")
	f.StringVar(&o.json, "json", "", "write the results as JSON to `file`; - is standard output")
	f.StringVar(&o.one, "one", "", "diagnose one `page` in this process, and print the result as JSON")
	f.StringVar(&o.base, "base", "", "where the pages of --one are served; by itself without")
	f.Uint64Var(&o.seed, "seed", 1, "`number` that gives the order of the blocks of --cleanups")
	f.BoolVar(&o.faults, "faults", false, "bring about what may befall a worker, and tell what was lost")
	f.IntVar(&o.asInit, "as-init", 0, "launch and kill Chrome this `often`, and count what is left")
	_ = errors.Join(f.MarkHidden("one"), f.MarkHidden("base"), f.MarkHidden("as-init"))
	return cmd
}

// leastSelftestCycles is how many cycles the verdict "leak" needs.
const leastSelftestCycles = 15

// oneKind holds that one kind of self-test is asked for.
func oneKind(cmd *cobra.Command) error {
	var asked []string
	for _, kind := range []string{"faults", "statistics", "cleanups", "recordings"} {
		if cmd.Flags().Changed(kind) {
			asked = append(asked, "--"+kind)
		}
	}
	if len(asked) > 1 {
		return usageErrorf("%s and %s exclude each other", asked[0], asked[1])
	}
	return nil
}

func (o selftestOptions) check() error {
	for flag, n := range map[string]int{"jobs": o.jobs, "repeat": o.repeat} {
		if err := atLeastOne(flag, n); err != nil {
			return err
		}
	}
	switch {
	case o.cycles < leastSelftestCycles:
		return usageErrorf("--cycles: at least %d; in fewer no leak is told from a warm-up, so each would count as missed", leastSelftestCycles)
	case o.cycles > maxDiagnosisCycles:
		return usageErrorf("--cycles: at most %d", maxDiagnosisCycles)
	}
	if err := checkFolder("--keep", o.keep); err != nil {
		return err
	}
	return checkOutput("--json", o.json)
}

// selftest diagnoses the pages, each in a process of its own: one that leaks in the worker must
// not be seen by the others.
func (a *app) selftest(ctx context.Context, o selftestOptions, cases []leaky.Case) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	if _, err := a.findBrowser(settings); err != nil {
		return err
	}
	began := time.Now()
	progress := output.NewProgress(a.err(), output.ProgressOptions{})
	results := runCases(ctx, o, cases, progress, func(ctx context.Context, c leaky.Case, _ int) caseResult { return a.runCase(ctx, o, c) })
	progress.Close()
	if ctx.Err() != nil {
		return errors.New("stopped before all pages were diagnosed")
	}
	return a.showResults(o, results, time.Since(began))
}

// selftestRecordings judges the recordings of an earlier self-test again.
func (a *app) selftestRecordings(o selftestOptions, cases []leaky.Case) error {
	began := time.Now()
	var results []caseResult
	for _, c := range cases {
		paths, err := filepath.Glob(filepath.Join(o.recordings, c.Name+"-2*"+memprof.RecordingSuffix)) // a time follows the name
		if err != nil {
			return usageErrorf("--recordings: %w", err)
		}
		for _, path := range paths {
			d, err := diagnoseFile(path)
			if err != nil {
				return err
			}
			results = append(results, resultOf(c, d))
		}
	}
	if len(results) == 0 {
		return usageErrorf("--recordings: %s holds none of these pages", o.recordings)
	}
	return a.showResults(o, results, time.Since(began))
}

func diagnoseFile(path string) (memprof.Diagnosis, error) {
	file, err := os.Open(path)
	if err != nil {
		return memprof.Diagnosis{}, fmt.Errorf("read a recording: %w", err)
	}
	defer file.Close()
	d, err := memprof.Diagnose(file)
	if err != nil {
		return d, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// showResults prints the matrix, and fails where the build does not do what it promises.
func (a *app) showResults(o selftestOptions, results []caseResult, took time.Duration) error {
	table := a.out()
	if o.json == "-" {
		table = a.err()
	}
	score := scoreOf(results, took)
	if err := writeMatrix(table, results, score); err != nil {
		return err
	}
	if err := a.writeResults(o.json, results, score); err != nil {
		return err
	}
	if !score.good() {
		return &exitError{code: exitLeak}
	}
	return nil
}

func (a *app) writeResults(path string, results []caseResult, s score) error {
	return a.writeTo(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Schema string       `json:"schema"`
			Score  score        `json:"score"`
			Pages  []caseResult `json:"pages"`
		}{"ebb.selftest/1", s, results})
	})
}

// chosenCases are the pages that are named, or else all of them. Its error has exit code 2.
func chosenCases(o selftestOptions, names []string) ([]leaky.Case, error) {
	var chosen []leaky.Case
	for _, name := range names {
		c, ok := leaky.Find(name)
		if !ok {
			var all []string
			for _, c := range leaky.Cases() {
				all = append(all, c.Name)
			}
			if near := nearest(name, all); near != "" {
				return nil, usageErrorf("there is no page %q; did you mean %s? `ebb selftest --list` shows all", name, near)
			}
			return nil, usageErrorf("there is no page %q; `ebb selftest --list` shows all", name)
		}
		chosen = append(chosen, c)
	}
	if len(names) > 0 {
		return chosen, nil
	}
	return slices.DeleteFunc(leaky.Cases(), func(c leaky.Case) bool { return o.quick && !c.Quick }), nil
}

// runCases does something with each page, with some at once, and returns the results in the order of the
// pages.
func runCases[R interface{ line() string }](ctx context.Context, o selftestOptions, cases []leaky.Case, progress *output.Progress, run func(ctx context.Context, c leaky.Case, round int) R) []R {
	results := make([]R, len(cases)*o.repeat)
	next := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex // guards done
	done := 0
	for range min(o.jobs, len(results)) {
		wg.Go(func() {
			for i := range next {
				page, round := i%len(cases), i/len(cases)
				at := page*o.repeat + round
				results[at] = run(ctx, cases[page], round)
				mu.Lock()
				done++
				progress.Printf("%3d/%d  %s", done, len(results), results[at].line())
				mu.Unlock()
			}
		})
	}
	for i := range results {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return results
}

// caseTimeout bounds one page: a cycle takes up to about ten seconds where it idles.
func caseTimeout(cycles int) time.Duration {
	return 3*time.Minute + time.Duration(cycles)*15*time.Second
}

// runCase diagnoses one page in a process of its own.
func (a *app) runCase(ctx context.Context, o selftestOptions, c leaky.Case) caseResult {
	began := time.Now()
	r := caseResult{Case: c.Name}
	if err := a.apart(ctx, o, c, &r); err != nil {
		return r.failed(err, began)
	}
	r.Seconds = time.Since(began).Seconds()
	return r
}

// apart does with one page, in a process of its own, what the options say, and reads the result.
func (a *app) apart(ctx context.Context, o selftestOptions, c leaky.Case, result any) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, caseTimeout(o.cycles))
	defer cancel()
	// Served from here: a connection that the page leaves open must not be one of the worker's own.
	base, closeServer, err := servePages()
	if err != nil {
		return err
	}
	defer func() { _ = closeServer() }()
	args := []string{"selftest", "--one", c.Name, "--base", base, "--cycles", strconv.Itoa(o.cycles), "--log-level", "error"}
	if a.configPath != "" {
		args = append(args, "--config", a.configPath)
	}
	for _, set := range a.sets {
		args = append(args, "--set", set)
	}
	if a.flags.browser != "" {
		args = append(args, "--browser", a.flags.browser)
	}
	if o.keep != "" {
		args = append(args, "--keep", o.keep)
	}
	if o.cleanups != nil {
		args = append(args, "--cleanups", strings.Join(o.cleanups, ","), "--seed", strconv.FormatUint(o.seed, 10))
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	var said tailBuffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w: %s", err, said.String())
	}
	if err := json.Unmarshal(out, result); err != nil {
		return fmt.Errorf("read the result: %w", err)
	}
	return nil
}

// tailBuffer keeps the end of what is written to it.
type tailBuffer struct{ text []byte }

const tailBytes = 600

// Write keeps the last bytes.
func (t *tailBuffer) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailBytes):]
	return len(p), nil
}

// String is the end, in one line.
func (t *tailBuffer) String() string { return output.CleanLine(string(t.text)) }

// recordingPath is where the recording of a page is kept.
func recordingPath(folder, name string) string {
	return filepath.Join(folder, name+time.Now().UTC().Format("-20060102T150405.000")+memprof.RecordingSuffix)
}
