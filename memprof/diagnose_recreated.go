package memprof

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// leastReturned is the least process memory, in bytes, whose return can be told from a browser's
// own movement; of other metrics, that is ten times what matters per cycle.
const leastReturned = 4e6

// recreated says what doing away with pages, contexts and the browser gives back: of the headline
// metric, or of the first that also grows and of which more ways tell. Looking for the cause moves the
// memory of processes, but neither heaps nor counts.
func (g *diagnosing) recreated() []Returned {
	if len(g.t.recreate) == 0 || len(g.t.cycles) < 2 {
		return nil
	}
	var best []Returned
	most := -1
	all := g.recreatable()
	for _, m := range all {
		list := g.recreatedOf(m)
		told := 0
		for _, r := range list {
			if r.Helps != HelpsUntold {
				told++
			}
		}
		if list != nil && told > most && (most <= 0 || m.standsFor(all[0])) {
			best, most = list, told
		}
	}
	return best
}

// recreatable are the metrics that may tell: that of the headline, and the others that grow, as ranked.
// What this program holds itself is none: what is done away with is Chrome's.
func (g *diagnosing) recreatable() []*judged {
	own := func(s Series) bool { return s.Group == Worker || strings.HasPrefix(s.Metric, "go.") }
	head := g.by[g.d.Of]
	if own(g.d.Of) {
		head = g.by[anonChrome]
	}
	if head == nil {
		return nil
	}
	all := []*judged{head}
	for _, v := range g.d.Metrics {
		if m := g.by[v.Series()]; m != head && m.policy.role == Primary && g.counts(m) && !own(m.series) {
			all = append(all, m)
		}
	}
	return all
}

// standsFor says that a metric is of the same sort as another, and at least half of its growth.
func (m *judged) standsFor(other *judged) bool {
	return m.row.Unit == other.row.Unit && isDisk(m) == isDisk(other) && m.pace().Value >= other.pace().Value/2
}

// recreatedOf is recreated of one metric; nil where it was not read.
func (g *diagnosing) recreatedOf(m *judged) []Returned {
	l, ok := g.levels(m)
	if !ok {
		return nil
	}
	least := leastReturned
	if m.series.Metric != "process.anon" {
		least = 10 * m.policy.Delta
	}
	var list []Returned
	for _, c := range g.t.recreate {
		r := Returned{Name: strings.TrimPrefix(c.Name, RecreateCycle+" "), Metric: m.series, Grown: l.grown, Took: c.Duration}
		if level, ok := c.After.At(m.series); ok {
			lo, hi := l.back(r.Name, level)
			r.Bytes = Estimate{Value: (lo + hi) / 2, Lo: lo, Hi: hi, Known: true}
		}
		r.rate(least)
		hidden := r.Helps != HelpsUntold && r.class(r.Bytes.Lo) != r.class(r.Bytes.Hi)
		if hidden {
			r.Helps, r.Share = HelpsUntold, 0
		}
		r.Says = r.recreatedSays(m, hidden)
		list = append(list, r)
	}
	return list
}

// levels are what a metric held before anything was done away with.
type levels struct {
	// base is what it held before the first cycle, when there were no pages, and before what it held at
	// the end.
	base, before float64
	// grown is by how much it has grown since the first cycle.
	grown float64
	// held is what looking for the cause has left behind; less than 0 where it gave something back.
	held float64
}

// levels reads them. In the cycles in which the cause was looked for a metric grows as in those
// that were judged; what it moved there beyond that comes of the looking.
func (g *diagnosing) levels(m *judged) (l levels, ok bool) {
	first, last := g.t.cycles[0], g.t.cycles[len(g.t.cycles)-1]
	base, okBase := first.Before.At(m.series)
	begun, okBegun := first.After.At(m.series)
	end, okEnd := last.After.At(m.series)
	before, okBefore := g.t.recreate[0].Before.At(m.series)
	if !okBase || !okBegun || !okEnd || !okBefore {
		return levels{}, false
	}
	looked := len(g.t.evidence)
	end += float64(looked) * estimate(m.pace()).Value
	l = levels{base: base, before: before, grown: end - begun}
	if looked > 0 {
		l.held = before - end
	}
	return l, true
}

// back bounds what one way gave back, by the level after it. How much of what looking for the cause has
// left behind went with it is not known; only the browser's end is the end of all of it.
func (l levels) back(way string, level float64) (lo, hi float64) {
	back := func(level float64) float64 {
		return math.Max(0, l.grown-math.Max(0, level-l.base)) // more than had grown is the browser's own movement
	}
	switch way {
	case RecreateConsole: // the pages are still open
		given := math.Max(0, l.before-level)
		return given, given
	case RecreateBrowser:
		return back(level), back(level)
	}
	with, without := back(level), back(level-l.held)
	return math.Min(with, without), math.Max(with, without)
}

// recreatedSays says it in words, or why it cannot be told.
func (r *Returned) recreatedSays(m *judged, hidden bool) string {
	switch {
	case hidden:
		return "what looking for the cause left behind hides it"
	case !r.Bytes.Known:
		return "it was not read afterwards"
	case r.Helps == HelpsUntold && r.Grown <= 0:
		return "nothing had grown that could be given back"
	case r.Helps == HelpsUntold:
		return fmt.Sprintf("only %s had grown, too little to tell what gives it back", m.amount(r.Grown))
	}
	doing := map[string]string{
		RecreateConsole:  "dropping the messages of consoles",
		RecreatePages:    "closing every page",
		RecreateContexts: "disposing of every browser context",
		RecreateBrowser:  "restarting the browser",
	}[r.Name]
	back := m.amount(r.Bytes.Lo)
	if r.Bytes.Lo != r.Bytes.Hi {
		back += " to " + m.amount(r.Bytes.Hi)
	}
	return fmt.Sprintf("%s gives back %s of the %s that had grown, in %s", doing, back, m.amount(r.Grown), r.Took.Round(time.Millisecond))
}
