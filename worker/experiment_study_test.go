//go:build studies

package worker

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// An experiment that may end early does so once nothing is undecided: an exact leak is plain after few
// replicates of the fifteen that there may be.
func TestAnExperimentEndsOnceItIsCertain(t *testing.T) {
	plan := compared(t, memprof.DesignOptions{UntilCertain: true})
	require.Equal(t, 15, plan.Replicates())
	d := newDiagnosed(t, plan.Total(), caseFile, "array-buffers")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // dozens of cycles, on a busy machine
	defer cancel()
	require.NoError(t, d.w.Experiment(ctx, ExperimentOptions{Plan: plan, Settle: time.Millisecond}))
	e, rec := d.outcome(t)
	stopped := notes[string](t, rec, memprof.StopNote)
	require.Len(t, stopped, 1)
	require.Regexp(t, `^nothing was undecided any more after \d+ replicates$`, stopped[0])
	require.Equal(t, stopped[0], e.Stopped)
	ran := e.Blocks[len(e.Blocks)-1].Replicate + 1
	require.GreaterOrEqual(t, ran, 2)
	require.LessOrEqual(t, ran, 8, "of 15")
	require.Len(t, e.Blocks, 3*ran, "replicates are whole")
	require.Equal(t, memprof.Helps, e.Answers[0].Verdict)
	exact := slices.IndexFunc(e.Metrics, func(m memprof.MetricEffects) bool { return m.Series.String() == "heap.backing" })
	require.GreaterOrEqual(t, exact, 0)
	require.InDelta(t, 1<<20, e.Metrics[exact].Baseline.Value, 10<<10)
	require.InDelta(t, 1<<20, e.Metrics[exact].Saved[0].Value, 10<<10)
	for _, w := range e.Warnings {
		require.NotContains(t, w, "blocks were not run", "that is no fault")
	}
}

// In the design fresh each block has a Chrome of its own.
func TestEachBlockOfAFreshDesignHasABrowserOfItsOwn(t *testing.T) {
	plan := compared(t, memprof.DesignOptions{Cycles: 32, Design: memprof.DesignFresh})
	require.Len(t, plan.Blocks, 6)
	require.Equal(t, 2, plan.WarmUp)
	d := newDiagnosed(t, plan.Total(), caseFile, "array-buffers")
	require.NoError(t, d.w.Experiment(memoryCtx(t), ExperimentOptions{Plan: plan, Settle: time.Millisecond}))
	e, rec := d.outcome(t)
	ids := map[string]bool{}
	for _, sample := range rec.Samples {
		for _, r := range sample.Readings {
			if r.Subject.Browser != "" {
				ids[r.Subject.Browser] = true
			}
		}
	}
	require.Len(t, ids, 7, "that of the warm-up, and one for each block")
	blocks := notes[memprof.BlockStart](t, rec, memprof.BlockNote)
	require.Len(t, blocks, 6)
	for i, b := range blocks {
		require.Equal(t, i, b.Block)
		require.Greater(t, b.Took, 10*time.Millisecond, "Chrome starts in it")
	}
	require.Len(t, e.Blocks, 6)
	require.Equal(t, memprof.Helps, e.Answers[0].Verdict, e.Answers[0].Says)
}
