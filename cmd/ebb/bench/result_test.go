package bench

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func measured(pages int, took time.Duration, cpu time.Duration) Measured {
	return Measured{
		Round:    Round{Pages: pages, Items: 7, Took: took, Stages: Stages{Navigate: took, Store: took / 2}},
		CPU:      map[string]time.Duration{"worker": cpu / 4, "renderer": cpu / 4 * 3},
		PeakAnon: int64(took),
	}
}

func TestMedian(t *testing.T) {
	require.Zero(t, median(nil))
	require.Equal(t, 2., median([]float64{9, 1, 2}))
	require.Equal(t, 3., median([]float64{9, 1, 2, 4}))
}

// The ratios are those of pairs, not of medians.
func TestOutcome(t *testing.T) {
	c := Comparison{Name: "limit", Arms: []Arm{{Name: "bare", Level: LevelBare}, {Name: "crawl", Level: LevelCrawl}}}
	o := newOutcome(c, 2, [][]Measured{
		{measured(10, time.Second, time.Second), measured(10, 2*time.Second, time.Second), measured(10, 4*time.Second, time.Second)},
		{measured(10, 2*time.Second, 2*time.Second), measured(10, 2*time.Second, time.Second), measured(10, 5*time.Second, 3*time.Second)},
	})
	bare, crawl := o.Arms[0], o.Arms[1]
	require.Equal(t, []float64{5, 100}, []float64{bare.PagesPerSecond, bare.CPU})
	require.Equal(t, []float64{25, 75, 0}, []float64{bare.CPUByType["worker"], bare.CPUByType["renderer"], bare.CPUByType["gpu"]})
	require.Nil(t, bare.Speed)
	require.Nil(t, bare.Cost)
	require.Equal(t, 2e9, bare.PeakAnon)
	// Two tabs: of 400 ms a page each second is of a stage but for a quarter.
	require.Equal(t, StageFigures{Queue: 100, Navigate: 200, Store: 100}, bare.Stages)
	require.Equal(t, &Ratio{Median: 0.8, Lo: 0.5, Hi: 1}, crawl.Speed)
	require.Equal(t, &Ratio{Median: 2, Lo: 1, Hi: 3}, crawl.Cost)
	require.Len(t, crawl.Rounds, 3)
	require.Equal(t, 7, crawl.Items)

	r := &Result{Schema: Schema, Comparisons: []Outcome{o}}
	require.True(t, r.Right())
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(text), `"stages_ms_per_page":{"queue":100,`)
	r.Comparisons[0].Arms[1].Wrong = []string{"one"}
	require.False(t, r.Right())
}

// Each setting has a flag of its own and something to compare.
func TestSettings(t *testing.T) {
	seen := map[string]bool{Limit.Name: true}
	for _, s := range Settings {
		require.False(t, seen[s.Name], s.Name)
		seen[s.Name] = true
		require.NotEmpty(t, s.Says, s.Name)
		require.Greater(t, len(s.Arms), 1, s.Name)
	}
}

// Another arm begins each time.
func TestTurns(t *testing.T) {
	require.Equal(t, []int{0, 1, 2}, turns(3, 0))
	require.Equal(t, []int{1, 2, 0}, turns(3, 1))
	require.Equal(t, []int{2, 0, 1}, turns(3, 2))
}
