// Package prom gives the latest readings to Prometheus.
package prom

import (
	"cmp"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ebbworker/ebb/memprof"
)

// Options say where a Collector finds what it tells.
type Options struct {
	// Latest returns the newest sample. Default: nil, there is none.
	Latest func() (memprof.Sample, bool)
	// Limit returns the memory limit and what counts against it, in bytes. Default: nil, none is known.
	Limit func() (limit, used float64, err error)
}

// Collector tells the newest sample's totals, the memory limit and the alarms. What was not read is
// left out, never 0. It reads nothing itself but the limit.
type Collector struct {
	o Options

	mu     sync.Mutex // guards alarms
	alarms map[memprof.Series]string
}

// row is a metric of Ebb's as Prometheus gets it.
type row struct {
	metric string
	// group is the only one that is told; with label "" of a metric that has groups.
	group string
	// label names the groups, but for the total and this program; "" tells one value.
	label string
	desc  *prometheus.Desc
}

func newRow(metric, group, label, name, help string) row {
	var labels []string
	if label != "" {
		labels = []string{label}
	}
	return row{metric, group, label, prometheus.NewDesc("ebb_"+name, help, labels, nil)}
}

// rows are what is told of a sample.
var rows = []row{
	newRow("process.anon", "", "role", "browser_memory_bytes", "Anonymous memory (RssAnon + RssShmem) of Chrome's processes, by their type."),
	newRow("process.count", "", "role", "browser_processes", "Chrome's processes, by their type."),
	newRow("process.anon", memprof.Worker, "", "worker_memory_bytes", "Anonymous memory (RssAnon + RssShmem) of this program."),
	newRow("heap.used", "", "", "page_heap_bytes", "JavaScript heap in use by the open pages."),
	newRow("target.count", "", "type", "browser_targets", "Open pages, frames and workers, by their type."),
	newRow("context.count", "", "", "browser_contexts", "Browser contexts beside the default one."),
}

var (
	readDesc  = prometheus.NewDesc("ebb_memory_read_timestamp_seconds", "When the newest reading of memory was taken.", nil, nil)
	limitDesc = prometheus.NewDesc("ebb_memory_limit_bytes", "The memory limit that is reached first: of the cgroup or the machine.", nil, nil)
	usedDesc  = prometheus.NewDesc("ebb_memory_used_bytes", "What counts against ebb_memory_limit_bytes.", nil, nil)
	alarmDesc = prometheus.NewDesc("ebb_leak_alarm", "1 for each metric that grows from run to run.", []string{"metric", "fingerprint"}, nil)
)

// NewCollector returns a collector to be registered.
func NewCollector(o Options) *Collector {
	return &Collector{o: o, alarms: map[memprof.Series]string{}}
}

// Raise tells an alarm from now on.
func (c *Collector) Raise(a memprof.Alarm) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alarms[a.Metric] = a.Fingerprint.ID
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, r := range rows {
		ch <- r.desc
	}
	for _, desc := range []*prometheus.Desc{readDesc, limitDesc, usedDesc, alarmDesc} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	if c.o.Latest != nil {
		if s, ok := c.o.Latest(); ok {
			gauge(readDesc, float64(s.Start.UnixMilli())/1e3)
			for _, r := range rows {
				r.collect(s.Totals, gauge)
			}
		}
	}
	if c.o.Limit != nil {
		if limit, used, err := c.o.Limit(); err == nil {
			gauge(limitDesc, limit)
			gauge(usedDesc, used)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for series, fingerprint := range c.alarms {
		gauge(alarmDesc, 1, series.String(), fingerprint)
	}
}

// maxGroups bounds the label values of one metric: there are fewer types of processes and targets.
const maxGroups = 32

// collect tells a row of a sample.
func (r row) collect(t memprof.Totals, gauge func(desc *prometheus.Desc, value float64, labels ...string)) {
	if r.label == "" {
		if value, ok := t.At(memprof.Series{Metric: r.metric, Group: r.group}); ok {
			gauge(r.desc, value)
		}
		return
	}
	var groups []string
	for s := range t.Values {
		if s.Metric == r.metric && !slices.Contains([]string{"", memprof.Chrome, memprof.Worker, memprof.ControlGroup}, s.Group) {
			groups = append(groups, s.Group)
		}
	}
	slices.SortFunc(groups, cmp.Compare[string])
	for _, group := range groups[:min(len(groups), maxGroups)] {
		if value, ok := t.At(memprof.Series{Metric: r.metric, Group: group}); ok {
			gauge(r.desc, value, group)
		}
	}
}
