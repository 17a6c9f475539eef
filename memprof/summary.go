package memprof

import (
	"slices"
	"time"
)

// Summary is what one cycle did to memory.
type Summary struct {
	// Cycle counts the cycles of the recording from 1; Name and Sites are the caller's.
	Cycle    int           `json:"cycle"`
	Name     string        `json:"name"`
	Sites    []string      `json:"sites,omitempty"`
	Start    time.Time     `json:"start"`
	Duration time.Duration `json:"duration_ns"`
	Level    Level         `json:"level"`

	// Before is the first reading and After the last. AfterScrape and AfterCleanup are the
	// readings that ended the last phase of that kind, nil if there was none.
	Before       Totals  `json:"before"`
	AfterScrape  *Totals `json:"after_scrape,omitempty"`
	AfterCleanup *Totals `json:"after_cleanup,omitempty"`
	After        Totals  `json:"after"`
	// Peaks are the highest values over all ticks and readings within the cycle; counters that
	// only rise have none.
	Peaks map[Series]Peak `json:"peaks"`
	// Deltas divides the cycle's change between the phases that ran. Each stretch between two
	// readings belongs to the set of phases that ran in it, of all cycles; phases that overlap
	// are named together, since nothing tells their shares. The sum over all Deltas is After -
	// Before, exactly, for every series that both know.
	Deltas []*Delta `json:"deltas,omitempty"`
	// Phases are the phases in the order of their ends; the first 1000 of a cycle.
	Phases         []PhaseSpan `json:"phases,omitempty"`
	PhasesUnlisted int         `json:"phases_unlisted,omitempty"`
	// Open are the targets that were open at the end; the first 50.
	Open         []OpenTarget `json:"open,omitempty"`
	OpenUnlisted int          `json:"open_unlisted,omitempty"`

	// Ticks were taken within the cycle, and QuickTicks between them; LateTicks of both took
	// longer than their interval.
	Ticks      int `json:"ticks"`
	QuickTicks int `json:"quick_ticks,omitempty"`
	LateTicks  int `json:"late_ticks,omitempty"`
	// Costs is what measuring cost, by source.
	Costs map[string]Cost `json:"costs"`
	// Gaps are what could not be measured: 64 different ones, with how often; GapsUnlisted
	// counts the rest.
	Gaps         []Gap    `json:"gaps,omitempty"`
	GapsUnlisted int      `json:"gaps_unlisted,omitempty"`
	Warnings     []string `json:"warnings,omitempty"`
}

// Change returns by how much a series rose over the cycle; ok is false unless both ends are known.
func (s Summary) Change(key Series) (value float64, ok bool) {
	before, ok := s.Before.At(key)
	if !ok {
		return 0, false
	}
	after, ok := s.After.At(key)
	return after - before, ok
}

// Peak is the highest value of a series in a cycle.
type Peak struct {
	Value float64   `json:"value"`
	Time  time.Time `json:"time"`
	// Phases are all that ran at that moment, of all cycles.
	Phases []string `json:"phases,omitempty"`
}

// OtherPhases names the Delta that takes what is beyond the 64 sets of phases listed.
const OtherPhases = "other"

// Delta is the part of a cycle's change that belongs to one set of phases.
type Delta struct {
	// Phases ran together, such as "scrape demo"; none means the time between phases.
	Phases []string `json:"phases"`
	// Took is for how long.
	Took time.Duration `json:"took_ns"`
	// Values holds the changes that are not 0.
	Values map[Series]float64 `json:"values"`
}

// PhaseSpan is a phase that has ended.
type PhaseSpan struct {
	Cycle int       `json:"cycle"`
	Kind  Kind      `json:"kind"`
	Site  string    `json:"site,omitempty"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// From and To are the Seq of the readings at its beginning and end.
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// Cost is what the readings of one source took, together and at most.
type Cost struct {
	Count int           `json:"count"`
	Total time.Duration `json:"total_ns"`
	Max   time.Duration `json:"max_ns"`
}

// OpenTarget is a page, worker or frame that was open at the end of a cycle.
type OpenTarget struct {
	Browser string `json:"browser,omitempty"`
	Target  string `json:"target"`
	Type    string `json:"type"`
	URL     string `json:"url"`
	Opener  string `json:"opener,omitempty"`
}

// openTargets lists the open targets among readings, at most limit.
func openTargets(readings []Reading, limit int) (open []OpenTarget, unlisted int) {
	for _, r := range readings {
		if r.Metric != "target.open" {
			continue
		}
		s := r.Subject
		open = append(open, OpenTarget{Browser: s.Browser, Target: s.Target, Type: s.Kind, URL: s.URL, Opener: s.Opener})
	}
	if len(open) > limit {
		unlisted = len(open) - limit
		open = slices.Clone(open[:limit])
	}
	return open, unlisted
}
