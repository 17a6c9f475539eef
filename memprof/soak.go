package memprof

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// Names of the notes of a soak. A recording that has a SoakNote is of one.
const (
	SoakNote      = "soak"       // a SoakPlan, before the first cycle
	SoakCycleNote = "soak-cycle" // a SoakCycle, after each
)

// SoakPlan is what a soak set out to do.
type SoakPlan struct {
	// Cycles is how many, and CyclesPerDay how many of them the schedule makes in a day.
	Cycles       int     `json:"cycles"`
	Schedule     string  `json:"schedule"`
	CyclesPerDay float64 `json:"cycles_per_day"`
	// Limit is the growth in bytes a day that no memory may show.
	Limit float64 `json:"limit_bytes_per_day"`
	// Sites are run in each cycle.
	Sites []string `json:"sites"`
	// Planted is how many bytes of each run the worker was made to keep, to be found.
	Planted int `json:"planted_bytes_per_run,omitempty"`
}

// SoakItems are the items that a soak took, against those that its pages hold.
type SoakItems struct {
	// Expected are those that the pages hold, Stored those that the runs published.
	Expected int `json:"expected"`
	Stored   int `json:"stored"`
	// Lost were not taken, Doubled more than once in a run, and Wrong have other data.
	Lost    int `json:"lost"`
	Doubled int `json:"doubled"`
	Wrong   int `json:"wrong"`
	// Runs that did not end as the site should: a failing page fails, and no other does.
	Runs int `json:"runs_not_as_expected"`
}

// Add adds the items of more runs.
func (i *SoakItems) Add(more SoakItems) {
	i.Expected += more.Expected
	i.Stored += more.Stored
	i.Lost += more.Lost
	i.Doubled += more.Doubled
	i.Wrong += more.Wrong
	i.Runs += more.Runs
}

// Right says that nothing is lost, doubled or wrong, and each run ended as it should.
func (i SoakItems) Right() bool { return i.Lost == 0 && i.Doubled == 0 && i.Wrong == 0 && i.Runs == 0 }

// SoakCycle is one cycle of a soak: one run of each site, and then a reading.
type SoakCycle struct {
	Cycle int           `json:"cycle"`
	Took  time.Duration `json:"took_ns"`
	Runs  int           `json:"runs"`
	// Failed are the runs of them that failed, most of them since their pages make them.
	Failed int       `json:"failed,omitempty"`
	Pages  int       `json:"pages"`
	Items  SoakItems `json:"items"`
	// Chromes are those that live, by the names that readings have: another set is another life.
	Chromes []string `json:"chromes"`
	// Temporary counts the worker's entries in the temporary folder; nil where that is not known.
	Temporary *float64 `json:"temporary,omitempty"`
	// Totals are those of the metrics that are judged.
	Totals Totals `json:"totals"`
}

// SoakTally gathers the cycles of a soak. What it holds of each is set aside at the start, so that it
// does not grow as a leak does. It is for one goroutine.
type SoakTally struct {
	plan   SoakPlan
	values [][]float64 // by row of soakRows
	lives  []int       // by cycle: which life of Chrome it was of
	latest string      // the Chromes of the latest cycle
	sum    Soak
}

// NewSoakTally returns an empty tally of what is planned.
func NewSoakTally(plan SoakPlan) *SoakTally {
	t := &SoakTally{plan: plan, values: make([][]float64, len(soakRows)), lives: make([]int, 0, plan.Cycles)}
	for i := range t.values {
		t.values[i] = make([]float64, 0, plan.Cycles)
	}
	t.sum.Notes = map[string]int{}
	return t
}

// Add takes the next cycle.
func (t *SoakTally) Add(c SoakCycle) {
	for i, row := range soakRows {
		t.values[i] = append(t.values[i], row.of(c))
	}
	life := 0
	if n := len(t.lives); n > 0 {
		life = t.lives[n-1]
		if chromes := strings.Join(c.Chromes, " "); chromes != t.latest {
			life++
		}
	}
	t.latest = strings.Join(c.Chromes, " ")
	t.lives = append(t.lives, life)
	t.sum.Cycles++
	t.sum.Took += c.Took
	t.sum.Runs += c.Runs
	t.sum.Failed += c.Failed
	t.sum.Pages += c.Pages
	t.sum.Items.Add(c.Items)
}

// note counts what the worker noted beside the cycles: Chromes that it started, alarms, and what it
// did to keep memory down.
func (t *SoakTally) note(n Note) {
	name := n.Name
	var what struct{ Action, Reason string }
	if json.Unmarshal(n.Data, &what) == nil {
		for _, word := range []string{what.Action, what.Reason} {
			if word != "" && len(word) <= 40 {
				name += " " + word
			}
		}
	}
	if len(t.sum.Notes) < maxGapKinds || t.sum.Notes[name] > 0 {
		t.sum.Notes[name]++
	}
}

// value is one total, or NaN where it is not known.
func (c SoakCycle) value(s Series) float64 {
	if v, ok := c.Totals.At(s); ok {
		return v
	}
	return math.NaN()
}

// SoakSeries are the series of which a SoakCycle should hold the totals.
func SoakSeries() []Series {
	var list []Series
	for _, row := range soakRows {
		if row.series.Metric != "" {
			list = append(list, row.series)
		}
	}
	return list
}

// ErrNoSoak is returned for a recording that is of something else.
var ErrNoSoak = errors.New("it is not of a soak")

// ReadSoak reads the soak that a recording is of. A last line that is cut off is left out. Of other
// recordings it returns ErrNoSoak, as a rule before it has read much.
func ReadSoak(r io.Reader) (*SoakTally, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	var t *SoakTally
	for number := 1; ; number++ {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("recording line %d: %w", number, err)
		}
		last := err != nil
		if bytes.HasPrefix(line, []byte(`{"type":"note"`)) { // all else is read past: it is a thousand times as much
			if t, err = t.line(line); err != nil && !(last && !json.Valid(line)) {
				return nil, fmt.Errorf("recording line %d: %w", number, err)
			}
		}
		if last || t == nil && number > soakNoteWithin {
			break
		}
	}
	if t == nil {
		return nil, ErrNoSoak
	}
	return t, nil
}

// soakNoteWithin is the number of lines in which the SoakNote stands: after the manifest, and what
// was noted of the machine and the first Chrome.
const soakNoteWithin = 100

// line takes a note. A tally begins with the SoakNote; what comes before it is of the start.
func (t *SoakTally) line(line []byte) (*SoakTally, error) {
	n, err := decode[Note](line)
	if err != nil {
		return t, err
	}
	switch {
	case n.Name == SoakNote:
		var plan SoakPlan
		if err := json.Unmarshal(n.Data, &plan); err != nil {
			return t, err
		}
		plan.Cycles = min(max(plan.Cycles, 0), maxSoakCycles)
		return NewSoakTally(plan), nil
	case t == nil:
	case n.Name == SoakCycleNote:
		var c SoakCycle
		if err := json.Unmarshal(n.Data, &c); err != nil {
			return t, err
		}
		t.Add(c)
	default:
		t.note(n)
	}
	return t, nil
}

// maxSoakCycles bounds what is set aside for a recording that says how long it is.
const maxSoakCycles = 1 << 20
