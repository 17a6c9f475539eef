package report

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ebbworker/ebb/memprof"
)

// column is one of the table of answers.
type column struct {
	head  string
	right bool
	// keep is when it is left out where there is no room, or nothing but zeros in it: the lowest
	// first, 0 never.
	keep  int
	cells []string
	// brief are the cells without their intervals, under the head "ms", which take the place of the cells
	// before the column is left out.
	brief []string
	width int
}

// measured sets the width of a column to that of its longest cell.
func (c *column) measured() {
	c.width = 0
	for _, cell := range append(c.cells, c.head) {
		c.width = max(c.width, utf8.RuneCountInString(cell))
	}
}

// Columns of the table of answers that have their own look.
const (
	verdictHead = "verdict"
	costHead    = "cost ms (95 %)"
)

// longestCleanup is how many columns the name of a cleanup takes at most, shortestCleanup how many
// it keeps where there is no room.
const (
	longestCleanup  = 24
	shortestCleanup = 10
)

// answerColumns are all columns of the table of answers.
func answerColumns(e memprof.Experiment) []column {
	var names, when, verdicts, ratios []string
	var saved, memory, cost, level, peak, fetched, failed []memprof.Estimate
	for _, c := range e.Answers {
		names, when, verdicts = append(names, plain(c.Name)), append(when, plain(c.When)), append(verdicts, answerWords(e, c))
		saved, memory, cost = append(saved, c.Saved.Estimate), append(memory, inBytes(c.MBSaved)), append(cost, c.Cost.Estimate)
		level, peak = append(level, c.Level.Estimate), append(peak, c.Peak.Estimate)
		fetched, failed = append(fetched, c.Fetched.Estimate), append(failed, c.Failed.Estimate)
		ratios = append(ratios, perSecond(c.SavedPerMs))
	}
	plus := func(m measure) measure { m.bare = false; return m }
	whole := inColumn(memprof.Bytes) // MB, however small
	savedIn := inColumn(e.Unit, saved...)
	columns := []column{
		{head: "cleanup", cells: names},
		{head: "when", keep: 5, cells: when},
		{head: verdictHead, cells: verdicts},
		{head: strings.TrimSpace(savedName(e) + savedIn.name + " (95 %)"), cells: intervals(savedIn, saved)},
		{head: costHead, keep: 7, cells: intervals(millis, cost), brief: figuresOf(millis, cost)},
		{head: "MB/s", right: true, keep: 6, cells: ratios},
		{head: "level", right: true, keep: 2, cells: figuresOf(whole, level)},
		{head: "peak", right: true, keep: 1, cells: figuresOf(whole, peak)},
		{head: "fetch", right: true, keep: 3, cells: figuresOf(plus(whole), fetched)},
		{head: "fail", right: true, keep: 4, cells: figuresOf(measure{divisor: 1, most: 2}, failed)},
	}
	if e.Of != chromeMemory {
		columns = append(columns[:4:4], append([]column{{head: "saved MB (95 %)", keep: 5, cells: intervals(whole, memory)}}, columns[4:]...)...)
	}
	for i := range columns {
		columns[i].measured()
	}
	columns[0].width = min(columns[0].width, longestCleanup)
	return columns
}

// chromeMemory is the anonymous memory of all of Chrome.
var chromeMemory = memprof.Series{Metric: "process.anon", Group: memprof.Chrome}

// savedName heads what is saved of the metric that grows.
func savedName(e memprof.Experiment) string {
	if e.Of == chromeMemory || e.Of.Metric == "" {
		return "saved"
	}
	return nameOf(e.Of.Metric) + " saved"
}

// columnWords explain the columns of the table of answers.
func columnWords(e memprof.Experiment) string {
	of := "memory"
	if e.Of.Metric != "" {
		of = seriesName(e.Of)
	}
	return "All figures are a cycle's. saved: by how much smaller the growth of " + of + " is; cost, ms: by how much longer a cycle takes; MB/s: memory saved for each second of " +
		"cost; level, peak: by how many MB memory is lower after cleaning up, at its highest; fetch, fail: MB and pages that are fetched, and fail, in addition."
}

// inBytes is an estimate in MB in bytes.
func inBytes(e memprof.Estimate) memprof.Estimate {
	return memprof.Estimate{Value: e.Value * memprof.MB, Lo: e.Lo * memprof.MB, Hi: e.Hi * memprof.MB, Known: e.Known}
}

// perSecond writes MB per millisecond as MB per second, with two significant digits.
func perSecond(v float64) string {
	if v *= 1000; !known(v) {
		return dash
	}
	return number(v, digits(0, math.Abs(v), 6))
}

// intervals write estimates with their intervals, the values one below the other.
func intervals(m measure, list []memprof.Estimate) []string {
	values, bounds, width := make([]string, len(list)), make([]string, len(list)), 0
	for i, e := range list {
		values[i] = m.value(e)
		if values[i] != dash {
			_, bounds[i] = m.parts(e)
		}
		width = max(width, utf8.RuneCountInString(values[i]))
	}
	for i := range values {
		values[i] = strings.Repeat(" ", width-utf8.RuneCountInString(values[i])) + values[i]
		if bounds[i] != "" {
			values[i] += " (" + bounds[i] + ")"
		}
	}
	return values
}

// figuresOf write estimates without their intervals.
func figuresOf(m measure, list []memprof.Estimate) []string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = m.value(e)
	}
	return out
}

// compared writes the table of answers.
func (s *screen) compared(e memprof.Experiment) {
	if len(e.Answers) == 0 {
		s.labelled("cleanups", dash+" (none was compared)")
		return
	}
	columns, gap := s.fitting(answerColumns(e))
	head := s.row(columns, gap, "", func(c column) string { return c.head })
	s.line("%s", s.paint(faint, strings.TrimRight(head, " ")))
	for i, c := range e.Answers {
		cell := func(column column) string { return column.cells[i] }
		if c.Verdict != memprof.CannotTell {
			s.line("%s", s.row(columns, gap, effectColor(c.Verdict), cell))
			continue
		}
		last := 1 + slices.IndexFunc(columns, func(c column) bool { return c.head == costHead })
		if room := s.width - widthOf(columns[:last], gap) - gap; last > 0 && room >= len(needWords(c)) {
			s.line("%s", s.row(columns[:last], gap, yellow, cell)+strings.Repeat(" ", gap)+needWords(c))
			continue
		}
		s.line("%s", s.row(columns, gap, yellow, cell))
		s.line("    %s", needWords(c))
	}
	s.line("")
}

// row writes one cell of each column, the verdict in a colour.
func (s *screen) row(columns []column, gap int, color string, cell func(column) string) string {
	var cells []string
	for _, c := range columns {
		text := fit(cell(c), c.width)
		if c.right {
			trimmed := strings.TrimRight(text, " ")
			text = strings.Repeat(" ", c.width-utf8.RuneCountInString(trimmed)) + trimmed
		}
		if c.head == verdictHead {
			text = s.paint(color, text)
		}
		cells = append(cells, text)
	}
	return strings.Join(cells, strings.Repeat(" ", gap))
}

// fitting are the columns that say something and fit, and how many spaces stand between them.
func (s *screen) fitting(columns []column) (fitted []column, gap int) {
	for _, c := range columns {
		if c.keep == 0 || strings.ContainsAny(strings.Join(c.cells, ""), "123456789") || c.head == "when" {
			fitted = append(fitted, c)
		}
	}
	for {
		for _, gap := range []int{2, 1} {
			if widthOf(fitted, gap) <= s.width {
				return fitted, gap
			}
		}
		least := 0
		for i, c := range fitted {
			if c.keep > 0 && (least == 0 || c.keep < fitted[least].keep) {
				least = i
			}
		}
		over := widthOf(fitted, 1) - s.width
		if least == 0 || fitted[least].keep >= 7 && fitted[0].width-over >= shortestCleanup {
			fitted[0].width = max(fitted[0].width-over, shortestCleanup)
			return fitted, 1
		}
		if c := &fitted[least]; c.brief != nil {
			c.head, c.right, c.cells, c.brief = "ms", true, c.brief, nil
			c.measured()
			continue
		}
		fitted = append(fitted[:least:least], fitted[least+1:]...)
	}
}

// widthOf is that of a table.
func widthOf(columns []column, gap int) int {
	width := (len(columns) - 1) * gap
	for _, c := range columns {
		width += c.width
	}
	return width
}
