package memprof

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

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
		if c.Name != RecreateCycle+" "+RecreateConsole || len(e.t.cycles) == 0 {
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
