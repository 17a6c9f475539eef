package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// htmlMetric is a row of the table of metrics.
type htmlMetric struct {
	Label, Name, Means, Process, Role, Verdict, Shape string
	Rate, EndRate, FromTo, Smallest, P, Used          string
	Mini                                              template.HTML
	Evidence                                          []string
}

// metricRows are the metrics that grow or are undecided, those that are stable, and those that
// are only shown.
func metricRows(d memprof.Diagnosis) (growing, stable, shown []htmlMetric) {
	for _, m := range d.Metrics {
		row := metricRow(m)
		switch {
		case m.Role == memprof.Shown:
			shown = append(shown, row)
		case m.Verdict == memprof.Stable:
			stable = append(stable, row)
		default:
			growing = append(growing, row)
		}
	}
	return growing, stable, shown
}

func metricRow(m memprof.MetricVerdict) htmlMetric {
	table, _ := memprof.MetricOf(m.Name)
	row := htmlMetric{
		Label: nameOf(m.Name), Name: plain(m.Series().String()), Means: table.Means, Process: processOf(m.Series()),
		Role: plain(string(m.Role)), Verdict: plain(string(m.Verdict)), Shape: plain(string(m.Shape)),
		Rate: brief(m.Unit, m.Rate), EndRate: dash, FromTo: fromTo(m.Unit, m.First, m.Last), Smallest: dash, P: dash,
		Used: fmt.Sprintf("%d of %d", m.Used, m.Cycles), Mini: miniature(m.Values), Evidence: metricEvidence(m),
	}
	if m.Role == memprof.Shown {
		row.Verdict, row.Used = "not judged", dash
		return row
	}
	if m.EndRate.Known && m.EndRate != m.Rate {
		row.EndRate = brief(m.Unit, m.EndRate)
	}
	if m.SmallestVisible > 0 && known(m.SmallestVisible) {
		row.Smallest = amount(m.Unit, m.SmallestVisible)
	}
	if known(m.P) {
		row.P = probability(m.P)
	}
	return row
}

func metricEvidence(m memprof.MetricVerdict) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if m.Evidence != "" {
		add("%s", capital(plain(m.Evidence)))
	}
	if m.StepAt > 0 && m.Evidence == "" {
		add("Step of %s at cycle %d", amount(m.Unit, m.StepHeight), m.StepAt)
	}
	if m.Sawtooth {
		add("Sawtooth: the rate is that of its troughs")
	}
	if m.Doubling > 0 && known(m.Doubling) {
		add("Doubles in %s cycles", number(m.Doubling, 1))
	}
	if m.MoreCycles > 0 && m.Evidence == "" {
		add("%s needed", count(m.MoreCycles, "more cycle"))
	}
	if m.NoGrowthAbove > 0 && known(m.NoGrowthAbove) && m.Verdict == memprof.Stable && m.Evidence == "" {
		add("No growth above %s a cycle (95 %%)", amount(m.Unit, m.NoGrowthAbove))
	}
	if m.Artefact != "" {
		add("Known artefact: %s", plain(m.Artefact))
	}
	return append(out, plainAll(m.Warnings)...)
}

// probability writes a probability; a small one as a power of ten.
func probability(p float64) string {
	switch {
	case p <= 0:
		return "0"
	case p < .001:
		return fmt.Sprintf("< 1e%d", int(math.Ceil(math.Log10(p)-1e-9)))
	}
	return number(p, 3)
}

// htmlCycles is the table of cycles.
type htmlCycles struct {
	Of, Unit string
	Phases   []string
	Rows     []htmlCycle
	Notes    bool // some row has a note
}

// htmlCycle is one row of it.
type htmlCycle struct {
	Number, Start, Took, Used, Class        string
	Value, Change, Peak, During, Load, Note string
	Phases                                  []string
	Pages                                   int
}

// cycleRows are the cycles with their changes by phase, written in full so that they add up to
// the change.
func cycleRows(d memprof.Diagnosis) htmlCycles {
	unit := unitIn(d, d.Of)
	table := htmlCycles{Of: seriesName(d.Of), Unit: "bytes", Phases: phaseNames(d)}
	if unit != memprof.Bytes {
		table.Unit = "count"
	}
	for _, c := range d.Cycles {
		row := htmlCycle{
			Number: fmt.Sprint(c.Cycle), Start: dash, Took: duration(c.Took), Used: plain(c.Used), Class: plain(c.Used),
			Value: dash, Change: dash, Peak: dash, During: plain(joined(c.PeakPhases)), Load: dash, Pages: c.Pages,
			Note: plain(strings.Join(append(external(c.External), c.Faults...), "; ")),
		}
		if !c.Start.IsZero() {
			row.Start = c.Start.UTC().Format("15:04:05")
		}
		if v, ok := c.Values[d.Of]; ok {
			row.Value = amount(unit, v)
		}
		if c.Peak > 0 {
			row.Peak = amount(memprof.Bytes, c.Peak)
		}
		if c.External.Load != nil {
			row.Load = number(*c.External.Load, 1)
		}
		if c.Phases != nil { // else the change is not known
			row.Change = signed(c.Change, places(c.Change))
		}
		for _, name := range table.Phases {
			cell := dash
			if c.Phases != nil {
				cell = signed(c.Phases[name], places(c.Phases[name]))
			}
			row.Phases = append(row.Phases, cell)
		}
		table.Notes = table.Notes || row.Note != ""
		table.Rows = append(table.Rows, row)
	}
	for i, name := range table.Phases {
		table.Phases[i] = plain(name)
		if name == "" {
			table.Phases[i] = "between"
		}
	}
	return table
}

// places is 0 for whole numbers, else 1.
func places(v float64) int {
	if wholeNumbers(v) {
		return 0
	}
	return 1
}

// external says what else happened on the host, beside the load.
func external(e memprof.External) []string {
	var out []string
	for _, part := range []struct {
		value      *float64
		name, unit string
		decimals   int
	}{
		{e.Chromes, "other Chromes", "", 0},
		{e.MemoryStall, "memory pressure", " %", 1},
		{e.CPUStall, "CPU pressure", " %", 1},
		{e.SwappedIn, "pages swapped in", "", 0},
	} {
		if part.value != nil && *part.value != 0 {
			out = append(out, part.name+" "+number(*part.value, part.decimals)+part.unit)
		}
	}
	if e.SwapUsed != nil && *e.SwapUsed != 0 {
		out = append(out, "swap in use "+amount(memprof.Bytes, *e.SwapUsed))
	}
	return out
}

// phaseNames are the kinds of phases in which anything changed, in the order of a cycle; overlaps follow.
func phaseNames(d memprof.Diagnosis) []string {
	seen := map[memprof.Kind]bool{}
	for _, c := range d.Cycles {
		for name, v := range c.Phases {
			if v != 0 {
				seen[memprof.Kind(name)] = true
			}
		}
	}
	var names []string
	for _, k := range phaseOrder(seen) {
		names = append(names, string(k))
	}
	return names
}
