package worker

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// compared plans an experiment on recreate-page, which cures each page that leaks.
func compared(t *testing.T, o memprof.DesignOptions) memprof.ExperimentPlan {
	t.Helper()
	o.Cleanups = []memprof.PlannedCleanup{{Name: "recreate-page", When: "run", Touches: "the tabs", Carry: "resetting"}}
	o.Seed = 1
	plan, err := memprof.PlanExperiment(o)
	require.NoError(t, err)
	return plan
}

// outcome ends the recording and returns what it says, with the recording itself.
func (d *diagnosed) outcome(t *testing.T) (memprof.Experiment, *memprof.Recording) {
	t.Helper()
	require.NoError(t, d.memory.Close(context.Background()))
	file, err := os.Open(d.path)
	require.NoError(t, err)
	defer file.Close()
	tally, err := memprof.TallyRecording(file)
	require.NoError(t, err)
	require.True(t, tally.IsExperiment())
	_, err = file.Seek(0, 0)
	require.NoError(t, err)
	rec, err := memprof.ReadRecording(file)
	require.NoError(t, err)
	return tally.Experiment(), rec
}

// An experiment that is stopped within a block is no error: what it did stands, and is judged.
func TestAStoppedExperimentStands(t *testing.T) {
	plan := compared(t, memprof.DesignOptions{UntilCertain: true})
	plan.Open = false
	require.Equal(t, 4, plan.Cycles)
	require.Len(t, plan.Blocks, 45)
	d := newDiagnosed(t, plan.Total(), caseFile, "array-buffers")
	ctx, stop := context.WithCancel(memoryCtx(t))
	defer stop()
	var told []ExperimentProgress
	err := d.w.Experiment(ctx, ExperimentOptions{
		Plan: plan, Settle: time.Millisecond,
		Fault: func(_ context.Context, cycle int) error {
			if cycle == 26 { // the second of the seventh block
				stop()
			}
			return nil
		},
		OnCycle: func(p ExperimentProgress) { told = append(told, p) },
	})
	require.NoError(t, err)
	last := told[len(told)-1]
	require.Equal(t, 25, last.Cycle)
	require.Equal(t, 7, last.Block)
	require.Equal(t, 45, last.Blocks)
	e, rec := d.outcome(t)
	require.Equal(t, memprof.StoppedCycle, rec.Cycles[len(rec.Cycles)-1].Name)
	require.Len(t, rec.Cycles, plan.WarmUp+26)
	require.Contains(t, e.Warnings, "38 of 45 blocks were not run")
	require.Len(t, e.Blocks, 7)
	for i, b := range e.Blocks[:6] {
		require.Empty(t, b.Dropped, i)
		require.Len(t, b.Cycles, 4)
	}
	require.NotEmpty(t, e.Blocks[6].Dropped, "one cycle is no block")
	require.Equal(t, []string{"array-buffers"}, e.Sites)
	require.Len(t, e.Answers, 1)
	require.Equal(t, memprof.Helps, e.Answers[0].Verdict, e.Answers[0].Says)
	require.Equal(t, []string{"recreate-page=run"}, e.Recommended.Rules)
}

// Where two replicates do not fit into the time, nothing is compared.
func TestAnExperimentNeedsTimeForTwoReplicates(t *testing.T) {
	plan := compared(t, memprof.DesignOptions{Cycles: 20})
	require.Equal(t, 2, plan.WarmUp)
	d := newDiagnosed(t, plan.Total(), caseFile, "array-buffers")
	err := d.w.Experiment(memoryCtx(t), ExperimentOptions{
		Plan: plan, Settle: time.Millisecond, Budget: 10 * time.Millisecond,
		OnPlan: func(memprof.ExperimentPlan, time.Duration) { require.Fail(t, "it is not run") },
	})
	require.ErrorIs(t, err, ErrBudget)
	require.ErrorContains(t, err, "a cycle takes about ")
	e, rec := d.outcome(t)
	require.Empty(t, e.Blocks)
	require.Len(t, rec.Cycles, plan.WarmUp)
	require.Empty(t, e.Recommended.Rules)
	require.False(t, e.Recommended.Flat)
}
