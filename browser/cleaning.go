package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
)

// cleaning is one cleanup under way.
type cleaning struct {
	pool   *Pool
	at     CleanAt
	report *CleanReport
	says   []string
	unsure bool // something could not be checked
}

// area is a browser context that a cleanup works in.
type area struct {
	ground
	own  bool         // nobody else's data are in it, or everybody's are meant
	keys []storageKey // whose data are meant
	tab  *Tab         // of a lease; nil otherwise
}

// matches says whether a run is one that is meant. The caller holds the pool's mu.
func (c *cleaning) matches(t *trace) bool {
	return (c.at.Site == "" || t.site == c.at.Site) && (c.at.Run == "" || t.run == c.at.Run)
}

// whole says whether the whole pool is meant.
func (c *cleaning) whole() bool { return c.at.Lease == nil && c.at.Site == "" && c.at.Run == "" }

// areas are the living browser contexts that are meant, with the storage keys that were touched there.
func (c *cleaning) areas() []area {
	if l := c.at.Lease; l != nil {
		return []area{{ground: l.at.ground, own: l.at.run != nil, keys: l.touched.list(), tab: l.Tab}}
	}
	p := c.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	byGround := map[ground]*area{}
	if c.whole() {
		for m := range p.all {
			byGround[ground{member: m}] = &area{ground: ground{member: m}, own: true}
			for in := range m.contexts {
				g := ground{member: m, context: in}
				byGround[g] = &area{ground: g, own: true}
			}
		}
	}
	for _, t := range p.traces {
		if c.matches(t) {
			p.addArea(byGround, t)
		}
	}
	areas := make([]area, 0, len(byGround))
	for g, a := range byGround {
		if g.member.browser.Err() == nil {
			areas = append(areas, *a)
		}
	}
	slices.SortFunc(areas, func(a, b area) int { return strings.Compare(string(a.context), string(b.context)) })
	return areas
}

// addArea adds the grounds of a run that are still there. The caller holds mu.
func (p *Pool) addArea(to map[ground]*area, t *trace) {
	for g := range t.grounds {
		if g.context != "" && !g.member.contexts[g.context] {
			delete(t.grounds, g)
			continue
		}
		a := to[g]
		if a == nil {
			a = &area{ground: g, own: p.ownsGround(g)}
			to[g] = a
		}
		for _, key := range t.touched.list() {
			if !slices.Contains(a.keys, key) {
				a.keys = append(a.keys, key)
			}
		}
	}
}

// ownsGround says whether a browser context is one run's, or one site's. The caller holds mu.
func (p *Pool) ownsGround(g ground) bool {
	for _, r := range p.runs {
		if r.ground == g {
			return true
		}
	}
	return false
}

// eachArea cleans the areas one after the other. A Chrome that does not answer is retired, so that the
// next lease gets another.
func (c *cleaning) eachArea(ctx context.Context, clean func(context.Context, area) error) {
	areas := c.areas()
	if len(areas) == 0 {
		c.skip(c.nowhere())
		return
	}
	for _, a := range areas {
		err := a.member.browser.Err()
		if err == nil {
			err = clean(ctx, a)
		}
		c.failed(ctx, a.member, err)
	}
}

// nowhere says why there is no browser context to clean.
func (c *cleaning) nowhere() string {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	if len(c.pool.all) == 0 {
		return "no Chrome runs"
	}
	for _, t := range c.pool.traces {
		if c.matches(t) && t.ended && t.isolation != IsolateTab && t.isolation != IsolatePage {
			return fmt.Sprintf("isolation %s has given it back with the run", t.isolation)
		}
	}
	return "nothing is known of this run: it has had no lease, or its Chrome is gone"
}

func (c *cleaning) skip(why string) { c.report.Skipped = why }

func (c *cleaning) say(format string, args ...any) {
	c.says = append(c.says, fmt.Sprintf(format, args...))
}

// answerTime is how long a Chrome may take to say that it is there.
const answerTime = 2 * time.Second

// failed notes an error. Where it is one of time, its Chrome is asked whether it is there at all.
func (c *cleaning) failed(ctx context.Context, m *member, err error) {
	if err == nil {
		return
	}
	c.report.Err = errors.Join(c.report.Err, err)
	if !isTimeout(err) || m.browser.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), answerTime, ErrHung)
	defer cancel()
	if _, err := cdp.Call(ctx, m.browser.conn.root, browser.GetVersion, cdp.Empty{}); err != nil {
		c.pool.retire(m, "it does not answer")
		c.say("Chrome %d does not answer and is retired", m.browser.PID())
	}
}

// finish turns what was said into the report's words.
func (c *cleaning) finish() {
	r := c.report
	r.Says = strings.Join(c.says, "; ")
	r.Verified = r.Skipped == "" && r.Err == nil && !c.unsure
	if r.Err != nil {
		r.Err = fmt.Errorf("clean %s: %w", r.Name, r.Err)
	}
}
