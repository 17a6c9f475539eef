package browser

import "github.com/chromedp/cdproto/cdp"

// ground is a browser context ("" is the default one) of one Chrome.
type ground struct {
	member  *member
	context cdp.BrowserContextID
}

// spot is where a lease's tab lives, and whose place that is: nil for everybody's.
type spot struct {
	ground
	run *run
}

// enter counts one more lease; false where the place takes none. The caller holds the pool's mu.
func (s spot) enter() bool {
	m, r := s.member, s.run
	if m.browser.Err() != nil || r != nil && (r.retired || r.owner.run == "" && m.retired) {
		return false
	}
	m.uses++
	if r != nil {
		r.leases++
	}
	return true
}

// owner is who has a browser context, or a Chrome, for itself: a run until its end, or a site.
type owner struct{ run, site string }

// owner says whose own place a lease belongs to, if any.
func (o LeaseOptions) owner() (owner, bool) {
	switch {
	case o.Isolation == IsolateContext, o.Isolation == IsolateBrowser:
		return owner{run: o.Run}, true
	case o.siteOwn():
		return owner{site: o.Site}, true
	}
	return owner{}, false
}

// siteOwn says whether the site's tabs that outlive a run need a browser context of the
// site's own.
func (o LeaseOptions) siteOwn() bool {
	return o.Isolation == IsolateTab && o.OwnContext || o.otherProxy && (o.Isolation == IsolateTab || o.Isolation == IsolatePage || o.Keep != "")
}
