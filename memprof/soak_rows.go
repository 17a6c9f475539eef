package memprof

import "math"

// What one value of a metric is.
const (
	byCycles = "cycles"
	byLives  = "lives"
)

// soakRow is how one metric is judged.
type soakRow struct {
	name   string
	series Series // zero: of the temporary folder
	by     string
	shown  bool
	// floor, minStep and minSpike are those of stats.Options.
	floor, minStep, minSpike float64
}

// soakRows are judged. Chrome's memory rises within a life and falls with it: lives are compared at
// equal age.
var soakRows = []soakRow{
	{name: "worker, live heap", series: Series{Metric: "go.heap_live"}, by: byCycles, floor: 4 * kib, minStep: 256 * kib, minSpike: 128 * kib},
	{name: "worker, anonymous", series: Series{"process.anon", Worker}, by: byCycles, floor: 32 * kib, minStep: 2 * mib, minSpike: 2 * mib},
	{name: "worker, goroutines", series: Series{Metric: "go.goroutines"}, by: byCycles, floor: 0.29, minStep: 12, minSpike: 12},
	{name: "worker, open files", series: Series{"process.fds", Worker}, by: byCycles, floor: 0.29, minStep: 12, minSpike: 12},
	{name: "temporary entries", by: byCycles, floor: 0.29, minStep: 2, minSpike: 2},
	{name: "Chrome, anonymous", series: anonChrome, by: byLives, floor: 0.025 * mib, minStep: 2 * mib, minSpike: 2 * mib},
	{name: "Chrome, processes", series: Series{"process.count", Chrome}, by: byCycles, floor: 0.29, minStep: 2, minSpike: 2},
	{name: "Chrome, pages", series: Series{"target.count", "page"}, by: byCycles, floor: 0.29, minStep: 2, minSpike: 2},
	{name: "Chrome, contexts", series: Series{Metric: "context.count"}, by: byCycles, floor: 0.29, minStep: 2, minSpike: 2},
	{name: "database", series: Series{Metric: "store.bytes"}, by: byCycles, shown: true, floor: 4 * kib, minStep: mib, minSpike: mib},
}

const (
	// soakValues is into how many values, at most, the cycles are gathered before they are judged,
	// and leastSoakValues how many it takes to judge at all.
	soakValues      = 60
	leastSoakValues = 8
	// soakCount is the growth of a count in a day that is too much.
	soakCount = 1
	// lifeShare is the share of the middle life's cycles over which lives are compared.
	lifeShare = 0.8
)

// of reads the row's value of a cycle; NaN where it is not known.
func (r soakRow) of(c SoakCycle) float64 {
	if r.series.Metric != "" {
		return c.value(r.series)
	}
	if c.Temporary == nil {
		return math.NaN()
	}
	return *c.Temporary
}

func (r soakRow) unit() Unit {
	if row, ok := MetricOf(r.series.Metric); ok {
		return row.Unit
	}
	return Count
}
