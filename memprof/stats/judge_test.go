package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// memory are the thresholds of private memory, in MB.
var memory = Options{Delta: .1, Floor: .025, MinStep: 2, MinSpike: 2}

// heap are those of the JavaScript heap, in MB.
var heap = Options{Delta: .01, Floor: .0025, MinStep: .5, MinSpike: .5}

// counts are those of anything counted.
var counts = Options{Delta: .2, Floor: .29, MinStep: 2, MinSpike: 2}

func curve(n int, f func(t float64) float64) []float64 {
	y := make([]float64, n)
	for i := range y {
		y[i] = f(float64(i))
	}
	return y
}

func TestJudgeNoiseFree(t *testing.T) {
	saw := func(t float64) float64 { return math.Mod(t, 10) * 10 / 9 }
	for _, c := range []struct {
		name  string
		y     []float64
		class Class
		shape Shape
		check func(*require.Assertions, Judgement)
	}{
		{"constant", curve(30, func(float64) float64 { return 100 }), Stable, StableShape, func(r *require.Assertions, j Judgement) {
			r.Zero(j.Rate.Value)
		}},
		{"linear", curve(30, func(t float64) float64 { return t }), Leak, LinearShape, func(r *require.Assertions, j Judgement) {
			r.InDelta(1, j.Rate.Value, 1e-9)
		}},
		{"spike", curve(21, func(t float64) float64 {
			if t == 12 {
				return 130
			}
			return 100
		}), Stable, StableShape, func(r *require.Assertions, j Judgement) {
			r.Equal([]int{12}, j.Spikes)
		}},
		{"step", curve(30, func(t float64) float64 {
			if t >= 15 {
				return 120
			}
			return 100
		}), Step, StepShape, func(r *require.Assertions, j Judgement) {
			r.Equal(15, j.Step.Cycle)
			r.InDelta(20, j.Step.Height, 1e-3)
		}},
		{"sawtooth", curve(30, saw), Stable, SawtoothShape, func(r *require.Assertions, j Judgement) {
			r.True(j.Sawtooth)
			r.Equal(10., j.Period)
		}},
		{"leak under a sawtooth", curve(30, func(t float64) float64 { return saw(t) + .5*t }), Leak, LinearShape, func(r *require.Assertions, j Judgement) {
			r.True(j.Sawtooth)
			r.InDelta(.5, j.Rate.Value, 1e-6)
		}},
		{"plateau", curve(30, func(t float64) float64 { return min(t, 10) }), Stable, SaturatingShape, func(r *require.Assertions, j Judgement) {
			r.True(j.Plateaued)
		}},
		{"accelerating", curve(30, func(t float64) float64 { return math.Exp2(t / 6) }), Leak, AcceleratingShape, func(r *require.Assertions, j Judgement) {
			r.InDelta(6, j.Doubling, 1.5)
		}},
		{"onset", curve(30, func(t float64) float64 { return max(0, t-15) }), Leak, OnsetShape, func(r *require.Assertions, j Judgement) {
			r.Equal(15, j.Onset)
		}},
		{"falling", curve(30, func(t float64) float64 { return -t }), Stable, StableShape, func(r *require.Assertions, j Judgement) {
			r.InDelta(-1, j.Rate.Value, 1e-9)
		}},
		{"warm-up", curve(30, func(t float64) float64 { return -50 * math.Expm1(-t/2.5) }), Stable, "", func(r *require.Assertions, j Judgement) {
			r.InDelta(0, j.Rate.Value, .01)
		}},
		{"count staircase", []float64{10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17}, Leak, LinearShape, func(r *require.Assertions, j Judgement) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := memory
			if c.name == "count staircase" {
				o = counts
			}
			j := Judge(c.y, o)
			t.Logf("%+v", j)
			r := require.New(t)
			r.Equal(c.class, j.Class)
			if c.shape != "" {
				r.Equal(c.shape, j.Shape)
			}
			c.check(r, j)
			requireFinite(t, j)
		})
	}
	slow := Judge(curve(30, func(t float64) float64 { return 5 * math.Log1p(t) }), memory)
	require.Contains(t, []Class{Growing, Decelerating}, slow.Class)
	require.Equal(t, SaturatingShape, slow.Shape)
}

func requireFinite(t *testing.T, j Judgement) {
	t.Helper()
	for name, v := range map[string]float64{
		"rate": j.Rate.Value, "rate lo": j.Rate.Lo, "rate hi": j.Rate.Hi,
		"end": j.EndRate.Value, "end lo": j.EndRate.Lo, "end hi": j.EndRate.Hi,
		"P": j.P, "PEnd": j.PEnd, "PPositive": j.PPositive, "sigma": j.Sigma, "rho": j.Rho, "period": j.Period,
		"step": j.Step.Height, "doubling": j.Doubling, "visible": j.SmallestVisible, "above": j.NoGrowthAbove,
		"sen": j.TheilSen.Value, "sen lo": j.TheilSen.Lo, "sen hi": j.TheilSen.Hi,
		"S": j.MannKendall.S, "var": j.MannKendall.Var, "z": j.MannKendall.Z, "p": j.MannKendall.P,
	} {
		require.False(t, math.IsNaN(v) || math.IsInf(v, 0), "%s is %v", name, v)
	}
	for name, v := range j.Families {
		require.True(t, v >= 0 && v <= 1.0000001, "%s: %v", name, v)
	}
	for name, p := range map[string]float64{"P": j.P, "PEnd": j.PEnd, "PPositive": j.PPositive} {
		require.True(t, p >= 0 && p <= 1, "%s is %v", name, p)
	}
	require.LessOrEqual(t, j.Rate.Lo, j.Rate.Value)
	require.LessOrEqual(t, j.Rate.Value, j.Rate.Hi)
	require.LessOrEqual(t, j.EndRate.Lo, j.EndRate.Value)
	require.LessOrEqual(t, j.EndRate.Value, j.EndRate.Hi)
	require.GreaterOrEqual(t, j.CyclesNeeded, 0)
}

func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{20, 30, 60} {
		y := curve(n, func(t float64) float64 { return .15*t + math.Sin(t*t)*.3 })
		b.Run("n="+string(rune('0'+n/10))+"0", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Judge(y, memory)
			}
		})
	}
}
