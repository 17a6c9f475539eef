package report

import (
	"cmp"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// nameOf is what people call a metric.
func nameOf(metric string) string {
	row, _ := memprof.MetricOf(metric)
	return cmp.Or(row.Label, plain(metric), dash)
}

// processOf is the process type that a series belongs to; "" if it belongs to none. Heaps and
// counts of DOM objects belong to renderers, which their metrics do not say.
func processOf(s memprof.Series) string {
	family, _, _ := strings.Cut(s.Metric, ".")
	switch {
	case s.Group != "":
		return plain(s.Group)
	case family == "heap" || family == "perf" || family == "dom":
		return "renderer"
	case family == "go":
		return memprof.Worker
	}
	return ""
}

// seriesName names a series in a sentence: "anonymous memory (renderer)".
func seriesName(s memprof.Series) string {
	name := nameOf(s.Metric)
	if s.Group != "" {
		name += " (" + plain(s.Group) + ")"
	}
	return name
}

// unitIn is the unit of a metric, as the diagnosis or else the table of metrics says.
func unitIn(d memprof.Diagnosis, s memprof.Series) memprof.Unit {
	if m, ok := metricIn(d, s); ok && m.Unit != "" {
		return m.Unit
	}
	if d.Rate.Metric == s && d.Rate.Unit != "" {
		return d.Rate.Unit
	}
	return unitOf(s)
}

// metricIn is the judgement of a series.
func metricIn(d memprof.Diagnosis, s memprof.Series) (memprof.MetricVerdict, bool) {
	for _, m := range d.Metrics {
		if m.Series() == s {
			return m, true
		}
	}
	return memprof.MetricVerdict{}, false
}

// grows tells whether a verdict is one of movement.
func grows(v memprof.Verdict) bool {
	return v == memprof.Leak || v == memprof.Growing || v == memprof.Step || v == memprof.Spike
}

// moving are the metrics that grow, step or spike, the headline's first and then as ranked in
// the diagnosis; those that are only shown and the planted control are left out.
func moving(d memprof.Diagnosis) []memprof.MetricVerdict {
	var first, rest []memprof.MetricVerdict
	for _, m := range d.Metrics {
		switch {
		case !grows(m.Verdict) || m.Role == memprof.Shown || m.Process == memprof.ControlGroup:
		case m.Series() == d.Rate.Metric:
			first = append(first, m)
		default:
			rest = append(rest, m)
		}
	}
	return append(first, rest...)
}
