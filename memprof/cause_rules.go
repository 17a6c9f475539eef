package memprof

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// What one object of a kind takes at most, in bytes, as far as Chromium 156 was seen to take: so
// much of the growth a count can explain.
const (
	perPage     = 60e6
	perContext  = 40e6
	perFrame    = 30e6
	perWorker   = 20e6
	perSocket   = 200e3
	perNode     = 1200
	perListener = 600
	perCookie   = 8e3
)

// causes explains what grows. Each rule claims as much of the growth as its evidence can explain;
// what explains most comes first.
func (g *diagnosing) causes() {
	d := g.d
	verdict := d.Verdict
	if verdict == Killed {
		verdict = g.apart
	}
	switch verdict {
	case Invalid, Inconclusive:
		d.Cause = CauseUnknown
		return
	case Stable:
		d.Cause, d.Certain = CauseNone, true
		return
	case Spike:
		d.Cause, d.Certain, d.Causes = CauseSpike, true, []Finding{g.spikeFinding()}
		return
	}
	e := &explaining{diagnosing: g, total: g.memoryGrowth()}
	e.targets()
	e.storage()
	e.script()
	e.native()
	e.worker()
	e.settle()
	d.Causes = e.found
	if len(d.Causes) == 0 {
		d.Causes = []Finding{{Cause: CauseUnknown, Evidence: []string{fmt.Sprintf("%s grows, and nothing that was read says why", d.Of)}}}
	}
	first := d.Causes[0]
	d.Cause, d.Certain, d.Origin = first.Cause, first.Certain, first.Origin
	if first.Process != "" {
		d.Process = first.Process
	}
}

func (g *diagnosing) spikeFinding() Finding {
	f := Finding{Cause: CauseSpike, Certain: true}
	for _, p := range g.d.Spikes {
		rose := fmt.Sprintf("cycle %d: %s rose by %s", p.Cycle, p.Metric, mb(p.Height))
		if p.Phase != "" {
			rose += " in " + p.Phase
		}
		f.Evidence = append(f.Evidence, rose+fmt.Sprintf(" and gave %.0f %% back", 100*p.Recovery))
	}
	return f
}

// explaining collects findings.
type explaining struct {
	*diagnosing
	total float64 // growth of memory per cycle
	found []Finding
}

// memoryGrowth is the largest growth of any figure of memory.
func (g *diagnosing) memoryGrowth() float64 {
	most := 0.0
	for _, m := range g.all {
		if isMemory(m) && m.policy.role == Primary && g.counts(m) {
			most = math.Max(most, m.j.Rate.Value)
		}
	}
	return most
}

// counts says whether a metric's verdict is evidence of growth.
func (g *diagnosing) counts(m *judged) bool {
	switch m.verdict {
	case Leak, Growing:
		return true
	case Step:
		return g.d.Verdict == Step
	}
	return false
}

// rate is the growth per cycle of a series that grows, else 0.
func (e *explaining) rate(metric, group string) float64 {
	m := e.by[Series{metric, group}]
	if m == nil || !e.counts(m) {
		return 0
	}
	return math.Max(m.pace().Value, 0)
}

// exact says that a series is called a leak, not merely growing.
func (e *explaining) exact(metric, group string) bool {
	m := e.by[Series{metric, group}]
	return m != nil && m.verdict == Leak
}

// add takes a finding that is worth telling.
func (e *explaining) add(f Finding) { e.found = append(e.found, f) }

// claimed is how much of the growth of memory was explained so far.
func (e *explaining) claimed(causes ...Cause) float64 {
	sum := 0.0
	for _, f := range e.found {
		if len(causes) == 0 || slices.Contains(causes, f.Cause) {
			sum += f.Bytes
		}
	}
	return sum
}

func (e *explaining) has(causes ...Cause) bool {
	return slices.ContainsFunc(e.found, func(f Finding) bool { return slices.Contains(causes, f.Cause) })
}

func perCycle(what string, rate float64) string {
	return fmt.Sprintf("%s: %+.4g a cycle", what, rate)
}

func bytesPerCycle(what string, rate float64) string {
	return fmt.Sprintf("%s: +%s a cycle", what, mb(rate))
}

// targets finds what stays open: contexts, pages, frames, workers, connections.
func (e *explaining) targets() {
	pages := e.rate("target.count", "page")
	if n := e.rate("context.count", ""); n > 0 {
		f := Finding{Cause: CauseContextsOpen, Of: Series{"context.count", ""}, Bytes: math.Min(e.total, n*perContext), Certain: e.exact("context.count", ""), Evidence: []string{perCycle("browser contexts", n)}}
		if pages > 0 {
			f.Evidence = append(f.Evidence, perCycle("open pages", pages))
		}
		e.add(f)
	}
	if pages > 0 && !e.has(CauseContextsOpen) {
		f := Finding{Cause: CausePagesOpen, Of: Series{"target.count", "page"}, Bytes: math.Min(e.total, pages*perPage), Certain: e.exact("target.count", "page"), Evidence: []string{perCycle("open pages", pages)}}
		f.Detail, f.Origin = e.openers()
		if f.Detail != "" {
			f.Evidence = append(f.Evidence, f.Detail)
		}
		e.add(f)
	}
	e.workers()
	e.frames(pages)
	e.sockets()
}

// workers finds workers of each kind that stay, and heaps of theirs that grow.
func (e *explaining) workers() {
	for _, k := range []struct {
		kind   string
		cause  Cause
		detail string
	}{
		{"worker", CauseWorkers, "workers"},
		{"shared_worker", CauseWorkers, "shared workers"},
		{"service_worker", CauseServiceWorker, ""}, // as the cause says
	} {
		name := strings.ReplaceAll(k.kind, "_", " ") + "s"
		count := e.rate("target.count", k.kind)
		heap := e.rate("isolate.heap_used", k.kind) + e.rate("isolate.heap_backing", k.kind)
		f := Finding{Cause: k.cause, Bytes: math.Max(heap, math.Min(e.total, count*perWorker))}
		switch {
		case count > 0:
			f.Of, f.Detail, f.Certain = Series{"target.count", k.kind}, k.detail, e.exact("target.count", k.kind)
			f.Evidence = append(f.Evidence, perCycle(name, count))
			if scopes := e.rate("perf.WorkerGlobalScopes", ""); scopes > 0 {
				f.Evidence = append(f.Evidence, perCycle("worker global scopes", scopes))
			}
		case heap > 0:
			f.Detail = "heap of " + name
			f.Certain = e.exact("isolate.heap_used", k.kind) || e.exact("isolate.heap_backing", k.kind)
		default:
			continue
		}
		if heap > 0 {
			f.Evidence = append(f.Evidence, bytesPerCycle("heap of "+name, heap))
		}
		e.add(f)
	}
}

// frames finds frames beyond those of pages that stay open.
func (e *explaining) frames(pages float64) {
	other := e.rate("target.count", "iframe")
	frames := e.rate("perf.Frames", "") - pages
	if other <= 0 && frames < 0.2 {
		return
	}
	f := Finding{Cause: CauseIframes, Bytes: math.Min(e.total, math.Max(frames, other)*perFrame), Certain: e.exact("target.count", "iframe") || e.exact("perf.Frames", "")}
	f.Of = Series{"perf.Frames", ""}
	if other > 0 {
		f.Of = Series{"target.count", "iframe"}
		f.Detail = "of other sites, each in a process of its own"
		f.Evidence = append(f.Evidence, perCycle("frames of other sites (targets)", other))
	}
	if frames >= 0.2 {
		f.Evidence = append(f.Evidence, perCycle("frames", frames))
	}
	e.add(f)
}

func (e *explaining) sockets() {
	sockets := e.rate("process.sockets", "network")
	observers := e.rate("perf.ContextLifecycleStateObservers", "")
	if sockets <= 0 || observers <= 0 || e.has(CauseWorkers, CauseIframes, CausePagesOpen) {
		return
	}
	e.add(Finding{
		Cause: CauseWebSockets, Of: Series{"process.sockets", "network"}, Bytes: math.Min(e.total, sockets*perSocket), Certain: math.Abs(sockets-observers) < 0.5*math.Max(sockets, observers),
		Process: "network", Evidence: []string{perCycle("sockets of the network process", sockets), perCycle("objects that watch their document's life", observers)},
	})
}

// storage finds what is kept on disk, or in memory by a browser context.
func (e *explaining) storage() {
	before := len(e.found)
	for _, kind := range []struct {
		cause  Cause
		series []Series
	}{
		{CauseIndexedDB, []Series{{"storage.bytes", "indexeddb"}, {"profile.bytes", "indexeddb"}}},
		{CauseCacheStorage, []Series{{"storage.bytes", "cache_storage"}, {"profile.bytes", "cache-storage"}}},
		{CauseServiceWorker, []Series{{"storage.bytes", "service_workers"}, {"profile.bytes", "service-worker"}}},
		{CauseLocalStorage, []Series{{"storage.local", ""}, {"storage.session", ""}, {"profile.bytes", "local-storage"}}},
		{CauseHTTPCache, []Series{{"profile.bytes", "http-cache"}}},
	} {
		f := Finding{Cause: kind.cause}
		for _, s := range kind.series {
			r := e.rate(s.Metric, s.Group)
			if r <= 0 {
				continue
			}
			f.Bytes = math.Max(f.Bytes, r)
			f.Certain = f.Certain || e.exact(s.Metric, s.Group)
			f.Evidence = append(f.Evidence, bytesPerCycle(s.String(), r))
		}
		if f.Bytes > 0 {
			f.Origin = e.origin(kind.series[0].Metric)
			e.add(f)
		}
	}
	if n := e.rate("storage.cookies", ""); n > 0 {
		e.add(Finding{Cause: CauseCookies, Of: Series{"storage.cookies", ""}, Bytes: n * perCookie, Certain: e.exact("storage.cookies", ""), Evidence: []string{perCycle("cookies", n)}})
	}
	if len(e.found) > before {
		return
	}
	for _, m := range e.all {
		if m.series.Metric == "profile.bytes" && e.counts(m) {
			e.add(Finding{Cause: CauseProfileDisk, Detail: m.series.Group, Bytes: m.j.Rate.Value, Certain: m.verdict == Leak && m.series.Group != "", Evidence: []string{bytesPerCycle(m.series.String(), m.j.Rate.Value)}})
		}
	}
}

// origin is the one whose storage grows most; "" where none is told.
func (e *explaining) origin(metric string) string {
	best, most := "", 0.0
	for _, m := range e.all {
		origin, ok := strings.CutPrefix(m.series.Group, originPrefix)
		if ok && m.series.Metric == metric && e.counts(m) && m.j.Rate.Value > most {
			best, most = origin, m.j.Rate.Value
		}
	}
	return best
}

// openers names the pages that opened the windows which are open now, with their numbers.
func (g *diagnosing) openers() (says, origin string) {
	if len(g.t.cycles) == 0 {
		return "", ""
	}
	last := g.t.cycles[len(g.t.cycles)-1]
	urls := map[string]string{}
	for _, o := range last.Open {
		urls[o.Target] = o.URL
	}
	numbers := map[string]int{}
	for _, o := range last.Open {
		if o.Type == "page" && o.Opener != "" {
			by := urls[o.Opener]
			if by == "" {
				by = "a page that is closed"
			}
			numbers[by]++
		}
	}
	best, most := "", 0
	for _, url := range slices.Sorted(maps.Keys(numbers)) {
		if numbers[url] > most {
			best, most = url, numbers[url]
		}
	}
	if best == "" {
		return "", ""
	}
	return fmt.Sprintf("%d windows opened by %s are open", most, best), best
}
