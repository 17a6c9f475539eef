package browser

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
)

// leastBuffer is the smallest buffer for the bodies of responses that Chrome takes: it keeps none.
const leastBuffer = 1

// countBytes counts what the tab's pages fetch, over a session of its own: nobody else switches its Network domain
// off. That domain costs a fifth of a page's time, and keeps the bodies of responses in the page unless its buffers
// are small.
func (t *Tab) countBytes(ctx context.Context) error {
	attached, detach, err := t.browser.Attach(ctx, string(t.id))
	if err != nil {
		return fmt.Errorf("count what is fetched: %w", err)
	}
	t.uncount = detach
	listen(attached.(*session), network.LoadingFinished, func(ev network.EventLoadingFinished) {
		t.browser.fetched.Add(int64(ev.EncodedDataLength))
	})
	params := network.EnableParams{MaxTotalBufferSize: new(int64(leastBuffer)), MaxResourceBufferSize: new(int64(leastBuffer))}
	if _, err := cdp.Call(ctx, attached, network.Enable, params); err != nil {
		return fmt.Errorf("count what is fetched: %w", err)
	}
	return nil
}

// Fetched is how many bytes the pages of leases with CountBytes have fetched over the network so far, headers
// included; what comes from a cache counts nothing, and what workers fetch is not seen.
func (b *Browser) Fetched() int64 { return b.fetched.Load() }

// Fetched is that of all the pool's Chromes, also of those that have ended.
func (p *Pool) Fetched() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := p.fetched
	for m := range p.all {
		sum += m.browser.Fetched()
	}
	return sum
}
