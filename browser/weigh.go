package browser

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
)

// weighAfter is how long a document may take to arrive before it is weighed. Most have come by then, and
// weighing costs.
const weighAfter = 500 * time.Millisecond

// weighing is what is done about the size of the document that is open. The tab's mu guards it.
type weighing struct {
	arrived bool               // the whole document is there
	stop    context.CancelFunc // nil where it is not weighed
}

// weighed says whether a document's size is known only when it is there: its server announced none, or
// that of something compressed.
func (r Response) weighed() bool {
	return r.ContentLength < 0 || r.Header.Get("Content-Encoding") != ""
}

// weigh bounds a document whose size nobody has announced. It ends when the document has arrived, when
// another comes, and with the tab.
func (t *Tab) weigh(loader cdp.LoaderID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.weighing.arrived {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.weighing.stop = cancel
	go func() {
		defer cancel()
		select {
		case <-time.After(weighAfter):
			t.weighNow(ctx, loader)
		case <-ctx.Done():
		case <-t.session.done:
		}
	}()
}

// weighNow counts what still arrives, over a session of its own: nobody else switches its Network domain
// off.
func (t *Tab) weighNow(ctx context.Context, loader cdp.LoaderID) {
	attached, detach, err := t.browser.Attach(ctx, string(t.id))
	if err != nil {
		return // the tab, or Chrome, is about to end
	}
	defer detach()
	s, weight := attached.(*session), int64(0)
	listen(s, network.DataReceived, func(ev network.EventDataReceived) {
		if string(ev.RequestID) != string(loader) {
			return
		}
		if weight += ev.DataLength; weight > t.rules.MaxDocument {
			t.session.post(page.CommandStopLoading, cdp.Empty{})
			t.session.end(fmt.Errorf("%w: more than %d bytes have come, of which nothing was announced", ErrTooLarge, t.rules.MaxDocument))
		}
	})
	// Nobody waits for the reply: the page may be busy with what has come.
	s.post(network.CommandEnable, network.EnableParams{MaxTotalBufferSize: new(int64(leastBuffer)), MaxResourceBufferSize: new(int64(leastBuffer))})
	select {
	case <-ctx.Done():
	case <-t.session.done:
	}
}

// arrived notes that the whole document is there.
func (t *Tab) arrived() {
	t.mu.Lock()
	t.weighing.arrived = true
	t.mu.Unlock()
	t.weighedEnough()
}

// weighedEnough ends the weighing, if there is any.
func (t *Tab) weighedEnough() {
	t.mu.Lock()
	stop := t.weighing.stop
	t.weighing.stop = nil
	t.mu.Unlock()
	if stop != nil {
		stop()
	}
}
