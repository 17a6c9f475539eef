package stats

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// seriesA and its values by independent implementations (scipy, statsmodels, pymannkendall).
var seriesA = []float64{
	112.0, 113.1, 112.4, 114.0, 113.2, 115.1, 114.4, 116.2, 115.0, 117.3,
	116.1, 117.9, 118.4, 117.2, 119.0, 118.3, 120.1, 119.5, 121.2, 120.4,
}

func numbers(t *testing.T, file string) []float64 {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	var out []float64
	for _, word := range strings.Fields(string(text)) {
		v, err := strconv.ParseFloat(word, 64)
		require.NoError(t, err)
		out = append(out, v)
	}
	return out
}

func positions(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i + 1)
	}
	return x
}

func relative(t *testing.T, want, got, tolerance float64, what string) {
	t.Helper()
	require.InDelta(t, want, got, tolerance*math.Abs(want), what)
}

const exact = 1e-9

func TestMannKendallAndTheilSen(t *testing.T) {
	nile, rain := numbers(t, "nile.txt"), numbers(t, "rainfall.txt")
	staircase := []float64{10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17}
	for _, c := range []struct {
		name           string
		y              []float64
		s, variance, z float64
		slope          float64
	}{
		{"A", seriesA, 162, 950, 5.22352976041, .465151515152},
		{"count staircase", staircase, 98, 401.333333333, 4.84193681903, .5},
		{"Nile", nile, -1387, 112728.333333333, -4.12806652284, -2.6},
		{"rainfall", rain, -1959, 4889800.333333333, -.8854562842589916, -.006369426751592357},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := MannKendall(c.y)
			require.Equal(t, c.s, k.S)
			relative(t, c.variance, k.Var, exact, "variance")
			relative(t, c.z, k.Z, exact, "z")
			relative(t, c.slope, TheilSen(c.y).Value, exact, "slope")
		})
	}
	relative(t, 3.65826e-05, MannKendall(nile).P, 1e-5, "p")
	relative(t, -.535799719777, MannKendall(nile[:30]).Z, exact, "z of the first 30")

	sen := TheilSen(seriesA)
	relative(t, .405555555556, sen.Lo, exact, "lo")
	relative(t, .525, sen.Hi, exact, "hi")
	sen = TheilSen(nile)
	relative(t, -3.62790697674, sen.Lo, exact, "lo")
	relative(t, -1.42857142857, sen.Hi, exact, "hi")
}

func TestHamedRao(t *testing.T) {
	nile, rain := numbers(t, "nile.txt"), numbers(t, "rainfall.txt")
	relative(t, 4.42270586938, HamedRao(seriesA, 0).Z, exact, "A")
	relative(t, -2.81997919565, HamedRao(nile, 0).Z, exact, "Nile")
	relative(t, -2.60947349857, HamedRao(nile, 3).Z, exact, "Nile, lag 3")
	relative(t, -3.8419950613710894, HamedRao(rain, 0).Z, exact, "rainfall")
	relative(t, -.5190709455046154, HamedRao(rain, 3).Z, exact, "rainfall, lag 3")
}

func TestLeastSquares(t *testing.T) {
	line := OLS(positions(20), seriesA)
	relative(t, .46045112782, line.Slope, exact, "slope")
	relative(t, .027508432157, line.SE, exact, "se")
	relative(t, .00862050979757, NeweyWest(positions(20), seriesA, 3).SE, exact, "Newey-West se")

	norris := numbers(t, "norris.txt")
	var x, y []float64
	for i := 0; i < len(norris); i += 2 {
		x, y = append(x, norris[i]), append(y, norris[i+1])
	}
	line = OLS(x, y)
	relative(t, 1.00211681802045, line.Slope, exact, "Norris slope")
	relative(t, -.262323073774029, line.Intercept, exact, "Norris intercept")
	relative(t, .884796396144373, line.Sigma, exact, "Norris sigma")
}

func TestAR1(t *testing.T) {
	for _, c := range []struct{ rho, slope, se, logREML float64 }{
		{.3, .458285853487, .0462801898065, -28.0722064903},
		{.6, .454220456802, .085096905991, -30.8170024986},
		{.9, .445155644456, .201882627405, -32.6018481989},
	} {
		f := AR1(seriesA, c.rho)
		relative(t, c.slope, f.Slope, exact, "slope")
		relative(t, c.se, f.SE, exact, "se")
		relative(t, c.logREML, f.LogREML, exact, "logREML")
		require.Equal(t, 18, f.DF)
	}
}

func TestTrend(t *testing.T) {
	rhos := Midpoints(-.5, .95, 15)
	p, rho := Trend(seriesA, rhos)
	relative(t, 1.450670e-08, p.AtMost(0), 1e-6, "P(b <= 0)")
	relative(t, .462158419, p.Mean(), 1e-8, "mean")
	relative(t, .43159502, p.Interval().Lo, 1e-7, "lo")
	relative(t, .49258991, p.Interval().Hi, 1e-7, "hi")
	relative(t, -.41549889, rho, 1e-7, "rho")

	p, rho = Trend(numbers(t, "nile.txt")[:30], rhos)
	relative(t, .7640208956, p.AtMost(0), exact, "P(b <= 0)")
	relative(t, -15.439676, p.Interval().Lo, 1e-7, "lo")
	relative(t, 7.1038606, p.Interval().Hi, 1e-7, "hi")
	relative(t, .32040171, rho, 1e-7, "rho")
}
