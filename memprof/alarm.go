package memprof

import (
	"fmt"
	"math"
	"time"

	"github.com/ebbworker/ebb/memprof/stats"
)

// AlarmNote is the name of a note that holds an Alarm.
const AlarmNote = "alarm"

// Alarm is growth that was found in production. What it says is of cycles that ended with nothing
// else under way; growth in the others is part of it.
type Alarm struct {
	Time   time.Time `json:"time"`
	Metric Series    `json:"metric"`
	Unit   Unit      `json:"unit"`
	// Fingerprint is made of the metric and the process type, the first two words of a
	// diagnosis's: what production does not know, it does not name (phase, cause, class). A
	// diagnosis of the same leak has the same metric among those that grow, and another ID.
	Fingerprint Fingerprint `json:"fingerprint"`
	// Rate is per watched cycle, in Unit; its interval holds at all times. PerDay is the same at
	// the pace of the watched cycles, CyclesPerDay.
	Rate         Estimate `json:"rate"`
	PerDay       Estimate `json:"per_day"`
	CyclesPerDay float64  `json:"cycles_per_day"`
	// Cycles is how many were watched.
	Cycles int `json:"cycles"`
	// Limit is what the growth leads to; nil where nothing limits it, or nothing is known of it.
	Limit *AlarmLimit `json:"limit,omitempty"`
	Says  string      `json:"says"`
}

// AlarmLimit is a memory limit with the time until growth reaches it.
type AlarmLimit struct {
	// Bytes is the limit, Used what counts against it now, and Is whose it is.
	Bytes float64 `json:"bytes"`
	Used  float64 `json:"used_bytes"`
	Is    string  `json:"is"`
	// Hours are those to the limit, Lo at the highest rate and Hi at the lowest; nil is never.
	Hours   *float64 `json:"hours"`
	HoursLo *float64 `json:"hours_lo"`
	HoursHi *float64 `json:"hours_hi"`
}

func newAlarm(s Series, state stats.MonitorState, at time.Time, cyclesPerDay float64) Alarm {
	row, _ := MetricOf(s.Metric)
	a := Alarm{Time: at, Metric: s, Unit: row.Unit, Fingerprint: newFingerprint(s.Metric, s.Group), Cycles: state.Cycles, CyclesPerDay: cyclesPerDay}
	if state.Rated {
		a.Rate = estimate(state.Rate)
	}
	if a.Rate.Known && cyclesPerDay > 0 {
		a.PerDay = Estimate{Value: a.Rate.Value * cyclesPerDay, Lo: a.Rate.Lo * cyclesPerDay, Hi: a.Rate.Hi * cyclesPerDay, Known: true}
	}
	a.Says = a.words()
	return a
}

// ToLimit says when the growth reaches a limit; of what is not memory it says nothing.
func (a *Alarm) ToLimit(limit, used float64, is string) {
	if a.Metric.Metric != "process.anon" || limit <= 0 {
		return
	}
	a.Limit = &AlarmLimit{Bytes: limit, Used: used, Is: is}
	if a.PerDay.Known {
		left := math.Max(limit-used, 0)
		a.Limit.Hours, a.Limit.HoursLo, a.Limit.HoursHi = hoursTo(left, a.PerDay.Value), hoursTo(left, a.PerDay.Hi), hoursTo(left, a.PerDay.Lo)
	}
	a.Says = a.words()
}

// hoursTo is in how many hours growth fills what is left; nil is never.
func hoursTo(left, perDay float64) *float64 {
	if perDay <= 0 {
		return nil
	}
	hours := left / perDay * 24
	return &hours
}

// words says the alarm in one sentence.
func (a *Alarm) words() string {
	row, _ := MetricOf(a.Metric.Metric)
	m := &judged{series: a.Metric, row: row}
	says := fmt.Sprintf("%s grows from run to run", nameOf(a.Metric))
	if a.Rate.Known {
		says += fmt.Sprintf(", by %s each [%s, %s]", m.amount(a.Rate.Value), m.amount(a.Rate.Lo), m.amount(a.Rate.Hi))
	}
	if l := a.Limit; l != nil && l.Hours != nil {
		says += fmt.Sprintf(", %.3g h to the limit (%s, %s)", *l.Hours, m.amount(l.Bytes), l.Is)
	}
	return says + "; `ebb diagnose` tells why"
}
