package memprof

import "time"

// ComparisonSchema names the format of a comparison as JSON.
const ComparisonSchema = "ebb.comparison/1"

// CheckState is what a check of a comparison comes to.
type CheckState string

// The states of a check. CheckCannotTell says that the two recordings do not answer it.
const (
	CheckPass       CheckState = "pass"
	CheckFail       CheckState = "fail"
	CheckCannotTell CheckState = "cannot tell"
)

// CheckName is a check by a short name.
type CheckName string

// The checks, in their order.
const (
	CheckGrowth    CheckName = "growth"    // the growth rate is reduced
	CheckNewLeak   CheckName = "new-leak"  // nothing leaks that did not before
	CheckSpeed     CheckName = "speed"     // it is not slower
	CheckCycles    CheckName = "cycles"    // it holds over 20 cycles or more
	CheckProfiling CheckName = "profiling" // it does not rest on being measured
)

// ChangeVerdict is how one figure differs between two recordings.
type ChangeVerdict string

// The verdicts of a change. Unchanged says that a difference that matters is ruled out, Undecided
// that too little is known.
const (
	Reduced   ChangeVerdict = "reduced"
	Unchanged ChangeVerdict = "unchanged"
	Increased ChangeVerdict = "increased"
	Undecided ChangeVerdict = "cannot tell"
)

// Comparison is what two recordings say of each other. It is computed from them alone, so the same
// two give the same comparison. Intervals are of 95 %.
type Comparison struct {
	Schema string `json:"schema"`
	// Headline is the outcome in one sentence; Advice what to do next, most useful first.
	Headline string   `json:"headline"`
	Advice   []string `json:"advice,omitempty"`
	// Checks are the checklist by which a fix is verified.
	Checks []Check     `json:"checks"`
	Before ComparedRun `json:"before"`
	After  ComparedRun `json:"after"`
	// Rates are the growth of each primary metric that both recordings have, those that changed first.
	Rates []RateChange `json:"rates"`
	// Levels are memory at the ends of cycles and its peaks within, Durations those of a cycle and of
	// its kinds of phases, Work what a cycle did.
	Levels    []Change `json:"levels"`
	Durations []Change `json:"durations"`
	Work      []Change `json:"work"`
	// Unlike is in what else the two recordings differ.
	Unlike   []Unlike `json:"unlike"`
	Warnings []string `json:"warnings"`
}

// Check is one line of the checklist.
type Check struct {
	Name CheckName `json:"name"`
	// Title is the line in words, Says why it has its state.
	Title string     `json:"title"`
	State CheckState `json:"state"`
	Says  string     `json:"says"`
	// Figures are what it rests on.
	Figures []CheckFigure `json:"figures"`
}

// CheckFigure is a figure that a check rests on.
type CheckFigure struct {
	Name  string   `json:"name"`
	Unit  Unit     `json:"unit"`
	Value Estimate `json:"value"`
}

// ComparedRun is one of the two recordings.
type ComparedRun struct {
	Verdict  Verdict `json:"verdict"`
	Cause    Cause   `json:"cause"`
	Headline string  `json:"headline"`
	// Rate is the growth of its headline metric.
	Rate Rate `json:"rate"`
	// Fingerprint is that of its leak; "" where nothing leaks.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Regular says that it is of `ebb run`: nothing was collected by force.
	Regular bool `json:"regular,omitempty"`
	// Judged is how many cycles were judged.
	Judged   int           `json:"judged_cycles"`
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration_ns"`
	Sites    []string      `json:"sites"`
	Ebb      string        `json:"ebb,omitempty"`
	Browser  string        `json:"browser,omitempty"`
	Host     HostInfo      `json:"host"`
	// Profiling is the level at which memory was read.
	Profiling string `json:"profiling"`
	// Control is what became of the planted leak: "found", "missed", "not judged" or "none".
	Control string `json:"control"`
	// Measuring is the time that readings and forced collections took per cycle, MeasuringShare their
	// share of it, and Collections how many were forced.
	Measuring      time.Duration `json:"measuring_per_cycle_ns"`
	MeasuringShare float64       `json:"measuring_share"`
	Collections    int           `json:"forced_collections"`
	// Peak is the highest reading of the anonymous memory of all of Chrome, in bytes; 0 if unknown.
	Peak float64 `json:"peak_bytes"`
}

// RateChange is how the growth of one metric differs.
type RateChange struct {
	Metric Series `json:"metric"`
	Unit   Unit   `json:"unit"`
	// Headline says that it is of the few for whose number the probability is corrected by Holm's
	// method; that of the others is by Benjamini's and Hochberg's.
	Headline bool     `json:"headline,omitempty"`
	Before   RateSide `json:"before"`
	After    RateSide `json:"after"`
	// Difference is after less before, in the unit per cycle.
	Difference Estimate `json:"difference"`
	// P is the probability of a difference as large by chance, Adjusted that corrected.
	P        float64       `json:"p"`
	Adjusted float64       `json:"p_adjusted"`
	Verdict  ChangeVerdict `json:"verdict"`
	// Margin is the difference per cycle that matters.
	Margin float64 `json:"margin"`
}

// RateSide is one metric in one of the recordings.
type RateSide struct {
	Verdict Verdict `json:"verdict"`
	Shape   Shape   `json:"shape"`
	// Rate is per cycle: that of the end where the growth of either recording quickens or began later.
	Rate            Estimate `json:"rate"`
	SmallestVisible float64  `json:"smallest_visible"`
	First           float64  `json:"first"`
	Last            float64  `json:"last"`
	// Values are what was judged, one a cycle; null is a gap.
	Values []*float64 `json:"values"`
}

// Change is how one figure of a cycle differs.
type Change struct {
	// Name is what it is of; Metric the series, where it is of one.
	Name   string `json:"name"`
	Metric Series `json:"metric,omitzero"`
	Unit   Unit   `json:"unit"`
	// Before and After are means over the cycles after the warm-up; of durations, geometric ones.
	Before Estimate `json:"before"`
	After  Estimate `json:"after"`
	// Difference is after less before, in the unit; Percent that in percent of before.
	Difference Estimate `json:"difference"`
	Percent    Estimate `json:"percent"`
	// P is the probability of a difference as large by chance, Adjusted that corrected for the number of
	// levels, durations and kinds of work by the method of Benjamini and Hochberg.
	P        float64       `json:"p"`
	Adjusted float64       `json:"p_adjusted"`
	Verdict  ChangeVerdict `json:"verdict"`
}

// Unlike is something else in which two recordings differ.
type Unlike struct {
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
}
