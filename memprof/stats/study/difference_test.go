package study

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// The intervals of differences cover as often as they say.
func TestDifferencesCover(t *testing.T) {
	rows := Differences(reps, 1)
	var table bytes.Buffer
	require.NoError(t, WriteDifferences(&table, rows))
	t.Log("\n" + table.String())
	if reps < 500 {
		return // too few for the limits
	}
	var means, ratios, rates, all int
	for _, r := range rows {
		require.GreaterOrEqual(t, r.percent(r.Rates), minDifference-2., r.Pair.Name) // two standard errors of 500
		if r.Pair.Rate[0] == r.Pair.Rate[1] {
			require.LessOrEqual(t, r.percent(r.Differ), 100.-minDifference, r.Pair.Name)
		}
		means, ratios, rates, all = means+r.Means, ratios+r.Ratios, rates+r.Rates, all+r.Reps
	}
	for _, held := range []int{means, ratios, rates} {
		require.GreaterOrEqual(t, 100*float64(held)/float64(all), float64(minDifference))
	}
}
