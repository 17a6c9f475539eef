package memprof

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func watchedCycle(chrome, worker float64, pages float64) Summary {
	return Summary{After: Totals{Level: LevelCheap, Values: map[Series]float64{
		anonChrome: chrome, {"process.anon", Worker}: worker, {"process.count", Chrome}: 7,
		{"target.count", "page"}: pages, {"context.count", ""}: 0, {"go.goroutines", ""}: 60,
	}}}
}

func TestAWatchTellsOfGrowthOnceAndOfNothingElse(t *testing.T) {
	noise := rand.New(rand.NewPCG(1, 2))
	w := NewWatch()
	for i := range 300 {
		chrome := 100e6 + 0.3e6*noise.NormFloat64()
		require.Empty(t, w.Add(watchedCycle(chrome, 15e6+0.1e6*noise.NormFloat64(), 1)), "cycle %d", i)
	}
	var alarms []Alarm
	for i := range 300 {
		chrome := 100e6 + 0.3e6*noise.NormFloat64() + float64(i)*0.5e6
		alarms = append(alarms, w.Add(watchedCycle(chrome, 15e6+0.1e6*noise.NormFloat64(), 1))...)
	}
	require.Len(t, alarms, 1)
	require.Equal(t, anonChrome, alarms[0].Metric)
	require.Contains(t, alarms[0].Says, "Chrome's memory grows from run to run")
}

func TestEachBrowserHasALevelOfItsOwn(t *testing.T) {
	noise := rand.New(rand.NewPCG(3, 4))
	w := NewWatch()
	for life := range 8 {
		w.NewBrowser()
		for range 60 {
			require.Empty(t, w.Add(watchedCycle(90e6+float64(life)*5e6+0.3e6*noise.NormFloat64(), 15e6, 1)))
		}
	}
}

// A browser that is replaced begins its batches anew: what they tell is told at once all the same.
func TestAnAlarmIsToldInItsCycle(t *testing.T) {
	w := NewWatch()
	var alarms []Alarm
	for i := range 150 {
		if i == 13 {
			w.NewBrowser()
		}
		alarms = append(alarms, w.Add(watchedCycle(100e6, 15e6, float64(1+i)))...)
	}
	require.NotEmpty(t, alarms)
	require.Equal(t, w.monitors[alarms[0].Metric].State().AlarmCycle, alarms[0].Cycles)
}

func TestPagesThatStayOpenRaiseAnAlarm(t *testing.T) {
	w := NewWatch()
	var alarms []Alarm
	for i := range 150 {
		alarms = append(alarms, w.Add(watchedCycle(100e6, 15e6, float64(1+i)))...)
	}
	require.NotEmpty(t, alarms)
	require.Equal(t, Series{"target.count", "page"}, alarms[0].Metric)
}
