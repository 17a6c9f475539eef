package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/report"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/demo"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

type demoOptions struct {
	installChrome, serve bool
	cycles               int
	listen, keep         string
}

func newDemoCommand(a *app) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Scrape the built-in shop and news site, with the memory report",
		Long: `Serve a shop and a news site of 300 pages on loopback, scrape both for three cycles on
a one-second schedule, compare every item with what the sites really hold, and show
what memory did. Everything lives in a temporary folder that is removed at the end.`,
		Example: `  ebb demo --install-chrome
  ebb demo --keep demo      # keeps site files, database and recording in ./demo
  ebb demo --serve          # only serves the sites, for a look in a browser`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.cycles < 1 {
				return atLeastOne("cycles", o.cycles)
			}
			return a.stoppable(cmd.Context(), func(ctx context.Context, stop *stopper) error { return a.demo(ctx, stop, o) })
		},
	}
	cmd.Flags().BoolVar(&o.installChrome, "install-chrome", false, "install Chrome first if there is none")
	cmd.Flags().IntVar(&o.cycles, "cycles", 3, "how many `times` each site is scraped")
	cmd.Flags().BoolVar(&o.serve, "serve", false, "only serve the sites, until stopped")
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback `address` to serve on")
	cmd.Flags().StringVar(&o.keep, "keep", "", "keep site files, database and recording in this `folder`")
	return cmd
}

func (a *app) demo(ctx context.Context, stop *stopper, o demoOptions) (err error) {
	if o.installChrome && !o.serve {
		if err := a.ensureBrowser(ctx); err != nil {
			return err
		}
	}
	server, base, closeServer, err := serveDemo(o.listen)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeServer()) }()
	if o.serve {
		return a.serveOnly(ctx, base)
	}
	dir := o.keep
	if dir == "" {
		folder, tempErr := newTemporary("ebb-demo-")
		if tempErr != nil {
			return tempErr
		}
		defer func() { err = errors.Join(err, folder.remove()) }()
		dir = folder.path
	}
	loaded, err := writeSites(server, base, dir)
	if err != nil {
		return err
	}
	d := &demoRun{app: a, options: o, server: server, base: base, dir: dir}
	return d.run(ctx, stop, loaded)
}

// ensureBrowser installs a Chrome where there is none.
func (a *app) ensureBrowser(ctx context.Context) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	if _, err := browser.Find(a.findOptions(settings)); err == nil {
		return nil
	}
	fmt.Fprintln(a.stderr, "There is no Chrome yet: installing one.")
	_, err = browser.Install(ctx, browser.InstallOptions{Output: a.stderr, Getenv: a.getenv})
	return withCode(exitNoBrowser, err)
}

// serveDemo serves the sites on loopback.
func serveDemo(listen string) (server *demo.Server, base string, stop func() error, err error) {
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, "", nil, usageErrorf("--listen: %q is no loopback address; write 127.0.0.1:8080", listen)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, "", nil, fmt.Errorf("serve the demo sites: %w", err)
	}
	server = demo.New(demo.Options{})
	web := &http.Server{Handler: server.Handler(), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- web.Serve(listener) }()
	stop = func() error {
		err := web.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
	return server, "http://" + listener.Addr().String(), stop, nil
}

func (a *app) serveOnly(ctx context.Context, base string) error {
	fmt.Fprintf(a.stdout, "%s/\n", base)
	fmt.Fprintln(a.stderr, "The shop is at /shop/, the news at /news/; ^C stops.")
	<-ctx.Done()
	return nil
}

// writeSites writes the demo's own site files and loads them.
func writeSites(server *demo.Server, base, dir string) ([]*sites.Site, error) {
	folder := filepath.Join(dir, "sites")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("make the demo's folder: %w", err)
	}
	for name, text := range server.SiteFiles(base) {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
			return nil, fmt.Errorf("write the demo's site file: %w", err)
		}
	}
	return sites.LoadAll(folder)
}

// demoRun is one `ebb demo`.
type demoRun struct {
	app       *app
	options   demoOptions
	server    *demo.Server
	base, dir string

	mu     sync.Mutex // owns what follows
	runs   []store.Run
	cycles []memprof.Summary
}

func (d *demoRun) run(ctx context.Context, stop *stopper, loaded []*sites.Site) error {
	a := d.app
	fmt.Fprintf(a.stderr, "Scraping %s (%d pages) for %s, each site every second.\n", d.base, d.server.Pages(), output.Counted(int64(d.options.cycles), "cycle", "cycles"))
	o := rigOptions{
		sites: loaded, stop: stop, database: filepath.Join(d.dir, "ebb.db"), recordings: filepath.Join(d.dir, "recordings"), most: d.options.cycles,
		onEnd: func(ended queue.Ended, memory memprof.Summary) {
			if ended.Interrupted || !ended.Run.State.Finished() || ended.Run.State == store.RunSkipped {
				return
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.runs = append(d.runs, ended.Run)
			if len(memory.Phases) > 0 {
				d.cycles = append(d.cycles, memory)
			}
		},
	}
	return a.withRig(ctx, o, func(ctx context.Context, r *rig) error {
		if err := r.worker.Run(ctx); err != nil {
			return err
		}
		r.board.progress.Close()
		if len(d.runs) < d.options.cycles*len(loaded) {
			return errors.New("the demo was stopped before its cycles were complete")
		}
		return d.report(context.WithoutCancel(ctx), r) // it is complete, even if it was told to stop
	})
}

// report shows what came of the demo, and fails if an item is not as it should be.
func (d *demoRun) report(ctx context.Context, r *rig) error {
	out := d.app.out()
	table := output.NewTable(output.Column{Title: "SITE", Keep: true}, output.Column{Title: "CYCLE", Right: true}, output.Column{Title: "STATE", Keep: true},
		output.Column{Title: "PAGES", Right: true}, output.Column{Title: "TOOK", Right: true}, output.Column{Title: "RATE", Right: true},
		output.Column{Title: "NEW", Right: true}, output.Column{Title: "CHANGED", Right: true}, output.Column{Title: "SAME", Right: true})
	slices.SortStableFunc(d.runs, func(a, b store.Run) int { return strings.Compare(a.Site, b.Site) })
	count := map[string]int{}
	incomplete := 0
	for _, run := range d.runs {
		count[run.Site]++
		took := run.Finished.Sub(run.Started)
		if run.State != store.RunDone || run.Pages.Done != d.server.PagesOf(run.Site) {
			incomplete++
		}
		table.Add(run.Site, fmt.Sprint(count[run.Site]), string(run.State), output.Count(int64(run.Pages.Done)), output.Duration(took),
			output.PerSecond(float64(run.Pages.Done)/took.Seconds()), output.Count(int64(run.Items.New)), output.Count(int64(run.Items.Changed)), output.Count(int64(run.Items.Same)))
	}
	fmt.Fprintln(out)
	if err := table.Write(out); err != nil {
		return err
	}
	right, wrong, err := d.compare(ctx, r.store)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s stored, all compared with what the sites hold: %d right, %d wrong.\n", output.Counted(int64(right+wrong), "item", "items"), right, wrong)
	if err := d.memory(out); err != nil {
		return err
	}
	d.next(out)
	if wrong > 0 || incomplete > 0 {
		return fmt.Errorf("the demo is not right: %d items are wrong, %d cycles incomplete", wrong, incomplete)
	}
	return nil
}

// memory shows the memory of each cycle, and of the last one by process.
func (d *demoRun) memory(out output.Terminal) error {
	if len(d.cycles) == 0 {
		fmt.Fprintln(out, "\nMemory was not measured: memory.profile is off.")
		return nil
	}
	fmt.Fprintln(out)
	if err := report.RunTable(out, d.cycles, out.Width); err != nil {
		return err
	}
	fmt.Fprintln(out)
	return report.CycleTable(out, d.cycles[len(d.cycles)-1], out.Width)
}

// next says what to try now.
func (d *demoRun) next(out output.Terminal) {
	fmt.Fprintln(out, "\nNext:")
	rows := [][2]string{
		{"ebb demo --serve", "look at the sites in a browser"},
		{"ebb diagnose --demo", "tell whether memory grows, and why"},
		{"ebb demo --keep demo", "keep site files, database and recording in ./demo"},
		{"ebb scrape https://example.com --format table", "take one page"},
		{"ebb sites try URL --css 'h1'", "see what a selector takes from a live page"},
		{"ebb sites check FILE", "check a site file of your own"},
		{"ebb run --sites FOLDER", "run your sites on their schedules"},
	}
	if d.options.keep != "" {
		rows[2] = [2]string{"ebb export --database " + filepath.Join(d.dir, "ebb.db") + " --format csv", "the items as CSV"}
	}
	wide := 0
	for _, row := range rows {
		wide = max(wide, len(row[0]))
	}
	for _, row := range rows {
		if wide+len(row[1])+4 > max(out.Width, 80) {
			fmt.Fprintf(out, "  %s\n      %s\n", row[0], row[1])
			continue
		}
		fmt.Fprintf(out, "  %-*s  %s\n", wide, row[0], row[1])
	}
}

// compare holds what is stored against what the sites hold.
func (d *demoRun) compare(ctx context.Context, s *store.Store) (right, wrong int, err error) {
	type name struct{ site, kind, key string }
	want := map[name]json.RawMessage{}
	for _, t := range d.server.Truth(d.base) {
		want[name{t.Site, t.Kind, t.Key}] = t.Data
	}
	for item, err := range s.Items(ctx, store.ItemFilter{}) {
		if err != nil {
			return 0, 0, err
		}
		n := name{item.Site, item.Kind, item.Key}
		if sameJSON(want[n], item.Data) {
			right++
		} else {
			wrong++
			if wrong <= 5 {
				fmt.Fprintf(d.app.err(), "wrong: %s %s %s: %s\n", n.site, n.kind, output.CleanLine(n.key), difference(item.Data, want[n]))
			}
		}
		delete(want, n)
	}
	for n := range want {
		wrong++
		fmt.Fprintf(d.app.err(), "missing: %s %s %s\n", n.site, n.kind, n.key)
	}
	return right, wrong, nil
}

// difference names the first field in which an item is not as it should be.
func difference(got, want json.RawMessage) string {
	var is, should map[string]json.RawMessage
	if json.Unmarshal(got, &is) != nil || json.Unmarshal(want, &should) != nil {
		return "the sites hold no such item"
	}
	for _, field := range slices.Sorted(maps.Keys(should)) {
		if !sameJSON(is[field], should[field]) {
			return fmt.Sprintf("%s is %s, not %s", field, output.Shorten(output.CleanLine(string(is[field])), 60), output.Shorten(output.CleanLine(string(should[field])), 60))
		}
	}
	return "it has fields that it should not have"
}

// sameJSON compares two JSON texts by value.
func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
