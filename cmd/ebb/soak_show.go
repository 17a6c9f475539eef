package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
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
	p.board.say(fmt.Sprintf("%s: %s of the schedule %q", output.Counted(int64(p.plan.Cycles), "cycle", "cycles"),
		soakDays(float64(p.plan.Cycles)/p.plan.CyclesPerDay), p.plan.Schedule), true)
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
	fmt.Fprintf(out, "%s: %s, %s of the schedule %q (%.4g cycles a day), in %s.\n", soakTitles[s.Verdict],
		output.Counted(int64(s.Cycles), "cycle", "cycles"), soakDays(s.Days), output.CleanLine(s.Plan.Schedule), s.Plan.CyclesPerDay, output.Duration(s.Took.Round(time.Second)))
	fmt.Fprintf(out, "%s, of which %s failed, over %s.\n%s.\n", output.Counted(int64(s.Runs), "run", "runs"),
		output.Count(int64(s.Failed)), output.Counted(int64(s.Pages), "page", "pages"), soakItems(s.Items))
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
	if text := soakLives(s); text != "" {
		fmt.Fprintln(out, text)
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
	_, err := fmt.Fprintln(out, "Rates are per day of the schedule. 1 MB is 1,000,000 bytes. Levels are medians of some cycles.")
	return err
}

func soakDays(days float64) string {
	if days == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%.4g days", days)
}

// soakTitles begin the outcome.
var soakTitles = map[memprof.SoakVerdict]string{
	memprof.SoakFlat: "FLAT", memprof.SoakGrows: "GROWS", memprof.SoakItemsWrong: "ITEMS WRONG", memprof.SoakUndecided: "INCONCLUSIVE",
}

// soakLives tells of the Chromes that followed one another.
func soakLives(s memprof.Soak) string {
	l := s.Lives
	if l.Count < 2 || l.Judged == 0 {
		return ""
	}
	text := fmt.Sprintf("%d Chromes in turn, each for about %s: %s MB after the first of them, %s MB after %d.", l.Count,
		output.Counted(int64(l.Cycles), "cycle", "cycles"), soakMB(l.First), soakMB(l.Last), l.Of)
	if slices.ContainsFunc(s.Metrics, func(m memprof.SoakMetric) bool { return m.By == "lives" }) {
		text += fmt.Sprintf("\nChrome's anonymous memory is compared between %d of them, at equal age.", l.Judged)
	}
	return text
}

func soakItems(i memprof.SoakItems) string {
	says := fmt.Sprintf("%s of %s stored: %d lost, %d doubled, %d wrong", output.Count(int64(i.Stored)),
		output.Counted(int64(i.Expected), "item", "items"), i.Lost, i.Doubled, i.Wrong)
	if i.Runs > 0 {
		says += fmt.Sprintf("; %s not end as expected", output.Counted(int64(i.Runs), "run did", "runs did"))
	}
	return says
}

// soakRow is a metric's row. Bytes are in MB.
func soakRow(m memprof.SoakMetric) []string {
	name, figure := m.Name, soakNumber
	if m.Unit == memprof.Bytes {
		name, figure = name+", MB", soakMB
	}
	rate, interval, limit := "-", "-", ""
	if m.Rate.Known {
		rate, interval = figure(m.Rate.Value), fmt.Sprintf("[%s, %s]", figure(m.Rate.Lo), figure(m.Rate.Hi))
	}
	if m.Limit > 0 {
		limit = strings.TrimSuffix(figure(m.Limit), ".00")
	}
	first, last, highest := "-", "-", "-"
	if m.Read {
		first, last, highest = figure(m.First), figure(m.Last), figure(m.Highest)
	}
	return []string{name, first, last, highest, rate, interval, limit, string(m.Verdict)}
}

func soakMB(bytes float64) string { return soakNumber(bytes / memprof.MB) }

// soakNumber has two decimals, fewer where it is large.
func soakNumber(v float64) string {
	decimals := 2
	for limit := 100.; decimals > 0 && math.Abs(v) >= limit; limit *= 10 {
		decimals--
	}
	text := fmt.Sprintf("%.*f", decimals, v)
	if strings.Trim(text, "-0.") == "" { // no -0.00
		return "0"
	}
	return text
}

// writeSoakJSON writes the figures for programs.
func writeSoakJSON(w io.Writer, s memprof.Soak) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(s)
}
