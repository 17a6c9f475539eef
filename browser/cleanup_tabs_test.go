package browser_test

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

// heapMB is the tab's JavaScript heap with its buffers, after a collection if it is wished.
func (w *cleanWorld) heapMB(l *browser.Lease, collect bool) float64 {
	w.t.Helper()
	if collect {
		_, err := cdp.Call(w.ctx, l.Session(), heapprofiler.CollectGarbage, cdp.Empty{})
		require.NoError(w.t, err)
	}
	res, err := cdp.Call(w.ctx, l.Session(), runtime.GetHeapUsage, cdp.Empty{})
	require.NoError(w.t, err)
	return (res.UsedSize + res.BackingStorageSize) / (1 << 20)
}

func TestCleanupReleaseObjects(t *testing.T) {
	w := newCleanWorld(t)
	l := w.lease(w.tab("shop"), w.origin("a")+"/")
	w.eval(l, `keep = new Array(100000).fill(1.5); for (let i = 0; i < 20; i++) console.log(new Array(100000).fill(i + .5)); setTimeout(() => { throw new Error("x") })`, nil)
	before := w.heapMB(l, true)
	require.Greater(t, before, 15.0, "the console keeps what it was given")
	r := w.clean("release-objects", browser.CleanAt{Lease: l})
	require.GreaterOrEqual(t, r.Count, 20)
	require.True(t, r.Verified, r.Says)
	require.Less(t, w.heapMB(l, true), before-14)
	var kept int
	w.eval(l, `keep.length`, &kept)
	require.Equal(t, 100000, kept, "what the page itself holds stays")
	w.release(l)
}

func TestCleanupGC(t *testing.T) {
	w := newCleanWorld(t)
	l := w.lease(w.tab("shop"), w.origin("a")+"/")
	w.eval(l, `worker = new Worker("/busy.js"), new Promise(ok => worker.onmessage = () => ok(1))`, nil)
	w.eval(l, `keep = new Array(100000).fill(1.5); for (let i = 0; i < 20; i++) self.x = new Array(100000).fill(i + .5); self.x = null`, nil)
	require.Eventually(t, func() bool { return targets(l.Browser(), "worker") == 1 }, 5*time.Second, time.Millisecond)
	before := w.heapMB(l, false)
	r := w.clean("gc", browser.CleanAt{Lease: l})
	require.Equal(t, 2, r.Count, "the page and its worker")
	require.True(t, r.Verified)
	require.Greater(t, r.Bytes, 5.0*(1<<20))
	after := w.heapMB(l, false)
	require.Less(t, after, before-5)
	require.Greater(t, after, 0.7, "what the page holds stays")
	w.release(l)
}

func TestCleanupMemoryPressureTellsThatItDoesNothing(t *testing.T) {
	w := newCleanWorld(t)
	l := w.lease(w.tab("shop"), w.origin("a")+"/")
	w.eval(l, `for (let i = 0; i < 20; i++) self.x = new Array(100000).fill(i + .5); self.x = null`, nil)
	before := w.heapMB(l, false)
	r := w.clean("memory-pressure", browser.CleanAt{Lease: l})
	require.False(t, r.Verified)
	require.Contains(t, r.Says, "nothing came back: Chromium does not act on it")
	require.InDelta(t, before, w.heapMB(l, false), before/10)
	w.release(l)
}

func TestCleanupBlank(t *testing.T) {
	w := newCleanWorld(t)
	o := w.tab("shop")
	o.LeaveDocuments = true
	l := w.lease(o, w.origin("a")+"/")
	w.open(l, w.origin("b")+"/")
	w.eval(l, `keep = new Array(2e6).fill(1.5)`, nil)
	w.release(l)
	kept := o
	kept.Keep = "shop page"
	k := w.lease(kept, w.origin("a")+"/")
	w.eval(k, `localStorage.x = 1`, nil)
	w.release(k)
	require.NoError(t, w.pool.EndRun(w.ctx, o.Run))
	require.Equal(t, w.origin("b")+"/", l.URL(), "the document was left")
	other := w.lease(w.tab("other"), w.origin("a")+"/")

	r := w.clean("blank", browser.CleanAt{Site: "shop", Run: o.Run})
	require.Equal(t, 2, r.Count)
	require.True(t, r.Verified, r.Says)
	for _, tab := range []*browser.Lease{l, k} {
		require.Equal(t, "about:blank", tab.URL())
		history, err := cdp.Call(w.ctx, tab.Session(), page.GetNavigationHistory, cdp.Empty{})
		require.NoError(t, err)
		require.Len(t, history.Entries, 1)
	}
	require.Less(t, w.heapMB(l, true), 10.0, "what the document held is garbage")
	require.Equal(t, w.origin("a")+"/", other.URL(), "a leased tab is left alone")
	kept.Run = "next"
	again := w.lease(kept, "")
	require.Equal(t, k.ID(), again.ID(), "the tab is the same")
	require.False(t, again.Kept(), "but its document is gone")
	w.open(again, w.origin("a")+"/")
	require.Equal(t, 1, w.seen(again, "see()").Local, "what is stored stays")
	w.release(again)
	again = w.lease(kept, "")
	require.True(t, again.Kept())
	require.Equal(t, 1, w.clean("blank", browser.CleanAt{Lease: again}).Count)
	require.False(t, again.Kept())
	w.release(again)
	again = w.lease(kept, "")
	require.False(t, again.Kept())
	w.release(again)
	w.release(other)
}

func TestCleanupClosePopups(t *testing.T) {
	w := newCleanWorld(t)
	open := func(o browser.LeaseOptions) *browser.Lease {
		l := w.lease(o, w.origin("a")+"/")
		w.eval(l, `first = window.open("/popup"), new Promise(ok => setTimeout(ok, 0))`, nil)
		require.Eventually(t, func() bool { return l.Popups() > 0 }, 5*time.Second, time.Millisecond)
		w.eval(l, `new Promise(ok => { const go = () => first.document.readyState == "complete" && first.location.pathname == "/popup" ? ok(first.eval("window.open('/second'), 1")) : setTimeout(go, 1); go() })`, nil)
		return l
	}
	o := w.tab("shop")
	l := open(o)
	b := l.Browser()
	atWork := open(w.tab("other"))
	require.Eventually(t, func() bool { return pagesOf(b) == 6 }, 5*time.Second, time.Millisecond, "two tabs with two windows each")
	apart, err := b.OpenApart(w.ctx)
	require.NoError(t, err)
	require.NoError(t, l.Release(w.ctx, browser.ErrHung), "the tab is closed, its windows stay")
	require.Equal(t, 6, pagesOf(b))

	r := w.clean("close-popups", browser.CleanAt{Site: "shop", Run: o.Run})
	require.Equal(t, 2, r.Count, "the window, and the window's own")
	require.True(t, r.Verified, r.Says)
	require.Contains(t, r.Says, "popup of shop closed: "+w.origin("a")+"/popup")
	require.Equal(t, 4, pagesOf(b))
	require.NotEmpty(t, w.clean("close-popups", browser.CleanAt{}).Skipped, "those of a tab that is at work stay")
	require.Equal(t, 2, w.clean("close-popups", browser.CleanAt{Lease: atWork}).Count)
	require.Equal(t, 2, pagesOf(b), "the tab at work and the tab apart")
	w.release(atWork)
	_, err = cdp.Call(w.ctx, b.Session(), target.CreateTarget, target.CreateTargetParams{URL: w.origin("b") + "/"})
	require.NoError(t, err)
	require.NotEmpty(t, w.clean("close-popups", browser.CleanAt{Site: "shop", Run: o.Run}).Skipped, "it may be anybody's")
	require.Contains(t, w.clean("close-popups", browser.CleanAt{}).Says, "page of nobody closed")
	require.Equal(t, 2, pagesOf(b))
	_, err = apart.EvaluateMain(w.ctx, "1")
	require.NoError(t, err)
	require.NoError(t, apart.Close(w.ctx))
}
