package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// TrialArms returns the arms of a scheme, "nothing" first where it has one; the second "nothing" is not among
// them. More than MaxFactors, or fewer than one, is an error.
func TrialArms(scheme TrialScheme, factors int) ([][]bool, error) {
	d, err := FactorialDesign(factors)
	if err != nil {
		return nil, fmt.Errorf("arms of a trial: %w", err)
	}
	if scheme == Factorial {
		return d.Arms(), nil
	}
	arms := [][]bool{make([]bool, factors)}
	if scheme == LeaveOneOut {
		all := make([]bool, factors)
		for f := range all {
			all[f] = true
		}
		arms = append(arms, all)
	}
	for f := range factors {
		arm := make([]bool, factors)
		for g := range arm {
			arm[g] = (g == f) != (scheme == LeaveOneOut)
		}
		arms = append(arms, arm)
	}
	return arms, nil
}

// TrialPlan is a trial before it is run.
type TrialPlan struct {
	Scheme     TrialScheme
	Factors    int
	Replicates int
	Cycles     int // of a block, with the wash
	Wash       int // default 1
	// Sigma is the standard deviation of one value, Rho its autocorrelation, Tau the standard deviation of growth
	// between blocks.
	Sigma, Rho, Tau float64
	Alpha           float64 // default .05
}

// SmallestVisible is the effect on growth that the plan finds with a power of 80 %, by Holm's method at its
// strictest; +-math.MaxFloat64 where the plan has no blocks to spare.
func (p TrialPlan) SmallestVisible() float64 {
	arms, err := TrialArms(p.Scheme, p.Factors)
	if err != nil {
		return math.MaxFloat64
	}
	df := float64((len(arms)+1)*p.Replicates - len(arms))
	if df < 1 || p.Cycles < 2 {
		return math.MaxFloat64
	}
	v := slopeError(p.Cycles-max(0, p.Wash-1), p.Rho) * p.Sigma
	variance := (v*v + p.Tau*p.Tau) * 1.5 / float64(p.Replicates)
	t := distuv.StudentsT{Sigma: 1, Nu: df}
	alpha := p.Alpha
	if alpha <= 0 {
		alpha = .05
	}
	return (t.Quantile(1-alpha/2/float64(p.Factors)) + t.Quantile(.8)) * math.Sqrt(variance)
}
