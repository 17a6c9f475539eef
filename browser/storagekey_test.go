package browser_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

const manyNames = "--host-resolver-rules=MAP *.test 127.0.0.1, MAP *.co.uk 127.0.0.1, MAP *.github.io 127.0.0.1"

// nested is the URL of a page of the first host with a frame of the next in it, and so on.
func (w *cleanWorld) nested(hosts ...string) string {
	inner := "http://" + hosts[len(hosts)-1] + ":" + w.port + "/"
	for _, host := range slices.Backward(hosts[:len(hosts)-1]) {
		inner = "http://" + host + ":" + w.port + "/host?frame=" + url.QueryEscape(inner)
	}
	return inner
}

var nestings = []string{
	"127.0.0.1 127.0.0.1", "localhost a.localhost", "a.localhost b.a.localhost", "a.localhost b.localhost", "www.x.test x.test", "x.test www.x.test",
	"x.co.uk y.co.uk", "x.github.io y.github.io", "x.test y.test x.test", "x.test x.test x.test", "x.test y.test z.test", "x.test localhost", "127.0.0.1 x.test",
}

// TestStorageKeys holds the keys that are told from events to what Chrome says of each frame.
func TestStorageKeys(t *testing.T) {
	w := newCleanWorld(t, manyNames)
	for _, hosts := range nestings {
		l := w.lease(w.tab("keys"), w.nested(strings.Fields(hosts)...))
		tree, err := cdp.Call(w.ctx, l.Session(), page.GetFrameTree, cdp.Empty{})
		require.NoError(t, err)
		var want []string
		for f := tree.FrameTree; f != nil; {
			key, err := cdp.Call(w.ctx, l.Session(), storage.GetStorageKey, storage.GetStorageKeyParams{FrameID: f.Frame.ID})
			require.NoError(t, err, hosts)
			if !slices.Contains(want, string(key.StorageKey)) {
				want = append(want, string(key.StorageKey))
			}
			if len(f.ChildFrames) == 0 {
				break
			}
			f = f.ChildFrames[0]
		}
		require.ElementsMatch(t, want, l.StorageKeys(), hosts)
		require.NoError(t, l.Blank(w.ctx))
		w.release(l)
	}
}

// TestStorageKeysOfFramesApart does the same where frames of other sites are targets of their own.
func TestStorageKeysOfFramesApart(t *testing.T) {
	w := newCleanWorld(t, manyNames, "--site-per-process")
	for hosts, want := range map[string][]string{
		"x.test y.test":        {"http://x.test:%/", "http://y.test:%/^0http://x.test"},
		"x.test y.test x.test": {"http://x.test:%/", "http://y.test:%/^0http://x.test", "http://x.test:%/^31"},
		"x.test y.test z.test": {"http://x.test:%/", "http://y.test:%/^0http://x.test", "http://z.test:%/^0http://x.test"},
	} {
		l := w.lease(w.tab("keys"), w.nested(strings.Fields(hosts)...))
		for i := range want {
			want[i] = strings.ReplaceAll(want[i], "%", w.port)
		}
		slices.Sort(want)
		for got := l.StorageKeys(); ; got = l.StorageKeys() {
			require.NoError(t, w.ctx.Err(), "%s: %q", hosts, got)
			slices.Sort(got)
			if slices.Equal(want, got) {
				break
			}
		}
		require.NoError(t, l.Blank(w.ctx))
		w.release(l)
	}
}

// TestStorageOfFramesApart clears what a frame in a process of its own has stored.
func TestStorageOfFramesApart(t *testing.T) {
	w := newCleanWorld(t, "--site-per-process")
	o := w.tab("shop")
	host := w.origin("a") + "/host?frame=" + w.origin("c") + "/"
	l := w.lease(o, host)
	require.Equal(t, inPart, w.seen(l, `inFrame("fill")`))
	require.Equal(t, 1, w.clean("session-storage", browser.CleanAt{Lease: l}).Count)
	require.Zero(t, w.seen(l, `inFrame("see")`).Session)
	require.Equal(t, 3, w.clean("gc", browser.CleanAt{Lease: l}).Count, "the page, its frame, the frame's service worker")
	w.release(l)
	r := w.clean("indexeddb", browser.CleanAt{Site: "shop", Run: o.Run})
	require.Equal(t, 1, r.Count)
	require.True(t, r.Verified, r.Says)
	l = w.lease(w.tab("looks"), host)
	require.Zero(t, w.seen(l, `inFrame("see")`).Databases)
	w.release(l)
}

// TestOriginOf refuses what Chrome would take for every origin.
func TestOriginOf(t *testing.T) {
	for raw, want := range map[string]string{
		"http://a.test:81/x?y#z": "http://a.test:81", "https://a.test": "https://a.test", "http://[::1]:8080/": "http://[::1]:8080",
		"": "", "*": "", "://": "", "null": "", "a.test": "", "127.0.0.1": "", "http://": "", "http://*": "", "http://*.test": "", "about:blank": "", "file:///x": "", "data:text/html,x": "", "http:///x": "",
	} {
		origin, ok := browser.OriginOf(raw)
		require.Equal(t, want, origin, raw)
		require.Equal(t, want != "", ok, raw)
	}
}
