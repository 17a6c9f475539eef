package browser

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
)

// renewTimeout bounds the making of another browser context for a run that goes on.
const renewTimeout = 10 * time.Second

// renewable says whether a run is to get another browser context: after so many leases, and when its Chrome has
// been retired, which is then free to close. The caller holds mu.
func (p *Pool) renewable(r *run) bool {
	limit := p.options.ContextPages
	if limit <= 0 || !r.options.Renew || r.options.Isolation != IsolateContext || r.owner.run == "" || r.renewing || r.retired || r.err != nil {
		return false
	}
	return r.lent >= limit || r.member.retired
}

// renewRun gives a run another browser context, with the cookies of the one that it has, which goes with its
// last lease. The other is there before that is given up; where it cannot be made, the run stays where it is
// for as many leases again.
func (p *Pool) renewRun(ctx context.Context, r *run) {
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	next := &run{owner: r.owner, options: r.options, ready: make(chan struct{})}
	res, err := cdp.Call(ctx, r.member.browser.conn.root, storage.GetCookies, storage.GetCookiesParams{BrowserContextID: r.context})
	if err == nil {
		next.cookies = res.Cookies
		p.prepare(ctx, next)
		err = next.err
	}
	p.mu.Lock()
	r.renewing, r.lent = false, 0
	if err != nil {
		p.mu.Unlock()
		return
	}
	current := p.runs[r.owner] == r && !r.ended && !p.shut
	old := next
	if current {
		p.runs[r.owner], r.retired, old = next, true, r
	}
	last := old.leases == 0
	p.mu.Unlock()
	if last {
		_ = p.endPlace(ctx, old) // a context that stays is retired with its Chrome
	}
}

// setCookies gives a browser context the cookies of another.
func (b *Browser) setCookies(ctx context.Context, in cdp.BrowserContextID, cookies []*network.Cookie) error {
	if len(cookies) == 0 {
		return nil
	}
	params := storage.SetCookiesParams{BrowserContextID: in}
	for _, c := range cookies {
		params.Cookies = append(params.Cookies, cookieParam(c))
	}
	if _, err := cdp.Call(ctx, b.conn.root, storage.SetCookies, params); err != nil {
		return fmt.Errorf("take cookies over: %w", err)
	}
	return nil
}

// cookieParam is a cookie as it is set. One of a single host is set by a URL of it: a domain that is named
// stands for those below it too.
func cookieParam(c *network.Cookie) *network.CookieParam {
	p := &network.CookieParam{
		Name: c.Name, Value: c.Value, Path: c.Path, Secure: c.Secure, HTTPOnly: c.HTTPOnly, SameSite: c.SameSite,
		Priority: c.Priority, SourceScheme: c.SourceScheme, SourcePort: c.SourcePort, PartitionKey: c.PartitionKey,
	}
	if !c.Session {
		p.Expires = cdp.TimeSinceEpoch(c.Expires)
	}
	if strings.HasPrefix(c.Domain, ".") {
		p.Domain = c.Domain
		return p
	}
	scheme := "http"
	if c.Secure {
		scheme = "https"
	}
	p.URL = scheme + "://" + c.Domain + c.Path
	return p
}
