package memprof

import "time"

// Names of the notes that an experiment writes into its recording. One with an ExperimentNote is of
// an experiment.
const (
	ExperimentNote = "experiment" // an ExperimentPlan, before the first block
	BlockNote      = "block"      // a BlockStart, before the first cycle of each block
	CleanupNote    = "cleanup"    // a CleanupReport, for each cleanup that was done in a run or cycle; of a worker's regular life too
	StopNote       = "stop"       // a text: why an experiment ended before its plan did
)

// WarmUpCycle names the cycles of an experiment that come before its first block.
const WarmUpCycle = "warm-up"

// How the arms of an experiment are made of its cleanups.
const (
	SchemeOneByOne    = "one-by-one"    // each cleanup alone, against nothing
	SchemeLeaveOneOut = "leave-one-out" // all of them, and all but each
	SchemeFactorial   = "factorial"     // every combination
	SchemeFractional  = "fractional"    // a balanced part of them
)

// ExperimentPlan is what an experiment set out to do. Its blocks are in the order in which they run.
type ExperimentPlan struct {
	// Cleanups are those that are compared.
	Cleanups []PlannedCleanup `json:"cleanups"`
	// Fixed is what else is on in every arm: cleanups of the sites, as site: name=when, and browser contexts of
	// their own.
	Fixed []string   `json:"fixed,omitempty"`
	Sites []PlanSite `json:"sites"`
	// Scheme is how the arms are made; Fresh says that each block begins with a fresh browser,
	// rather than all in one (crossover). Chosen says why, in words.
	Scheme string `json:"scheme"`
	Fresh  bool   `json:"fresh,omitempty"`
	Chosen string `json:"chosen"`
	// Seed gave the order of the blocks.
	Seed uint64 `json:"seed"`
	// WarmUp is how many cycles come before the first block, Wash how many of a block only lead into
	// it, Cycles how many each block has, its wash included.
	WarmUp int            `json:"warm_up"`
	Wash   int            `json:"wash"`
	Cycles int            `json:"cycles_per_block"`
	Blocks []PlannedBlock `json:"blocks"`
	// Open says that the data are looked at after each replicate, until nothing is undecided; else they are once, at
	// the end.
	Open bool `json:"open,omitempty"`
	// Smallest is the smallest effect on memory, in bytes per cycle, that the plan can see with a power of
	// 80 %, if the noise of a reading is Noise bytes; 0 is unknown.
	Smallest float64 `json:"smallest_visible_bytes,omitempty"`
	Noise    float64 `json:"assumed_noise_bytes,omitempty"`
	// Settle is how long memory settles in each cycle.
	Settle time.Duration `json:"settle_ns"`
	// Parallel says that the sites of a cycle run at once.
	Parallel bool `json:"parallel,omitempty"`
}

// PlannedCleanup is one cleanup of an experiment.
type PlannedCleanup struct {
	Name string `json:"name"`
	// When it is done in the arms that have it on, such as "run".
	When string `json:"when"`
	// Touches says what it gives back, Carry how its effect carries over into later cycles, Warning what
	// to know of it.
	Touches string `json:"touches"`
	Carry   string `json:"carry"`
	Warning string `json:"warning,omitempty"`
}

// PlannedBlock is one block of an experiment: cycles with the same cleanups on.
type PlannedBlock struct {
	// On are indices into ExperimentPlan.Cleanups.
	On        []int `json:"on"`
	Replicate int   `json:"replicate"`
	// Again says that it is the second block without any cleanup in its replicate.
	Again bool `json:"again,omitempty"`
}

// BlockStart begins a block.
type BlockStart struct {
	// Block is its index in ExperimentPlan.Blocks.
	Block int `json:"block"`
	// Took is how long it took to make it ready, a fresh browser included.
	Took time.Duration `json:"took_ns"`
}

// CleanupReport is what one cleanup did in one run of a site, or in one cycle, added up.
type CleanupReport struct {
	// Cycle counts the cycles of a diagnosis or experiment; 0 in a worker's regular life.
	Cycle int    `json:"cycle,omitempty"`
	Site  string `json:"site,omitempty"`
	Name  string `json:"name"`
	// After is page, run or cycle; Times how often it was done.
	After string        `json:"after"`
	Times int           `json:"times"`
	Took  time.Duration `json:"took_ns"`
	// Bytes were given back as far as could be told, in BytesTold of the times.
	Bytes     float64 `json:"bytes,omitempty"`
	BytesTold int     `json:"bytes_told,omitempty"`
	// Count are the objects or targets that were given back, Of what they are.
	Count int    `json:"count,omitempty"`
	Of    string `json:"of,omitempty"`
	// Verified is how often a check showed that it had worked, Says what the last check showed.
	Verified int    `json:"verified"`
	Says     string `json:"says,omitempty"`
	// Skipped is how often there was nothing to do, or it could not work, and SkippedWhy the last reason.
	Skipped    int    `json:"skipped,omitempty"`
	SkippedWhy string `json:"skipped_why,omitempty"`
	// Errors is how often it failed, and Error the last reason.
	Errors int    `json:"errors,omitempty"`
	Error  string `json:"error,omitempty"`
}
