package browser

import (
	"context"
	"errors"
	"slices"
)

// cleanPages closes the tabs that no lease has; a leased one is closed by Release.
func cleanPages(ctx context.Context, c *cleaning) {
	c.report.Of = "tabs"
	if l := c.at.Lease; l != nil {
		if err := l.at.member.browser.Err(); err != nil {
			c.report.Err = err
			return
		}
		l.spent.Store(true)
		c.unsure = true
		c.report.Count = 1
		c.say("the tab closes when its lease comes back")
		return
	}
	n := c.eachTab(ctx, func(ctx context.Context, h *held) error {
		c.pool.dropTab(h)
		if err := h.Tab.close(ctx); err != nil && !errors.Is(err, ErrGone) {
			c.pool.retire(h.at.member, "a tab could not be closed") // a tab that does not close dies with its Chrome
			return err
		}
		if !h.browser.tracker.has(h.id) {
			c.report.Count++
		}
		return nil
	})
	if n > 0 {
		c.unsure = c.report.Count < n
		c.say("%d of %d tabs left", n-c.report.Count, n)
	}
}

// dropTab takes an idle or kept tab out of the pool. Whoever waits for a kept one sees that it is no
// longer current.
func (p *Pool) dropTab(h *held) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(i *idleTab) bool { return i == h.idle })
	for name, k := range p.kept {
		if k == h.kept {
			delete(p.kept, name)
		}
	}
}
