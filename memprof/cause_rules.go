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
	switch d.Verdict {
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
		f.Evidence = append(f.Evidence, fmt.Sprintf("cycle %d: %s rose by %s in %s and gave %.0f %% back", p.Cycle, p.Metric, mb(p.Height), p.Phase, 100*p.Recovery))
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
	if m.shape == Accelerating || m.shape == Onset {
		return math.Max(m.j.EndRate.Value, 0)
	}
	return math.Max(m.j.Rate.Value, 0)
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

func (e *explaining) workers() {
	for _, kind := range []string{"worker", "shared_worker"} {
		if n := e.rate("target.count", kind); n > 0 {
			f := Finding{Cause: CauseWorkers, Of: Series{"target.count", kind}, Detail: strings.ReplaceAll(kind, "_", " ") + "s", Bytes: math.Min(e.total, n*perWorker), Certain: e.exact("target.count", kind), Evidence: []string{perCycle(strings.ReplaceAll(kind, "_", " ")+"s", n)}}
			if scopes := e.rate("perf.WorkerGlobalScopes", ""); scopes > 0 {
				f.Evidence = append(f.Evidence, perCycle("worker global scopes", scopes))
			}
			e.add(f)
			continue
		}
		if heap := e.rate("isolate.heap_used", kind) + e.rate("isolate.heap_backing", kind); heap > 0 {
			e.add(Finding{Cause: CauseWorkers, Detail: "heap of " + strings.ReplaceAll(kind, "_", " ") + "s", Bytes: heap, Certain: true, Evidence: []string{bytesPerCycle("heap of "+strings.ReplaceAll(kind, "_", " ")+"s", heap)}})
		}
	}
	count := e.rate("target.count", "service_worker")
	heap := e.rate("isolate.heap_used", "service_worker") + e.rate("isolate.heap_backing", "service_worker")
	if count > 0 || heap > 0 {
		f := Finding{Cause: CauseServiceWorker, Bytes: math.Max(heap, math.Min(e.total, count*perWorker)), Certain: true}
		if count > 0 {
			f.Evidence = append(f.Evidence, perCycle("service workers", count))
		}
		if heap > 0 {
			f.Evidence = append(f.Evidence, bytesPerCycle("heap of service workers", heap))
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

// script finds what the pages' scripts hold: array buffers, nodes, listeners, objects.
func (e *explaining) script() {
	structural := e.has(CausePagesOpen, CauseContextsOpen, CauseIframes)
	if b := e.rate("heap.backing", ""); b > 0 {
		f := Finding{Cause: CauseArrayBuffers, Bytes: b, Certain: e.exact("heap.backing", "") && e.rate("perf.ArrayBufferContents", "") > 0, Process: "renderer", Evidence: []string{bytesPerCycle("backing stores", b)}}
		if n := e.rate("perf.ArrayBufferContents", ""); n > 0 {
			f.Evidence = append(f.Evidence, perCycle("array buffers", n))
		}
		e.add(f)
	}
	nodes, listeners := e.rate("perf.Nodes", ""), e.rate("perf.JSEventListeners", "")
	if structural || e.has(CauseWebSockets) {
		nodes, listeners = 0, 0 // they come with the documents, or the connections
	}
	if nodes > 0 {
		e.add(e.nodes(nodes, listeners))
	}
	if listeners > 0 && (nodes == 0 || listeners > 2*nodes) {
		e.add(Finding{Cause: CauseListeners, Of: Series{"perf.JSEventListeners", ""}, Bytes: math.Min(e.total, listeners*perListener), Certain: e.exact("perf.JSEventListeners", ""), Process: "renderer", Evidence: []string{perCycle("event listeners", listeners)}})
	}
	heap := e.rate("heap.used", "")
	rest := heap - nodes*perNode/2 - listeners*perListener
	if heap <= 0 || structural || (rest <= 0 && (nodes > 0 || listeners > 0)) || (rest < heap/2 && e.has(CauseDOMNodes, CauseListeners)) {
		return
	}
	e.add(e.heap(heap))
}

func (e *explaining) nodes(nodes, listeners float64) Finding {
	f := Finding{Cause: CauseDOMNodes, Of: Series{"perf.Nodes", ""}, Detail: "detached", Bytes: math.Min(math.Max(e.total, 0), nodes*perNode), Certain: e.exact("perf.Nodes", ""), Process: "renderer"}
	f.Evidence = []string{perCycle("DOM nodes", nodes)}
	if boxes := e.rate("perf.LayoutObjects", ""); boxes > 0.4*nodes {
		f.Detail = "attached"
		f.Evidence = append(f.Evidence, perCycle("layout objects", boxes))
	} else {
		f.Evidence = append(f.Evidence, "the number of layout objects stays: they are in no document")
	}
	if listeners > 0 {
		f.Evidence = append(f.Evidence, perCycle("event listeners", listeners))
	}
	return f
}

// heap tells plain objects from those that the DevTools protocol holds, as far as the snapshots
// show their roots.
func (e *explaining) heap(rate float64) Finding {
	f := Finding{Cause: CauseJSHeap, Bytes: rate, Certain: e.exact("heap.used", ""), Process: "renderer", Evidence: []string{bytesPerCycle("JavaScript heap after a forced collection", rate)}}
	if share := e.inConsole(); share > 0.5 {
		f.Cause, f.Detail = CauseHandles, "messages of the console"
		f.Evidence = append(f.Evidence, fmt.Sprintf("dropping the messages of the console gives back %.0f %% of what had grown", 100*share))
		return f
	}
	if e.t.heap == nil {
		return f
	}
	for _, p := range e.t.heap.Paths[:min(3, len(e.t.heap.Paths))] {
		f.Evidence = append(f.Evidence, fmt.Sprintf("+%s: %s", mb(float64(p.Bytes)), p.Path))
	}
	if len(e.t.heap.Paths) > 0 {
		if top := e.t.heap.Paths[0]; strings.HasSuffix(top.Path, handlesRoot) {
			f.Cause, f.Detail = CauseHandles, "objects that were not released"
			return f
		}
	}
	f.Detail = e.topClass()
	return f
}

// inConsole is the share of the JavaScript heap's growth that went with the messages of the console.
func (e *explaining) inConsole() float64 {
	heap := Series{"heap.used", ""}
	for _, c := range e.t.recreate {
		if c.Name != RecreateCycle+" "+recreateConsole || len(e.t.cycles) == 0 {
			continue
		}
		first, ok := e.t.cycles[0].After.At(heap)
		before, known := c.Before.At(heap)
		after, had := c.After.At(heap)
		if ok && known && had && before > first {
			return (before - after) / (before - first)
		}
	}
	return 0
}

// handlesRoot ends, in V8's words, the path to what no object of a page holds: objects that a
// DevTools session was given by reference and did not release, and those of console messages.
const handlesRoot = "(Global handles)"

// native finds what no JavaScript figure shows.
func (e *explaining) native() {
	renderer := e.rate("process.anon", "renderer")
	script := e.claimed(CauseArrayBuffers, CauseDOMNodes, CauseListeners, CauseJSHeap, CauseHandles, CauseLocalStorage, CauseServiceWorker) +
		e.rate("heap.embedder", "")
	open := e.has(CausePagesOpen, CauseContextsOpen, CauseIframes, CauseWorkers)
	if renderer > 0 && !open && script < renderer/2 {
		e.rendererNative(renderer - script)
	}
	if b := e.rate("process.anon", "browser"); b > 0 && !open && !e.keeps(b) {
		e.browserNative(b)
	}
	for process, cause := range map[string]Cause{"gpu-process": CauseGPUProcess, "network": CauseNetworkProcess} {
		if r := e.rate("process.anon", process); r > 0 && !open && r > 0.3*e.total {
			e.add(Finding{Cause: cause, Bytes: r, Process: process, Certain: false, Evidence: []string{bytesPerCycle("anonymous memory of the "+process, r)}})
		}
	}
}

// keeps says that storage which grows explains the browser's memory: what is stored is cached there.
func (e *explaining) keeps(bytes float64) bool {
	return e.claimed(CauseIndexedDB, CauseLocalStorage, CauseCacheStorage, CauseCookies, CauseHTTPCache) > bytes/2
}

// rendererNative names what grows outside the heaps, by Chrome's own allocators where they were
// read: an allocation that none of them knows is WebAssembly's.
func (e *explaining) rendererNative(bytes float64) {
	evidence := []string{bytesPerCycle("anonymous memory of the renderers beyond their heaps", bytes)}
	if len(e.t.allocs) == 0 {
		e.add(Finding{Cause: CauseUnknown, Detail: "canvas, images or WebAssembly", Bytes: bytes, Process: "renderer", Evidence: append(evidence, "JavaScript heap, DOM and array buffers stay: it is native memory, such as canvas, images or WebAssembly")})
		return
	}
	graphics := e.allocated("renderer", "canvas", "skia", "cc", "gpu") + e.allocated("gpu-process", "skia", "gpu")
	malloc := e.allocated("renderer", "malloc", "partition_alloc")
	switch {
	case graphics > 0.4*bytes:
		e.add(Finding{Cause: CauseCanvas, Bytes: bytes, Certain: true, Process: "renderer", Evidence: append(evidence, bytesPerCycle("allocators of graphics", graphics))})
	case malloc > 0.4*bytes:
		e.add(Finding{Cause: CauseCanvas, Detail: "decoded images", Bytes: bytes, Process: "renderer", Evidence: append(evidence, bytesPerCycle("malloc, as decoded images and bitmaps are", malloc))})
	default:
		seen := e.allocated("renderer", "private_footprint") > 0.5*bytes
		e.add(Finding{Cause: CauseWasm, Bytes: bytes, Certain: seen && graphics+malloc < 0.1*bytes, Process: "renderer", Evidence: append(evidence, bytesPerCycle("of it known to any allocator", graphics+malloc))})
	}
}

func (e *explaining) browserNative(bytes float64) {
	f := Finding{Cause: CauseBrowserProcess, Bytes: bytes, Process: "browser", Evidence: []string{bytesPerCycle("anonymous memory of the browser process", bytes)}}
	if blobs := e.allocated("browser", "site_storage"); blobs > 0.4*bytes {
		f.Cause, f.Certain = CauseBlobs, true
		f.Evidence = append(f.Evidence, bytesPerCycle("blob storage", blobs))
	}
	e.add(f)
}

// allocated adds up the growth of allocators of one process type, by their names: those of roots,
// which hold their parts.
func (e *explaining) allocated(process string, names ...string) float64 {
	sum := 0.0
	for _, a := range e.t.allocs {
		if a.Process == process && a.Rate > 0 && slices.Contains(names, a.Name) {
			sum += a.Rate
		}
	}
	return sum
}

// worker finds what this program itself holds.
func (e *explaining) worker() {
	routines := e.rate("go.goroutines", "")
	heap := e.rate("go.heap_live", "")
	if routines > 0 {
		f := Finding{Cause: CauseGoroutines, Of: Series{"go.goroutines", ""}, Bytes: math.Max(heap, routines*4096), Certain: e.exact("go.goroutines", ""), Process: Worker, Evidence: []string{perCycle("goroutines", routines)}}
		if heap > 0 {
			f.Evidence = append(f.Evidence, bytesPerCycle("live Go heap", heap))
		}
		e.add(f)
	}
	if heap > 0 && heap > routines*64*kib {
		e.add(Finding{Cause: CauseGoHeap, Bytes: heap, Certain: e.exact("go.heap_live", ""), Process: Worker, Evidence: []string{bytesPerCycle("live Go heap after a forced collection", heap)}})
	}
	if n := e.rate("process.fds", Worker); n > 0 {
		e.add(Finding{Cause: CauseFileDescriptors, Of: Series{"process.fds", Worker}, Bytes: n * 1024, Certain: e.exact("process.fds", Worker), Process: Worker, Evidence: []string{perCycle("open files of the worker", n)}})
	}
}

// settle puts first what explains most of the headline, merges what is said twice, and takes
// back certainty where much of the growth stays unexplained.
func (e *explaining) settle() {
	merged := map[Cause]*Finding{}
	for _, f := range e.found {
		if had := merged[f.Cause]; had != nil {
			had.Bytes += f.Bytes
			had.Certain = had.Certain || f.Certain
			had.Evidence = append(had.Evidence, f.Evidence...)
			continue
		}
		merged[f.Cause] = &f
	}
	e.found = e.found[:0]
	for _, cause := range slices.Sorted(maps.Keys(merged)) {
		e.found = append(e.found, *merged[cause])
	}
	memory := e.by[e.d.Of] != nil && isMemory(e.by[e.d.Of])
	slices.SortStableFunc(e.found, func(a, b Finding) int {
		if firmA, firmB := e.firm(a), e.firm(b); firmA != firmB {
			if firmA {
				return -1
			}
			return 1
		}
		if memory && onDisk(a.Cause) != onDisk(b.Cause) && math.Max(a.Bytes, b.Bytes) < 2*math.Min(a.Bytes, b.Bytes) {
			if onDisk(a.Cause) {
				return 1
			}
			return -1
		}
		if c := compareFloat(b.Bytes, a.Bytes); c != 0 {
			return c
		}
		return precedence[a.Cause] - precedence[b.Cause]
	})
	for i := range e.found {
		if e.total > 0 && memory && e.found[i].Bytes < 0.3*e.total && !onDisk(e.found[i].Cause) {
			e.found[i].Certain = false
		}
		if e.found[i].Process == "" && !onDisk(e.found[i].Cause) {
			e.found[i].Process = e.process()
		}
	}
}

// firm says that what shows a cause is a leak, where the verdict is one, and not only growing.
func (e *explaining) firm(f Finding) bool {
	return e.d.Verdict != Leak || f.Certain || f.Process != "" && e.exact("process.anon", f.Process)
}

func onDisk(c Cause) bool {
	switch c {
	case CauseIndexedDB, CauseLocalStorage, CauseCacheStorage, CauseHTTPCache, CauseCookies, CauseProfileDisk:
		return true
	}
	return false
}

// precedence orders causes that explain as much: what encloses comes before what is enclosed.
var precedence = map[Cause]int{
	CauseContextsOpen: 1, CausePagesOpen: 2, CauseWorkers: 3, CauseServiceWorker: 4, CauseIframes: 5, CauseWebSockets: 6, CauseGoroutines: 7,
	CauseDOMNodes: 8, CauseListeners: 9, CauseArrayBuffers: 10, CauseJSHeap: 11,
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
