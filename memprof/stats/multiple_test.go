package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAdjustedPValues(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		name        string
		p, holm, bh []float64
	}{
		{"reference", []float64{.01, .02, .03, .04, .05}, []float64{.05, .08, .09, .09, .09}, []float64{.05, .05, .05, .05, .05}},
		{"unordered", []float64{.04, .01, .03}, []float64{.06, .03, .06}, []float64{.04, .03, .04}},
		{"bounded by 1", []float64{.9, .8}, []float64{1, 1}, []float64{.9, .9}},
		{"one", []float64{.2}, []float64{.2}, []float64{.2}},
		{"ties", []float64{.01, .01, .5}, []float64{.03, .03, .5}, []float64{.015, .015, .5}},
		{"not measured", []float64{.01, nan, .04}, []float64{.02, nan, .04}, []float64{.02, nan, .04}},
	} {
		t.Run(test.name, func(t *testing.T) {
			given := append([]float64(nil), test.p...)
			requireSame(t, test.holm, Holm(test.p))
			requireSame(t, test.bh, BenjaminiHochberg(test.p))
			requireSame(t, given, test.p)
		})
	}
	require.Empty(t, Holm(nil))
	require.Empty(t, BenjaminiHochberg(nil))
}

// requireSame compares to 1e-12; NaN is the same as NaN.
func requireSame(t *testing.T, want, got []float64) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		if math.IsNaN(want[i]) {
			require.True(t, math.IsNaN(got[i]), "value %d", i)
			continue
		}
		require.InDelta(t, want[i], got[i], 1e-12, "value %d", i)
	}
}
