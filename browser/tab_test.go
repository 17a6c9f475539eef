package browser_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// serve answers each path with a page.
func serve(t testing.TB, pages map[string]string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for path, body := range pages {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, body)
		})
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestNavigateAndEvaluate(t *testing.T) {
	srv := serve(t, map[string]string{"/": `<title>One</title><p id=p>text</p><script>window.secret = 5; Document.prototype.querySelector = () => null</script>`})
	l := browsertest.Lease(t)
	ctx := within(t, 20*time.Second)

	res, err := l.Navigate(ctx, srv.URL+"/?a=1#frag")
	require.NoError(t, err)
	require.Equal(t, 200, res.Status)
	require.Equal(t, srv.URL+"/?a=1#frag", res.URL)
	require.Equal(t, "text/html", res.MIME)

	raw, err := l.Evaluate(ctx, `Promise.resolve({title: document.title, seen: typeof window.secret, p: document.querySelector("#p").textContent})`)
	require.NoError(t, err)
	require.JSONEq(t, `{"title":"One","seen":"undefined","p":"text"}`, string(raw), "the isolated world sees the document and none of the page's scripts")

	raw, err = l.EvaluateMain(ctx, `window.secret`)
	require.NoError(t, err)
	require.Equal(t, "5", string(raw))

	_, err = l.Evaluate(ctx, `(() => { throw new Error("no luck") })()`)
	var scriptErr *browser.ScriptError
	require.ErrorAs(t, err, &scriptErr)
	require.Contains(t, scriptErr.Message, "no luck")
}

func TestNavigateFollowsRedirects(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/a", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/b", http.StatusFound) })
	mux.HandleFunc("/b", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/c", http.StatusMovedPermanently) })
	mux.HandleFunc("/c", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "<p>busy")
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		http.Redirect(w, r, "/loop?n="+strconv.Itoa(n+1), http.StatusFound)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	l := browsertest.Lease(t)
	ctx := within(t, 20*time.Second)

	res, err := l.Navigate(ctx, srv.URL+"/a")
	require.NoError(t, err, "a status is no error")
	require.Equal(t, 503, res.Status)
	require.Equal(t, "7", res.Header.Get("Retry-After"))
	require.Equal(t, srv.URL+"/c", res.URL)
	require.Equal(t, []string{srv.URL + "/a", srv.URL + "/b"}, res.Redirects)

	_, err = l.Navigate(ctx, srv.URL+"/loop?n=0")
	require.ErrorIs(t, err, browser.ErrRedirects)
}

func TestNavigateToPageThatLeadsOn(t *testing.T) {
	srv := serve(t, map[string]string{
		"/a": `<script>location.replace("/b")</script>`,
		"/b": `<meta http-equiv=refresh content="0;url=/c">`,
		"/c": `<title>end</title>`,
	})
	l := browsertest.Lease(t)
	ctx := within(t, 20*time.Second)
	for range 5 {
		_, err := l.Navigate(ctx, srv.URL+"/a")
		require.NoError(t, err)
		require.NoError(t, l.WaitFor(ctx, browser.Condition{Function: `document.title === "end"`}))
		require.Equal(t, srv.URL+"/c", l.URL())
	}
	_, err := l.EvaluateMain(ctx, `window.old = true`)
	require.NoError(t, err)
	res, err := l.Navigate(ctx, srv.URL+"/c#x")
	require.NoError(t, err, "a fragment of the same document")
	require.Equal(t, 200, res.Status)
	raw, err := l.EvaluateMain(ctx, `window.old === undefined`)
	require.NoError(t, err)
	require.Equal(t, "true", string(raw), "it is loaded again")
}

func TestNavigateRefuses(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/big", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, strings.Repeat("x", 2000))
	})
	mux.HandleFunc("/zip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/zip")
		fmt.Fprint(w, "PK")
	})
	mux.HandleFunc("/attached", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Disposition", `attachment; filename="x.html"`)
		fmt.Fprint(w, "<p>x")
	})
	mux.HandleFunc("/none", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<p>ok") })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	p := browsertest.Pool(t, 1)
	ctx := within(t, 30*time.Second)
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r", MaxDocument: 1000})
	require.NoError(t, err)

	for path, want := range map[string]error{"/big": browser.ErrTooLarge, "/zip": browser.ErrNotPage, "/attached": browser.ErrNotPage, "/none": browser.ErrNotPage} {
		_, err := l.Navigate(ctx, srv.URL+path)
		require.ErrorIs(t, err, want, path)
	}
	for _, u := range []string{"file:///etc/passwd", "chrome://version", "javascript:1", "ftp://x/", "about:blank"} {
		_, err := l.Navigate(ctx, u)
		require.ErrorIs(t, err, browser.ErrScheme, u)
	}
	_, err = l.Navigate(ctx, "http://127.0.0.1:1/")
	var netErr *browser.NetError
	require.ErrorAs(t, err, &netErr)
	require.Contains(t, netErr.Code, "net::ERR_")
	_, err = l.Navigate(ctx, srv.URL+"/ok")
	require.NoError(t, err, "the tab still works")
	require.NoError(t, l.Release(ctx, nil))
}

func TestBlocking(t *testing.T) {
	hits := make(chan string, 20)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<img src=/i.png><script src=/track/t.js></script><script src=/own.js></script><p>x`)
			return
		}
		hits <- r.URL.Path
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	p := browsertest.Pool(t, 1)
	ctx := within(t, 20*time.Second)
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r", BlockKinds: []string{"image"}, BlockURLs: []string{"*/track/*"}})
	require.NoError(t, err)
	_, err = l.Navigate(ctx, srv.URL+"/")
	require.NoError(t, err)
	require.NoError(t, l.WaitFor(ctx, browser.Condition{Event: "load"}))
	require.NoError(t, l.Release(ctx, nil))
	close(hits)
	var got []string
	for h := range hits {
		if h != "/favicon.ico" {
			got = append(got, h)
		}
	}
	require.Equal(t, []string{"/own.js"}, got)
}

// loadEverything makes a page load something of each kind, and ends when it knows of
// each whether it came.
const loadEverything = `(async () => {
	if (!document.body) await new Promise((done) => addEventListener("DOMContentLoaded", done));
	const over = (thing, ...events) => new Promise((done) => events.forEach((name) => thing.addEventListener(name, done)));
	const add = (tag, given) => {
		const element = Object.assign(document.createElement(tag), given);
		const end = over(element, "load", "error");
		document.body.append(element);
		return end;
	};
	const video = document.createElement("video"), xhr = new XMLHttpRequest();
	const ends = [
		add("img", {src: "/image/i.png"}),
		add("link", {rel: "stylesheet", href: "/stylesheet/s.css"}),
		add("script", {src: "/script/s.js"}),
		new FontFace("f", "url(/font/f.woff2)").load().catch(() => 0),
		over(video, "error"),
		over(xhr, "load", "error"),
		over(new EventSource("/xhr/events"), "error"),
		fetch("/xhr/fetch").catch(() => 0),
		over(new WebSocket("ws://" + location.host + "/websocket/w"), "error"),
		over(new Worker("/other/w.js"), "message", "error"),
	];
	video.src = "/media/m.mp4";
	xhr.open("GET", "/xhr/x");
	xhr.send();
	// Of an image that Chrome does not load by its start flags neither event comes.
	await Promise.all(ends.map((end) => Promise.race([end, new Promise((done) => setTimeout(done, 5000))])));
})()`

func TestBlockingEachKind(t *testing.T) {
	kinds := []string{"font", "image", "media", "other", "script", "stylesheet", "websocket", "xhr"}
	hits := make(chan string, 1000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		kind, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch kind {
		case "":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<p>x")
			return
		case "other":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, "postMessage(1)")
		case "script":
			w.Header().Set("Content-Type", "text/javascript")
		case "stylesheet":
			w.Header().Set("Content-Type", "text/css")
		}
		hits <- kind
	}))
	defer srv.Close()
	visit := func(p *browser.Pool, blocked ...string) {
		t.Helper()
		want := slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool { return slices.Contains(blocked, kind) })
		ctx := within(t, 30*time.Second)
		l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: fmt.Sprint("r ", blocked), Isolation: browser.IsolatePage, BlockKinds: blocked})
		require.NoError(t, err, "block %q", blocked)
		_, err = l.Navigate(ctx, srv.URL+"/")
		require.NoError(t, err)
		_, err = l.EvaluateMain(ctx, loadEverything)
		require.NoError(t, err, "block %q", blocked)
		require.NoError(t, l.Release(ctx, nil))
		got := map[string]bool{}
		for len(hits) > 0 {
			if kind := <-hits; kind != "favicon.ico" {
				got[kind] = true
			}
		}
		require.ElementsMatch(t, want, slices.Collect(maps.Keys(got)), "asked for with %q blocked", blocked)
	}
	p := browsertest.Pool(t, 1)
	visit(p)
	for _, kind := range kinds {
		visit(p, kind)
	}
	byFlags := browser.FlagKinds(kinds)
	require.Equal(t, []string{"font", "image"}, byFlags)
	launch := browsertest.LaunchOptions(t)
	launch.Block = byFlags
	flagged := browser.NewPool(browser.PoolOptions{Launch: launch})
	t.Cleanup(func() { require.NoError(t, flagged.Close(browsertest.Within(t))) })
	visit(flagged, byFlags...)
	visit(flagged, append([]string{"script"}, byFlags...)...)
}

func TestWaits(t *testing.T) {
	srv := serve(t, map[string]string{
		"/":     `<p>x</p><script>setTimeout(() => { document.body.insertAdjacentHTML("beforeend", "<b id=late>late</b>"); window.ready = true }, 100)</script>`,
		"/busy": `<script>fetch("/slow").then(r => r.text()).then(() => document.title = "done")</script>`,
	})
	l := browsertest.Lease(t)
	ctx := within(t, 30*time.Second)
	_, err := l.Navigate(ctx, srv.URL+"/")
	require.NoError(t, err)
	require.NoError(t, l.WaitFor(ctx, browser.Condition{Selector: "#late"}))
	require.NoError(t, l.WaitFor(ctx, browser.Condition{Function: "window.ready"}))
	require.NoError(t, l.WaitFor(ctx, browser.Condition{Function: "() => window.ready"}))
	require.NoError(t, l.WaitFor(ctx, browser.Condition{Event: "load"}))
	require.NoError(t, l.WaitFor(ctx, browser.Condition{Event: "network-idle"}))

	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	err = l.WaitFor(short, browser.Condition{Selector: "#never"})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "#never")

	var scriptErr *browser.ScriptError
	require.ErrorAs(t, l.WaitFor(ctx, browser.Condition{Selector: "["}), &scriptErr)
	require.ErrorAs(t, l.WaitFor(ctx, browser.Condition{Function: "nope("}), &scriptErr)
}

func TestSteps(t *testing.T) {
	srv := serve(t, map[string]string{
		"/": `<button id=b onclick="document.title='clicked'">b</button><input id=i><select id=s onchange="window.chosen=this.value"><option value=a>A</option><option value=b>B</option></select>
<form action=/next><input id=q name=q></form>`,
		"/next": `<title>next</title><div id=list></div><script>let n=0; addEventListener("scroll", () => { if (n<5) { n++; const d=document.createElement("div"); d.style.height="2000px"; d.textContent=n; list.append(d) } }); list.innerHTML="<div style='height:3000px'>0</div>"</script>`,
	})
	l := browsertest.Lease(t)
	ctx := within(t, 40*time.Second)
	_, err := l.Navigate(ctx, srv.URL+"/")
	require.NoError(t, err)
	require.NoError(t, l.Click(ctx, "#b"))
	require.NoError(t, l.Type(ctx, "#i", "hello"))
	require.NoError(t, l.Select(ctx, "#s", "B"))
	raw, err := l.EvaluateMain(ctx, `[document.title, document.querySelector("#i").value, window.chosen]`)
	require.NoError(t, err)
	require.JSONEq(t, `["clicked","hello","b"]`, string(raw))

	require.NoError(t, l.Type(ctx, "#q", "word"))
	require.NoError(t, l.Press(ctx, "Enter"))
	require.NoError(t, l.WaitFor(ctx, browser.Condition{Function: `document.title === "next"`}))
	require.Equal(t, srv.URL+"/next?q=word", l.URL())
	require.NoError(t, l.ScrollEnd(ctx))
	raw, err = l.Evaluate(ctx, `document.querySelectorAll("#list > div").length`)
	require.NoError(t, err)
	require.Equal(t, "6", string(raw))
	require.NoError(t, l.Back(ctx))
	require.NoError(t, l.WaitFor(ctx, browser.Condition{Selector: "#b"}))

	short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	err = l.Click(short, "#missing")
	require.ErrorIs(t, err, browser.ErrNoElement)
	require.ErrorContains(t, err, "#missing")
	require.ErrorContains(t, l.Press(ctx, "Hyper"), "no key has this name")
}

func TestDialogsAndPopups(t *testing.T) {
	srv := serve(t, map[string]string{
		"/":  `<title>a</title><button id=b onclick="window.open('/p')">b</button><script>addEventListener("beforeunload", e => { e.preventDefault(); e.returnValue = "stay" }); alert(1); confirm(2); document.title = "b"</script>`,
		"/p": `<title>popup</title>`,
	})
	p := browsertest.Pool(t, 1)
	ctx := within(t, 40*time.Second)
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.NoError(t, err)
	_, err = l.Navigate(ctx, srv.URL+"/")
	require.NoError(t, err)
	require.NoError(t, l.WaitFor(ctx, browser.Condition{Function: `document.title === "b"`}))
	require.GreaterOrEqual(t, l.Dialogs(), 2)
	b := l.Browser()
	require.NoError(t, l.Click(ctx, "#b"))
	require.Eventually(t, func() bool { return l.Popups() == 1 && pagesOf(b) == 1 }, 10*time.Second, 10*time.Millisecond, "a popup is counted and closed")
	require.NoError(t, l.Click(ctx, "#b"))
	require.Eventually(t, func() bool { return l.Popups() == 2 && pagesOf(b) == 1 }, 10*time.Second, 10*time.Millisecond)
	_, err = l.Navigate(ctx, srv.URL+"/p")
	require.NoError(t, err, "leaving is allowed")
	require.NoError(t, l.Release(ctx, nil))
}

func TestCrashedTab(t *testing.T) {
	srv := serve(t, map[string]string{"/": `<p>x`})
	p := browsertest.Pool(t, 1)
	ctx := within(t, 30*time.Second)
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.NoError(t, err)
	_, err = l.Navigate(ctx, srv.URL+"/")
	require.NoError(t, err)

	failed := make(chan error, 1)
	go func() {
		_, err := l.Evaluate(ctx, `new Promise(() => {})`)
		failed <- err
	}()
	pids := renderers(l.Browser().PID())
	require.NotEmpty(t, pids)
	for _, pid := range pids {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	err = <-failed
	require.ErrorIs(t, err, browser.ErrCrashed)
	require.NoError(t, l.Release(ctx, err))

	next, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.NoError(t, err, "the place is free again")
	_, err = next.Navigate(ctx, srv.URL+"/")
	require.NoError(t, err)
	require.NotEqual(t, l.ID(), next.ID())
	require.NoError(t, next.Release(ctx, nil))
}

// renderers are the renderer processes of a Chrome, which are in its process group.
func renderers(root int) []int {
	var pids []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		cmdline, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		stat, _ := os.ReadFile("/proc/" + e.Name() + "/stat")
		if strings.Contains(string(cmdline), "--type=renderer") && strings.Contains(string(stat), " "+strconv.Itoa(root)+" ") {
			pids = append(pids, pid)
		}
	}
	return pids
}
