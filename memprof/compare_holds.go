package memprof

import (
	"fmt"
	"strings"
	"time"
)

const (
	// heldCycles is over how many cycles a fix must hold.
	heldCycles = 20
	// heldPerDay is the growth in MB per day below which memory counts as flat.
	heldPerDay = 5
	// cheapShare is the share of time below which measuring is no burden to a worker: what speed allows.
	cheapShare = slower / 100.
)

// cyclesHold checks that memory is flat over 20 cycles or more, or grows by less than 5 MB a day where it
// is known how many cycles a day has.
func (c *comparing) cyclesHold() Check {
	d := c.after.d
	cycles := fmt.Sprintf("%d cycles", d.Judged)
	perDay, known := c.after.growthPerDay()
	var check Check
	switch flat := d.Verdict == Stable || d.Verdict == Spike; {
	case d.Verdict == Leak && known && perDay.Hi < heldPerDay && d.Judged >= heldCycles:
		check = passes("it leaks over %s, but by less than %d MB a day", cycles, heldPerDay)
	case d.Verdict == Leak:
		check = fails("over %s %s", cycles, c.after.growing())
	case d.Judged < heldCycles:
		check = cannotTell("after has only %s of at least %d", cycles, heldCycles)
	case flat:
		check = passes("over %s memory is flat: no growth above %s a cycle", cycles, mb(d.NoGrowthAbove*MB))
	case known && perDay.Hi < heldPerDay && d.Verdict == Growing:
		check = passes("it grows over %s, but by less than %d MB a day", cycles, heldPerDay)
	default:
		check = cannotTell("over %s it is %s", cycles, d.Verdict)
	}
	if known {
		check.Figures = []CheckFigure{{"growth per day", Bytes, perDay.times(MB)}}
	}
	return check
}

// growthPerDay is the growth in MB per day, where the sites' schedules say how many cycles that has.
func (r *compared) growthPerDay() (e Estimate, known bool) {
	rate := r.d.Rate
	if !r.scheduled() || rate.CyclesPerDay <= 0 {
		return e, false
	}
	return Estimate{Value: rate.MBPerDay, Lo: rate.LoPerDay, Hi: rate.HiPerDay, Known: true}, true
}

func (e Estimate) times(by float64) Estimate {
	return Estimate{Value: e.Value * by, Lo: e.Lo * by, Hi: e.Hi * by, Known: e.Known}
}

// profiling checks that the figures do not rest on being measured. A recording is always a measured run,
// so a diagnosis, which collects garbage by force, cannot tell; one of `ebb run` can, whose readings
// cost next to nothing.
func (c *comparing) profiling() Check {
	run := c.out.After
	cost := fmt.Sprintf("measuring took %s a cycle (%.1f %%)", run.Measuring.Round(time.Millisecond), 100*run.MeasuringShare)
	var check Check
	switch {
	case !run.Regular:
		check = cannotTell("after is a diagnosis: %s and %d forced collections; `ebb run` with memory.profile: off does none of it, but no such run is recorded here", cost, run.Collections)
	case run.MeasuringShare > cheapShare:
		check = cannotTell("%s, too much to say that the worker is the same without", cost)
	default:
		check = passes("in `ebb run` at %s %s, and nothing was collected by force", run.Profiling, cost)
	}
	check.Figures = []CheckFigure{{"share of time", Percent, exactly(100 * run.MeasuringShare)}}
	return check
}

// say puts the comparison into words.
func (c *comparing) say() {
	var failed, open []string
	for _, check := range c.out.Checks {
		switch check.State {
		case CheckFail:
			failed = append(failed, check.Title)
		case CheckCannotTell:
			open = append(open, check.Title)
		}
	}
	passed := len(c.out.Checks) - len(failed) - len(open)
	switch {
	case len(failed) > 0:
		c.out.Headline = "Not verified. It fails: " + strings.Join(failed, ", ") + "."
	case c.invalidity() != "":
		c.out.Headline = "Nothing can be told."
	case len(open) > 0:
		c.out.Headline = fmt.Sprintf("%d of %d checks pass, none fails. Cannot tell: %s.", passed, len(c.out.Checks), strings.Join(open, ", "))
	default:
		c.out.Headline = "Verified: all checks pass."
	}
	c.advise()
}

// advise says what would answer the checks that are open.
func (c *comparing) advise() {
	add := func(format string, args ...any) { c.out.Advice = append(c.out.Advice, fmt.Sprintf(format, args...)) }
	if c.invalidity() != "" {
		add("record anew what is no measurement: `ebb report` says of each recording what went wrong")
		return
	}
	if c.before.sameAs(c.after) {
		return
	}
	open := map[CheckName]bool{}
	for _, check := range c.out.Checks {
		open[check.Name] = check.State == CheckCannotTell
	}
	command, cycles := "ebb diagnose", max(c.before.d.Judged, c.after.d.Judged)
	if c.after.regular() {
		command = "ebb run"
	}
	if open[CheckGrowth] || open[CheckNewLeak] || open[CheckCycles] || open[CheckSpeed] {
		more := max(c.before.d.MoreCycles, c.after.d.MoreCycles)
		switch {
		case more > 0 || c.after.d.Judged < heldCycles:
			add("record both with more cycles: %s --cycles %d", command, max(30, cycles+more))
		default:
			add("record both again with twice as many cycles, on a quiet machine: %s --cycles %d", command, 2*cycles)
		}
	}
	if open[CheckProfiling] && !c.after.regular() {
		add("for profiling: ebb run --cycles 30 --profile=cheap with each version, and ebb compare of these two recordings")
	}
}
