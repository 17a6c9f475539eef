package leaky

import "time"

const (
	kib = 1 << 10
	mib = 1 << 20
)

// heapLeaks are leaks of the page's own JavaScript heap.
var heapLeaks = []Case{
	{
		Name: "global-array", Cause: "js-heap", Metric: "heap.used", Rate: 100 * kib, Tolerance: .02, Quick: true,
		Means: "A global array gets 100 KiB more at every visit.",
	},
	{
		Name: "map-cache", Cause: "js-heap", Metric: "heap.used", Rate: 40_048, Tolerance: .05,
		Means: "A Map caches 1,000 records for each address, without a bound.",
	},
	{
		Name: "closures", Cause: "js-heap", Metric: "heap.used", Rate: 50 * kib, Tolerance: .02,
		Means: "Subscribers that never leave hold on to 50 KiB each.",
	},
	{
		Name: "timers", Cause: "js-heap", Metric: "heap.used", Rate: 50 * kib, Tolerance: .02,
		Means: "A timer that nobody stops uses 50 KiB of data.",
	},
	{
		Name: "console", Cause: "cdp-handles", Also: []string{"js-heap"}, Metric: "heap.used", Rate: 50 * kib, Tolerance: .02,
		Means: "The console keeps an object of 50 KiB with each message, until it is emptied.",
	},
}

// domLeaks are leaks of elements and listeners.
var domLeaks = []Case{
	{
		Name: "attached-nodes", Cause: "dom-nodes", Metric: "perf.Nodes", Rate: 200,
		Means: "A list gets 100 paragraphs longer at every visit.",
	},
	{
		Name: "detached-nodes", Cause: "dom-nodes", Metric: "perf.Nodes", Rate: 201, Quick: true,
		Means: "A variable knows 201 nodes more that were taken out of the document.",
	},
	{
		Name: "one-element", Cause: "dom-nodes", Also: []string{"event-listeners"}, Metric: "perf.Nodes", Rate: 1, Quick: true,
		Means: "One element with one listener is added at each visit.",
	},
	{
		Name: "event-listeners", Cause: "event-listeners", Metric: "perf.JSEventListeners", Rate: 100,
		Means: "100 listeners are added to the window and never removed.",
	},
	{
		Name: "rerender", Cause: "dom-nodes", Also: []string{"event-listeners"}, Metric: "perf.Nodes", Rate: 101,
		steps: []string{"click: \"#next\""},
		Means: "A click draws a list anew, and the list of before is kept with its listeners.",
	},
}

// nativeLeaks are leaks of memory that JavaScript only has handles of.
var nativeLeaks = []Case{
	{
		Name: "array-buffers", Cause: "array-buffers", Metric: "heap.backing", Rate: mib,
		Means: "An array buffer of 1 MiB is written to and kept.",
	},
	{
		Name: "restored-state", Cause: "array-buffers", Metric: "heap.backing", Rate: mib,
		Means: "An array buffer of 1 MiB is written to and kept, and two more each time that the page finds localStorage empty.",
	},
	{
		Name: "untouched-buffers", Cause: "array-buffers", Metric: "heap.backing", Rate: 1_000_000, Quick: true,
		Means: "An array buffer of 1,000,000 bytes is kept that nobody writes to.",
	},
	{
		Name: "wasm-memory", Cause: "wasm", Metric: "process.anon/renderer", Rate: 2 * mib, Tolerance: .1,
		Means: "A WebAssembly memory of 2 MiB is kept.",
	},
	{
		Name: "blob-urls", Cause: "blobs", Also: []string{"browser-process"}, Metric: "process.anon/browser", Rate: 2 * mib, Tolerance: .1,
		Means: "The address of a blob of 2 MiB is never revoked.",
	},
	{
		Name: "canvas-2d", Cause: "canvas-gpu", Metric: "process.anon/renderer", Rate: 2 * mib, Tolerance: .1,
		Means: "A canvas of 2 MiB is drawn on and kept.",
	},
	{
		Name: "image-bitmaps", Cause: "canvas-gpu", Metric: "process.anon/renderer", Rate: 2 * mib, Tolerance: .1,
		Means: "A bitmap of 2 MiB is never closed.",
	},
	{
		Name: "webgl-textures", Cause: "gpu-process", Also: []string{"canvas-gpu"}, Metric: "process.anon/gpu-process", Rate: 4_000_000, Tolerance: .1,
		Means: "A WebGL texture of 4 MB is never deleted.",
	},
	{
		Name: "history-states", Cause: "browser-process", Metric: "process.anon/browser", Rate: mib, Tolerance: .1,
		Means: "An entry of the tab's history with a state of 1 MiB is added.",
	},
}

// shapeLeaks are leaks that do not grow by the same at every visit.
var shapeLeaks = []Case{
	{
		Name: "accelerating", Cause: "array-buffers", Shape: "accelerating", Metric: "heap.backing", Rate: 2_300_000, Tolerance: .05, Quick: true,
		Means: "Each visit keeps 100,000 bytes more than the one before.",
	},
	{
		Name: "jumps", Cause: "js-heap", Metric: "heap.used", Rate: 78_000, Tolerance: .2,
		Means: "16,000 arrays get one number each, and grow by half when they are full.",
	},
	{
		Name: "every-third", Cause: "array-buffers", Metric: "heap.backing", Rate: mib, Tolerance: .1,
		Means: "Every third visit keeps an array buffer of 3 MiB.",
	},
	{
		Name: "idle-timer", Cause: "array-buffers", Metric: "heap.backing", Rate: mib, Phase: "idle", Idle: 3 * time.Second,
		Means: "Some time after each visit 1 MiB is kept.",
	},
}

// shapes are growth that ends.
var shapes = []Case{
	{
		Name: "step", Cause: "array-buffers", Verdict: "step", Shape: "step", Metric: "heap.backing", Height: 20 * mib, At: 12,
		Means: "The twelfth visit loads 20 MiB for good.",
	},
	{
		Name: "full-cache", Cause: "none", Verdict: "stable", Shape: "saturating", Metric: "heap.backing", Height: 10 * mib,
		Means: "A cache of ten entries of 1 MiB fills up.",
	},
	{
		Name: "sawtooth", Cause: "none", Verdict: "stable", Shape: "sawtooth", Metric: "heap.backing", Height: 7 * mib,
		Means: "A log of 1 MiB a visit is cleared at every eighth.",
	},
	{
		Name: "spike", Cause: "spike", Verdict: "spike", Shape: "spike", Metric: "process.anon/renderer", Height: 100 * mib, At: 12, Quick: true,
		Means: "The twelfth visit needs 100 MiB for a second.",
	},
}
