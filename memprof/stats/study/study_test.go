package study

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ebbworker/ebb/memprof/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every limit of the judge, on 500 series each: false leaks, coverage, power.
func TestJudgeHoldsItsLimits(t *testing.T) {
	r, err := Run(t.Context(), Options{Reps: reps, LeakReps: leakReps, Seed: 1})
	require.NoError(t, err)
	var table bytes.Buffer
	require.NoError(t, r.Write(&table))
	t.Log("\n" + table.String())
	if reps < 500 {
		return // too few for the limits
	}
	require.Empty(t, r.Failures())
	require.Contains(t, table.String(), "All limits are held.")
	require.NotContains(t, table.String(), "NOT HELD")
}

func TestRunGivesTheSameWhateverTheWorkers(t *testing.T) {
	o := Options{Reps: 3, N: []int{20}, Seed: 7, Workers: 1}
	one, err := Run(t.Context(), o)
	require.NoError(t, err)
	o.Workers = 4
	four, err := Run(t.Context(), o)
	require.NoError(t, err)
	var a, b strings.Builder
	require.NoError(t, one.Write(&a))
	require.NoError(t, four.Write(&b))
	require.Equal(t, a.String(), b.String())
	require.Len(t, one.Rows, len(Truths))
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Run(ctx, Options{Reps: 100})
	require.ErrorIs(t, err, context.Canceled)
}

// A limit that is not held is said.
func TestFailures(t *testing.T) {
	r := Result{Rows: []Row{
		{Truth: Truths[0], N: 20, Reps: 100, Classes: classes(3), Covered: 80},
		{Truth: linear(1, .3, reached(94, 98)), N: 20, Reps: 100, Classes: classes(50), Covered: 97},
		{Truth: linear(1, .3, reached(94, 98)), N: 60, Reps: 100, Classes: classes(0), Covered: 97},
	}}
	require.Len(t, r.Failures(), 3)
	var table strings.Builder
	require.NoError(t, r.Write(&table))
	require.Contains(t, table.String(), "NOT HELD: clean, rho 0.0, 20 cycles: 3.0 % called a leak, limit <= 2.4")
	require.Contains(t, table.String(), "NOT HELD: linear 1, rho 0.3, 20 cycles: 50.0 % called a leak, limit >= 89")
	require.Contains(t, table.String(), "NOT HELD: rho 0.0, 20 cycles: 80.0 % of the intervals hold the rate")
}

func classes(leaks int) map[stats.Class]int { return map[stats.Class]int{stats.Leak: leaks} }
