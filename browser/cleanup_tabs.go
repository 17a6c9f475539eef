package browser

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// held is a tab that a cleanup has to itself.
type held struct {
	*Tab
	at    ground
	site  string
	lease *Lease
	idle  *idleTab
	kept  *keptTab
}

// hold takes the tabs that are meant: that of the lease, or those that no lease has. letGo must be called.
func (c *cleaning) hold() []*held {
	if l := c.at.Lease; l != nil {
		return []*held{{Tab: l.Tab, at: l.at.ground, site: l.options.Site, lease: l}}
	}
	p := c.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []*held
	sites := c.sites()
	for _, i := range p.idle {
		if !i.busy && i.tab.Err() == nil && (c.whole() || sites[i.site] && i.run == "" || c.at.Run != "" && i.run == c.at.Run) {
			i.busy = true
			list = append(list, &held{Tab: i.tab, at: i.at, site: i.site, idle: i})
		}
	}
	for _, k := range p.kept {
		if !c.whole() && !sites[k.site] {
			continue
		}
		select {
		case <-k.free:
			if k.tab != nil && k.tab.Err() == nil {
				list = append(list, &held{Tab: k.tab, at: k.at.ground, site: k.site, kept: k})
			} else {
				k.free <- struct{}{}
			}
		default: // it is lent
		}
	}
	return list
}

// sites are the sites of the runs that are meant. The caller holds the pool's mu.
func (c *cleaning) sites() map[string]bool {
	sites := map[string]bool{}
	if c.at.Site != "" {
		sites[c.at.Site] = true
	}
	for _, t := range c.pool.traces {
		if c.matches(t) {
			sites[t.site] = true
		}
	}
	return sites
}

// letGo gives the tabs back to whoever wants them next.
func (p *Pool) letGo(tabs []*held) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range tabs {
		switch {
		case h.idle != nil:
			h.idle.busy = false
		case h.kept != nil:
			h.kept.free <- struct{}{}
		}
	}
}

// tabTime bounds what a cleanup does to one tab.
const tabTime = 5 * time.Second

// eachTab cleans the tabs one after the other and returns how many there were. A tab that fails is named
// and does not stop the others.
func (c *cleaning) eachTab(ctx context.Context, clean func(context.Context, *held) error) int {
	tabs := c.hold()
	defer c.pool.letGo(tabs)
	for _, h := range tabs {
		c.failed(ctx, h.at.member, c.oneTab(ctx, h, clean))
		if ctx.Err() != nil {
			break
		}
	}
	if len(tabs) == 0 {
		c.skip("no tab is open that no lease has")
	}
	return len(tabs)
}

func (c *cleaning) oneTab(ctx context.Context, h *held, clean func(context.Context, *held) error) error {
	bounded, cancel := context.WithTimeoutCause(ctx, tabTime, ErrHung)
	defer cancel()
	err := h.Tab.Err()
	if err == nil {
		err = clean(bounded, h)
	}
	if err != nil {
		return fmt.Errorf("tab of %s: %w", h.site, errors.Join(err, h.hungErr(ctx, bounded)))
	}
	return nil
}

// hungErr says that a tab, not the caller, took all the time.
func (h *held) hungErr(ctx, bounded context.Context) error {
	if bounded.Err() != nil && ctx.Err() == nil {
		return ErrHung
	}
	return nil
}
