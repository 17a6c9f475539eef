package browser

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// RecycleReason says why a Chrome is retired.
type RecycleReason string

// The reasons. The pool itself decides for the first four, as Recycle says, and for RecycleHang;
// the others are asked for.
const (
	RecyclePages    RecycleReason = "pages"
	RecycleAge      RecycleReason = "age"
	RecycleIdle     RecycleReason = "idle"
	RecycleFailures RecycleReason = "failures"
	RecycleHang     RecycleReason = "hang" // it did not answer, or a tab of it could not be closed
	RecycleMemory   RecycleReason = "memory"
	RecycleSlow     RecycleReason = "slow"
	RecycleAsked    RecycleReason = "asked" // the cleanup restart-browser
)

// Recycle says when the Chrome that runs share is retired by itself: another is started, takes the new
// runs once it is up, and the old one closes with its last lease and run. Only one drains at a time, so
// there is never more than one Chrome too many; what else is due waits. A Chrome in which a page is
// kept stays, whatever its pages and age; so, however idle, does one that tabs of isolation tab have
// been in, since their cookies would go with it. A run's own Chrome (isolation browser) ends with its
// run. Zero values: never for that reason.
type Recycle struct {
	// Pages is the number of navigations.
	Pages int
	// Age is the time since its start.
	Age time.Duration
	// Idle is the time without a lease or run. Nothing is started for it: the next lease does.
	Idle time.Duration
	// Failures is how many leases in a row failed for reasons that speak against Chrome: a crash of
	// the tab, no answer, a tab that could not be opened. What a page or its server does is none.
	Failures int
}

// Recycling is one retirement of a Chrome, from the decision to its end.
type Recycling struct {
	PID    int
	Reason RecycleReason
	// Says is the reason in words, with its figures.
	Says string
	// Pages and Age are those of the Chrome when it was decided.
	Pages int
	Age   time.Duration
	// Decided is when it was; Ready when the successor began to take leases, zero while it does not
	// or where none was needed; Gone when nothing of the Chrome was left, zero before.
	Decided, Ready, Gone time.Time
	// Waited is what leases have waited, together, for a Chrome because of it until Gone.
	Waited time.Duration
	// Err is why the retirement came to nothing: no successor could be started, and the Chrome goes
	// on. nil otherwise.
	Err error
}

// Retire asks for the retirement of the Chrome that runs share, as Recycle describes it, and returns
// at once; what comes of it is told by PoolOptions.OnRecycle. says is the reason in words. The error
// says why it is not done: the Chrome is not the one that runs share, is being retired already, another
// one drains still (ErrDraining), or the last successor did not start and the next try is not due.
func (p *Pool) Retire(b *Browser, reason RecycleReason, says string) error {
	p.mu.Lock()
	var err error
	if m := p.memberOf(b); m == nil {
		err = fmt.Errorf("process %d is none of the pool's", b.PID())
	} else {
		err = p.decide(m, reason, says)
	}
	p.mu.Unlock()
	p.tellNews()
	if err != nil {
		return fmt.Errorf("retire Chrome: %w", err)
	}
	return nil
}

func (p *Pool) memberOf(b *Browser) *member {
	for m := range p.all {
		if m.browser == b {
			return m
		}
	}
	return nil
}

// decide begins the retirement of the Chrome that runs share: with the start of its successor. The
// caller holds mu.
func (p *Pool) decide(m *member, reason RecycleReason, says string) error {
	switch {
	case p.shut:
		return ErrPoolClosed
	case m.browser.Err() != nil:
		return m.browser.Err()
	case m.retired || m.recycling != nil:
		return fmt.Errorf("process %d is being retired already", m.browser.PID())
	case m.own:
		return fmt.Errorf("process %d is a run's own: it ends with the run", m.browser.PID())
	case p.main != m || p.start != nil:
		return errors.New("another Chrome is being started")
	case time.Now().Before(m.again):
		return fmt.Errorf("the last successor of Chrome %d did not start: the next try is due in %s", m.browser.PID(), time.Until(m.again).Round(time.Second))
	}
	if d := p.draining(); d != nil {
		return fmt.Errorf("%w: %d closes when %s back", ErrDraining, d.browser.PID(), plural(d.uses, "lease or run is", "leases and runs are"))
	}
	p.recycle(m, reason, says)
	p.beginStart(m)
	return nil
}

// draining is a retired Chrome that is still there. The caller holds mu.
func (p *Pool) draining() *member {
	for m := range p.all {
		if m.retired && !m.own {
			return m
		}
	}
	return nil
}

// recycle notes that a Chrome is being retired. The caller holds mu.
func (p *Pool) recycle(m *member, reason RecycleReason, says string) {
	now := time.Now()
	m.recycling = &Recycling{PID: m.browser.PID(), Reason: reason, Says: says, Pages: m.browser.Pages(), Age: now.Sub(m.browser.Started()), Decided: now}
	p.recycled.latest = m.recycling
	p.recycled.note(m.recycling)
}

// succeed hands over to the successor of a Chrome. The caller holds mu.
func (p *Pool) succeed(old, m *member) {
	p.main, p.delay = m, 0
	if old == nil {
		return
	}
	if old.recycling != nil {
		old.recycling.Ready = time.Now()
	}
	p.drain(old)
}

// keepOn lets a Chrome go on whose successor did not start. The caller holds mu.
func (p *Pool) keepOn(m *member, err error) {
	if m == nil || m.retired || m.recycling == nil {
		return
	}
	m.recycling.Err = err
	p.recycled.note(m.recycling)
	m.recycling, m.again = nil, time.Now().Add(p.delay)
	p.arm(m)
}

// recyclings are what OnRecycle is to be told. The pool's mu guards them.
type recyclings struct {
	latest  *Recycling
	untold  []Recycling
	telling bool
}

func (r *recyclings) note(as *Recycling) { r.untold = append(r.untold, *as) }

// tellNews tells OnRecycle what has happened, in its order. Nobody holds mu.
func (p *Pool) tellNews() {
	for {
		p.mu.Lock()
		told := &p.recycled
		if told.telling || len(told.untold) == 0 {
			p.mu.Unlock()
			return // whoever is telling tells the rest
		}
		r := told.untold[0]
		told.untold, told.telling = told.untold[1:], true
		p.mu.Unlock()
		if p.options.OnRecycle != nil {
			p.options.OnRecycle(r)
		}
		p.mu.Lock()
		told.telling = false
		p.mu.Unlock()
	}
}

// look retires the Chrome that runs share if that is due. The caller holds mu.
func (p *Pool) look(m *member) {
	if p.main != m || m.retired || m.recycling != nil || m.browser.Err() != nil || p.shut {
		return
	}
	if reason, says := p.due(m); reason != "" {
		_ = p.decide(m, reason, says) // where it cannot be now, it is due at the next look
	}
}

// due says why a Chrome is to be retired; "" while it is not. The caller holds mu.
func (p *Pool) due(m *member) (RecycleReason, string) {
	o := p.options.Recycle
	pages, age := m.browser.Pages(), time.Since(m.browser.Started())
	switch {
	case p.failing(m):
		return RecycleFailures, fmt.Sprintf("%d leases in a row failed for reasons that speak against it", m.failures)
	case p.keeps(m):
		return "", ""
	case o.Pages > 0 && pages >= o.Pages:
		return RecyclePages, plural(pages, "page", "pages")
	case o.Age > 0 && age >= o.Age:
		return RecycleAge, fmt.Sprintf("%s old", age.Round(time.Second))
	}
	return "", ""
}

// failing says whether so many leases have failed in a Chrome that it is to be retired. The caller holds mu.
func (p *Pool) failing(m *member) bool {
	limit := p.options.Recycle.Failures
	return limit > 0 && m.failures >= limit
}

// keeps says whether a page is kept in a Chrome. The caller holds mu.
func (p *Pool) keeps(m *member) bool {
	for _, k := range p.kept {
		if k.tab != nil && k.at.member == m {
			return true
		}
	}
	return false
}

// idleFor is for how long a Chrome has had no use and could be closed for it; negative where it may not be.
// The caller holds mu.
func (p *Pool) idleFor(m *member) time.Duration {
	if m.uses > 0 || m.home || p.keeps(m) {
		return -1
	}
	return time.Since(m.since)
}

// arm sets a Chrome's timer to the next time at which something may be due. The caller holds mu.
func (p *Pool) arm(m *member) {
	o := p.options.Recycle
	if p.main != m || m.retired || m.recycling != nil || p.shut {
		return
	}
	var next time.Time
	soonest := func(at time.Time) {
		if at.After(time.Now()) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if o.Age > 0 {
		soonest(m.browser.Started().Add(o.Age))
	}
	if o.Idle > 0 && p.idleFor(m) >= 0 {
		soonest(m.since.Add(o.Idle))
	}
	soonest(m.again)
	switch {
	case next.IsZero():
	case m.timer == nil:
		m.timer = time.AfterFunc(time.Until(next), func() { p.onTimer(m) })
	default:
		m.timer.Reset(time.Until(next))
	}
}

// onTimer looks at a Chrome that nobody uses; one that is used is looked at when its uses change.
func (p *Pool) onTimer(m *member) {
	p.mu.Lock()
	if p.main == m && m.uses == 0 && !m.retired && m.recycling == nil && !p.shut {
		idle := p.idleFor(m)
		if limit := p.options.Recycle.Idle; limit > 0 && idle >= limit {
			p.recycle(m, RecycleIdle, fmt.Sprintf("no lease for %s", idle.Round(time.Millisecond)))
			p.drain(m)
		} else {
			p.look(m)
		}
	}
	p.arm(m)
	p.mu.Unlock()
	p.tellNews()
}

// drain takes a Chrome out of use: it gets no new runs, and closes with its last use, which may be now. The
// caller holds mu.
func (p *Pool) drain(m *member) {
	m.retired = true
	if p.main == m {
		p.main = nil
	}
	p.dropSites(m)
	if m.timer != nil {
		m.timer.Stop()
	}
	if m.uses == 0 {
		m.browser.beginClose()
	}
}

// speaks counts a lease that failed for a reason that speaks against its Chrome, or one that did not. The
// caller holds mu.
func (m *member) speaks(l *Lease, cause error) {
	switch {
	case errors.Is(cause, ErrCrashed), errors.Is(cause, ErrHung), errors.Is(l.Tab.Err(), ErrCrashed):
		m.failures++
	case cause == nil, harmless(cause):
		m.failures = 0
	}
}

// replace retires the Chrome that runs share because it was asked for, and waits for the successor.
func (p *Pool) replace(ctx context.Context, m *member) error {
	p.mu.Lock()
	if m.recycling == nil || m.retired {
		if err := p.decide(m, RecycleAsked, "a restart was asked for"); err != nil {
			p.mu.Unlock()
			return fmt.Errorf("restart Chrome: %w", err)
		}
	}
	starting := p.start
	p.mu.Unlock()
	p.tellNews()
	if starting == nil {
		return nil
	}
	if err := p.awaitStart(ctx, starting, nil); err != nil {
		return fmt.Errorf("start another Chrome: %w", err)
	}
	return nil
}
