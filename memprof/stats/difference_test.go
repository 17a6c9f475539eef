package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDifference(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b Interval
		want Interval
		p    float64
	}{
		{"the same", Interval{1, 0, 2}, Interval{1, 0, 2}, Interval{0, -math.Sqrt2, math.Sqrt2}, 1},
		{"three and four make five", Interval{0, -3, 3}, Interval{5, 1, 9}, Interval{5, 0, 10}, .05},
		{"skewed", Interval{0, -8, 3}, Interval{-5, -11, -1}, Interval{-5, -5 - math.Hypot(6, 3), -5 + math.Hypot(4, 8)}, .2624},
		{"exact", Interval{1, 1, 1}, Interval{0, 0, 0}, Interval{-1, -1, -1}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Difference(c.a, c.b, 20, 20)
			require.InDelta(t, c.want.Value, d.Value, 1e-12)
			require.InDelta(t, c.want.Lo, d.Lo, 1e-12)
			require.InDelta(t, c.want.Hi, d.Hi, 1e-12)
			require.InDelta(t, c.p, d.P, 1e-3)
		})
	}
	open := Difference(openInterval(3), Interval{1, 0, 2}, 20, 20)
	require.True(t, open.Open())
	require.Equal(t, []float64{-2, 1}, []float64{open.Value, open.P})
}

func TestMeanDifference(t *testing.T) {
	ten := curve(20, func(t float64) float64 { return 10 + math.Mod(7*t, 3) })
	twelve := curve(20, func(t float64) float64 { return 12 + math.Mod(7*t, 3) })
	d := MeanDifference(ten, twelve)
	require.InDelta(t, 2, d.Value, .1)
	require.Less(t, d.P, .01)
	require.Greater(t, d.Lo, 0.)
	same := MeanDifference(ten, ten)
	require.InDelta(t, 0, same.Value, 1e-9)
	require.InDelta(t, 1, same.P, 1e-6)

	ratio := MeanRatio(ten, twelve)
	require.InDelta(t, 1.18, ratio.Value, .02)
	require.InDelta(t, 1, MeanRatio(ten, ten).Value, 1e-9)
	require.Less(t, ratio.Hi-ratio.Lo, .3)

	// Gaps and what has no logarithm are left out; too little bounds nothing.
	holes := append([]float64{math.NaN(), 0, -1}, ten...)
	require.InDelta(t, ratio.Value, MeanRatio(holes, append([]float64{math.NaN(), 0, -1}, twelve...)).Value, .02)
	for _, few := range [][]float64{nil, {1}, {1, 2}} {
		require.True(t, MeanDifference(few, ten).Open())
		require.True(t, MeanRatio(ten, few).Open())
		require.Equal(t, 1., MeanDifference(ten, few).P)
	}
	// A constant is known exactly.
	constant := curve(20, func(float64) float64 { return 3 })
	require.InDelta(t, 0, MeanDifference(constant, constant).Hi, 1e-6)
}
