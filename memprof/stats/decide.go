package stats

import "math"

// The thresholds of the decision, chosen by the study in memprof/stats/study.
const (
	minLeakCycles = 15 // in fewer a filling cache and a long sawtooth are leaks as far as data go
	leakPosterior = .72
	leakEndRate   = .8
	stepPosterior = .7
	stepAlone     = .4 // part of the step's posterior that must be without growth
	stableP       = .05
	stableEndRate = .2
	growPosterior = .9
	clearly       = 3 // times as likely
)

// What a verdict adds in words.
const (
	noteShort     = "fewer than 15 cycles cannot tell a leak from a filling cache or a long sawtooth"
	noteGrowing   = "a leak is not told from a warm-up or a filling cache yet"
	noteContainer = "jumps that grow, at widening distances: a container that grows by one part after another"
	noteTwoJumps  = "the second jump is larger than the first, as in a container that grows"
	noteLoneJump  = "one lone jump: a step, or a container that grows and was enlarged once"
)

// findings is everything a verdict is made of, in the unit of the series.
type findings struct {
	n        int       // cycles given
	times    []int     // cycles used
	values   []float64 // at these
	o        Options
	constant bool // all values used are equal
	trend    trend
	shapes   shapes
	rate     Interval
	endRate  Interval
	jumps    jumps
	pending  bool // the last cycle is far above the others
	saw      bool

	roughRate Posterior // of the rate, for its quantiles
	roughEnd  Posterior // of the end rate
	sawPeriod float64   // cycles from drop to drop

	atMost   float64 // P(rate <= delta)
	endAbove float64 // P(end rate > delta)
}

func (f *findings) posterior(of ...family) (sum float64) {
	for _, family := range of {
		sum += f.shapes.posterior[family]
	}
	return sum
}

// leaking is the posterior of the families that grow to the end.
func (f *findings) leaking() float64 {
	return f.posterior(linearFamily, acceleratingFamily, onsetFamily, stepAndLinearFamily)
}

// verdict is a class and what it needs beside it.
type verdict struct {
	class Class
	shape Shape
	note  string
	next  int // number of cycles at which the question is likely to be settled; 0 for none
}

// decide is the decision tree: the first that matches.
func (f *findings) decide() verdict {
	v := f.byShape()
	v = f.byJumps(v)
	if f.pending && v.class == Stable {
		v = verdict{class: Inconclusive, shape: NoShape, next: f.n + spikeWindow}
	}
	if v.class == Leak && f.n < minLeakCycles {
		v = verdict{class: Growing, shape: v.shape, next: minLeakCycles, note: noteShort}
	}
	return v
}

// byShape decides by the trend and the families.
func (f *findings) byShape() verdict {
	leaking, decelerating := f.leaking(), f.posterior(deceleratingFamily)
	step, stepGrowing := f.posterior(stepFamily), f.posterior(stepAndLinearFamily)
	alpha, end := f.o.Alpha, f.endAbove
	switch {
	case f.constant:
		return verdict{class: Stable, shape: StableShape}
	case f.atMost < alpha && leaking >= leakPosterior && end >= leakEndRate:
		return verdict{class: Leak, shape: f.leakShape()}
	case step+stepGrowing > stepPosterior && step >= stepAlone*(step+stepGrowing) && f.stepHeight() >= f.o.MinStep:
		return verdict{class: Step, shape: StepShape}
	case 1-f.atMost < stableP && end < stableEndRate, end < stableP:
		return verdict{class: Stable, shape: f.stableShape()}
	case f.atMost < alpha && end >= leakEndRate && leaking+decelerating >= growPosterior:
		v := verdict{class: Growing, shape: LinearShape, note: noteGrowing}
		if decelerating > clearly*leaking {
			v.shape = SaturatingShape
		}
		return v
	case decelerating > .5 && decelerating > clearly*leaking && f.trend.rate.AtMost(0) < stableP:
		return verdict{class: Decelerating, shape: SaturatingShape}
	}
	return verdict{class: Inconclusive, shape: NoShape}
}

// byJumps corrects a verdict on a series that is flat but for jumps.
func (f *findings) byJumps(v verdict) verdict {
	j := f.jumps
	if len(j.at) == 0 || v.class == Leak || j.rate() <= f.o.Delta || f.n >= j.next() {
		return v // no jumps, nothing to correct, too little, or the next jump did not come
	}
	grown := j.container()
	switch {
	case grown >= 3:
		return verdict{class: Leak, shape: LinearShape, note: noteContainer}
	case grown == 2:
		return verdict{class: Growing, shape: LinearShape, next: j.next(), note: noteTwoJumps}
	case j.lone() && (v.class == Step || v.class == Stable):
		v.next = j.next()
		v.note = noteLoneJump
		if v.class == Stable {
			v.class, v.shape = Inconclusive, StepShape
		}
	}
	return v
}

func (f *findings) leakShape() Shape {
	curved := f.posterior(acceleratingFamily, onsetFamily)
	switch {
	case curved <= clearly*f.posterior(linearFamily, stepAndLinearFamily):
		return LinearShape
	case f.posterior(acceleratingFamily) >= f.posterior(onsetFamily):
		return AcceleratingShape
	}
	return OnsetShape
}

func (f *findings) stableShape() Shape {
	switch {
	case f.saw:
		return SawtoothShape
	case f.plateaued():
		return SaturatingShape
	}
	return StableShape
}

// plateaued says of a stable series that it grew before.
func (f *findings) plateaued() bool { return f.posterior(deceleratingFamily) > .5 }

func (f *findings) stepHeight() float64 { return math.Abs(f.likeliestStep().coef) }

func (f *findings) likeliestStep() outcome { return f.shapes.likeliest[stepFamily] }
