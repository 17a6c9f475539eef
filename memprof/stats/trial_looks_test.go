package stats

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The constants of O'Brien and Fleming, from C. Jennison, B. W. Turnbull, Group Sequential Methods (2000), table 2.3.
func TestBoundsOfOBrienAndFleming(t *testing.T) {
	for k, c := range map[int]float64{2: 1.977, 3: 2.004, 4: 2.024, 5: 2.040, 10: 2.087} {
		require.InDelta(t, .05, brownianExit(k, c), 1e-4, "%d looks", k)
	}
	require.InDelta(t, .0125, brownianExit(6, 2.553), 2e-4, "a quarter of 5 % over six looks")
	require.InDelta(t, .05, brownianExit(1, 1.959964), 1e-6)
	require.Equal(t, 1., brownianExit(3, 0))
}

func TestLooksCost(t *testing.T) {
	e := trialEvidence{nu: 20, z2: 10}
	once := looksOf(TrialOptions{Alpha: .05})
	require.Equal(t, .03, once.p(.03, e))
	require.Equal(t, .05, once.tail(.05, 0, e))
	before := 1.
	for look := 1; look <= 4; look++ {
		l := looksOf(TrialOptions{Alpha: .05, Looks: 4, Look: look})
		p := l.p(.01, e)
		require.GreaterOrEqual(t, p, .01, "a look costs")
		require.Less(t, p, before, "the later the less")
		before = p
		require.InDelta(t, .05, l.p(l.tail(.05, 0, e), e), 1e-5, "the interval and the test agree")
	}
	open := looksOf(TrialOptions{Alpha: .05, Open: true})
	require.Greater(t, open.p(.01, e), .01)
	require.InDelta(t, .05, open.p(open.tail(.05, 0, e), e), 1e-9)
	require.Equal(t, 0., open.p(0, e))
}

func TestPlansPower(t *testing.T) {
	arms, err := TrialArms(OneByOne, 3)
	require.NoError(t, err)
	plan := TrialPlan{Arms: arms, Replicates: 2, Cycles: 3, Sigma: .17, Rho: .3}
	small := plan.Power()
	require.Equal(t, 10, small.Blocks)
	require.Equal(t, 30, small.Cycles)
	require.Equal(t, small, plan.Power())
	plan.Cycles = 6
	longer := plan.Power()
	require.Less(t, longer.Visible, small.Visible/2, "longer blocks tell more than more of them")
	require.Less(t, longer.RuledOut, .25)
	plan.Sigma *= 2
	require.InDelta(t, 2*longer.Visible, plan.Power().Visible, 1e-6)
	plan.Tau = 1
	require.Greater(t, plan.Power().Visible, 1.)
	require.Equal(t, math.MaxFloat64, TrialPlan{Arms: arms, Replicates: 1, Cycles: 1}.Power().Visible)
	require.Equal(t, math.MaxFloat64, TrialPlan{}.Power().RuledOut)
}

func TestArmsOfSchemes(t *testing.T) {
	arms, err := TrialArms(LeaveOneOut, 3)
	require.NoError(t, err)
	require.Equal(t, [][]bool{{false, false, false}, {true, true, true}, {false, true, true}, {true, false, true}, {true, true, false}}, arms)
	arms, err = TrialArms(OneByOne, 2)
	require.NoError(t, err)
	require.Equal(t, [][]bool{{false, false}, {true, false}, {false, true}}, arms)
	for _, scheme := range []TrialScheme{OneByOne, LeaveOneOut, Factorial} {
		arms, err = TrialArms(scheme, 1)
		require.NoError(t, err)
		require.Equal(t, [][]bool{{false}, {true}}, arms)
	}
	arms, err = TrialArms(LeaveOneOut, 2)
	require.NoError(t, err)
	require.Len(t, arms, 4)
	_, err = TrialArms(OneByOne, MaxAlone+1)
	require.ErrorContains(t, err, "1 to 32 factors")
}
