package browser

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
)

// leastBuffer is the smallest buffer for the bodies of responses that Chrome takes: it keeps none.
const leastBuffer = 1

// blockedURLs are the parameters of Network.setBlockedURLs: * stands for any characters. cdproto knows only its other
// form, URLPattern, which has no word for a part of any address.
type blockedURLs struct {
	URLs []string `json:"urls"`
}

// watchNetwork counts what the tab's pages fetch, and keeps away what is blocked by address, over a session of its
// own: nobody else switches its Network domain off. That domain costs a fifth of a page's time, and keeps the bodies
// of responses in the page unless its buffers are small.
func (t *Tab) watchNetwork(ctx context.Context) error {
	if !t.rules.CountBytes && len(t.rules.BlockURLs) == 0 {
		return nil
	}
	attached, detach, err := t.browser.Attach(ctx, string(t.id))
	if err != nil {
		return fmt.Errorf("watch what is fetched: %w", err)
	}
	t.unwatch = detach
	if t.rules.CountBytes {
		listen(attached.(*session), network.LoadingFinished, func(ev network.EventLoadingFinished) {
			t.browser.fetched.Add(int64(ev.EncodedDataLength))
		})
	}
	params := network.EnableParams{MaxTotalBufferSize: new(int64(leastBuffer)), MaxResourceBufferSize: new(int64(leastBuffer))}
	if _, err := cdp.Call(ctx, attached, network.Enable, params); err != nil {
		return fmt.Errorf("watch what is fetched: %w", err)
	}
	if len(t.rules.BlockURLs) > 0 {
		if err := attached.Call(ctx, network.CommandSetBlockedURLs, blockedURLs{t.rules.BlockURLs}, nil); err != nil {
			return fmt.Errorf("block what is named by its address: %w", err)
		}
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
