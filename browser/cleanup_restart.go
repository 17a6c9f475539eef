package browser

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// cleanBrowser replaces Chrome and lets the old one end with its last use. After a page that is the
// lease's Chrome; otherwise it is the one that runs share. The run after which it is done is over: what
// it has for itself goes first.
func cleanBrowser(ctx context.Context, c *cleaning) {
	c.report.Of = "browsers"
	m, why := c.chrome()
	if m == nil {
		c.skip(why)
		return
	}
	if c.at.Run != "" {
		if err := c.pool.endIdleRun(ctx, c.at.Run); err != nil {
			c.failed(ctx, m, err)
		}
	}
	switch err := c.replace(ctx, m); {
	case errors.Is(err, ErrDraining):
		c.skip(err.Error())
		return
	case err != nil:
		c.failed(ctx, m, err)
		return
	}
	if out := c.pool.usesOf(m); out > 0 {
		c.unsure = true
		c.say("draining: %s out", plural(out, "lease or run is", "leases and runs are"))
	} else if err := awaitGone(ctx, m.browser); err != nil {
		c.failed(ctx, m, err)
	} else {
		c.say("process %d is gone", m.browser.PID())
	}
}

// replace begins the end of a Chrome: of the one that runs share once another is up, of a run's own at
// once.
func (c *cleaning) replace(ctx context.Context, m *member) error {
	if m.own {
		c.pool.retireRun(c.at.Lease.at.run) // the run's next lease starts another
		c.pool.endOwn(m)
		c.report.Count = 1
		return nil
	}
	if c.pool.isRetired(m) {
		return nil
	}
	if err := c.pool.replace(ctx, m); err != nil {
		return err
	}
	c.report.Count = 1
	return nil
}

// chrome is the Chrome that is meant, or why there is none.
func (c *cleaning) chrome() (*member, string) {
	if l := c.at.Lease; l != nil {
		if err := l.at.member.browser.Err(); err != nil {
			return nil, fmt.Sprintf("its Chrome is gone already: %v", err)
		}
		return l.at.member, ""
	}
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	if !c.whole() {
		for _, t := range c.pool.traces {
			if c.matches(t) && t.isolation == IsolateBrowser {
				return nil, "isolation browser does it after each run"
			}
		}
	}
	if c.pool.main == nil || c.pool.main.browser.Err() != nil {
		return nil, "no Chrome runs: the next lease starts one"
	}
	return c.pool.main, ""
}

func (p *Pool) isRetired(m *member) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return m.retired
}

func (p *Pool) usesOf(m *member) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return m.uses
}

// awaitGone waits until nothing of a Chrome is left.
func awaitGone(ctx context.Context, b *Browser) error {
	select {
	case <-b.cleaned:
	case <-ctx.Done():
		return fmt.Errorf("wait for the old Chrome's end: %w", context.Cause(ctx))
	}
	if err := syscall.Kill(b.PID(), 0); !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("process %d is still there", b.PID())
	}
	return nil
}
