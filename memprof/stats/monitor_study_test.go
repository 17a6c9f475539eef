package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// monitorTruth makes the value of each cycle: noise of standard deviation 1 with AR(1)
// coefficient rho, and what else the truth adds.
type monitorTruth struct {
	name string
	rho  float64
	add  func(cycle int, r *rand.Rand) float64
	life int // cycles of each browser's life; 0 is one life
}

// monitorNulls do not grow in the long run.
func monitorNulls() []monitorTruth {
	outlier := func(_ int, r *rand.Rand) float64 {
		if r.Float64() < .03 {
			return 10 + 20*r.Float64()
		}
		return 0
	}
	season := func(cycle int, _ *rand.Rand) float64 { return 2 * math.Sin(2*math.Pi*float64(cycle)/144) }
	sawtooth := func(cycle int, _ *rand.Rand) float64 { return float64(cycle%37) / 37 * 8 }
	warm := func(cycle int, _ *rand.Rand) float64 { return -30 * math.Exp(-float64(cycle)/20) }
	step := func(cycle int, _ *rand.Rand) float64 { return map[bool]float64{cycle > 700: 10}[true] }
	return []monitorTruth{
		{name: "rho 0"},
		{name: "rho .5", rho: .5},
		{name: "rho .8", rho: .8},
		{name: "rho .95", rho: .95},
		{name: "3 % outliers", rho: .3, add: outlier},
		{name: "season", rho: .3, add: season},
		{name: "sawtooth", rho: .3, add: sawtooth},
		{name: "warm-up tau 20", rho: .3, add: warm},
		{name: "step of 10", rho: .3, add: step},
		{name: "lives of 150, warm-up", rho: .5, life: 150, add: warm},
	}
}

// monitorRun feeds a monitor and returns the cycle of its first alarm after from, 0 without one.
func monitorRun(truth monitorTruth, o MonitorOptions, cycles int, seed uint64) int {
	r := rand.New(rand.NewPCG(seed, 7))
	m := NewMonitor(o)
	noise, level, age := r.NormFloat64(), 100.0, 0
	for cycle := range cycles {
		if truth.life > 0 && cycle > 0 && cycle%truth.life == 0 {
			m.NewLife()
			level, age = 100+10*r.NormFloat64(), 0
		}
		y := level + noise
		if truth.add != nil {
			y += truth.add(age, r)
		}
		m.Add(y)
		if m.state.Alarm {
			return m.state.AlarmCycle
		}
		noise = truth.rho*noise + math.Sqrt(1-truth.rho*truth.rho)*r.NormFloat64()
		age++
	}
	return 0
}

// monitorEach runs series on all processors and returns the cycles of their alarms.
func monitorEach(truth monitorTruth, o MonitorOptions, cycles, reps int) []int {
	alarms := make([]int, reps)
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wait.Go(func() {
			for i := w; i < reps; i += workers {
				alarms[i] = monitorRun(truth, o, cycles, uint64(1000+i))
			}
		})
	}
	wait.Wait()
	return alarms
}

func monitorFound(alarms []int) int {
	return len(slices.DeleteFunc(slices.Clone(alarms), func(cycle int) bool { return cycle == 0 }))
}

func TestMonitorStudyOfFalseAlarms(t *testing.T) {
	total, reps := 0, 20
	for _, truth := range monitorNulls() {
		found := monitorFound(monitorEach(truth, MonitorOptions{}, 2000, reps))
		t.Logf("%-21s %d alarms in %d series of 2000 cycles", truth.name, found, reps)
		total += found
	}
	require.LessOrEqual(t, total, 2, "of %d series that do not grow", reps*len(monitorNulls()))
}

func TestMonitorStudyOfDelays(t *testing.T) {
	for _, test := range []struct {
		slope, rho  float64
		onset, most int
	}{
		{.005, 0, 0, 600},
		{.01, 0, 0, 480},
		{.02, 0, 0, 400},
		{.05, 0, 0, 285},
		{.1, 0, 0, 180},
		{.5, 0, 0, 110},
		{.02, .8, 0, 630},
		{.1, .8, 0, 230},
		{.05, 0, 1000, 630},
		{.2, 0, 1000, 270},
	} {
		grow := func(cycle int, _ *rand.Rand) float64 { return test.slope * float64(max(0, cycle-test.onset)) }
		alarms := monitorEach(monitorTruth{rho: test.rho, add: grow}, MonitorOptions{}, 2000, 20)
		slices.Sort(alarms)
		median := alarms[len(alarms)/2] - test.onset
		name := fmt.Sprintf("slope %.3f rho %.1f from cycle %d", test.slope, test.rho, test.onset)
		t.Logf("%-34s found in %d of %d, median delay %d cycles", name, monitorFound(alarms), len(alarms), median)
		require.Greater(t, alarms[0], test.onset, name)
		require.LessOrEqual(t, median, test.most, name)
	}
}

// Growth that shows within each browser's life is found over several of them.
func TestMonitorStudyOfShortLives(t *testing.T) {
	grow := func(cycle int, _ *rand.Rand) float64 { return .07 * float64(cycle) }
	alarms := monitorEach(monitorTruth{rho: .3, add: grow, life: 120}, MonitorOptions{}, 2000, 20)
	slices.Sort(alarms)
	t.Logf("found in %d of %d, median delay %d cycles", monitorFound(alarms), len(alarms), alarms[len(alarms)/2])
	require.Equal(t, 20, monitorFound(alarms))
}

// The interval holds at every time at once, with 98 % over both ends, and is above Delta exactly
// when there is an alarm.
func TestMonitorStudyOfTheRate(t *testing.T) {
	const reps = 60
	var missed, torn [reps]bool
	var wait sync.WaitGroup
	for w := range 2 {
		wait.Go(func() {
			for i := w; i < reps; i += 2 {
				missed[i], torn[i] = monitorFollow(.03, uint64(i))
			}
		})
	}
	wait.Wait()
	n := 0
	for i := range reps {
		require.False(t, torn[i], "series %d", i)
		if missed[i] {
			n++
		}
	}
	t.Logf("the interval ever missed the rate in %d of %d series", n, reps)
	require.LessOrEqual(t, n, 4)
}

// monitorFollow watches one series of a slope, and says whether the interval ever missed it or
// ever disagreed with the alarm.
func monitorFollow(slope float64, seed uint64) (missed, torn bool) {
	r := rand.New(rand.NewPCG(seed, 11))
	m := NewMonitor(MonitorOptions{})
	noise := r.NormFloat64()
	for cycle := range 600 {
		m.Add(slope*float64(cycle) + noise)
		noise = .6*noise + .8*r.NormFloat64()
		if cycle%20 != 9 {
			continue
		}
		s := m.State()
		missed = missed || s.Rated && (s.Rate.Lo > slope || s.Rate.Hi < slope)
		torn = torn || (s.E >= 100) != (s.Rated && s.Rate.Lo > 0)
	}
	return missed, torn
}
