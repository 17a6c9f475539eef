package stats

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// anatomyCase is a cycle in which one of two overlapping tasks, drawn at random, made memory rise:
// at an uneven pace, after a delay, with a little held by the other one, and noise.
func anatomyCase(r *rand.Rand, step float64) (Trace, string) {
	scan := Phase{"scan", 2, 6 + 6*r.Float64()}
	build := Phase{"build", scan.End - .3 - 2*r.Float64(), 0}
	build.End = scan.End + 3 + 5*r.Float64()
	guilty, other := build, scan
	if r.Float64() < .5 {
		guilty, other = scan, build
	}
	delay := .5 * r.Float64()
	until := guilty.Start + delay + (guilty.End-guilty.Start-delay)*(.5+.5*r.Float64())
	if guilty == scan {
		until = guilty.End
	}
	middle := guilty.Start + delay + (until-guilty.Start-delay)*(.3+.4*r.Float64())
	part := .3 + .4*r.Float64()
	held := 150 * r.Float64()
	level := func(t float64) float64 {
		return 300 + ramp(t, guilty.Start+delay, middle, 1000*part) + ramp(t, middle, until, 1000*(1-part)) +
			ramp(t, other.Start, other.End, held) - ramp(t, build.End, build.End+2, 900)
	}
	var points []Point
	for t := step * r.Float64(); t < build.End+6; t += step {
		points = append(points, Point{t, level(t) + 5*r.NormFloat64()})
	}
	return Trace{points, []Phase{scan, build}}, guilty.Label
}

func TestStudyOfTriggers(t *testing.T) {
	for _, test := range []struct {
		step  float64
		right int
		wrong int
	}{{.1, 97, 1}, {1, 95, 2}, {2, 90, 4}} {
		r := rand.New(rand.NewPCG(12, 13))
		const reps = 1000
		right, wrong, unsure := 0, 0, 0
		for range reps {
			trace, guilty := anatomyCase(r, test.step)
			switch a := Dissect(trace.Points, trace.Phases, 5); {
			case a.Trigger == guilty:
				right++
			case a.Ambiguous:
				unsure++
			default:
				wrong++
			}
		}
		t.Logf("a reading every %3.1f s: right %.1f %%, both named %.1f %%, wrong %.1f %%", test.step,
			100*float64(right)/reps, 100*float64(unsure)/reps, 100*float64(wrong)/reps)
		require.GreaterOrEqual(t, right, test.right*reps/100)
		require.LessOrEqual(t, wrong, test.wrong*reps/100)
	}
}
