package memprof

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof/stats"
)

const (
	// spikeHeight is the least by which a cycle's peak exceeds its level to be worth the name, and
	// pageMemory what each open page is granted on top, in bytes: a page that is shown takes about
	// that much of its renderer and the GPU process and gives it back.
	spikeHeight = 64e6
	pageMemory  = 32e6
	// outlierHeight is the least by which one cycle's peak exceeds that of the others.
	outlierHeight = 24e6
	// maxDissected bounds how many spikes are taken apart.
	maxDissected = 5
)

// spikeSeries are the metrics in which spikes are looked for; openPages is the number of pages that
// explains a part of them.
var (
	spikeSeries = []Series{anonChrome, {"process.anon", Worker}, {"heap.used", ""}, {"heap.backing", ""}}
	openPages   = Series{"target.count", "page"}
)

// peak is the highest reading of one cycle above its level.
type peak struct {
	index       int // of the cycle
	metric      Series
	base, value float64
	excess      float64 // beyond what the open pages explain
}

func (p peak) height() float64 { return p.value - p.base }

// spikes finds cycles whose memory rose and was given back: every cycle alike, or single ones.
// They make the verdict where the level is stable.
func (g *diagnosing) spikes() {
	found := map[int]peak{}
	for _, s := range spikeSeries {
		for _, p := range outstanding(g.peaks(s)) {
			if had, ok := found[p.index]; !ok || p.height() > had.height() {
				found[p.index] = p
			}
		}
	}
	list := make([]peak, 0, len(found))
	for _, p := range found {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b peak) int {
		if c := cmp.Compare(b.height(), a.height()); c != 0 {
			return c
		}
		return a.index - b.index
	})
	g.dissect(list[:min(len(list), maxDissected)])
	g.d.Profile = "flat"
	switch {
	case g.d.Verdict == Leak || g.d.Verdict == Growing:
		g.d.Profile = "leak"
	case g.d.Verdict == Inconclusive && len(list) == 0:
		g.d.Profile = "unknown"
	case len(list) > 0:
		g.d.Profile = "spike"
	}
	if g.d.Verdict == Stable && slices.ContainsFunc(g.d.Spikes, func(p Peaked) bool { return p.Recovered }) {
		g.d.Verdict = Spike
	}
}

// peaks returns the peak of every cycle that knows where it began and ended.
func (g *diagnosing) peaks(s Series) []peak {
	var list []peak
	for i, c := range g.t.cycles {
		before, ok := c.Before.At(s)
		after, known := c.After.At(s)
		top, had := c.Peaks[s]
		if !ok || !known || !had {
			continue
		}
		base := math.Min(before, after)
		p := peak{index: i, metric: s, base: base, value: top.Value}
		pages := c.Peaks[openPages].Value
		open, _ := c.Before.At(openPages)
		p.excess = p.height() - spikeHeight
		if s == anonChrome {
			p.excess -= pageMemory * math.Max(0, pages-open)
		}
		list = append(list, p)
	}
	return list
}

// outstanding are the peaks that are spikes: those that exceed by far what the open pages explain,
// and single ones that exceed those of the other cycles.
func outstanding(peaks []peak) []peak {
	heights := make([]float64, len(peaks))
	for i, p := range peaks {
		heights[i] = p.height()
	}
	middle, spread := stats.MedianSpread(heights)
	return slices.DeleteFunc(peaks, func(p peak) bool {
		alone := len(peaks) >= 5 && p.index > 0 && // the first cycle opens what the others use again
			p.height() > middle+math.Max(outlierHeight, 6*spread) && p.height() > 1.5*middle
		return p.excess <= 0 && !alone
	})
}

// dissect takes spikes apart: which phase rose, how fast, what came back. Where one cycle does not
// tell phases apart that overlapped, all that spiked together may.
func (g *diagnosing) dissect(list []peak) {
	single := make([]stats.Trace, len(list))
	traces := map[Series][]stats.Trace{}
	for i, p := range list {
		single[i] = g.trace(p)
		traces[p.metric] = append(traces[p.metric], single[i])
	}
	together := map[Series]stats.Attribution{}
	for metric, all := range traces {
		together[metric] = stats.AttributeRise(all, mib)
	}
	for i, p := range list {
		t := single[i]
		a := stats.Dissect(t.Points, t.Phases, mib)
		spike := Peaked{
			Cycle: p.index + 1, Metric: p.metric, Baseline: a.Baseline, Peak: a.Peak, Height: a.Height,
			Phase: a.Trigger, Shares: a.Shares, Running: a.Running, Velocity: a.Velocity,
			Recovery: math.Max(0, math.Min(1, a.Recovery)), HalfLife: a.HalfLife, Recovered: a.Recovered, Warnings: a.Warnings,
		}
		if all := together[p.metric]; a.Ambiguous && !all.Ambiguous && all.Trigger != "" {
			spike.Phase = all.Trigger
			spike.Warnings = append(spike.Warnings, fmt.Sprintf("this cycle alone does not tell phases apart that overlapped; the %d cycles that spiked do, together", len(traces[p.metric])))
		}
		g.d.Spikes = append(g.d.Spikes, spike)
	}
}

// trace is the course of a metric over a cycle, with its phases; the time is in seconds.
func (g *diagnosing) trace(p peak) stats.Trace {
	c := g.t.cycles[p.index]
	end := c.Start.Add(c.Duration)
	var t stats.Trace
	for _, s := range g.t.samples {
		value, ok := s.Totals.Values[p.metric]
		if !ok || s.Start.Before(c.Start) || s.Start.After(end) {
			continue
		}
		t.Points = append(t.Points, stats.Point{T: s.Start.Sub(c.Start).Seconds(), Y: value})
	}
	for _, span := range c.Phases {
		label := strings.TrimSpace(string(span.Kind) + " " + span.Site)
		t.Phases = append(t.Phases, stats.Phase{Label: label, Start: span.Start.Sub(c.Start).Seconds(), End: span.End.Sub(c.Start).Seconds()})
	}
	return t
}
