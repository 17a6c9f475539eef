package memprof

// How the figures are read, in the words of the table.
const (
	fromStatus  = "/proc/PID/status"
	fromSmaps   = "/proc/PID/smaps_rollup"
	fromMetrics = "Performance.getMetrics"
	fromHeap    = "Runtime.getHeapUsage"
	fromCgroup  = "memory cgroup of this process"
	fromRuntime = "runtime/metrics"
	fromAttach  = "Runtime.getHeapUsage over a session that lasts as long as the call"
	fromVmstat  = "/proc/vmstat"
	fromFolder  = "walk of the folder"
)

// table is the one table of metrics. A new metric is one row here and a value under its name
// from a source.
var table = []Metric{
	process("anon", Bytes, LevelCheap, "anonymous and shared memory, the headline: it does not move with other Chromes on the host", fromStatus+": RssAnon + RssShmem").called("anonymous memory"),
	process("swap", Bytes, LevelCheap, "swapped out", fromStatus+": VmSwap").called("swapped out"),
	process("count", Count, LevelCheap, "processes", "/proc/PID/stat: parents, followed down from Chrome's first process").called("processes"),
	process("threads", Count, LevelCheap, "threads", fromStatus+": Threads").called("threads"),
	process("pss", Bytes, LevelFull, "proportional set size; moves with other Chromes: shown, never judged", fromSmaps+": Pss").called("PSS"),
	process("uss", Bytes, LevelFull, "private pages; moves with other Chromes: shown, never judged", fromSmaps+": Private_Clean + Private_Dirty").called("USS"),
	process("fds", Count, LevelFull, "open file descriptors", "/proc/PID/fd").called("open files"),
	process("sockets", Count, LevelFull, "open file descriptors that are sockets", "/proc/PID/fd: links to socket:[...]").called("sockets"),

	{Name: "page.read", Unit: Count, Scope: PerBrowser, Level: LevelCheap, Tick: true, Means: "pages that were read", Read: "the pool's own list of tabs"},
	isolate("heap.used", Bytes, LevelCheap, "JavaScript heap in use", fromHeap+": usedSize").called("JS heap in use"),
	isolate("heap.total", Bytes, LevelCheap, "JavaScript heap reserved", fromHeap+": totalSize").called("JS heap reserved"),
	isolate("heap.embedder", Bytes, LevelCheap, "DOM and other objects of the embedder's heap", fromHeap+": embedderHeapUsedSize").called("DOM heap"),
	isolate("heap.backing", Bytes, LevelCheap, "backing stores of array buffers and external strings", fromHeap+": backingStorageSize").called("backing stores"),
	isolate("dom.documents", Count, LevelFull, "documents in the renderer", "Memory.getDOMCounters").called("documents (2)"),
	isolate("dom.nodes", Count, LevelFull, "DOM nodes in the renderer", "Memory.getDOMCounters").called("DOM nodes (2)"),
	isolate("dom.listeners", Count, LevelFull, "event listeners in the renderer", "Memory.getDOMCounters").called("listeners (2)"),

	{Name: "target.count", Label: "open targets", Unit: Count, Scope: PerTarget, Level: LevelCheap, Tick: true, Witness: "context.count", Means: "open targets by type; a page counts once", Read: "Target.getTargets"},
	{Name: "target.open", Unit: Count, Scope: PerTarget, Level: LevelCheap, Means: "one open target, with its URL and opener", Read: "Target.getTargets"},
	{Name: "context.count", Label: "browser contexts", Unit: Count, Scope: PerBrowser, Level: LevelCheap, Tick: true, Means: "browser contexts beside the default one", Read: "Target.getBrowserContexts"},

	{Name: "isolate.read", Unit: Count, Scope: PerBrowser, Level: LevelFull, Means: "isolates that were read beside those of the pages: of workers, service workers, frames in processes of their own, and pages that nobody has a session of", Read: "Target.getTargets, Runtime.getIsolateId"},
	other("heap_used", "JavaScript heap in use, by type of target", fromAttach+": usedSize").called("other JS heaps"),
	other("heap_embedder", "objects of the embedder's heap, by type of target", fromAttach+": embedderHeapUsedSize").called("other DOM heaps"),
	other("heap_backing", "backing stores of array buffers and external strings, by type of target", fromAttach+": backingStorageSize").called("other backing stores"),

	{Name: "storage.origins", Unit: Count, Scope: PerBrowser, Level: LevelFull, Means: "origins that pages and their frames have shown, in browser contexts that still exist: the newest 50 of each", Read: "Page.getFrameTree"},
	{Name: "storage.bytes", Label: "storage", Unit: Bytes, Scope: PerKind, Level: LevelFull, Witness: "storage.origins", Means: "stored by those origins, by bucket (indexeddb, cache_storage, service_workers, file_systems); what frames of other sites store apart from their own site does not show", Read: "Storage.getUsageAndQuota: usageBreakdown"},
	{Name: "storage.pages", Unit: Count, Scope: PerBrowser, Level: LevelFull, Means: "pages that were asked what they keep in localStorage and sessionStorage", Read: "the pool's own list of tabs"},
	{Name: "storage.shown", Unit: Count, Scope: PerBrowser, Level: LevelFull, Means: "origins that those pages show, and that were asked; absent where they show none", Read: "Page.getFrameTree"},
	{Name: "storage.local", Label: "local storage", Unit: Bytes, Scope: PerBrowser, Level: LevelFull, Witness: "storage.shown", Means: "localStorage of the origins that pages show, each once: two bytes for each unit of UTF-16", Read: "localStorage, in a world that the page does not see"},
	{Name: "storage.session", Label: "session storage", Unit: Bytes, Scope: PerBrowser, Level: LevelFull, Witness: "storage.shown", Means: "sessionStorage of the pages: two bytes for each unit of UTF-16", Read: "sessionStorage, in a world that the page does not see"},
	{Name: "storage.cookies", Label: "cookies", Unit: Count, Scope: PerBrowser, Level: LevelFull, Means: "cookies of all browser contexts", Read: "Storage.getCookies, on the session of the browser"},

	{Name: "profile.bytes", Label: "profile folder", Unit: Bytes, Scope: PerKind, Level: LevelFull, Witness: "profile.files", Means: "size of the files in the profile folder, in all and by kind (http-cache, code-cache, gpu-cache, indexeddb, cache-storage, service-worker, local-storage, session-storage, file-system, web-storage, cookies, history, other)", Read: fromFolder},
	{Name: "profile.files", Label: "profile files", Unit: Count, Scope: PerBrowser, Level: LevelFull, Means: "files in the profile folder", Read: fromFolder},

	{Name: "store.bytes", Label: "Ebb's database", Unit: Bytes, Scope: PerHost, Level: LevelFull, Means: "size of the database of runs and items", Read: "the file, its -wal and its -shm; pg_database_size"},

	perf("Documents", Count, "documents in the renderer").called("documents"),
	perf("Frames", Count, "frames in the renderer").called("frames"),
	perf("Nodes", Count, "DOM nodes in the renderer, attached or not").called("DOM nodes"),
	perf("JSEventListeners", Count, "event listeners in the renderer").called("event listeners"),
	perf("LayoutObjects", Count, "layout objects").called("layout objects"),
	perf("Resources", Count, "cached resources"),
	perf("ResourceFetchers", Count, "resource fetchers, one a document"),
	perf("ArrayBufferContents", Count, "backing stores of array buffers").called("array buffers"),
	perf("ContextLifecycleStateObservers", Count, "objects that watch their document's life"),
	perf("DetachedScriptStates", Count, "script states of documents that are gone"),
	perf("V8PerContextDatas", Count, "JavaScript contexts"),
	perf("WorkerGlobalScopes", Count, "workers"),
	perf("UACSSResources", Count, "user agent style sheets"),
	perf("AdSubframes", Count, "frames that Chrome takes for advertisements"),
	perf("AudioHandlers", Count, "audio handlers"),
	perf("AudioWorkletProcessors", Count, "audio worklet processors"),
	perf("MediaKeySessions", Count, "media key sessions"),
	perf("MediaKeys", Count, "media keys"),
	perf("RTCPeerConnections", Count, "WebRTC connections"),
	perf("JSHeapUsedSize", Bytes, "JavaScript heap in use, as heap.used"),
	perf("JSHeapTotalSize", Bytes, "JavaScript heap reserved, as heap.total"),
	counter("LayoutCount", Count, "layouts done"),
	counter("RecalcStyleCount", Count, "style recalculations done"),
	counter("LayoutDuration", Seconds, "time in layout"),
	counter("RecalcStyleDuration", Seconds, "time in style recalculation"),
	counter("DevToolsCommandDuration", Seconds, "time in answers to DevTools: what measuring and driving cost the page"),
	counter("ScriptDuration", Seconds, "time in scripts"),
	counter("V8CompileDuration", Seconds, "time in compiling scripts"),
	counter("TaskDuration", Seconds, "time in all tasks"),
	counter("TaskOtherDuration", Seconds, "time in tasks of no other kind"),
	counter("ThreadTime", Seconds, "processor time of the main thread"),
	counter("ProcessTime", Seconds, "processor time of the renderer"),
	counter("Timestamp", Seconds, "Chrome's clock at the reading"),
	counter("NavigationStart", Seconds, "Chrome's clock at the last navigation"),
	counter("DomContentLoaded", Seconds, "Chrome's clock at DOMContentLoaded"),
	counter("FirstMeaningfulPaint", Seconds, "Chrome's clock at the first meaningful paint"),

	host("go.heap_live", Bytes, LevelCheap, true, "live heap of this program at its last collection", fromRuntime+": /gc/heap/live:bytes").called("live Go heap"),
	host("go.heap_objects", Bytes, LevelCheap, true, "heap of this program, live or not yet swept", fromRuntime+": /memory/classes/heap/objects:bytes").called("Go heap objects"),
	host("go.stacks", Bytes, LevelCheap, true, "stacks of goroutines", fromRuntime+": /memory/classes/heap/stacks:bytes").called("Go stacks"),
	host("go.total", Bytes, LevelCheap, true, "memory that the Go runtime holds", fromRuntime+": /memory/classes/total:bytes").called("total Go memory"),
	host("go.released", Bytes, LevelCheap, true, "of go.total, given back to the system", fromRuntime+": /memory/classes/heap/released:bytes"),
	host("go.goroutines", Count, LevelCheap, true, "goroutines of this program", fromRuntime+": /sched/goroutines:goroutines").called("goroutines"),
	host("go.gc_cycles", Count, LevelCheap, true, "collections done", fromRuntime+": /gc/cycles/total:gc-cycles"),

	host("cgroup.current", Bytes, LevelCheap, true, "memory charged, page cache included", fromCgroup+": memory.current, memory.usage_in_bytes"),
	host("cgroup.limit", Bytes, LevelCheap, true, "lowest limit of the cgroup and those above it; absent when there is none", fromCgroup+": memory.max, memory.limit_in_bytes"),
	host("cgroup.oom_kills", Count, LevelCheap, true, "processes killed at the limit", fromCgroup+": memory.events, memory.oom_control"),
	host("cgroup.oom", Count, LevelFull, false, "times that the limit was reached and nothing could be taken back (version 2 only)", fromCgroup+": memory.events"),
	host("cgroup.max", Count, LevelFull, false, "times that the limit was reached; page cache does that too, without harm", fromCgroup+": memory.events, memory.failcnt"),
	host("cgroup.high", Count, LevelFull, false, "times that memory.high was exceeded (version 2 only)", fromCgroup+": memory.events"),
	host("cgroup.peak", Bytes, LevelFull, false, "highest use so far", fromCgroup+": memory.peak, memory.max_usage_in_bytes"),
	host("cgroup.anon", Bytes, LevelFull, false, "anonymous memory", fromCgroup+": memory.stat"),
	host("cgroup.file", Bytes, LevelFull, false, "page cache", fromCgroup+": memory.stat"),
	host("cgroup.shmem", Bytes, LevelFull, false, "shared memory and tmpfs", fromCgroup+": memory.stat"),
	host("cgroup.swap", Bytes, LevelFull, false, "swapped out", fromCgroup+": memory.swap.current, memory.stat"),
	host("cgroup.pressure_some", Percent, LevelFull, false, "share of the last 10 s in which some task waited for memory", fromCgroup+": memory.pressure"),
	host("cgroup.pressure_stall", Seconds, LevelFull, false, "time in which some task waited for memory, in all", fromCgroup+": memory.pressure"),

	host("host.memory", Bytes, LevelFull, false, "memory of the machine", "/proc/meminfo: MemTotal"),
	host("host.available", Bytes, LevelFull, false, "memory available without swapping", "/proc/meminfo: MemAvailable"),
	host("host.swap_used", Bytes, LevelFull, false, "swap in use", "/proc/meminfo: SwapTotal - SwapFree"),
	host("host.load", Count, LevelFull, false, "load average of the last minute", "/proc/loadavg"),
	host("host.swap_in", Bytes, LevelFull, false, "read back from swap, in all", fromVmstat+": pswpin"),
	host("host.swap_out", Bytes, LevelFull, false, "written to swap, in all", fromVmstat+": pswpout"),
	host("host.chromes", Count, LevelFull, false, "Chromes that this program did not start, as far as it sees their processes", "/proc/PID/cmdline of all processes"),
	host("host.cpu_pressure_some", Percent, LevelFull, false, "share of the last 10 s in which some task of the host waited for a processor", "/proc/pressure/cpu"),
	host("host.io_pressure_some", Percent, LevelFull, false, "share of the last 10 s in which some task of the host waited for a disk", "/proc/pressure/io"),
	host("host.pressure_some", Percent, LevelFull, false, "share of the last 10 s in which some task of the host waited for memory", "/proc/pressure/memory"),
	host("host.pressure_stall", Seconds, LevelFull, false, "time in which some task of the host waited for memory, in all", "/proc/pressure/memory"),
}

// called gives a row its label.
func (m Metric) called(label string) Metric {
	m.Label = label
	return m
}

func process(name string, unit Unit, level Level, means, read string) Metric {
	return Metric{
		Name: "process." + name, Unit: unit, Scope: PerProcess, Level: level, Tick: level == LevelCheap,
		Quick: name == "anon" || name == "count", Witness: "process.count", Means: means, Read: read,
	}
}

// other is of an isolate that is not that of a page.
func other(name, means, read string) Metric {
	return Metric{
		Name: "isolate." + name, Unit: Bytes, Scope: PerKind, Level: LevelFull,
		Witness: "isolate.read", Means: means, Read: read,
	}
}

func isolate(name string, unit Unit, level Level, means, read string) Metric {
	return Metric{
		Name: name, Unit: unit, Scope: PerIsolate, Level: level, Tick: level == LevelCheap,
		Witness: "page.read", Means: means, Read: read,
	}
}

func perf(field string, unit Unit, means string) Metric {
	tick := map[string]bool{"Documents": true, "Frames": true, "Nodes": true, "JSEventListeners": true}
	return Metric{
		Name: "perf." + field, Unit: unit, Scope: PerIsolate, Level: LevelCheap, Tick: tick[field],
		Witness: "page.read", Means: means, Read: fromMetrics,
	}
}

func counter(field string, unit Unit, means string) Metric {
	row := perf(field, unit, means)
	row.Cumulative = true
	return row
}

func host(name string, unit Unit, level Level, tick bool, means, read string) Metric {
	cumulative := map[string]bool{
		"go.gc_cycles": true, "cgroup.oom_kills": true, "cgroup.oom": true, "cgroup.max": true, "cgroup.high": true,
		"cgroup.pressure_stall": true, "host.pressure_stall": true, "host.swap_in": true, "host.swap_out": true,
	}
	return Metric{
		Name: name, Unit: unit, Scope: PerHost, Level: level, Tick: tick, Cumulative: cumulative[name],
		Means: means, Read: read,
	}
}
