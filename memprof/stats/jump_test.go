package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// stairs is a level that rises by the given sizes at the given cycles, with a little noise.
func stairs(n int, sigma float64, jumps map[int]float64) []float64 {
	y := noise(11, n, .3)
	level := 3.
	for i := range y {
		level += jumps[i]
		y[i] = level + sigma*y[i]
	}
	return y
}

// An array that gets one element a cycle was enlarged once within the run.
func TestJudgeLoneJumpIsUndecided(t *testing.T) {
	for _, sigma := range []float64{0, .002} {
		for _, size := range []float64{.52, .3} {
			j := Judge(stairs(25, sigma, map[int]float64{17: size}), heap)
			t.Logf("%+v", j)
			require.Contains(t, []Class{Step, Inconclusive}, j.Class)
			require.Equal(t, StepShape, j.Shape)
			require.Equal(t, 17, j.Step.Cycle)
			require.InDelta(t, size, j.Step.Height, .01)
			require.GreaterOrEqual(t, 25+j.CyclesNeeded, 42, "until an array of 41 elements is full")
			require.NotEmpty(t, j.Warnings)
		}
	}
	// A jump at the very end is not known to be one.
	j := Judge(stairs(25, .002, map[int]float64{24: 2}), heap)
	require.Equal(t, Inconclusive, j.Class)
	require.True(t, j.Pending)
	require.Equal(t, 3, j.CyclesNeeded)
	// The second jump, half as large again, shows in time.
	j = Judge(stairs(48, .002, map[int]float64{17: .52, 41: .78}), heap)
	require.Contains(t, []Class{Growing, Leak}, j.Class)
	// And once it would have had to show, a step is a step.
	j = Judge(stairs(48, .002, map[int]float64{17: .52}), heap)
	require.Equal(t, Step, j.Class)
	require.Zero(t, j.CyclesNeeded)
}

func TestJudgeGrowingJumpsAreALeak(t *testing.T) {
	for name, jumps := range map[string]map[int]float64{
		"arrays, by half":   {3: .060, 4: .080, 6: .100, 9: .151, 14: .226, 21: .339},
		"maps, by two":      {2: .030, 4: .060, 8: .120, 16: .240},
		"few and far":       {5: .1, 11: .15, 20: .23},
		"one after another": {6: .2, 13: .3, 23: .45},
	} {
		for _, sigma := range []float64{0, .002} {
			j := Judge(stairs(25, sigma, jumps), heap)
			t.Logf("%s: %v %v %+v needs %d, %q", name, j.Class, j.Shape, j.Rate, j.CyclesNeeded, j.Warnings)
			require.Equal(t, Leak, j.Class, "%s, sigma %v", name, sigma)
		}
	}
}

func TestJudgeLeakOnEveryThirdVisit(t *testing.T) {
	for phase := range 3 {
		third := func(t float64) float64 { return math.Floor((t + float64(phase)) / 3) }
		for _, n := range []int{20, 25, 30} {
			j := Judge(curve(n, third), counts)
			require.Equal(t, Leak, j.Class, "counts, phase %d, n %d", phase, n)
			require.InDelta(t, 1./3, j.Rate.Value, .01)
			y := noise(uint64(phase), n, .3)
			for i := range y {
				y[i] = .05*y[i] + third(float64(i))
			}
			j = Judge(y, memory)
			require.Equal(t, Leak, j.Class, "memory, phase %d, n %d: %+v", phase, n, j)
			require.True(t, j.Rate.Lo <= 1./3 && 1./3 <= j.Rate.Hi)
		}
	}
}

// Garbage that is collected now and then lies on top of a leak.
func TestJudgeLeakWithOccasionalTeeth(t *testing.T) {
	for _, n := range []int{25, 30} {
		leaks, accused := 0, 0
		const series = 200
		for seed := range uint64(series) {
			r := rand.New(rand.NewPCG(seed, 2))
			clean, leaking := noise(seed, n, .3), make([]float64, n)
			garbage := 3 * r.Float64()
			for i := range clean {
				garbage++
				if garbage > 4 && r.Float64() < .3 {
					garbage = 0
				}
				clean[i] = .1*clean[i] + garbage
				leaking[i] = clean[i] + float64(i)
			}
			if Judge(leaking, memory).Class == Leak {
				leaks++
			}
			if Judge(clean, memory).Class == Leak {
				accused++
			}
		}
		t.Logf("n %d: %d of %d found, %d accused without a leak", n, leaks, series, accused)
		require.GreaterOrEqual(t, leaks, series*75/100)
		require.LessOrEqual(t, accused, series*24/1000)
	}
}

// What is exact is decided as soon as anything is called a leak, and exactly.
func TestJudgeExactCountsAtOnce(t *testing.T) {
	for _, rate := range []float64{1, 3, 4001} {
		j := Judge(curve(15, func(t float64) float64 { return 17 + rate*t }), counts)
		require.Equal(t, Leak, j.Class, rate)
		require.InDelta(t, rate, j.Rate.Value, 1e-9*rate)
		require.Zero(t, j.CyclesNeeded)
	}
	bytes := Judge(curve(25, func(t float64) float64 { return 5e6 + 1e6*t }), Options{Delta: 1e4, Floor: 2500})
	require.Equal(t, Leak, bytes.Class)
	require.InDelta(t, 1e6, bytes.Rate.Value, 1e-3)
	for _, n := range []int{8, 12, 20, 30} {
		require.Equal(t, Stable, Judge(curve(n, func(float64) float64 { return 17 }), counts).Class, n)
	}
}
