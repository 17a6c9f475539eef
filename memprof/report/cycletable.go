package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ebbworker/ebb/memprof"
)

// Widths of the columns of a CycleTable; the last takes what is left.
const (
	labelWidth  = 22
	figureWidth = 8
	duringWidth = 12 // the least that is worth showing
)

// row is one line of a CycleTable.
type row struct {
	label  string
	series memprof.Series
	// always shows the row even if it was not measured.
	always bool
}

// processOrder is the order in which process types are listed; others follow by name.
var processOrder = []string{"browser", "renderer", "gpu-process", "network", "storage", "utility", "zygote"}

// CycleTable writes where memory stood in a cycle: before it, at its peak, after scraping, after
// cleanup and at its end, by process type. Bytes are in MiB (2^20). width is the width of the
// screen in columns; the table takes between 80 and 100, and 100 if width is not positive. What
// was not measured is a dash, explained below the table.
func CycleTable(w io.Writer, s memprof.Summary, width int) error {
	p := newPage(width)
	p.wrap(headline(s))
	p.line("")
	dashes := section(p, s, "memory, MiB", memoryRows(s))
	p.line("")
	dashes = section(p, s, "counts", countRows(s)) || dashes
	if dashes || hasPSS(s) || len(causesOf([]memprof.Summary{s})) > 0 {
		p.line("")
		footnotes(p, []memprof.Summary{s}, dashes)
	}
	for _, warning := range s.Warnings {
		p.wrap("Warning: " + clean(warning) + ".")
	}
	return p.writeTo(w)
}

func headline(s memprof.Summary) string {
	parts := []string{fmt.Sprintf("Cycle %d", s.Cycle)}
	if s.Name != "" {
		parts[0] += " (" + clean(s.Name) + ")"
	}
	if len(s.Sites) > 0 && (len(s.Sites) != 1 || s.Sites[0] != s.Name) {
		parts = append(parts, "sites "+clean(strings.Join(s.Sites, " ")))
	}
	parts = append(parts, duration(s.Duration), count(s.Ticks, "tick"))
	if s.LateTicks > 0 {
		parts = append(parts, fmt.Sprintf("%d of them late", s.LateTicks))
	}
	return strings.Join(append(parts, s.Level.String()+" level"), ", ")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// section writes a heading and its rows, and tells whether there was a dash among them.
func section(p *page, s memprof.Summary, title string, rows []row) (dashes bool) {
	head := fit(title, labelWidth)
	for _, column := range []string{"before", "peak", "scraped", "cleaned", "end", "change"} {
		head += fmt.Sprintf("%*s", figureWidth, column)
	}
	room := p.width - utf8.RuneCountInString(head) - 2
	if room >= duringWidth {
		head += "  peak during"
	}
	p.line("%s", head)
	for _, r := range rows {
		cells := cellsOf(s, r.series)
		if !r.always && !slices.ContainsFunc(cells, func(c string) bool { return c != dash }) {
			continue
		}
		line := fit(clean(r.label), labelWidth)
		for _, cell := range cells {
			line += fmt.Sprintf("%*s", figureWidth, cell)
		}
		if room >= duringWidth {
			line += "  " + fit(during(s, r.series), room)
		}
		p.line("%s", line)
		dashes = dashes || slices.Contains(cells, dash)
	}
	return dashes
}

// during names the phases at the peak, if the series rose above where it began.
func during(s memprof.Summary, series memprof.Series) string {
	peak, ok := s.Peaks[series]
	if before, known := s.Before.At(series); !ok || (known && peak.Value <= before) {
		return ""
	}
	return clean(strings.Join(peak.Phases, " + "))
}

func cellsOf(s memprof.Summary, series memprof.Series) []string {
	peak, delta := dash, dash
	if highest, ok := s.Peaks[series]; ok {
		peak = figure(unitOf(series), highest.Value)
	} else if value, ok := s.After.At(series); ok && value == 0 {
		peak = figure(unitOf(series), 0)
	}
	if value, ok := s.Change(series); ok {
		delta = change(unitOf(series), value)
	}
	return []string{at(&s.Before, series), peak, at(s.AfterScrape, series), at(s.AfterCleanup, series), at(&s.After, series), delta}
}

func memoryRows(s memprof.Summary) []row {
	rows := []row{{"Chrome, anonymous", memprof.Series{Metric: "process.anon", Group: memprof.Chrome}, true}}
	for _, kind := range processTypes(s) {
		rows = append(rows, row{"  " + kind, memprof.Series{Metric: "process.anon", Group: kind}, false})
	}
	return append(rows,
		row{"Chrome, swapped out", whenUsed(s, memprof.Series{Metric: "process.swap", Group: memprof.Chrome}), false},
		row{"Chrome, PSS (1)", memprof.Series{Metric: "process.pss", Group: memprof.Chrome}, false},
		row{"JavaScript heap", memprof.Series{Metric: "heap.used"}, true},
		row{"  DOM (embedder heap)", memprof.Series{Metric: "heap.embedder"}, false},
		row{"  backing stores", memprof.Series{Metric: "heap.backing"}, false},
		row{"worker, anonymous", memprof.Series{Metric: "process.anon", Group: memprof.Worker}, true},
		row{"  Go heap, live", memprof.Series{Metric: "go.heap_live"}, true},
		row{"cgroup, in use", memprof.Series{Metric: "cgroup.current"}, false},
		row{"cgroup, limit", memprof.Series{Metric: "cgroup.limit"}, false},
		row{"profile folder", memprof.Series{Metric: "profile.bytes"}, false},
	)
}

func countRows(s memprof.Summary) []row {
	rows := []row{{"pages", memprof.Series{Metric: "target.count", Group: "page"}, true}}
	for _, kind := range groups(s, "target.count") {
		if kind != "page" {
			rows = append(rows, row{"  " + kind, memprof.Series{Metric: "target.count", Group: kind}, false})
		}
	}
	return append(rows,
		row{"browser contexts", memprof.Series{Metric: "context.count"}, true},
		row{"DOM nodes", memprof.Series{Metric: "perf.Nodes"}, true},
		row{"event listeners", memprof.Series{Metric: "perf.JSEventListeners"}, true},
		row{"Chrome processes", memprof.Series{Metric: "process.count", Group: memprof.Chrome}, true},
		row{"goroutines", memprof.Series{Metric: "go.goroutines"}, true},
		row{"killed at the limit", whenUsed(s, memprof.Series{Metric: "cgroup.oom_kills"}), false},
	)
}

// whenUsed returns the series, or none if it was 0 throughout.
func whenUsed(s memprof.Summary, series memprof.Series) memprof.Series {
	before, _ := s.Before.At(series)
	after, _ := s.After.At(series)
	if before == 0 && after == 0 && s.Peaks[series].Value == 0 {
		return memprof.Series{}
	}
	return series
}

// processTypes lists the types of Chrome's processes that were seen, the usual ones first.
func processTypes(s memprof.Summary) []string {
	types := groups(s, "process.anon")
	rank := func(kind string) int {
		if i := slices.Index(processOrder, kind); i >= 0 {
			return i
		}
		return len(processOrder)
	}
	types = slices.DeleteFunc(types, func(kind string) bool { return kind == memprof.Chrome || kind == memprof.Worker })
	slices.SortStableFunc(types, func(a, b string) int { return rank(a) - rank(b) })
	return types
}

// groups lists the groups of a metric that had a peak, by name.
func groups(s memprof.Summary, metric string) []string {
	var found []string
	for series := range s.Peaks {
		if series.Metric == metric {
			found = append(found, series.Group)
		}
	}
	slices.Sort(found)
	return found
}
