package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// SameAlpha is the level at which the two "nothing" of a trial are said to differ: well below the 5 % of
// trials in which they may, as the noise is known from few blocks.
const SameAlpha = .01

// intervalAlpha is what the intervals of a trial leave out.
const intervalAlpha = .05

// AnalyseTrial compares the arms of a trial. The block is the unit: cycles are not replicates. The order
// of the blocks counts only where they share a browser, and there only for its warm-up and, for means, a drift.
// The same blocks give the same result. No result holds NaN or an infinity.
func AnalyseTrial(blocks []TrialBlock, o TrialOptions) Trial {
	o = o.withDefaults()
	d := newTrialDesign(blocks, o)
	t := Trial{Used: len(d.units), Dropped: d.dropped, SmallestVisible: math.MaxFloat64, Margin: o.Margin}
	if d.dropped > 0 {
		t.note("%d of %d blocks had too few values and are left out", d.dropped, len(blocks))
	}
	if len(d.units) == 0 {
		return t
	}
	data, rows := newTrialData(o, d.units), d.rows(o)
	if d.additive(o) {
		t.note("too few blocks for each arm by itself: the factors are taken to add up")
	}
	t.same(d, rows, data)
	if o.Of != Growth {
		rows = rows.withReplicates(d.units)
	}
	a := trialAnalysis{o: o, fit: data.fit(rows.units), looks: looksOf(o), shift: data.shift}
	t.DF, t.Sigma = a.fit.df, finite(a.fit.sigma)
	t.arms(d, rows, a)
	if o.Of != Ratio {
		a.o.Margin = max(o.Margin, t.share(o))
		t.Margin = a.o.Margin
	}
	t.effects(rows, a)
	return t
}

func (o TrialOptions) withDefaults() TrialOptions {
	if o.Of == "" {
		o.Of = Growth
	}
	if o.Wash == 0 {
		o.Wash = 1
	}
	o.Wash = max(0, o.Wash)
	if !(o.Alpha > 0 && o.Alpha < 1) {
		o.Alpha = .05
	}
	o.Margin, o.Floor, o.Share = usable(o.Margin), usable(o.Floor), usable(o.Share)
	return o
}

func (t *Trial) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// trialAnalysis is a fit, and how it is read.
type trialAnalysis struct {
	o     TrialOptions
	fit   trialFit
	looks trialLooks
	shift float64
}

// same compares the two "nothing".
func (t *Trial) same(d trialDesign, r trialRows, data trialData) {
	r, ok := d.same(r)
	if !ok {
		return
	}
	contrast := r.contrasts[0]
	if data.o.Of != Growth {
		r = r.withReplicates(d.units)
	}
	o := data.o
	o.Looks, o.Open = 0, false
	a := trialAnalysis{o: o, fit: data.fit(r.units)}
	e := a.effect(contrast)
	e.Adjusted = e.P
	t.AA = &e
	if t.Differs = e.P < SameAlpha; t.Differs {
		t.note("the two arms without any factor differ: something else than the factors changed")
	}
}

// arms fills the arms' own estimates.
func (t *Trial) arms(d trialDesign, r trialRows, a trialAnalysis) {
	for i, w := range d.arms {
		arm := TrialArm{On: make([]bool, d.factors), Blocks: d.counts[i]}
		for f := range arm.On {
			arm.On[f] = w.Has(f)
		}
		p, known := a.fit.of(r.arms[i])
		arm.Interval = a.read(p, known, intervalAlpha)
		if a.o.Of != Growth {
			arm.Interval = Interval{arm.Value + a.shift, arm.Lo + a.shift, arm.Hi + a.shift}
		}
		arm.Interval = a.o.shown(arm.Interval)
		t.Arms = append(t.Arms, arm)
	}
}

// share is the margin as a part of what "nothing" does.
func (t *Trial) share(o TrialOptions) float64 {
	for _, arm := range t.Arms {
		nothing := true
		for _, on := range arm.On {
			nothing = nothing && !on
		}
		if nothing {
			return o.Share * math.Abs(arm.Value)
		}
	}
	return 0
}

// read returns the estimate with its two-sided interval at a level.
func (a trialAnalysis) read(p Posterior, known bool, level float64) Interval {
	middle := p.Mean()
	switch {
	case !known:
		return openInterval(finite(middle))
	case a.fit.exact:
		return Interval{middle, middle, middle}
	case level < 1e-12:
		return openInterval(middle)
	}
	return Interval{Value: middle, Lo: min(middle, p.Quantile(level/2)), Hi: max(middle, p.Quantile(1-level/2))}
}

// shown turns logarithms into ratios.
func (o TrialOptions) shown(i Interval) Interval {
	if o.Of != Ratio {
		return i
	}
	return Interval{Value: finite(math.Exp(i.Value)), Lo: math.Exp(i.Lo), Hi: finite(math.Exp(i.Hi))}
}

// margin is the margin on the scale of the analysis.
func (o TrialOptions) margin() float64 {
	if o.Of == Ratio {
		return math.Log(max(1, o.Margin))
	}
	return o.Margin
}

// width returns the standard error and the degrees of freedom of the t distribution with the posterior's central
// 68 and 95 % intervals.
func (a trialAnalysis) width(p Posterior) (se float64, df int) {
	half := func(q float64) float64 { return (p.Quantile(.5+q/2) - p.Quantile(.5-q/2)) / 2 }
	inner, outer := half(.6827), half(.95)
	low, high := 1, 200
	for low < high {
		middle := (low + high) / 2
		t := distuv.StudentsT{Sigma: 1, Nu: float64(middle)}
		if t.Quantile(.975)*inner > t.Quantile(.84135)*outer {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return outer / distuv.StudentsT{Sigma: 1, Nu: float64(low)}.Quantile(.975), low
}
