package memprof

import (
	"slices"
	"time"
)

// stretch is a stretch of time.
type stretch struct{ from, to time.Time }

// working stands for launching, scraping and cleaning up together.
const working Kind = "working"

// phaseSeconds are, for each judged cycle, the seconds in which phases of a kind ran, each moment
// counted once, without those of forced collections and of readings at the boundaries of phases. Of a
// recording so long that its readings were thinned out, readings are not taken off.
func (t *Tally) phaseSeconds() []map[Kind]float64 {
	var measuring []stretch
	for _, c := range t.collects {
		measuring = append(measuring, stretch{c.at.Add(-c.report.Took), c.at})
	}
	if t.every <= 1 {
		for _, s := range t.samples {
			if !s.Totals.Tick {
				measuring = append(measuring, stretch{s.Start, s.Start.Add(s.Took)})
			}
		}
	}
	measuring = merged(measuring)
	list := make([]map[Kind]float64, len(t.cycles))
	for i, c := range t.cycles {
		by := map[Kind][]stretch{}
		for _, p := range c.Phases {
			one := stretch{p.Start, p.End}
			by[p.Kind] = append(by[p.Kind], one)
			if p.Kind != Settle && p.Kind != Idle {
				by[working] = append(by[working], one)
			}
		}
		list[i] = map[Kind]float64{}
		for kind, phases := range by {
			list[i][kind] = without(merged(phases), measuring).Seconds()
		}
	}
	return list
}

// merged joins stretches that overlap, in the order of time.
func merged(list []stretch) []stretch {
	slices.SortFunc(list, func(a, b stretch) int { return a.from.Compare(b.from) })
	var out []stretch
	for _, s := range list {
		if n := len(out); n > 0 && !s.from.After(out[n-1].to) {
			if s.to.After(out[n-1].to) {
				out[n-1].to = s.to
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// without is how long stretches last, less what of them lies within others. Both are joined.
func without(list, others []stretch) time.Duration {
	var sum time.Duration
	for _, s := range list {
		sum += s.to.Sub(s.from)
		i, _ := slices.BinarySearchFunc(others, s.from, func(o stretch, at time.Time) int { return o.to.Compare(at) })
		for ; i < len(others) && others[i].from.Before(s.to); i++ {
			from, to := others[i].from, others[i].to
			if from.Before(s.from) {
				from = s.from
			}
			if to.After(s.to) {
				to = s.to
			}
			sum -= max(0, to.Sub(from))
		}
	}
	return sum
}
