package web

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// counters are the figures of a worker's runs. Their labels are names of sites and fixed words, so
// that nothing that a page says makes another one.
type counters struct {
	build    *prometheus.GaugeVec
	runs     *prometheus.CounterVec
	duration *prometheus.HistogramVec
	success  *prometheus.GaugeVec
	pages    *prometheus.CounterVec
	items    *prometheus.CounterVec
	launches prometheus.Counter
	recycles *prometheus.CounterVec
	tidied   *prometheus.CounterVec
}

func newCounters(o ActivityOptions) *counters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	c := &counters{
		build: gauge("ebb_build_info", "1, with the versions of this program.", "version", "goversion"),
		runs:  counter("ebb_runs_total", "Runs that have ended, by site and how.", "site", "state"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ebb_run_duration_seconds", Help: "How long the last attempt at a run took.",
			Buckets: []float64{.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600},
		}, []string{"site"}),
		success:  gauge("ebb_run_last_success_timestamp_seconds", "When the last run of a site ended that got all its pages.", "site"),
		pages:    counter("ebb_pages_total", "Pages that were visited, by site and what came of them.", "site", "state"),
		items:    counter("ebb_items_total", "Items of runs that have ended, by site and what they were to those of before.", "site", "change"),
		launches: prometheus.NewCounter(prometheus.CounterOpts{Name: "ebb_browser_launches_total", Help: "Chromes that were started."}),
		recycles: counter("ebb_browser_recycles_total", "Chromes that were replaced, by reason.", "reason"),
		tidied:   counter("ebb_tabs_tidied_total", "Tabs whose garbage was collected, or that were replaced, by reason.", "did", "reason"),
	}
	c.build.WithLabelValues(o.Version, runtime.Version()).Set(1)
	for _, s := range o.Sites { // a counter that begins with its first event hides it from rate()
		for _, state := range []store.RunState{store.RunDone, store.RunPartial, store.RunFailed} {
			c.runs.WithLabelValues(s.Name, string(state))
		}
		for _, change := range []string{"new", "changed", "same"} {
			c.items.WithLabelValues(s.Name, change)
		}
	}
	return c
}

// all are the collectors to be registered.
func (c *counters) all() []prometheus.Collector {
	return []prometheus.Collector{
		c.build, c.runs, c.duration, c.success, c.pages, c.items, c.launches, c.recycles, c.tidied,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
}

// ended counts a run that has ended for good.
func (c *counters) ended(e queue.Ended) {
	site := e.Run.Site
	c.runs.WithLabelValues(site, string(e.Run.State)).Inc()
	c.duration.WithLabelValues(site).Observe(e.Duration.Seconds())
	if e.Run.State == store.RunDone {
		c.success.WithLabelValues(site).SetToCurrentTime()
	}
	for change, n := range map[string]int{"new": e.Run.Items.New, "changed": e.Run.Items.Changed, "same": e.Run.Items.Same} {
		c.items.WithLabelValues(site, change).Add(float64(n))
	}
}
