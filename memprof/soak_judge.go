package memprof

import (
	"math"
	"slices"
	"time"

	"github.com/ebbworker/ebb/memprof/stats"
)

// SoakSchema names the form of a Soak as JSON.
const SoakSchema = "ebb.soak/1"

// SoakVerdict is what is said of one metric of a soak, or of all.
type SoakVerdict string

// The verdicts of a soak.
const (
	// SoakFlat: the upper bound of the rate is below the limit.
	SoakFlat SoakVerdict = "flat"
	// SoakGrows: the lower bound is not.
	SoakGrows SoakVerdict = "grows"
	// SoakItemsWrong: items were lost, doubled or wrong, or runs ended as they should not.
	SoakItemsWrong SoakVerdict = "items wrong"
	// SoakUndecided: the limit lies within the interval; more cycles are needed.
	SoakUndecided SoakVerdict = "inconclusive"
	// SoakShown: it grows as it must, and is not judged.
	SoakShown SoakVerdict = "shown"
)

// Soak is what a soak came to.
type Soak struct {
	Schema  string      `json:"schema"`
	Verdict SoakVerdict `json:"verdict"`
	// Cycles were worked, which are Days of the schedule, in Took.
	Cycles int           `json:"cycles"`
	Days   float64       `json:"days"`
	Took   time.Duration `json:"took_ns"`
	Plan   SoakPlan      `json:"plan"`
	Runs   int           `json:"runs"`
	Failed int           `json:"failed"`
	Pages  int           `json:"pages"`
	Items  SoakItems     `json:"items"`
	// Metrics are in the order of the table.
	Metrics []SoakMetric `json:"metrics"`
	Lives   SoakLives    `json:"lives"`
	// Notes counts what the worker noted while it worked, such as "browser" for each Chrome that it
	// started and "alarm", with the reason that the note gives.
	Notes map[string]int `json:"notes"`
	// MoreCycles is how many further ones are likely to decide; 0 if all is decided.
	MoreCycles int `json:"more_cycles"`
}

// SoakLives tells of the Chromes that followed one another.
type SoakLives struct {
	// Count is how many there were; Cycles is how many cycles the middle one lasted.
	Count  int `json:"count"`
	Cycles int `json:"cycles"`
	// Of is the number of cycles from the start of each life over which lives are compared, Judged
	// how many lives lasted that long.
	Of     int `json:"of_cycles"`
	Judged int `json:"judged"`
	// First, Last and Highest are the medians over those lives of the anonymous memory after the
	// first and the last cycle compared, and of the highest, in bytes; 0 where Judged is 0.
	First   float64 `json:"first_bytes"`
	Last    float64 `json:"last_bytes"`
	Highest float64 `json:"highest_bytes"`
}

// SoakMetric is one metric of a soak.
type SoakMetric struct {
	Name   string `json:"name"`
	Series Series `json:"series,omitzero"`
	Unit   Unit   `json:"unit"`
	// By is what one value is: some cycles, or a life of Chrome.
	By     string `json:"by"`
	Values int    `json:"values"`
	// First and Last are the levels after the first and the last of the values judged; Highest is
	// over all cycles. Read says that there are any; otherwise the three are 0.
	Read    bool    `json:"read"`
	First   float64 `json:"first"`
	Last    float64 `json:"last"`
	Highest float64 `json:"highest"`
	// Rate is per day of the schedule, of which Limit is too much; 0 for none.
	Rate  Estimate `json:"rate_per_day"`
	Limit float64  `json:"limit_per_day"`
	// PerCycle is the same rate per cycle.
	PerCycle   Estimate    `json:"rate_per_cycle"`
	Verdict    SoakVerdict `json:"verdict"`
	MoreCycles int         `json:"more_cycles"`
}

// Soak says what the cycles so far come to.
func (t *SoakTally) Soak() Soak {
	s := t.sum
	s.Schema, s.Plan, s.Verdict, s.Metrics = SoakSchema, t.plan, SoakFlat, []SoakMetric{}
	if t.plan.CyclesPerDay > 0 {
		s.Days = float64(s.Cycles) / t.plan.CyclesPerDay
	}
	var levels []float64
	s.Lives, levels = t.compareLives()
	for i, row := range soakRows {
		m := t.judge(row, t.values[i], s.Lives, levels)
		s.Metrics = append(s.Metrics, m)
		s.MoreCycles = max(s.MoreCycles, m.MoreCycles)
	}
	s.Verdict = s.worst()
	return s
}

// worst is the verdict over all metrics and the items.
func (s Soak) worst() SoakVerdict {
	if !s.Items.Right() {
		return SoakItemsWrong
	}
	for _, v := range []SoakVerdict{SoakGrows, SoakUndecided} {
		if slices.ContainsFunc(s.Metrics, func(m SoakMetric) bool { return m.Verdict == v }) {
			return v
		}
	}
	return SoakFlat
}

// judge judges one metric. What should be judged by lives, and has too few of them, is judged by
// cycles.
func (t *SoakTally) judge(row soakRow, values []float64, lives SoakLives, levels []float64) SoakMetric {
	m := SoakMetric{Name: row.name, Series: row.series, Unit: row.unit(), By: byCycles, Limit: t.plan.Limit, Verdict: SoakUndecided}
	if m.Unit == Count {
		m.Limit = soakCount
	}
	series, span := gather(values)
	if row.by == byLives && len(levels) >= leastSoakValues {
		m.By, series, span = byLives, levels, float64(len(values))/float64(lives.Judged)
	}
	m.Values = len(series)
	m.levels(values, series)
	if row.shown {
		m.Limit, m.Verdict = 0, SoakShown
	}
	perDay := t.plan.CyclesPerDay
	if perDay <= 0 {
		return m
	}
	j := stats.Judge(series, stats.Options{Delta: m.Limit / perDay * span, Floor: row.floor, MinStep: row.minStep, MinSpike: row.minSpike})
	m.PerCycle = scaled(estimate(j.Rate), 1/span)
	m.Rate = scaled(m.PerCycle, perDay)
	if !row.shown {
		m.decide(j, scaled(estimate(j.EndRate), perDay/span), span)
	}
	return m
}

// decide compares the interval with the limit. What may have begun to grow only at the end is not
// flat.
func (m *SoakMetric) decide(j stats.Judgement, end Estimate, span float64) {
	switch {
	case j.Used < leastSoakValues || !m.Rate.Known:
		m.MoreCycles = int(math.Ceil(float64(max(1, 2*leastSoakValues-m.Values)) * span))
		return
	case m.Rate.Lo >= m.Limit || j.Class == stats.Leak:
		m.Verdict = SoakGrows
		return
	case m.Rate.Hi < m.Limit && end.Known && end.Hi <= 2*m.Limit:
		m.Verdict = SoakFlat
		return
	}
	// An interval narrows as the length to the power of 3/2.
	more := float64(m.Values) * math.Max(0.2, math.Pow((m.Rate.Hi-m.Rate.Lo)/2/m.Limit, 2./3)-1)
	m.MoreCycles = int(math.Ceil(max(more, float64(j.CyclesNeeded)) * span))
}

// levels tells where the metric stood.
func (m *SoakMetric) levels(values, series []float64) {
	for _, v := range values {
		if !math.IsNaN(v) {
			m.Highest = max(m.Highest, v)
		}
	}
	warm := min(3, len(series)/5) // as stats.Judge leaves out
	for _, v := range series[warm:] {
		if math.IsNaN(v) {
			continue
		}
		if !m.Read {
			m.First = v
		}
		m.Last, m.Read = v, true
	}
}

// gather makes the values of cycles into at most soakValues: each is the median of as many cycles as
// span says.
func gather(values []float64) (series []float64, span float64) {
	size := (len(values) + soakValues - 1) / soakValues
	for i := 0; i+size <= len(values) && size > 0; i += size {
		series = append(series, medianOf(values[i:i+size]))
	}
	return series, float64(max(1, size))
}

// medianOf is the median of what is known; NaN of nothing.
func medianOf(values []float64) float64 {
	known := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(known) == 0 {
		return math.NaN()
	}
	slices.Sort(known)
	if n := len(known); n%2 == 0 {
		return (known[n/2-1] + known[n/2]) / 2
	}
	return known[len(known)/2]
}

// scaled is an estimate in another unit.
func scaled(e Estimate, by float64) Estimate {
	return Estimate{Value: e.Value * by, Lo: e.Lo * by, Hi: e.Hi * by, Known: e.Known}
}
