package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/cmd/ebb/bench"
	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/demo"
)

type benchStartOptions struct {
	pairs int
	json  string
	gate  bool
}

func newBenchStartCommand(a *app) *cobra.Command {
	var o benchStartOptions
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Time 'ebb scrape' to its first item, against a bare start of Chrome",
		Long: `Compare two ways to the items of one page, the demo shop's home page: a bare loop over Chrome's
pipe, from before Chrome's launch (with the same flags) until the items are there; and the command
'ebb scrape FILE' with a database, from the start of its process until its first item is
on standard output. They take turns. The first pair is warm-up; its scrape makes the database.

With --gate, exit code 3 says that the median ratio is above ` + fmt.Sprint(bench.MostStartup) + `.`,
		Example: `  ebb bench start
  ebb bench start --pairs 20 --json start.json
  ebb bench start --gate`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.pairs < 1:
				return atLeastOne("pairs", o.pairs)
			case o.pairs > maxPairs:
				return usageErrorf("--pairs: at most %d", maxPairs)
			}
			if err := checkOutput("--json", o.json); err != nil {
				return err
			}
			return a.stoppable(cmd.Context(), func(ctx context.Context, _ *stopper) error { return a.benchStart(ctx, o) })
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.pairs, "pairs", 5, "how `often` both are started, in turns")
	addBenchOutput(f, &o.json, &o.gate)
	return cmd
}

// addBenchOutput adds the flags that say what becomes of the figures.
func addBenchOutput(f *pflag.FlagSet, json *string, gate *bool) {
	f.StringVar(json, "json", "", "write the figures as JSON to `file`; - is standard output")
	f.BoolVar(gate, "gate", false, "fail where the figures miss what they should be")
}

// benchPlace is what a bench that runs commands of this program needs: the configuration, a Chrome, and a folder
// for what the commands keep, which must be removed.
func (a *app) benchPlace() (settings *Settings, exe browser.Executable, folder *temporary, err error) {
	if settings, err = a.config(); err != nil {
		return nil, exe, nil, err
	}
	if exe, err = a.findBrowser(settings); err != nil {
		return nil, exe, nil, err
	}
	folder, err = newTemporary("ebb-bench-")
	return settings, exe, folder, err
}

func (a *app) benchStart(ctx context.Context, o benchStartOptions) (err error) {
	settings, exe, folder, err := a.benchPlace()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.remove()) }()
	served, err := a.startSoakPages(ctx, 0)
	if err != nil {
		return benchStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, served.stop()) }()
	job, err := bench.NewJob(served.bases.Demo, 1, 1)
	if err != nil {
		return err
	}
	file := filepath.Join(folder.path, "shop.yaml")
	if err := os.WriteFile(file, onePageFile(served.bases.Demo), 0o600); err != nil {
		return fmt.Errorf("write a site file: %w", err)
	}
	launch := launchOptions(settings, exe)
	launch.Block = blockedByFlags([]*sites.Site{job.Site})
	say, end := a.benchSays()
	s, err := bench.RunStartup(ctx, bench.StartupOptions{
		Job: job, Launch: launch, Pairs: o.pairs, Say: say,
		Scrape: func() *exec.Cmd { return a.inFolder(folder.path, "scrape", file) },
	})
	end()
	if err != nil {
		return benchStopped(ctx, noBrowser(err))
	}
	s.Ebb, s.Chrome, s.Processors = versionName(), exe.Version, runtime.NumCPU()
	return a.showStartup(s, o)
}

// inFolder is a command of this program with its database and recordings in a folder.
func (a *app) inFolder(folder string, args ...string) *exec.Cmd {
	args = append(args, a.measuredSettings()...)
	return selfCommand(append(args, "--database", filepath.Join(folder, "ebb.db"), "--set", "memory.recordings="+folder)...)
}

// onePageFile is the shop's site file as far as its home page.
func onePageFile(base string) []byte {
	text := demo.New(demo.Options{}).SiteFiles(base)["shop.yaml"]
	return bytes.Replace(text, []byte("\nlimits:\n"), []byte("\nlimits:\n  depth: 0\n"), 1)
}

// showStartup shows how long a start takes, and fails where it is to.
func (a *app) showStartup(s *bench.Startup, o benchStartOptions) error {
	if err := writeStartup(a.benchTables(o.json), s); err != nil {
		return err
	}
	if err := a.endBench(o.json, s, s.Right()); err != nil {
		return err
	}
	if o.gate && !s.Pass {
		return &exitError{code: exitLeak}
	}
	return nil
}

// writeStartup writes how long a start takes, for people.
func writeStartup(out output.Terminal, s *bench.Startup) error {
	fmt.Fprintf(out, "%s, Chrome %s, %s.\n\n", output.Counted(int64(len(s.Pairs)), "pair", "pairs"),
		output.CleanLine(s.Chrome), output.Counted(int64(s.Processors), "processor", "processors"))
	table := output.NewTable(output.Column{Title: "START", Keep: true}, output.Column{Title: "FIRST ITEM MS", Right: true},
		output.Column{Title: "RATIO", Right: true}, output.Column{Title: "LO-HI", Right: true}, output.Column{Title: "WARM-UP MS", Right: true})
	ratio, between := benchRatio(s.Ratio)
	table.Add("bare", fmt.Sprintf("%.0f", s.Bare), "", "", fmt.Sprintf("%.0f", s.First.Bare))
	table.Add("ebb scrape", fmt.Sprintf("%.0f", s.Scrape), ratio, between, fmt.Sprintf("%.0f", s.First.Scrape))
	if err := table.Write(out); err != nil {
		return err
	}
	writeWrongItems(out, "", s.Wrong)
	text := outline{out: out}
	text.line("")
	text.add(0, 0, "", fmt.Sprintf("'ebb scrape' has its first item after %s times what a bare Chrome takes, %s the %.1f that it may take; %.0f ms later it has ended.",
		ratio, within(s.Pass), bench.MostStartup, s.Exit))
	text.add(0, 0, "", "Figures are medians; the ratio is that of pairs. The scrape of the warm-up makes its database.")
	return text.write()
}
