package report

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/ebbworker/ebb/memprof"
)

// htmlTexts are the templates: html.tmpl is what pages share.
//
//go:embed html*.tmpl
var htmlTexts embed.FS

// htmlStyle is the style that pages share.
//
//go:embed html.css
var htmlStyle string

var htmlTemplates = sync.OnceValue(func() *template.Template { return template.Must(template.ParseFS(htmlTexts, "*.tmpl")) })

// htmlHead is what the head of a page needs.
type htmlHead struct {
	Title string
	Style template.CSS
}

// writePage renders a page by its template. what names it in errors.
func writePage(w io.Writer, what string, page any) error {
	var out bytes.Buffer
	if err := htmlTemplates().ExecuteTemplate(&out, "html_"+what+".tmpl", page); err != nil {
		return fmt.Errorf("render the %s: %w", what, err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the %s: %w", what, err)
	}
	return nil
}

// DiagnosisHTML writes a diagnosis as one HTML file with plots, which loads nothing and runs no
// script. t is the recording's trace; without points the plots over time are left out. The same
// diagnosis and trace give the same bytes.
func DiagnosisHTML(w io.Writer, d memprof.Diagnosis, t memprof.Trace) error {
	t.Points = slices.SortedStableFunc(slices.Values(t.Points), func(a, b memprof.TracePoint) int { return cmp.Compare(a.At, b.At) })
	return writePage(w, "diagnosis", newHTMLPage(complete(d), t))
}

// htmlPage is what the template shows.
type htmlPage struct {
	htmlHead
	Verdict string
	Lead    []string
	Basis   string
	Figures []htmlFigure
	Answers []htmlAnswer
	Growing []htmlMetric
	Stable  []htmlMetric
	Shown   []htmlMetric
	Courses htmlCourses
	Cycles  htmlCycles
	Cause   htmlCause
	Left    []string
	Rest    []htmlAnswer
	Costs   [][]string

	Warnings, NotMeasured, Advice []string
	Manifest                      [][2]string
}

// htmlFigure is one number in large.
type htmlFigure struct{ Label, Value, Note string }

// htmlAnswer is a question with its answer.
type htmlAnswer struct {
	Label string
	Texts []string
}

// questions are the answers' labels in full.
var questions = map[string]string{
	"killed": "What the kernel killed", "rate": "How fast", "what": "What grows", "when": "When", "where": "Where", "shape": "In which shape",
	"cleanup": "Does cleaning up help", "recreate": "Does recreating help", "control": "Planted control",
	"smallest": "Smallest visible leak", "instrument": "The instrument's cost", "fingerprint": "Fingerprint",
	"alarm": "Alarms of the worker",
}

func newHTMLPage(d memprof.Diagnosis, t memprof.Trace) htmlPage {
	p := htmlPage{
		htmlHead: htmlHead{verdictLine(d), template.CSS(htmlStyle)}, Verdict: string(d.Verdict), Basis: basis(d),
		Lead: reasons(d), Figures: figures(d), Courses: courses(d, t), Cycles: cycleRows(d), Cause: causeParts(d),
		Left: leftOut(d), Warnings: plainAll(d.Warnings), NotMeasured: plainAll(d.NotMeasured), Advice: plainAll(d.Advice),
		Manifest: manifest(d), Costs: costs(d),
	}
	if text := headlineWords(d); text != "" {
		p.Lead = append(p.Lead, text)
	}
	p.Growing, p.Stable, p.Shown = metricRows(d)
	list := append([]answer{killedAnswer(d), rateAnswer(d), {"what", whatWords(d)}}, answers(d)...)
	for _, a := range list {
		if len(a.texts) == 0 {
			continue
		}
		p.Answers = append(p.Answers, htmlAnswer{questions[a.label], a.texts})
	}
	for _, a := range []answer{alarmAnswer(d), fingerprintAnswer(d), {"control", controlWords(d)}, visibleAnswer(d), instrumentAnswer(d)} {
		if len(a.texts) > 0 {
			p.Rest = append(p.Rest, htmlAnswer{questions[a.label], a.texts})
		}
	}
	return p
}

// controlWords say of each planted metric whether it was measured right.
func controlWords(d memprof.Diagnosis) []string {
	if d.Control == nil || len(d.Control.Checks) == 0 {
		return controlAnswer(d).texts
	}
	var out []string
	for _, c := range d.Control.Checks {
		out = append(out, checkWords(c))
	}
	if d.Control.Reason != "" {
		out = append(out, plain(d.Control.Reason))
	}
	return out
}

// whatWords names the metrics that grow, in one sentence each for those that do and do not.
func whatWords(d memprof.Diagnosis) []string {
	var out []string
	var names []string
	for _, m := range moving(d) {
		names = append(names, seriesName(m.Series()))
	}
	if len(names) > 0 {
		out = append(out, joined(names)+" (table below)")
	}
	for _, v := range []memprof.Verdict{memprof.Inconclusive, memprof.Stable} {
		if names := namesOf(d, v); len(names) > 0 {
			title := map[memprof.Verdict]string{memprof.Inconclusive: "undecided: ", memprof.Stable: "stable: "}[v]
			out = append(out, title+joined(names))
		}
	}
	if len(out) == 0 {
		return []string{dash + " (no metric was judged)"}
	}
	return out
}

// figures are the numbers that one looks for first.
func figures(d memprof.Diagnosis) []htmlFigure {
	r := d.Rate
	perCycle := htmlFigure{"per cycle", dash, "too few cycles were judged"}
	perDay := htmlFigure{"per day", dash, "how many cycles a day has is not known"}
	limit := htmlFigure{"to the memory limit", dash, "none, or nothing grows towards it"}
	if rateKnown(d) {
		perCycle.Value, perCycle.Note = inParts(memprof.Bytes, memprof.Estimate{Value: r.MBPerCycle * memprof.MB, Lo: r.Lo * memprof.MB, Hi: r.Hi * memprof.MB, Known: true})
		if m, ok := metricIn(d, r.Metric); ok && r.Unit != memprof.Bytes {
			perCycle.Label = nameOf(r.Metric.Metric) + " per cycle"
			perCycle.Value, perCycle.Note = inParts(r.Unit, m.Rate)
		}
	}
	if known(r.MBPerDay) {
		perDay.Value, perDay.Note = inParts(memprof.Bytes, memprof.Estimate{Value: r.MBPerDay * memprof.MB, Lo: r.LoPerDay * memprof.MB, Hi: r.HiPerDay * memprof.MB, Known: true})
	}
	if r.Hours != nil {
		limit.Value, limit.Note = hours(*r.Hours), amount(memprof.Bytes, r.Limit)+" "+plain(r.LimitIs)
		if r.HoursLo != nil && r.HoursHi != nil {
			limit.Note = hours(*r.HoursLo) + " to " + hours(*r.HoursHi) + "; " + limit.Note
		}
	}
	smallest := htmlFigure{"smallest visible leak", dash, "too few cycles to say"}
	if known(d.SmallestVisible) {
		smallest.Value, smallest.Note = amount(memprof.Bytes, d.SmallestVisible*memprof.MB), "per cycle, found with 90 % power"
	}
	list := []htmlFigure{perCycle, perDay, limit, smallest}
	if d.MoreCycles > 0 {
		list = append(list, htmlFigure{"more cycles needed", number(float64(d.MoreCycles), 0), "for a verdict"})
	}
	return list
}

// inParts is an estimate with its interval apart.
func inParts(unit memprof.Unit, e memprof.Estimate) (value, note string) {
	text := estimate(unit, e, 0)
	value, bounds, ok := strings.Cut(text, " (")
	if !ok {
		return text, "no interval"
	}
	bounds = strings.TrimSuffix(bounds, ")")
	if bounds == "exactly" {
		return value, "in every cycle"
	}
	return value, bounds + " (95 %)"
}
