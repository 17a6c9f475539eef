package web

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
)

// Reason says why a worker takes no new work; "" is none.
type Reason string

// The reasons, in the order in which they are told.
const (
	Starting Reason = "starting" // Chrome or the worker has not started yet
	Draining Reason = "draining" // the worker was told to stop
	Browser  Reason = "browser"  // the last run got no Chrome
	Memory   Reason = "memory"   // too little is left below the memory limit
)

// ActivityOptions say what an Activity is of.
type ActivityOptions struct {
	// Sites are those that the worker works.
	Sites []*sites.Site
	// Version is this program's.
	Version string
	// Latest returns the newest sample of memory. Default: nil, there is none.
	Latest func() (memprof.Sample, bool)
	// Limit returns the memory limit and what counts against it, in bytes. Default: nil, none is known.
	Limit func() (limit, used float64, err error)
	// Collectors are registered beside the activity's own figures.
	Collectors []prometheus.Collector
}

// Activity gathers what a worker does, for page, health and metrics. Its memory is bounded by the
// number of sites.
type Activity struct {
	o        ActivityOptions
	registry *prometheus.Registry
	counters *counters
	began    time.Time

	mu        sync.Mutex // guards what follows
	ready     bool
	draining  bool
	noBrowser bool
	sites     map[string]*siteActivity
	alarms    []memprof.Alarm
	browsers  []browserEvent // the newest last
}

// siteActivity is what is known of a site.
type siteActivity struct {
	work map[int64]*work
	last *queue.Ended
	at   time.Time // of the end of last
}

// work is a run at work.
type work struct {
	since    time.Time
	progress crawl.Progress
}

// browserEvent is that a Chrome started or was retired.
type browserEvent struct {
	At   time.Time
	What string
}

// Bounds of what the page lists.
const (
	maxAlarms   = 20
	maxBrowsers = 10
)

// NewActivity returns an activity in which nothing has happened.
func NewActivity(o ActivityOptions) (*Activity, error) {
	a := &Activity{o: o, registry: prometheus.NewRegistry(), began: time.Now(), sites: map[string]*siteActivity{}}
	for _, s := range o.Sites {
		a.sites[s.Name] = &siteActivity{work: map[int64]*work{}}
	}
	a.counters = newCounters(o)
	for _, c := range append(a.counters.all(), o.Collectors...) {
		if err := a.registry.Register(c); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Ready tells that the worker takes work from now on.
func (a *Activity) Ready() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ready = true
}

// Drain tells that it takes none any more.
func (a *Activity) Drain() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.draining = true
}

// Launched tells of a Chrome that has started.
func (a *Activity) Launched(version string) {
	a.counters.launches.Inc()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.noBrowser = false
	a.browser("started: " + version)
}

// Recycled tells of a Chrome that is replaced, and why, in one of a few words.
func (a *Activity) Recycled(reason string) {
	a.counters.recycles.WithLabelValues(reason).Inc()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.browser("recycled: " + reason)
}

// Tidied tells of a tab whose garbage was collected, or that was replaced, and why, in a word.
func (a *Activity) Tidied(replaced bool, reason string) {
	did := "collected"
	if replaced {
		did = "replaced"
	}
	a.counters.tidied.WithLabelValues(did, reason).Inc()
}

// browser lists an event. The caller holds mu.
func (a *Activity) browser(what string) {
	a.browsers = append(a.browsers, browserEvent{time.Now(), what})
	a.browsers = slices.Delete(a.browsers, 0, max(0, len(a.browsers)-maxBrowsers))
}

// Alarm tells of memory that grows from run to run.
func (a *Activity) Alarm(alarm memprof.Alarm) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.alarms = append(a.alarms, alarm)
	a.alarms = slices.Delete(a.alarms, 0, max(0, len(a.alarms)-maxAlarms))
}

// Event takes what happens within a run.
func (a *Activity) Event(site string, run int64, e crawl.Event) {
	if e.Kind == crawl.EventPage && e.Page.State != crawl.PageQueued { // that one comes again
		a.counters.pages.WithLabelValues(site, string(e.Page.State)).Inc()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sites[site]
	if s == nil {
		return
	}
	if s.work[run] == nil {
		s.work[run] = &work{since: time.Now()}
	}
	s.work[run].progress = e.Progress
}

// Ended takes the end of an attempt at a run.
func (a *Activity) Ended(e queue.Ended) {
	if e.Run.State.Finished() {
		a.counters.ended(e)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !e.Interrupted {
		a.noBrowser = e.Outcome.Class == crawl.ClassBrowser
	}
	if s := a.sites[e.Run.Site]; s != nil {
		delete(s.work, e.Run.ID)
		s.last, s.at = &e, time.Now()
		s.last.Outcome.With = nil // what the worker keeps there is not needed, and large
	}
}

// leastRoom is the share of the memory limit that must be left for new work.
const leastRoom = 0.05

// NotReady says why the worker takes no new work; "" is that it does.
func (a *Activity) NotReady() Reason {
	a.mu.Lock()
	ready, draining, noBrowser := a.ready, a.draining, a.noBrowser
	a.mu.Unlock()
	switch {
	case draining:
		return Draining
	case !ready:
		return Starting
	case noBrowser:
		return Browser
	}
	if a.o.Limit != nil {
		if limit, used, err := a.o.Limit(); err == nil && limit-used < leastRoom*limit {
			return Memory
		}
	}
	return ""
}
