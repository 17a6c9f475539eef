package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

func TestMonitorOfGrowthWithoutNoise(t *testing.T) {
	m := NewMonitor(MonitorOptions{Delta: .2, Floor: .29})
	for cycle := range 200 {
		m.Add(40 + float64(cycle))
	}
	s := m.State()
	require.True(t, s.Alarm)
	require.LessOrEqual(t, s.AlarmCycle, 80)
	require.True(t, s.Rated)
	require.InDelta(t, 1, s.Rate.Value, 1e-9)
	require.Greater(t, s.Rate.Lo, .2)
	require.Less(t, s.Rate.Hi-s.Rate.Lo, .1)
	require.Equal(t, 200, s.Cycles)
	require.Equal(t, 19, s.Batches, "the first ten cycles are warm-up")
}

func TestMonitorOfNothing(t *testing.T) {
	for _, test := range []struct {
		name  string
		value func(int) float64
	}{
		{"constant", func(int) float64 { return 1e12 }},
		{"tolerated growth", func(cycle int) float64 { return .19 * float64(cycle) }},
		{"exactly tolerated growth", func(cycle int) float64 { return 1e3 + .2*float64(cycle) }},
		{"decline", func(cycle int) float64 { return -3 * float64(cycle) }},
		{"all gaps", func(int) float64 { return math.NaN() }},
		{"infinite", func(int) float64 { return math.Inf(1) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := NewMonitor(MonitorOptions{Delta: .2})
			for cycle := range 1000 {
				m.Add(test.value(cycle))
			}
			s := m.State()
			require.False(t, s.Alarm)
			require.Zero(t, s.AlarmCycle)
			require.Less(t, s.E, 1.0)
			for _, v := range []float64{s.E, s.Rate.Value, s.Rate.Lo, s.Rate.Hi} {
				require.False(t, math.IsNaN(v) || math.IsInf(v, 0))
			}
		})
	}
	require.Equal(t, MonitorState{}, NewMonitor(MonitorOptions{}).State())
}

func TestMonitorScales(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	a, b := NewMonitor(MonitorOptions{Delta: .01}), NewMonitor(MonitorOptions{Delta: .01 * 1048576})
	for cycle := range 300 {
		y := .04*float64(cycle) + r.NormFloat64()
		a.Add(y)
		b.Add(1e9 + y*1048576)
	}
	one, other := a.State(), b.State()
	require.Equal(t, one.AlarmCycle, other.AlarmCycle)
	require.InEpsilon(t, one.E, other.E, 1e-6)
	require.InEpsilon(t, one.Rate.Hi*1048576, other.Rate.Hi, 1e-6)
}

func TestMonitorWithGapsAndOutliers(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	m := NewMonitor(MonitorOptions{})
	for cycle := range 600 {
		y := .1*float64(cycle) + r.NormFloat64()
		switch {
		case cycle >= 200 && cycle < 260, r.Float64() < .2:
			y = math.NaN()
		case r.Float64() < .03:
			y += 500
		}
		m.Add(y)
	}
	s := m.State()
	require.True(t, s.Alarm)
	require.Equal(t, 59-6, s.Batches, "six batches are gaps")
	require.InDelta(t, .1, s.Rate.Value, .01)
}

func TestMonitorOfANewLife(t *testing.T) {
	m := NewMonitor(MonitorOptions{Floor: .01})
	for life := range 4 {
		for cycle := range 59 {
			warm := 100 * math.Exp(-float64(cycle))
			m.Add(float64(1000*(life+1)) - warm)
		}
		m.NewLife()
	}
	s := m.State()
	require.Less(t, s.E, 1.0, "each life begins on a higher level, none grows")
	require.Equal(t, 16, s.Batches, "unfinished batches are dropped")
	require.InDelta(t, 0, s.Rate.Value, 1e-3)
}

// A monitor of a year keeps no more than one of a day.
func TestMonitorIsBounded(t *testing.T) {
	m := NewMonitor(MonitorOptions{Restart: 2, Copies: 5})
	r := rand.New(rand.NewPCG(9, 10))
	total := 0.0
	for range 5000 {
		m.Add(r.NormFloat64())
		require.LessOrEqual(t, len(m.copies), 5)
		require.LessOrEqual(t, cap(m.batch), 10)
	}
	require.Equal(t, 250, m.begun)
	require.Equal(t, 0.5, m.copies[0].weight, "the first copy stays")
	for i := range 100000 {
		total += 1 / (float64(i+1) * float64(i+2))
	}
	require.Less(t, total, 1.0)
	require.Zero(t, testing.AllocsPerRun(9, func() { m.NewLife() }))
}

// The evidence from sums equals the ratio of likelihoods that are written out in full: AR(1)
// covariance with a gap, level and noise integrated out, growth integrated numerically.
func TestMonitorEvidenceWrittenOut(t *testing.T) {
	slots := []int{0, 1, 2, 5, 6, 7}
	y := []float64{3, 3.4, 2.9, 4.2, 4.0, 4.9}
	var c monitorCopy
	for i, slot := range slots {
		c.add(slot, y[i])
	}
	sums, degrees := c.current()
	require.Equal(t, 5, degrees)
	for _, row := range []int{0, 12, 36, 51} {
		for _, slope := range []float64{0, .1} {
			m := sums[row]
			m.uu += -2*slope*m.xu + slope*slope*m.xx
			m.xu -= slope * m.xx
			null := m.logV - .5*5*math.Log(m.uu)
			shifted := make([]float64, len(y))
			for i := range y {
				shifted[i] = y[i] - slope*float64(slots[i])
			}
			require.InDelta(t, monitorDenseNull(slots, shifted, monitorRho(row)), null, 1e-9)
			for _, kappa := range []float64{.05, 1} {
				want := monitorDenseGrowth(slots, shifted, monitorRho(row), kappa)
				require.InDelta(t, want, m.growth(5, 1e-300, kappa), 1e-4)
			}
		}
	}
}

// monitorDense returns the projected sum of squares of v and -.5 ln|V| -.5 ln(1'V^-1 1).
func monitorDense(slots []int, v []float64, rho float64) (squares, logV float64) {
	n := len(v)
	cov := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			cov.SetSym(i, j, math.Pow(rho, float64(slots[i]-slots[j]))/(1-rho*rho))
		}
	}
	var inverse mat.Dense
	if err := inverse.Inverse(cov); err != nil {
		panic(err)
	}
	one, vec := mat.NewVecDense(n, nil), mat.NewVecDense(n, v)
	for i := range n {
		one.SetVec(i, 1)
	}
	cc, cv := mat.Inner(one, &inverse, one), mat.Inner(one, &inverse, vec)
	return mat.Inner(vec, &inverse, vec) - cv*cv/cc, -.5*math.Log(mat.Det(cov)) - .5*math.Log(cc)
}

func monitorDenseNull(slots []int, y []float64, rho float64) float64 {
	squares, logV := monitorDense(slots, y, rho)
	return logV - .5*float64(len(y)-1)*math.Log(squares)
}

// monitorDenseGrowth integrates over the noise s and over growth = kappa s z, both on a grid.
func monitorDenseGrowth(slots []int, y []float64, rho, kappa float64) float64 {
	nu := float64(len(y) - 1)
	_, logV := monitorDense(slots, y, rho)
	x := make([]float64, len(y))
	for i, slot := range slots {
		x[i] = float64(slot)
	}
	// The projected squares of y - b x are a parabola in b.
	at := func(b float64) float64 {
		rest := make([]float64, len(y))
		for i := range y {
			rest[i] = y[i] - b*x[i]
		}
		squares, _ := monitorDense(slots, rest, rho)
		return squares
	}
	q0, q1, q2 := at(0), at(1), at(2)
	curve := (q2 - 2*q1 + q0) / 2
	tilt := q1 - q0 - curve
	growth, null := 0.0, 0.0
	const ds, dz = .02, .002
	for ls := -12.0; ls < 8; ls += ds {
		s := math.Exp(ls)
		density := math.Exp(-nu * ls)
		null += density * math.Exp(-q0/(2*s*s)) * ds
		for z := dz / 2; z < 8; z += dz {
			b := kappa * s * z
			growth += density * 2 * distuv.UnitNormal.Prob(z) * math.Exp(-(q0+tilt*b+curve*b*b)/(2*s*s)) * dz * ds
		}
	}
	return math.Log(growth/null) + logV - .5*nu*math.Log(q0)
}

func TestMonitorLogT(t *testing.T) {
	for _, nu := range []float64{3, 4, 7, 20, 100, 5000} {
		dist := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}
		for _, x := range []float64{-6, -3, -1, 0, .3, 1, 3, 10, 60} {
			require.InDelta(t, math.Log(dist.CDF(x)), monitorLogT(x, nu), 2e-3, "t %v nu %v", x, nu)
		}
	}
	require.True(t, math.IsInf(monitorLogT(-40, 1000), -1))
}

func BenchmarkMonitorAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	m := NewMonitor(MonitorOptions{})
	for range 5000 {
		m.Add(r.NormFloat64())
	}
	for b.Loop() {
		m.Add(r.NormFloat64())
	}
}

func BenchmarkMonitorState(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	m := NewMonitor(MonitorOptions{})
	for range 5000 {
		m.Add(r.NormFloat64())
	}
	for b.Loop() {
		m.State()
	}
}

func FuzzMonitor(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 190, 180, 4, 3}, 1.0, 0.0, 0.0)
	f.Add([]byte{1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5}, 1e90, 1e12, .1)
	f.Fuzz(func(t *testing.T, levels []byte, scale, level, delta float64) {
		m := NewMonitor(MonitorOptions{Warmup: -1, Batch: 2, Restart: 3, Delta: max(-1e90, min(1e90, delta))})
		for _, v := range levels {
			if v == 255 {
				m.NewLife()
			}
			m.Add(level + scale*float64(v))
		}
		s := m.State()
		for _, v := range []float64{s.E, s.Rate.Value, s.Rate.Lo, s.Rate.Hi} {
			require.False(t, math.IsNaN(v) || math.IsInf(v, 0), "%+v", s)
		}
		require.LessOrEqual(t, s.Rate.Lo, s.Rate.Value)
		require.GreaterOrEqual(t, s.Rate.Hi, s.Rate.Value)
	})
}
