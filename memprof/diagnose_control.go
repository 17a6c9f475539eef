package memprof

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof/stats"
)

const (
	// controlOff is how far the planted leak may be measured off, as a share of its truth.
	controlOff = 0.2
	// firmCycles is the number of cycles from which the judge must call the planted leak one: with
	// fewer, its rate must be right.
	firmCycles = 15
	// controlCycles is the least number of cycles for the control to be judged.
	controlCycles = 8
)

// control checks the planted leak: a run that misses it, or measures it off, tells nothing.
func (g *diagnosing) control() {
	p := g.t.plan
	if p == nil || len(p.Control) == 0 {
		if p != nil && p.ControlNote != "" {
			g.d.Warnings = append(g.d.Warnings, p.ControlNote)
		}
		return
	}
	check := &ControlCheck{OK: true}
	if g.t.judged < controlCycles {
		check.OK, check.Reason = false, fmt.Sprintf("not judged: it takes %d cycles", controlCycles)
		g.d.Control = check
		return
	}
	var missed []string
	for _, metric := range slices.Sorted(maps.Keys(p.Control)) {
		item := g.controlItem(metric, p.Control[metric])
		check.Checks = append(check.Checks, item)
		if item.OK {
			continue
		}
		check.OK = false
		missed = append(missed, item.says())
	}
	g.d.Control = check
	if !check.OK {
		check.Reason = strings.Join(missed, "; ")
		g.invalid("the planted control leak was not measured as it was planted: %s", check.Reason)
	}
}

func (g *diagnosing) controlItem(metric string, truth float64) ControlItem {
	row, _ := MetricOf(metric)
	values := g.t.table.values(Series{metric, ControlGroup})
	item := ControlItem{Metric: metric, Unit: row.Unit, Truth: truth, Verdict: Inconclusive}
	p := policy{role: Primary, Options: stats.Options{Delta: truth * controlOff, Floor: truth / 50, MinStep: 4 * truth, MinSpike: 4 * truth}, material: truth * controlOff}
	m := judgeOne(Series{metric, ControlGroup}, row, p, values)
	item.Values = m.metricVerdict().Values
	if m.j.Used == 0 {
		return item
	}
	item.Rate, item.Verdict = estimate(m.j.Rate), m.verdict
	found := m.verdict == Leak || m.verdict == Growing || m.verdict == Inconclusive && g.t.judged < firmCycles
	item.OK = found && item.Rate.Known && math.Abs(item.Rate.Value-truth) <= controlOff*truth
	return item
}

func (c ControlItem) says() string {
	if !c.Rate.Known {
		return fmt.Sprintf("%s was not read", c.Metric)
	}
	return fmt.Sprintf("%s grew by %.4g a cycle instead of %.4g (verdict %s)", c.Metric, c.Rate.Value, c.Truth, c.Verdict)
}
