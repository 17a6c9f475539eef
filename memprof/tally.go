package memprof

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// TallyOptions say what a Tally keeps.
type TallyOptions struct {
	// Cycles is how many cycles there may be: memory for their values is set aside at once, so
	// that the tally of a running diagnosis does not grow with it. Default: 64.
	Cycles int
	// Detail keeps what a whole diagnosis needs beside the values: phases, peaks, ticks. Without
	// it Diagnosis judges the series only.
	Detail bool
}

// Tally gathers from a recording, value by value, what a diagnosis needs. It is for one goroutine.
type Tally struct {
	o        TallyOptions
	manifest Manifest
	plan     *Plan
	table    *seriesTable
	cycles   []Summary // judged; Detail only
	evidence []Summary
	recreate []Summary
	runs     []RunReport
	popups   []PopupReport
	deaths   []death
	collects []collected
	lost     map[int]bool // judged cycles in which a run came to nothing
	dropped  int
	extended []Extension
	heap     *HeapEvidence
	allocs   []Allocator
	earlier  []EarlierVerdict
	missing  []string
	alarms   []Alarm
	judged   int
	last     time.Time
	lastFull Sample
	samples  []Sample // Detail only, totals of plotted series
	seen     int      // samples so far, of which one in every was kept
	every    int
	phases   []PhaseSpan
	cut      bool
	trial    trialTally
}

// NewTally returns an empty tally.
func NewTally(o TallyOptions) *Tally {
	if o.Cycles <= 0 {
		o.Cycles = 64
	}
	return &Tally{o: o, table: newSeriesTable(o.Cycles), lost: map[int]bool{}}
}

// TallyRecording reads a recording to its end, with all detail. A last line that is cut off is left out.
func TallyRecording(r io.Reader) (*Tally, error) { return tallyLines(r, nil) }

// tallyLines reads a recording; check, if there is one, may refuse a value.
func tallyLines(r io.Reader, check func(v any) error) (*Tally, error) {
	t := NewTally(TallyOptions{Detail: true})
	for line, err := range Lines(r) {
		if errors.Is(err, ErrCut) {
			t.cut = true
			break
		}
		if err != nil {
			return nil, err
		}
		if check != nil {
			if err := check(line.Value); err != nil {
				return nil, err
			}
		}
		if err := t.Add(line.Value); err != nil {
			return nil, fmt.Errorf("recording line %d: %w", line.Number, err)
		}
	}
	return t, nil
}

// Add takes the next value of a recording, as Lines and Options.Observe give it. It returns an
// error for a note that does not hold what its name promises.
func (t *Tally) Add(v any) error {
	switch v := v.(type) {
	case Manifest:
		t.manifest = v
	case Sample:
		t.sample(v)
	case PhaseSpan:
		t.last = v.End
		if t.o.Detail {
			t.phases = append(t.phases, v)
		}
	case Summary:
		t.cycle(v)
	case Note:
		return t.note(v)
	}
	return nil
}

func (t *Tally) sample(s Sample) {
	if !s.Totals.Tick {
		t.lastFull = s
	}
	if !t.o.Detail {
		return
	}
	s.Readings, s.Costs = nil, nil
	kept := make(map[Series]float64, len(tracedSeries))
	for _, series := range tracedSeries {
		if value, ok := s.Totals.At(series); ok {
			kept[series] = value
		}
	}
	s.Totals.Values, s.Totals.Missing = kept, nil
	t.seen++
	if t.seen%t.stride() == 0 {
		t.samples = append(t.samples, s)
	}
}

// maxSamples bounds the ticks and readings that are kept of one recording: those of a diagnosis are
// all kept, of a worker's life of days every second, fourth, ... one.
const maxSamples = 40_000

// stride says that of so many samples one is kept. It doubles, with those kept so far thinned out, as
// often as they become too many.
func (t *Tally) stride() int {
	if t.every == 0 {
		t.every = 1
	}
	if len(t.samples) < maxSamples {
		return t.every
	}
	for i := range maxSamples / 2 {
		t.samples[i] = t.samples[2*i]
	}
	clear(t.samples[maxSamples/2:])
	t.samples = t.samples[:maxSamples/2]
	t.every *= 2
	return t.every
}

// cycle takes the end of a cycle. In a recording of a worker's regular life every cycle that
// scraped is judged.
func (t *Tally) cycle(s Summary) {
	t.last = s.Start.Add(s.Duration)
	switch {
	case t.plan == nil && s.AfterScrape != nil, t.plan != nil && s.Name == JudgedCycle:
		t.judged++
		if t.lost[t.judged] {
			t.table.gap()
		} else {
			t.table.add(s.After)
			t.bySite()
		}
		t.trial.cycle(s)
		if t.o.Detail {
			t.keep(s)
		}
	case !t.o.Detail:
	case s.Name == EvidenceCycle:
		t.evidence = append(t.evidence, s)
	case strings.HasPrefix(s.Name, RecreateCycle+" "):
		t.recreate = append(t.recreate, s)
	}
}

// keep keeps of a judged cycle what a diagnosis needs.
func (t *Tally) keep(s Summary) {
	if n := len(t.cycles); n > 0 {
		t.cycles[n-1].Open = nil // only what is open at the end is told
	}
	peaks := make(map[Series]Peak, len(spikeSeries)+1)
	for _, series := range append(slices.Clone(spikeSeries), openPages) {
		if p, ok := s.Peaks[series]; ok {
			peaks[series] = p
		}
	}
	s.Peaks, s.AfterScrape, s.AfterCleanup = peaks, nil, nil
	t.cycles = append(t.cycles, s)
}

// bySite adds the heap of each site's pages and what each origin stores, as the cycle's last reading
// saw them: where several are, this tells whose grows.
func (t *Tally) bySite() {
	sums := map[Series]float64{}
	seen := map[isolateKey]bool{}
	for _, r := range t.lastFull.Readings {
		if strings.HasPrefix(r.Metric, "storage.") && r.Subject.URL != "" {
			sums[Series{r.Metric, originPrefix + r.Subject.URL}] += r.Value
		}
		if r.Subject.Site == "" || r.Subject.Site == ControlSite || !siteMetric(r.Metric) {
			continue
		}
		key := isolateKey{r.Metric, r.Subject.Browser, r.Subject.Isolate}
		if r.Subject.Isolate != "" && seen[key] {
			continue
		}
		seen[key] = true
		site, _, _ := strings.Cut(r.Subject.Site, " ") // a kept tab is named by its site and page
		sums[Series{r.Metric, sitePrefix + site}] += r.Value
	}
	t.table.addExtra(sums)
}

// sitePrefix begins the group of a series that is of one site's pages alone, originPrefix that of one
// that is of one origin's storage.
const (
	sitePrefix   = "site "
	originPrefix = "origin "
)

func siteMetric(name string) bool {
	switch name {
	case "heap.used", "heap.embedder", "heap.backing", "perf.Nodes", "perf.JSEventListeners", "perf.Frames":
		return true
	}
	return false
}

func (t *Tally) note(n Note) error {
	if n.Name == VerdictNote {
		return nil // what was said of this recording is no part of it
	}
	if !n.Time.IsZero() {
		t.last = n.Time
	}
	var err error
	switch n.Name {
	case ExperimentNote, BlockNote, CleanupNote, StopNote:
		err = t.trial.note(n, t.judged)
		if t.trial.plan != nil && t.plan == nil {
			t.plan = &Plan{} // only its cycles count
		}
	case PlanNote:
		t.plan = &Plan{}
		err = json.Unmarshal(n.Data, t.plan)
	case CollectNote:
		c := collected{at: n.Time}
		if err = json.Unmarshal(n.Data, &c.report); err == nil && t.o.Detail {
			t.collects = append(t.collects, c)
		}
	case RunNote:
		err = t.run(n)
	case DroppedNote:
		var lost struct {
			Lines int `json:"lines"`
		}
		err = json.Unmarshal(n.Data, &lost)
		t.dropped += lost.Lines
	case PopupsNote:
		err = appendNote(n, &t.popups)
	case DeathNote:
		err = t.death(n)
	case ExtensionNote:
		err = appendNote(n, &t.extended)
	case MissingNote:
		err = appendNote(n, &t.missing)
	case AlarmNote:
		err = appendNote(n, &t.alarms)
	case HeapNote:
		t.heap = &HeapEvidence{}
		err = json.Unmarshal(n.Data, t.heap)
	case AllocatorsNote:
		err = json.Unmarshal(n.Data, &t.allocs)
	case EarlierNote:
		err = json.Unmarshal(n.Data, &t.earlier)
	case BrowserNote:
		var info BrowserInfo
		if err = json.Unmarshal(n.Data, &info); err == nil {
			t.manifest.Browsers = append(t.manifest.Browsers, info)
		}
	}
	if err != nil {
		return fmt.Errorf("note %q: %w", n.Name, err)
	}
	return nil
}

// run takes what came of one run of a site.
func (t *Tally) run(n Note) error {
	var r RunReport
	if err := json.Unmarshal(n.Data, &r); err != nil {
		return err
	}
	if r.Lost && r.Cycle > t.judged {
		t.lost[t.judged+1] = true
	}
	t.trial.run(r)
	if t.o.Detail {
		t.runs = append(t.runs, r)
	}
	return nil
}

// collected is one forced collection and when it ended.
type collected struct {
	at     time.Time
	report CollectReport
}

// maxNotes bounds the notes of one kind that are kept.
const maxNotes = 10_000

func appendNote[T any](n Note, to *[]T) error {
	if len(*to) >= maxNotes {
		return nil
	}
	var v T
	if err := json.Unmarshal(n.Data, &v); err != nil {
		return err
	}
	*to = append(*to, v)
	return nil
}

// seriesTable holds one value a cycle of each series. A gap is NaN.
type seriesTable struct {
	capacity int
	n        int
	rows     map[Series][]float64
}

func newSeriesTable(capacity int) *seriesTable {
	return &seriesTable{capacity: capacity, rows: map[Series][]float64{}}
}

// add takes the readings of the next cycle's end.
func (t *seriesTable) add(totals Totals) {
	for s := range totals.Values {
		if t.rows[s] == nil {
			t.begin(s)
		}
	}
	for _, s := range expectedSeries { // of no page at all, the heap is a true 0
		if _, ok := totals.At(s); ok && t.rows[s] == nil {
			t.begin(s)
		}
	}
	for s, values := range t.rows {
		value, ok := totals.At(s)
		if !ok {
			value = math.NaN()
		}
		t.rows[s] = append(values, value)
	}
	t.n++
}

// gap takes a cycle of which nothing counts.
func (t *seriesTable) gap() {
	for s, values := range t.rows {
		t.rows[s] = append(values, math.NaN())
	}
	t.n++
}

// begin makes the row of a series that is seen for the first time: before, it had no subject, and
// was 0, or was not read.
func (t *seriesTable) begin(s Series) {
	before := math.NaN()
	if row, _ := MetricOf(s.Metric); row.Witness != "" {
		before = 0
	}
	values := make([]float64, t.n, max(t.capacity, t.n+16))
	for i := range values {
		values[i] = before
	}
	t.rows[s] = values
}

// addExtra sets, for the cycle added last, series that are no totals.
func (t *seriesTable) addExtra(sums map[Series]float64) {
	for s, value := range sums {
		values := t.rows[s]
		if values == nil {
			values = make([]float64, 0, max(t.capacity, t.n+16))
		}
		for len(values) < t.n {
			values = append(values, math.NaN())
		}
		values[t.n-1] = value
		t.rows[s] = values
	}
}

// values returns the cycles of a series; a series that ended has gaps.
func (t *seriesTable) values(s Series) []float64 {
	values := t.rows[s]
	for len(values) < t.n {
		values = append(values, math.NaN())
	}
	return values
}

// sorted lists the series by metric and group.
func (t *seriesTable) sorted() []Series {
	list := make([]Series, 0, len(t.rows))
	for s := range t.rows {
		list = append(list, s)
	}
	slices.SortFunc(list, compareSeries)
	return list
}
