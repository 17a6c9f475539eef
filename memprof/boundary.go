package memprof

import (
	"context"
	"maps"
	"slices"
	"time"
)

// event is what a boundary reading is taken for; one field is set.
type event struct {
	begin, finish *Cycle
	start, end    *Phase
	read          *Sample // takes the sample
}

func (e event) cycle() *Cycle {
	switch {
	case e.begin != nil:
		return e.begin
	case e.finish != nil:
		return e.finish
	case e.start != nil:
		return e.start.c
	case e.end != nil:
		return e.end.c
	}
	return nil
}

// batch is a boundary reading that has not begun yet, with all that wait for it. A reading that
// is already under way began too early for whoever comes now, but all who come while it lasts
// share the next: however many jobs end phases at once, at most one reading runs and one waits.
type batch struct {
	events []event
	done   chan struct{}
}

// boundary brings an event about with a reading that began after it was asked for. Where the
// event says that something begins, or that a cycle ends, the newest reading serves if it is
// fresh: so consecutive phases share their boundary, and their changes add up exactly.
func (r *Recorder) boundary(ctx context.Context, e event) {
	r.await(ctx, e)
	r.observed.deliver(true)
}

func (r *Recorder) await(ctx context.Context, e event) {
	r.mu.Lock()
	if e.end == nil && e.read == nil && r.fresh() {
		r.bring(r.last, []event{e})
		r.mu.Unlock()
		return
	}
	b := r.next
	if b != nil {
		b.events = append(b.events, e)
		r.mu.Unlock()
		<-b.done
		return
	}
	b = &batch{events: []event{e}, done: make(chan struct{})}
	r.next = b
	r.mu.Unlock()

	r.reading <- struct{}{}
	defer func() { <-r.reading }()
	defer close(b.done)
	r.mu.Lock()
	r.next = nil // whoever comes now must wait for the next
	r.mu.Unlock()
	s, gaps := r.read(ctx, Request{Level: r.o.Level})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = s
	r.record(s, gaps)
	for c := range r.cycles {
		c.count(s, gaps)
	}
	for _, e := range b.events {
		if e.begin != nil {
			e.begin.count(s, gaps)
		}
	}
	r.bring(s, b.events)
}

// fresh tells whether the newest boundary reading still stands for now. The caller holds mu.
func (r *Recorder) fresh() bool {
	return r.last.Seq != 0 && time.Since(r.last.Start.Add(r.last.Took)) < freshFor
}

// bring applies a reading to the cycles of the events, and then the events. The caller holds mu.
func (r *Recorder) bring(s Sample, events []event) {
	running := r.running(s.Start)
	for _, e := range events {
		if c := e.cycle(); c != nil {
			c.apply(s, running)
		}
	}
	for _, e := range events {
		switch {
		case e.read != nil:
			*e.read = s
		case e.end != nil:
			r.endPhase(e.end, s)
		case e.start != nil && !e.start.c.ended:
			e.start.span.Start, e.start.span.From = time.Now(), s.Seq
			r.phases[e.start] = struct{}{}
			r.spikes(e.start, +1)
			e.start.c.open[e.start] = struct{}{}
		case e.begin != nil:
			r.opened++
			e.begin.sum.Cycle = r.opened
			r.cycles[e.begin] = struct{}{}
		case e.finish != nil:
			r.endCycle(e.finish, s)
		}
	}
}

// endPhase takes a phase out of those that run. The caller holds mu.
func (r *Recorder) endPhase(p *Phase, s Sample) {
	if _, ok := p.c.open[p]; !ok {
		return // its cycle ended first
	}
	delete(r.phases, p)
	r.spikes(p, -1)
	delete(p.c.open, p)
	sum := &p.c.sum
	p.span.Cycle, p.span.End, p.span.To = sum.Cycle, time.Now(), s.Seq
	if len(sum.Phases) < maxSpans {
		sum.Phases = append(sum.Phases, p.span)
	} else {
		sum.PhasesUnlisted++
	}
	totals := s.Totals
	switch p.span.Kind {
	case Scrape:
		sum.AfterScrape = &totals
	case Cleanup:
		sum.AfterCleanup = &totals
	}
	r.write("phase", p.span)
}

// spikes counts a phase in or out of those in which a spike is looked for, and tells Run when
// that begins or ends. The caller holds mu.
func (r *Recorder) spikes(p *Phase, by int) {
	if r.o.SpikeInterval == 0 || !p.span.Kind.spiky() {
		return
	}
	before := r.spiky
	r.spiky += by
	if (before == 0) == (r.spiky == 0) {
		return
	}
	select {
	case r.turned <- struct{}{}:
	default: // it is told already
	}
}

// endCycle completes the summary and forgets the cycle. The caller holds mu.
func (r *Recorder) endCycle(c *Cycle, s Sample) {
	left := slices.Collect(maps.Keys(c.open))
	slices.SortFunc(left, func(a, b *Phase) int { return a.span.Start.Compare(b.span.Start) })
	for _, p := range left {
		c.sum.Warnings = append(c.sum.Warnings, "phase "+p.label+" was still open at the end of the cycle")
		r.endPhase(p, s)
	}
	delete(r.cycles, c)
	c.ended = true
	r.stats.Cycles++
	c.sum.Duration = time.Since(c.sum.Start)
	c.sum.After = s.Totals
	c.sum.Ticks, c.sum.QuickTicks, c.sum.LateTicks = c.ticks, c.quick, c.late
	c.sum.Open, c.sum.OpenUnlisted = openTargets(s.Readings, maxOpen)
	r.write("cycle", c.sum)
}

// running names the phases that run, each once; those that began after a moment are left out,
// unless it is zero. The caller holds mu.
func (r *Recorder) running(before time.Time) []string {
	if len(r.phases) == 0 {
		return nil
	}
	names := make([]string, 0, len(r.phases))
	for p := range r.phases {
		if before.IsZero() || !p.span.Start.After(before) {
			names = append(names, p.label)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
