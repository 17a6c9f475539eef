package memprof

import "time"

// ExperimentSchema names the format of an experiment's outcome as JSON.
const ExperimentSchema = "ebb.experiment/1"

// EffectVerdict is what a cleanup, or one effect of it, comes to.
type EffectVerdict string

// The verdicts of an effect. NoEffect says that an effect of practical use is ruled out; CannotTell
// that too little is known.
const (
	Helps      EffectVerdict = "helps"
	NoEffect   EffectVerdict = "no effect"
	Harms      EffectVerdict = "harms"
	CannotTell EffectVerdict = "cannot tell"
)

// Experiment is what a recording of an experiment says of its cleanups. It is computed from the
// recording alone, so the same recording gives the same outcome.
type Experiment struct {
	Schema string `json:"schema"`
	// Headline is the answer in one sentence; Advice what to do next, most useful first.
	Headline string         `json:"headline"`
	Advice   []string       `json:"advice,omitempty"`
	Plan     ExperimentPlan `json:"plan"`
	// Of is the metric whose growth is the answer, Unit its unit, and Baseline its growth per cycle without
	// any cleanup. Margin is the smallest effect on it that is of practical use.
	Of       Series   `json:"of"`
	Unit     Unit     `json:"unit"`
	Baseline Estimate `json:"baseline"`
	Margin   float64  `json:"margin"`
	// Answers has one entry for each cleanup, the one that saves most first.
	Answers []CleanupAnswer `json:"answers"`
	// Recommended is the smallest set of cleanups that keeps memory flat.
	Recommended Recommendation `json:"recommended"`
	// Arms are what was on together, with what that came to. The first is without any.
	Arms []ArmAnswer `json:"arms"`
	// Same compares the blocks without any cleanup with each other: it must show nothing. nil without
	// enough blocks.
	Same *SameCheck `json:"same,omitempty"`
	// Interactions are pairs of cleanups that do more, or less, together than each for itself.
	Interactions []Interaction `json:"interactions,omitempty"`
	// Metrics are all metrics that grow in some arm, or on which some cleanup has an effect.
	Metrics []MetricEffects `json:"metrics"`
	// SmallestVisible is the smallest effect on Of that this experiment would have found with a power of 80 %.
	SmallestVisible float64 `json:"smallest_visible"`
	// MoreCycles is about how many further cycles would settle what is undecided; 0 when nothing is, or unknown.
	MoreCycles int `json:"more_cycles"`

	Blocks []BlockAnswer `json:"blocks"`
	// Stopped says why the experiment ended before its plan; "" where it did not.
	Stopped string `json:"stopped,omitempty"`

	Started     time.Time     `json:"started"`
	Duration    time.Duration `json:"duration_ns"`
	Sites       []string      `json:"sites"`
	Ebb         string        `json:"ebb,omitempty"`
	Browser     string        `json:"browser,omitempty"`
	Go          string        `json:"go,omitempty"`
	Flags       []string      `json:"browser_flags,omitempty"`
	Host        HostInfo      `json:"host"`
	Warnings    []string      `json:"warnings"`
	NotMeasured []string      `json:"not_measured"`
}

// CleanupAnswer is what one cleanup does and costs. Differences are those of a cycle with it from one
// without; a cost below 0 is a gain.
type CleanupAnswer struct {
	Name string `json:"name"`
	When string `json:"when"`
	// Verdict is over all metrics that grow: Helps where it makes one grow less and none more. On is the
	// metric that decided it.
	Verdict EffectVerdict `json:"verdict"`
	On      Series        `json:"on"`
	// Says is why, in one sentence.
	Says string `json:"says"`
	// Saved is by how much less memory grows per cycle: Experiment.Of, in its unit.
	Saved Effect `json:"saved"`
	// MBSaved is that of the anonymous memory of Chrome, in MB per cycle.
	MBSaved Estimate `json:"mb_saved"`
	// Level is by how many bytes Chrome's memory is lower at the end of a cycle's cleaning up, before any
	// collection is forced; Peak by how many its highest reading of a cycle is.
	Level Effect `json:"level_saved_bytes"`
	Peak  Effect `json:"peak_saved_bytes"`
	// Cost is how many milliseconds longer a cycle takes, from the begin of its scraping to the end of its
	// cleaning up; Itself how many of a cycle the cleanup itself takes, as it was timed.
	Cost   Effect  `json:"cost_ms"`
	Itself float64 `json:"itself_ms"`
	// SavedPerMs is MBSaved divided by the cost in milliseconds (by Itself, where the interval of the cost holds 0);
	// NaN where it saves nothing that is known.
	SavedPerMs float64 `json:"mb_saved_per_ms"`
	// Phases are how many milliseconds longer each kind of phase takes.
	Phases map[Kind]Effect `json:"phases_ms,omitempty"`
	// Fetched is how many more bytes a cycle fetches, Failed how many more of its pages fail.
	Fetched Effect `json:"fetched_bytes"`
	Failed  Effect `json:"failed_pages"`
	// Did is what it reported of itself, over all blocks that had it on.
	Did CleanupReport `json:"did"`
	// MoreCycles is about how many further cycles are needed where the verdict is CannotTell; 0 if unknown.
	MoreCycles int `json:"more_cycles,omitempty"`
	// Notes are what else a person should know: that it cannot work here, that it did not verify, a warning.
	Notes []string `json:"notes,omitempty"`
}

// Effect is a difference with its 95 % interval.
type Effect struct {
	Estimate
	// P is the probability of a difference as large by chance alone; Adjusted that corrected for the number
	// of effects. NaN where unknown.
	P        float64 `json:"p"`
	Adjusted float64 `json:"p_adjusted"`
	// Verdict is Helps where memory, time, bytes or failures are less with the cleanup.
	Verdict EffectVerdict `json:"verdict"`
}

// MetricEffects are the effects of all cleanups on one metric's growth.
type MetricEffects struct {
	Series Series `json:"metric"`
	Unit   Unit   `json:"unit"`
	// Grows says that it grows without any cleanup, Baseline by how much per cycle.
	Grows    bool     `json:"grows"`
	Baseline Estimate `json:"baseline"`
	// Saved are by how much less it grows with each cleanup, in the order of ExperimentPlan.Cleanups.
	Saved  []Effect `json:"saved"`
	Margin float64  `json:"margin"`
}

// ArmAnswer is what a set of cleanups comes to.
type ArmAnswer struct {
	// On are names; none is the baseline.
	On []string `json:"on"`
	// Blocks and Cycles are how often it was run.
	Blocks int `json:"blocks"`
	Cycles int `json:"cycles"`
	// Rate is the growth of Experiment.Of per cycle. Flat says that no metric grows by more than its margin,
	// surely: where it is not set, one grows or that is not known.
	Rate Estimate `json:"rate"`
	Flat bool     `json:"flat"`
}

// SameCheck compares the two blocks without any cleanup of each replicate.
type SameCheck struct {
	Difference Effect `json:"difference"`
	// Differs says that they do: then nothing here is to be trusted.
	Differs bool   `json:"differs"`
	Says    string `json:"says"`
}

// Interaction is a pair of cleanups that together do something else than the sum of both.
type Interaction struct {
	Of []string `json:"of"`
	// Less is by how much less both together save than the sum of each.
	Less Effect `json:"less"`
	Says string `json:"says"`
}

// Recommendation is a set of cleanups to configure.
type Recommendation struct {
	// Cleanups are names, Rules the same with their times: "storage=run".
	Cleanups []string `json:"cleanups"`
	Rules    []string `json:"rules"`
	// Off are the cleanups to switch off: they were compared, and are not needed.
	Off []string `json:"off,omitempty"`
	// Flat says that memory is flat with them; Measured that they were run together, and not only predicted
	// from what each does.
	Flat     bool     `json:"flat"`
	Measured bool     `json:"measured"`
	Rate     Estimate `json:"rate"`
	CostMs   float64  `json:"cost_ms"`
	Says     string   `json:"says"`
}

// BlockAnswer is one block as it ran.
type BlockAnswer struct {
	Replicate int      `json:"replicate"`
	On        []string `json:"on"`
	Again     bool     `json:"again,omitempty"`
	// Rate is the growth of Experiment.Of per cycle within it.
	Rate Estimate `json:"rate"`
	// Cycles are its cycles in order, its wash included.
	Cycles []ExperimentCycle `json:"cycles"`
	// Dropped is why it does not count; "" where it does.
	Dropped string `json:"dropped,omitempty"`
}

// ExperimentCycle is one cycle of an experiment.
type ExperimentCycle struct {
	Cycle int `json:"cycle"`
	// Value is Experiment.Of, and Memory Chrome's anonymous memory in bytes, at its end after a forced
	// collection; Level that memory before it; Peak the highest of the cycle. NaN is a gap.
	Value  float64       `json:"value"`
	Memory float64       `json:"memory_bytes"`
	Level  float64       `json:"level_bytes"`
	Peak   float64       `json:"peak_bytes"`
	Took   time.Duration `json:"took_ns"`
	// Fetched bytes, failed pages; Wash says that it only leads into the block.
	Fetched float64 `json:"fetched_bytes"`
	Failed  int     `json:"failed_pages"`
	Wash    bool    `json:"wash,omitempty"`
}
