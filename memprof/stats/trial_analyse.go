package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// SameAlpha is the level at which the two "nothing" of a trial are said to differ: below the 5 % that may.
const SameAlpha = .02

// AnalyseTrial compares the arms of a trial. The block is the unit: cycles are not replicates.
func AnalyseTrial(blocks []TrialBlock, o TrialOptions) Trial {
	o = o.withDefaults()
	d := newTrialDesign(blocks, o)
	t := Trial{Used: len(d.units), Dropped: d.dropped}
	if len(d.units) == 0 {
		return t
	}
	fit := o.fit(d.cells(), d.units)
	t.DF, t.Sigma = fit.df, finite(fit.sigma)
	contrasts := d.pairs()
	if o.Scheme == Factorial {
		contrasts = append(contrasts, d.averages()...)
	}
	for _, c := range contrasts {
		t.Effects = append(t.Effects, o.effect(c, fit))
	}
	for i, w := range d.arms {
		one := make([]float64, len(d.arms))
		one[i] = 1
		arm := TrialArm{On: make([]bool, d.factors), Interval: o.shown(fit.of(one).Interval()), Blocks: d.counts[i]}
		for f := range arm.On {
			arm.On[f] = w.Has(f)
		}
		t.Arms = append(t.Arms, arm)
	}
	t.adjust(o)
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
	if o.Of == Ratio {
		o.Margin = math.Log(max(1, o.Margin))
	}
	o.Margin, o.Floor = usable(o.Margin), usable(o.Floor)
	return o
}

// cells gives each arm a mean of its own.
func (d trialDesign) cells() [][]float64 {
	rows := make([][]float64, len(d.units))
	for i, u := range d.units {
		rows[i] = make([]float64, len(d.arms))
		rows[i][u.arm] = 1
	}
	return rows
}

// effect estimates a contrast.
func (o TrialOptions) effect(c trialContrast, fit trialFit) TrialEffect {
	p := fit.of(c.arms)
	e := TrialEffect{Kind: c.kind, Factor: c.factor, Words: c.words, DF: fit.df, Verdict: CannotTell, P: 1, Adjusted: 1}
	e.Interval = p.Interval()
	if fit.df < 1 {
		e.Interval = openInterval(p.Mean())
		return e
	}
	e.SE = (e.Hi - e.Lo) / 2 / distuv.StudentsT{Sigma: 1, Nu: float64(fit.df)}.Quantile(.975)
	e.P = min(1, 2*min(p.Above(0), p.AtMost(0)))
	if e.Lo > -o.Margin && e.Hi < o.Margin {
		e.Verdict = NoEffect
	}
	e.Interval = o.shown(e.Interval)
	return e
}

// shown turns logarithms back into ratios.
func (o TrialOptions) shown(i Interval) Interval {
	if o.Of != Ratio {
		return i
	}
	return Interval{Value: math.Exp(i.Value), Lo: math.Exp(i.Lo), Hi: finite(math.Exp(i.Hi))}
}

// adjust fills what depends on the number of effects of a kind.
func (t *Trial) adjust(o TrialOptions) {
	for _, kind := range []TrialKind{SoloEffect, LeaveOneOutEffect, MainEffect, InteractionEffect, AllEffect} {
		var at []int
		var p []float64
		for i, e := range t.Effects {
			if e.Kind == kind {
				at, p = append(at, i), append(p, e.P)
			}
		}
		for j, adjusted := range Holm(p) {
			e := &t.Effects[at[j]]
			e.Adjusted = adjusted
			if e.Verdict == CannotTell && adjusted <= o.Alpha {
				e.Verdict = map[bool]TrialVerdict{true: Helps, false: Harms}[e.Value < o.neutral()]
			}
		}
	}
}

// neutral is the value of no effect.
func (o TrialOptions) neutral() float64 {
	if o.Of == Ratio {
		return 1
	}
	return 0
}
