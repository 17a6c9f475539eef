package report

import (
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// changeRow is one figure of two recordings, in words.
type changeRow struct {
	name, before, after, change string
	verdict                     memprof.ChangeVerdict
	// of is the change in the unit of its scale: shares of the margin, or percents.
	of memprof.Estimate
}

// changeGroup are figures of one kind.
type changeGroup struct {
	title string
	rows  []changeRow
	left  []changeRow // not shown
}

// maxChanges is how many rows of a group one screen shows, maxNamed how many of the others are named.
const (
	maxChanges = 8
	maxNamed   = 4
)

// changeGroups are all figures of a comparison.
func changeGroups(c memprof.Comparison) []changeGroup {
	rates := changeGroup{title: "growth a cycle"}
	for _, r := range c.Rates {
		rates.rows = append(rates.rows, rateRow(r))
	}
	groups := []changeGroup{rates}
	for _, g := range []struct {
		title string
		list  []memprof.Change
	}{{"memory at the end of a cycle", c.Levels}, {"time of a cycle", c.Durations}, {"work of a cycle", c.Work}} {
		group := changeGroup{title: g.title}
		for _, x := range g.list {
			group.rows = append(group.rows, levelRow(x))
		}
		groups = append(groups, group)
	}
	return groups
}

// rateRow writes how the growth of a metric differs.
func rateRow(r memprof.RateChange) changeRow {
	m := measureOf(r.Unit, r.Before.Rate, r.After.Rate, r.Difference)
	m.most = 3
	row := changeRow{
		name: changedName(r.Metric), before: m.figure(r.Before.Rate), after: m.figure(r.After.Rate), change: m.text(r.Difference), verdict: r.Verdict,
	}
	if r.Difference.Known && r.Margin > 0 {
		d := r.Difference
		row.of = memprof.Estimate{Value: d.Value / r.Margin, Lo: d.Lo / r.Margin, Hi: d.Hi / r.Margin, Known: true}
	}
	return row
}

// levelRow writes how another figure differs, in percent where there are any.
func levelRow(x memprof.Change) changeRow {
	m := measureOf(x.Unit, x.Before, x.After)
	if x.Unit == memprof.Seconds && max(x.Before.Value, x.After.Value) < 1 {
		m = measure{divisor: .001, name: " ms", most: 1}
	}
	m.bare, m.most = true, min(m.most, 3)
	row := changeRow{name: levelName(x), before: m.figure(x.Before), after: m.figure(x.After), verdict: x.Verdict, of: x.Percent}
	if !x.Percent.Known {
		m.bare = false
		row.change = m.text(x.Difference)
		return row
	}
	percents := measureOf(memprof.Percent, x.Percent)
	percents.most = 1
	row.change = percents.text(x.Percent)
	return row
}

// changedName names a series in a row: of memory, whose it is.
func changedName(s memprof.Series) string {
	if s.Metric != "process.anon" {
		return seriesName(s)
	}
	if s.Group == memprof.Chrome {
		return "Chrome's memory"
	}
	return plain(s.Group) + "'s memory"
}

// levelName is the name of a level, a duration or work.
func levelName(x memprof.Change) string {
	if x.Metric.Metric == "" || strings.HasSuffix(x.Name, " peak") {
		return plain(x.Name)
	}
	return changedName(x.Metric)
}

// figure is an estimate with its unit, without its interval.
func (m measure) figure(e memprof.Estimate) string {
	text := m.value(e)
	if text == dash {
		return dash
	}
	return text + m.name
}

// changeColor is the colour of a change: less of what a comparison counts is better.
func changeColor(v memprof.ChangeVerdict) string {
	switch v {
	case memprof.Reduced:
		return green
	case memprof.Increased:
		return red
	case memprof.Undecided:
		return yellow
	}
	return ""
}

// changes writes what differs as a table: what is not unchanged, and what one looks at first.
func (s *screen) changes(c memprof.Comparison) {
	groups := shownGroups(c)
	columns := []column{{head: ""}, {head: "before", right: true}, {head: "after", right: true}, {head: "change (95 %)"}, {head: verdictHead}}
	for _, g := range groups {
		for _, row := range g.rows {
			for i, cell := range []string{"  " + row.name, row.before, row.after, row.change, string(row.verdict)} {
				columns[i].cells = append(columns[i].cells, cell)
			}
		}
	}
	if len(columns[0].cells) == 0 {
		s.labelled("changes", dash+" (no figure is in both)")
		return
	}
	for i := range columns {
		columns[i].measured()
	}
	columns, gap := s.fitting(columns)
	s.line("%s", s.paint(faint, strings.TrimRight(s.row(columns, gap, "", func(c column) string { return c.head }), " ")))
	columns = columns[:len(columns)-1] // the verdict ends the line
	at := 0
	for _, g := range groups {
		if len(g.rows)+len(g.left) == 0 {
			continue
		}
		s.line("%s", s.paint(bold, g.title))
		for _, row := range g.rows {
			figures := s.row(columns, gap, "", func(c column) string { return c.cells[at] })
			s.line("%s", figures+strings.Repeat(" ", gap)+s.paint(changeColor(row.verdict), string(row.verdict)))
			at++
		}
		if len(g.left) > 0 {
			for _, line := range fold("  "+leftWords(g), s.width, 2) {
				s.line("  %s", line)
			}
		}
	}
	s.line("")
}

// shownGroups are the groups with the rows that one screen shows; the others are left.
func shownGroups(c memprof.Comparison) []changeGroup {
	groups := changeGroups(c)
	for i := range groups {
		g := &groups[i]
		rows := g.rows
		g.rows = nil
		for j, row := range rows {
			first := i == 0 && c.Rates[j].Headline || i == 1 || row.name == memprof.WorkingCycle || row.name == string(memprof.Scrape)
			if row.verdict == memprof.Unchanged && !first || len(g.rows) == maxChanges {
				g.left = append(g.left, row)
				continue
			}
			g.rows = append(g.rows, row)
		}
	}
	return groups
}

// leftWords says what is not shown of a group.
func leftWords(g changeGroup) string {
	changed := 0
	var names []string
	for _, row := range g.left {
		names = append(names, row.name)
		if row.verdict != memprof.Unchanged {
			changed++
		}
	}
	if len(names) > maxNamed {
		names = []string{number(float64(len(names)), 0) + " more"}
	}
	if changed > 0 {
		return joined(names) + ", of which " + number(float64(changed), 0) + " changed or cannot be told"
	}
	return joined(names) + ": unchanged"
}
