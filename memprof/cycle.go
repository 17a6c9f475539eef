package memprof

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is the kind of a phase.
type Kind string

// The kinds of phases.
const (
	Launch  Kind = "launch"
	Scrape  Kind = "scrape"
	Cleanup Kind = "cleanup"
	Settle  Kind = "settle"
	Idle    Kind = "idle"
)

// Cycle is one pass over sites, under way. Its memory is bounded: totals at a few moments,
// peaks, and the change by phase.
type Cycle struct {
	r    *Recorder
	once sync.Once

	// The rest is guarded by r.mu.
	sum     Summary
	lastSeq uint64 // the newest sample applied
	lastAt  time.Time
	lastTot Totals
	known   map[Series]float64  // the last known value of each series
	pending map[Series][]string // phases that ran since a series was last known
	deltas  map[string]*Delta
	open    map[*Phase]struct{}
	ticks   int
	quick   int
	late    int
	gaps    map[gapKey]int // index into sum.Gaps
	ended   bool           // sum is the caller's, and must not change any more
}

// Phase is a named stretch of a cycle, under way.
type Phase struct {
	c    *Cycle
	once sync.Once
	// The rest is guarded by c.r.mu.
	span  PhaseSpan
	label string
}

// Cycle begins a cycle and reads where memory stands. Cycles may overlap. sites says which
// sites it passes over; it is recorded only.
func (r *Recorder) Cycle(name string, sites ...string) *Cycle {
	if r == nil {
		return nil
	}
	c := &Cycle{
		r: r, known: make(map[Series]float64), pending: make(map[Series][]string),
		deltas: make(map[string]*Delta), open: make(map[*Phase]struct{}), gaps: make(map[gapKey]int),
	}
	c.sum = Summary{
		Name: name, Sites: slices.Clone(sites), Start: time.Now(), Level: r.o.Level,
		Peaks: make(map[Series]Peak), Costs: make(map[string]Cost),
	}
	r.boundary(context.Background(), event{begin: c})
	return c
}

// Rename says what the cycle is, for one that was begun before that was known: such as
// one that begins with the idle time before whatever comes next.
func (c *Cycle) Rename(name string, sites ...string) {
	if c == nil {
		return
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	if !c.ended {
		c.sum.Name, c.sum.Sites = name, slices.Clone(sites)
	}
}

// Read takes a reading as at the boundary of a phase, at once and of its own, and returns it. It
// belongs to no cycle. The reading is taken even if ctx has ended, bounded by the recorder's
// ReadTimeout; a nil recorder's is empty.
func (r *Recorder) Read(ctx context.Context) Sample {
	if r == nil {
		return Sample{}
	}
	var s Sample
	r.boundary(ctx, event{read: &s})
	return s
}

// Phase begins a phase of the cycle on behalf of a site ("" for none). A reading is taken,
// unless one was finished within the last 20 ms.
func (c *Cycle) Phase(kind Kind, site string) *Phase {
	if c == nil {
		return nil
	}
	p := &Phase{c: c, label: strings.TrimSpace(string(kind) + " " + site)}
	p.span = PhaseSpan{Kind: kind, Site: site}
	c.r.boundary(context.Background(), event{start: p})
	return p
}

// End takes the reading that ends the phase. The reading is taken even if ctx has ended, bounded
// by the recorder's ReadTimeout. A second End does nothing.
func (p *Phase) End(ctx context.Context) {
	if p == nil {
		return
	}
	p.once.Do(func() { p.c.r.boundary(ctx, event{end: p}) })
}

// End ends the cycle, and the phases that are still open, and writes the recording so far. A
// second End returns the same summary. A nil cycle's summary is empty.
func (c *Cycle) End(ctx context.Context) Summary {
	if c == nil {
		return Summary{}
	}
	c.once.Do(func() {
		c.r.boundary(ctx, event{finish: c})
		c.r.out.flush()
	})
	return c.sum // nothing changes it any more
}

// apply brings a boundary reading to the cycle. The caller holds r.mu.
func (c *Cycle) apply(s Sample, running []string) {
	if c.ended || s.Seq <= c.lastSeq {
		return
	}
	if c.lastSeq == 0 {
		c.sum.Before = s.Totals
		maps.Copy(c.known, s.Totals.Values)
	} else {
		c.change(s, running)
	}
	c.lastSeq, c.lastAt, c.lastTot = s.Seq, s.Start, s.Totals
	c.peaks(s)
}

// change adds the difference to the last reading to the phases that ran since.
func (c *Cycle) change(s Sample, running []string) {
	c.delta(running).Took += s.Start.Sub(c.lastAt)
	series := maps.Clone(c.known)
	maps.Copy(series, s.Totals.Values)
	for key := range series {
		value, ok := s.Totals.At(key)
		if !ok {
			c.pending[key] = union(c.pending[key], running)
			continue
		}
		ran := running
		if since, waiting := c.pending[key]; waiting {
			ran = union(since, running)
			delete(c.pending, key)
		}
		if before, had := c.before(key); had && value != before {
			c.delta(ran).Values[key] += value - before
		}
		c.known[key] = value
	}
}

// before returns the last known value of a series; one that had no subject yet was 0.
func (c *Cycle) before(key Series) (float64, bool) {
	if value, ok := c.known[key]; ok {
		return value, true
	}
	if _, ok := c.sum.Before.At(key); ok {
		return 0, true
	}
	_, ok := c.lastTot.At(key)
	return 0, ok
}

// delta returns the change to which the set of phases belongs. Beyond maxDeltaSets sets, all
// further ones share one, so that the sum stays exact.
func (c *Cycle) delta(phases []string) *Delta {
	name := strings.Join(phases, " + ")
	if d, ok := c.deltas[name]; ok {
		return d
	}
	if len(c.deltas) >= maxDeltaSets {
		phases, name = []string{OtherPhases}, OtherPhases
		if d, ok := c.deltas[name]; ok {
			return d
		}
	}
	d := &Delta{Phases: phases, Values: make(map[Series]float64)}
	c.deltas[name] = d
	c.sum.Deltas = append(c.sum.Deltas, d)
	return d
}

// peaks raises the cycle's peaks to a sample. The caller holds r.mu.
func (c *Cycle) peaks(s Sample) {
	for key, value := range s.Totals.Values {
		if row, _ := MetricOf(key.Metric); row.Cumulative {
			continue
		}
		if _, ok := s.Totals.At(key); !ok {
			continue
		}
		if peak, ok := c.sum.Peaks[key]; !ok || value > peak.Value {
			c.sum.Peaks[key] = Peak{Value: value, Time: s.Start, Phases: s.Phases}
		}
	}
}

// count adds up a sample's costs and gaps. The caller holds r.mu.
func (c *Cycle) count(s Sample, gaps []Gap) {
	for source, took := range s.Costs {
		cost := c.sum.Costs[source]
		cost.Count++
		cost.Total += took
		cost.Max = max(cost.Max, took)
		c.sum.Costs[source] = cost
	}
	for _, g := range gaps {
		c.gap(g)
	}
}

// gap adds up one gap. The caller holds r.mu.
func (c *Cycle) gap(g Gap) {
	i, ok := c.gaps[g.key()]
	switch {
	case ok:
		c.sum.Gaps[i].Count += g.Count
	case len(c.sum.Gaps) >= maxGapKinds:
		c.sum.GapsUnlisted += g.Count
	default:
		c.gaps[g.key()] = len(c.sum.Gaps)
		c.sum.Gaps = append(c.sum.Gaps, g)
	}
}

// union returns the sorted union of two sorted lists.
func union(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}
