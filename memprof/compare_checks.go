package memprof

import (
	"fmt"
	"math"
	"strings"
)

// checkTitles are the checks in words: the checklist by which a fix is verified.
var checkTitles = map[CheckName]string{
	CheckGrowth:    "growth rate reduced",
	CheckNewLeak:   "no new leaks",
	CheckSpeed:     "speed not hurt",
	CheckCycles:    "holds over 20+ cycles",
	CheckProfiling: "profiling can be off",
}

// CheckNames are all checks, in their order.
var CheckNames = []CheckName{CheckGrowth, CheckNewLeak, CheckSpeed, CheckCycles, CheckProfiling}

// checks answers the checklist. Of a recording whose control failed nothing can be told.
func (c *comparing) checks() {
	answers := map[CheckName]func() Check{
		CheckGrowth: c.growth, CheckNewLeak: c.newLeak, CheckSpeed: c.speed, CheckCycles: c.cyclesHold, CheckProfiling: c.profiling,
	}
	why := c.invalidity()
	for _, name := range CheckNames {
		check := cannotTell("%s", why)
		if why == "" {
			check = answers[name]()
		}
		if check.State == CheckFail && c.before.sameAs(c.after) {
			check.State, check.Says = CheckCannotTell, "both are the same recording, which checks no fix: "+check.Says
		}
		check.Name, check.Title = name, checkTitles[name]
		if check.Figures == nil {
			check.Figures = []CheckFigure{}
		}
		c.out.Checks = append(c.out.Checks, check)
	}
}

// invalidity says why nothing can be told; "" where something can.
func (c *comparing) invalidity() string {
	var parts []string
	if why, ok := c.before.valid(); !ok {
		parts = append(parts, "before is no measurement: "+why)
	}
	if why, ok := c.after.valid(); !ok {
		parts = append(parts, "after is no measurement: "+why)
	}
	return strings.Join(parts, "; ")
}

func passes(format string, args ...any) Check {
	return Check{State: CheckPass, Says: fmt.Sprintf(format, args...)}
}

func fails(format string, args ...any) Check {
	return Check{State: CheckFail, Says: fmt.Sprintf(format, args...)}
}

func cannotTell(format string, args ...any) Check {
	return Check{State: CheckCannotTell, Says: fmt.Sprintf(format, args...)}
}

// growth checks that the growth of the metric that grew most before is reduced.
func (c *comparing) growth() Check {
	d := c.before.d
	r, ok := c.rateOf(d.Rate.Metric)
	if !ok {
		return cannotTell("%s was not read in both", nameOf(d.Rate.Metric))
	}
	check := c.growthOf(r)
	check.Figures = []CheckFigure{
		{"rate before", r.Unit, r.Before.Rate}, {"rate after", r.Unit, r.After.Rate}, {"difference", r.Unit, r.Difference},
	}
	return check
}

func (c *comparing) growthOf(r RateChange) Check {
	before, after := c.before.d.Verdict, c.after.d.Verdict
	switch {
	case leaks(before) || before == Inconclusive && (r.Verdict == Reduced || r.Verdict == Increased):
		return c.growthChanged(r)
	case before == Step:
		return cannotTell("memory stepped up once before, which is no rate that could be reduced")
	case before == Inconclusive:
		return cannotTell("before is undecided: it does not tell whether memory grew")
	case after == Killed:
		return fails("the kernel killed processes of Chrome for want of memory after")
	case after == Leak:
		return fails("nothing grew before, and now %s", c.after.growing())
	case after == Stable || after == Spike:
		return passes("neither grows")
	}
	return cannotTell("nothing grew before; after is %s", after)
}

// growthChanged tells how the growth of before changed.
func (c *comparing) growthChanged(r RateChange) Check {
	rates := fmt.Sprintf("%s: %s a cycle before, %s after", nameOf(r.Metric), rateAmount(r.Unit, r.Before.Rate.Value), rateAmount(r.Unit, r.After.Rate.Value))
	switch r.Verdict {
	case Reduced:
		if leaks(r.After.Verdict) {
			return passes("%s; it still grows", rates)
		}
		return passes("%s", rates)
	case Unchanged:
		return fails("%s: as before", rates)
	case Increased:
		return fails("%s: it grows faster", rates)
	}
	return cannotTell("%s: the difference is within what the two runs leave open", rates)
}

// growing says how the headline metric grows.
func (r *compared) growing() string {
	return fmt.Sprintf("%s grows by %s a cycle", nameOf(r.d.Rate.Metric), rateAmount(r.d.Rate.Unit, r.d.Rate.Value))
}

// rateAmount writes a rate in its unit. Of a count no more is written than is known of it.
func rateAmount(unit Unit, v float64) string {
	if unit == Bytes {
		return mb(v)
	}
	return fmt.Sprintf("%.3g", math.Round(v*1000)/1000)
}

// atMostSlower is what speed allows, in words.
var atMostSlower = fmt.Sprintf("%d %%", slower)

// speed checks that neither a cycle's work nor its scraping takes longer by more than 5 %. To pass, both
// must: that needs no correction for their number.
func (c *comparing) speed() Check {
	var check Check
	var says []string
	slowest, known, worse := 0., true, false
	for _, name := range []string{WorkingCycle, string(Scrape)} {
		x, ok := change(c.out.Durations, name)
		if !ok || !x.Percent.Known {
			known = false
			continue
		}
		says = append(says, fmt.Sprintf("%s %+.1f %% (%+.1f to %+.1f)", name, x.Percent.Value, x.Percent.Lo, x.Percent.Hi))
		slowest, worse = max(slowest, x.Percent.Hi), worse || x.Percent.Lo > slower
		check.Figures = append(check.Figures, CheckFigure{name, Percent, x.Percent})
	}
	figures := check.Figures
	measured := strings.Join(says, ", ")
	switch why := c.otherWork(); {
	case !known:
		check = cannotTell("too few cycles tell how long they took")
	case why != "":
		check = cannotTell("%s; %s", why, measured)
	case worse:
		check = fails("%s: slower by more than %s", measured, atMostSlower)
	case slowest <= slower:
		check = passes("%s", measured)
	default:
		check = cannotTell("%s: more than %s slower is not ruled out", measured, atMostSlower)
	}
	check.Figures = figures
	return check
}

// otherWork says why two speeds are not those of the same work on the same machine; "" where they are.
func (c *comparing) otherWork() string {
	for _, what := range []string{"processors", "kind of recording"} {
		if c.differs(what) {
			return what + " differ"
		}
	}
	if x, ok := change(c.out.Work, "pages"); ok && (x.Verdict == Reduced || x.Verdict == Increased) {
		return fmt.Sprintf("a cycle visited %.3g pages before and %.3g after", x.Before.Value, x.After.Value)
	}
	if x, ok := change(c.out.Work, "failed pages"); ok && x.Verdict == Increased {
		return fmt.Sprintf("%.2g pages of a cycle failed before, %.2g after", x.Before.Value, x.After.Value)
	}
	return ""
}
