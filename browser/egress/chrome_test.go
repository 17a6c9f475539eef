package egress_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/browser/egress"
)

// secret is a server that no page may reach: it notes what reaches it.
type secret struct {
	*httptest.Server
	stun net.PacketConn

	mu    sync.Mutex
	hits  map[string]int // requests by path, and "(stun)"
	conns int
}

func newSecret(t *testing.T) *secret {
	s := &secret{hits: map[string]int{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.note(r.URL.Path)
		w.Header().Set("Access-Control-Allow-Origin", "*")
		switch {
		case strings.HasSuffix(r.URL.Path, ".js"):
			w.Header().Set("Content-Type", "text/javascript")
		case strings.HasSuffix(r.URL.Path, ".css"):
			w.Header().Set("Content-Type", "text/css")
		default:
			fmt.Fprint(w, "<p>secret")
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.conns++
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	var err error
	s.stun, err = net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	var listening sync.WaitGroup
	listening.Go(func() {
		for b := make([]byte, 2000); ; {
			if _, _, err := s.stun.ReadFrom(b); err != nil {
				return
			}
			s.note("(stun)")
		}
	})
	t.Cleanup(func() {
		s.stun.Close()
		listening.Wait()
	})
	return s
}

func (s *secret) note(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hits[path]++
}

// reached are the paths that were asked for.
func (s *secret) reached() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for path := range s.hits {
		list = append(list, path)
	}
	slices.Sort(list)
	return list
}

func (s *secret) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.hits)
	s.conns = 0
}

func (s *secret) port() string { return portOf(s.URL) }

func portOf(url string) string { return url[strings.LastIndex(url, ":")+1:] }

// hostile serves pages that try everything to reach the secret.
func newHostile(t *testing.T, s *secret) *httptest.Server {
	to := func(path string) string { return s.URL + "/" + path }
	html := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, text)
		}
	}
	script := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, text)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/attack", html(strings.NewReplacer(
		"SECRET", s.URL, "SOCKET", "ws"+strings.TrimPrefix(s.URL, "http"), "STUN", s.stun.LocalAddr().String(), "PORT", s.port(),
	).Replace(attackPage)))
	mux.HandleFunc("/worker.js", script(fmt.Sprintf(`
		const all = [fetch(%q), new Promise(done => { const s = new WebSocket(%q); s.onerror = s.onopen = s.onclose = done; })];
		Promise.allSettled(all).then(() => postMessage("done"));`, to("worker-fetch"), "ws"+to("worker-ws")[4:])))
	mux.HandleFunc("/shared.js", script(fmt.Sprintf(`
		onconnect = e => fetch(%q).catch(() => {}).then(() => e.ports[0].postMessage("done"));`, to("shared-fetch"))))
	mux.HandleFunc("/sw.js", script(fmt.Sprintf(`
		oninstall = e => { skipWaiting(); e.waitUntil(fetch(%q).catch(() => {})); };
		onactivate = e => e.waitUntil(clients.claim());
		onmessage = e => fetch(%q).catch(() => {}).then(() => e.source.postMessage("done"));`, to("sw-install"), to("sw-fetch"))))
	mux.HandleFunc("/redirect/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to("redirected-"+r.URL.Path[len("/redirect/"):]), http.StatusFound)
	})
	mux.HandleFunc("/meta", html(`<meta http-equiv="refresh" content="0;url=`+to("meta")+`">`))
	mux.HandleFunc("/location", html(`<script>location.href = "`+to("location")+`"</script>`))
	mux.HandleFunc("/form", html(`<form method="post" action="`+to("form")+`"></form><script>document.forms[0].submit()</script>`))
	mux.HandleFunc("/", html("<p>fine"))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

// attackPage tries each way in turn and says so in its title when all have had their answer.
const attackPage = `<!doctype html><title>at work</title>
<link rel="stylesheet" href="SECRET/link.css"><link rel="prefetch" href="SECRET/prefetch">
<link rel="preload" as="image" href="SECRET/preload"><link rel="preconnect" href="SECRET"><link rel="dns-prefetch" href="SECRET">
<link rel="modulepreload" href="SECRET/modulepreload.js"><link rel="icon" href="SECRET/icon">
<style>@import "SECRET/import.css"; @font-face { font-family: f; src: url(SECRET/font) }
body { background: url(SECRET/background) } p { font-family: f }</style><body><p>text
<script src="SECRET/script.js"></script><script>
const late = new Promise(done => setTimeout(done, 10000)), seen = {};
const ways = {
	fetch: () => fetch("SECRET/fetch"),
	nocors: () => fetch("SECRET/nocors", {mode: "no-cors", method: "POST", body: "x"}),
	redirected: () => fetch("/redirect/fetch"),
	xhr: () => event(() => { const x = new XMLHttpRequest(); x.open("GET", "SECRET/xhr"); x.send(); return x; }, "loadend"),
	beacon: () => navigator.sendBeacon("SECRET/beacon", "x"),
	keepalive: () => fetch("SECRET/keepalive", {keepalive: true}),
	events: () => event(() => new EventSource("SECRET/events"), "error"),
	socket: () => event(() => new WebSocket("SOCKET/ws"), "close", "open", "error"),
	module: () => import("SECRET/module.js"),
	image: () => element("img", "src", "SECRET/image"),
	spelled: () => Promise.allSettled(["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost", "x.localhost", "0", "0.0.0.0", "127.0.0.2"]
		.map(host => fetch("http://" + host + ":PORT/spelled-" + host, {mode: "no-cors"}))),
	frame: () => element("iframe", "src", "SECRET/frame"),
	framed: () => element("iframe", "src", "/redirect/frame"),
	embed: () => element("embed", "src", "SECRET/embed"),
	object: () => element("object", "data", "SECRET/object"),
	video: () => element("video", "src", "SECRET/video"),
	audio: () => element("audio", "src", "SECRET/audio"),
	worker: () => event(() => new Worker("/worker.js"), "message"),
	shared: () => event(() => { const w = new SharedWorker("/shared.js"); w.port.start(); return w.port; }, "message"),
	service: async () => {
		await navigator.serviceWorker.register("/sw.js");
		const ready = await navigator.serviceWorker.ready, answer = event(() => navigator.serviceWorker, "message");
		ready.active.postMessage("go");
		await answer;
	},
	rtc: async () => {
		const pc = new RTCPeerConnection({iceServers: [{urls: "stun:STUN"}]});
		seen.candidates = [];
		pc.onicecandidate = e => e.candidate && e.candidate.candidate && seen.candidates.push(e.candidate.candidate);
		pc.createDataChannel("x");
		const gathered = new Promise(done => pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && done());
		await pc.setLocalDescription(await pc.createOffer());
		await Promise.race([gathered, new Promise(done => setTimeout(done, 1000))]);
		pc.close();
	},
};
function event(make, ...names) {
	return new Promise(done => { const o = make(); for (const n of names) o.addEventListener(n, done); });
}
function element(tag, attribute, url) {
	return event(() => {
		const e = document.createElement(tag);
		e[attribute] = url;
		document.body.append(e);
		return e;
	}, "load", "error", "loadstart");
}
Promise.all(Object.entries(ways).map(async ([name, way]) => {
	seen[name] = "late";
	await Promise.race([late, (async () => { try { await way(); seen[name] = "done"; } catch (e) { seen[name] = String(e); } })()]);
})).then(() => document.title = JSON.stringify(seen));
</script>`

// attack opens the hostile page and returns what came of each way.
func attack(t *testing.T, l *browser.Lease, url string) map[string]any {
	t.Helper()
	ctx := browsertest.Within(t)
	_, err := l.Navigate(ctx, url+"/attack")
	require.NoError(t, err)
	require.NoError(t, l.WaitFor(ctx, browser.Condition{Function: `document.title.startsWith("{")`}))
	raw, err := l.Evaluate(ctx, `JSON.parse(document.title)`)
	require.NoError(t, err)
	var seen map[string]any
	require.NoError(t, json.Unmarshal(raw, &seen))
	return seen
}

// serve runs a proxy with a door for each policy until the test ends.
func serve(t *testing.T, o egress.Options, policies ...egress.Policy) []*egress.Door {
	t.Helper()
	p, err := egress.New(o)
	require.NoError(t, err)
	return serveProxy(t, p, policies...)
}

func serveProxy(t *testing.T, p *egress.Proxy, policies ...egress.Policy) []*egress.Door {
	t.Helper()
	var doors []*egress.Door
	for _, policy := range policies {
		d, err := p.Open(policy)
		require.NoError(t, err)
		doors = append(doors, d)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return doors
}

// guarded lends tabs of a Chrome that has a door as its only way.
func guarded(t *testing.T, door *egress.Door, tabs int) *browser.Pool {
	t.Helper()
	launch := browsertest.LaunchOptions(t)
	launch.Proxy = door
	p := browser.NewPool(browser.PoolOptions{Launch: launch, Tabs: tabs})
	t.Cleanup(func() { require.NoError(t, p.Close(browsertest.Within(t))) })
	return p
}

func lend(t *testing.T, p *browser.Pool, o browser.LeaseOptions) *browser.Lease {
	t.Helper()
	o.Site, o.Run = "hostile", t.Name()
	l, err := p.Acquire(browsertest.Within(t), o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Release(browsertest.Within(t), nil) })
	return l
}

// ways are the requests by which the hostile page reaches the secret where nothing holds
// it back.
var ways = []string{
	"(stun)", "/audio", "/background", "/beacon", "/embed", "/events", "/fetch", "/font", "/frame", "/image", "/import.css",
	"/keepalive", "/link.css", "/module.js", "/modulepreload.js", "/nocors", "/object", "/prefetch", "/preload", "/redirected-fetch",
	"/redirected-frame", "/script.js", "/shared-fetch", "/spelled-0", "/spelled-0.0.0.0", "/spelled-0177.0.0.1", "/spelled-0x7f.1",
	"/spelled-0x7f000001", "/spelled-127.0.0.1.", "/spelled-127.1", "/spelled-2130706433", "/spelled-[::ffff:127.0.0.1]",
	"/spelled-localhost", "/sw-fetch", "/sw-install", "/video", "/worker-fetch", "/worker-ws", "/ws", "/xhr",
}

// TestNothingReachesWhatIsForbidden: without the proxy every way leads to the secret, so
// that the page is worth something; with it none does, whether the policy is that of the
// whole Chrome or of one browser context.
func TestNothingReachesWhatIsForbidden(t *testing.T) {
	s := newSecret(t)
	hostile := newHostile(t, s)
	page := egress.Policy{Allow: []string{"127.0.0.1:" + portOf(hostile.URL)}}
	doors := serve(t, egress.Options{}, page, egress.Policy{Allow: []string{"*"}}, page)

	unguarded(t, s, hostile.URL)
	whole := guarded(t, doors[0], 1)
	open := guarded(t, doors[1], 1)
	for _, c := range []struct {
		name  string
		pool  *browser.Pool
		lease browser.LeaseOptions
	}{
		{"the whole Chrome", whole, browser.LeaseOptions{}},
		{"a run's context", open, browser.LeaseOptions{Proxy: doors[2]}},
		{"a site's tab", open, browser.LeaseOptions{Proxy: doors[2], Isolation: browser.IsolateTab}},
		{"a run's Chrome", open, browser.LeaseOptions{Proxy: doors[2], Isolation: browser.IsolateBrowser}},
	} {
		l := lend(t, c.pool, c.lease)
		seen := attack(t, l, hostile.URL)
		require.Empty(t, seen["candidates"], c.name)
		require.NoError(t, l.Release(browsertest.Within(t), nil))
		require.Empty(t, s.reached(), "%s: %v", c.name, seen)
		require.Zero(t, s.conns, c.name)
		t.Log(seen)
	}
}

// unguarded opens the hostile page in a Chrome without a proxy: every way must lead to the secret.
func unguarded(t *testing.T, s *secret, url string) {
	t.Helper()
	p := browser.NewPool(browser.PoolOptions{Launch: browsertest.LaunchOptions(t), Tabs: 1})
	defer func() {
		require.NoError(t, p.Close(browsertest.Within(t)))
		s.forget()
	}()
	t.Log(attack(t, lend(t, p, browser.LeaseOptions{}), url))
	require.Eventually(t, func() bool {
		reached := s.reached()
		return !slices.ContainsFunc(ways, func(way string) bool { return !slices.Contains(reached, way) })
	}, 20*time.Second, 50*time.Millisecond, "some way does not lead to the secret")
}
