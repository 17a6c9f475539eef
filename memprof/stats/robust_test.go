package stats

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

func noise(seed uint64, n int, rho float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	y := make([]float64, n)
	y[0] = r.NormFloat64()
	for i := 1; i < n; i++ {
		y[i] = rho*y[i-1] + math.Sqrt(1-rho*rho)*r.NormFloat64()
	}
	return y
}

func TestJudgeShortAndEmpty(t *testing.T) {
	nan := math.NaN()
	for name, y := range map[string][]float64{
		"nil": nil, "one": {5}, "two": {5, 6}, "four": {1, 2, 3, 4},
		"all NaN":    {nan, nan, nan, nan, nan, nan, nan, nan, nan},
		"mostly NaN": {nan, 1, nan, nan, 2, nan, nan, nan, nan, 3, nan, nan, nan},
		"infinite":   {math.Inf(1), 1, 2, math.Inf(-1), 3, 4, 5, 6, 7, 8},
	} {
		t.Run(name, func(t *testing.T) {
			j := Judge(y, memory)
			requireFinite(t, j)
			require.NotEqual(t, Leak, j.Class)
			require.Equal(t, len(y), j.N)
			if j.Used < minUsed {
				require.Equal(t, Inconclusive, j.Class)
				require.Positive(t, j.CyclesNeeded)
				require.NotEmpty(t, j.Warnings)
				require.True(t, j.Rate.Open())
			}
		})
	}
}

func TestIntervalStaysOpenInAnotherUnit(t *testing.T) {
	require.True(t, openInterval(3).scaled(.25).Open())
	require.False(t, Interval{1, 0, 2}.scaled(1e6).Open())
	require.True(t, Judge([]float64{.001}, Options{}).TheilSen.Open())
}

func TestJudgeNeverLeaksBelowFifteenCycles(t *testing.T) {
	for n := range 15 {
		j := Judge(curve(n, func(t float64) float64 { return 10 * t }), memory)
		require.NotEqual(t, Leak, j.Class, n)
		if n >= 8 {
			require.Equal(t, Growing, j.Class, n)
			require.GreaterOrEqual(t, n+j.CyclesNeeded, 15)
		}
	}
}

func TestJudgeMagnitudes(t *testing.T) {
	for _, c := range []float64{1e-12, 1e-3, 1, 1 << 20, 1e12, 1e100, 1e290} {
		o := Options{Delta: .1 * c, Floor: .025 * c, MinStep: 2 * c, MinSpike: 2 * c}
		j := Judge(curve(30, func(t float64) float64 { return c * t }), o)
		require.Equal(t, Leak, j.Class, c)
		require.InEpsilon(t, c, j.Rate.Value, 1e-9)
		requireFinite(t, j)
	}
	j := Judge(curve(30, func(t float64) float64 { return 1e12 + 1e6*t }), Options{Delta: 1e5})
	require.Equal(t, Leak, j.Class)
	require.InEpsilon(t, 1e6, j.Rate.Value, 1e-9)
	j = Judge(curve(30, func(t float64) float64 { return 1e12 }), Options{})
	require.Equal(t, Stable, j.Class)
	require.Zero(t, j.Rate.Value)
}

// Judging a + c y with thresholds times c gives the same verdict and c times the rate.
func TestJudgeInvariance(t *testing.T) {
	series := map[string][]float64{"noise": noise(1, 30, .3), "rising": noise(2, 30, .3), "saw": noise(3, 30, 0)}
	for i := range 30 {
		series["rising"][i] += .8 * float64(i)
		series["saw"][i] += 3 * float64(i%6)
	}
	o := Options{Delta: .05, MinStep: 2, MinSpike: 4, Floor: .01}
	for name, y := range series {
		want := Judge(y, o)
		for _, c := range []float64{.125, 3, 1e6} {
			for _, a := range []float64{0, -7, 1000} {
				z := make([]float64, len(y))
				for i := range y {
					z[i] = a + c*y[i]
				}
				j := Judge(z, Options{Delta: o.Delta * c, MinStep: o.MinStep * c, MinSpike: o.MinSpike * c, Floor: o.Floor * c})
				require.Equal(t, want.Class, j.Class, name)
				require.Equal(t, want.Shape, j.Shape, name)
				require.Equal(t, want.Spikes, j.Spikes, name)
				require.InDelta(t, c*want.Rate.Value, j.Rate.Value, 1e-6*c, name)
				require.InDelta(t, c*want.Rate.Hi, j.Rate.Hi, 1e-6*c, name)
				require.InDelta(t, want.PEnd, j.PEnd, 1e-6, name)
			}
		}
	}
}

// Leaving out a cycle is generalised least squares with its row and column deleted.
func TestAR1Gap(t *testing.T) {
	const rho = .6
	for _, gap := range [][]int{{5}, {0}, {19}, {5, 6, 7, 12}} {
		y := append([]float64(nil), seriesA...)
		for _, i := range gap {
			y[i] = math.NaN()
		}
		times, values := present(y)
		n := len(times)
		v := mat.NewSymDense(n, nil)
		x := mat.NewDense(n, 2, nil)
		for i := range n {
			x.Set(i, 0, 1)
			x.Set(i, 1, float64(times[i]))
			for j := i; j < n; j++ {
				v.SetSym(i, j, math.Pow(rho, float64(times[j]-times[i])))
			}
		}
		var chol, info mat.Cholesky
		require.True(t, chol.Factorize(v))
		var vx, normal, vy, xy, beta mat.Dense
		require.NoError(t, chol.SolveTo(&vx, x))
		normal.Mul(x.T(), &vx)
		obs := mat.NewDense(n, 1, values)
		require.NoError(t, chol.SolveTo(&vy, obs))
		xy.Mul(x.T(), &vy)
		symmetric := mat.NewSymDense(2, []float64{normal.At(0, 0), normal.At(0, 1), normal.At(1, 0), normal.At(1, 1)})
		require.True(t, info.Factorize(symmetric))
		require.NoError(t, info.SolveTo(&beta, &xy))
		var residual, weighted, rss mat.Dense
		residual.Mul(x, &beta)
		residual.Sub(obs, &residual)
		require.NoError(t, chol.SolveTo(&weighted, &residual))
		rss.Mul(residual.T(), &weighted)
		df := float64(n - 2)
		var inverse mat.SymDense
		require.NoError(t, info.InverseTo(&inverse))

		f := AR1(y, rho)
		require.InDelta(t, beta.At(1, 0), f.Slope, 1e-10)
		require.InDelta(t, math.Sqrt(rss.At(0, 0)/df*inverse.At(1, 1)), f.SE, 1e-10)
		require.InDelta(t, -.5*df*math.Log(rss.At(0, 0))-.5*chol.LogDet()-.5*info.LogDet(), f.LogREML, 1e-9)
	}
}

func TestStudent(t *testing.T) {
	for _, nu := range []int{1, 2, 3, 4, 7, 13, 26, 57, 399, 401, 597} {
		want := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(nu)}
		s := newStudent(nu)
		rough := s.tabulated()
		for _, x := range []float64{-30, -3, -1, -.1, 0, .05, .5, 1, 2, 2.49, 2.51, 4, 9, 40} {
			p := want.Survival(x)
			require.InEpsilon(t, p, s.above(x), 1e-10, "nu %d, x %v", nu, x)
			require.InDelta(t, p, rough.above(x), 2e-5, "nu %d, x %v", nu, x)
		}
	}
}

// The growth that a clean run is said to have been able to show is found about as often as said.
func TestSmallestVisible(t *testing.T) {
	o := Options{Delta: .05, Floor: .01, MinStep: 2, MinSpike: 2}
	for _, n := range []int{20, 30, 60} {
		const series = 150
		var visible float64
		for seed := range uint64(series) {
			visible += Judge(noise(seed, n, .3), o).SmallestVisible / series
		}
		found := 0
		for seed := range uint64(series) {
			y := noise(seed+1000, n, .3)
			for i := range y {
				y[i] += visible * float64(i)
			}
			if Judge(y, o).Class == Leak {
				found++
			}
		}
		t.Logf("n %d: %.3f per cycle, %d of %d found", n, visible, found, series)
		require.GreaterOrEqual(t, found, series*80/100)
		require.LessOrEqual(t, found, series*98/100)
	}
}

// A step, spikes, and gaps in the middle of growth do not change its rate.
func TestJudgeGapsAndSpikes(t *testing.T) {
	y := noise(5, 30, .3)
	for i := range y {
		y[i] = .1*y[i] + .5*float64(i)
	}
	y[9], y[17], y[18] = math.NaN(), y[17]+30, math.NaN()
	j := Judge(y, memory)
	require.Equal(t, Leak, j.Class)
	require.Equal(t, []int{17}, j.Spikes)
	require.Equal(t, -1, j.PendingAt)
	require.Equal(t, 24, j.Used)
	require.InDelta(t, .5, j.Rate.Value, .02)

	y[29] += 40
	j = Judge(y, memory)
	require.True(t, j.Pending)
	require.Equal(t, 29, j.PendingAt)
	require.Equal(t, []int{17}, j.Spikes)
	require.Equal(t, Leak, j.Class)
}

func TestMedianSpread(t *testing.T) {
	for _, c := range []struct {
		values         []float64
		middle, spread float64
	}{
		{nil, 0, 0},
		{[]float64{7}, 7, 0},
		{[]float64{4, 1, 2, 100}, 3, 1.5 * 1.4826},
		{[]float64{4, math.NaN(), 1, 2}, 2, 1.4826},
	} {
		middle, spread := MedianSpread(c.values)
		require.Equal(t, c.middle, middle)
		require.InDelta(t, c.spread, spread, 1e-12)
	}
}

func TestMeanRate(t *testing.T) {
	require.Equal(t, Interval{0, -math.MaxFloat64, math.MaxFloat64}, MeanRate(nil))
	require.True(t, MeanRate([]float64{3}).Open())
	require.Equal(t, 3., MeanRate([]float64{3}).Value)
	constant := MeanRate([]float64{2, 2, 2, math.NaN(), 2, 2, 2})
	require.InDelta(t, 2, constant.Value, 1e-9)
	require.InDelta(t, 2, constant.Lo, 1e-6)

	// The interval covers the mean of autocorrelated changes as often as it says.
	for _, rho := range []float64{-.4, 0, .3, .6} {
		covered := 0
		const series = 400
		for seed := range uint64(series) {
			d := noise(seed, 30, rho)
			for i := range d {
				d[i] += 5
			}
			if m := MeanRate(d); m.Lo <= 5 && 5 <= m.Hi {
				covered++
			}
		}
		t.Logf("rho %.1f: %d of %d covered", rho, covered, series)
		require.GreaterOrEqual(t, covered, series*92/100, rho)
		require.LessOrEqual(t, covered, series*995/1000, rho)
	}
}

// Whatever a series is made of, its judgement is made of numbers.
func TestJudgeAnySeries(t *testing.T) {
	r := rand.New(rand.NewPCG(42, 42))
	for range 1500 {
		n := r.IntN(70)
		y := make([]float64, n)
		slope, jump, size := float64(r.IntN(5)-2), r.IntN(71), math.Pow(10, float64(r.IntN(14)-4))
		whole := r.IntN(2) == 0
		for i := range y {
			y[i] = slope*float64(i) + r.NormFloat64()*float64(r.IntN(3))
			if i >= jump {
				y[i] += 10 * float64(1+i%7)
			}
			if r.IntN(15) == 0 {
				y[i] = math.NaN()
			}
			if whole {
				y[i] = math.Round(y[i])
			}
			y[i] *= size
		}
		o := []Options{{}, memory, heap, counts, {Delta: size / 10, Floor: size / 100}}[r.IntN(5)]
		j := Judge(y, o)
		requireFinite(t, j)
		require.Equal(t, j, Judge(y, o))
		require.Equal(t, n, j.N)
	}
}

func FuzzJudge(f *testing.F) {
	bytesOf := func(values ...float64) []byte {
		var b []byte
		for _, v := range values {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		return b
	}
	f.Add(bytesOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), .1, .025)
	f.Add(bytesOf(1e300, -1e300, 1e300, 0, 0, 0, -1e-300, 5e-324, 1), 0., 0.)
	f.Add(bytesOf(math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64), math.NaN(), math.Inf(1))
	f.Add(bytesOf(0, 0, 0, 0, 0, 0, 0, 5e-324, 5e-324, 0, 0, 0), 1e300, 5e-324)
	f.Add(bytesOf(1, 1, 1, 1, 1, 9, 1, 1, 1, 1, 1, 9, 1, 1, 1, 1, 1, 9, 1, 1), -1., -1.)
	f.Fuzz(func(t *testing.T, raw []byte, delta, floor float64) {
		y := make([]float64, min(len(raw)/8, 80))
		for i := range y {
			y[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
		o := Options{Delta: delta, Floor: floor, MinStep: 10 * delta, MinSpike: 10 * delta}
		j := Judge(y, o)
		requireFinite(t, j)
		if len(y) < minLeakCycles {
			require.NotEqual(t, Leak, j.Class)
		}
		m := MeanRate(y)
		for _, v := range []float64{m.Value, m.Lo, m.Hi} {
			require.False(t, math.IsNaN(v) || math.IsInf(v, 0))
		}
		require.LessOrEqual(t, m.Lo, m.Hi)
	})
}
