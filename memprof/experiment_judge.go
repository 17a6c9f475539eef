package memprof

import (
	"math"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof/stats"
)

// experimenting is the outcome of an experiment under way.
type experimenting struct {
	t      *Tally
	e      *Experiment
	plan   ExperimentPlan
	blocks []trialBlock
	// growth holds what each metric's growth came to.
	growth []*growthTrial
}

// trialBlock is one block of the plan with the cycles that it had.
type trialBlock struct {
	PlannedBlock
	on     []bool
	cycles []trialCycle
}

// growthTrial is the trial of one metric's growth.
type growthTrial struct {
	series Series
	row    Metric
	policy policy
	trial  stats.Trial
	grows  bool
	saved  []Effect // by cleanup
}

// Experiment says what a recording of an experiment shows so far.
func (t *Tally) Experiment() Experiment {
	e := Experiment{
		Schema: ExperimentSchema, Started: t.manifest.Start, Ebb: t.manifest.Ebb, Go: t.manifest.Go, Host: t.manifest.Host,
		Warnings: []string{}, NotMeasured: []string{}, Answers: []CleanupAnswer{}, Arms: []ArmAnswer{}, Metrics: []MetricEffects{}, Blocks: []BlockAnswer{},
		Stopped: t.trial.stopped, Of: anonChrome, Unit: Bytes,
	}
	if !t.last.IsZero() {
		e.Duration = t.last.Sub(t.manifest.Start)
	}
	if n := len(t.manifest.Browsers); n > 0 {
		e.Browser, e.Flags = t.manifest.Browsers[n-1].Version, t.manifest.Browsers[n-1].Flags
	}
	c := &experimenting{t: t, e: &e}
	if t.trial.plan == nil {
		e.Warnings = append(e.Warnings, "this is no recording of an experiment")
		return e
	}
	c.plan = *t.trial.plan
	e.Plan = c.plan
	for _, s := range c.plan.Sites {
		e.Sites = append(e.Sites, s.Name)
	}
	c.gather()
	c.judgeGrowth()
	c.chooseMetric()
	c.same()
	c.arms()
	c.answers()
	c.interactions()
	c.recommend()
	c.metrics()
	c.blockAnswers()
	c.warn()
	c.say()
	return e
}

// gather cuts the cycles into the blocks that began.
func (c *experimenting) gather() {
	tally := c.t.trial
	for i, start := range tally.starts {
		if start.Block < 0 || start.Block >= len(c.plan.Blocks) {
			continue
		}
		end := len(tally.cycles)
		if i+1 < len(tally.starts) {
			end = tally.starts[i+1].first
		}
		b := trialBlock{PlannedBlock: c.plan.Blocks[start.Block], on: make([]bool, len(c.plan.Cleanups))}
		for _, on := range b.On {
			if on >= 0 && on < len(b.on) {
				b.on[on] = true
			}
		}
		for n := start.first; n < min(end, len(tally.cycles)); n++ {
			if tally.cycles[n].took > 0 {
				b.cycles = append(b.cycles, tally.cycles[n])
			}
		}
		c.blocks = append(c.blocks, b)
	}
}

// options are those of a trial of the plan, as far as that says.
func (p ExperimentPlan) options(of stats.TrialQuantity) stats.TrialOptions {
	o := stats.TrialOptions{Of: of, Fresh: p.Fresh, Wash: p.Wash, Scheme: stats.OneByOne, Open: p.Open}
	if o.Wash == 0 {
		o.Wash = -1
	}
	switch p.Scheme {
	case SchemeLeaveOneOut:
		o.Scheme = stats.LeaveOneOut
	case SchemeFactorial, SchemeFractional:
		o.Scheme = stats.Factorial
	}
	return o
}

// trialOf compares the arms by a value of each cycle.
func (c *experimenting) trialOf(o stats.TrialOptions, value func(trialCycle) float64) stats.Trial {
	blocks := make([]stats.TrialBlock, len(c.blocks))
	for i, b := range c.blocks {
		blocks[i] = stats.TrialBlock{On: b.on, Replicate: b.Replicate, Again: b.Again}
		for _, cycle := range b.cycles {
			v := value(cycle)
			if cycle.lost {
				v = notANumber
			}
			blocks[i].Values = append(blocks[i].Values, v)
		}
	}
	return stats.AnalyseTrial(blocks, o)
}

// kind is the effect that answers what a cleanup does, in the scheme of the plan.
func (c *experimenting) kind() stats.TrialKind {
	switch c.plan.Scheme {
	case SchemeLeaveOneOut:
		return stats.LeaveOneOutEffect
	case SchemeFactorial, SchemeFractional:
		return stats.MainEffect
	}
	return stats.SoloEffect
}

// practicalShare is the part of a growth of which less is of no practical use: a cleanup that gives it back is none
// that keeps memory flat.
const practicalShare = 0.25

// judgeGrowth compares the growth of each metric that could decide a verdict.
func (c *experimenting) judgeGrowth() {
	for _, s := range c.t.table.sorted() {
		row, _ := MetricOf(s.Metric)
		p := policyOf(s)
		if p.role != Primary || s.Group == ControlGroup {
			continue
		}
		values := c.t.table.values(s)
		o := c.plan.options(stats.Growth)
		o.Floor, o.Margin, o.Share = p.Floor, p.material, practicalShare
		trial := c.trialOf(o, func(cycle trialCycle) float64 {
			if cycle.number > len(values) {
				return notANumber
			}
			return values[cycle.number-1]
		})
		g := &growthTrial{series: s, row: row, policy: p, trial: trial}
		for i := range c.plan.Cleanups {
			g.saved = append(g.saved, c.effect(trial, i).negative())
		}
		base := c.baseline(trial)
		g.grows = base.Known && base.Value >= p.material && base.Lo > 0
		c.growth = append(c.growth, g)
	}
}

// effect is what a cleanup does, in the scheme of the plan: on less off.
func (c *experimenting) effect(t stats.Trial, cleanup int) Effect {
	e, ok := t.Effect(c.kind(), cleanup)
	if !ok {
		return Effect{P: notANumber, Adjusted: notANumber, Verdict: CannotTell}
	}
	return effectOf(e)
}

func effectOf(e stats.TrialEffect) Effect {
	return Effect{Estimate: estimate(e.Interval), P: e.P, Adjusted: e.Adjusted, Verdict: EffectVerdict(e.Verdict)}
}

// negative turns what is more with a cleanup into what is less.
func (e Effect) negative() Effect {
	e.Estimate = e.Estimate.negative()
	return e
}

func (e Estimate) negative() Estimate {
	if !e.Known {
		return e
	}
	return Estimate{Value: zero(-e.Value), Lo: zero(-e.Hi), Hi: zero(-e.Lo), Known: true}
}

// zero is v, or 0 for a negative zero.
func zero(v float64) float64 { return v + 0 }

// baseline is the growth without any cleanup.
func (c *experimenting) baseline(t stats.Trial) Estimate {
	for _, arm := range t.Arms {
		if !slices.Contains(arm.On, true) {
			return estimate(arm.Interval)
		}
	}
	return Estimate{}
}

// chooseMetric chooses the metric whose growth is the answer: the memory of Chrome where it grows, then
// the parts of it that are read more exactly, then disk, then counts.
func (c *experimenting) chooseMetric() {
	best := c.of(anonChrome)
	if best == nil || !best.grows {
		for _, kind := range []func(*growthTrial) bool{(*growthTrial).isMemory, (*growthTrial).isDisk, func(*growthTrial) bool { return true }} {
			if g := c.fastest(kind); g != nil {
				best = g
				break
			}
		}
	}
	if best == nil {
		return
	}
	c.e.Of, c.e.Unit, c.e.Margin = best.series, best.row.Unit, best.trial.Margin
	c.e.Baseline, c.e.SmallestVisible = c.baseline(best.trial), told(best.trial.SmallestVisible)
}

// fastest is the metric of a kind that grows, by the most margins per cycle.
func (c *experimenting) fastest(kind func(*growthTrial) bool) *growthTrial {
	var best *growthTrial
	most := 0.0
	for _, g := range c.growth {
		if !g.grows || !kind(g) {
			continue
		}
		if margins := c.baseline(g.trial).Value / g.policy.material; margins > most {
			best, most = g, margins
		}
	}
	return best
}

func (g *growthTrial) isMemory() bool { return g.row.Unit == Bytes && !g.isDisk() }

func (g *growthTrial) isDisk() bool {
	return strings.HasPrefix(g.series.Metric, "profile.") || strings.HasPrefix(g.series.Metric, "storage.")
}

func (c *experimenting) of(s Series) *growthTrial {
	for _, g := range c.growth {
		if g.series == s {
			return g
		}
	}
	return nil
}

// answer is the trial of the metric of the answer; nil where nothing was read.
func (c *experimenting) answer() *growthTrial { return c.of(c.e.Of) }

// same compares the blocks without any cleanup.
func (c *experimenting) same() {
	g := c.answer()
	if g == nil || g.trial.AA == nil {
		return
	}
	check := &SameCheck{Difference: effectOf(*g.trial.AA)}
	check.Differs = g.trial.Differs && check.Difference.Verdict != NoEffect // what does not matter there does not matter here
	check.Says = "blocks without any cleanup do not differ from each other, as it must be"
	if check.Differs {
		check.Says = "blocks without any cleanup differ from each other: something else than the cleanups moved memory"
	} else if !check.Difference.Known {
		check.Says = "too few blocks without any cleanup to compare them with each other"
	}
	c.e.Same = check
}

// arms tells what each set of cleanups came to.
func (c *experimenting) arms() {
	g := c.answer()
	if g == nil {
		return
	}
	for _, arm := range g.trial.Arms {
		a := ArmAnswer{On: c.names(arm.On), Blocks: arm.Blocks, Rate: estimate(arm.Interval), Flat: c.flat(arm.On)}
		for _, b := range c.blocks {
			if slices.Equal(b.on, arm.On) {
				a.Cycles += len(b.cycles)
			}
		}
		c.e.Arms = append(c.e.Arms, a)
	}
	slices.SortStableFunc(c.e.Arms, func(a, b ArmAnswer) int { return len(a.On) - len(b.On) })
}

func (c *experimenting) names(on []bool) []string {
	names := []string{}
	for i, is := range on {
		if is && i < len(c.plan.Cleanups) {
			names = append(names, c.plan.Cleanups[i].Name)
		}
	}
	return names
}

// flat says whether none of the metrics that grow without any cleanup, or else that of the answer, grows in an arm
// that was run.
func (c *experimenting) flat(on []bool) bool {
	known := false
	growing := c.growing()
	if len(growing) == 0 {
		growing = append(growing, c.answer())
	}
	for _, g := range growing {
		for _, arm := range g.trial.Arms {
			if !slices.Equal(arm.On, on) {
				continue
			}
			known = true
			if e := estimate(arm.Interval); !e.Known || !g.flatAt(e, c.baseline(g.trial)) {
				return false
			}
		}
	}
	return known
}

// flatAt says whether a growth is as good as none: below the margin, surely or, where the interval is
// wider than that, by a quarter of what grows without any cleanup.
func (g *growthTrial) flatAt(e, base Estimate) bool {
	return e.Value <= g.policy.material && e.Hi <= math.Max(g.policy.material, practicalShare*base.Value)
}
