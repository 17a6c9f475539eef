package leaky

import (
	"slices"
	"time"
)

// Case is one page and what is true of it. What the page does in one visit is one
// cycle. The truth holds for 25 cycles in a Chrome of its own whose garbage is
// collected before each reading, and whose console nobody empties.
type Case struct {
	// Name is the case's, its site's and its path's.
	Name string
	// Twin is the name of the case that does as much and keeps nothing; "" for a twin
	// itself, and for shapes that are no leak.
	Twin string
	// Leaks says that the case grows without bound.
	Leaks bool
	// Cause is why, one of a fixed set of words; "none" where nothing is kept.
	Cause string
	// Also are causes that would be as right.
	Also []string
	// Verdict is leak, stable, spike or step.
	Verdict string
	// Shape is linear, accelerating, step, saturating, sawtooth, spike or stable.
	Shape string
	// Metric is the series that tells the truth: "metric" or "metric/group".
	Metric string
	// Rate is the growth of Metric in one cycle, in bytes or counts; 0 where Leaks is
	// false. Of an accelerating leak it is the mean of the last 5 of 25 cycles, and the
	// tolerance is for the curve that is fitted to them.
	Rate float64
	// Tolerance is the share of Rate by which a perfect measurement may be off, for what
	// the allocator adds. Default: 0, the rate is exact.
	Tolerance float64
	// Height is the height of a step, a sawtooth, a spike or a full cache, in bytes.
	Height float64
	// At is the visit at which a step or a spike comes. Default: 0, none does.
	At int
	// Phase is when it grows: scrape, cleanup or idle; "" where that comes to nothing.
	Phase string
	// Fault is what the worker itself must do wrong in each cycle, since no page can:
	// one of the Fault constants. A twin has the same Fault: the worker does as much
	// and gives it back. Default: "", nothing.
	Fault string
	// Popups says that Chrome must leave windows open that pages open.
	Popups bool
	// Flags are what Chrome must be started with besides. Default: none.
	Flags []string
	// Idle is how long the page must be left alone after each visit. Default: 0.
	Idle time.Duration
	// Quick says that the case is one of the small set.
	Quick bool
	// Means says in one sentence what the page does.
	Means string

	script string   // the name of its file in assets/cases; "" is the case's name
	mode   mode     // who begins a visit
	steps  []string // of the site file
}

// What a worker must do wrong, by Case.Fault, and how much of it in one cycle.
const (
	// FaultGoHeap is to keep GoHeapBytes of the program's own heap.
	FaultGoHeap = "go-heap"
	// FaultGoroutines is to leave GoroutineCount goroutines waiting.
	FaultGoroutines = "goroutines"
	// FaultFiles is to leave FileCount files open.
	FaultFiles = "file-descriptors"
	// FaultHandles is to evaluate HandleExpression in the page by reference, and not to
	// release the object: it is of HandleBytes.
	FaultHandles = "cdp-handles"
	// FaultPages is to leave one blank page open.
	FaultPages = "pages-open"
	// FaultContexts is to leave one browser context behind, without a page.
	FaultContexts = "contexts-open"

	GoHeapBytes      = 1 << 20
	GoroutineCount   = 10
	FileCount        = 5
	HandleExpression = "handle()"
	HandleBytes      = 100 << 10
)

// mode says who begins a visit.
type mode string

const (
	kept   mode = ""       // a step, in a document that stays open between cycles
	fresh  mode = "fresh"  // the document itself when it has loaded, in a tab used again
	moving mode = "moving" // the same, but steps lead from document to document
)

// Cases returns all cases: each leak, its clean twin after it, and then the shapes
// that are no leak.
func Cases() []Case {
	var list []Case
	for _, leak := range slices.Concat(heapLeaks, domLeaks, nativeLeaks, frameLeaks, workerLeaks, storageLeaks, shapeLeaks, moveLeaks, workersOwn) {
		leak.Leaks, leak.Verdict, leak.Twin = true, "leak", leak.Name+"-clean"
		if leak.Shape == "" {
			leak.Shape = "linear"
		}
		if leak.Phase == "" {
			leak.Phase = "scrape"
		}
		if leak.script == "" {
			leak.script = leak.Name
		}
		list = append(list, leak, twin(leak))
	}
	for _, shape := range shapes {
		shape.script = shape.Name
		if shape.Verdict != "stable" {
			shape.Phase = "scrape"
		}
		list = append(list, shape)
	}
	return list
}

// twin is the case that does as much as a leak and keeps nothing.
func twin(leak Case) Case {
	twin := leak
	twin.Name, twin.Twin, twin.Leaks = leak.Twin, "", false
	twin.Cause, twin.Also, twin.Verdict, twin.Shape, twin.Phase = "none", nil, "stable", "stable", ""
	twin.Rate, twin.Tolerance = 0, 0
	twin.Means = "The twin of " + leak.Name + ": it does as much and keeps nothing."
	return twin
}

// Find returns the case of a name.
func Find(name string) (Case, bool) {
	for _, c := range Cases() {
		if c.Name == name {
			return c, true
		}
	}
	return Case{}, false
}
