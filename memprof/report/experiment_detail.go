package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ebbworker/ebb/memprof"
)

// maxArms is how many sets one text lists.
const maxArms = 40

// unknown is a figure of which nothing is known.
var unknown = math.NaN()

// arms writes which sets of cleanups were run, and what each came to.
func (s *screen) arms(e memprof.Experiment) {
	if len(e.Arms) == 0 {
		s.labelled("arms", dash+" (none was run)")
		return
	}
	m := inColumn(e.Unit, ratesOf(e)...)
	m.bare = false
	rows := [][]string{{strings.TrimSpace("growth" + m.name + " (95 %)"), "", "blocks", "cycles", "with"}}
	for i, cell := range intervals(m, ratesOf(e)) {
		a := e.Arms[i]
		rows = append(rows, []string{cell, growsWord(a), fmt.Sprint(a.Blocks), fmt.Sprint(a.Cycles), armName(a.On, e.Plan)})
	}
	widths := make([]int, len(rows[0])-1)
	for _, row := range rows {
		for j := range widths {
			widths[j] = max(widths[j], utf8.RuneCountInString(row[j]))
		}
	}
	for len(widths) > 2 && s.width-armsMargin-sumOf(widths) < 20 {
		widths = widths[:len(widths)-1]
	}
	for i, row := range rows[:min(len(rows), maxArms+1)] {
		head := "arms"
		if i > 0 {
			head = ""
		}
		s.armRow(head, row, widths)
	}
	if n := len(rows) - 1 - maxArms; n > 0 {
		s.labelled("", "and "+count(n, "more set"))
	}
}

// armRow writes the figures of a set, and its name in as many lines as that takes.
func (s *screen) armRow(head string, row []string, widths []int) {
	label := fit(head, armsMargin)
	figures := ""
	for j, width := range widths {
		figures += fit(row[j], width) + "  "
	}
	used := armsMargin + utf8.RuneCountInString(figures)
	for i, line := range fold(row[len(row)-1], max(s.width-used, 12), 2) {
		if i > 0 {
			s.line("%s%s", strings.Repeat(" ", used), line)
			continue
		}
		if head != "" {
			figures, line = s.paint(faint, figures), s.paint(faint, line)
		}
		s.line("%s", s.paint(bold, label)+figures+line)
	}
}

// armsMargin is how far the table of arms is indented.
const armsMargin = len("arms  ")

// sumOf is the width of columns with two spaces after each.
func sumOf(widths []int) int {
	sum := 2 * len(widths)
	for _, w := range widths {
		sum += w
	}
	return sum
}

func ratesOf(e memprof.Experiment) []memprof.Estimate {
	var rates []memprof.Estimate
	for _, a := range e.Arms {
		rates = append(rates, a.Rate)
	}
	return rates
}

// growsWord says whether memory is flat with a set, or is shown to grow.
func growsWord(a memprof.ArmAnswer) string {
	switch {
	case a.Flat:
		return "flat"
	case !a.Rate.Known:
		return dash
	case a.Rate.Lo > 0:
		return "grows"
	}
	return "unclear"
}

// cleanup writes all that is known of one cleanup.
func (s *screen) cleanup(e memprof.Experiment, c memprof.CleanupAnswer) {
	s.line("")
	head := name(c.Name)
	if c.When != "" {
		head += " (" + plain(c.When) + ")"
	}
	verdict := effectWords(c.Verdict)
	if c.On.Metric != "" && c.On != e.Of {
		verdict += " on " + seriesName(c.On)
	}
	if text := phrase(c.Says); text != "" {
		verdict += ": " + text
	}
	if c.Verdict == memprof.CannotTell && !strings.Contains(c.Says, "more cycles") {
		verdict += "; " + needWords(c)
	}
	for i, line := range fold(head+" "+verdict, s.width, 2) {
		if rest, ok := strings.CutPrefix(line, head); ok && i == 0 {
			line = s.paint(bold, head) + rest
		}
		s.line("%s", line)
	}
	for _, text := range cleanupDetails(c) {
		for _, line := range fold(text, s.width-2, 2) {
			s.line("  %s", line)
		}
	}
}

// cleanupDetails are what a cleanup does beside its effect on memory, and what it reported.
func cleanupDetails(c memprof.CleanupAnswer) []string {
	var out []string
	add := func(name string, parts ...string) {
		if parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" }); len(parts) > 0 {
			out = append(out, name+": "+strings.Join(parts, ", "))
		}
	}
	add("lower", named("after cleaning up", memprof.Bytes, c.Level), named("at the peak", memprof.Bytes, c.Peak))
	add("longer", longerWords(c)...)
	add("more", named("fetched", memprof.Bytes, c.Fetched), named("pages failed", memprof.Count, c.Failed))
	add("did", didWords(c.Did)...)
	for _, note := range c.Notes {
		add("note", plain(note))
	}
	return out
}

// named is an effect with its name; "" where nothing is known of it.
func named(name string, unit memprof.Unit, e memprof.Effect) string {
	if !e.Known || !known(e.Value) {
		return ""
	}
	return name + " " + brief(unit, e.Estimate)
}

// longerWords say by how much longer a cycle takes, and which of its phases do.
func longerWords(c memprof.CleanupAnswer) []string {
	var parts []string
	if c.Cost.Known {
		parts = append(parts, "a cycle "+millis.text(c.Cost.Estimate))
	}
	for _, k := range phaseOrder(c.Phases) {
		if e := c.Phases[k]; e.Known {
			parts = append(parts, plain(string(k))+" "+millis.text(e.Estimate))
		}
	}
	if known(c.Itself) && c.Itself > 0 {
		parts = append(parts, "the cleanup itself takes "+number(c.Itself, digits(c.Itself, 0, 0))+" ms")
	}
	return parts
}

// phaseOrder are kinds of phases in the order of a cycle; unusual ones follow by name.
func phaseOrder[T any](phases map[memprof.Kind]T) []memprof.Kind {
	var order []memprof.Kind
	for k := range phases {
		order = append(order, k)
	}
	rank := func(k memprof.Kind) int {
		if i := slices.Index(kinds, k); i >= 0 {
			return i
		}
		return len(kinds)
	}
	slices.SortFunc(order, func(a, b memprof.Kind) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(string(a), string(b))
	})
	return order
}

// didWords say what a cleanup reported of itself.
func didWords(r memprof.CleanupReport) []string {
	if r.Times == 0 && r.Skipped == 0 && r.Errors == 0 {
		return nil
	}
	parts := []string{"done " + count(r.Times, "time")}
	if r.Times > 0 && r.Took > 0 {
		parts[0] += " in " + duration(r.Took/time.Duration(r.Times)) + " each"
	}
	if r.BytesTold > 0 {
		parts = append(parts, fmt.Sprintf("gave back %s in all (told %d of %s)", amount(memprof.Bytes, r.Bytes), r.BytesTold, count(r.Times, "time")))
	}
	if r.Count > 0 {
		parts = append(parts, "gave back "+number(float64(r.Count), 0)+" "+plain(r.Of))
	}
	if r.Times > 0 {
		parts = append(parts, fmt.Sprintf("verified %d of %d", r.Verified, r.Times)+reason(" (", r.Says, ")"))
	}
	if r.Skipped > 0 {
		parts = append(parts, "skipped "+count(r.Skipped, "time")+reason(": ", r.SkippedWhy, ""))
	}
	if r.Errors > 0 {
		parts = append(parts, "failed "+count(r.Errors, "time")+reason(": ", r.Error, ""))
	}
	return parts
}

// reason is a text between two others; "" where there is none.
func reason(before, text, after string) string {
	if text == "" {
		return ""
	}
	return before + name(text) + after
}
