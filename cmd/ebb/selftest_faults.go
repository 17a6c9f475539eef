package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/ebbworker/ebb/cmd/ebb/faults"
	"github.com/ebbworker/ebb/cmd/ebb/output"
)

// faultCycles is how often Chrome is launched and killed where that is the fault.
const faultCycles = 100

// selftestFaults brings faults about, and prints what was seen of each.
func (a *app) selftestFaults(ctx context.Context, o selftestOptions, names []string) (err error) {
	list, err := chosenFaults(names)
	if err != nil {
		return err
	}
	if err := checkOutput("--json", o.json); err != nil {
		return err
	}
	if o.list {
		return a.listFaults(list)
	}
	settings, err := a.config()
	if err != nil {
		return err
	}
	exe, err := a.findBrowser(settings)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	folder, err := newTemporary("ebb-selftest-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.remove()) }()
	if err := os.Chmod(folder.path, 0o711); err != nil { // Chrome runs as another user than root
		return err
	}
	ctx, cancel := a.interruptible(ctx)
	defer cancel()
	began := time.Now()
	progress := output.NewProgress(a.err(), output.ProgressOptions{})
	results, err := faults.Run(ctx, list, faults.Options{
		Launch: launchOptions(settings, exe), Program: self, Arguments: a.sameSettings(exe.Path), Folder: folder.path,
		Cycles: faultCycles, Jobs: max(1, runtime.NumCPU()/2),
		On: func(r faults.Result) {
			fmt.Fprintln(progress, output.CleanLine(strings.TrimSuffix(fmt.Sprintf("%s: %s: %s", r.Fault, r.State, r.Why), ": ")))
		},
	})
	progress.Close()
	if err != nil {
		return errors.New("stopped before all faults were tried")
	}
	return a.showFaults(o, results, time.Since(began))
}

// sameSettings are the arguments by which another process has this one's settings, and a Chrome; "" is the
// one that it finds.
func (a *app) sameSettings(chrome string) []string {
	var args []string
	if chrome != "" {
		args = append(args, "--browser", chrome)
	}
	if a.configPath != "" {
		args = append(args, "--config", a.configPath)
	}
	for _, set := range a.sets {
		args = append(args, "--set", set)
	}
	return args
}

// chosenFaults are the faults that are named, or else all. Its error has exit code 2.
func chosenFaults(names []string) ([]faults.Fault, error) {
	var all []string
	for _, f := range faults.All() {
		all = append(all, f.Name)
	}
	list, err := faults.Find(names...)
	if err == nil {
		return list, nil
	}
	hint := "`ebb selftest --faults --list` shows all"
	for _, name := range names {
		if near := nearest(name, all); near != "" && near != name {
			hint = "did you mean " + near + "? " + hint
		}
	}
	return nil, usageErrorf("%v; %s", err, hint)
}

func (a *app) listFaults(list []faults.Fault) error {
	table := output.NewTable(output.Column{Title: "FAULT", Keep: true}, output.Column{Title: "WHAT IS DONE", Max: 200}, output.Column{Title: "WHAT MUST HOLD", Max: 200})
	for _, f := range list {
		table.Add(f.Name, f.Does, f.Holds)
	}
	return table.Write(a.out())
}

// showFaults prints what was seen. The exit code is 3 where something does not hold.
func (a *app) showFaults(o selftestOptions, results []faults.Result, took time.Duration) error {
	out := a.out()
	if o.json == "-" {
		out = a.err()
	}
	counts, err := writeFaults(out, results)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d of %d hold, %d do not, %d are not possible here; %s\n", counts[faults.OK], len(results), counts[faults.Failed], counts[faults.Impossible], output.Duration(took))
	err = a.writeTo(o.json, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Schema string          `json:"schema"`
			Faults []faults.Result `json:"faults"`
		}{"ebb.faults/1", results})
	})
	if err == nil && counts[faults.Failed] > 0 {
		return &exitError{code: exitLeak}
	}
	return err
}

func writeFaults(out output.Terminal, results []faults.Result) (map[faults.State]int, error) {
	counts := map[faults.State]int{}
	table := output.NewTable(output.Column{Title: "FAULT", Keep: true}, output.Column{Title: "", Keep: true}, output.Column{Title: "KNOWN", Right: true}, output.Column{Title: "DONE", Right: true},
		output.Column{Title: "ITEMS", Right: true}, output.Column{Title: "WHAT MUST HOLD", Max: 200})
	for _, r := range results {
		counts[r.State]++
		state, items := string(r.State), ""
		if r.State == faults.Impossible {
			state = "-"
		}
		if r.Wanted > 0 {
			items = fmt.Sprintf("%d/%d", r.Items, r.Wanted)
		}
		table.Add(r.Fault, state, taken(r.KnownMS), taken(r.RecoveredMS), items, r.Holds)
	}
	if err := table.Write(out); err != nil {
		return counts, err
	}
	why := &outline{out: out}
	for _, r := range results {
		if r.State != faults.OK {
			why.line("")
			why.add(0, 0, "", r.Fault+": "+string(r.State)+": "+r.Why)
		}
	}
	return counts, why.write()
}

// taken is a time in a cell; "" for none.
func taken(ms float64) string {
	if ms == 0 {
		return ""
	}
	return output.Duration(time.Duration(ms * float64(time.Millisecond)))
}

// launchAndKill launches Chrome many times in this process, which has pid 1, and prints what is left as JSON.
func (a *app) launchAndKill(ctx context.Context, cycles int) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	exe, err := a.findBrowser(settings)
	if err != nil {
		return err
	}
	seen, err := faults.LaunchAndKill(ctx, launchOptions(settings, exe), cycles)
	if err != nil {
		return err
	}
	return json.NewEncoder(a.stdout).Encode(seen)
}
