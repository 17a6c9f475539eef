package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
)

// soakSchedule is the default schedule of a soak's sites, that of the site file in the README: it says how
// many cycles a day has. In the soak they follow each other without a pause.
const soakSchedule = "*/15 * * * *"

type soakOptions struct {
	days         float64
	cycles       int
	schedule     string
	budget       time.Duration
	limit        float64 // MB a day
	plant        int     // bytes a run
	record, json string
	pages        bool // only serve the pages, for another process
	products     int  // of the demo shop that is served so
}

func newSoakCommand(a *app) *cobra.Command {
	var o soakOptions
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Work a week's cycles as fast as they go, and tell whether memory stays flat",
		Long: `Run as many cycles as the default schedule (every quarter of an hour) makes in a week, one
after the other without a pause, over the same path as 'ebb run': queue, database, pool and
whatever is configured. The sites are built in: pages that leak, in ways of all kinds, their
clean twins, products of the demo shop, and pages that fail. After each cycle the items are
compared with what the pages hold, and the memory of the worker and of Chrome is read.

The rates are per day of the schedule, with a 95 % interval; flat is what has its upper end
below the limit. Chrome's memory is compared from one Chrome to the next, at equal age.

Exit code 3: something grows, or items were lost, doubled or wrong; 5: it was too short to
tell, and how many more cycles it takes is said.`,
		Example: `  ebb soak                           # seven days of the schedule
  ebb soak --days 1 --json soak.json
  ebb soak --budget 10m --record soak.ebb.jsonl
  ebb soak --cycles 10 --plant 65536 # the worker keeps 64 KiB of each run: this is found`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.pages {
				return a.serveSoakPages(o.products)
			}
			if err := o.check(cmd); err != nil {
				return err
			}
			return a.stoppable(cmd.Context(), func(ctx context.Context, stop *stopper) error { return a.soak(ctx, stop, o) })
		},
	}
	f := cmd.Flags()
	f.Float64Var(&o.days, "days", 7, "how many `days` of the schedule are worked")
	f.IntVar(&o.cycles, "cycles", 0, "how `many` cycles are worked, instead of --days")
	f.StringVar(&o.schedule, "schedule", soakSchedule, "`schedule` that says how many cycles a day has")
	f.DurationVar(&o.budget, "budget", 0, "begin no further cycle after this `time` (default: no bound)")
	f.Float64Var(&o.limit, "limit", 5, "growth in `MB` per day of the schedule that is too much")
	f.IntVar(&o.plant, "plant", 0, "let the worker keep so many `bytes` of each run, to be found")
	f.StringVar(&o.record, "record", "", "keep the recording in `file`, for 'ebb report'")
	f.StringVar(&o.json, "json", "", "write the figures as JSON to `file`; - is standard output")
	f.BoolVar(&o.pages, "pages", false, "only serve the pages")
	f.IntVar(&o.products, "products", 0, "products of a category of the demo shop")
	_ = f.MarkHidden("pages")
	_ = f.MarkHidden("products")
	return cmd
}

// maxSoakCycles is what a year of the default schedule has.
const maxSoakCycles = 365 * 96

func (o *soakOptions) check(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	switch {
	case given("days") && given("cycles"):
		return usageErrorf("--days and --cycles exclude each other")
	case given("cycles") && o.cycles < 1:
		return atLeastOne("cycles", o.cycles)
	case !(o.days > 0):
		return usageErrorf("--days must be above 0")
	case !(o.limit > 0) || math.IsInf(o.limit, 0):
		return usageErrorf("--limit must be a number above 0")
	case o.budget < 0 || given("budget") && o.budget == 0:
		return usageErrorf("--budget must be above 0")
	case o.plant < 0 || o.plant > 1<<20:
		return usageErrorf("--plant must be between 0 and 1048576 bytes")
	case o.record == "-":
		return usageErrorf("--record: it must be a file")
	case collide(o.record, o.json):
		return usageErrorf("--record and --json are the same file: %s", inWords(o.json))
	}
	for flag, path := range map[string]string{"--record": o.record, "--json": o.json} {
		if err := checkOutput(flag, path); err != nil {
			return err
		}
	}
	perDay, err := cyclesPerDay(o.schedule)
	if err != nil {
		return err
	}
	if o.cycles == 0 {
		o.cycles = int(math.Ceil(math.Min(o.days*perDay, maxSoakCycles+1)))
	}
	if o.cycles > maxSoakCycles {
		return usageErrorf("that is more than %d cycles: fewer days, or a rarer --schedule", maxSoakCycles)
	}
	return nil
}

// cyclesPerDay is how often a schedule fires.
func cyclesPerDay(schedule string) (float64, error) {
	site := &sites.Site{
		Name: "soak", Start: []string{"http://127.0.0.1/"}, Schedule: schedule,
		Templates: []sites.Template{{Name: "page"}},
	}
	if err := site.Complete(); err != nil {
		return 0, usageErrorf("--schedule: %w", err)
	}
	perDay := site.RunsPerDay(time.Now())
	if perDay <= 0 {
		return 0, usageErrorf("--schedule: %q never fires", schedule)
	}
	return perDay, nil
}

func (a *app) soak(ctx context.Context, stop *stopper, o soakOptions) (err error) {
	settings, err := a.config()
	if err != nil {
		return err
	}
	if settings.Memory.Profile == "off" {
		return usageErrorf("memory.profile is off: a soak needs cheap, the default, or full")
	}
	folder, err := newTemporary("ebb-soak-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.remove()) }()
	served, err := a.startSoakPages(ctx, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, served.stop()) }()
	s := &soaking{app: a, options: o, folder: folder.path}
	if s.sites, s.truth, err = soakSites(served.bases); err != nil {
		return err
	}
	if err := s.work(ctx, stop); err != nil {
		return err
	}
	return a.presentSoak(s.recording, o.json)
}

// soaking is one `ebb soak`.
type soaking struct {
	app       *app
	options   soakOptions
	folder    string
	sites     []*sites.Site
	truth     *soakTruth
	recording string

	mu      sync.Mutex // owns planted
	planted [][]byte
}

// work works the cycles, and compares what is stored at the end.
func (s *soaking) work(ctx context.Context, stop *stopper) error {
	perDay, err := cyclesPerDay(s.options.schedule)
	if err != nil {
		return err
	}
	plan := memprof.SoakPlan{
		Cycles: s.options.cycles, Schedule: s.options.schedule, CyclesPerDay: perDay,
		Limit: s.options.limit * memprof.MB, Planted: s.options.plant,
	}
	for _, site := range s.sites {
		plan.Sites = append(plan.Sites, site.Name)
	}
	s.recording = s.options.record
	if s.recording == "" {
		s.recording = filepath.Join(s.folder, "soak"+memprof.RecordingSuffix)
	}
	o := rigOptions{
		sites: s.sites, stop: stop, retries: soakRetries(), quiet: true,
		database: filepath.Join(s.folder, "ebb.db"), recording: s.recording,
		onItems: s.truth.saved, onEnd: s.ended,
	}
	return s.app.withRig(ctx, o, func(ctx context.Context, r *rig) error {
		show := newSoakProgress(r.board, plan)
		s.truth.tell = func(text string) { r.board.progress.Printf("%s", output.CleanLine(text)) }
		show.begin()
		err := r.worker.Soak(ctx, worker.SoakOptions{
			Plan: plan, Budget: s.options.budget, Check: s.truth.check, Temporary: s.temporary, OnCycle: show.cycle,
		})
		if err != nil {
			return err
		}
		return s.truth.stored(context.WithoutCancel(ctx), r.store)
	})
}

// ended keeps what is planted.
func (s *soaking) ended(queue.Ended, memprof.Summary) {
	if s.options.plant == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.planted = append(s.planted, make([]byte, s.options.plant))
}

// temporary counts what stands in the temporary folders of this program and of its Chromes.
func (s *soaking) temporary() (int, error) {
	entries, err := browser.Folders("")
	if err != nil {
		return 0, err
	}
	err = filepath.WalkDir(s.folder, func(_ string, _ fs.DirEntry, err error) error {
		entries++
		return err
	})
	return entries, err
}

// soakRetries try no run again after a pause, so that one that fails costs no time: only one that found
// nobody at its address is tried once more, at once.
func soakRetries() map[crawl.Class]queue.Retry {
	retries := map[crawl.Class]queue.Retry{}
	for class := range queue.DefaultRetries() {
		retries[class] = queue.Retry{Tries: 1}
	}
	retries[crawl.ClassConnect] = queue.Retry{Tries: 2}
	return retries
}

// presentSoak judges the recording of a soak that was just made.
func (a *app) presentSoak(path, json string) error {
	tally, err := readSoak(path)
	if err != nil {
		return err
	}
	return a.showSoak(tally.Soak(), json)
}

// showSoak shows what a soak came to, and fails where it is not flat.
func (a *app) showSoak(s memprof.Soak, json string) error {
	table := a.out()
	if json == "-" {
		table = a.err()
	}
	if err := writeSoak(table, s); err != nil {
		return err
	}
	if err := a.writeTo(json, func(w io.Writer) error { return writeSoakJSON(w, s) }); err != nil {
		return err
	}
	switch s.Verdict {
	case memprof.SoakFlat:
		return nil
	case memprof.SoakUndecided:
		return &exitError{code: exitInconclusive}
	}
	return &exitError{code: exitLeak}
}
