package stats

import (
	"math"
	"slices"
)

// minUsed is the number of used cycles without which nothing is judged.
const minUsed = 5

// Judge judges a series of one value per cycle; NaN is a cycle without a reading. It takes the
// cycles for alike: the same work in each, garbage collected before each reading. The verdict's
// limits are those of the data: a cache that is still filling, and a sawtooth of which fewer than two
// periods were seen, grow like a leak.
//
// In this order: spikes are left out; the first cycles are dropped; drops that repeat make
// a sawtooth; the slope and the shape are averaged over the autocorrelation of the noise; a
// decision tree names the class.
func Judge(y []float64, o Options) Judgement {
	s := newSeries(y, o)
	j := Judgement{
		N: len(y), Class: Inconclusive, Shape: NoShape,
		PendingAt: -1, Step: Change{Cycle: -1}, Onset: -1, Families: map[string]float64{},
	}
	spikes := findSpikes(s.y, s.o)
	level := spikes.mask(s.y)
	j.describeSpikes(s, spikes)
	drop := min(3, len(s.y)/5)
	j.Warmup = s.first + drop
	for i := range drop {
		level[i] = math.NaN()
	}
	times, values := present(level)
	j.Used = len(values)
	j.TheilSen = TheilSen(level).scaled(s.unit)
	j.MannKendall = MannKendall(level)
	if len(values) < minUsed {
		j.tooShort(s)
		return j
	}
	f := s.examine(times, values)
	f.jumps = findJumps(spikes.mask(s.y), s.o.Floor)
	f.pending = spikes.pending && spikes.upward
	j.report(s, f)
	return j
}

// examine estimates rate and shape of the cycles used.
func (s *series) examine(times []int, values []float64) *findings {
	p := newProblem(times, values, s.o.Floor)
	b := newBank(times, len(s.y)/5)
	f := &findings{
		n: len(s.y), times: times, values: values, o: s.o, shapes: p.shapes(b),
		constant: slices.Min(values) == slices.Max(values),
	}
	if saw := findSawtooth(times, values, s.o.Floor); saw != nil {
		with := p
		with.saw = saw
		if shapes := with.shapes(b); shapes.evidence-f.shapes.evidence >= sawEvidence {
			p, f.shapes, f.saw, f.sawPeriod = with, shapes, true, saw.period
		}
	}
	f.trend = p.trend()
	f.roughRate = f.trend.rate.rough()
	f.rate = f.roughRate.Interval()
	f.roughEnd = f.shapes.end.rough()
	f.endRate = f.roughEnd.Interval()
	f.atMost = f.trend.rate.AtMost(s.o.Delta)
	f.endAbove = f.shapes.end.Above(s.o.Delta)
	return f
}

func (j *Judgement) describeSpikes(s *series, found spikes) {
	for _, i := range found.at {
		j.Spikes = append(j.Spikes, s.first+i)
	}
	if found.pending {
		last := len(j.Spikes) - 1
		j.Pending, j.PendingAt = true, j.Spikes[last]
		j.Spikes = j.Spikes[:last]
		s.note("the last cycle stands out and is left out: only those after it can tell a spike from a step")
	}
	if found.many > 0 {
		s.note("%d of the cycles stand out: none is left out", found.many)
	}
}

// tooShort fills in what can be said of a few values.
func (j *Judgement) tooShort(s *series) {
	j.Rate, j.EndRate = openInterval(j.TheilSen.Value), openInterval(j.TheilSen.Value)
	j.P, j.PEnd, j.PPositive = .5, .5, .5
	j.SmallestVisible, j.NoGrowthAbove = math.MaxFloat64, math.MaxFloat64
	j.CyclesNeeded = max(1, minLeakCycles-j.N, minUsed-j.Used)
	s.note("%d of %d cycles can be used: too few to judge", j.Used, j.N)
	j.Warnings = s.notes
}

// lastGrowth is the mean growth per cycle over the last fifth of the series.
func (f *findings) lastGrowth() float64 {
	last := len(f.values) - 1
	first := last
	for first > 0 && f.times[last]-f.times[first] < max(2, f.n/5) {
		first--
	}
	return (f.values[last] - f.values[first]) / float64(f.times[last]-f.times[first])
}

// report brings the findings into the caller's unit.
func (j *Judgement) report(s *series, f *findings) {
	v := f.decide()
	j.Class, j.Shape = v.class, v.shape
	j.Rate, j.EndRate = f.rate.scaled(s.unit), f.endRate.scaled(s.unit)
	if v.shape == AcceleratingShape {
		// Growth that quickens has no one form: what was seen at the end must be within the interval.
		j.EndRate = j.EndRate.including(finite(f.lastGrowth() * s.unit))
	}
	j.P, j.PEnd, j.PPositive = f.atMost, f.endAbove, f.trend.rate.Above(0)
	j.Sigma, j.Rho = finite(f.shapes.sigma*s.unit), f.shapes.rho
	j.Sawtooth, j.Period = f.saw, f.sawPeriod
	j.Plateaued = v.class == Stable && f.plateaued()
	j.SmallestVisible = finite(smallestVisible(f.n, f.shapes.sigma, f.shapes.rho, f.o) * s.unit)
	j.NoGrowthAbove = finite(f.noGrowthAbove(v.class) * s.unit)
	for i, name := range familyNames {
		j.Families[name] = f.shapes.posterior[i]
	}
	j.describeShape(s, f, v)
	j.CyclesNeeded = f.further(v)
	if v.note != "" {
		s.note("%s", v.note)
	}
	if j.Rho > .9 && j.N < 60 {
		s.note("the noise is so persistent that the interval of the rate is too narrow: about 84 %% instead of 95 %%")
	}
	j.Warnings = s.notes
}

// describeShape fills in what belongs to the shape.
func (j *Judgement) describeShape(s *series, f *findings, v verdict) {
	cycle := func(o outcome) int { return s.first + f.times[int(o.model.detail)] }
	switch v.shape {
	case StepShape:
		best := f.likeliestStep()
		j.Step = Change{Cycle: cycle(best), Height: finite(best.coef * s.unit)}
	case OnsetShape:
		j.Onset = cycle(f.shapes.likeliest[onsetFamily])
	case AcceleratingShape:
		j.Doubling = f.shapes.likeliest[acceleratingFamily].model.detail
	}
}

// noGrowthAbove is the one-sided 95 % bound of the rate; where only the end is known to be flat,
// of the end rate.
func (f *findings) noGrowthAbove(c Class) float64 {
	bound := f.roughRate.Quantile(.95)
	if c == Stable && 1-f.atMost >= stableP {
		bound = f.roughEnd.Quantile(.95)
	}
	return max(0, bound)
}

// further is the number of further cycles that are likely to decide.
func (f *findings) further(v verdict) int {
	if v.next > f.n {
		return min(v.next-f.n, (maxExtension-1)*f.n)
	}
	if v.class == Leak || v.class == Step || v.class == Stable {
		return 0
	}
	n := f.trend.cyclesNeeded(f.n, f.o.Delta, f.o.Alpha)
	// Where the slope is known and the shape is not, half as many again.
	return min(max(n-f.n, f.n/2, minLeakCycles-f.n, 1), max(1, (maxExtension-1)*f.n))
}
