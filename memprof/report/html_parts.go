package report

import (
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

// htmlCourses are the plots.
type htmlCourses struct {
	Trace   template.HTML
	Legend  []htmlKey
	Kinds   []htmlKey
	Trend   *htmlTrend
	Small   []htmlTrend
	Planted []htmlTrend
	Spikes  []htmlSpike
}

// htmlKey is an entry of a legend.
type htmlKey struct{ Class, Label string }

// htmlTrend is a plot of a metric by cycle.
type htmlTrend struct {
	Title, Unit, Rate, Verdict string
	Plot                       template.HTML
}

// htmlSpike is a spike with its plot.
type htmlSpike struct {
	Text     string
	Plot     template.HTML
	Warnings []string
}

func courses(d memprof.Diagnosis, t memprof.Trace) htmlCourses {
	w := wholeTrace(t)
	c := htmlCourses{Trace: tracePlot(d, t, w, "tall"), Kinds: kindKeys(t)}
	for _, i := range w.series {
		c.Legend = append(c.Legend, htmlKey{fmt.Sprintf("s%d", i%10), traceName(t.Series[i])})
	}
	if m, ok := metricIn(d, d.Rate.Metric); ok {
		c.Trend = trendOf(d, m, "medium")
	}
	for _, m := range moving(d) {
		if m.Role == memprof.Primary && m.Series() != d.Rate.Metric {
			c.Small = appendTrend(c.Small, trendOf(d, m, "small"))
		}
	}
	if d.Control != nil {
		for _, item := range d.Control.Checks {
			c.Planted = appendTrend(c.Planted, trendOf(d, memprof.MetricVerdict{
				Name: strings.TrimSuffix(item.Metric, "/"+memprof.ControlGroup), Unit: item.Unit, Verdict: item.Verdict, Rate: item.Rate, Values: item.Values,
			}, "small"))
		}
	}
	for _, s := range d.Spikes {
		c.Spikes = append(c.Spikes, htmlSpike{capital(spikeSentence(s)) + ".", spikePlot(d, t, s), plainAll(s.Warnings)})
	}
	return c
}

func appendTrend(list []htmlTrend, one *htmlTrend) []htmlTrend {
	if one == nil {
		return list
	}
	return append(list, *one)
}

func trendOf(d memprof.Diagnosis, m memprof.MetricVerdict, size string) *htmlTrend {
	drawing := trendPlot(d, m, size)
	if drawing == "" {
		return nil
	}
	return &htmlTrend{
		Title: seriesName(m.Series()), Unit: unitName(m.Unit, trendAxis(m)),
		Rate: brief(m.Unit, m.Rate) + " a cycle", Verdict: plain(string(m.Verdict)), Plot: drawing,
	}
}

// kindKeys are the kinds of phases that a trace has.
func kindKeys(t memprof.Trace) []htmlKey {
	var keys []htmlKey
	for _, k := range kinds {
		if slices.ContainsFunc(t.Phases, func(p memprof.TracePhase) bool { return p.Kind == k }) {
			keys = append(keys, htmlKey{kindClass(k), string(k)})
		}
	}
	return keys
}

// spikePlot is the trace of the cycle of a spike.
func spikePlot(d memprof.Diagnosis, t memprof.Trace, s memprof.Peaked) template.HTML {
	column := slices.Index(t.Series, s.Metric)
	i := slices.IndexFunc(d.Cycles, func(c memprof.CycleRow) bool { return c.Cycle == s.Cycle })
	if column < 0 || i < 0 {
		return ""
	}
	from := d.Cycles[i].Start.Sub(t.Start)
	return tracePlot(d, t, window{
		from: from, to: from + d.Cycles[i].Took, zero: from, series: []int{column}, levels: []float64{s.Baseline, s.Peak},
	}, "medium")
}

// htmlCause is the cause with all its evidence.
type htmlCause struct {
	Findings []htmlFinding
	None     string
	Heap     *htmlHeap
	// Allocators are rows of process, name and rate.
	Allocators [][3]string
	Gone       []string
}

type htmlFinding struct {
	Text, Where string
	Evidence    []string
}

type htmlHeap struct {
	Of                        string
	Classes, Paths, Functions [][]string
	Files, Remarks            []string
}

func causeParts(d memprof.Diagnosis) htmlCause {
	var c htmlCause
	for _, f := range d.Causes {
		var where []string
		for _, part := range [][2]string{{"site", f.Site}, {"origin", f.Origin}, {"process", f.Process}} {
			if part[1] != "" {
				where = append(where, part[0]+" "+name(part[1]))
			}
		}
		evidence := plainAll(f.Evidence)
		f.Evidence = nil
		c.Findings = append(c.Findings, htmlFinding{findingSentence(f, 0), strings.Join(where, ", "), evidence})
	}
	if len(d.Causes) == 0 {
		c.None = capital(causeAnswer(d).texts[0])
	}
	for _, a := range d.Allocators {
		c.Allocators = append(c.Allocators, [3]string{plain(a.Process), plain(a.Name), gain(a.Rate)})
	}
	for _, g := range d.Gone {
		c.Gone = append(c.Gone, goneWords(g))
	}
	if d.Heap != nil {
		c.Heap = heapParts(*d.Heap)
	}
	return c
}

func heapParts(h memprof.HeapEvidence) *htmlHeap {
	out := &htmlHeap{Files: plainAll(h.Files)}
	var of []string
	if h.Site != "" {
		of = append(of, "site "+name(h.Site))
	}
	if h.URL != "" {
		of = append(of, name(h.URL))
	}
	out.Of = strings.Join(append(of, count(h.Cycles, "cycle")+" between the snapshots"), ", ")
	for _, c := range h.Classes {
		out.Classes = append(out.Classes, []string{name(c.Name), signed(float64(c.Count), 0), gain(float64(c.Bytes)), plain(c.Artefact)})
	}
	for _, p := range h.Paths {
		out.Paths = append(out.Paths, []string{name(p.Path), number(float64(p.Count), 0), amount(memprof.Bytes, float64(p.Bytes)), percent(p.Share)})
	}
	for _, f := range h.Functions {
		out.Functions = append(out.Functions, []string{name(f.Name), name(f.Where), amount(memprof.Bytes, float64(f.Bytes))})
	}
	if h.Detached > 0 {
		out.Remarks = append(out.Remarks, number(float64(h.Detached), 0)+" detached DOM nodes")
	}
	if h.Strings > 0 {
		out.Remarks = append(out.Remarks, amount(memprof.Bytes, float64(h.Strings))+" in duplicate strings")
	}
	if h.Skipped != "" {
		out.Remarks = append(out.Remarks, capital(plain(h.Skipped)))
	}
	return out
}

// usedReasons say why a cycle was left out.
var usedReasons = map[string]string{
	"warm-up": "warm-up: the first cycles fill caches and compile code, so no slope is taken from them",
	"spike":   "a spike: it departs from the cycles before and after it",
	"pending": "it stands out, and no cycle after it tells a spike from a step",
	"gap":     "a gap: memory could not be read at its end",
}

// leftOut says what was left out and why.
func leftOut(d memprof.Diagnosis) []string {
	by := map[string][]string{}
	for _, c := range d.Cycles {
		if c.Used != "used" && c.Used != "" {
			by[c.Used] = append(by[c.Used], fmt.Sprint(c.Cycle))
		}
	}
	var out []string
	for _, used := range slices.Sorted(maps.Keys(by)) {
		reason, ok := usedReasons[used]
		if !ok {
			reason = plain(used)
		}
		noun := "Cycle "
		if len(by[used]) > 1 {
			noun = "Cycles "
		}
		out = append(out, noun+joined(by[used])+": "+reason)
	}
	for _, m := range d.Metrics {
		if len(m.SpikesAt) > 0 {
			text := strings.TrimPrefix(shapeDetail(memprof.MetricVerdict{SpikesAt: m.SpikesAt}), "; ")
			out = append(out, capital(seriesName(m.Series()))+": "+text)
		}
		if m.Artefact != "" {
			out = append(out, capital(seriesName(m.Series()))+", a known artefact, told and not left out: "+plain(m.Artefact))
		}
	}
	return out
}

// costs are the readings by source: name, how often, in all, at most.
func costs(d memprof.Diagnosis) [][]string {
	var out [][]string
	for _, source := range slices.Sorted(maps.Keys(d.Instrument.Costs)) {
		c := d.Instrument.Costs[source]
		out = append(out, []string{plain(source), number(float64(c.Count), 0), duration(c.Total), duration(c.Max)})
	}
	return out
}

// manifest is what one must know to compare the diagnosis with another.
func manifest(d memprof.Diagnosis) [][2]string {
	rows := setup{d.Ebb, d.Go, d.Browser, d.Flags, d.Host, d.Started, d.Duration, d.Sites}.rows()
	rows = append(rows,
		[2]string{"Cycles", fmt.Sprintf("%d, judged %d, extended %s", len(d.Cycles), d.Judged, count(d.Extensions, "time"))},
		[2]string{"Format", memprof.DiagnosisSchema})
	if len(d.Fingerprint.Of) > 0 {
		rows = append(rows, [2]string{"Fingerprint of", plain(strings.Join(d.Fingerprint.Of, ", "))})
	}
	for _, note := range d.Instrument.Notes {
		rows = append(rows, [2]string{"Instrument", plain(note)})
	}
	return rows
}

// setup is what was measured, with what and where.
type setup struct {
	ebb, golang, browser string
	flags                []string
	host                 memprof.HostInfo
	started              time.Time
	took                 time.Duration
	sites                []string
}

// rows are its parts with their names.
func (s setup) rows() [][2]string {
	started, memory, limit, cpus := dash, dash, "none", dash
	if !s.started.IsZero() {
		started = s.started.UTC().Format(time.DateTime) + " UTC"
	}
	if s.host.Memory > 0 {
		memory = amount(memprof.Bytes, float64(s.host.Memory))
	}
	if s.host.CgroupLimit > 0 {
		limit = amount(memprof.Bytes, float64(s.host.CgroupLimit))
	}
	if s.host.CPUs > 0 {
		cpus = fmt.Sprint(s.host.CPUs)
	}
	return [][2]string{
		{"Ebb", orDash(s.ebb)},
		{"Go", orDash(s.golang)},
		{"Browser", orDash(s.browser)},
		{"Browser's flags", orDash(strings.Join(s.flags, " "))},
		{"Kernel", orDash(s.host.Kernel)},
		{"CPUs", cpus},
		{"Memory", memory},
		{"Cgroup", orDash(s.host.Cgroup) + ", memory limit " + limit},
		{"Started", started},
		{"Took", duration(s.took)},
		{"Sites", orDash(strings.Join(s.sites, ", "))},
	}
}

// orDash is plain of a text that may be missing.
func orDash(text string) string {
	if text == "" {
		return dash
	}
	return plain(text)
}
