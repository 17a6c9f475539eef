package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// storageScript is on every page of a cleanWorld: fill stores something of each kind, see says what is
// stored, and inFrame asks the page's frame to do either.
const storageScript = `<!doctype html><title>page</title><script>
const fill = async () => {
	localStorage.a = "1"; sessionStorage.b = "2"; document.cookie = "c=3; path=/";
	await new Promise((ok, no) => {
		const r = indexedDB.open("db", 1);
		r.onupgradeneeded = () => r.result.createObjectStore("o").put("x".repeat(100000), 1);
		r.onsuccess = () => { r.result.close(); ok(); };
		r.onerror = no;
	});
	await (await caches.open("cache")).put("/x", new Response("x".repeat(1000)));
	await navigator.serviceWorker.register("/worker.js");
	await navigator.serviceWorker.ready;
	return see();
};
const see = async () => ({
	local: localStorage.length, session: sessionStorage.length, cookies: document.cookie,
	databases: (await indexedDB.databases()).length, caches: (await caches.keys()).length,
	workers: (await navigator.serviceWorker.getRegistrations()).length,
});
onmessage = async e => { if (e.data.ask) e.source.postMessage(await {fill, see}[e.data.ask](), "*"); };
const inFrame = ask => new Promise(ok => { onmessage = e => ok(e.data); frames[0].postMessage({ask}, "*"); });
</script>`

// seen is what a page says that its origin has stored.
type seen struct {
	Local, Session, Databases, Caches, Workers int
	Cookies                                    string
}

var (
	full    = seen{Local: 1, Session: 1, Databases: 1, Caches: 1, Workers: 1, Cookies: "c=3"}
	inPart  = seen{Local: 1, Session: 1, Databases: 1, Caches: 1, Workers: 1} // third parties' Lax cookies are not sent
	nothing = seen{}
)

// cleanWorld is a pool, and a server that all of *.localhost is.
type cleanWorld struct {
	t     *testing.T
	ctx   context.Context
	pool  *browser.Pool
	port  string
	asked atomic.Int64 // requests for /cached
	close func()       // ends the server
	runs  int
}

func newCleanWorld(t *testing.T, flags ...string) *cleanWorld {
	w := &cleanWorld{t: t, ctx: within(t, 3*time.Minute)}
	server := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(server.Close)
	w.close = server.Close
	w.port = server.URL[strings.LastIndex(server.URL, ":")+1:]
	o := browsertest.LaunchOptions(t)
	o.KeepPopups, o.Flags, o.CloseTimeout = true, flags, time.Second
	w.pool = browser.NewPool(browser.PoolOptions{Launch: o, Tabs: 4})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, w.pool.Close(ctx))
	})
	return w
}

func (w *cleanWorld) serve(out http.ResponseWriter, in *http.Request) {
	out.Header().Set("Content-Type", "text/html")
	switch in.URL.Path {
	case "/worker.js":
		out.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(out, `onmessage = () => {}`)
	case "/busy.js":
		out.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(out, `let x; for (let i = 0; i < 50; i++) x = new Array(1e5).fill(i + .5); x = 0; postMessage(1)`)
	case "/cached":
		w.asked.Add(1)
		out.Header().Set("Cache-Control", "max-age=3600")
		fmt.Fprint(out, strings.Repeat("x", 50_000))
	case "/host":
		fmt.Fprintf(out, `%s<iframe src="%s"></iframe>`, storageScript, in.URL.Query().Get("frame"))
	case "/go":
		http.SetCookie(out, &http.Cookie{Name: "passed", Value: "1"})
		http.Redirect(out, in, in.URL.Query().Get("to"), http.StatusFound)
	default:
		fmt.Fprint(out, storageScript)
	}
}

// origin is a name of the server.
func (w *cleanWorld) origin(name string) string { return "http://" + name + ".localhost:" + w.port }

// lease lends a tab that shows a page.
func (w *cleanWorld) lease(o browser.LeaseOptions, url string) *browser.Lease {
	w.t.Helper()
	l, err := w.pool.Acquire(w.ctx, o)
	require.NoError(w.t, err)
	if url != "" {
		w.open(l, url)
	}
	return l
}

func (w *cleanWorld) open(l *browser.Lease, url string) {
	w.t.Helper()
	_, err := l.Navigate(w.ctx, url)
	require.NoError(w.t, err)
	require.NoError(w.t, l.WaitFor(w.ctx, browser.Condition{Function: `document.readyState === "complete"`}))
}

func (w *cleanWorld) release(l *browser.Lease) {
	w.t.Helper()
	require.NoError(w.t, l.Release(w.ctx, nil))
}

// eval evaluates an expression in the page's own world.
func (w *cleanWorld) eval(l *browser.Lease, expression string, result any) {
	w.t.Helper()
	raw, err := l.EvaluateMain(w.ctx, expression)
	require.NoError(w.t, err)
	if result != nil {
		require.NoError(w.t, json.Unmarshal(raw, result))
	}
}

func (w *cleanWorld) seen(l *browser.Lease, expression string) (s seen) {
	w.t.Helper()
	w.eval(l, expression, &s)
	return s
}

// tab are options of isolation tab, for a run of its own.
func (w *cleanWorld) tab(site string) browser.LeaseOptions {
	w.runs++
	return browser.LeaseOptions{Site: site, Run: fmt.Sprintf("%s %d", site, w.runs), Isolation: browser.IsolateTab}
}

// clean does a cleanup that must not fail.
func (w *cleanWorld) clean(name string, at browser.CleanAt) browser.CleanReport {
	w.t.Helper()
	r := w.pool.Clean(w.ctx, name, at)
	w.t.Logf("%-16s %6s count %d %s bytes %.0f %t verified %t says %q skipped %q err %v", name, r.Took.Round(time.Millisecond), r.Count, r.Of, r.Bytes, r.BytesKnown, r.Verified, r.Says, r.Skipped, r.Err)
	require.NoError(w.t, r.Err)
	require.Equal(w.t, name, r.Name)
	require.Positive(w.t, r.Took)
	return r
}

// usable checks that the next lease works.
func (w *cleanWorld) usable() {
	w.t.Helper()
	w.release(w.lease(w.tab("usable"), w.origin("usable")+"/"))
}

// targets counts Chrome's targets of a type.
func targets(b *browser.Browser, kind string) int {
	n := 0
	for _, t := range b.Targets() {
		if t.Type == kind {
			n++
		}
	}
	return n
}

// cacheFiles counts the responses in the HTTP cache on disk.
func cacheFiles(t *testing.T, b *browser.Browser) int {
	files, err := filepath.Glob(filepath.Join(b.ProfileDir(), "Default/Cache/Cache_Data/*_0"))
	require.NoError(t, err)
	return len(files)
}
