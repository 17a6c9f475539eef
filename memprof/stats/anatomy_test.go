package stats

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// anatomySeries reads level(t) each step seconds in [0, end].
func anatomySeries(step, end float64, level func(t float64) float64) []Point {
	var points []Point
	for i := 0; float64(i)*step <= end+1e-9; i++ {
		t := float64(i) * step
		// A little noise that is not random: below .5.
		points = append(points, Point{t, level(t) + .5*math.Sin(float64(i*i))})
	}
	return points
}

// ramp rises from 0 to height between two times.
func ramp(t, from, to, height float64) float64 {
	return height * min(1, max(0, (t-from)/(to-from)))
}

func TestTriggerOfOverlappingPhases(t *testing.T) {
	scan, build := Phase{"scan", 2, 8}, Phase{"build", 7, 16}
	for _, test := range []struct {
		name    string
		phases  []Phase
		level   func(t float64) float64
		trigger string
		share   float64 // at least
	}{
		{
			"the second task shoots up just before the first ends",
			[]Phase{scan, build},
			func(t float64) float64 { return 370 + ramp(t, 7, 13, 2000) }, "build", .9,
		},
		{
			"the first task holds a little as well",
			[]Phase{scan, build},
			func(t float64) float64 { return 370 + ramp(t, 2, 8, 360) + ramp(t, 7, 13, 1870) }, "build", .75,
		},
		{
			"the first task is the one, and ends after the second began",
			[]Phase{{"scan", 2, 12}, {"build", 9, 16}},
			func(t float64) float64 { return 370 + ramp(t, 4, 12, 2000) }, "scan", .85,
		},
		{
			"the rise is over while the first task still logs",
			[]Phase{{"scan", 2, 14}, {"build", 7, 12}},
			func(t float64) float64 { return 370 + ramp(t, 7, 12, 2000) }, "build", .95,
		},
		{
			"the long task rises, a short one runs within",
			[]Phase{{"scan", 2, 14}, {"build", 7, 9}},
			func(t float64) float64 { return 370 + ramp(t, 2, 14, 2000) }, "scan", .9,
		},
		{
			"no overlap",
			[]Phase{{"scan", 2, 6}, {"build", 6, 16}},
			func(t float64) float64 { return 370 + ramp(t, 7, 13, 2000) }, "build", 1,
		},
		{
			"both in turn, one more",
			[]Phase{{"scan", 2, 6}, {"build", 6, 10}},
			func(t float64) float64 { return 370 + ramp(t, 2, 6, 500) + ramp(t, 6, 10, 1500) }, "build", .74,
		},
		{
			"outside all phases",
			[]Phase{{"scan", 2, 4}, {"build", 12, 15}},
			func(t float64) float64 { return 370 + ramp(t, 6, 10, 2000) }, NoPhase, 1,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, step := range []float64{.1, .5, 1} {
				a := Dissect(anatomySeries(step, 20, test.level), test.phases, .5)
				require.Equal(t, test.trigger, a.Trigger, "step %v: %v", step, a.Shares)
				require.False(t, a.Ambiguous)
				require.GreaterOrEqual(t, a.Share, test.share-.1*step, "step %v", step)
				sum := 0.0
				for _, share := range a.Shares {
					sum += share
				}
				require.InDelta(t, 1, sum, 1e-9)
			}
		})
	}
}

// A log names the scan last; it had nothing to do with the peak.
func TestTheLastToLogIsNotTheTrigger(t *testing.T) {
	phases := []Phase{{"scan", 2, 8}, {"build", 7, 16}}
	points := anatomySeries(1, 20, func(t float64) float64 {
		return 370 + ramp(t, 7.2, 12, 2000) - ramp(t, 14, 17, 1900)
	})
	a := Dissect(points, phases, 1)
	require.Equal(t, "build", a.Trigger)
	require.Equal(t, "scan", a.LastToEnd)
	require.Equal(t, "build", a.LastToStart)
	require.Equal(t, []string{"build"}, a.Running)
}

func TestNothingTellsEqualPhasesApart(t *testing.T) {
	level := func(t float64) float64 { return 100 + ramp(t, 5, 9, 400) }
	a := Dissect(anatomySeries(.1, 15, level), []Phase{{"shop", 5, 10}, {"news", 5, 10}, {"scrape", 0, 1}}, .5)
	require.True(t, a.Ambiguous)
	require.Equal(t, "news + shop", a.Trigger)
	require.InDelta(t, .5, a.Shares["shop"], .05)
	require.InDelta(t, .5, a.Shares["news"], .05)
	require.InDelta(t, 1, a.Share, .05)
	require.Contains(t, a.Warnings, "the readings do not tell news + shop apart: they ran together while memory rose")
	require.Equal(t, []string{"news", "shop"}, a.Running)

	// Nor does a tenth of a second, at one reading a second and with more noise.
	a = Dissect(anatomySeries(1, 15, level), []Phase{{"shop", 5, 10}, {"news", 5.1, 10}}, 5)
	require.True(t, a.Ambiguous)
	require.Equal(t, "news + shop", a.Trigger)
}

func TestAnatomy(t *testing.T) {
	phases := []Phase{{"launch", 1, 5}, {"scrape", 5, 14}, {"settle", 14, 60}}
	level := func(t float64) float64 {
		return 200 + ramp(t, 8, 12, 1000)*math.Exp(-math.Log(2)*max(0, t-14)/3)
	}
	a := Dissect(anatomySeries(.1, 60, level), phases, .5)
	require.InDelta(t, 200, a.Baseline, 1)
	require.InDelta(t, 1200, a.Peak, 1)
	require.InDelta(t, 1000, a.Height, 1)
	require.InDelta(t, 8.4, a.RiseFrom, .02)
	require.InDelta(t, 11.6, a.RiseTo, .02)
	require.InEpsilon(t, 250, a.Velocity, .01)
	require.False(t, a.AtLeast)
	require.Equal(t, "scrape", a.Trigger)
	require.InDelta(t, 1, a.Recovery, .01)
	require.True(t, a.Recovered)
	require.InDelta(t, 3, a.HalfLife, .15)
	require.Empty(t, a.Warnings)
}

func TestAnatomyOfAJumpBetweenTwoTicks(t *testing.T) {
	points := []Point{{0, 361}, {1, 360}, {2, 362}, {3, 361}, {4, 821}, {5, 823}, {6, 820}, {7, 600}, {8, 590}}
	a := Dissect(points, []Phase{{"scan", 1, 3.9}, {"build", 3.2, 8}}, 1)
	require.True(t, a.AtLeast)
	require.InDelta(t, 460, a.Velocity, 1)
	require.Equal(t, "build", a.Trigger)
	require.Equal(t, "too few readings within the rise: 0; its velocity is a lower bound", a.Warnings[0])
	require.Contains(t, a.Warnings[1], "read more often")
	require.InDelta(t, .5, a.Recovery, .05)
	require.False(t, a.Recovered)
	require.Greater(t, a.HalfLife, 0.0)
}

func TestAnatomyOfWhatIsNoSpike(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		name    string
		points  []Point
		warning string
	}{
		{"none", nil, "too few readings to see a spike: 0"},
		{"gaps", []Point{{1, nan}, {nan, 2}, {2, 3}, {3, math.Inf(1)}}, "too few readings to see a spike: 1"},
		{"constant", []Point{{1, 5}, {2, 5}, {3, 5}, {4, 5}}, "nothing rises above the noise"},
		{"falls", []Point{{1, 900}, {2, 50}, {3, 5}, {4, 5}}, "nothing rises above the noise"},
		{"noise", []Point{{1, 5}, {2, 6}, {3, 5}, {4, 7}, {5, 5}}, "nothing rises above the noise"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := Dissect(test.points, []Phase{{"scan", 0, 3}}, 0)
			require.Equal(t, []string{test.warning}, a.Warnings)
			require.Empty(t, a.Trigger)
			require.Negative(t, a.HalfLife)
			require.False(t, math.IsNaN(a.Height))
		})
	}
}

func TestAnatomyAtTheEdges(t *testing.T) {
	rising := []Point{{0, 10}, {1, 10}, {2, 10}, {3, 60}, {4, 110}}
	a := Dissect(rising, nil, .5)
	require.Equal(t, NoPhase, a.Trigger)
	require.Contains(t, a.Warnings, "the readings end at the peak: whether memory was given back is unknown")
	require.Negative(t, a.HalfLife)

	shuffled := []Point{rising[3], rising[0], rising[4], rising[4], rising[2], rising[1]}
	require.Equal(t, a, Dissect(shuffled, nil, .5))

	nan := math.NaN()
	a = Dissect(rising, []Phase{{"scan", 2, math.Inf(1)}, {"odd", 5, 3}, {"nan", nan, nan}}, .5)
	require.Equal(t, "scan", a.Trigger)
	require.Equal(t, []string{"scan"}, a.Running)
}

func TestRiseIdle(t *testing.T) {
	phases := []Phase{{"a", 1, 3}, {"b", 2, 5}, {"c", 6, 7}, {"d", 2.5, 2.6}}
	require.InDelta(t, 1+1+3, riseIdle(phases, 0, 10), 1e-12)
	require.InDelta(t, 0, riseIdle(phases, 1, 5), 1e-12)
	require.InDelta(t, .5, riseIdle(phases, 5.5, 6.5), 1e-12)
	require.InDelta(t, 4, riseIdle(nil, 1, 5), 1e-12)
}

// One cycle alone cannot tell the two apart; several, in which they began in another order, can.
func TestAttributeRiseOverSeveralCycles(t *testing.T) {
	var cycles []Trace
	for i := range 6 {
		shift := []float64{0, .1, 2, 0, 3, .1}[i]
		points := anatomySeries(1, 25, func(t float64) float64 { return 100 + ramp(t, 5+shift, 11+shift, 600) - ramp(t, 15, 20, 600) })
		cycles = append(cycles, Trace{points, []Phase{{"news", 5, 11}, {"shop", 5 + shift, 11 + shift}}})
	}
	require.True(t, Dissect(cycles[0].Points, cycles[0].Phases, .5).Ambiguous)
	a := AttributeRise(cycles, .5)
	require.Equal(t, "shop", a.Trigger, "%v", a)
	require.False(t, a.Ambiguous)
	require.Greater(t, a.Share, .9)
	require.InDelta(t, 100, a.Rates["shop"], 10)
	require.InDelta(t, 0, a.Rates["news"], 10)
	require.Equal(t, 6, a.Cycles)
	require.Equal(t, 4, a.Agreeing)

	flat := Trace{anatomySeries(1, 25, func(float64) float64 { return 5 }), cycles[0].Phases}
	require.Equal(t, 6, AttributeRise(append(slices.Clone(cycles), flat), .5).Cycles)
	none := AttributeRise([]Trace{flat, {}}, .5)
	require.Equal(t, Attribution{Warnings: []string{"nothing rises above the noise in any cycle"}}, none)
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 190, 180, 4, 3}, 2.0, 5.0, 3.0, 9.0, .5, 1.0)
	f.Add([]byte{0, 0, 0, 255}, math.Inf(-1), math.NaN(), 0.0, math.Inf(1), 0.0, 1e98)
	f.Fuzz(func(t *testing.T, levels []byte, from, to, since, until, noise, scale float64) {
		var points []Point
		for i, level := range levels {
			points = append(points, Point{float64(i), scale * float64(level)})
		}
		phases := []Phase{{"a", from, to}, {"b", since, until}, {"a", since, to}}
		a := Dissect(points, phases, noise)
		values := []float64{a.Baseline, a.Peak, a.Height, a.PeakAt, a.RiseFrom, a.RiseTo, a.Share, a.Velocity, a.Recovery, a.HalfLife}
		for _, share := range a.Shares {
			values = append(values, share)
		}
		rise := AttributeRise([]Trace{{points, phases}, {points, phases[:1]}}, noise)
		for _, rate := range rise.Rates {
			values = append(values, rate)
		}
		for i, v := range values {
			require.False(t, math.IsNaN(v) || math.IsInf(v, 0), "value %d of %+v", i, a)
		}
		require.LessOrEqual(t, a.Share, 1+1e-9)
	})
}
