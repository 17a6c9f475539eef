package browser_test

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

// contexts counts the browser contexts beside the default one.
func (w *cleanWorld) contexts(b *browser.Browser) int {
	w.t.Helper()
	res, err := cdp.Call(w.ctx, b.Session(), target.GetBrowserContexts, cdp.Empty{})
	require.NoError(w.t, err)
	return len(res.BrowserContextIDs)
}

// tabsOf are the targets of the pool's tabs.
func tabsOf(p *browser.Pool) []string {
	var ids []string
	for _, t := range p.Tabs() {
		ids = append(ids, t.Tab.ID())
	}
	return ids
}

func TestCleanupRecreatePage(t *testing.T) {
	w := newCleanWorld(t)
	o := w.tab("shop")
	kept := o
	kept.Keep = "shop page"
	l, k := w.lease(o, w.origin("a")+"/"), w.lease(kept, w.origin("a")+"/")
	w.eval(l, `localStorage.x = 1`, nil)
	other := w.lease(w.tab("other"), "")
	w.release(other)
	apart, err := l.Browser().OpenApart(w.ctx)
	require.NoError(t, err)

	r := w.clean("recreate-page", browser.CleanAt{Lease: l})
	require.Contains(t, r.Says, "when its lease comes back")
	require.Equal(t, 1, w.seen(l, "see()").Local, "the lease works on")
	w.release(l)
	require.Equal(t, "the tab is closed", l.Err().Error())
	require.NotContains(t, tabsOf(w.pool), l.ID())
	again := w.lease(o, w.origin("a")+"/")
	require.Equal(t, 1, w.seen(again, "see()").Local, "what is stored stays")
	w.release(again)
	w.release(k)

	r = w.clean("recreate-page", browser.CleanAt{Site: "shop", Run: o.Run})
	require.Equal(t, 2, r.Count, "the idle and the kept tab")
	require.True(t, r.Verified, r.Says)
	require.Equal(t, []string{other.ID()}, tabsOf(w.pool))
	require.Equal(t, 2, pagesOf(l.Browser()), "another site's tab, the tab apart")
	fresh := w.lease(kept, "")
	require.False(t, fresh.Kept())
	r = w.clean("recreate-page", browser.CleanAt{})
	require.Equal(t, 1, r.Count, "the whole pool, but not what is lent")
	w.release(fresh)
	require.NoError(t, apart.Err())
	require.NoError(t, apart.Close(w.ctx))
	w.clean("recreate-page", browser.CleanAt{})
	require.NotEmpty(t, w.clean("recreate-page", browser.CleanAt{}).Skipped)
	require.Zero(t, pagesOf(l.Browser()))
	w.usable()
}

// TestCleanupRecreateContextOfARun replaces a run's context while two leases are out in it.
func TestCleanupRecreateContextOfARun(t *testing.T) {
	w := newCleanWorld(t)
	o := browser.LeaseOptions{Site: "shop", Run: "1"}
	one, two := w.lease(o, w.origin("a")+"/"), w.lease(o, w.origin("a")+"/")
	b := one.Browser()
	require.Equal(t, 1, w.seen(one, "fill()").Local)
	apart, err := b.OpenApart(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 2, w.contexts(b))

	r := w.clean("recreate-context", browser.CleanAt{Lease: one})
	require.Contains(t, r.Says, "2 leases have come back")
	three := w.lease(o, w.origin("a")+"/")
	require.Equal(t, nothing, w.seen(three, "see()"), "the run's next lease has a context of its own")
	w.release(one)
	require.Equal(t, 3, w.contexts(b), "the old one stays for its other lease")
	require.Equal(t, 1, w.seen(two, "see()").Local)
	w.release(two)
	require.Equal(t, 2, w.contexts(b))
	require.NoError(t, three.Err())
	w.release(three)
	require.Contains(t, w.clean("recreate-context", browser.CleanAt{Site: "shop", Run: "1"}).Skipped, "isolation context does it after each run")
	require.NoError(t, w.pool.EndRun(w.ctx, "1"))
	require.Equal(t, 1, w.contexts(b), "only that of the tab apart")
	require.NoError(t, apart.Close(w.ctx))
	w.usable()
}

// TestCleanupRecreateContextOfASite replaces the context that a site has for itself between its runs.
func TestCleanupRecreateContextOfASite(t *testing.T) {
	w := newCleanWorld(t)
	own := func() browser.LeaseOptions {
		o := w.tab("shop")
		o.OwnContext = true
		return o
	}
	o := own()
	l := w.lease(o, w.origin("a")+"/")
	b := l.Browser()
	require.Equal(t, 1, w.seen(l, "fill()").Local)
	kept := o
	kept.Keep = "shop page"
	k := w.lease(kept, w.origin("a")+"/")
	require.Equal(t, 1, w.seen(k, "see()").Local, "kept tabs are in it too")
	w.release(k)
	w.release(l)
	require.NoError(t, w.pool.EndRun(w.ctx, o.Run))
	o = own()
	again := w.lease(o, w.origin("a")+"/")
	require.Equal(t, l.ID(), again.ID(), "it stays between runs")
	require.Equal(t, 1, w.seen(again, "see()").Local)
	w.release(again)
	shared := w.lease(w.tab("shop"), w.origin("a")+"/")
	require.Equal(t, nothing, w.seen(shared, "see()"), "and shares nothing")
	w.release(shared)
	require.Equal(t, 1, w.contexts(b))

	r := w.clean("recreate-context", browser.CleanAt{Site: "shop", Run: o.Run})
	require.Equal(t, 1, r.Count)
	require.True(t, r.Verified, r.Says)
	require.Zero(t, w.contexts(b))
	require.Equal(t, []string{shared.ID()}, tabsOf(w.pool), "its tabs are gone, others are not")
	require.Contains(t, w.clean("recreate-context", browser.CleanAt{Site: "shop", Run: o.Run}).Skipped, "its next lease makes one")
	fresh := w.lease(kept, w.origin("a")+"/")
	require.False(t, fresh.Kept())
	require.Equal(t, nothing, w.seen(fresh, "see()"))
	r = w.clean("recreate-context", browser.CleanAt{Lease: fresh})
	require.Contains(t, r.Says, "1 lease has come back")
	w.release(fresh)
	require.Zero(t, w.contexts(b))
	require.Contains(t, w.clean("recreate-context", browser.CleanAt{Site: "shop", Run: shared.ID()}).Skipped, "no browser context")
	other := w.lease(w.tab("other"), "")
	require.Contains(t, w.clean("recreate-context", browser.CleanAt{Lease: other}).Skipped, "OwnContext")
	w.release(other)

	w.release(w.lease(own(), ""))
	require.Equal(t, 1, w.contexts(b))
	require.Equal(t, 1, w.clean("recreate-context", browser.CleanAt{}).Count, "the whole pool")
	require.Zero(t, w.contexts(b))
}

// Two runs of one site that end at once both ask for a new browser context: the old one is disposed of once, and Chrome
// stays.
func TestCleanupRecreateContextTwiceAtOnce(t *testing.T) {
	w := newCleanWorld(t)
	o := w.tab("shop")
	o.OwnContext = true
	for range 10 {
		l := w.lease(o, w.origin("a")+"/")
		b := l.Browser()
		w.release(l)
		var wg sync.WaitGroup
		reports := make([]browser.CleanReport, 3)
		for i := range reports {
			wg.Go(func() { reports[i] = w.pool.Clean(w.ctx, "recreate-context", browser.CleanAt{Site: "shop"}) })
		}
		wg.Wait()
		for _, r := range reports {
			require.NoError(t, r.Err)
		}
		next := w.lease(o, w.origin("a")+"/")
		require.Equal(t, b, next.Browser(), "Chrome is not retired")
		w.release(next)
	}
}

// TestSiteContextAndItsChrome kills and retires the Chrome that a site's context lives in.
func TestSiteContextAndItsChrome(t *testing.T) {
	w := newCleanWorld(t)
	o := browser.LeaseOptions{Site: "shop", Run: "1", Isolation: browser.IsolateTab, OwnContext: true}
	l := w.lease(o, w.origin("a")+"/")
	first := l.Browser()
	w.release(l)
	first.Kill()
	<-first.Gone()
	l = w.lease(o, w.origin("a")+"/")
	second := l.Browser()
	require.NotSame(t, first, second)
	require.Equal(t, 1, w.contexts(second))
	require.NoError(t, w.pool.Clean(w.ctx, "restart-browser", browser.CleanAt{}).Err)
	next := w.lease(o, w.origin("a")+"/")
	require.NotSame(t, second, next.Browser(), "a retired Chrome's context takes no new leases")
	w.release(l)
	<-second.Gone()
	require.NoError(t, next.Err())
	w.release(next)
	_, err := w.pool.Acquire(w.ctx, browser.LeaseOptions{Site: "shop", Run: "1", OwnContext: true})
	require.ErrorContains(t, err, "isolation tab")
}

func TestCleanupRestartBrowser(t *testing.T) {
	w := newCleanWorld(t)
	kept := w.tab("shop")
	kept.Keep = "shop page"
	require.Contains(t, w.clean("restart-browser", browser.CleanAt{}).Skipped, "no Chrome runs")
	k := w.lease(kept, w.origin("a")+"/")
	first := k.Browser()
	w.release(k)
	r := w.clean("restart-browser", browser.CleanAt{Site: "shop", Run: kept.Run})
	require.True(t, r.Verified, r.Says)
	require.Equal(t, 1, r.Count)
	require.ErrorIs(t, syscall.Kill(first.PID(), 0), syscall.ESRCH)
	require.Len(t, w.pool.Browsers(), 1, "a new one runs already")

	k = w.lease(kept, w.origin("a")+"/")
	require.False(t, k.Kept(), "the kept tab went with its Chrome")
	second := k.Browser()
	r = w.clean("restart-browser", browser.CleanAt{})
	require.Contains(t, r.Says, "draining: 1 lease or run is out")
	require.False(t, r.Verified)
	require.NoError(t, k.Err(), "never under a running job")
	require.Len(t, w.pool.Browsers(), 2)
	w.release(k)
	<-second.Gone()
	next := w.lease(kept, w.origin("a")+"/")
	require.False(t, next.Kept())
	r = w.clean("restart-browser", browser.CleanAt{Lease: next})
	require.Contains(t, r.Says, "draining")
	w.release(next)
	<-next.Browser().Gone()
	w.usable()
}

// TestCleanupRestartBrowserOfARun replaces the Chrome that a run has for itself.
func TestCleanupRestartBrowserOfARun(t *testing.T) {
	w := newCleanWorld(t)
	o := browser.LeaseOptions{Site: "shop", Run: "1", Isolation: browser.IsolateBrowser}
	one := w.lease(o, w.origin("a")+"/")
	require.Contains(t, w.clean("recreate-context", browser.CleanAt{Lease: one}).Skipped, "use restart-browser")
	require.Contains(t, w.clean("restart-browser", browser.CleanAt{Lease: one}).Says, "draining")
	two := w.lease(o, "")
	require.NotSame(t, one.Browser(), two.Browser())
	w.release(one)
	<-one.Browser().Gone()
	w.release(two)
	require.Contains(t, w.clean("restart-browser", browser.CleanAt{Site: "shop", Run: "1"}).Skipped, "isolation browser does it after each run")
	require.NoError(t, w.pool.EndRun(w.ctx, "1"))
	require.Eventually(t, func() bool { return len(w.pool.Browsers()) == 0 }, 5*time.Second, time.Millisecond)
}
