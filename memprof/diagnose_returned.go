package memprof

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ebbworker/ebb/memprof/stats"
)

// leastReturned is the least process memory, in bytes, whose return can be told from a browser's
// own movement; of other metrics, that is ten times what matters per cycle.
const leastReturned = 4e6

// returned answers whether cleaning up gives memory back, and whether doing away with pages,
// contexts and the browser does.
func (g *diagnosing) returned() {
	g.d.Cleanup = g.cleanup()
	g.d.Recreate = g.recreated()
}

// cleanup compares what scraping takes with what cleaning up and settling give back, per cycle, in
// the anonymous memory of Chrome.
func (g *diagnosing) cleanup() *Returned {
	var taken, given []float64
	for _, c := range g.t.cycles {
		up, down := 0.0, 0.0
		if _, ok := c.Change(anonChrome); !ok {
			up, down = math.NaN(), math.NaN()
		}
		for _, delta := range c.Deltas {
			switch kindsOf(delta.Phases) {
			case string(Scrape):
				up += delta.Values[anonChrome]
			case string(Cleanup), string(Settle):
				down -= delta.Values[anonChrome]
			}
		}
		taken, given = append(taken, up), append(given, down)
	}
	if len(taken) == 0 {
		return nil
	}
	grown, back := estimate(stats.MeanRate(taken)), estimate(stats.MeanRate(given))
	r := &Returned{Name: string(Cleanup), Grown: grown.Value, Bytes: back}
	r.rate(2e6)
	keeps := 0.0
	if total := g.by[anonChrome]; total != nil {
		keeps = total.j.Rate.Value
	}
	switch r.Helps {
	case HelpsUntold:
		r.Says = fmt.Sprintf("scraping takes %s a cycle beyond what stays: there is nothing to give back", mb(grown.Value))
	default:
		r.Says = fmt.Sprintf("cleaning up gives back %s of the %s that a cycle's scraping takes; %s a cycle stay", mb(back.Value), mb(grown.Value), mb(keeps))
	}
	return r
}

// rate says whether what was returned helps.
func (r *Returned) rate(least float64) {
	if r.Grown != 0 {
		r.Share = math.Max(0, math.Min(1, r.Bytes.Value/r.Grown))
	}
	switch {
	case r.Grown < least || !r.Bytes.Known:
		r.Helps, r.Share = HelpsUntold, 0
	case r.Share >= 0.8:
		r.Helps = HelpsFully
	case r.Share >= 0.2:
		r.Helps = HelpsPartly
	default:
		r.Helps = HelpsNot
	}
}

// recreated compares the level after doing away with pages, contexts and the browser with the
// level before the first cycle, when there were none: what exceeds it is what was not given back.
func (g *diagnosing) recreated() []Returned {
	if len(g.t.recreate) == 0 || len(g.t.cycles) < 2 {
		return nil
	}
	metric, least := g.d.Of, leastReturned
	if strings.HasPrefix(metric.Metric, "go.") || metric.Group == Worker {
		metric = anonChrome // what is done away with is Chrome's
	}
	row, _ := MetricOf(metric.Metric)
	if metric.Metric != "process.anon" {
		least = 10 * policyOf(metric).Delta
	}
	first, last := g.t.cycles[0], g.t.cycles[len(g.t.cycles)-1]
	base, okBase := first.Before.At(metric)
	begun, okBegun := first.After.At(metric)
	end, okEnd := last.After.At(metric)
	if !okBase || !okBegun || !okEnd {
		return nil
	}
	more, held := g.afterwards(metric, end)
	end += more
	var list []Returned
	for _, c := range g.t.recreate {
		r := Returned{Name: strings.TrimPrefix(c.Name, RecreateCycle+" "), Grown: end - begun, Took: c.Duration}
		if level, ok := c.After.At(metric); ok {
			if r.Name != RecreateBrowser {
				level -= held // only that ends what looking for the cause has left
			}
			back := end - begun - math.Max(0, level-base)
			if r.Name == RecreateConsole { // the pages are still open
				back = end - level
			}
			back = math.Max(0, back) // more than had grown is the browser's own movement
			r.Bytes = Estimate{Value: back, Lo: back, Hi: back, Known: true}
		}
		r.rate(least)
		r.Says = r.recreatedSays(row.Unit)
		list = append(list, r)
	}
	return list
}

// afterwards tells what the cycles in which the cause was looked for added to a metric: by how much it
// grew in them, and what the looking itself holds besides.
func (g *diagnosing) afterwards(metric Series, end float64) (grown, held float64) {
	for _, c := range g.t.evidence {
		if change, ok := c.Change(metric); ok {
			grown += change
		}
	}
	if before, ok := g.t.recreate[0].Before.At(metric); ok && len(g.t.evidence) > 0 {
		held = before - end - grown
	}
	return grown, held
}

func (r *Returned) recreatedSays(unit Unit) string {
	doing := map[string]string{
		RecreateConsole:  "dropping the messages of consoles",
		RecreatePages:    "closing every page",
		RecreateContexts: "disposing of every browser context",
		RecreateBrowser:  "restarting the browser",
	}[r.Name]
	amount := func(v float64) string {
		if unit == Bytes {
			return mb(v)
		}
		return fmt.Sprintf("%.0f", v)
	}
	if r.Helps == HelpsUntold {
		return fmt.Sprintf("%s: only %s had grown, too little to tell (%s)", doing, amount(r.Grown), r.Took.Round(time.Millisecond))
	}
	return fmt.Sprintf("%s gives back %s of the %s that had grown, in %s", doing, amount(math.Max(0, r.Bytes.Value)), amount(r.Grown), r.Took.Round(time.Millisecond))
}

// mb writes bytes with the unit that suits them: a KB is a thousand bytes.
func mb(v float64) string {
	switch a := math.Abs(v); {
	case a < 9999.5:
		return fmt.Sprintf("%.0f bytes", v)
	case a < 99950:
		return fmt.Sprintf("%.1f KB", v/1e3)
	case a < 9.95e6:
		return fmt.Sprintf("%.2f MB", v/MB)
	}
	return fmt.Sprintf("%.1f MB", v/MB)
}
