package browser

import (
	"cmp"
	"context"
	"slices"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
)

// maxNamed is how many windows a report names.
const maxNamed = 5

// cleanPopups closes windows that pages opened, and pages that belong to nobody.
func cleanPopups(ctx context.Context, c *cleaning) {
	found, left := 0, 0
	c.eachArea(ctx, func(ctx context.Context, a area) error {
		b := a.member.browser
		for _, w := range b.tracker.windows() {
			if !c.meant(a, w) {
				continue
			}
			found++
			if err := b.closeTarget(ctx, w.id); err != nil {
				left++
				return err
			}
			if b.tracker.has(w.id) {
				left++
			}
			if found <= maxNamed {
				c.say("%s closed: %s", w.name(), cmp.Or(w.URL, "no URL yet"))
			}
		}
		return nil
	})
	if c.report.Skipped != "" {
		return
	}
	c.report.Count, c.report.Of = found-left, "windows"
	c.unsure = left > 0
	if found == 0 && c.report.Err == nil {
		c.skip("no window is open that belongs to no tab")
	} else if found > 0 {
		c.say("%d of %d windows left", left, found)
	}
}

// window is a page that is no tab of the pool's.
type window struct {
	Target
	id target.ID
	by opening // the zero value where nobody is known to have opened it
}

func (w window) name() string {
	switch {
	case w.by.site != "":
		return "popup of " + w.by.site
	case w.Opener != "":
		return "popup of " + w.Opener
	}
	return "page of nobody"
}

// windows are the pages that belong to no tab, by their IDs.
func (t *tracker) windows() []window {
	var list []window
	for _, id := range t.orphans() {
		t.mu.Lock()
		if open, ok := t.targets[id]; ok {
			list = append(list, window{Target: open, id: id, by: t.opened[id]})
		}
		t.mu.Unlock()
	}
	return list
}

// meant says whether a window is one that is to be closed. A window of a tab that is at work is left
// alone, and in everybody's browser context one whose opener is not known is nobody's.
func (c *cleaning) meant(a area, w window) bool {
	if !a.holds(w.Target) {
		return false
	}
	l := c.at.Lease
	switch {
	case l != nil:
		return w.by.tab == l.Tab.id
	case c.pool.lends(w.by.tab):
		return false
	case c.whole():
		return true
	case w.by.tab == "":
		return a.context != "" // of the run's own context
	}
	return (c.at.Site == "" || w.by.site == c.at.Site) && (c.at.Run == "" || w.by.run == c.at.Run)
}

// lends says whether a lease has a tab.
func (p *Pool) lends(id target.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.leases {
		if l.Tab.id == id {
			return true
		}
	}
	return false
}

// closeOrphans closes the pages of a Chrome that belong to nobody, whoever opened them.
func (b *Browser) closeOrphans(ctx context.Context) error {
	for _, id := range b.tracker.orphans() {
		if err := b.closeTarget(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// orphans are the pages that belong to no tab, but for those that Chrome itself keeps open.
func (t *tracker) orphans() []target.ID {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []target.ID
	for id, info := range t.targets {
		if info.Type == "page" && t.tabs[id] == nil && !t.anchors[id] && !t.spared[id] && !t.apart[cdp.BrowserContextID(info.Context)] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
