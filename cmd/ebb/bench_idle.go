package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/bench"
	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites/demo"
)

type benchIdleOptions struct {
	sites int
	how   time.Duration
	json  string
	gate  bool
}

func newBenchIdleCommand(a *app) *cobra.Command {
	var o benchIdleOptions
	cmd := &cobra.Command{
		Use:   "idle",
		Short: "Measure what 'ebb run' takes while no schedule is due",
		Long: `Start 'ebb run' on a new database with sites whose schedules are months away, wait until it is up
and quiet, and measure what its own process takes of the processor and of memory, and what all
processes below it take: Chrome, which stays for a while after the start (pool.idle). A database
that --database names is taken instead of a new one; it should be empty, since it keeps the sites.

With --gate, exit code 3 says that its own process takes ` + fmt.Sprint(bench.MostIdleCPU) + ` % of a core or more, or ` + fmt.Sprint(bench.MostIdleMemory/memprof.MB) + ` MB
(PSS: its anonymous memory and its share of what is mapped) or more.`,
		Example: `  ebb bench idle
  ebb bench idle --count 500 --for 5m --json idle.json
  ebb bench idle --database postgres://ebb@localhost/empty
  ebb bench idle --gate`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.sites < 1:
				return atLeastOne("count", o.sites)
			case o.sites > mostIdleSites:
				return usageErrorf("--count: at most %d", mostIdleSites)
			case o.how < time.Second || o.how > 24*time.Hour:
				return usageErrorf("--for must be between 1s and 24h")
			}
			if err := checkOutput("--json", o.json); err != nil {
				return err
			}
			return a.stoppable(cmd.Context(), func(ctx context.Context, _ *stopper) error { return a.benchIdle(ctx, o) })
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.sites, "count", 50, "`number` of sites with a schedule")
	f.DurationVar(&o.how, "for", time.Minute, "how `long` it is measured")
	addBenchOutput(f, &o.json, &o.gate)
	return cmd
}

const mostIdleSites = 10_000

// idleSettle is how long a worker takes until its queue rests.
const idleSettle = 20 * time.Second

func (a *app) benchIdle(ctx context.Context, o benchIdleOptions) (err error) {
	_, exe, folder, err := a.benchPlace()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.remove()) }()
	files := filepath.Join(folder.path, "sites")
	if err := writeIdleSites(files, o.sites); err != nil {
		return err
	}
	command := a.inFolder(folder.path, "run", "--sites", files, "--log-format", "json", "--log-level", "info", "--set", "web.listen=")
	if a.flags.given["database"] {
		command.Args = append(command.Args, "--database", a.flags.database) // the last one counts
	}
	say, end := a.benchSays()
	idle, err := bench.RunIdle(ctx, bench.IdleOptions{
		Command: command, Up: sayRunning, Sites: o.sites, Say: say,
		Settle: idleSettle, For: o.how, TickFor: 10 * time.Second,
	})
	end()
	if err != nil {
		return benchStopped(ctx, err)
	}
	idle.Ebb, idle.Chrome, idle.Processors = versionName(), exe.Version, runtime.NumCPU()
	return a.showIdle(idle, o)
}

// writeIdleSites writes site files as people have them, each with a schedule half a year away. Nothing is
// asked of where they are.
func writeIdleSites(folder string, many int) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return fmt.Errorf("write site files: %w", err)
	}
	month := (int(time.Now().Month())+5)%12 + 1
	shop := demo.New(demo.Options{Schedule: fmt.Sprintf("30 3 15 %d *", month)})
	for i := range many {
		name := fmt.Sprintf("shop-%03d", i+1)
		text := shop.SiteFiles(fmt.Sprintf("http://%s.invalid", name))["shop.yaml"]
		text = bytes.Replace(text, []byte("name: shop\n"), []byte("name: "+name+"\n"), 1)
		if err := os.WriteFile(filepath.Join(folder, name+".yaml"), text, 0o600); err != nil {
			return fmt.Errorf("write site files: %w", err)
		}
	}
	return nil
}

// showIdle shows what an idle worker takes, and fails where it is to.
func (a *app) showIdle(i *bench.Idle, o benchIdleOptions) error {
	if err := writeIdle(a.benchTables(o.json), i); err != nil {
		return err
	}
	if err := a.endBench(o.json, i, true); err != nil {
		return err
	}
	if o.gate && !i.Pass {
		return &exitError{code: exitLeak}
	}
	return nil
}

// writeIdle writes what an idle worker takes, for people.
func writeIdle(out output.Terminal, i *bench.Idle) error {
	fmt.Fprintf(out, "%s, %s, Chrome %s, %s.\n\n", output.Counted(int64(i.Sites), "site", "sites"), output.Duration(time.Duration(i.Measured*float64(time.Second)).Round(time.Second)),
		output.CleanLine(i.Chrome), output.Counted(int64(i.Processors), "processor", "processors"))
	table := output.NewTable(output.Column{Title: "PROCESSES", Keep: true}, output.Column{Title: "CPU %", Right: true},
		output.Column{Title: "ANON MB", Right: true}, output.Column{Title: "PEAK MB", Right: true}, output.Column{Title: "PSS MB", Right: true})
	for _, row := range []struct {
		name  string
		usage bench.IdleUsage
	}{{"ebb run", i.Worker}, {"all below it", i.Rest}} {
		pss := benchMB(row.usage.PSS)
		if row.usage.PSS == 0 && row.usage.Anon > 0 {
			pss = "-" // they belong to another account
		}
		table.Add(row.name, fmt.Sprintf("%.2f", row.usage.CPU), benchMB(row.usage.Anon), benchMB(row.usage.AnonPeak), pss)
	}
	if err := table.Write(out); err != nil {
		return err
	}
	writeBusy(out, i.Others)
	if !i.Quiet {
		fmt.Fprintln(out, "\nIt did not become quiet before it was measured.")
	}
	memory := max(i.Worker.PSS, i.Worker.Anon)
	text := outline{out: out}
	text.line("")
	text.add(0, 0, "", fmt.Sprintf("An idle 'ebb run' takes %.2f %% of a core itself, %s the %g %% that it may take, and %s MB, %s the %g MB.",
		i.Worker.CPU, within(i.Worker.CPU < bench.MostIdleCPU), bench.MostIdleCPU, benchMB(memory), within(memory < bench.MostIdleMemory), bench.MostIdleMemory/memprof.MB))
	text.add(0, 0, "", fmt.Sprintf("A program that does nothing but wake %d times a second takes %.2f %% on this machine now.", bench.TickRate, i.Ticks))
	text.add(0, 0, "", "PSS is anonymous memory and a share of what is mapped, the program itself above all. 1 MB is 1,000,000 bytes.")
	return text.write()
}

// within says on which side of a bound a figure is.
func within(is bool) string {
	if is {
		return "within"
	}
	return "beyond"
}
