package memprof

import (
	"cmp"
	"math"
	"slices"

	"github.com/ebbworker/ebb/memprof/stats"
)

// changeAlpha is the level at which a change is told from none, after the correction for the number of
// changes.
const changeAlpha = .05

// rates compares the growth of each primary metric that both recordings have. The few that are looked at
// first are corrected for their number by Holm's method, the others by Benjamini's and Hochberg's.
func (c *comparing) rates() {
	for _, s := range c.primary() {
		a, b := c.before.of(s), c.after.of(s)
		if a != nil && b != nil {
			c.out.Rates = append(c.out.Rates, c.rate(a, b))
		}
	}
	c.adjust(true, stats.Holm)
	c.adjust(false, stats.BenjaminiHochberg)
	order := map[ChangeVerdict]int{Increased: 0, Reduced: 1, Undecided: 2, Unchanged: 3}
	slices.SortStableFunc(c.out.Rates, func(a, b RateChange) int {
		if d := order[a.Verdict] - order[b.Verdict]; d != 0 {
			return d
		}
		return cmp.Compare(math.Abs(b.Difference.Value)/b.Margin, math.Abs(a.Difference.Value)/a.Margin)
	})
}

// primary are the primary series of either recording.
func (c *comparing) primary() []Series {
	var list []Series
	for _, r := range []*compared{c.before, c.after} {
		for _, m := range r.all {
			if m.policy.role == Primary {
				list = append(list, m.series)
			}
		}
	}
	slices.SortFunc(list, compareSeries)
	return slices.Compact(list)
}

// headlines are the series that are looked at first.
func (c *comparing) headlines() []Series {
	return []Series{c.before.d.Of, c.after.d.Of, anonChrome, {"process.anon", Worker}, {"heap.used", ""}}
}

func (c *comparing) rate(a, b *judged) RateChange {
	atEnd := a.quickens() || b.quickens()
	before, after := a.side(atEnd), b.side(atEnd)
	out := RateChange{
		Metric: a.series, Unit: a.row.Unit, Headline: slices.Contains(c.headlines(), a.series), Before: before, After: after,
		P: 1, Adjusted: 1, Verdict: Undecided, Margin: a.policy.material,
	}
	if before.Rate.Known && after.Rate.Known {
		d := stats.Difference(interval(before.Rate), interval(after.Rate), a.j.Used-2, b.j.Used-2)
		out.Difference, out.P = estimate(d.Interval), d.P
	}
	return out
}

// quickens says that growth is that of the end of the run.
func (m *judged) quickens() bool { return m.shape == Accelerating || m.shape == Onset }

func (m *judged) side(atEnd bool) RateSide {
	v := m.metricVerdict()
	side := RateSide{Verdict: v.Verdict, Shape: v.Shape, Rate: v.Rate, SmallestVisible: v.SmallestVisible, First: v.First, Last: v.Last, Values: v.Values}
	if atEnd {
		side.Rate = v.EndRate
	}
	if m.j.Used == 0 {
		side.Rate = Estimate{}
	}
	return side
}

func interval(e Estimate) stats.Interval { return stats.Interval{Value: e.Value, Lo: e.Lo, Hi: e.Hi} }

// adjust corrects the probabilities of one family for their number, and names each change.
func (c *comparing) adjust(headline bool, correct func([]float64) []float64) {
	var family []*RateChange
	var p []float64
	for i := range c.out.Rates {
		if r := &c.out.Rates[i]; r.Headline == headline {
			family, p = append(family, r), append(p, r.P)
		}
	}
	for i, adjusted := range correct(p) {
		r := family[i]
		r.Adjusted = adjusted
		r.Verdict = changeVerdict(r.Difference, adjusted, policyOf(r.Metric).Delta, r.Margin)
	}
}

// changeVerdict names a change: none where one of least is ruled out, or one of margin and none is shown.
func changeVerdict(d Estimate, adjusted, least, margin float64) ChangeVerdict {
	switch {
	case !d.Known:
		return Undecided
	case d.Lo > -least && d.Hi < least:
		return Unchanged
	case adjusted <= changeAlpha && d.Value < 0:
		return Reduced
	case adjusted <= changeAlpha:
		return Increased
	case d.Lo > -margin && d.Hi < margin:
		return Unchanged
	}
	return Undecided
}

// rateOf is the change of a series; ok is false for one that not both recordings have.
func (c *comparing) rateOf(s Series) (r RateChange, ok bool) {
	i := slices.IndexFunc(c.out.Rates, func(r RateChange) bool { return r.Metric == s })
	if i < 0 {
		return r, false
	}
	return c.out.Rates[i], true
}
