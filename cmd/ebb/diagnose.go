package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/linux"
	"github.com/ebbworker/ebb/memprof/report"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker"
)

type diagnoseOptions struct {
	cycles               int
	extend, untilCertain bool
	url, steps, keep     string
	demo, parallel       bool
	noControl, noHeap    bool
	profiles             string
	settle, idle         time.Duration
	memory               string
	cpus                 float64
	failOn               []string
	cleanup              cleanupFlag
	cleaned              sites.Cleanup // as cleanup says
	out                  diagnosisFiles
}

// failures are the verdicts that --fail-on takes, with the exit code of each.
var failures = map[memprof.Verdict]int{
	memprof.Leak: exitLeak, memprof.Growing: exitLeak, memprof.Step: exitLeak, memprof.Spike: exitLeak, memprof.Killed: exitLeak,
	memprof.Inconclusive: exitInconclusive, memprof.Invalid: exitInconclusive,
}

func newDiagnoseCommand(a *app) *cobra.Command {
	var o diagnoseOptions
	cmd := &cobra.Command{
		Use:   "diagnose [SITE...|FILE...]",
		Short: "Tell whether memory grows: how fast, when, where and why",
		Long: `Run sites again and again over the same path as 'ebb run', with a forced garbage
collection and a reading of memory at the end of each phase, and say what grows, how
fast (with a 95 % interval), when (scrape, cleanup, settle, idle), in which shape, where
and why, whether cleaning up helps, and whether recreating the page or the browser does.
Without arguments: every site of the configuration.

A page by its URL: with --steps it stays open and the steps are repeated in each cycle;
without, it is navigated to in each cycle in the same tab.

A leak of known size is planted in a page of its own; if it is not found as it was
planted, the answer is INVALID. Items go to a temporary database.`,
		Example: `  ebb diagnose shop                          # 30 cycles of a site
  ebb diagnose --url http://127.0.0.1:8080/ --steps steps.yaml --cycles 25
  ebb diagnose --demo --html report.html
  ebb diagnose shop --fail-on leak,inconclusive --json verdict.json
  ebb diagnose shop --memory 2g --cpus 1     # as on a small machine`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd, args); err != nil {
				return err
			}
			return a.stoppable(cmd.Context(), func(ctx context.Context, stop *stopper) error { return a.diagnose(ctx, stop, o, args) })
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.cycles, "cycles", worker.DefaultDiagnosisCycles, "`number` of cycles")
	f.BoolVar(&o.extend, "extend", false, "add cycles, at most three times, where the verdict needs more")
	f.BoolVar(&o.untilCertain, "until-certain", false, "end as soon as the verdict is certain")
	f.StringVar(&o.url, "url", "", "diagnose a single page by its `URL`")
	f.StringVar(&o.steps, "steps", "", "`file` with the steps of each cycle, for --url")
	f.StringVar(&o.keep, "keep", "", "for --url: `page` keeps the document open, none navigates\nin each cycle (default: page with --steps)")
	f.BoolVar(&o.demo, "demo", false, "diagnose the built-in demo sites")
	f.BoolVar(&o.parallel, "parallel", false, "run the sites of a cycle at once")
	f.BoolVar(&o.noControl, "no-control", false, "leave out the planted control leak")
	f.BoolVar(&o.noHeap, "no-heap", false, "take no heap snapshots after a leak was found")
	f.StringVar(&o.profiles, "profiles", "", "keep heap snapshots and profiles in this `folder`")
	f.DurationVar(&o.settle, "settle", worker.DefaultSettle, "`time` for memory to settle in each cycle")
	f.DurationVar(&o.idle, "idle", worker.DefaultIdle, "`time` in which nothing is done in each cycle; 0: none")
	f.StringVar(&o.memory, "memory", "", "limit the worker and Chrome to a `size` such as 2g")
	f.Float64Var(&o.cpus, "cpus", 0, "limit them to a `number` of processors")
	f.StringSliceVar(&o.failOn, "fail-on", nil, failOnUsage)
	o.cleanup.add(cmd)
	o.out.addFlags(cmd)
	f.StringVar(&o.out.record, "record", "", "write the recording to `file` (default: memory.recordings)")
	return cmd
}

func (o *diagnoseOptions) check(cmd *cobra.Command, args []string) error {
	named := 0
	for _, given := range []bool{len(args) > 0, o.url != "", o.demo} {
		if given {
			named++
		}
	}
	switch {
	case named > 1:
		return usageErrorf("sites, --url and --demo exclude each other")
	case o.url == "" && (o.steps != "" || o.keep != ""):
		return usageErrorf("--steps and --keep are for --url; a site file says both itself")
	case o.keep != "" && o.keep != string(sites.KeepPage) && o.keep != string(sites.KeepNone):
		return usageErrorf("--keep must be page or none")
	case o.cycles > maxDiagnosisCycles:
		return usageErrorf("--cycles: %d is too many; at most %d", o.cycles, maxDiagnosisCycles)
	case o.extend && maxJudged(*o) > maxDiagnosisCycles:
		return usageErrorf("--extend makes up to %d times as many cycles: with it --cycles is at most %d", extends, maxDiagnosisCycles/extends)
	case o.settle <= 0 || o.settle > time.Hour:
		return usageErrorf("--settle must be more than 0 and at most an hour")
	case o.idle < 0 || o.idle > time.Hour:
		return usageErrorf("--idle must be between 0 and an hour")
	case cmd.Flags().Changed("cpus") && o.cpus == 0: // which would limit nothing
		return usageErrorf("--cpus must be a number above 0")
	}
	if err := checkFailOn(o.failOn); err != nil {
		return err
	}
	var err error
	if o.cleaned, err = o.cleanup.parse(); err != nil {
		return err
	}
	return atLeastOne("cycles", o.cycles)
}

// checkFailOn refuses what is no verdict to fail on.
func checkFailOn(verdicts []string) error {
	for _, v := range verdicts {
		if failures[memprof.Verdict(v)] == 0 {
			return usageErrorf("--fail-on: %q is not a verdict to fail on; those are leak, growing, step, spike, killed, inconclusive, invalid", v)
		}
	}
	return nil
}

// failOnUsage describes --fail-on.
const failOnUsage = `exit with 3 (leak, growing, step, spike; killed does
always) or 5
(inconclusive, invalid) on these ` + "`verdicts`"

const (
	// maxDiagnosisCycles bounds what one diagnosis holds in memory.
	maxDiagnosisCycles = 2000
	// extends is how many times as many cycles --extend makes at most.
	extends = 5
)

func (a *app) diagnose(ctx context.Context, stop *stopper, o diagnoseOptions, args []string) (err error) {
	limits, err := o.limits()
	if err != nil {
		return err
	}
	if err := o.out.check(""); err != nil {
		return err
	}
	if err := checkFolder("--profiles", o.profiles); err != nil {
		return err
	}
	chosen, closeSites, err := a.diagnosed(o, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeSites()) }()
	if limits != (linux.Limits{}) {
		confined, confineErr := linux.Confine(ctx, limits)
		if confineErr != nil {
			return withCode(exitUsage, confineErr)
		}
		fmt.Fprintf(a.stderr, "Limited to %s.\n", confined.Describe())
		defer func() {
			releasing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			err = errors.Join(err, confined.Release(releasing))
		}()
	}
	path, err := a.record(ctx, stop, o, chosen, limits)
	if err != nil && !errors.Is(err, worker.ErrEarly) {
		return err
	}
	d, presentErr := a.present(path, o.out)
	return failOn(d, o.failOn, errors.Join(err, presentErr))
}

// diagnosed are the sites to diagnose, with what serves them until it is closed.
func (a *app) diagnosed(o diagnoseOptions, args []string) (chosen []*sites.Site, closeSites func() error, err error) {
	nothing := func() error { return nil }
	switch {
	case o.demo:
		return diagnosedDemo()
	case o.url != "":
		site, err := diagnosedPage(o)
		return []*sites.Site{site}, nothing, err
	}
	if len(args) == 0 {
		chosen, err = a.chosenSites(nil)
		return chosen, nothing, err
	}
	for _, name := range args {
		if strings.Contains(name, "://") {
			return nil, nil, usageErrorf("%s is a URL: write --url %s", name, name)
		}
	}
	chosen, err = a.pickSites(args)
	return chosen, nothing, err
}

func diagnosedDemo() ([]*sites.Site, func() error, error) {
	server, base, closeServer, err := serveDemo("127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	var chosen []*sites.Site
	files := server.SiteFiles(base)
	for _, name := range []string{"news.yaml", "shop.yaml"} {
		site, err := sites.Parse(name, files[name])
		if err != nil {
			return nil, nil, errors.Join(err, closeServer())
		}
		site.Schedule = "" // every second, which says nothing of a day
		chosen = append(chosen, site)
	}
	return chosen, closeServer, nil
}

// diagnosedPage is a site of one page whose document, or at least whose tab, outlives a cycle.
func diagnosedPage(o diagnoseOptions) (*sites.Site, error) {
	if lower := strings.ToLower(o.url); !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
		return nil, usageErrorf("--url: %q is no http or https URL", o.url)
	}
	site, err := pageSite(o.url)
	if err != nil {
		return nil, err
	}
	site.Isolation = sites.IsolationTab
	if o.steps != "" {
		if site.Templates[0].Steps, err = sites.LoadSteps(o.steps); err != nil {
			return nil, withCode(exitUsage, err)
		}
	}
	if o.keep == string(sites.KeepPage) || o.keep == "" && o.steps != "" {
		site.Keep = sites.KeepPage
	}
	return site, withCode(exitUsage, site.Complete())
}

// record works the cycles and returns where the recording stands.
func (a *app) record(ctx context.Context, stop *stopper, o diagnoseOptions, chosen []*sites.Site, limits linux.Limits) (path string, err error) {
	folder, err := newTemporary("ebb-diagnose-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, folder.remove()) }()
	settings, err := a.config()
	if err != nil {
		return "", err
	}
	where := settings.Memory.Recordings
	if o.out.record != "" {
		where = filepath.Dir(o.out.record)
	}
	earlier, err := memprof.EarlierVerdicts(where, o.out.record)
	if err != nil {
		return "", err
	}
	opened := rigOptions{
		sites: unscheduled(chosen), cleanup: o.cleaned, stop: stop, retries: promptRetries(), database: filepath.Join(folder.path, "ebb.db"),
		diagnosis: &diagnosisRig{cycles: maxJudged(o)}, recording: o.out.record,
	}
	err = a.withRig(ctx, opened, func(ctx context.Context, r *rig) error {
		path = r.memory.Path
		options := worker.DiagnoseOptions{
			Cycles: o.cycles, Extend: o.extend, UntilCertain: o.untilCertain, Settle: o.settle, Idle: o.idle, Parallel: o.parallel,
			NoControl: o.noControl, NoHeap: o.noHeap, Earlier: earlier, Schedules: schedules(chosen),
			Dir: o.profiles, KeepFiles: o.profiles != "", OnCycle: r.board.cycle,
		}
		if options.Dir == "" {
			options.Dir = filepath.Join(folder.path, "heap")
		}
		if o.idle == 0 {
			options.Idle = -1 // none, not the default
		}
		if limits.Memory > 0 {
			options.Limit, options.LimitIs = float64(limits.Memory), "given by --memory"
		}
		return r.worker.Diagnose(ctx, options)
	})
	return path, err
}

// maxJudged is how many cycles there may come to be.
func maxJudged(o diagnoseOptions) int {
	if o.extend {
		return extends * o.cycles
	}
	return o.cycles
}

// unscheduled are sites that run only when they are asked to.
func unscheduled(list []*sites.Site) []*sites.Site {
	var plain []*sites.Site
	for _, s := range list {
		site := *s
		site.Schedule = ""
		plain = append(plain, &site)
	}
	return plain
}

// schedules are those that the sites would run on, by name.
func schedules(list []*sites.Site) map[string]worker.Schedule {
	found := map[string]worker.Schedule{}
	for _, s := range list {
		if s.Schedule != "" {
			found[s.Name] = worker.Schedule{Text: s.Schedule, RunsPerDay: s.RunsPerDay(time.Now())}
		}
	}
	return found
}

// present judges a recording that was just made, shows what comes of it, and notes it there for
// later diagnoses of the same sites.
func (a *app) present(path string, files diagnosisFiles) (memprof.Diagnosis, error) {
	d, err := a.render(path, files)
	if d.Verdict == "" {
		return d, err // it could not be read
	}
	fmt.Fprintf(a.stderr, "\nRecording: %s\n", path)
	return d, errors.Join(err, memprof.NoteVerdict(path, d))
}

// render judges a recording and writes what comes of it.
func (a *app) render(path string, files diagnosisFiles) (memprof.Diagnosis, error) {
	tally, err := readTally(path)
	if err != nil {
		return memprof.Diagnosis{}, err
	}
	return a.showDiagnosis(tally, files)
}

func (a *app) showDiagnosis(tally *memprof.Tally, files diagnosisFiles) (memprof.Diagnosis, error) {
	d := tally.Diagnosis()
	return d, a.show(files, rendered{
		text: func(out output.Terminal) error { return report.DiagnosisText(out, d, out.Width, out.Color) },
		json: func(w io.Writer) error { return report.DiagnosisJSON(w, d) },
		html: func(w io.Writer) error { return report.DiagnosisHTML(w, d, tally.Trace()) },
	})
}

// failOn is err, with the exit code that a verdict was asked to end with: that comes first, whatever
// else went wrong after it. That the kernel killed something is never the end of a run that went well.
func failOn(d memprof.Diagnosis, verdicts []string, err error) error {
	if d.Verdict != memprof.Killed && !slices.Contains(verdicts, string(d.Verdict)) {
		return err
	}
	return &exitError{code: failures[d.Verdict], err: err}
}
