package memprof

import (
	"math"
	"sync"
	"time"

	"github.com/ebbworker/ebb/memprof/stats"
)

// watched are the metrics that can be judged in production, where nothing is collected by force:
// what a run leaves behind when its tabs have been given back, and what should then be closed.
var watched = [MaxAlarms]Series{
	anonChrome, {"process.anon", Worker}, {"target.count", "page"}, {"context.count", ""}, {"go.goroutines", ""}, {"process.count", Chrome},
}

// Watch looks for growth over the whole life of a worker, cycle by cycle: however often it is
// looked at, and however long, the chance that a metric which does not grow ever raises an alarm
// is 1 %, over all metrics together. Its memory does not grow. See stats.Monitor.
type Watch struct {
	mu       sync.Mutex // guards what follows
	monitors map[Series]*stats.Monitor
	told     map[Series]bool
	cycles   int
	since    time.Time // the end of the first cycle
}

// watchBatch is how many cycles the monitors average to one value: they know no more in between.
const watchBatch = 10

// JudgedEvery is after how many watched cycles a Watch says what it has found.
const JudgedEvery = 2 * watchBatch

// MaxAlarms is how many alarms a Watch can ever raise.
const MaxAlarms = 6

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

// Add takes a cycle that has ended with nothing else under way. After every JudgedEvery of them it
// returns the alarms that they raise: each metric has one, for as long as the Watch lives.
func (w *Watch) Add(s Summary) []Alarm {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := s.Start.Add(s.Duration)
	if w.cycles++; w.cycles == 1 {
		w.since = end
	}
	for series, m := range w.monitors {
		value, ok := s.After.At(series)
		if !ok {
			value = math.NaN()
		}
		m.Add(value)
	}
	if w.cycles%JudgedEvery != 0 {
		return nil
	}
	var alarms []Alarm
	for _, series := range watched {
		if m := w.monitors[series]; m != nil && m.Alarmed() && !w.told[series] {
			w.told[series] = true
			alarms = append(alarms, newAlarm(series, m.State(), end, w.perDay(end)))
		}
	}
	return alarms
}

// perDay is how many cycles a day has, by those that were watched; 0 while that is not known.
func (w *Watch) perDay(now time.Time) float64 {
	if took := now.Sub(w.since).Seconds(); took > 0 {
		return float64(w.cycles-1) / took * secondsPerDay
	}
	return 0
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
