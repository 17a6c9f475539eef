package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
)

// readSoak reads the recording of a soak. Its error is memprof.ErrNoSoak for a recording of something else.
func readSoak(path string) (*memprof.SoakTally, error) {
	recording, err := os.Open(path)
	if err != nil {
		return nil, withCode(exitUsage, fmt.Errorf("read a recording: %w", err))
	}
	defer recording.Close()
	tally, err := memprof.ReadSoak(recording)
	if err != nil && !errors.Is(err, memprof.ErrNoSoak) {
		err = withCode(exitUsage, fmt.Errorf("%s: %w", path, err))
	}
	return tally, err
}

// soakProgress tells where a soak stands.
type soakProgress struct {
	board *board
	plan  memprof.SoakPlan
	began time.Time
	items memprof.SoakItems
}

func newSoakProgress(b *board, plan memprof.SoakPlan) *soakProgress {
	return &soakProgress{board: b, plan: plan, began: time.Now()}
}

func (p *soakProgress) begin() {
	p.board.say(fmt.Sprintf("%s, which are %.4g days of the schedule %q", output.Counted(int64(p.plan.Cycles), "cycle", "cycles"),
		float64(p.plan.Cycles)/p.plan.CyclesPerDay, p.plan.Schedule), true)
}

// cycle tells of a cycle that has ended.
func (p *soakProgress) cycle(c memprof.SoakCycle) {
	p.items.Add(c.Items)
	anon, _ := c.Totals.At(memprof.Series{Metric: "process.anon", Group: memprof.Chrome})
	heap, _ := c.Totals.At(memprof.Series{Metric: "go.heap_live"})
	says := fmt.Sprintf("cycle %d/%d, Chrome %.1f MB, live heap of the worker %.2f MB", c.Cycle, p.plan.Cycles, anon/memprof.MB, heap/memprof.MB)
	if !p.items.Right() {
		says += ", ITEMS WRONG"
	}
	if left := time.Since(p.began) / time.Duration(c.Cycle) * time.Duration(p.plan.Cycles-c.Cycle); left > time.Second {
		says += ", " + output.Duration(left.Round(time.Second)) + " left"
	}
	p.board.say(says, c.Cycle%20 == 0)
}

// writeSoak writes what a soak came to, on one screen.
func writeSoak(out output.Terminal, s memprof.Soak) error {
	fmt.Fprintf(out, "%s: %s, %.4g days of the schedule %q (%.4g cycles a day), in %s.\n", soakTitles[s.Verdict],
		output.Counted(int64(s.Cycles), "cycle", "cycles"), s.Days, output.CleanLine(s.Plan.Schedule), s.Plan.CyclesPerDay, output.Duration(s.Took.Round(time.Second)))
	fmt.Fprintf(out, "%s over %s, of which %s had to fail; %s.\n", output.Counted(int64(s.Runs), "run", "runs"),
		output.Counted(int64(s.Pages), "page", "pages"), output.Count(int64(s.Failed)), soakItems(s.Items))
	if s.Plan.Planted > 0 {
		fmt.Fprintf(out, "Planted: the worker keeps %s of each run.\n", output.Counted(int64(s.Plan.Planted), "byte", "bytes"))
	}
	fmt.Fprintln(out)
	table := output.NewTable(output.Column{Title: "METRIC", Keep: true}, output.Column{Title: "FIRST", Right: true}, output.Column{Title: "LAST", Right: true},
		output.Column{Title: "HIGHEST", Right: true}, output.Column{Title: "PER DAY", Right: true}, output.Column{Title: "95 %", Keep: true},
		output.Column{Title: "LIMIT", Right: true}, output.Column{Title: "VERDICT", Keep: true})
	for _, m := range s.Metrics {
		table.Add(soakRow(m)...)
	}
	if err := table.Write(out); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if l := s.Lives; l.Judged > 0 {
		fmt.Fprintf(out, "%s, of about %s each. After the first cycle of one it held %s,\nafter cycle %d %s, and %s at most (medians of %d).\n",
			output.Counted(int64(l.Count), "Chrome in turn", "Chromes in turn"), output.Counted(int64(l.Cycles), "cycle", "cycles"),
			soakFigure(l.First, memprof.Bytes), l.Of, soakFigure(l.Last, memprof.Bytes), soakFigure(l.Highest, memprof.Bytes), l.Judged)
	}
	if len(s.Notes) > 0 {
		var notes []string
		for _, name := range slices.Sorted(maps.Keys(s.Notes)) {
			notes = append(notes, fmt.Sprintf("%s %d", output.CleanLine(name), s.Notes[name]))
		}
		fmt.Fprintf(out, "Noted: %s.\n", strings.Join(notes, ", "))
	}
	if s.MoreCycles > 0 {
		fmt.Fprintf(out, "About %s more would tell what is inconclusive.\n", output.Counted(int64(s.MoreCycles), "cycle", "cycles"))
	}
	_, err := fmt.Fprintln(out, "MB are 1,000,000 bytes. Rates are per day of the schedule. Levels are medians of some cycles.")
	return err
}

// soakTitles begin the outcome.
var soakTitles = map[memprof.SoakVerdict]string{
	memprof.SoakFlat: "FLAT", memprof.SoakGrows: "GROWS", memprof.SoakItemsWrong: "ITEMS WRONG", memprof.SoakUndecided: "INCONCLUSIVE",
}

func soakItems(i memprof.SoakItems) string {
	says := fmt.Sprintf("%s of %s stored, %d lost, %d doubled, %d wrong", output.Count(int64(i.Stored)),
		output.Counted(int64(i.Expected), "item", "items"), i.Lost, i.Doubled, i.Wrong)
	if i.Runs > 0 {
		says += fmt.Sprintf("; %s not end as expected", output.Counted(int64(i.Runs), "run did", "runs did"))
	}
	return says
}

// soakRow is a metric's row. What is compared by lives of Chrome says so.
func soakRow(m memprof.SoakMetric) []string {
	name := m.Name
	if m.By == "lives" {
		name += " (by life)"
	}
	rate, interval, limit := "-", "-", ""
	if m.Rate.Known {
		rate = soakFigure(m.Rate.Value, m.Unit)
		interval = fmt.Sprintf("[%s, %s]", soakNumber(m.Rate.Lo, m.Unit), soakNumber(m.Rate.Hi, m.Unit))
	}
	if m.Limit > 0 {
		limit = soakFigure(m.Limit, m.Unit)
	}
	return []string{name, soakFigure(m.First, m.Unit), soakFigure(m.Last, m.Unit), soakFigure(m.Highest, m.Unit), rate, interval, limit, string(m.Verdict)}
}

// soakFigure is a value with its unit.
func soakFigure(v float64, unit memprof.Unit) string {
	if unit == memprof.Bytes {
		return soakNumber(v, unit) + " MB"
	}
	return soakNumber(v, unit)
}

func soakNumber(v float64, unit memprof.Unit) string {
	text := fmt.Sprintf("%.2f", v)
	if unit == memprof.Bytes {
		text = fmt.Sprintf("%.2f", v/memprof.MB)
	}
	if strings.Trim(text, "-0.") == "" { // no -0.00
		return "0"
	}
	return strings.TrimSuffix(text, ".00")
}

// writeSoakJSON writes the figures for programs.
func writeSoakJSON(w io.Writer, s memprof.Soak) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(s)
}
