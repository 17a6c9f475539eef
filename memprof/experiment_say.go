package memprof

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof/stats"
)

// metrics lists those that grow in some arm, or on which some cleanup has an effect.
func (c *experimenting) metrics() {
	for _, g := range c.ranked() {
		found := slices.ContainsFunc(g.saved, func(e Effect) bool { return e.Verdict == Helps || e.Verdict == Harms })
		if !g.grows && !found && g.series != c.e.Of {
			continue
		}
		c.e.Metrics = append(c.e.Metrics, MetricEffects{
			Series: g.series, Unit: g.row.Unit, Grows: g.grows, Baseline: c.baseline(g.trial), Saved: g.saved, Margin: g.trial.Margin,
		})
	}
}

// blockAnswers tells the blocks as they ran.
func (c *experimenting) blockAnswers() {
	values := c.t.table.values(c.e.Of)
	for _, b := range c.blocks {
		answer := BlockAnswer{Replicate: b.Replicate, On: c.names(b.on), Again: b.Again, Cycles: []ExperimentCycle{}}
		var slope []float64
		for n, cycle := range b.cycles {
			row := ExperimentCycle{
				Cycle: cycle.number, Value: notANumber, Memory: cycle.memory, Level: cycle.level, Peak: cycle.peak,
				Took: cycle.took, Fetched: cycle.fetched, Failed: cycle.failed, Wash: n < c.plan.Wash,
			}
			if cycle.number <= len(values) && !cycle.lost {
				row.Value = values[cycle.number-1]
			}
			if n >= c.plan.Wash-1 {
				slope = append(slope, row.Value)
			}
			answer.Cycles = append(answer.Cycles, row)
		}
		answer.Rate, answer.Dropped = blockRate(slope)
		c.e.Blocks = append(c.e.Blocks, answer)
	}
}

// blockRate is the least-squares slope of a block, or why it has none.
func blockRate(values []float64) (rate Estimate, dropped string) {
	x, count := make([]float64, len(values)), 0
	for i, v := range values {
		x[i] = float64(i)
		if !math.IsNaN(v) {
			count++
		}
	}
	if count < 2 {
		return Estimate{}, "fewer than two of its cycles count"
	}
	line := stats.OLS(x, values)
	return Estimate{Value: line.Slope, Lo: line.Slope, Hi: line.Slope, Known: true}, ""
}

// notesOf is what else a person should know of a cleanup that ran in so many cycles.
func notesOf(planned PlannedCleanup, did CleanupReport, cycles int) []string {
	var notes []string
	switch {
	case cycles == 0:
		return nil
	case did.Times == 0:
		notes = append(notes, "it was never due in its blocks: it is done after "+planned.When)
	case did.Errors > 0:
		notes = append(notes, fmt.Sprintf("failed %d of %d times: %s", did.Errors, did.Times, did.Error))
	case did.Skipped == did.Times:
		notes = append(notes, "does nothing here: "+did.SkippedWhy)
	case did.Verified+did.Skipped+did.Errors < did.Times:
		notes = append(notes, fmt.Sprintf("its own check did not confirm it %d of %d times: %s", did.Times-did.Verified-did.Skipped-did.Errors, did.Times, did.Says))
	}
	if planned.Warning != "" {
		notes = append(notes, planned.Warning)
	}
	return notes
}

// warn tells what makes the outcome less sure.
func (c *experimenting) warn() {
	e := c.e
	if e.Same != nil && e.Same.Differs {
		e.Warnings = append(e.Warnings, e.Same.Says)
	}
	lost, failed := 0, 0
	for _, b := range c.blocks {
		for _, cycle := range b.cycles {
			failed += cycle.failed
			if cycle.lost {
				lost++
			}
		}
	}
	if lost > 0 {
		e.Warnings = append(e.Warnings, fmt.Sprintf("%d cycles came to nothing, since a run failed or visited no page; they are left out", lost))
	}
	if failed > 0 {
		e.Warnings = append(e.Warnings, fmt.Sprintf("%d pages failed", failed))
	}
	if short := len(c.plan.Blocks) - len(c.blocks); short > 0 && e.Stopped == "" {
		e.Warnings = append(e.Warnings, fmt.Sprintf("%d of %d blocks were not run", short, len(c.plan.Blocks)))
	}
	if c.t.cut {
		e.Warnings = append(e.Warnings, "the recording is cut off: the process that wrote it was killed")
	}
	if g := c.answer(); g != nil {
		e.Warnings = append(e.Warnings, g.trial.Notes...)
	}
	e.NotMeasured = append(e.NotMeasured, c.t.missing...)
}

// say puts the outcome into words.
func (c *experimenting) say() {
	for i := range c.e.Answers {
		c.e.Answers[i].Says = c.answerSays(c.e.Answers[i])
	}
	c.e.Recommended.Says = c.recommendedSays()
	c.e.Headline = c.headline()
	c.e.Advice = c.experimentAdvice()
}

// amount writes a value of a series per cycle.
func amount(s Series, v float64) string {
	if row, _ := MetricOf(s.Metric); row.Unit == Bytes {
		return mb(v)
	}
	return fmt.Sprintf("%.3g", v)
}

func (c *experimenting) answerSays(a CleanupAnswer) string {
	g := c.of(a.On)
	if g == nil {
		return "nothing was read that could tell"
	}
	saved := unknownEffect()
	for i, planned := range c.plan.Cleanups {
		if planned.Name == a.Name {
			saved = g.saved[i]
		}
	}
	name := nameOf(a.On)
	switch a.Verdict {
	case Helps:
		return fmt.Sprintf("%s grows by %s less a cycle", name, amount(a.On, saved.Value))
	case Harms:
		return fmt.Sprintf("%s grows by %s more a cycle", name, amount(a.On, -saved.Value))
	case NoEffect:
		if len(c.growing()) == 0 && c.still() {
			return "nothing grows that it could save"
		}
		return fmt.Sprintf("it changes the growth of what grows by less than %s a cycle", amount(c.e.Of, c.e.Margin))
	}
	if c.e.Same != nil && c.e.Same.Differs {
		return c.e.Same.Says
	}
	if a.MoreCycles > 0 {
		return fmt.Sprintf("needs about %d more cycles", a.MoreCycles)
	}
	return "the interval is too wide"
}

func (c *experimenting) recommendedSays() string {
	r := c.e.Recommended
	names := joined(r.Cleanups, ", ")
	switch {
	case len(c.blocks) == 0:
		return "no block was run"
	case c.e.Same != nil && c.e.Same.Differs:
		return "none: " + c.e.Same.Says
	case len(c.growing()) == 0 && !c.still():
		return "whether memory grows without them cannot be told yet"
	case len(c.growing()) == 0:
		return "none is needed: nothing grows without them"
	case r.Flat && r.Measured:
		return names + ": measured, memory is flat with it"
	case r.Flat:
		return names + ": each was measured, all together are predicted to keep memory flat; `ebb diagnose` with them tells"
	case len(r.Cleanups) > 0:
		return "none of these keeps memory flat; " + names + " saves, but not all"
	}
	return "none of these is shown to help"
}

func (c *experimenting) headline() string {
	e := c.e
	growing := c.growing()
	switch {
	case len(c.blocks) == 0:
		return "No block was run: there is nothing to compare."
	case e.Same != nil && e.Same.Differs:
		return "NOT TO BE TRUSTED: " + e.Same.Says + "."
	case len(growing) == 0 && !c.still():
		return c.unsureSays()
	case len(growing) == 0:
		return "Nothing grows without a cleanup: none is needed."
	}
	base := fmt.Sprintf("%s grows by %s a cycle without a cleanup", strings.ToUpper(nameOf(e.Of)[:1])+nameOf(e.Of)[1:], amount(e.Of, e.Baseline.Value))
	r := e.Recommended
	switch {
	case r.Flat && len(r.Cleanups) == 1:
		return fmt.Sprintf("%s; %s keeps it flat, for %.3g ms a cycle.", base, r.Cleanups[0], r.CostMs)
	case r.Flat:
		return fmt.Sprintf("%s; %s together keep it flat, for %.3g ms a cycle.", base, joined(r.Cleanups, " and "), r.CostMs)
	case len(r.Cleanups) > 0:
		return fmt.Sprintf("%s; %s, but nothing here keeps it flat.", base, plural(r.Cleanups, "helps", "help"))
	}
	if e.MoreCycles > 0 {
		return fmt.Sprintf("%s; what the cleanups do about it cannot be told yet: about %d more cycles are needed.", base, e.MoreCycles)
	}
	return base + "; none of these cleanups is shown to help."
}

// unsureSays tells what is known of the growth without any cleanup where that is neither shown nor ruled out.
func (c *experimenting) unsureSays() string {
	e := c.e
	text := "Whether memory grows without a cleanup cannot be told yet"
	if !e.Baseline.Known {
		return text + ": too few blocks were run without any."
	}
	if e.Baseline.Hi <= c.margin() {
		return text + "."
	}
	return fmt.Sprintf("%s: %s by up to %s a cycle is not ruled out, and %s is what matters.", text, nameOf(e.Of), amount(e.Of, e.Baseline.Hi), amount(e.Of, c.margin()))
}

func (c *experimenting) experimentAdvice() []string {
	var advice []string
	if r := c.e.Recommended; len(r.Rules) > 0 && len(c.growing()) > 0 {
		advice = append(advice, "write it into the site file: `ebb experiment ... --write-config FILE`, or by hand: cleanup: {"+strings.ReplaceAll(strings.Join(r.Rules, ", "), "=", ": ")+"}")
		advice = append(advice, "then check it: `ebb diagnose` with the same sites")
	}
	if len(c.blocks) > 0 && len(c.growing()) == 0 && !c.still() && c.e.MoreCycles == 0 {
		advice = append(advice, "run it longer: more `--cycles`, or `--until-certain`")
	}
	if c.e.MoreCycles > 0 {
		advice = append(advice, fmt.Sprintf("run it longer: `--cycles %d`, or `--until-certain`", c.e.MoreCycles+c.t.judged))
	}
	return advice
}

func interactionSays(in Interaction) string {
	pair := joined(in.Of, " or ")
	if in.Less.Value > 0 {
		return pair + ": together they save less than the sum of each: one does what the other does"
	}
	return pair + ": together they save more than the sum of each"
}

func joined(names []string, with string) string { return strings.Join(names, with) }

// plural joins names with a verb.
func plural(names []string, one, many string) string {
	if len(names) == 1 {
		return names[0] + " " + one
	}
	return joined(names, " and ") + " " + many
}
