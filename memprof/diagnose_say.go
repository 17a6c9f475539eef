package memprof

import (
	"fmt"
	"math"
	"strings"

	"github.com/ebbworker/ebb/memprof/stats"
)

var notANumber = math.NaN()

// say puts the diagnosis into words.
func (g *diagnosing) say() {
	d := g.d
	where := ""
	if d.Site != "" {
		where = " in " + d.Site
	}
	switch d.Verdict {
	case Leak:
		d.Headline = fmt.Sprintf("Memory leaks%s: %s%s.", where, g.rateSays(), g.causeSays())
	case Growing:
		d.Headline = fmt.Sprintf("Memory grows%s, %s, but %d cycles do not tell a leak from a warm-up.", where, g.rateSays(), d.Judged)
	case Step:
		d.Headline = fmt.Sprintf("Memory stepped up once%s and then stayed%s.", where, g.causeSays())
	case Spike:
		d.Headline = g.spikeSays()
	case Stable:
		d.Headline = fmt.Sprintf("Memory is stable: no growth above %s a cycle (95 %%).", mb(d.NoGrowthAbove*MB))
	case Inconclusive:
		d.Headline = "Inconclusive: this run does not tell whether memory grows."
		g.shortEvidence()
	case Killed:
		d.Headline = g.killSays()
	case Invalid:
		d.Headline = "INVALID: " + strings.Join(d.Reasons, "; ") + "."
	}
	d.Advice = g.advice()
}

func (g *diagnosing) rateSays() string {
	r := g.d.Rate
	if r.Unit == Bytes {
		return fmt.Sprintf("%s a cycle of %s", mb(r.Value), nameOf(r.Metric))
	}
	return fmt.Sprintf("%.3g %s a cycle", r.Value, nameOf(r.Metric))
}

func (g *diagnosing) causeSays() string {
	d := g.d
	if d.Cause == CauseUnknown || d.Cause == "" || len(d.Causes) == 0 {
		return ""
	}
	says := ", " + string(d.Cause)
	if detail := d.Causes[0].Detail; detail != "" && len(detail) < 40 {
		says += " (" + detail + ")"
	}
	if !d.Certain {
		says += ", probably"
	}
	return says
}

func (g *diagnosing) spikeSays() string {
	d := g.d
	if len(d.Spikes) == 0 {
		return "Memory is stable from cycle to cycle, with spikes that were given back."
	}
	p := d.Spikes[0]
	says := fmt.Sprintf("Memory does not leak, it spikes: %s rose by %s", nameOf(p.Metric), mb(p.Height))
	if p.Phase != "" {
		says += " in " + p.Phase
	}
	says += fmt.Sprintf(" (cycle %d)", p.Cycle)
	if p.Velocity > 0 {
		says += fmt.Sprintf(" at %s a second", mb(p.Velocity))
	}
	return says + fmt.Sprintf(", and gave %.0f %% back.", 100*math.Min(1, p.Recovery))
}

// shortEvidence says what the run lacks.
func (g *diagnosing) shortEvidence() {
	d := g.d
	for _, m := range g.deciding() {
		if len(d.Reasons) == 4 {
			return
		}
		d.Reasons = append(d.Reasons, fmt.Sprintf("%s: %s", m.series, m.evidence()))
	}
}

// advice says what to do next, the most useful first.
func (g *diagnosing) advice() []string {
	d := g.d
	var list []string
	switch {
	case d.Verdict == Invalid:
		list = append(list, "run it again on a quieter machine; --no-control leaves the control out")
	case d.Verdict == Killed:
		list = append(list, g.killAdvice()...)
	case d.MoreCycles > 0:
		list = append(list, fmt.Sprintf("run at least %d cycles: ebb diagnose --cycles %d, or --extend", d.Judged+d.MoreCycles, d.Judged+d.MoreCycles))
	}
	if d.Verdict != Leak && d.Verdict != Growing {
		return list
	}
	for _, r := range d.Recreate {
		if r.Helps == HelpsFully {
			way := map[string]string{
				RecreatePages:    "isolation: page or context in the site file closes pages by itself",
				RecreateContexts: "isolation: context disposes of the browser context after each run",
				RecreateBrowser:  "pool.pages_per_browser replaces the browser after so many pages",
			}[r.Name]
			if way == "" {
				continue // dropping the console's messages is no setting
			}
			list = append(list, "until it is mended: "+way)
			break
		}
	}
	if d.Cause == CausePagesOpen {
		list = append(list, "`ebb run` closes windows that pages open; what leaves pages open otherwise is the place to look")
	}
	return list
}

// evidence says in words why the metric has its verdict.
func (m *judged) evidence() string {
	j := m.j
	if j.Used == 0 {
		return "no cycle could be used"
	}
	rate := fmt.Sprintf("%s a cycle", m.amount(j.Rate.Value))
	if !j.Rate.Open() {
		rate += fmt.Sprintf(" [%s, %s]", m.amount(j.Rate.Lo), m.amount(j.Rate.Hi))
	}
	switch m.verdict {
	case Leak:
		return fmt.Sprintf("%s over %d cycles, %s; probability of less than %s a cycle: %.2g", rate, j.Used, m.shape, m.amount(m.policy.Delta), j.P)
	case Growing:
		if j.Shape == stats.SaturatingShape {
			return rate + ", ever slower: a warm-up or a cache that fills is not ruled out"
		}
		return rate + fmt.Sprintf(" over %d cycles: leak or warm-up is not decided", j.Used)
	case Step:
		return fmt.Sprintf("one step of %s at cycle %d", m.amount(j.Step.Height), j.Step.Cycle+1)
	case Stable:
		says := fmt.Sprintf("no growth above %s a cycle (95 %%)", m.amount(j.NoGrowthAbove))
		if j.Plateaued || m.shape == Saturating {
			says += ", after a warm-up"
		}
		if j.Sawtooth {
			says += ", a sawtooth"
		}
		return says
	}
	says := rate + ": undecided"
	if j.CyclesNeeded > 0 {
		says += fmt.Sprintf("; about %d more cycles would decide", j.CyclesNeeded)
	}
	return says
}

// amount writes a value in the metric's unit.
func (m *judged) amount(v float64) string {
	if m.row.Unit == Bytes {
		return mb(v)
	}
	return fmt.Sprintf("%.4g", v)
}

// nameOf says a series in words: whose memory it is, or by the label of its metric.
func nameOf(s Series) string {
	switch {
	case s == anonChrome:
		return "Chrome's memory"
	case s.Metric == "process.anon":
		return "the " + s.Group + "'s memory"
	case s.Metric == "target.count":
		return "open " + strings.ReplaceAll(s.Group, "_", " ") + "s"
	}
	row, _ := MetricOf(s.Metric)
	switch {
	case row.Label == "":
		return s.String()
	case s.Group == "":
		return row.Label
	}
	return row.Label + " (" + s.Group + ")"
}
