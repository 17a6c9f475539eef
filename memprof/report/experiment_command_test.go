package report

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// The options that the command names lead to the same plan, whatever was asked for at first.
func TestExperimentCommandGivesThePlanAgain(t *testing.T) {
	for _, asked := range []memprof.DesignOptions{
		{},
		{Each: true},
		{All: true},
		{Design: memprof.DesignFresh},
		{Design: memprof.DesignFactorial},
		{Cycles: 67},
		{UntilCertain: true},
		{UntilCertain: true, Cycles: 200},
		{Each: true, Cycles: 71, Design: memprof.DesignCrossover},
	} {
		for _, carry := range []string{"resetting", "lasting"} {
			if carry == "lasting" && (asked.Cycles > 0 || asked.Each) {
				continue // plans take their time
			}
			asked.Seed = 7
			asked.Cleanups = nil
			for i := range 2 {
				asked.Cleanups = append(asked.Cleanups, memprof.PlannedCleanup{Name: fmt.Sprint("c", i), When: "run", Carry: carry})
			}
			plan, err := memprof.PlanExperiment(asked)
			require.NoError(t, err)
			o := designOf(plan)
			o.Cycles = cyclesOf(plan)
			again, err := memprof.PlanExperiment(o)
			require.NoError(t, err)
			require.Equal(t, plan.Blocks, again.Blocks, "%+v", asked)
			require.Equal(t, plan.Cycles, again.Cycles, "%+v", asked)
			require.Equal(t, plan.Fresh, again.Fresh, "%+v", asked)
		}
	}
}

func TestExperimentCommand(t *testing.T) {
	require.Equal(t, "ebb experiment news shop --cleanups 'http-cache=run,gc=every 50 pages,cookies=run' --each --design fresh --cycles 83 --settle 1.2s --seed 20260131",
		experimentCommand(threeTried()))
	require.Equal(t, `'it'\''s'`, quoted("it's"))
	require.Equal(t, "''", quoted(""))
	require.Equal(t, "'-x'", quoted("-x"))
	require.Equal(t, "'a?b'", quoted("a\x1bb"))
}
