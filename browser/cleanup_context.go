package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
)

// cleanContexts gives a run, or a site with a context of its own, a new browser context. The old one is
// disposed of when its last lease has come back.
func cleanContexts(ctx context.Context, c *cleaning) {
	c.report.Of = "browser contexts"
	if l := c.at.Lease; l != nil {
		if why := noContext(l.options.Isolation, l.at.run != nil); why != "" {
			c.skip(why)
			return
		}
		c.renew(ctx, l.at.run)
		return
	}
	found := c.renewSites(ctx)
	if c.whole() {
		found += c.disposeContexts(ctx, func(m *member, id cdp.BrowserContextID) bool {
			c.pool.mu.Lock()
			defer c.pool.mu.Unlock()
			return !m.contexts[id] // a context that nobody knows
		})
	}
	if found == 0 && c.report.Err == nil {
		c.skip(c.noContexts())
	}
}

// noContext says why a lease's browser context cannot be replaced; "" where it can.
func noContext(isolation Isolation, own bool) string {
	switch {
	case isolation == IsolateBrowser:
		return "isolation browser has no browser context of its own but a whole Chrome: use restart-browser"
	case isolation == IsolateContext && own, own:
		return ""
	case isolation == IsolateTab:
		return "isolation tab shares the default browser context, which cannot be disposed of: give the site a context of its own (OwnContext)"
	}
	return "the tab lives in the default browser context, which cannot be disposed of: use isolation context"
}

// noContexts says why no browser context was replaced after a run or a cycle.
func (c *cleaning) noContexts() string {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	why := ""
	for _, t := range c.pool.traces {
		switch {
		case !c.matches(t):
		case t.isolation == IsolateContext || t.isolation == IsolateBrowser:
			return fmt.Sprintf("isolation %s does it after each run", t.isolation)
		case t.isolation == IsolateTab && t.own:
			why = "the site has no browser context now: its next lease makes one"
		default:
			why = noContext(t.isolation, false)
		}
	}
	if why == "" {
		why = "no browser context stays between runs here"
	}
	return why
}

// renewSites replaces the browser contexts of the sites that are meant, and counts them.
func (c *cleaning) renewSites(ctx context.Context) int {
	p := c.pool
	p.mu.Lock()
	sites := c.sites()
	var list []*run
	for key, r := range p.runs {
		if key.run == "" && (c.whole() || sites[key.site]) {
			list = append(list, r)
		}
	}
	p.mu.Unlock()
	for _, r := range list {
		c.renew(ctx, r)
	}
	return len(list)
}

// renew takes a place out of use: the next lease of its run or site gets a new one.
func (c *cleaning) renew(ctx context.Context, r *run) {
	select {
	case <-r.ready:
	case <-ctx.Done():
		c.report.Err = errors.Join(c.report.Err, context.Cause(ctx))
		return
	}
	if r.err != nil {
		return
	}
	out, first := c.pool.retireRun(r)
	if out == 0 && !first {
		c.unsure = true
		c.say("another cleanup, or its last lease, disposes of the old one")
		return
	}
	c.report.Count++
	if out > 0 {
		c.unsure = true
		c.say("the next lease gets a new one; the old one goes when its %s", plural(out, "lease has come back", "leases have come back"))
		return
	}
	err := c.pool.endPlace(ctx, r)
	if err == nil {
		err = c.checkDisposed(ctx, r)
	}
	c.failed(ctx, r.member, err)
}

// retireRun makes the next lease of a run or site make a new place, and returns how many leases are out
// in the old one, and whether nobody did so before. Its idle and kept tabs go with the old one.
func (p *Pool) retireRun(r *run) (out int, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runs[r.owner] == r {
		delete(p.runs, r.owner)
	}
	first = !r.retired
	r.retired = true
	return r.leases, first
}

// checkDisposed looks whether Chrome still lists a browser context.
func (c *cleaning) checkDisposed(ctx context.Context, r *run) error {
	if r.member.browser.Err() != nil {
		c.say("its Chrome is gone")
		return nil
	}
	res, err := cdp.Call(ctx, r.member.browser.conn.root, target.GetBrowserContexts, cdp.Empty{})
	if err != nil {
		return fmt.Errorf("list browser contexts: %w", err)
	}
	if slices.Contains(res.BrowserContextIDs, r.context) {
		return errors.New("the browser context is still there")
	}
	c.say("browser context of %s gone", r.options.Site)
	return nil
}

// disposeContexts disposes of the browser contexts that no tab apart lives in, as far as they are wanted
// gone, and counts them.
func (c *cleaning) disposeContexts(ctx context.Context, gone func(*member, cdp.BrowserContextID) bool) int {
	found := 0
	for _, m := range c.pool.members() {
		res, err := cdp.Call(ctx, m.browser.conn.root, target.GetBrowserContexts, cdp.Empty{})
		if err != nil {
			c.failed(ctx, m, fmt.Errorf("list browser contexts: %w", err))
			continue
		}
		for _, id := range res.BrowserContextIDs {
			if m.browser.tracker.isApart(id) || !gone(m, id) {
				continue
			}
			found++
			err := m.browser.disposeContext(ctx, id)
			if err == nil {
				c.report.Count++
				c.pool.forgetContext(m, id)
			}
			c.failed(ctx, m, err)
		}
	}
	return found
}

// members are the living Chromes.
func (p *Pool) members() []*member {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []*member
	for m := range p.all {
		if m.browser.Err() == nil {
			list = append(list, m)
		}
	}
	return list
}

func (p *Pool) forgetContext(m *member, id cdp.BrowserContextID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(m.contexts, id)
}
