package stats

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTrialOneByOne(t *testing.T) {
	grow := func(from, by float64) []float64 { return []float64{from, from + by, from + 2*by} }
	blocks := []TrialBlock{
		{On: []bool{false, false}, Values: grow(10, 2)},
		{On: []bool{true, false}, Values: grow(17, 1)},
		{On: []bool{false, true}, Values: grow(20, 2)},
		{On: []bool{false, false}, Again: true, Values: grow(25, 2)},
	}
	r := AnalyseTrial(blocks, TrialOptions{Margin: .1})
	a, ok := r.Effect(SoloEffect, 0)
	require.True(t, ok)
	require.InDelta(t, -1, a.Value, 1e-9)
	require.InDelta(t, -1, a.Lo, 1e-9)
	require.InDelta(t, -1, a.Hi, 1e-9)
	require.Equal(t, Helps, a.Verdict)
	b, _ := r.Effect(SoloEffect, 1)
	require.Equal(t, NoEffect, b.Verdict)
}
