package memprof

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ebbworker/ebb/memprof/stats"
)

// Design is what a person asks of the plan of an experiment.
type Design string

// The designs. DesignAuto chooses by how many cleanups there are, how their effects carry over, and how many
// cycles there may be.
const (
	DesignAuto       Design = "auto"
	DesignCrossover  Design = "crossover"  // all blocks in one browser
	DesignFactorial  Design = "factorial"  // every combination of the cleanups
	DesignFractional Design = "fractional" // a balanced part of them
	DesignFresh      Design = "fresh"      // each block in a fresh browser
)

// Designs are all of them.
func Designs() []Design {
	return []Design{DesignAuto, DesignCrossover, DesignFactorial, DesignFractional, DesignFresh}
}

// DesignOptions say what an experiment is to be like.
type DesignOptions struct {
	Cleanups []PlannedCleanup
	// Design. Default: DesignAuto.
	Design Design
	// Each compares each cleanup alone with nothing, All each with all of them but it. Default: as the
	// design says.
	Each, All bool
	// Cycles is how many there may be in all. Default: 0, as many as the design should have.
	Cycles int
	// UntilCertain goes on, replicate by replicate, until nothing is undecided or Cycles are over (by default
	// five times as many as the design should have).
	UntilCertain bool
	// Seed gives the order of the blocks.
	Seed uint64
	// Noise is the standard deviation of a reading of Chrome's memory, in bytes. Default: 170,000, that of
	// recorded cycles.
	Noise float64
}

// Lengths of blocks, in cycles.
const (
	crossoverWash  = 1
	crossoverBlock = 4
	leastBlock     = 3
	freshWash      = 3 // the memory of a fresh browser rises most in its first cycles
	freshBlock     = 6
	leastFresh     = 5
	maxWarmUp      = 5
	maxReplicates  = 6 // longer blocks tell more than more of them

	standardNoise = 170_000
	standardRho   = 0.4
	// betweenBrowsers is the standard deviation of growth between fresh browsers, as a share of the noise.
	betweenBrowsers = 0.3

	// maxFullFactors is how many cleanups there may be for all of their combinations.
	maxFullFactors = 5
	// lasting is the carry-over of a cleanup after which later cycles run in something younger.
	lasting = "lasting"
)

// PlanExperiment draws the plan of an experiment: the same options give the same plan. The error says what
// cannot be had.
func PlanExperiment(o DesignOptions) (ExperimentPlan, error) {
	k := len(o.Cleanups)
	if k == 0 {
		return ExperimentPlan{}, errors.New("an experiment needs at least one cleanup")
	}
	if o.Noise <= 0 {
		o.Noise = standardNoise
	}
	p := ExperimentPlan{Cleanups: slices.Clone(o.Cleanups), Seed: o.Seed, Noise: o.Noise, Open: o.UntilCertain}
	p.Fresh = o.fresh()
	if err := o.scheme(&p); err != nil {
		return ExperimentPlan{}, err
	}
	arms := p.arms()
	replicates, err := o.size(&p, len(arms)+1)
	if err != nil {
		return ExperimentPlan{}, err
	}
	p.draw(arms, replicates)
	p.Smallest = o.smallest(p, replicates)
	return p, nil
}

// fresh says whether each block needs a browser of its own.
func (o DesignOptions) fresh() bool {
	switch o.Design {
	case DesignFresh:
		return true
	case DesignCrossover:
		return false
	}
	return slices.ContainsFunc(o.Cleanups, func(c PlannedCleanup) bool { return c.Carry == lasting })
}

// scheme chooses how the arms are made.
func (o DesignOptions) scheme(p *ExperimentPlan) error {
	k := len(o.Cleanups)
	where := "all blocks in one browser, since doing each cleanup once clears what has gathered"
	switch {
	case p.Fresh && o.Design == DesignFresh:
		where = "each block in a fresh browser, as asked"
	case p.Fresh:
		where = "each block in a fresh browser, since the effect of one of them lasts"
	case o.Design == DesignCrossover:
		where = "all blocks in one browser, as asked"
	}
	how := ""
	switch {
	case o.All && k > 1: // of one, all but it is nothing
		p.Scheme, how = SchemeLeaveOneOut, "all of them against all but one"
	case o.Each:
		p.Scheme, how = SchemeOneByOne, "each alone against nothing"
	case o.Design == DesignFactorial && k > maxFullFactors:
		return fmt.Errorf("all combinations of %d cleanups are %.0f: at most %d cleanups, or the design fractional", k, math.Exp2(float64(k)), maxFullFactors)
	case o.Design == DesignFactorial:
		p.Scheme, how = SchemeFactorial, "every combination, as asked"
	case o.Design == DesignFractional && k > stats.MaxFactors:
		return fmt.Errorf("the design fractional is for at most %d cleanups, not %d: leave some out, or compare each alone (--each)", stats.MaxFactors, k)
	case o.Design == DesignFractional:
		p.Scheme, how = SchemeFractional, "a balanced part of the combinations, as asked"
	case k == 1:
		p.Scheme, how = SchemeOneByOne, "one cleanup against nothing"
	case k <= 3 && o.affords(p, 1<<k):
		p.Scheme, how = SchemeFactorial, "every combination, so that what they do together shows too"
	case k > 3 && k <= stats.MaxFactors && o.affords(p, len((&ExperimentPlan{Cleanups: o.Cleanups, Scheme: SchemeFractional}).combinations())):
		p.Scheme, how = SchemeFractional, "a balanced part of the combinations: each effect is seen in all blocks"
	default:
		p.Scheme, how = SchemeOneByOne, "each alone against nothing"
		if k <= stats.MaxFactors {
			how += ", since the cycles do not suffice for combinations"
		}
	}
	p.Chosen = how + "; " + where
	return nil
}

// affords says whether the cycles suffice for two replicates of so many arms.
func (o DesignOptions) affords(p *ExperimentPlan, arms int) bool {
	_, _, least := lengths(p.Fresh)
	return o.Cycles == 0 || 2*(arms+1)*least <= o.Cycles
}

// lengths are the wash, the usual and the least length of a block.
func lengths(fresh bool) (wash, usual, least int) {
	if fresh {
		return freshWash, freshBlock, leastFresh
	}
	return crossoverWash, crossoverBlock, leastBlock
}

// arms are the sets of cleanups that are on together, nothing first.
func (p *ExperimentPlan) arms() [][]int {
	arms := [][]int{{}}
	for _, on := range p.combinations() {
		var arm []int
		for i, is := range on {
			if is {
				arm = append(arm, i)
			}
		}
		if len(arm) > 0 {
			arms = append(arms, arm)
		}
	}
	return arms
}

// combinations are the arms of the scheme, whose number of cleanups was checked.
func (p *ExperimentPlan) combinations() [][]bool {
	scheme := stats.OneByOne
	switch p.Scheme {
	case SchemeFactorial:
		whole, _ := stats.FullFactorial(len(p.Cleanups))
		return whole.Arms()
	case SchemeFractional:
		scheme = stats.Factorial
	case SchemeLeaveOneOut:
		scheme = stats.LeaveOneOut
	}
	arms, _ := stats.TrialArms(scheme, len(p.Cleanups))
	return arms
}

// size sets how long blocks are, and returns how many replicates there are.
func (o DesignOptions) size(p *ExperimentPlan, blocks int) (replicates int, err error) {
	wash, usual, least := lengths(p.Fresh)
	p.Wash, p.Cycles = wash, usual
	standard := 3
	if blocks > 8 {
		standard = 2
	}
	switch {
	case o.Cycles == 0 && o.UntilCertain:
		p.WarmUp = maxWarmUp
		return 5 * standard, nil
	case o.Cycles == 0:
		p.WarmUp = maxWarmUp
		return standard, nil
	case o.Cycles < 2*blocks*least:
		return 0, fmt.Errorf("%d cycles are too few for this: two replicates of %d blocks of %d cycles are %d", o.Cycles, blocks, least, 2*blocks*least)
	case o.UntilCertain:
		p.Cycles = least
		return min(o.Cycles/(blocks*least), 100), nil
	}
	best := math.Inf(1)
	for r := 2; r <= maxReplicates && r*blocks*least <= o.Cycles; r++ {
		trial := *p
		trial.Cycles = o.Cycles / (r * blocks)
		if smallest := o.smallest(trial, r); smallest < best {
			best, replicates, p.Cycles = smallest, r, trial.Cycles
		}
	}
	if replicates == 0 {
		replicates, p.Cycles = 2, o.Cycles/(2*blocks)
	}
	p.WarmUp = min(o.Cycles-replicates*blocks*p.Cycles, maxWarmUp)
	return replicates, nil
}

// smallest is the smallest effect that a plan can see, in bytes per cycle; 0 is unknown.
func (o DesignOptions) smallest(p ExperimentPlan, replicates int) float64 {
	plan := stats.TrialPlan{Replicates: replicates, Cycles: p.Cycles, Sigma: o.Noise, Rho: standardRho, Options: p.options(stats.Growth)}
	for _, arm := range p.arms() {
		on := make([]bool, len(p.Cleanups))
		for _, i := range arm {
			on[i] = true
		}
		plan.Arms = append(plan.Arms, on)
	}
	if p.Fresh {
		plan.Tau = betweenBrowsers * o.Noise
	}
	if power := plan.Power(); power.Visible < math.MaxFloat64 {
		return power.Visible
	}
	return 0
}

// draw draws the order of the blocks: at random within each replicate, with "nothing" twice.
func (p *ExperimentPlan) draw(arms [][]int, replicates int) {
	random := rand.New(rand.NewPCG(p.Seed, 0x65626265787065))
	again := len(arms)
	for replicate := range replicates {
		for _, arm := range random.Perm(len(arms) + 1) {
			b := PlannedBlock{Replicate: replicate, On: []int{}, Again: arm == again}
			if !b.Again {
				b.On = arms[arm]
			}
			p.Blocks = append(p.Blocks, b)
		}
	}
}

// Total is how many cycles the plan has in all.
func (p ExperimentPlan) Total() int { return p.WarmUp + len(p.Blocks)*p.Cycles }

// Replicates is how many rounds through all arms the plan has.
func (p ExperimentPlan) Replicates() int {
	n := 0
	for _, b := range p.Blocks {
		n = max(n, b.Replicate+1)
	}
	return n
}

// Within returns the plan with as many replicates, two at least, as fit into a time, if a cycle takes so long;
// ok is false where two do not.
func (p ExperimentPlan) Within(budget, cycle time.Duration) (shorter ExperimentPlan, ok bool) {
	perReplicate := len(p.Blocks) / max(1, p.Replicates()) * p.Cycles
	fit := int((budget - time.Duration(p.WarmUp)*cycle) / max(1, time.Duration(perReplicate)*cycle))
	p.Blocks = slices.DeleteFunc(slices.Clone(p.Blocks), func(b PlannedBlock) bool { return b.Replicate >= max(2, fit) })
	return p, fit >= 2
}
