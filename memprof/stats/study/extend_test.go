package study

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof/stats"
)

// A run of 20 cycles that is undecided is extended by what the judge says it needs, three times at the most:
// then nearly all are decided, and rightly.
func TestExtendingDecides(t *testing.T) {
	o := Thresholds
	o.Delta = .1
	series := extendedSeries
	for _, c := range []struct {
		rate, rho float64
		right     stats.Class
	}{{0, .3, stats.Stable}, {0, .6, stats.Stable}, {.3, .3, stats.Leak}, {.5, .3, stats.Leak}, {.5, .6, stats.Leak}} {
		undecided, once, decided, wrong, cycles := 0, 0, 0, 0, 0
		for seed := range series {
			y := newGenerator(uint64(seed), 99).noise(600, c.rho)
			for i := range y {
				y[i] += c.rate * float64(i)
			}
			n := 20
			j := stats.Judge(y[:n], o)
			open := j.CyclesNeeded > 0
			if open {
				undecided++
			}
			for look := 0; look < 3 && j.CyclesNeeded > 0; look++ {
				n = min(n+j.CyclesNeeded, len(y))
				j = stats.Judge(y[:n], o)
				if look == 0 && j.CyclesNeeded == 0 {
					once++
				}
			}
			cycles += n
			switch {
			case j.CyclesNeeded > 0:
			case j.Class == c.right:
				decided++
			default:
				wrong++
			}
		}
		t.Logf("rate %.1f, rho %.1f: %d of %d undecided at 20, %d decided by one extension; after three %d right, %d wrong, mean %d cycles",
			c.rate, c.rho, undecided, series, once, decided, wrong, cycles/series)
		require.GreaterOrEqual(t, decided, series*85/100)
		require.LessOrEqual(t, wrong, series*4/100)
	}
}

// With a threshold that a run can resolve, a clean series is called stable.
func TestStableIsSaidOfCleanSeries(t *testing.T) {
	o := Thresholds
	o.Delta = .25
	for n, least := range map[int]int{20: 60, 30: 92} {
		for _, rho := range []float64{0, .3} {
			stable := 0
			for seed := range extendedSeries {
				y := newGenerator(uint64(seed), 98).noise(n, rho)
				if stats.Judge(y, o).Class == stats.Stable {
					stable++
				}
			}
			t.Logf("n %d, rho %.1f: %d of %d", n, rho, stable, extendedSeries)
			require.GreaterOrEqual(t, stable, extendedSeries*least/100)
		}
	}
}
