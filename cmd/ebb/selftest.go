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
	keep, recordings     string
	json                 string
	one, base            string
}

func newSelftestCommand(a *app) *cobra.Command {
	var o selftestOptions
	cmd := &cobra.Command{
		Use:   "selftest [PAGE...]",
		Short: "Diagnose pages whose leaks are known, and tell what was found",
		Long: `Diagnose built-in pages that leak a known amount for a known cause, and their clean
twins, each in a Chrome of its own, and print what this build finds on this machine: found,
cause named, rate against truth, false alarms. --statistics judges simulated series,
and analyses simulated experiments, instead.

Exit code 3: a leak was missed, a clean page accused, a wrong cause stated as certain, or a
page could not be diagnosed; where 30 leaking pages or more were, also that the cause of
less than 93 % of them was named right, or the rate of less than 93 % was.`,
		Example: `  ebb selftest --quick
  ebb selftest array-buffers event-listeners event-listeners-clean
  ebb selftest --repeat 3 --json matrix.json
  ebb selftest --statistics`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.one != "" {
				return a.stoppable(cmd.Context(), func(ctx context.Context, stop *stopper) error { return a.selftestOne(ctx, stop, o) })
			}
			if err := o.check(); err != nil {
				return err
			}
			ctx, cancel := a.interruptible(cmd.Context())
			defer cancel()
			switch {
			case o.statistics:
				return a.selftestStatistics(ctx)
			case o.recordings != "":
				return a.selftestRecordings(o, args)
			}
			return a.selftest(ctx, o, args)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.cycles, "cycles", 25, "`number` of cycles of each page")
	f.BoolVar(&o.quick, "quick", false, "a small set of pages")
	f.IntVar(&o.jobs, "jobs", max(1, runtime.NumCPU()/2), "how `many` pages are diagnosed at once")
	f.IntVar(&o.repeat, "repeat", 1, "how `often` each page is diagnosed")
	f.BoolVar(&o.statistics, "statistics", false, "study the judge and experiments on simulated series")
	f.StringVar(&o.keep, "keep", "", "keep the recordings in this `folder`")
	f.StringVar(&o.recordings, "recordings", "", "judge the recordings in this `folder` again, made with --keep")
	f.StringVar(&o.json, "json", "", "write the results as JSON to `file`; - is standard output")
	f.StringVar(&o.one, "one", "", "diagnose one `page` in this process, and print the result as JSON")
	f.StringVar(&o.base, "base", "", "where the pages of --one are served; by itself without")
	_ = errors.Join(f.MarkHidden("one"), f.MarkHidden("base"))
	return cmd
}

func (o selftestOptions) check() error {
	for flag, n := range map[string]int{"cycles": o.cycles, "jobs": o.jobs, "repeat": o.repeat} {
		if err := atLeastOne(flag, n); err != nil {
			return err
		}
	}
	if o.cycles > maxDiagnosisCycles {
		return usageErrorf("--cycles: at most %d", maxDiagnosisCycles)
	}
	return checkOutput("json", o.json)
}

// selftest diagnoses the pages, each in a process of its own: one that leaks in the worker must
// not be seen by the others.
func (a *app) selftest(ctx context.Context, o selftestOptions, names []string) error {
	cases, err := chosenCases(o, names)
	if err != nil {
		return err
	}
	settings, err := a.config()
	if err != nil {
		return err
	}
	if _, err := a.findBrowser(settings); err != nil {
		return err
	}
	began := time.Now()
	progress := output.NewProgress(a.err(), output.ProgressOptions{})
	results := a.runCases(ctx, o, cases, progress)
	progress.Close()
	if ctx.Err() != nil {
		return errors.New("stopped before all pages were diagnosed")
	}
	return a.showResults(o, results, time.Since(began))
}

// selftestRecordings judges the recordings of an earlier self-test again.
func (a *app) selftestRecordings(o selftestOptions, names []string) error {
	cases, err := chosenCases(o, names)
	if err != nil {
		return err
	}
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
	if path == "" {
		return nil
	}
	write := func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Schema string       `json:"schema"`
			Score  score        `json:"score"`
			Pages  []caseResult `json:"pages"`
		}{"ebb.selftest/1", s, results})
	}
	if path == "-" {
		return write(a.stdout)
	}
	return writeFile(path, write)
}

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
				return nil, usageErrorf("there is no page %q; did you mean %s?", name, near)
			}
			return nil, usageErrorf("there is no page %q; without a name, all are diagnosed", name)
		}
		chosen = append(chosen, c)
	}
	if len(names) > 0 {
		return chosen, nil
	}
	return slices.DeleteFunc(leaky.Cases(), func(c leaky.Case) bool { return o.quick && !c.Quick }), nil
}

// runCases diagnoses the pages, some at once, and returns the results in the order of the pages.
func (a *app) runCases(ctx context.Context, o selftestOptions, cases []leaky.Case, progress *output.Progress) []caseResult {
	results := make([]caseResult, len(cases)*o.repeat)
	next := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex // guards done
	done := 0
	for range min(o.jobs, len(results)) {
		wg.Go(func() {
			for i := range next {
				c := cases[i%len(cases)]
				results[i] = a.runCase(ctx, o, c)
				mu.Lock()
				done++
				progress.Printf("%3d/%d  %s", done, len(results), results[i].line())
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
	slices.SortStableFunc(results, func(a, b caseResult) int {
		place := func(r caseResult) int {
			return slices.IndexFunc(cases, func(c leaky.Case) bool { return c.Name == r.Case })
		}
		return place(a) - place(b)
	})
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
	self, err := os.Executable()
	if err != nil {
		return r.failed(err, began)
	}
	ctx, cancel := context.WithTimeout(ctx, caseTimeout(o.cycles))
	defer cancel()
	// Served from here: a connection that the page leaves open must not be one of the worker's own.
	base, closeServer, err := servePages()
	if err != nil {
		return r.failed(err, began)
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
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	var said tailBuffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return r.failed(fmt.Errorf("%w: %s", err, said.String()), began)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return r.failed(fmt.Errorf("read the result: %w", err), began)
	}
	r.Seconds = time.Since(began).Seconds()
	return r
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
