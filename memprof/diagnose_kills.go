package memprof

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

const (
	// maxKills bounds the kills that are told one by one.
	maxKills = 20
	// riseWindow is how far back the last rise before a kill may reach.
	riseWindow = 5 * time.Second
)

// kills tells of what the kernel killed, which makes the verdict, and warns of other deaths.
func (g *diagnosing) kills() {
	k := &Kills{Kills: []Kill{}, Of: g.t.judged}
	cycles := map[int]bool{}
	for _, d := range g.t.deaths {
		if !d.byKernel() {
			continue
		}
		k.Times++
		cycles[d.Cycle] = true
		k.Of = max(k.Of, d.Cycle)
		if g.t.o.Detail && len(k.Kills) < maxKills {
			k.Kills = append(k.Kills, g.kill(d))
		}
	}
	g.otherDeaths()
	if k.Times == 0 {
		return
	}
	k.Cycles = len(cycles)
	switch {
	case g.t.plan != nil && g.t.plan.Limit > 0:
		k.Limit, k.LimitIs = g.t.plan.Limit, g.t.plan.LimitIs
	case g.t.manifest.Host.CgroupLimit > 0:
		k.Limit, k.LimitIs = float64(g.t.manifest.Host.CgroupLimit), "of the cgroup"
	}
	g.apart = g.d.Verdict
	g.d.Kills, g.d.Verdict, g.d.MoreCycles = k, Killed, 0
	g.d.Warnings = append(g.d.Warnings, g.d.Reasons...) // why the readings say nothing else
	g.d.Reasons = nil
}

// blame says where the first kill was, which comes before where else memory grows.
func (g *diagnosing) blame() {
	if g.d.Verdict != Killed || len(g.d.Kills.Kills) == 0 {
		return
	}
	first := g.d.Kills.Kills[0]
	g.d.Site, g.d.Template, g.d.Phase, g.d.Process, g.d.Origin = first.Site, "", first.kind(), first.Process, ""
	switch first.Shape { // of cycles that begin anew with each kill the judge cannot tell
	case Spiked:
		g.d.Shape, g.d.Profile = Spiked, "spike"
	case Linear:
		g.d.Shape, g.d.Profile = Linear, "leak"
	}
}

// kind is the kind of the phase in which it was, "" if that is unknown.
func (k Kill) kind() string {
	if len(k.Phases) == 0 {
		return ""
	}
	kind, _, _ := strings.Cut(k.Phases[0], " ")
	return kind
}

// otherDeaths warns of what died, but not by the kernel, or not while it was judged.
func (g *diagnosing) otherDeaths() {
	counts := map[string]int{}
	var order []string
	for _, d := range g.t.deaths {
		if d.byKernel() {
			continue
		}
		what := d.what() + ": " + d.Kind
		if d.Stage != "" && d.Stage != JudgedCycle {
			what += ", while the cause was looked for"
		}
		if counts[what]++; counts[what] == 1 {
			order = append(order, what)
		}
	}
	for _, what := range order {
		g.d.Warnings = append(g.d.Warnings, fmt.Sprintf("a process of Chrome died unasked (%d times): %s", counts[what], what))
	}
}

// what names what died.
func (d death) what() string {
	switch {
	case d.Main:
		return "Chrome's main process"
	case d.Site != "":
		return "the renderer of " + d.Site
	case len(d.Gone) > 0:
		return "the " + d.Gone[0].Process + " process"
	}
	return "a process"
}

// kill tells what led to one.
func (g *diagnosing) kill(d death) Kill {
	k := Kill{Cycle: d.Cycle, Site: d.Site, URL: d.URL, Process: "renderer"}
	if d.Main {
		k.Process = "browser"
	}
	if len(d.Gone) > 0 {
		k.Process, k.Bytes = d.Gone[0].Process, d.Gone[0].Bytes
	}
	if len(d.Held) > 0 {
		k.Holder, k.Held, k.By = d.Held[0].Process, d.Held[0].Bytes, map[string]float64{}
		for _, p := range d.Held {
			k.Total += p.Bytes
			k.By[p.Process] += p.Bytes
		}
	}
	seen := d.at
	if !d.Looked.IsZero() {
		seen = d.Looked
	}
	for _, p := range g.t.phases {
		label := strings.TrimSpace(string(p.Kind) + " " + p.Site)
		if !p.Start.After(seen) && !p.End.Before(seen) && !slices.Contains(k.Phases, label) {
			k.Phases = append(k.Phases, label)
		}
	}
	if k.Holder != "" {
		k.Velocity, k.Over = g.rise(Series{"process.anon", k.Holder}, seen)
	}
	k.Before, k.Shape = g.came(d.Cycle, k.Total-k.By[Worker])
	return k
}

// rise is how fast a series rose at last: from its lowest to its highest reading in the last seconds.
func (g *diagnosing) rise(s Series, until time.Time) (velocity, over float64) {
	low, high := math.Inf(1), math.Inf(-1)
	var lowAt, highAt time.Time
	for _, sample := range g.t.samples {
		value, ok := sample.Totals.Values[s]
		before := until.Sub(sample.Start)
		if !ok || before < -time.Second/10 || before > riseWindow {
			continue
		}
		if value <= low {
			low, lowAt, high = value, sample.Start, math.Inf(-1)
		}
		if value > high {
			high, highAt = value, sample.Start
		}
	}
	if over = highAt.Sub(lowAt).Seconds(); math.IsInf(high, 0) || over <= 0 || high <= low {
		return 0, 0
	}
	return (high - low) / over, over
}

// came says what Chrome held when a cycle began, and whether most of what it held at its end came in
// that cycle, or in those before it since memory was lowest.
func (g *diagnosing) came(cycle int, end float64) (before float64, shape Shape) {
	if cycle < 1 || cycle > len(g.t.cycles) || end <= 0 {
		return 0, ""
	}
	floor := math.Inf(1)
	for _, c := range g.t.cycles[:cycle] {
		value, ok := c.Before.At(anonChrome)
		if ok {
			floor, before = math.Min(floor, value), value
		} else {
			before = 0
		}
	}
	if before == 0 || end <= floor {
		return before, ""
	}
	if before-floor > (end-floor)/2 {
		return before, Linear
	}
	return before, Spiked
}

// killSays is the headline of a run in which the kernel killed something.
func (g *diagnosing) killSays() string {
	k := g.d.Kills
	says := fmt.Sprintf("The kernel killed processes of Chrome for want of memory, %s in %d of %d cycles.", times(k.Times), k.Cycles, k.Of)
	if len(k.Kills) == 0 {
		return says
	}
	first := k.Kills[0]
	what := "the " + first.Process + " process"
	if first.Site != "" {
		what = "the renderer of " + first.Site
	}
	says = fmt.Sprintf("The kernel killed %s for want of memory", what)
	if kind := first.kind(); kind != "" {
		says += " in " + kind
	}
	says += fmt.Sprintf(" (cycle %d)", first.Cycle)
	switch {
	case first.Held == 0:
	case first.Holder == first.Process:
		says += fmt.Sprintf(": it held %s", mb(first.Held))
	default:
		says += fmt.Sprintf(": the %s process held %s, and it %s", first.Holder, mb(first.Held), mb(first.Bytes))
	}
	if first.Held > 0 && k.Limit > 0 {
		says += fmt.Sprintf(" of %s", mb(k.Limit))
	}
	return says + fmt.Sprintf("; %s in %d of %d cycles.", times(k.Times), k.Cycles, k.Of)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// killAdvice says what to do about kills.
func (g *diagnosing) killAdvice() []string {
	list := []string{"give it more memory, or open fewer pages at once: limits.tabs in the site file, pool.tabs in the configuration"}
	if slices.ContainsFunc(g.d.Kills.Kills, func(k Kill) bool { return k.Shape == Linear }) {
		list = slices.Insert(list, 0, "memory grew from cycle to cycle: without --memory the same diagnosis says what grows, and why")
	}
	return list
}
