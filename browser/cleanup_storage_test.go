package browser_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

// TestStorageCleanups does each cleanup of an origin's storage after a run, and looks from new pages at
// what is left: of the run's origins, of a frame of another site in its page, and of a site that the
// run did not touch.
func TestStorageCleanups(t *testing.T) {
	w := newCleanWorld(t)
	a, b, frame := w.origin("a"), w.origin("b"), w.origin("c")
	host := a + "/host?frame=" + frame + "/"
	for _, c := range []struct {
		name  string
		left  seen // of the run's origin, without the sessionStorage of the tab
		part  seen // of the frame
		count int
		of    string
		bytes float64 // at least
	}{
		{"local-storage", seen{Databases: 1, Caches: 1, Workers: 1, Cookies: "c=3"}, seen{Databases: 1, Caches: 1, Workers: 1}, 2, "items", 4},
		{"indexeddb", seen{Local: 1, Caches: 1, Workers: 1, Cookies: "c=3"}, seen{Local: 1, Caches: 1, Workers: 1}, 2, "databases", 10_000},
		{"cache-storage", seen{Local: 1, Databases: 1, Workers: 1, Cookies: "c=3"}, seen{Local: 1, Databases: 1, Workers: 1}, 2, "caches", 2000},
		{"service-workers", seen{Local: 1, Databases: 1, Caches: 1, Cookies: "c=3"}, seen{Local: 1, Databases: 1, Caches: 1}, 2, "service workers", 1},
		{"cookies", seen{Local: 1, Databases: 1, Caches: 1, Workers: 1}, seen{Local: 1, Databases: 1, Caches: 1, Workers: 1}, 1, "cookies", 2},
		{"storage", nothing, nothing, 9, "cookies and stores", 10_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			other := w.lease(w.tab("other"), b+"/")
			require.Equal(t, full, w.seen(other, "fill()"))
			o := w.tab("shop")
			l := w.lease(o, host)
			require.Equal(t, full, w.seen(l, "fill()"))
			require.Equal(t, inPart, w.seen(l, `inFrame("fill")`))
			w.open(l, w.origin("d")+"/") // the page is gone by now
			w.release(l)
			require.NoError(t, w.pool.EndRun(w.ctx, o.Run))

			r := w.clean(c.name, browser.CleanAt{Site: o.Site, Run: o.Run})
			require.True(t, r.Verified, r.Says)
			require.Equal(t, c.count, r.Count)
			require.Equal(t, c.of, r.Of)
			require.True(t, r.BytesKnown)
			require.GreaterOrEqual(t, r.Bytes, c.bytes)
			require.Empty(t, r.Skipped)

			l = w.lease(w.tab("looks"), host)
			require.Equal(t, c.left, w.seen(l, "see()"))
			require.Equal(t, c.part, w.seen(l, `inFrame("see")`))
			w.release(l)
			w.open(other, b+"/")
			require.Equal(t, full, w.seen(other, "see()"), "another origin is not touched")
			require.NoError(t, other.Release(w.ctx, nil))
			if c.name == "service-workers" || c.name == "storage" {
				require.Equal(t, 1, targets(l.Browser(), "service_worker"), "only the other site's worker runs")
			}
			require.Zero(t, pagesOf(l.Browser())-3, "the page that looks is closed again")

			again := w.clean(c.name, browser.CleanAt{Site: o.Site, Run: o.Run})
			if c.name == "storage" {
				require.Zero(t, again.Count, "nothing is left")
			}
			require.NoError(t, w.pool.Clean(w.ctx, "storage", browser.CleanAt{Site: "other"}).Err)
			require.NoError(t, w.pool.Clean(w.ctx, "storage", browser.CleanAt{Site: "shop"}).Err)
		})
	}
}

// TestStorageOfALease cleans after a page, in the run's own browser context, while its page is open and
// controlled by its service worker.
func TestStorageOfALease(t *testing.T) {
	w := newCleanWorld(t)
	a := w.origin("a")
	outside := w.lease(w.tab("outside"), a+"/")
	require.Equal(t, full, w.seen(outside, "fill()"))
	l := w.lease(browser.LeaseOptions{Site: "shop", Run: "1"}, a+"/")
	require.Equal(t, full, w.seen(l, "fill()"))
	w.open(l, a+"/") // now the worker controls it
	require.True(t, w.clean("session-storage", browser.CleanAt{Lease: l}).Verified)
	require.Equal(t, seen{Local: 1, Databases: 1, Caches: 1, Workers: 1, Cookies: "c=3"}, w.seen(l, "see()"), "localStorage stays")
	r := w.clean("storage", browser.CleanAt{Lease: l})
	require.True(t, r.Verified, r.Says)
	require.Equal(t, nothing, w.seen(l, "see()"))
	require.Equal(t, 1, targets(l.Browser(), "service_worker"))
	require.Equal(t, full, w.seen(outside, "see()"), "the same origin in another browser context is not touched")
	w.release(l)
	require.NoError(t, w.pool.EndRun(w.ctx, "1"))
	require.Contains(t, w.clean("storage", browser.CleanAt{Site: "shop", Run: "1"}).Skipped, "isolation context has given it back")
	w.release(outside)
}

// TestSessionStorage takes the frames of the page too, and says why it can do nothing for an empty one.
func TestSessionStorage(t *testing.T) {
	w := newCleanWorld(t)
	l := w.lease(w.tab("shop"), w.origin("a")+"/host?frame="+w.origin("c")+"/")
	w.eval(l, "fill()", nil)
	w.eval(l, `inFrame("fill")`, nil)
	r := w.clean("session-storage", browser.CleanAt{Lease: l})
	require.Equal(t, 2, r.Count)
	require.True(t, r.Verified)
	require.Equal(t, 2.0*2, r.Bytes)
	require.Zero(t, w.seen(l, "see()").Session)
	require.Zero(t, w.seen(l, `inFrame("see")`).Session)
	require.Equal(t, 1, w.seen(l, `inFrame("see")`).Local)
	require.NoError(t, l.Blank(w.ctx))
	require.Contains(t, w.clean("session-storage", browser.CleanAt{Lease: l}).Skipped, "recreate-page")
	w.release(l)
}

// TestCookiesOfOthers deletes the cookies that are sent to the run's hosts, those of a redirect
// among them, and no others.
func TestCookiesOfOthers(t *testing.T) {
	w := newCleanWorld(t)
	other := w.lease(w.tab("other"), w.origin("b")+"/")
	w.eval(other, `document.cookie = "keep=1"`, nil)
	o := w.tab("shop")
	l := w.lease(o, w.origin("r")+"/go?to="+w.origin("www.a")+"/")
	w.eval(l, `document.cookie = "host=1", document.cookie = "domain=1; domain=a.localhost"`, nil)
	w.release(l)
	r := w.clean("cookies", browser.CleanAt{Site: o.Site, Run: o.Run})
	require.Equal(t, 3, r.Count, "of the host, of the domain above it, of the redirect")
	require.True(t, r.Verified)
	require.Equal(t, "0 of 3 cookies left", r.Says)
	var text string
	w.eval(other, `document.cookie`, &text)
	require.Equal(t, "keep=1", text)
	w.release(other)
	r = w.clean("cookies", browser.CleanAt{})
	require.Equal(t, 1, r.Count, "the whole pool: all of them")
}

// TestHTTPCache asks the server how often it was asked: on disk in the default browser context, in
// memory in another.
func TestHTTPCache(t *testing.T) {
	w := newCleanWorld(t)
	get := func(l *browser.Lease) int64 {
		w.eval(l, `fetch("/cached").then(r => r.text())`, nil)
		return w.asked.Load()
	}
	onDisk := w.lease(w.tab("disk"), w.origin("a")+"/")
	inMemory := w.lease(browser.LeaseOptions{Site: "memory", Run: "1"}, w.origin("a")+"/")
	require.EqualValues(t, 1, get(onDisk))
	require.EqualValues(t, 1, get(onDisk), "it is cached")
	require.EqualValues(t, 2, get(inMemory))
	require.EqualValues(t, 2, get(inMemory))

	require.Eventually(t, func() bool { return cacheFiles(t, onDisk.Browser()) > 0 }, 5*time.Second, 10*time.Millisecond)
	r := w.clean("http-cache", browser.CleanAt{Lease: onDisk})
	require.True(t, r.Verified, r.Says)
	require.True(t, r.BytesKnown)
	require.GreaterOrEqual(t, r.Bytes, 50_000.0)
	require.Positive(t, r.Count)
	require.Zero(t, cacheFiles(t, onDisk.Browser()))
	require.EqualValues(t, 2, get(inMemory), "the cache of another browser context is not touched")
	require.EqualValues(t, 3, get(onDisk), "the server is asked again")

	r = w.clean("http-cache", browser.CleanAt{Lease: inMemory})
	require.True(t, r.Verified, r.Says)
	require.False(t, r.BytesKnown)
	require.EqualValues(t, 3, get(onDisk))
	require.EqualValues(t, 4, get(inMemory))
	w.release(onDisk)
	w.release(inMemory)
	r = w.clean("http-cache", browser.CleanAt{Site: "memory", Run: "1"})
	require.False(t, r.Verified)
	require.Contains(t, r.Says, "cannot be counted")
}

// TestStorageAfterARun cleans what a run of each isolation has touched, at its end and after it.
func TestStorageAfterARun(t *testing.T) {
	w := newCleanWorld(t)
	for _, isolation := range []browser.Isolation{browser.IsolatePage, browser.IsolateContext, browser.IsolateBrowser} {
		o := browser.LeaseOptions{Site: "shop", Run: string(isolation), Isolation: isolation}
		l := w.lease(o, w.origin("a")+"/")
		require.Equal(t, full, w.seen(l, "fill()"))
		w.release(l)
		at := browser.CleanAt{Site: "shop", Run: o.Run}
		r := w.clean("storage", at)
		require.True(t, r.Verified, r.Says)
		require.Equal(t, 5, r.Count, isolation)
		l = w.lease(o, w.origin("a")+"/")
		require.Equal(t, nothing, w.seen(l, "see()"), isolation)
		w.release(l)
		require.NoError(t, w.pool.EndRun(w.ctx, o.Run))
		r = w.clean("indexeddb", at)
		if isolation == browser.IsolatePage {
			require.True(t, r.Verified, "what is shared is still there to be cleaned")
		} else {
			require.NotEmpty(t, r.Skipped, isolation)
		}
	}
	require.Contains(t, w.pool.Clean(w.ctx, "indexeddb", browser.CleanAt{Lease: w.returned()}).Err.Error(), "the lease has come back")
}

// returned is a lease that has come back.
func (w *cleanWorld) returned() *browser.Lease {
	l := w.lease(w.tab("returned"), "")
	w.release(l)
	return l
}

// TestStorageBelowAForeignFrame clears what a frame of the page's own site has stored that stands in a
// frame of another, and admits that it has not looked.
func TestStorageBelowAForeignFrame(t *testing.T) {
	w := newCleanWorld(t)
	o := w.tab("shop")
	url := w.nested("a.localhost", "b.localhost", "a.localhost")
	inner := func(l *browser.Lease, ask string) seen {
		return w.seen(l, `new Promise(ok => { addEventListener("message", e => e.data.workers >= 0 && ok(e.data)); frames[0].frames[0].postMessage({ask: "`+ask+`"}, "*") })`)
	}
	l := w.lease(o, url)
	require.Equal(t, 1, inner(l, "fill").Databases)
	require.Zero(t, w.seen(l, "see()").Databases, "it is kept apart")
	w.release(l)
	for _, name := range []string{"indexeddb", "local-storage"} {
		r := w.clean(name, browser.CleanAt{Site: "shop", Run: o.Run})
		require.False(t, r.Verified)
		require.Contains(t, r.Says, "1 partitioned key was cleared without a look")
	}
	l = w.lease(o, url)
	left := inner(l, "see")
	require.Equal(t, seen{Caches: 1, Workers: 1}, seen{Local: left.Local, Databases: left.Databases, Caches: left.Caches, Workers: left.Workers})
	w.release(l)
}
