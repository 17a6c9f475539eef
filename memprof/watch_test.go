package memprof

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof/stats"
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

func TestPagesThatStayOpenRaiseAnAlarm(t *testing.T) {
	w := NewWatch()
	var alarms []Alarm
	for i := range 150 {
		alarms = append(alarms, w.Add(watchedCycle(100e6, 15e6, float64(1+i)))...)
	}
	require.NotEmpty(t, alarms)
	require.Equal(t, Series{"target.count", "page"}, alarms[0].Metric)
}

func TestAnAlarmTellsItsRateAndTheTimeToTheLimit(t *testing.T) {
	noise := rand.New(rand.NewPCG(5, 6))
	w := NewWatch()
	began := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	var alarms []Alarm
	for i := range 200 {
		s := watchedCycle(100e6+0.2e6*noise.NormFloat64()+float64(i)*1e6, 15e6, 1)
		s.Start, s.Duration = began.Add(time.Duration(i)*time.Minute), 5*time.Second
		found := w.Add(s)
		require.True(t, len(found) == 0 || (i+1)%JudgedEvery == 0, "judged in cycle %d", i+1)
		alarms = append(alarms, found...)
	}
	require.Len(t, alarms, 1)
	a := alarms[0]
	require.Equal(t, Bytes, a.Unit)
	require.InDelta(t, 1e6, a.Rate.Value, 0.1e6)
	require.True(t, a.Rate.Lo < 1e6 && 1e6 < a.Rate.Hi, a.Rate)
	require.InDelta(t, 1440, a.CyclesPerDay, 1)
	require.InDelta(t, a.Rate.Value*1440, a.PerDay.Value, 1e6)
	require.Equal(t, []string{"process.anon", Chrome}, a.Fingerprint.Of)
	require.Len(t, a.Fingerprint.ID, 12)

	a.ToLimit(2e9, 1.4e9, "of the cgroup")
	require.InDelta(t, 10, *a.Limit.Hours, 1, "600 MB at 60 MB an hour")
	require.Less(t, *a.Limit.HoursLo, *a.Limit.Hours)
	require.Greater(t, *a.Limit.HoursHi, *a.Limit.Hours)
	require.Contains(t, a.Says, "h to the limit (2000.0 MB, of the cgroup)")
	a.ToLimit(1e9, 1.4e9, "of the cgroup")
	require.Zero(t, *a.Limit.Hours, "it is there already")

	pages := newAlarm(Series{"target.count", "page"}, stats.MonitorState{}, began, 0)
	pages.ToLimit(2e9, 1.4e9, "of the cgroup")
	require.Nil(t, pages.Limit, "pages are no memory")
	require.False(t, pages.PerDay.Known)
}
