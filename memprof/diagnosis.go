package memprof

import (
	"strings"
	"time"
)

// DiagnosisSchema names the format of a diagnosis as JSON.
const DiagnosisSchema = "ebb.diagnosis/1"

// MB is the unit of rates and sizes in a diagnosis: a million bytes.
const MB = 1e6

// Verdict is what a diagnosis, or the judgement of one metric, comes to.
type Verdict string

// The verdicts. Growing, stepped and decelerating growth is still growth that the run could not
// tell from a warm-up; Inconclusive says nothing either way; Invalid means that the run's own
// control failed, so that nothing it says can be trusted.
const (
	Leak         Verdict = "leak"
	Growing      Verdict = "growing"
	Step         Verdict = "step"
	Spike        Verdict = "spike"
	Stable       Verdict = "stable"
	Inconclusive Verdict = "inconclusive"
	Invalid      Verdict = "invalid"
	// Killed means that the kernel killed a process of Chrome for want of memory. It comes before all
	// others: whatever the readings say, there was not enough.
	Killed Verdict = "killed"
)

// Shape is how a metric moves from cycle to cycle.
type Shape string

// The shapes.
const (
	Linear       Shape = "linear"
	Accelerating Shape = "accelerating"
	Onset        Shape = "onset"
	Saturating   Shape = "saturating"
	Stepped      Shape = "step"
	Sawtooth     Shape = "sawtooth"
	Spiked       Shape = "spike"
	Flat         Shape = "stable"
)

// Diagnosis is what a recording of cycles says of memory. It is computed from the recording
// alone, so the same recording gives the same diagnosis.
type Diagnosis struct {
	Schema  string  `json:"schema"`
	Verdict Verdict `json:"verdict"`
	// Cause is the first of Causes, CauseNone or CauseUnknown; Certain says that nothing else
	// explains what was read.
	Cause   Cause `json:"cause"`
	Certain bool  `json:"certain"`
	// Site, Template, Phase, Process and Origin say where it grows; "" where that is unknown or
	// no single one.
	Site     string `json:"site"`
	Template string `json:"template,omitempty"`
	Phase    string `json:"phase"`
	Process  string `json:"process,omitempty"`
	Origin   string `json:"origin,omitempty"`
	// Headline is the verdict in one sentence; Advice what to do next, most useful first.
	Headline string   `json:"headline"`
	Advice   []string `json:"advice,omitempty"`
	// Reasons say why the verdict is Invalid or Inconclusive.
	Reasons []string `json:"reasons,omitempty"`

	// Rate is the growth of memory; of a stable run it is the estimate with its interval too.
	Rate Rate `json:"rate"`
	// SmallestVisible is the smallest growth, in MB per cycle, that a run of this length and
	// noise would have found with 90 % power.
	SmallestVisible float64 `json:"smallest_visible_mb_per_cycle"`
	// NoGrowthAbove bounds the growth of a stable run, in MB per cycle (95 %).
	NoGrowthAbove float64 `json:"no_growth_above_mb_per_cycle"`
	// MoreCycles is how many further cycles are needed for a verdict; 0 when there is one.
	MoreCycles int `json:"more_cycles"`
	// Shape is the shape of the headline metric; Profile is "leak", "spike", "flat" or "unknown".
	Shape   Shape  `json:"shape"`
	Profile string `json:"profile"`

	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration_ns"`
	Sites    []string      `json:"sites"`
	Ebb      string        `json:"ebb,omitempty"`
	Browser  string        `json:"browser,omitempty"`
	// Go is the version of Go, Flags the browser's command line, as far as they are known.
	Go    string   `json:"go,omitempty"`
	Flags []string `json:"browser_flags,omitempty"`
	Host  HostInfo `json:"host"`
	// Judged is how many cycles the verdict rests on; Extensions how often the run was
	// lengthened.
	Judged     int `json:"judged_cycles"`
	Extensions int `json:"extensions,omitempty"`

	Cycles  []CycleRow      `json:"cycles"`
	Metrics []MetricVerdict `json:"metrics"`
	Causes  []Finding       `json:"causes"`
	// Phases and BySite divide the headline metric's growth; Of names that metric.
	Of     Series   `json:"of"`
	Phases []Share  `json:"phases"`
	BySite []Share  `json:"by_site,omitempty"`
	Spikes []Peaked `json:"spikes,omitempty"`
	// Kills is what the kernel killed for want of memory; nil for nothing.
	Kills *Kills `json:"kills,omitempty"`
	// Cleanup says whether cleaning up gives memory back; Recreate whether doing away with
	// the pages, the browser contexts, the browser does.
	Cleanup  *Returned  `json:"cleanup,omitempty"`
	Recreate []Returned `json:"recreate,omitempty"`

	Control     *ControlCheck `json:"control,omitempty"`
	Instrument  Instrument    `json:"instrument"`
	Heap        *HeapEvidence `json:"heap,omitempty"`
	Allocators  []Allocator   `json:"allocators,omitempty"`
	Fingerprint Fingerprint   `json:"fingerprint"`
	// Alarms are those that a worker raised while it made the recording.
	Alarms []Alarm `json:"alarms,omitempty"`
	// Earlier are fingerprints of earlier recordings that this one does not show: they are gone.
	Gone        []KnownLeak `json:"gone,omitempty"`
	Warnings    []string    `json:"warnings"`
	NotMeasured []string    `json:"not_measured"`
}

// Rate is growth per cycle with its 95 % interval.
type Rate struct {
	// Metric is the series that grows; Unit its unit.
	Metric Series `json:"metric"`
	Unit   Unit   `json:"unit"`
	// Value, Lo and Hi are in that unit per cycle.
	Value float64 `json:"per_cycle"`
	// MBPerCycle, Lo and Hi are in MB (a million bytes) per cycle. Where the metric is a count
	// they are those of the memory that grows with it.
	MBPerCycle float64 `json:"mb_per_cycle"`
	Lo         float64 `json:"lo"`
	Hi         float64 `json:"hi"`
	MBPerDay   float64 `json:"mb_per_day"`
	LoPerDay   float64 `json:"mb_per_day_lo"`
	HiPerDay   float64 `json:"mb_per_day_hi"`
	// CyclesPerDay is the basis of MBPerDay, and Basis says where it comes from.
	CyclesPerDay float64 `json:"cycles_per_day"`
	Basis        string  `json:"basis"`
	// Limit is the memory limit in bytes that Hours (lo: at the highest rate) leads to; both are
	// absent where there is no limit or nothing grows towards it.
	Limit   float64  `json:"limit_bytes,omitempty"`
	LimitIs string   `json:"limit_is,omitempty"`
	Hours   *float64 `json:"hours_to_limit,omitempty"`
	HoursLo *float64 `json:"hours_to_limit_lo,omitempty"`
	HoursHi *float64 `json:"hours_to_limit_hi,omitempty"`
	// DoublingCycles is set when growth accelerates.
	DoublingCycles float64 `json:"doubling_cycles,omitempty"`
}

// CycleRow is one cycle of a diagnosis.
type CycleRow struct {
	Cycle int           `json:"cycle"`
	Start time.Time     `json:"start"`
	Took  time.Duration `json:"took_ns"`
	// Values are the readings at the cycle's end, after cleanup, forced collection and settling,
	// of the metrics that are reported; a gap is absent.
	Values map[Series]float64 `json:"values"`
	// Phases are the changes of the headline metric by phase; they add up to Change exactly.
	Phases map[string]float64 `json:"phases,omitempty"`
	Change float64            `json:"change"`
	// Peak is the highest reading of the anonymous memory of all of Chrome within the cycle, and
	// PeakPhases all phases that ran at that moment.
	Peak       float64  `json:"peak_bytes"`
	PeakPhases []string `json:"peak_phases,omitempty"`
	// Used says how the cycle counts: "used", "warm-up", "spike", "pending" (the last, which stands out:
	// only those after it could tell a spike from a step) or "gap".
	Used string `json:"used"`
	// External is what else happened on the host.
	External External `json:"external"`
	Pages    int      `json:"pages"`
	Faults   []string `json:"faults,omitempty"`
}

// External are factors outside that may move memory or time.
type External struct {
	Load        *float64 `json:"load,omitempty"`
	MemoryStall *float64 `json:"memory_pressure_percent,omitempty"`
	CPUStall    *float64 `json:"cpu_pressure_percent,omitempty"`
	Chromes     *float64 `json:"other_chromes,omitempty"`
	SwappedIn   *float64 `json:"swapped_in,omitempty"`
	SwapUsed    *float64 `json:"swap_used_bytes,omitempty"`
}

// MetricVerdict is the judgement of one metric.
type MetricVerdict struct {
	Name    string `json:"name"`
	Unit    Unit   `json:"unit"`
	Process string `json:"process,omitempty"`
	Role    Role   `json:"role"`
	// Verdict and Shape are "" of what is only shown; its rate, P and bounds are not known.
	Verdict Verdict `json:"verdict"`
	Shape   Shape   `json:"shape"`
	// Rate is per cycle, in the metric's unit; EndRate that of the last fifth.
	Rate    Estimate `json:"rate"`
	EndRate Estimate `json:"end_rate"`
	// P is the probability that the metric does not grow by more than what matters (Delta).
	P     float64 `json:"p"`
	Delta float64 `json:"delta"`
	First float64 `json:"first"`
	Last  float64 `json:"last"`
	// Cycles read, and used by the judge.
	Cycles int `json:"cycles"`
	Used   int `json:"used"`
	// Evidence is why, in words.
	Evidence string `json:"evidence"`
	// SmallestVisible, MoreCycles, Sawtooth, StepAt, Onset, Doubling as far as they apply.
	SmallestVisible float64  `json:"smallest_visible"`
	NoGrowthAbove   float64  `json:"no_growth_above"`
	MoreCycles      int      `json:"more_cycles,omitempty"`
	Sawtooth        bool     `json:"sawtooth,omitempty"`
	StepAt          int      `json:"step_at,omitempty"`
	StepHeight      float64  `json:"step_height,omitempty"`
	Doubling        float64  `json:"doubling_cycles,omitempty"`
	SpikesAt        []int    `json:"spikes_at,omitempty"`
	Warnings        []string `json:"warnings,omitempty"`
	// Artefact names a known source of growth that is no leak; it is told, never left out.
	Artefact string `json:"artefact,omitempty"`
	// Values are what was judged, one a cycle; null is a gap.
	Values []*float64 `json:"values"`
}

// Series is the metric and group of the verdict.
func (m MetricVerdict) Series() Series { return Series{m.Name, m.Process} }

// Site is the site whose pages alone a metric is of; ok is false for one that is of all.
func (m MetricVerdict) Site() (name string, ok bool) { return strings.CutPrefix(m.Process, sitePrefix) }

// Estimate is a value with its 95 % interval. Where the data bound nothing it is not Known, and the
// three are 0.
type Estimate struct {
	Value float64 `json:"value"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
	Known bool    `json:"known"`
}

// Share is what one phase or one site has of the growth per cycle.
type Share struct {
	// Name is the kind of phase ("scrape", "cleanup", "settle", "idle", or several that
	// overlapped, joined by " + "), or the site.
	Name string `json:"name"`
	// Rate is the mean change per cycle in the unit of Diagnosis.Of.
	Rate Estimate `json:"rate"`
	// Grows says that the interval lies above 0.
	Grows bool `json:"grows"`
}

// Peaked is a spike within one cycle.
type Peaked struct {
	Cycle int `json:"cycle"`
	// Metric is what spiked.
	Metric Series `json:"metric"`
	// Baseline, Peak and Height are in bytes.
	Baseline float64 `json:"baseline"`
	Peak     float64 `json:"peak"`
	Height   float64 `json:"height"`
	// Phase holds the largest share of the rise; Shares are those of all phases that ran in it,
	// Running all that ran at the peak.
	Phase   string             `json:"phase"`
	Shares  map[string]float64 `json:"shares,omitempty"`
	Running []string           `json:"running"`
	// Velocity is in bytes a second between 10 % and 90 % of the rise.
	Velocity float64 `json:"velocity_bytes_per_second"`
	// Recovery is the share of the height that was given back by the cycle's end; HalfLife the
	// seconds until half of it was, negative if that is unknown.
	Recovery  float64  `json:"recovery"`
	HalfLife  float64  `json:"half_life_seconds"`
	Recovered bool     `json:"recovered"`
	Warnings  []string `json:"warnings,omitempty"`
}

// What Returned.Helps says.
const (
	HelpsFully  = "yes"
	HelpsPartly = "partly"
	HelpsNot    = "no"
	HelpsUntold = "cannot tell"
)

// Returned is what one way of giving memory back returned.
type Returned struct {
	// Name is "cleanup", "console", "pages", "contexts" or "browser".
	Name string `json:"name"`
	// Metric is of what: the headline metric, or one that also grows and tells more.
	Metric Series `json:"metric"`
	// Grown is what could be given back, Bytes what was, in the metric's unit; for the cleanup both
	// are means per cycle. Else the interval of Bytes holds what looking for the cause leaves open.
	Grown float64  `json:"grown"`
	Bytes Estimate `json:"bytes"`
	// Share is Bytes of Grown. Helps is "yes", "partly", "no" or "cannot tell".
	Share float64 `json:"share"`
	Helps string  `json:"helps"`
	// Took is how long it took.
	Took time.Duration `json:"took_ns,omitempty"`
	Says string        `json:"says"`
}

// ControlCheck is what became of the planted leak.
type ControlCheck struct {
	OK     bool          `json:"ok"`
	Checks []ControlItem `json:"checks"`
	Reason string        `json:"reason,omitempty"`
}

// ControlItem is one metric of the planted leak.
type ControlItem struct {
	Metric  string   `json:"metric"`
	Unit    Unit     `json:"unit"`
	Truth   float64  `json:"truth"`
	Rate    Estimate `json:"rate"`
	Verdict Verdict  `json:"verdict"`
	OK      bool     `json:"ok"`
	// Values are what was judged, one a cycle; null is a gap.
	Values []*float64 `json:"values,omitempty"`
}

// Instrument is what measuring cost.
type Instrument struct {
	// PerCycle is the time that readings and forced collections took per cycle, Share of the
	// time of the cycles; Settle the time that memory was given to settle.
	PerCycle time.Duration `json:"per_cycle_ns"`
	Settle   time.Duration `json:"settle_per_cycle_ns"`
	Share    float64       `json:"share"`
	// Costs are by source, in all.
	Costs map[string]Cost `json:"costs"`
	// Memory is a model of what the instrument itself holds in Chrome, in bytes, and how it was
	// come by.
	Memory float64  `json:"memory_bytes"`
	Notes  []string `json:"notes"`
}

// HeapEvidence is what two snapshots of a page's heap say.
type HeapEvidence struct {
	Site   string `json:"site,omitempty"`
	URL    string `json:"url,omitempty"`
	Cycles int    `json:"cycles"`
	// Classes grew most, by bytes; Paths are the growing paths from the root.
	Classes  []HeapClass `json:"classes,omitempty"`
	Paths    []HeapPath  `json:"paths,omitempty"`
	Detached int         `json:"detached_nodes"`
	Strings  int64       `json:"duplicate_string_bytes"`
	// Functions allocated what stays, by the sampling profiler.
	Functions []HeapFunction `json:"functions,omitempty"`
	Files     []string       `json:"files,omitempty"`
	// Skipped says why there is no more.
	Skipped string `json:"skipped,omitempty"`
}

// HeapClass is one constructor with its growth between two snapshots.
type HeapClass struct {
	Name     string `json:"name"`
	Count    int64  `json:"count"`
	Bytes    int64  `json:"bytes"`
	Artefact string `json:"artefact,omitempty"`
}

// HeapPath is an object that grows, by its path from the root.
type HeapPath struct {
	Path  string  `json:"path"`
	Count int64   `json:"count"`
	Bytes int64   `json:"bytes"`
	Share float64 `json:"share"`
}

// HeapFunction is a function with what it allocated and what still lives.
type HeapFunction struct {
	Name  string `json:"name"`
	Where string `json:"where"`
	Bytes int64  `json:"bytes"`
}

// Allocator is how one of Chrome's allocators grew per cycle, by memory-infra.
type Allocator struct {
	Process string  `json:"process"`
	Name    string  `json:"name"`
	Rate    float64 `json:"bytes_per_cycle"`
}

// Fingerprint tells the same leak from recording to recording.
type Fingerprint struct {
	// ID is 12 hexadecimal digits of a hash of metric, process type, phase, cause and the class
	// that grows most; "" where nothing leaks.
	ID string `json:"id,omitempty"`
	// State is "new", "known" or "" where nothing leaks.
	State string `json:"state,omitempty"`
	// Of are the parts that were hashed.
	Of []string `json:"of,omitempty"`
	// Seen counts the earlier recordings of the folder that show it; First is the earliest.
	Seen  int       `json:"seen,omitempty"`
	First time.Time `json:"first,omitzero"`
}

// KnownLeak is a leak of an earlier recording.
type KnownLeak struct {
	ID    string    `json:"id"`
	Cause Cause     `json:"cause"`
	Says  string    `json:"says"`
	Last  time.Time `json:"last"`
	Seen  int       `json:"seen"`
}
