package memprof

import (
	"fmt"
	"math"

	"github.com/ebbworker/ebb/memprof/stats"
)

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
	r := &Returned{Name: string(Cleanup), Metric: anonChrome, Grown: grown.Value, Bytes: back}
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
	if r.Grown < least || !r.Bytes.Known {
		r.Helps, r.Share = HelpsUntold, 0
		return
	}
	r.Helps, r.Share = r.class(r.Bytes.Value), r.share(r.Bytes.Value)
}

// share is a part of what could be given back, from 0 to 1.
func (r *Returned) share(bytes float64) float64 {
	return math.Max(0, math.Min(1, bytes/r.Grown))
}

// class says whether it would help to have so much back.
func (r *Returned) class(bytes float64) string {
	switch share := r.share(bytes); {
	case share >= 0.8:
		return HelpsFully
	case share >= 0.2:
		return HelpsPartly
	}
	return HelpsNot
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
