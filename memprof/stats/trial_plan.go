package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// MaxAlone is the largest number of factors that are not combined with each other: those that fit into a [Word].
const MaxAlone = 32

// TrialArms returns the arms of a scheme in the order of the factors, "nothing" first where the scheme has it; the second
// "nothing" is not among them. A Factorial has the arms of [FactorialDesign], a LeaveOneOut "all" after "nothing".
// Fewer than one factor is an error, and more than MaxFactors of a Factorial, or MaxAlone else.
func TrialArms(scheme TrialScheme, factors int) ([][]bool, error) {
	if scheme == Factorial {
		d, err := FactorialDesign(factors)
		if err != nil {
			return nil, fmt.Errorf("arms of a trial: %w", err)
		}
		return d.Arms(), nil
	}
	if factors < 1 || factors > MaxAlone {
		return nil, fmt.Errorf("arms of a trial: it has 1 to %d factors, not %d", MaxAlone, factors)
	}
	all := Word(1)<<factors - 1
	words := []Word{0}
	if scheme == LeaveOneOut {
		words = append(words, all)
	}
	for f := range factors {
		w := Word(1) << f
		if scheme == LeaveOneOut {
			w = all &^ w
		}
		if !slices.Contains(words, w) { // of one factor, all but one is nothing
			words = append(words, w)
		}
	}
	arms := make([][]bool, len(words))
	for i, w := range words {
		arms[i] = make([]bool, factors)
		for f := range factors {
			arms[i][f] = w.Has(f)
		}
	}
	return arms, nil
}

// TrialPlan is a trial on growth before it is run.
type TrialPlan struct {
	Arms       [][]bool // without the second "nothing"
	Replicates int
	Cycles     int     // of a block, with the wash
	Sigma      float64 // standard deviation of one value
	Rho        float64 // its autocorrelation between cycles
	Tau        float64 // standard deviation of growth between blocks of the same arm
	// Options are those of the analysis.
	Options TrialOptions
}

// TrialPower is what a plan can show.
type TrialPower struct {
	Blocks, Cycles int
	// Visible is the effect that is found with a power of 80 %, RuledOut the Margin for which no effect at all is
	// called "no effect" with a power of 80 %. math.MaxFloat64 where the plan shows nothing.
	Visible, RuledOut float64
}

// planTrials is how many trials without effects a plan is tried on.
const planTrials = 15

// Power finds out by seeded simulation of the analysis: blocks differ from few others, so that no formula
// holds for the small plans and the large. The same plan gives the same result.
func (p TrialPlan) Power() TrialPower {
	out := TrialPower{Visible: math.MaxFloat64, RuledOut: math.MaxFloat64}
	var visible, ruledOut []float64
	r := rand.New(rand.NewPCG(1, 2))
	for range planTrials {
		blocks := p.blocks(r)
		out.Blocks, out.Cycles = len(blocks), len(blocks)*p.Cycles
		if len(blocks) == 0 {
			return out
		}
		t := AnalyseTrial(blocks, p.Options)
		visible = append(visible, t.SmallestVisible)
		widest := math.MaxFloat64
		for _, e := range t.Effects {
			if e.Kind == p.Options.primary() && e.DF > 0 {
				s := distuv.StudentsT{Sigma: 1, Nu: float64(e.DF)}
				widest = e.SE * (s.Quantile(.95) + s.Quantile(.9))
			}
		}
		ruledOut = append(ruledOut, widest)
	}
	out.Visible, out.RuledOut = median(visible), median(ruledOut)
	return out
}

// blocks makes a trial without any effect.
func (p TrialPlan) blocks(r *rand.Rand) []TrialBlock {
	var out []TrialBlock
	add := func(on []bool, replicate int, again bool) {
		b := TrialBlock{On: on, Replicate: replicate, Again: again}
		slope, noise := p.Tau*r.NormFloat64(), r.NormFloat64()
		for i := range p.Cycles {
			b.Values = append(b.Values, slope*float64(i)+p.Sigma*noise)
			noise = p.Rho*noise + math.Sqrt(max(0, 1-p.Rho*p.Rho))*r.NormFloat64()
		}
		out = append(out, b)
	}
	for replicate := range p.Replicates {
		for _, on := range p.Arms {
			add(on, replicate, false)
		}
		if len(p.Arms) > 0 {
			add(make([]bool, len(p.Arms[0])), replicate, true)
		}
	}
	return out
}
