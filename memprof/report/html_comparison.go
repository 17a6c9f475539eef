package report

import (
	_ "embed"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

// comparisonStyle is what the page of a comparison has beside htmlStyle.
//
//go:embed html_comparison.css
var comparisonStyle string

// ComparisonHTML writes a comparison as one HTML file with plots, which loads nothing and runs no
// script. The same comparison gives the same bytes.
func ComparisonHTML(w io.Writer, c memprof.Comparison) error {
	return writePage(w, "comparison", newComparisonPage(c))
}

// comparisonPage is what the template shows.
type comparisonPage struct {
	htmlHead
	// Class is that of the outcome's colour.
	Class         string
	Before, After string
	Figures       []htmlFigure
	Advice        []string
	Checks        []htmlCheck
	Course        *htmlCourse
	Small         []htmlCourse
	Groups        []htmlChanges
	Unlike        [][3]string
	Warnings      []string
	Runs          [][3]string
}

// htmlCheck is one line of the checklist.
type htmlCheck struct {
	Class, State, Title, Says string
	Figures                   []string
}

// htmlCourse is a metric of both recordings in one plot.
type htmlCourse struct {
	Title, Unit, Rates string
	Plot               template.HTML
}

// htmlChanges is a table of changes, each drawn on one scale.
type htmlChanges struct {
	Title, Of string
	Scale     template.HTML
	Rows      []htmlChange
	Left      []htmlChange // unchanged
}

// htmlChange is one row of it.
type htmlChange struct {
	Name, Before, After, Change, Verdict, Class string
	Strip                                       template.HTML
}

func newComparisonPage(c memprof.Comparison) comparisonPage {
	p := comparisonPage{
		htmlHead: htmlHead{plain(c.Headline), template.CSS(htmlStyle + comparisonStyle)}, Class: stateClass(outcomeState(c)),
		Before: runWords(c.Before), After: runWords(c.After), Figures: comparisonFigures(c), Advice: capitals(plainAll(c.Advice)),
		Warnings: capitals(plainAll(c.Warnings)), Runs: runRows(c),
	}
	for _, check := range c.Checks {
		p.Checks = append(p.Checks, checkParts(check))
	}
	for i, x := range chosenCourses(c) {
		course := courseOf(x, map[bool]string{true: "medium", false: "small"}[i == 0])
		switch {
		case course == nil:
		case p.Course == nil:
			p.Course = course
		default:
			p.Small = append(p.Small, *course)
		}
	}
	for i, g := range changeGroups(c) {
		if len(g.rows) > 0 {
			p.Groups = append(p.Groups, changesOf(g, i == 0))
		}
	}
	for _, u := range c.Unlike {
		p.Unlike = append(p.Unlike, [3]string{capital(plain(u.What)), plain(u.Before), plain(u.After)})
	}
	return p
}

// stateClass is the class of a state's colour: that of the verdict it is like.
func stateClass(state memprof.CheckState) string {
	switch state {
	case memprof.CheckPass:
		return "v-stable"
	case memprof.CheckFail:
		return "v-leak"
	}
	return "v-inconclusive"
}

func capitals(texts []string) []string {
	for i, text := range texts {
		texts[i] = capital(text)
	}
	return texts
}

func checkParts(check memprof.Check) htmlCheck {
	out := htmlCheck{Class: stateClass(check.State), State: plain(string(check.State)), Title: capital(plain(check.Title)), Says: capital(plain(check.Says))}
	for _, f := range check.Figures {
		m := measureOf(f.Unit, f.Value)
		m.most = 3
		text := m.text(f.Value)
		if f.Value.Known && f.Value.Lo == f.Value.Hi {
			m.bare = true
			text = m.figure(f.Value)
		}
		out.Figures = append(out.Figures, plain(f.Name)+" "+text)
	}
	return out
}

// comparisonFigures are the numbers that one looks for first.
func comparisonFigures(c memprof.Comparison) []htmlFigure {
	var list []htmlFigure
	for _, s := range []memprof.Series{c.Before.Rate.Metric, c.After.Rate.Metric} {
		i := slices.IndexFunc(c.Rates, func(r memprof.RateChange) bool { return r.Metric == s })
		if i < 0 || len(list) == 1 && s == c.Before.Rate.Metric {
			continue
		}
		row := rateRow(c.Rates[i])
		list = append(list, htmlFigure{"growth of " + row.name, row.after, "a cycle, was " + row.before})
	}
	for _, x := range append(slices.Clone(c.Levels), c.Durations...) {
		row := levelRow(x)
		if strings.HasSuffix(x.Name, " peak") || x.Name == memprof.WorkingCycle {
			list = append(list, htmlFigure{row.name, row.after, "was " + row.before + "; " + row.change})
		}
	}
	return list
}

// maxCourses is how many metrics are drawn.
const maxCourses = 7

// chosenCourses are the metrics to draw: Chrome's memory, then what changed or is looked at first.
func chosenCourses(c memprof.Comparison) []memprof.RateChange {
	var first, rest []memprof.RateChange
	for _, r := range c.Rates {
		switch {
		case r.Metric == memprof.Series{Metric: "process.anon", Group: memprof.Chrome}:
			first = append(first, r)
		case r.Headline || r.Verdict != memprof.Unchanged:
			rest = append(rest, r)
		}
	}
	all := append(first, rest...)
	return all[:min(len(all), maxCourses)]
}

// changesOf draws a group. Rates are told in shares of what matters, the others in percent.
func changesOf(g changeGroup, rates bool) htmlChanges {
	scale := percentScale(g.rows)
	out := htmlChanges{Title: capital(g.title), Of: "Change in percent; the band is 5 % to either side."}
	if rates {
		scale = marginScale(g.rows)
		out.Of = "Change in multiples of what matters for each metric (the band), on a scale that is linear in the middle and logarithmic outside."
	}
	out.Scale = scale.marks()
	for _, row := range g.rows {
		one := htmlChange{
			Name: row.name, Before: row.before, After: row.after, Change: row.change, Verdict: string(row.verdict), Class: changeClass(row.verdict),
			Strip: scale.strip(row),
		}
		if row.verdict == memprof.Unchanged && rates {
			out.Left = append(out.Left, one)
			continue
		}
		out.Rows = append(out.Rows, one)
	}
	return out
}

// changeClass is the class of a change's colour.
func changeClass(v memprof.ChangeVerdict) string {
	switch v {
	case memprof.Reduced:
		return "v-stable"
	case memprof.Increased:
		return "v-leak"
	case memprof.Undecided:
		return "v-inconclusive"
	}
	return "v-none"
}

// runRows are what one must know of the two recordings.
func runRows(c memprof.Comparison) [][3]string {
	var rows [][3]string
	add := func(label string, of func(memprof.ComparedRun) string) {
		rows = append(rows, [3]string{label, orDash(of(c.Before)), orDash(of(c.After))})
	}
	add("Verdict", func(r memprof.ComparedRun) string { return r.Headline })
	add("Recording", func(r memprof.ComparedRun) string {
		return map[bool]string{true: "of ebb run", false: "of ebb diagnose"}[r.Regular]
	})
	add("Sites", func(r memprof.ComparedRun) string { return strings.Join(r.Sites, ", ") })
	add("Judged cycles", func(r memprof.ComparedRun) string { return number(float64(r.Judged), 0) })
	add("Growth a day", func(r memprof.ComparedRun) string {
		if r.Rate.CyclesPerDay <= 0 {
			return ""
		}
		return inMB(r.Rate.MBPerDay, r.Rate.LoPerDay, r.Rate.HiPerDay) + because(r.Rate.Basis)
	})
	add("Highest memory", func(r memprof.ComparedRun) string { return sized(memprof.Bytes, r.Peak) })
	add("Fingerprint", func(r memprof.ComparedRun) string { return r.Fingerprint })
	add("Planted control", func(r memprof.ComparedRun) string { return r.Control })
	add("Profiling", func(r memprof.ComparedRun) string { return r.Profiling })
	add("Measuring took", func(r memprof.ComparedRun) string {
		return duration(r.Measuring) + " a cycle, " + percent(r.MeasuringShare) + "; " + count(r.Collections, "forced collection")
	})
	add("Browser", func(r memprof.ComparedRun) string { return r.Browser })
	add("Ebb", func(r memprof.ComparedRun) string { return r.Ebb })
	add("Processors", func(r memprof.ComparedRun) string { return sized(memprof.Count, float64(r.Host.CPUs)) })
	add("Memory of the machine", func(r memprof.ComparedRun) string { return sized(memprof.Bytes, float64(r.Host.Memory)) })
	add("Started", func(r memprof.ComparedRun) string {
		if r.Started.IsZero() {
			return ""
		}
		return r.Started.UTC().Format(time.DateTime) + " UTC"
	})
	return append(rows, [3]string{"Format", memprof.ComparisonSchema, ""})
}

// sized is amount; 0 is not known.
func sized(unit memprof.Unit, v float64) string {
	if v == 0 {
		return dash
	}
	return amount(unit, v)
}
