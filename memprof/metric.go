package memprof

import "strings"

// Unit is the unit of a metric's values.
type Unit string

// The units in use. A value in bytes is never scaled before it is shown.
const (
	Bytes   Unit = "bytes"
	Count   Unit = "count"
	Seconds Unit = "seconds"
	Percent Unit = "percent"
)

// Scope says what one value of a metric is of, and so how values are added up.
type Scope string

const (
	// PerProcess values are of one process type of one Chrome, or of the worker's own process
	// (type "worker"). Their total is by type, and over all of Chrome under [Chrome].
	PerProcess Scope = "process"
	// PerIsolate values are of the V8 isolate of a page, and so of its renderer's main thread.
	// Pages that share a renderer (a popup and its opener) share them: a total counts each
	// isolate once.
	PerIsolate Scope = "isolate"
	// PerTarget values are of one Chrome target (page, worker, iframe); their total is by type.
	PerTarget Scope = "target"
	// PerKind values are of one kind of thing in one Chrome: isolates by the type of their
	// target, bytes by where they are kept. Their totals are by kind, and over all kinds under "".
	PerKind Scope = "kind"
	// PerBrowser values are of one Chrome; their total is over all.
	PerBrowser Scope = "browser"
	// PerHost values exist once: the cgroup's, the host's, this program's own.
	PerHost Scope = "host"
)

// Metric is one row of the table of metrics, which feeds recording and reports.
type Metric struct {
	// Name is "group.name", such as "process.anon".
	Name string
	// Label is what people call it; "" where they call it by its name.
	Label string
	Unit  Unit
	Scope Scope
	// Level is the lowest level at which the metric is read.
	Level Level
	// Tick says that ticks keep the metric too, not only readings at phase boundaries.
	Tick bool
	// Quick says that also the quick ticks between them keep it (see Options.SpikeInterval).
	Quick bool
	// Cumulative says that the value only ever rises (a counter): its differences are what counts.
	Cumulative bool
	// Witness is the metric of the same source whose presence in a reading proves that the
	// source was read, so that a total over no subject at all is a true 0. "" for none.
	Witness string
	// Means says what the value is, Read how it is read.
	Means, Read string
}

// Family returns the name with which a failed reading of a whole group of metrics is recorded,
// such as "process.*" for "process.anon".
func (m Metric) Family() string { return family(m.Name) }

func family(name string) string {
	group, _, _ := strings.Cut(name, ".")
	return group + ".*"
}

// Metrics returns the table of metrics, in the order of a report. The slice is the caller's.
func Metrics() []Metric { return append([]Metric(nil), table...) }

// MetricOf returns the row of a metric. A field of Performance.getMetrics that the table does
// not know (a newer Chrome has more) is given a row of its own; of any other unknown name ok
// is false.
func MetricOf(name string) (row Metric, ok bool) {
	if row, ok = byName[name]; ok {
		return row, true
	}
	if field, found := strings.CutPrefix(name, "perf."); found && field != "" && field != "*" {
		return Metric{
			Name: name, Unit: Count, Scope: PerIsolate, Level: LevelCheap, Witness: "page.read",
			Means: field + " of the renderer", Read: "Performance.getMetrics",
		}, true
	}
	return Metric{}, false
}

var byName = func() map[string]Metric {
	m := make(map[string]Metric, len(table))
	for _, row := range table {
		m[row.Name] = row
	}
	return m
}()
