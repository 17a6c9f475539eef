package stats

import "math"

// Options are the practical thresholds of one metric, in the metric's unit. What is negative, NaN
// or infinite counts as 0.
type Options struct {
	// Delta is the growth per cycle that starts to matter. Default 0: any growth.
	Delta float64
	// Floor is the standard deviation below which noise is not believed, such as 1/sqrt(12) of a
	// count. Default 0: the noise is believed as it is.
	Floor float64
	// MinStep is the smallest jump of the level that is called a step. Default 0.
	MinStep float64
	// MinSpike is the smallest excursion that is called a spike. Default 0.
	MinSpike float64
	// Alpha is the error probability of "leak", between 0 and 1. Where m metrics are judged
	// together, it is to be divided by m. Default .01.
	Alpha float64
}

// Class is what a series is said to be.
type Class string

// The classes, from the worst to the least certain.
const (
	Leak         Class = "leak"         // grows by more than Delta, and goes on
	Growing      Class = "growing"      // grew by more than Delta to the end; leak or warm-up is not decided
	Decelerating Class = "decelerating" // grew, ever slower; more than Delta at the end is not shown
	Step         Class = "step"         // changed its level once
	Stable       Class = "stable"       // growth of Delta or more is ruled out
	Inconclusive Class = "inconclusive" // too little is known
)

// Shape is the form of the growth.
type Shape string

// The shapes.
const (
	LinearShape       Shape = "linear"
	AcceleratingShape Shape = "accelerating"
	OnsetShape        Shape = "onset"      // flat, then linear
	SaturatingShape   Shape = "saturating" // ever slower, or a plateau: warm-up, a filling cache
	StepShape         Shape = "step"
	SawtoothShape     Shape = "sawtooth"
	StableShape       Shape = "stable"
	NoShape           Shape = "none"
)

// Interval is an estimate with its 95 % interval.
type Interval struct{ Value, Lo, Hi float64 }

// Open says that the data do not bound the value: one or both ends are ±math.MaxFloat64.
func (i Interval) Open() bool { return i.Lo <= -math.MaxFloat64 || i.Hi >= math.MaxFloat64 }

// scaled returns the interval in another unit; c is positive. An open end stays open.
func (i Interval) scaled(c float64) Interval {
	s := Interval{Value: finite(i.Value * c), Lo: -math.MaxFloat64, Hi: math.MaxFloat64}
	if i.Lo > -math.MaxFloat64 {
		s.Lo = finite(i.Lo * c)
	}
	if i.Hi < math.MaxFloat64 {
		s.Hi = finite(i.Hi * c)
	}
	return s
}

// including returns the interval around another estimate of the same value, and as wide as it takes to
// hold both.
func (i Interval) including(value float64) Interval {
	return Interval{Value: value, Lo: min(i.Lo, value), Hi: max(i.Hi, value)}
}

// openInterval is a value that nothing bounds.
func openInterval(value float64) Interval {
	return Interval{Value: value, Lo: -math.MaxFloat64, Hi: math.MaxFloat64}
}

// finite returns the nearest finite number; of NaN, 0.
func finite(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return max(-math.MaxFloat64, min(math.MaxFloat64, x))
}

// Change is a lasting change of the level: Height is added from Cycle on (0-based; -1 for none).
type Change struct {
	Cycle  int
	Height float64
}

// Judgement is what [Judge] finds in a series. Cycles are 0-based indices into the series.
type Judgement struct {
	N     int   // cycles given
	Used  int   // cycles used: without warm-up, masked spikes, gaps
	Class Class // the verdict
	Shape Shape

	// Rate is the growth per cycle over the cycles used: posterior median and 95 % interval.
	// Under a sawtooth it is the growth of the troughs.
	Rate Interval
	// EndRate is the growth per cycle over the last fifth of the series, averaged over the shapes.
	EndRate   Interval
	P         float64 // P(rate <= Delta)
	PEnd      float64 // P(end rate > Delta)
	PPositive float64 // P(rate > 0)

	Sigma float64 // standard deviation of the noise, posterior mean
	Rho   float64 // autocorrelation of the noise from cycle to cycle, posterior mean

	Warmup    int     // cycles dropped at the start
	Spikes    []int   // recovered excursions, left out of the level
	Pending   bool    // the last cycle stands out, and is left out: only the next can tell why
	PendingAt int     // that cycle; -1 without one
	Sawtooth  bool    // repeated drops, accounted for
	Period    float64 // cycles from drop to drop, the median; 0 without sawtooth
	Plateaued bool    // grew before, and no longer

	Step     Change  // the likeliest change of level, with StepShape; Cycle -1 otherwise
	Onset    int     // the cycle after which growth began, with OnsetShape; -1 otherwise
	Doubling float64 // cycles in which the growth doubles, with AcceleratingShape; 0 otherwise

	// CyclesNeeded is how many further cycles are likely to decide: 0 when decided, at most
	// 4 N. It is too optimistic while a warm-up is still visible. A Step has some where it may
	// be the first of a growing container's.
	CyclesNeeded int
	// SmallestVisible is the smallest linear growth per cycle that a series of this length and
	// noise is called a leak for with a probability of 90 %.
	SmallestVisible float64
	// NoGrowthAbove is the upper bound of the growth per cycle, 95 % one-sided; of the end rate
	// where growth has stopped. At least 0.
	NoGrowthAbove float64

	TheilSen    Interval // robust cross-check of Rate, on all cycles used
	MannKendall Kendall  // rank test on the cycles used: invalid under autocorrelation, no part of the verdict

	Families map[string]float64 // posterior probability by family of curves
	Warnings []string
}
