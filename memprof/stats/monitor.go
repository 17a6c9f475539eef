package stats

import (
	"math"
	"slices"
)

// MonitorOptions say what a [Monitor] tolerates.
type MonitorOptions struct {
	// Delta is the growth per cycle that is tolerated, in the metric's unit. Default 0.
	Delta float64
	// Floor is the noise that the metric has at least, as a standard deviation in its unit: for
	// counts 1/sqrt(12). Without one, a series free of noise alarms on any growth. Default 0.
	Floor float64
	// Warmup is how many cycles after a browser's start are left out; negative for none.
	// Default 10.
	Warmup int
	// Batch is how many cycles are averaged to one value. Default 10.
	Batch int
	// Alpha bounds the probability that there is ever an alarm without growth above Delta.
	// Default .01.
	Alpha float64
	// Restart is after how many batches a further copy of the test begins, which finds growth
	// that begins later. Default 40.
	Restart int
	// Copies is how many copies are kept. Default 8, at least 4.
	Copies int
}

// MonitorState is what a [Monitor] knows.
type MonitorState struct {
	// E is the evidence for growth above Delta, as a betting score that starts below 1: the
	// largest of the weighted copies. Alarm is set once it has reached 1/Alpha, and stays.
	E     float64
	Alarm bool
	// AlarmCycle is the cycle (counted from 1 by Add) of the first alarm, 0 without one.
	AlarmCycle int
	// Rate is the growth per cycle with a confidence sequence: the interval holds at all times
	// at once, each end with probability 1-Alpha. It is of the cycles after Since: of all in
	// which the metric was watched, or, while E is at least 1/Alpha, of those that show growth
	// best: if they are of one life, Rate.Lo is above Delta then.
	Rate  Interval
	Since int
	// Rated is false, and Rate empty, while too little is known to bound the rate.
	Rated bool
	// Batches is the number of averages taken, Cycles the number of values given, gaps included.
	Batches, Cycles int
}

// Monitor watches one metric for growth in production, without end: it may be looked at after
// every cycle, and still raises a false alarm ever with probability Alpha at most. Its memory and
// its work per cycle do not grow. It is not safe for use by several goroutines.
//
// The test compares two models of the batch averages: a level with AR(1) noise whose rho is the
// most favourable of a grid, against the same with growth (b+Delta)t, b > 0 half-normal, averaged
// over the grid of rho and over four sizes of b. Level and noise are integrated out with the
// invariant prior, so that for the true rho the ratio is bounded by a test martingale (Ville's
// inequality). The evidence of one browser's life is multiplied with that of those before: growth
// has to show within lives, and a warm-up that each repeats does not add up to an alarm. The rate
// is estimated over all lives at once, each with a level of its own, and has such warm-ups in it.
//
// A copy of the test that starts at batch i x Restart has the weight 1/((i+1)(i+2)); these sum to
// 1, and the alarm is raised by any copy that reaches 1/(Alpha x weight). Of the copies, the first,
// the newest two and those of the most evidence are kept. What is dropped could only have raised
// an alarm, so that the bound on false ones holds; growth is found later at most by the batches
// between the start of the best copy and the start of the best that is left.
//
// Sources: P. Grünwald, R. de Heide, W. Koolen, Safe Testing, J. R. Stat. Soc. B 86 (2024); M. F.
// Pérez-Ortiz et al., E-statistics, group invariance and anytime-valid testing, Ann. Stat. 52
// (2024); restarts: J. Shin, A. Ramdas, A. Rinaldo, E-detectors, NEJSDS 2 (2024).
type Monitor struct {
	o      MonitorOptions
	batch  []float64 // the cycles of the batch under way, gaps left out
	filled int       // cycles of the batch under way, gaps included
	warm   int       // cycles of this life that are still to be left out
	slots  int       // batches of all lives, gaps included: the clock of restarts
	begun  int       // copies ever begun
	copies []*monitorCopy
	state  MonitorState
}

// NewMonitor returns a monitor that has seen nothing; the first browser's life has begun.
func NewMonitor(o MonitorOptions) *Monitor {
	defaults := func(value *int, fallback int) {
		if *value == 0 {
			*value = fallback
		}
	}
	defaults(&o.Warmup, 10)
	defaults(&o.Batch, 10)
	defaults(&o.Restart, 40)
	defaults(&o.Copies, 8)
	o.Warmup, o.Batch, o.Restart, o.Copies = max(o.Warmup, 0), max(o.Batch, 1), max(o.Restart, 1), max(o.Copies, 4)
	if o.Alpha <= 0 || o.Alpha >= 1 {
		o.Alpha = .01
	}
	return &Monitor{o: o, warm: o.Warmup, batch: make([]float64, 0, o.Batch)}
}

// Add takes the value of the next cycle. NaN is a cycle without one, and so is a value so large
// that its square is none.
func (m *Monitor) Add(y float64) {
	m.state.Cycles++
	if m.warm > 0 {
		m.warm--
		return
	}
	if math.Abs(y) < 1e100 {
		m.batch = append(m.batch, y)
	}
	m.filled++
	if m.filled < m.o.Batch {
		return
	}
	m.restart()
	// A batch of less than half its cycles is a gap: its average is too uncertain to stand
	// beside the others.
	if 2*len(m.batch) >= m.o.Batch {
		m.observe(monitorAverage(m.batch, m.o.Floor))
	}
	m.slots++
	m.batch, m.filled = m.batch[:0], 0
}

// NewLife says that the browser has been replaced: the level of what follows has nothing to do
// with what was, its warm-up is left out, and an unfinished batch is dropped.
func (m *Monitor) NewLife() {
	m.warm = m.o.Warmup
	m.batch, m.filled = m.batch[:0], 0
	for _, c := range m.copies {
		c.newLife()
	}
}

// Alarmed tells, at no cost, whether there is an alarm: it changes with the last cycle of a batch only.
func (m *Monitor) Alarmed() bool { return m.state.Alarm }

// State returns what is known now. It takes about a millisecond.
func (m *Monitor) State() MonitorState {
	s := m.state
	if len(m.copies) == 0 {
		return s
	}
	c, best := m.copies[0], m.best()
	if best.score() >= -math.Log(m.o.Alpha) {
		c = best
	}
	s.Since = c.since
	sums, nu := c.all()
	s.Rate, s.Rated = sums.rate(nu, m.o.Floor, -math.Log(m.o.Alpha)-math.Log(c.weight))
	per := float64(m.o.Batch)
	s.Rate = Interval{Value: s.Rate.Value / per, Lo: s.Rate.Lo / per, Hi: s.Rate.Hi / per}
	return s
}

// observe brings a batch average to all copies.
func (m *Monitor) observe(y float64) {
	m.state.Batches++
	for _, c := range m.copies {
		c.add(m.slots, y)
		sums, nu := c.current()
		c.logE = c.past + sums.evidence(nu, m.o.Floor, m.o.Delta*float64(m.o.Batch), 1)
	}
	score := m.best().score()
	m.state.E = math.Exp(min(score, 700))
	if score >= -math.Log(m.o.Alpha) && !m.state.Alarm {
		m.state.Alarm, m.state.AlarmCycle = true, m.state.Cycles
	}
}

// best returns the copy with the most evidence.
func (m *Monitor) best() *monitorCopy {
	return slices.MaxFunc(m.copies, monitorLess)
}

// restart begins a further copy when one is due, in place of the one with the least evidence.
func (m *Monitor) restart() {
	if m.slots%m.o.Restart != 0 {
		return
	}
	if len(m.copies) == m.o.Copies {
		old := m.copies[1 : len(m.copies)-1]
		drop := 1 + slices.Index(old, slices.MinFunc(old, monitorLess))
		m.copies = slices.Delete(m.copies, drop, drop+1)
	}
	i := float64(m.begun)
	m.begun++
	since := m.state.Cycles - m.o.Batch
	m.copies = append(m.copies, &monitorCopy{weight: 1 / ((i + 1) * (i + 2)), since: since})
}

// monitorAverage is the mean of what is within 5 robust standard deviations of the median.
func monitorAverage(values []float64, floor float64) float64 {
	middle, spread := MedianSpread(values)
	reach := 5 * max(spread, floor)
	sum, n := 0.0, 0.0
	for _, v := range values {
		if math.Abs(v-middle) <= reach {
			sum += v - middle
			n++
		}
	}
	return middle + sum/n
}
