package memprof

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof/stats"
)

// shares divides the growth of the headline metric between the kinds of phases and the sites.
func (g *diagnosing) shares() {
	d := g.d
	kinds := g.divide(func(delta *Delta) string { return kindsOf(delta.Phases) })
	d.Phases = g.rates(kinds)
	sites := g.divide(func(delta *Delta) string { return siteOf(delta.Phases) })
	delete(sites, "")
	if len(d.Sites) > 1 || len(sites) > 1 {
		d.BySite = g.rates(sites)
	}
	if d.Verdict != Leak && d.Verdict != Growing && d.Verdict != Step {
		return
	}
	d.Phase = leading(d.Phases)
	switch {
	case len(d.Sites) == 1:
		d.Site = d.Sites[0]
	default:
		d.Site = leading(d.BySite)
	}
	d.Template = g.template(d.Site)
	for i := range d.Causes {
		d.Causes[i].Site = d.Site
	}
	switch {
	case d.Of.Metric == "process.anon" && d.Of.Group != Chrome:
		d.Process = d.Of.Group
	case d.Process == "":
		d.Process = g.process()
	}
}

// template names the template of a site that has one only.
func (g *diagnosing) template(site string) string {
	if g.t.plan == nil {
		return ""
	}
	for _, s := range g.t.plan.Sites {
		if s.Name == site && len(s.Templates) == 1 {
			return s.Templates[0]
		}
	}
	return ""
}

// process names the process type that grows most.
func (g *diagnosing) process() string {
	best, most := "", 0.0
	for _, m := range g.all {
		if m.series.Metric == "process.anon" && m.series.Group != Chrome && (m.verdict == Leak || m.verdict == Growing) && m.j.Rate.Value > most {
			best, most = m.series.Group, m.j.Rate.Value
		}
	}
	if best == "" && (strings.HasPrefix(g.d.Of.Metric, "heap.") || strings.HasPrefix(g.d.Of.Metric, "perf.")) {
		return "renderer"
	}
	if best == "" && strings.HasPrefix(g.d.Of.Metric, "go.") {
		return Worker
	}
	return best
}

// divide adds up, for each cycle, the changes of the headline metric by a name that is made of
// the phases in which they happened.
func (g *diagnosing) divide(name func(*Delta) string) map[string][]float64 {
	parts := map[string][]float64{}
	for i, c := range g.t.cycles {
		if _, ok := c.Change(g.d.Of); !ok {
			continue
		}
		for _, delta := range c.Deltas {
			key := name(delta)
			if parts[key] == nil {
				parts[key] = make([]float64, len(g.t.cycles))
			}
			parts[key][i] += delta.Values[g.d.Of]
		}
	}
	for i, c := range g.t.cycles { // a cycle whose ends are not both known is a gap
		if _, ok := c.Change(g.d.Of); !ok {
			for _, values := range parts {
				values[i] = math.NaN()
			}
		}
	}
	return parts
}

func (g *diagnosing) rates(parts map[string][]float64) []Share {
	list := []Share{}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		e := estimate(stats.MeanRate(parts[name]))
		share := Share{Name: name, Rate: e, Grows: e.Known && e.Lo > 0}
		if name == "" {
			share.Name = "between phases"
		}
		list = append(list, share)
	}
	slices.SortStableFunc(list, func(a, b Share) int { return cmp.Compare(b.Rate.Value, a.Rate.Value) })
	return list
}

// leading is the part that grows most; with others of a like size that cannot be told from it, all of
// them. Growth in jumps has a wide interval: then the part is named that holds most of all that rose.
func leading(parts []Share) string {
	if len(parts) == 0 {
		return ""
	}
	first, rose := parts[0], 0.0
	for _, p := range parts {
		rose += max(p.Rate.Value, 0)
	}
	if !first.Grows {
		if first.Rate.Value > 0.6*rose {
			return first.Name
		}
		return ""
	}
	names := []string{first.Name}
	for _, p := range parts[1:] {
		if p.Grows && p.Rate.Value > 0.5*first.Rate.Value {
			names = append(names, p.Name)
		}
	}
	return strings.Join(names, ", ")
}

// kindsOf names the kinds of the phases that ran together: "scrape", "cleanup + scrape".
func kindsOf(phases []string) string {
	var kinds []string
	for _, p := range phases {
		kind, _, _ := strings.Cut(p, " ")
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return strings.Join(slices.Compact(kinds), " + ")
}

// siteOf names the sites of the phases that ran together.
func siteOf(phases []string) string {
	var sites []string
	for _, p := range phases {
		if _, site, ok := strings.Cut(p, " "); ok {
			sites = append(sites, site)
		}
	}
	slices.Sort(sites)
	return strings.Join(slices.Compact(sites), " + ")
}
