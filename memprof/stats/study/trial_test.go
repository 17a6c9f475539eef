package study

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every limit of the analysis of trials: coverage, false effects, the same against itself, verdicts.
func TestTrialsHoldTheirLimits(t *testing.T) {
	r, err := RunTrials(t.Context(), TrialOptions{Reps: trialReps, Seed: 1})
	require.NoError(t, err)
	var table bytes.Buffer
	require.NoError(t, r.Write(&table))
	t.Log("\n" + table.String())
	if trialReps < 200 {
		return // too few for the limits
	}
	require.Empty(t, r.Failures())
	require.Contains(t, table.String(), "All limits are held.")
	for _, row := range r.Rows {
		if row.Truth.Right >= 95 {
			require.GreaterOrEqual(t, row.First, 10, "%s: ten of the first ten are right", row.Truth.Name)
		}
	}
}

func TestTrialsAreTheSameWhateverTheWorkers(t *testing.T) {
	one, err := RunTrials(t.Context(), TrialOptions{Reps: 1, Seed: 7, Workers: 1})
	require.NoError(t, err)
	four, err := RunTrials(t.Context(), TrialOptions{Reps: 1, Seed: 7, Workers: 4})
	require.NoError(t, err)
	require.Equal(t, one, four)
	require.Len(t, one.Rows, len(TrialTruths))
}

func TestTrialsEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := RunTrials(ctx, TrialOptions{})
	require.ErrorIs(t, err, context.Canceled)
}

// A limit that is not held is said.
func TestTrialFailures(t *testing.T) {
	good := TrialRow{Truth: TrialTruth{Name: "a", Margin: 1, Right: 95}, Reps: 100, Effects: 300, Covered: 285, Nulls: 100, False: 8, Differ: 5, Right: 95}
	require.Empty(t, TrialResult{Rows: []TrialRow{good}}.Failures())
	for want, spoil := range map[string]func(*TrialRow){
		"a: 90.0 % of the intervals hold the effect, limits 93 and 99.5": func(r *TrialRow) { r.Covered = 270 },
		"a: 100.0 % of the intervals hold the effect":                    func(r *TrialRow) { r.Covered = 300 },
		"a: 9.0 % with a false effect, limit 8":                          func(r *TrialRow) { r.False = 9 },
		"a: 6.0 % in which the same differs from itself, limit 5":        func(r *TrialRow) { r.Differ = 6 },
		"a: 94.0 % all right, limit 95":                                  func(r *TrialRow) { r.Right = 94 },
	} {
		row := good
		spoil(&row)
		bad := TrialResult{Rows: []TrialRow{row}}
		require.Len(t, bad.Failures(), 1)
		require.Contains(t, bad.Failures()[0], want)
		var table strings.Builder
		require.NoError(t, bad.Write(&table))
		require.Contains(t, table.String(), "NOT HELD: "+want)
	}
}
