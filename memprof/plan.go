package memprof

import "time"

// Names of the notes that a diagnosis writes into its recording. A recording without a PlanNote
// is of a worker's regular life.
const (
	PlanNote       = "plan"       // a Plan, before the first cycle
	CollectNote    = "collect"    // a CollectReport, after each forced collection
	RunNote        = "run"        // a RunReport, after each run of a site
	ExtensionNote  = "extension"  // an Extension, when the run is lengthened
	HeapNote       = "heap"       // a HeapEvidence
	AllocatorsNote = "allocators" // a list of Allocator
	EarlierNote    = "earlier"    // a list of EarlierVerdict, of recordings in the same folder
	VerdictNote    = "verdict"    // an EarlierVerdict of this recording, for later ones
	MissingNote    = "missing"    // a text: what could not be measured, and why
	DroppedNote    = "dropped"    // a number of lines that were not written, as the disk was too slow
	DeathNote      = "death"      // a DeathReport, when a process of Chrome died unasked
	PopupsNote     = "popups"     // a PopupReport, after a run whose pages opened windows
)

// Names of the cycles of a diagnosis. Only those named JudgedCycle are judged.
const (
	JudgedCycle   = "cycle"
	EvidenceCycle = "evidence"
	StoppedCycle  = "stopped" // one that did not come to its end
	// RecreateCycle, a blank and RecreateConsole, ... names what was done away with.
	RecreateCycle = "recreate"
)

// What is done away with after the last cycle, in this order: the messages of consoles, the pages, the
// browser contexts, and the browser, with everything.
const (
	RecreateConsole  = "console"
	RecreatePages    = "pages"
	RecreateContexts = "contexts"
	RecreateBrowser  = "browser"
)

// Plan is what a diagnosis set out to do.
type Plan struct {
	Cycles int        `json:"cycles"`
	Sites  []PlanSite `json:"sites"`
	// Settle and Idle are how long memory settles, and the browser idles, in each cycle.
	Settle time.Duration `json:"settle_ns"`
	Idle   time.Duration `json:"idle_ns"`
	// UntilCertain says that fewer cycles may do.
	UntilCertain bool `json:"until_certain,omitempty"`
	// Parallel says that the sites of a cycle run at once.
	Parallel bool `json:"parallel,omitempty"`
	// Limit is the memory limit in bytes, and LimitIs whose it is; 0 for none.
	Limit   float64 `json:"limit_bytes,omitempty"`
	LimitIs string  `json:"limit_is,omitempty"`
	// Control is the planted leak: what it grows by per cycle, by metric; nil for none.
	Control map[string]float64 `json:"control,omitempty"`
	// ControlNote says why there is no control, or what it lacks.
	ControlNote string `json:"control_note,omitempty"`
}

// PlanSite is one site of a Plan.
type PlanSite struct {
	Name string `json:"name"`
	// Isolation is what runs share, Keep whether a document stays open between them.
	Isolation string `json:"isolation"`
	Keep      string `json:"keep,omitempty"`
	Schedule  string `json:"schedule,omitempty"`
	// RunsPerDay is how often the schedule fires a day; 0 without one.
	RunsPerDay float64 `json:"runs_per_day,omitempty"`
	// Templates are the names of the site's templates.
	Templates []string `json:"templates,omitempty"`
}

// CollectReport is what became of one forced collection. What could not be collected is a gap.
type CollectReport struct {
	// Before is the kind of phase that it ended.
	Before   Kind          `json:"before"`
	Took     time.Duration `json:"took_ns"`
	Isolates int           `json:"isolates"`
}

// RunReport is what came of one run of a site.
type RunReport struct {
	Cycle int    `json:"cycle"`
	Site  string `json:"site"`
	Pages int    `json:"pages"`
	Items int    `json:"items"`
	// Fetched is how many bytes its pages fetched, as they came over the network; only in an experiment. Of
	// runs that overlap only the sum is true.
	Fetched float64 `json:"fetched_bytes,omitempty"`
	// Failed pages; Error says why the run is not done. Lost says that it visited no page, or failed as
	// a whole: the cycle did not do what the others did.
	Failed int    `json:"failed,omitempty"`
	Error  string `json:"error,omitempty"`
	Lost   bool   `json:"lost,omitempty"`
}

// PopupReport counts the windows that a site's pages opened in one run.
type PopupReport struct {
	Cycle  int    `json:"cycle"`
	Site   string `json:"site"`
	Opened int    `json:"opened"`
}

// Extension is one lengthening of a diagnosis.
type Extension struct {
	From int    `json:"from"`
	To   int    `json:"to"`
	Why  string `json:"why"`
}

// EarlierVerdict is what an earlier recording came to.
type EarlierVerdict struct {
	Time        time.Time `json:"time"`
	Verdict     Verdict   `json:"verdict"`
	Cause       Cause     `json:"cause"`
	Fingerprint string    `json:"fingerprint,omitempty"`
	Sites       []string  `json:"sites"`
	Says        string    `json:"says"`
}
