package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ebbworker/ebb/memprof"
)

// maxMetrics is how many growing metrics one screen shows.
const maxMetrics = 8

// maxGroups is how many groups of one metric are named.
const maxGroups = 3

// Widths of the column of sparklines.
const (
	minSpark = 6
	maxSpark = 30
)

// metrics writes the metrics that grow as a table, and sums up the others by verdict.
func (s *screen) metrics(d memprof.Diagnosis) {
	growing := moving(d)
	label := "what"
	if len(growing) > 0 {
		label = ""
		s.table(growing[:min(len(growing), maxMetrics)])
	}
	if n := len(growing) - maxMetrics; n > 0 {
		s.line("  and %s", count(n, "more metric"))
	}
	for _, group := range []struct {
		title string
		names []string
	}{{"undecided", namesOf(d, memprof.Inconclusive)}, {"stable", namesOf(d, memprof.Stable)}} {
		if len(group.names) == 0 {
			continue
		}
		group.names[0] = group.title + ": " + group.names[0]
		s.list(label, group.names, ", ", 1)
		label = ""
	}
	if label != "" {
		s.labelled(label, dash+" (no metric was judged)")
	}
}

// namesOf lists the judged metrics with a verdict, primary ones first; the groups of a metric
// stand together.
func namesOf(d memprof.Diagnosis, v memprof.Verdict) []string {
	var primary, other []memprof.Series
	for _, m := range d.Metrics {
		switch {
		case m.Verdict != v || m.Role == memprof.Shown || m.Process == memprof.ControlGroup:
		case m.Role == memprof.Primary:
			primary = append(primary, m.Series())
		default:
			other = append(other, m.Series())
		}
	}
	groups := map[string][]string{}
	var metrics, names []string
	for _, s := range append(primary, other...) {
		if _, ok := groups[s.Metric]; !ok {
			metrics = append(metrics, s.Metric)
			groups[s.Metric] = nil
		}
		if s.Group != "" {
			groups[s.Metric] = append(groups[s.Metric], plain(s.Group))
		}
	}
	for _, metric := range metrics {
		name := nameOf(metric)
		switch n := len(groups[metric]); {
		case n > maxGroups:
			name += fmt.Sprintf(" of %d types", n)
		case n > 0:
			name += " of " + strings.Join(groups[metric], "+")
		}
		names = append(names, name)
	}
	return names
}

// table writes metrics in columns as wide as they need; those for which there is no room are
// left out, the last first.
func (s *screen) table(metrics []memprof.MetricVerdict) {
	rows := [][]string{{"", "process", "verdict", "shape", "per cycle (95 %)", "first -> last"}}
	for _, m := range metrics {
		rows = append(rows, []string{
			nameOf(m.Name), processOf(m.Series()), plain(string(m.Verdict)), plain(string(m.Shape)),
			brief(m.Unit, m.Rate), fromTo(m.Unit, m.First, m.Last),
		})
	}
	widths, room := s.columns(rows)
	spark := 0
	if room-2 >= minSpark {
		spark = min(room-2, maxSpark)
	}
	for i, row := range rows {
		line := "  "
		for j, width := range widths {
			cell := fit(row[j], width)
			if j == 2 && i > 0 {
				cell = s.paint(verdictColor(metrics[i-1].Verdict), cell)
			}
			line += cell + "  "
		}
		switch {
		case i == 0:
			if spark > 0 {
				line += "cycles"
			}
			s.line("%s", s.paint(bold, "what")+s.paint(faint, strings.TrimRight(line[len("what"):], " ")))
			continue
		case spark > 0:
			line += sparkline(metrics[i-1].Values, spark)
		}
		s.line("%s", line)
	}
}

// columns are the widths of the columns that fit, and what room is left. The
// first column gives way before one is left out.
func (s *screen) columns(rows [][]string) (widths []int, room int) {
	const least = 14
	room = s.width
	for j := range rows[0] {
		width := 0
		for _, row := range rows {
			width = max(width, utf8.RuneCountInString(row[j]))
		}
		if over := width + 2 - room; over > 0 && j > 0 {
			if widths[0]-over < min(least, widths[0]) {
				return widths, max(room-2, 0)
			}
			widths[0] -= over
			room += over
		}
		widths = append(widths, width)
		room -= width + 2
	}
	return widths, max(room-2, 0)
}
