package memprof

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// tracedSeries are those of a Trace, and of the values of a CycleRow.
var tracedSeries = []Series{
	anonChrome,
	{"process.anon", "browser"},
	{"process.anon", "renderer"},
	{"process.anon", "gpu-process"},
	{"process.anon", "network"},
	{"process.anon", Worker},
	{"heap.used", ""},
	{"heap.backing", ""},
	{"target.count", "page"},
}

// cycles tells each judged cycle.
func (g *diagnosing) cycles() {
	headline := g.by[g.d.Of]
	for i, c := range g.t.cycles {
		row := CycleRow{Cycle: i + 1, Start: c.Start, Took: c.Duration, Values: map[Series]float64{}, Used: "used", External: external(c)}
		for _, s := range append(slices.Clone(tracedSeries), g.d.Of) {
			if value, ok := c.After.At(s); ok && s.Metric != "" {
				row.Values[s] = value
			}
		}
		if change, ok := c.Change(g.d.Of); ok {
			row.Change = change
			row.Phases = map[string]float64{}
			for _, delta := range c.Deltas {
				if value := delta.Values[g.d.Of]; value != 0 {
					row.Phases[kindsOf(delta.Phases)] += value
				}
			}
		}
		if top, ok := c.Peaks[anonChrome]; ok {
			row.Peak, row.PeakPhases = top.Value, top.Phases
		}
		if headline != nil {
			row.Used = headline.use(i)
		}
		g.runsOf(i+1, &row)
		g.d.Cycles = append(g.d.Cycles, row)
	}
}

// use says how the judge used a cycle.
func (m *judged) use(i int) string {
	switch {
	case i < len(m.values) && m.values[i] != m.values[i]: // NaN
		return "gap"
	case i < m.j.Warmup:
		return "warm-up"
	case slices.Contains(m.j.Spikes, i):
		return "spike"
	case m.j.Pending && i == m.j.PendingAt:
		return "pending"
	}
	return "used"
}

func (g *diagnosing) runsOf(cycle int, row *CycleRow) {
	for _, r := range g.t.runs {
		if r.Cycle != cycle {
			continue
		}
		row.Pages += r.Pages
		if r.Error != "" {
			row.Faults = append(row.Faults, r.Site+": "+r.Error)
		}
	}
}

// external reads what else happened on the host from a cycle's last reading, the changes over the
// cycle of what only rises.
func external(c Summary) External {
	at := func(metric string) *float64 {
		if v, ok := c.After.At(Series{Metric: metric}); ok {
			return &v
		}
		return nil
	}
	e := External{
		Load: at("host.load"), MemoryStall: at("host.pressure_some"), CPUStall: at("host.cpu_pressure_some"),
		Chromes: at("host.chromes"), SwapUsed: at("host.swap_used"),
	}
	if v, ok := c.Change(Series{Metric: "host.swap_in"}); ok {
		e.SwappedIn = &v
	}
	return e
}

// perCollection is what one forced collection and the DevTools sessions leave in Chrome, in bytes,
// by measurement on a blank page: each further collection adds about this much to a renderer.
const perCollection = 0.02 * mib

// collectionCost names forced collections among the costs.
const collectionCost = "forced collection"

// instrument adds up what measuring cost.
func (g *diagnosing) instrument() {
	in := Instrument{Costs: map[string]Cost{}, Notes: []string{}}
	var cycles time.Duration
	for _, c := range g.t.cycles {
		cycles += c.Duration
		for source, cost := range c.Costs {
			sum := in.Costs[source]
			sum.Count += cost.Count
			sum.Total += cost.Total
			sum.Max = max(sum.Max, cost.Max)
			in.Costs[source] = sum
		}
	}
	var collecting time.Duration
	for _, c := range g.t.collects {
		if !g.judgedAt(c.at) {
			continue
		}
		took := c.report.Took
		collecting += took
		sum := in.Costs[collectionCost]
		sum.Count++
		sum.Total += took
		sum.Max = max(sum.Max, took)
		in.Costs[collectionCost] = sum
	}
	collections := in.Costs[collectionCost].Count
	n := len(g.t.cycles)
	if n == 0 {
		g.d.Instrument = in
		return
	}
	slowest := time.Duration(0) // sources are read at the same time
	for source, cost := range in.Costs {
		if source != collectionCost {
			slowest = max(slowest, cost.Total)
		}
	}
	in.PerCycle = (slowest + collecting) / time.Duration(n)
	if cycles > 0 {
		in.Share = float64(slowest+collecting) / float64(cycles)
	}
	if p := g.t.plan; p != nil {
		in.Settle = p.Settle + p.Idle
	}
	in.Memory = perCollection * float64(collections)
	in.Notes = append(in.Notes,
		fmt.Sprintf("a forced collection leaves about %.0f KB in a renderer: %d of them were modelled as %s in all", perCollection/1e3, collections, mb(in.Memory)),
		"the readings run beside each other and beside the work: the time told is that of the slowest source and of the collections")
	g.d.Instrument = in
}

// judgedAt tells whether a moment lies within a judged cycle.
func (g *diagnosing) judgedAt(at time.Time) bool {
	return slices.ContainsFunc(g.t.cycles, func(c Summary) bool {
		return !at.Before(c.Start) && !at.After(c.Start.Add(c.Duration))
	})
}

// notMeasured lists what could not be read, and how often.
func (g *diagnosing) notMeasured() {
	number := map[string]int{}
	for _, c := range g.t.cycles {
		for _, gap := range c.Gaps {
			if gap.Gone {
				continue
			}
			what := strings.TrimSpace(gap.Source + " " + gap.Metric)
			if gap.Subject.Kind != "" {
				what += " of " + gap.Subject.Kind
			}
			number[what+": "+gap.Error] += gap.Count
		}
		if c.GapsUnlisted > 0 {
			number["further kinds of gaps"] += c.GapsUnlisted
		}
	}
	for _, what := range slices.Sorted(maps.Keys(number)) {
		g.d.NotMeasured = append(g.d.NotMeasured, fmt.Sprintf("%s (%d times)", what, number[what]))
	}
	g.d.NotMeasured = append(g.d.NotMeasured, g.t.missing...)
	for _, expected := range expectedSeries {
		if _, ok := g.by[expected]; !ok && g.t.judged > 0 {
			g.d.NotMeasured = append(g.d.NotMeasured, expected.String()+": no cycle read it")
		}
	}
	if g.t.dropped > 0 {
		g.d.NotMeasured = append(g.d.NotMeasured, fmt.Sprintf("%d lines of the recording, which the disk was too slow to take", g.t.dropped))
	}
	if g.t.cut {
		g.d.NotMeasured = append(g.d.NotMeasured, "the recording ends in the middle of a line: what wrote it was killed")
	}
}

// expectedSeries must be in every recording of a browser.
var expectedSeries = []Series{anonChrome, {"process.anon", Worker}, {"heap.used", ""}, {"perf.Nodes", ""}, {"go.heap_live", ""}, {"target.count", "page"}, {"context.count", ""}}

// warn tells what may have moved the figures.
func (g *diagnosing) warn() {
	d := g.d
	browsers := len(g.t.manifest.Browsers)
	if slices.ContainsFunc(g.t.recreate, func(c Summary) bool { return c.Name == RecreateCycle+" "+RecreateBrowser }) {
		browsers--
	}
	if browsers > 1 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("%d browsers ran: the level of memory began anew with each", browsers))
	}
	if p := g.t.plan; p != nil && len(g.t.recreate) == 0 && d.Judged < p.Cycles {
		d.Warnings = append(d.Warnings, fmt.Sprintf("the run was stopped after %d of %d cycles", d.Judged, p.Cycles))
	}
	failed, pages := 0, map[string]map[int]bool{}
	for _, r := range g.t.runs {
		if r.Error != "" || r.Failed > 0 {
			failed++
		}
		if pages[r.Site] == nil {
			pages[r.Site] = map[int]bool{}
		}
		pages[r.Site][r.Pages] = true
	}
	if failed > 0 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("%d of %d runs failed in whole or in part: their cycles did less than the others", failed, len(g.t.runs)))
	}
	for _, site := range slices.Sorted(maps.Keys(pages)) {
		if len(pages[site]) > 1 {
			d.Warnings = append(d.Warnings, fmt.Sprintf("%s did not visit the same number of pages in each cycle: what differs is in the figures", site))
		}
	}
	most := 0.0
	for _, c := range d.Cycles {
		if c.External.Chromes != nil {
			most = max(most, *c.External.Chromes)
		}
	}
	if most > 0 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("up to %.0f other Chromes ran on the host: PSS and USS move with them; anonymous memory, which is judged, does not", most))
	}
	opened := 0
	for _, p := range g.t.popups {
		opened += p.Opened
	}
	if opened > 0 {
		d.Warnings = append(d.Warnings, fmt.Sprintf("pages opened %d windows; a diagnosis leaves them open, to see what becomes of them, while `ebb run` closes them as they open", opened))
	}
}

// Trace returns the course of memory over the recording. It needs TallyOptions.Detail.
func (t *Tally) Trace() Trace {
	tr := Trace{Start: t.manifest.Start, Series: tracedSeries}
	for _, s := range t.samples {
		p := TracePoint{At: s.Start.Sub(tr.Start), Tick: s.Totals.Tick, Values: make([]float64, len(tracedSeries))}
		for i, series := range tracedSeries {
			value, ok := s.Totals.Values[series]
			if !ok {
				value = notANumber
			}
			p.Values[i] = value
		}
		tr.Points = append(tr.Points, p)
	}
	for _, p := range t.phases {
		tr.Phases = append(tr.Phases, TracePhase{Cycle: p.Cycle, Kind: p.Kind, Site: p.Site, From: p.Start.Sub(tr.Start), To: p.End.Sub(tr.Start)})
	}
	return tr
}
