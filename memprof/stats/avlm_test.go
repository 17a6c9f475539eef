package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnytimeReferenceValues(t *testing.T) {
	require.InEpsilon(t, 3.34753974240, AnytimeRadius(1, 100, 2, .05), 1e-9)
	require.InEpsilon(t, 4.57194314636, AnytimeLogE(16, 28, 1, 30), 1e-9)
}

// The two are one test: at the radius the e-value is exactly 1/alpha.
func TestAnytimeRadiusIsWhereTheEvidenceSuffices(t *testing.T) {
	for _, n := range []int{20, 100, 1000} {
		for _, alpha := range []float64{.05, .01} {
			radius := AnytimeRadius(1, n, 2, alpha)
			logE := AnytimeLogE(radius*radius, float64(n-2), 1, float64(n))
			require.InDelta(t, -math.Log(alpha), logE, 1e-9)
		}
	}
}

func TestAnytimeRadiusIsUnboundedWhileTooFewAreIn(t *testing.T) {
	for _, n := range []int{0, 2, 3} {
		require.True(t, math.IsInf(AnytimeRadius(1, n, 2, .01), 1), "n = %d", n)
	}
	require.False(t, math.IsInf(AnytimeRadius(1, 10, 2, .01), 1))
	require.True(t, math.IsInf(AnytimeRadius(0, 100, 2, .01), 1))
}
