package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"
)

// cleanCookies deletes the cookies of the run's hosts, or all of a browser context that is the run's own.
func cleanCookies(ctx context.Context, c *cleaning) {
	t := tally{of: "cookies", known: true}
	c.eachArea(ctx, func(ctx context.Context, a area) error { return a.cleanCookies(ctx, &t) })
	if c.report.Skipped == "" {
		t.tell(c)
	}
}

func (a area) cleanCookies(ctx context.Context, t *tally) error {
	before, err := a.cookies(ctx)
	if err != nil {
		return err
	}
	if a.own {
		_, err = cdp.Call(ctx, a.member.browser.conn.root, storage.ClearCookies, storage.ClearCookiesParams{BrowserContextID: a.context})
	} else if len(before) > 0 {
		err = a.deleteCookies(ctx, before)
	}
	if err != nil {
		return fmt.Errorf("delete cookies: %w", err)
	}
	after, err := a.cookies(ctx)
	t.found += len(before)
	t.left += len(after)
	t.bytes += max(0, float64(cookieBytes(before)-cookieBytes(after)))
	return err
}

// cookies are those that are meant.
func (a area) cookies(ctx context.Context) ([]*network.Cookie, error) {
	res, err := cdp.Call(ctx, a.member.browser.conn.root, storage.GetCookies, storage.GetCookiesParams{BrowserContextID: a.context})
	if err != nil {
		return nil, fmt.Errorf("list cookies: %w", err)
	}
	if a.own {
		return res.Cookies, nil
	}
	return slices.DeleteFunc(res.Cookies, func(cookie *network.Cookie) bool { return !a.sent(cookie) }), nil
}

// sent says whether a cookie is sent to one of the area's hosts, or was set by a frame in their pages.
func (a area) sent(cookie *network.Cookie) bool {
	domain, below := strings.CutPrefix(cookie.Domain, ".")
	for _, key := range a.keys {
		host := key.host()
		if host == domain || below && strings.HasSuffix(host, "."+domain) {
			return true
		}
		if p := cookie.PartitionKey; p != nil && (site{scheme: schemeOf(p.TopLevelSite), host: storageKey{origin: p.TopLevelSite}.host(), wide: true}).holds(key.origin) {
			return true
		}
	}
	return false
}

func schemeOf(origin string) string {
	scheme, _, _ := strings.Cut(origin, ":")
	return scheme
}

// deleteCookies deletes cookies one by one, by their full names.
func (a area) deleteCookies(ctx context.Context, cookies []*network.Cookie) error {
	s, done, err := a.session(ctx)
	if err != nil {
		return err
	}
	defer done()
	for _, cookie := range cookies {
		params := network.DeleteCookiesParams{Name: cookie.Name, Domain: cookie.Domain, Path: cookie.Path, PartitionKey: cookie.PartitionKey}
		if _, callErr := cdp.Call(ctx, s, network.DeleteCookies, params); callErr != nil {
			err = errors.Join(err, callErr)
			if ctx.Err() != nil {
				break
			}
		}
	}
	return err
}

func cookieBytes(cookies []*network.Cookie) int {
	n := 0
	for _, cookie := range cookies {
		n += int(cookie.Size)
	}
	return n
}

// session is that of any page in the area: of a lease's tab, of the page that Chrome itself keeps open,
// or of one that is opened for it. done must be called.
func (a area) session(ctx context.Context) (s cdp.Session, done func(), err error) {
	b := a.member.browser
	if a.tab != nil && a.tab.Err() == nil {
		return a.tab.session, func() {}, nil
	}
	if a.context == "" {
		for _, id := range b.tracker.anchorPages() {
			if s, done, err = b.Attach(ctx, string(id)); err == nil || ctx.Err() != nil {
				return s, done, err
			}
		}
	}
	page, err := b.openStandIn(ctx, a.context)
	if err != nil {
		return nil, nil, err
	}
	return page.session, func() { _ = page.close(ctx) }, nil
}

// anchorPages are the pages that Chrome itself keeps open.
func (t *tracker) anchorPages() []target.ID {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []target.ID
	for id := range t.anchors {
		if t.targets[id].Type == "page" {
			ids = append(ids, id)
		}
	}
	return ids
}
