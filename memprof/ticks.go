package memprof

import (
	"context"
	"time"
)

// spiky tells whether a spike is looked for in phases of a kind.
func (k Kind) spiky() bool { return k == Launch || k == Scrape || k == Cleanup }

// clock says when the next tick is due. Ticks of all sources are due by the interval. While a
// phase runs in which a spike is looked for, ticks are due by the spike interval, and the first
// of them at or after the time of a tick of all sources is one.
type clock struct {
	interval, spike time.Duration // 0 for none
	full            time.Time     // when a tick of all sources is due
	quick           time.Time     // when a tick is due while a spike is looked for; zero for not
}

func newClock(o Options, now time.Time) clock {
	return clock{interval: o.Interval, spike: o.SpikeInterval, full: now.Add(o.Interval)}
}

// watch begins or ends looking for a spike.
func (c *clock) watch(on bool, now time.Time) {
	switch {
	case !on:
		c.quick = time.Time{}
	case c.quick.IsZero():
		c.quick = now.Add(c.spike)
	}
}

// due returns when the next tick is due; ok is false if none is.
func (c *clock) due() (at time.Time, ok bool) {
	if !c.quick.IsZero() {
		return c.quick, true
	}
	return c.full, c.interval > 0
}

// begin tells whether the tick that is due now asks all sources.
func (c *clock) begin(now time.Time) (full bool) {
	return c.interval > 0 && !now.Before(c.full)
}

// end takes note of a tick that has ended, and returns how many fell due meanwhile. Those are
// left out, so that ticks never overlap nor pile up.
func (c *clock) end(full bool, now time.Time) (missed int) {
	if full {
		missed = pass(&c.full, c.interval, now)
	}
	if !c.quick.IsZero() {
		missed = pass(&c.quick, c.spike, now)
	}
	return missed
}

// pass moves a due time on until it lies ahead, and returns how many it left out.
func pass(due *time.Time, every time.Duration, now time.Time) (left int) {
	steps := 1
	if late := now.Sub(*due); late >= 0 {
		steps += int(late / every)
	}
	*due = due.Add(time.Duration(steps) * every)
	return steps - 1
}

// ticks takes the ticks until ctx ends.
func (r *Recorder) ticks(ctx context.Context) {
	c := newClock(r.o, time.Now())
	var read time.Time // when all sources were last asked
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		r.mu.Lock()
		on := r.spiky > 0
		r.mu.Unlock()
		c.watch(on && r.o.SpikeInterval > 0, time.Now())
		var tick <-chan time.Time
		if at, ok := c.due(); ok {
			timer.Reset(time.Until(at))
			tick = timer.C
		}
		select {
		case <-ctx.Done():
			return
		case <-r.turned:
		case <-tick:
			now := time.Now()
			full := c.begin(now)
			if full && r.resting(now.Sub(read)) {
				c.end(full, now)
				continue
			}
			if full {
				read = now
			}
			r.tick(ctx, full)
			missed := c.end(full, time.Now())
			r.mu.Lock()
			r.stats.Missed += missed
			r.mu.Unlock()
		}
	}
}

// resting says whether a tick need not come, so long after the last one.
func (r *Recorder) resting(since time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.cycles) == 0 && since < r.o.RestInterval
}

// tick reads once: all sources, or the quick ones alone. It runs in Run's goroutine only, so
// that ticks cannot overlap.
func (r *Recorder) tick(ctx context.Context, full bool) {
	s, gaps := r.read(ctx, Request{Level: LevelCheap, Tick: true, Quick: !full})
	s.Readings = nil
	r.mu.Lock()
	r.ticked(s, gaps)
	r.mu.Unlock()
	r.observed.deliver(true)
}

// ticked brings a tick to the ring and to the cycles. The caller holds mu.
func (r *Recorder) ticked(s Sample, gaps []Gap) {
	late := s.Took > r.o.Interval
	if s.Totals.Quick {
		r.stats.QuickTicks++
		late = s.Took > r.o.SpikeInterval
	} else {
		r.stats.Ticks++
		r.ring.add(s)
	}
	if late {
		r.stats.Late++
	}
	for c := range r.cycles {
		if s.Totals.Quick {
			c.quick++
		} else {
			c.ticks++
		}
		if late {
			c.late++
		}
		c.peaks(s)
		c.count(s, gaps)
	}
	r.record(s, gaps)
}
