package leaky

// frameLeaks are leaks of frames and windows.
var frameLeaks = []Case{
	{
		Name: "iframes", Cause: "iframes", Metric: "perf.Frames", Rate: 1, Quick: true,
		Means: "A frame of the same site is added.",
	},
	{
		Name: "iframes-cross-site", Cause: "iframes", Metric: "perf.Frames", Rate: 1,
		Means: "A frame of another site is added.",
	},
	{
		Name: "iframes-new-site", Cause: "iframes", Metric: "perf.Frames", Rate: 1,
		Means: "A frame of a site that no frame was of before is added.",
	},
	{
		Name: "iframes-isolated", Cause: "iframes", Metric: "target.count/iframe", Rate: 1,
		script: "iframes-cross-site", Flags: []string{"--site-per-process"},
		Means: "A frame of another site is added, in a process of that site.",
	},
	{
		Name: "frame-documents", Cause: "iframes", Also: []string{"dom-nodes", "js-heap"}, Metric: "perf.Documents", Rate: 1,
		Means: "A frame is removed while a variable knows its document.",
	},
	{
		Name: "popups", Cause: "pages-open", Metric: "target.count/page", Rate: 1, mode: fresh, Popups: true,
		Means: "A window is opened and left open.",
	},
}

// workerLeaks are leaks of workers and connections.
var workerLeaks = []Case{
	{
		Name: "workers", Cause: "workers", Metric: "target.count/worker", Rate: 1,
		Means: "A dedicated worker is started and never terminated.",
	},
	{
		Name: "worker-heap", Cause: "workers", Metric: "isolate.heap_used/worker", Rate: 100 * kib, Tolerance: .02,
		Means: "A worker keeps 100 KiB more.",
	},
	{
		Name: "shared-workers", Cause: "workers", Metric: "target.count/shared_worker", Rate: 1,
		Means: "A shared worker of a new name is started.",
	},
	{
		Name: "service-worker-memory", Cause: "service-worker", Metric: "isolate.heap_backing/service_worker", Rate: mib, mode: fresh,
		Means: "A service worker keeps a buffer of 1 MiB.",
	},
	{
		Name: "service-worker-cache", Cause: "cache-storage", Also: []string{"service-worker"}, Metric: "storage.bytes/cache_storage", Rate: mib, Tolerance: .02,
		Means: "A service worker caches an answer of 1 MiB.",
	},
	{
		Name: "websockets", Cause: "websockets", Metric: "process.sockets/network", Rate: 1,
		Means: "A websocket is opened and never closed.",
	},
}

// storageLeaks are leaks on disk, or of what stands for it.
var storageLeaks = []Case{
	{
		Name: "indexed-db", Cause: "indexeddb", Metric: "storage.bytes/indexeddb", Rate: mib, Tolerance: .02,
		Means: "A record of 1 MiB is added to a database.",
	},
	{
		Name: "local-storage", Cause: "local-storage", Metric: "storage.local", Rate: 16_404,
		Means: "An entry of 8,202 characters is added to localStorage.",
	},
	{
		Name: "session-storage", Cause: "local-storage", Metric: "storage.session", Rate: 16_404,
		Means: "An entry of 8,202 characters is added to sessionStorage.",
	},
	{
		Name: "cache-storage", Cause: "cache-storage", Metric: "storage.bytes/cache_storage", Rate: mib, Tolerance: .02,
		Means: "An answer of 1 MiB is added to a cache.",
	},
	{
		Name: "http-cache", Cause: "http-cache", Metric: "profile.bytes/http-cache", Rate: mib, Tolerance: .02, mode: fresh,
		Means: "An answer of 1 MiB is fetched that Chrome may keep for a day.",
	},
	{
		Name: "cookies", Cause: "cookies", Metric: "storage.cookies", Rate: 1, mode: fresh, Phase: "cleanup",
		Means: "A cookie is set whenever the page is left.",
	},
	{
		Name: "private-files", Cause: "profile-disk", Metric: "storage.bytes/file_systems", Rate: mib, Tolerance: .02,
		Means: "A file of 1 MiB is written into the origin's private file system.",
	},
}

// Steps that lead away from a document and back to it.
var (
	thereAndBack = []string{"click: \"a#b\"", `wait: {selector: "html[data-page=b][data-done]"}`, "click: \"a#a\"", `wait: {selector: "html[data-page=a][data-done]"}`}
	replaced     = []string{`evaluate: location.replace("b")`, `wait: {selector: "html[data-page=b][data-done]"}`, `evaluate: location.replace("./")`, `wait: {selector: "html[data-page=a][data-done]"}`}
	backAgain    = []string{"click: \"a#b\"", `wait: {selector: "html[data-page=b][data-done]"}`, "back: true", `wait: {selector: "html[data-page=a][data-done]"}`}
	posted       = []string{"click: \"#post button\"", `wait: {selector: "html[data-page=b][data-done]"}`, "click: \"a#a\"", `wait: {selector: "html[data-page=a][data-done]"}`}
	reloaded     = []string{"evaluate: again(() => location.reload())", `wait: {selector: "html[data-done]"}`}
)

// moveLeaks are leaks that survive navigations, of every kind. Each cycle has two
// documents, but where the document stays or is loaded again.
var moveLeaks = []Case{
	{
		Name: "move-link", Cause: "indexeddb", Metric: "storage.bytes/indexeddb", Rate: 2 * mib, Tolerance: .02,
		script: "indexed-db", mode: moving, steps: thereAndBack,
		Means: "Links lead to another document and back; each adds 1 MiB to a database.",
	},
	{
		Name: "move-replace", Cause: "local-storage", Metric: "storage.local", Rate: 32_808,
		script: "local-storage", mode: moving, steps: replaced,
		Means: "location.replace leads to another document and back; each adds an entry to localStorage.",
	},
	{
		Name: "move-back", Cause: "cache-storage", Metric: "storage.bytes/cache_storage", Rate: 2 * mib, Tolerance: .02,
		script: "cache-storage", mode: moving, steps: backAgain,
		Means: "A link leads to another document and the history back; each adds 1 MiB to a cache.",
	},
	{
		Name: "move-post", Cause: "local-storage", Metric: "storage.session", Rate: 32_808,
		script: "session-storage", mode: moving, steps: posted,
		Means: "A form is posted and a link leads back; each document adds an entry to sessionStorage.",
	},
	{
		Name: "move-reload", Cause: "js-heap", Metric: "heap.used", Rate: 100 * kib, Tolerance: .02,
		mode: moving, steps: reloaded, Popups: true,
		Means: "The document is loaded again and leaves 100 KiB in a window that it opened once.",
	},
	{
		Name: "move-push", Cause: "event-listeners", Metric: "perf.JSEventListeners", Rate: 10,
		Means: "pushState leads to another route and the history back; each adds 10 listeners.",
	},
	{
		Name: "move-hash", Cause: "dom-nodes", Metric: "perf.Nodes", Rate: 51,
		Means: "The fragment changes and the view of before is kept.",
	},
	{
		Name: "move-write", Cause: "dom-nodes", Metric: "perf.Nodes", Rate: 112,
		Means: "document.write makes the document anew and the elements of before are kept.",
	},
}

// workersOwn are faults of the worker that drives Chrome. The page keeps nothing.
var workersOwn = []Case{
	{
		Name: "go-heap", Fault: FaultGoHeap, Cause: "go-heap", Metric: "go.heap_live", Rate: GoHeapBytes, Tolerance: .02, script: "still",
		Means: "The worker keeps 1 MiB of its own heap.",
	},
	{
		Name: "goroutines", Fault: FaultGoroutines, Cause: "goroutines", Metric: "go.goroutines", Rate: GoroutineCount, script: "still",
		Means: "The worker leaves 10 goroutines waiting.",
	},
	{
		Name: "file-descriptors", Fault: FaultFiles, Cause: "file-descriptors", Metric: "process.fds/worker", Rate: FileCount, script: "still",
		Means: "The worker leaves 5 files open.",
	},
	{
		Name: "cdp-handles", Fault: FaultHandles, Cause: "cdp-handles", Also: []string{"js-heap"}, Metric: "heap.used", Rate: HandleBytes, Tolerance: .02, script: "still",
		Means: "The worker asks for an object of 100 KiB and does not release it.",
	},
	{
		Name: "pages-open", Fault: FaultPages, Cause: "pages-open", Metric: "target.count/page", Rate: 1, script: "still",
		Means: "The worker leaves a page open.",
	},
	{
		Name: "contexts-open", Fault: FaultContexts, Cause: "contexts-open", Metric: "context.count", Rate: 1, script: "still",
		Means: "The worker leaves a browser context behind.",
	},
}
