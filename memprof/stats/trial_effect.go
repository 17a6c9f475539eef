package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// trialKinds are the kinds in the order of a trial's effects.
var trialKinds = [...]TrialKind{SoloEffect, LeaveOneOutEffect, MainEffect, InteractionEffect, AllEffect}

// effects fills the effects, kind by kind.
func (t *Trial) effects(r trialRows, a trialAnalysis) {
	for _, kind := range trialKinds {
		var of []trialContrast
		for _, c := range r.contrasts {
			if c.kind == kind {
				of = append(of, c)
			}
		}
		var effects []TrialEffect
		var p []float64
		for _, c := range of {
			e := a.effect(c)
			effects, p = append(effects, e), append(p, e.P)
		}
		for i, adjusted := range Holm(p) {
			a.decide(&effects[i], adjusted)
			effects[i].MoreBlocks = a.more(effects[i], len(of), t.Used)
		}
		t.Effects = append(t.Effects, effects...)
		if kind == a.o.primary() {
			t.visible(effects, a.o)
		}
	}
}

// primary is the kind of effect that a scheme is for.
func (o TrialOptions) primary() TrialKind {
	switch o.Scheme {
	case Factorial:
		return MainEffect
	case LeaveOneOut:
		return LeaveOneOutEffect
	}
	return SoloEffect
}

// effect estimates a contrast.
func (a trialAnalysis) effect(c trialContrast) TrialEffect {
	p, known := a.fit.of(c.weights)
	e := TrialEffect{Kind: c.kind, Factor: c.factor, Words: c.words, P: 1, Adjusted: 1, Verdict: CannotTell}
	e.Interval = a.o.shown(a.read(p, known, intervalAlpha))
	switch {
	case !known:
		return e
	case a.fit.exact:
		return a.exact(e, p)
	}
	e.SE, e.DF = a.width(p)
	evidence := trialEvidence{nu: float64(e.DF), z2: max(1e-9, a.fit.sigma*a.fit.sigma/(e.SE*e.SE))}
	e.Interval = a.o.shown(a.read(p, known, a.looks.tail(intervalAlpha, 0, evidence)))
	e.P = a.looks.p(min(1, 2*min(p.Above(0), p.AtMost(0))), evidence)
	within := a.read(p, known, a.looks.tail(min(1, 2*a.o.Alpha), 1, evidence))
	if within.Lo > -a.o.margin() && within.Hi < a.o.margin() {
		e.Verdict = NoEffect
	}
	return e
}

// exact is an effect without any noise.
func (a trialAnalysis) exact(e TrialEffect, p Posterior) TrialEffect {
	if math.Abs(p.Mean()) > p.parts[0].scale*10 {
		e.P = 0
	}
	if e.P > 0 || math.Abs(p.Mean()) < a.o.margin() {
		e.Verdict = NoEffect
	}
	return e
}

// decide gives an effect that is not ruled out its verdict.
func (a trialAnalysis) decide(e *TrialEffect, adjusted float64) {
	e.Adjusted = adjusted
	neutral := 0.
	if a.o.Of == Ratio {
		neutral = 1
	}
	switch {
	case e.Verdict != CannotTell || adjusted > a.o.Alpha:
	case e.Value < neutral:
		e.Verdict = Helps
	default:
		e.Verdict = Harms
	}
}

// more is about how many more blocks show the effect, or rule it out, with a power of 80 %.
func (a trialAnalysis) more(e TrialEffect, of, blocks int) int {
	if e.Verdict != CannotTell || e.SE <= 0 {
		return 0
	}
	size := math.Abs(e.Value)
	if a.o.Of == Ratio {
		size = math.Abs(math.Log(e.Value))
	}
	z := distuv.UnitNormal
	shown := size / (z.Quantile(1-a.o.Alpha/2/float64(of)) + z.Quantile(.8))
	ruledOut := (a.o.margin() - size) / (z.Quantile(1-a.o.Alpha) + z.Quantile(.8))
	enough := max(shown, ruledOut)
	if enough <= 0 {
		return 0
	}
	growth := e.SE * e.SE / (enough * enough)
	return max(1, int(math.Ceil(min(100, growth-1)*float64(blocks))))
}

// visible fills the smallest effect that is found.
func (t *Trial) visible(effects []TrialEffect, o TrialOptions) {
	var most float64
	for _, e := range effects {
		if e.DF < 1 {
			if e.Verdict == CannotTell {
				return
			}
			continue
		}
		s := distuv.StudentsT{Sigma: 1, Nu: float64(e.DF)}
		most = max(most, e.SE*(s.Quantile(1-o.Alpha/2/float64(len(effects)))+s.Quantile(.8)))
	}
	if len(effects) > 0 {
		t.SmallestVisible = most
		if o.Of == Ratio {
			t.SmallestVisible = finite(math.Exp(most))
		}
	}
}
