package memprof

import (
	"encoding/json"
	"time"
)

// trialTally gathers of a recording what an experiment needs beside the values of its metrics. It is
// empty for other recordings.
type trialTally struct {
	plan     *ExperimentPlan
	starts   []blockStart
	cycles   []trialCycle
	cleanups []CleanupReport
	stopped  string
}

// blockStart is where a block begins.
type blockStart struct {
	BlockStart
	first int // index of its first cycle
}

// trialCycle is one cycle of a block.
type trialCycle struct {
	number  int // among the recording's judged cycles, from 1
	took    time.Duration
	phases  map[Kind]time.Duration
	memory  float64 // Chrome's anonymous memory at its end, after a collection, in bytes
	level   float64 // before the collection
	peak    float64
	before  float64 // at its beginning, after the collection of the cycle before
	fetched float64
	failed  int
	lost    bool
}

// note takes a note of an experiment; cycles have ended so far.
func (t *trialTally) note(n Note, cycles int) error {
	switch n.Name {
	case ExperimentNote:
		t.plan = &ExperimentPlan{}
		return json.Unmarshal(n.Data, t.plan)
	case BlockNote:
		start := blockStart{first: cycles}
		if err := json.Unmarshal(n.Data, &start.BlockStart); err != nil {
			return err
		}
		t.starts = append(t.starts, start)
	case CleanupNote:
		if t.plan != nil {
			return appendNote(n, &t.cleanups)
		}
	case StopNote:
		return json.Unmarshal(n.Data, &t.stopped)
	}
	return nil
}

// run takes what came of one run of a site, in the cycle that is under way.
func (t *trialTally) run(r RunReport) {
	if t.plan == nil || r.Cycle == 0 {
		return
	}
	for len(t.cycles) < r.Cycle {
		t.cycles = append(t.cycles, trialCycle{number: len(t.cycles) + 1})
	}
	c := &t.cycles[r.Cycle-1]
	c.fetched += r.Fetched
	c.failed += r.Failed
	c.lost = c.lost || r.Lost
}

// cycle takes the end of a judged cycle.
func (t *trialTally) cycle(s Summary) {
	if t.plan == nil {
		return
	}
	n := 0 // the first that has not ended
	for n < len(t.cycles) && t.cycles[n].took > 0 {
		n++
	}
	if n == len(t.cycles) {
		t.cycles = append(t.cycles, trialCycle{number: n + 1})
	}
	c := &t.cycles[n]
	c.took, c.phases = max(1, s.Duration), map[Kind]time.Duration{}
	for _, p := range s.Phases {
		c.phases[p.Kind] += p.End.Sub(p.Start)
	}
	read := func(totals *Totals) float64 {
		if totals != nil {
			if value, ok := totals.At(anonChrome); ok {
				return value
			}
		}
		return notANumber
	}
	c.before, c.memory, c.level, c.peak = read(&s.Before), read(&s.After), read(s.AfterCleanup), notANumber
	if peak, ok := s.Peaks[anonChrome]; ok {
		c.peak = peak.Value
	}
}

// IsExperiment says whether the recording is of an experiment: its outcome is that of Experiment.
func (t *Tally) IsExperiment() bool { return t.trial.plan != nil }
