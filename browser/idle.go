package browser

import (
	"context"
	"slices"
)

// idleTab is a tab that waits for its next lease, in a site's or a run's own place.
type idleTab struct {
	tab  *Tab
	at   ground
	site string // of isolation tab
	run  string // of isolation context and browser
	busy bool   // it is being cleaned, or leaves its document: nobody else may have it
}

// spare lets leases have an idle tab again that was busy.
func (p *Pool) spare(i *idleTab) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i.busy = false
}

// dropEnded closes the idle and kept tabs that have crashed, which are open until then.
func (p *Pool) dropEnded(ctx context.Context) {
	p.mu.Lock()
	var ended []*Tab
	p.idle = slices.DeleteFunc(p.idle, func(i *idleTab) bool {
		if i.busy || i.tab.Err() == nil {
			return false
		}
		ended = append(ended, i.tab)
		return true
	})
	for name, k := range p.kept {
		select {
		case <-k.free: // nobody has it
			if k.tab != nil && k.tab.Err() != nil {
				ended = append(ended, k.tab)
				delete(p.kept, name)
			}
			k.free <- struct{}{} // whoever waits for it sees that it is no longer current
		default:
		}
	}
	p.mu.Unlock()
	for _, t := range ended {
		_ = t.close(ctx) // a tab that does not close dies with its Chrome
	}
}

// takeIdle returns a living idle tab of the same site or run with the same rules.
func (p *Pool) takeIdle(at spot, o LeaseOptions) *Tab {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.idle) - 1; n >= 0; n-- {
		i := p.idle[n]
		if i.busy || i.at != at.ground || !i.fits(o) || i.tab.Err() != nil {
			continue
		}
		p.idle = slices.Delete(p.idle, n, n+1)
		p.coming++
		return i.tab
	}
	return nil
}

func (i *idleTab) fits(o LeaseOptions) bool {
	if !i.tab.rules.equal(o.rules()) {
		return false
	}
	switch o.Isolation {
	case IsolateTab:
		return i.run == "" && i.site == o.Site
	case IsolateContext, IsolateBrowser:
		return i.run == o.Run
	}
	return false
}

// open opens a tab. Idle tabs that nobody fits make room for it.
func (p *Pool) open(ctx context.Context, at spot, o LeaseOptions) (*Tab, error) {
	p.makeRoom(ctx)
	m := at.member
	tab, err := m.browser.openTab(ctx, at.context, o.rules())
	if err != nil {
		p.mu.Lock()
		p.coming--
		if ctx.Err() == nil {
			m.failures++
		}
		p.mu.Unlock()
		if m.browser.Err() == nil && ctx.Err() == nil && isTimeout(err) {
			p.retire(m, "no tab could be opened in time")
		}
		return nil, err
	}
	p.mu.Lock()
	p.opened++
	p.mu.Unlock()
	return tab, nil
}

// makeRoom counts a tab that is about to be opened, and closes the idle tabs that have waited
// longest where leases, those to come, and idle tabs fill the pool.
func (p *Pool) makeRoom(ctx context.Context) {
	p.mu.Lock()
	var oldest []*Tab
	for limit := p.TabLimit(); len(p.leases)+p.coming+len(p.idle) >= limit; {
		n := slices.IndexFunc(p.idle, func(i *idleTab) bool { return !i.busy })
		if n < 0 {
			break
		}
		oldest = append(oldest, p.idle[n].tab)
		p.idle = slices.Delete(p.idle, n, n+1)
	}
	p.coming++
	p.mu.Unlock()
	for _, t := range oldest {
		_ = t.close(ctx) // a tab that does not close dies with its Chrome
	}
}
