package memprof

import (
	"fmt"
	"math"
	"sync"

	"github.com/ebbworker/ebb/memprof/stats"
)

// watched are the metrics that can be judged in production, where nothing is collected by force:
// what a run leaves behind when its tabs have been given back, and what should then be closed.
var watched = []Series{
	anonChrome, {"process.anon", Worker}, {"target.count", "page"}, {"context.count", ""}, {"go.goroutines", ""}, {"process.count", Chrome},
}

// Watch looks for growth over the whole life of a worker, cycle by cycle: however often it is
// looked at, and however long, the chance that a metric which does not grow ever raises an alarm
// is 1 %, over all metrics together. Its memory does not grow. See stats.Monitor.
type Watch struct {
	mu       sync.Mutex // guards what follows
	monitors map[Series]*stats.Monitor
	told     map[Series]bool
}

// watchBatch is how many cycles the monitors average to one value: they know no more in between.
const watchBatch = 10

// Alarm is growth that was found in production.
type Alarm struct {
	Metric Series `json:"metric"`
	// Rate is per cycle, in the metric's unit; its interval holds at all times.
	Rate Estimate `json:"rate"`
	// Cycles is how many were watched.
	Cycles int    `json:"cycles"`
	Says   string `json:"says"`
}

// AlarmNote is the name of a note that holds an Alarm.
const AlarmNote = "alarm"

// NewWatch returns a watch that has seen nothing.
func NewWatch() *Watch {
	w := &Watch{monitors: map[Series]*stats.Monitor{}, told: map[Series]bool{}}
	for _, s := range watched {
		p := policyOf(s)
		if p.role == Shown {
			continue
		}
		w.monitors[s] = stats.NewMonitor(stats.MonitorOptions{Delta: p.Delta, Floor: p.Floor, Batch: watchBatch, Alpha: 0.01 / float64(len(watched))})
	}
	return w
}

// Add takes a cycle that has ended with nothing else under way, and returns the alarms that it
// raises: each metric has one.
func (w *Watch) Add(s Summary) []Alarm {
	w.mu.Lock()
	defer w.mu.Unlock()
	var alarms []Alarm
	for _, series := range watched {
		m := w.monitors[series]
		if m == nil {
			continue
		}
		value, ok := s.After.At(series)
		if !ok {
			value = math.NaN()
		}
		m.Add(value)
		if w.told[series] || !m.Alarmed() {
			continue
		}
		w.told[series] = true
		alarms = append(alarms, newAlarm(series, m.State()))
	}
	return alarms
}

// NewBrowser tells that another Chrome runs: its level begins anew.
func (w *Watch) NewBrowser() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s, m := range w.monitors {
		if s.Group != Worker && s.Metric != "go.goroutines" {
			m.NewLife()
		}
	}
}

func newAlarm(s Series, state stats.MonitorState) Alarm {
	row, _ := MetricOf(s.Metric)
	m := &judged{series: s, row: row}
	a := Alarm{Metric: s, Rate: estimate(state.Rate), Cycles: state.Cycles}
	a.Rate.Known = a.Rate.Known && state.Rated
	a.Says = fmt.Sprintf("%s grows from run to run", nameOf(s))
	if a.Rate.Known {
		a.Says += fmt.Sprintf(", by %s each [%s, %s]", m.amount(a.Rate.Value), m.amount(a.Rate.Lo), m.amount(a.Rate.Hi))
	}
	a.Says += "; `ebb diagnose` tells why"
	return a
}
