package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

const token = "0123456789abcdef"

func newActivity(t *testing.T, change func(*ActivityOptions)) *Activity {
	t.Helper()
	site, err := sites.Parse("shop.yaml", []byte("name: shop\nstart: http://127.0.0.1:1/\nschedule: \"@every 10m\"\ntemplates: [{name: page}]\n"))
	require.NoError(t, err)
	o := ActivityOptions{Sites: []*sites.Site{site}, Version: "1.2.3"}
	if change != nil {
		change(&o)
	}
	a, err := NewActivity(o)
	require.NoError(t, err)
	return a
}

// serve runs a server for as long as the test.
func serve(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Activity == nil {
		o.Activity = newActivity(t, nil)
	}
	s, err := Listen(o)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	return s
}

// ask sends a request and returns status, headers and body.
func ask(t *testing.T, s *Server, method, path string, change func(*http.Request)) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Address()+path, http.NoBody)
	require.NoError(t, err)
	if change != nil {
		change(request)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, answer.Header, string(body)
}

func TestAnAddressThatOthersReachNeedsAToken(t *testing.T) {
	for address, refused := range map[string]bool{
		"127.0.0.1:0": false, "[::1]:0": false, "localhost:0": false, "127.8.8.8:0": false,
		"0.0.0.0:0": true, ":0": true, "[::]:0": true, "192.0.2.7:80": true, "ebb.example:80": true,
	} {
		err := CheckListen(address, "")
		if refused {
			require.ErrorContains(t, err, "set web.token, or listen on 127.0.0.1", address)
			_, err = Listen(Options{Listen: address})
			require.ErrorContains(t, err, "set web.token")
		} else {
			require.NoError(t, err, address)
		}
		require.NoError(t, CheckListen(address, token), address)
	}
	for _, wrong := range []string{"9321", "127.0.0.1", "127.0.0.1:", "a:b:c"} {
		require.ErrorContains(t, CheckListen(wrong, token), "write HOST:PORT")
	}
	taken := serve(t, Options{})
	_, err := Listen(Options{Listen: taken.Address(), Activity: newActivity(t, nil)})
	require.ErrorContains(t, err, "address already in use")
}

func TestWhoMayAsk(t *testing.T) {
	unguarded, guardedBy := serve(t, Options{Profiles: true}), serve(t, Options{Token: token, Profiles: true})
	bearer := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+value) }
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	from := func(origin, site string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Origin", origin)
			r.Header.Set("Sec-Fetch-Site", site)
		}
	}
	for _, c := range []struct {
		name   string
		server *Server
		method string
		path   string
		change func(*http.Request)
		code   int
	}{
		{"the page", unguarded, "GET", "/", nil, 200},
		{"its head", unguarded, "HEAD", "/", nil, 200},
		{"its style", unguarded, "GET", "/style.css", nil, 200},
		{"metrics", unguarded, "GET", "/metrics", nil, 200},
		{"profiles", unguarded, "GET", "/debug/pprof/goroutine", nil, 200},
		{"the command line is none of them", unguarded, "GET", "/debug/pprof/cmdline", nil, 404},
		{"profiles that are off", serve(t, Options{}), "GET", "/debug/pprof/", nil, 404},
		{"nothing", unguarded, "GET", "/else", nil, 404},
		{"by localhost", unguarded, "GET", "/", host("localhost:9321"), 200},
		{"by a name of another's (DNS rebinding)", unguarded, "GET", "/metrics", host("rebound.example:9321"), 421},
		{"health too", unguarded, "GET", "/healthz", host("rebound.example"), 421},
		{"by an empty name", unguarded, "GET", "/", host("."), 421},
		{"to change something", unguarded, "POST", "/", nil, 405},
		{"from another site", unguarded, "POST", "/", from("http://evil.example", "cross-site"), 403},
		{"to delete, from another site", unguarded, "DELETE", "/metrics", from("http://evil.example", "cross-site"), 403},
		{"TRACE", unguarded, "TRACE", "/", nil, 405},
		{"without the token", guardedBy, "GET", "/", nil, 401},
		{"metrics without it", guardedBy, "GET", "/metrics", nil, 401},
		{"profiles without it", guardedBy, "GET", "/debug/pprof/heap", nil, 401},
		{"what is not there without it", guardedBy, "GET", "/else", nil, 401},
		{"with another", guardedBy, "GET", "/metrics", bearer(token + "x"), 401},
		{"with a part", guardedBy, "GET", "/metrics", bearer(token[:8]), 401},
		{"with none", guardedBy, "GET", "/metrics", bearer(""), 401},
		{"with it", guardedBy, "GET", "/metrics", bearer(token), 200},
		{"with it, by a name", guardedBy, "GET", "/metrics", func(r *http.Request) { bearer(token)(r); host("ebb.cluster.local")(r) }, 200},
		{"with it as a password", guardedBy, "GET", "/", func(r *http.Request) { r.SetBasicAuth("me", token) }, 200},
		{"with a wrong password", guardedBy, "GET", "/", func(r *http.Request) { r.SetBasicAuth(token, "x") }, 401},
		{"health", guardedBy, "GET", "/healthz", nil, 200},
		{"readiness", guardedBy, "GET", "/readyz", nil, 503},
		{"health below it is another path", guardedBy, "GET", "/healthz/../metrics", nil, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, header, body := ask(t, c.server, c.method, c.path, c.change)
			require.Equal(t, c.code, code, body)
			for name, value := range headers {
				require.Equal(t, value, header.Get(name), name)
			}
			require.NotContains(t, body, token)
		})
	}
}

func TestReadinessSaysWhy(t *testing.T) {
	used := 100.0
	a := newActivity(t, func(o *ActivityOptions) { o.Limit = func() (float64, float64, error) { return 1000, used, nil } })
	s := serve(t, Options{Activity: a})
	requireState := func(code int, word string) {
		t.Helper()
		got, _, body := ask(t, s, "GET", "/readyz", nil)
		require.Equal(t, code, got)
		require.Equal(t, word+"\n", body)
		got, _, _ = ask(t, s, "GET", "/healthz", nil)
		require.Equal(t, 200, got, "it lives all the same")
	}
	end := func(class crawl.Class) {
		a.Ended(queue.Ended{Run: store.Run{ID: 1, Site: "shop", State: store.RunFailed, Class: class}, Outcome: queue.Outcome{Class: class}})
	}
	requireState(503, "starting")
	a.Ready()
	requireState(200, "ok")
	end(crawl.ClassBrowser)
	requireState(503, "browser")
	a.Launched("Chrome/1")
	requireState(200, "ok")
	end(crawl.ClassBrowser)
	end(crawl.ClassTimeout)
	requireState(200, "ok")
	used = 960
	requireState(503, "memory")
	used = 100
	a.Drain()
	requireState(503, "draining")
}

// hostilePage is text as a page may put it into an error.
const hostilePage = "<script>alert(1)</script>\" onload=x \x1b[31m\u202e\u2066 \n\r</bdi>" + "javascript:"

func TestThePageShowsTextsAsTexts(t *testing.T) {
	a := newActivity(t, func(o *ActivityOptions) {
		o.Latest = func() (memprof.Sample, bool) {
			return memprof.Sample{Totals: memprof.Totals{Level: memprof.LevelCheap, Values: map[memprof.Series]float64{{Metric: "process.anon", Group: memprof.Chrome}: 3e8}}}, true
		}
		o.Limit = func() (float64, float64, error) { return 2e9, 5e8, nil }
	})
	a.Ready()
	a.Launched("HeadlessChrome/156")
	a.Recycled("pages")
	a.Tidied(true, "memory")
	a.Alarm(memprof.Alarm{Says: "Chrome's memory grows " + hostilePage, Fingerprint: memprof.Fingerprint{ID: "abc"}})
	a.Event("shop", 7, crawl.Event{Kind: crawl.EventPage, Page: crawl.PageEvent{State: crawl.PageDone, URL: hostilePage}, Progress: crawl.Progress{Visited: 12, Items: 34}})
	a.Ended(queue.Ended{Run: store.Run{ID: 6, Site: "shop", State: store.RunFailed, Error: hostilePage + strings.Repeat("long ", 1000)}, Duration: time.Second})
	code, header, body := ask(t, serve(t, Options{Activity: a}), "GET", "/", nil)
	require.Equal(t, 200, code)
	require.Equal(t, "text/html; charset=utf-8", header.Get("Content-Type"))
	for _, raw := range []string{"<script", "\x1b", "\u202e", "\u2066", "\" onload"} {
		require.NotContains(t, body, raw)
	}
	for _, shown := range []string{"ready", "1.2.3", "shop", "@every 10m", "in ", "300.0 MB", "500.0 MB", "2000.0 MB", ">7<", ">12<", ">34<", "recycled: pages", "HeadlessChrome/156", "&lt;script&gt;", "abc", " ..."} {
		require.Contains(t, body, shown)
	}
	require.Equal(t, 1, strings.Count(body, "</bdi>"))
	require.Less(t, len(body), 8<<10)
}

func TestMetricsAreBoundedAndNamedWell(t *testing.T) {
	a := newActivity(t, nil)
	for i := range 500 {
		a.Event("shop", int64(i), crawl.Event{Kind: crawl.EventPage, Page: crawl.PageEvent{State: crawl.PageDone, URL: fmt.Sprint("http://x/", i), Error: hostilePage}})
		a.Ended(queue.Ended{Run: store.Run{ID: int64(i), Site: "shop", State: store.RunDone, Error: hostilePage, Items: store.ItemCounts{New: 2, Same: 1}}, Duration: time.Second})
		a.Recycled("pages")
		a.Tidied(false, "memory")
		a.Launched(fmt.Sprint("Chrome/", i))
		a.Alarm(memprof.Alarm{})
	}
	problems, err := testutil.GatherAndLint(a.registry)
	require.NoError(t, err)
	require.Empty(t, problems)
	_, _, body := ask(t, serve(t, Options{Activity: a}), "GET", "/metrics", nil)
	for _, line := range []string{
		`ebb_runs_total{site="shop",state="done"} 500`, `ebb_runs_total{site="shop",state="failed"} 0`, `ebb_run_duration_seconds_count{site="shop"} 500`,
		`ebb_pages_total{site="shop",state="done"} 500`, `ebb_items_total{change="new",site="shop"} 1000`, `ebb_browser_launches_total 500`,
		`ebb_browser_recycles_total{reason="pages"} 500`, `ebb_tabs_tidied_total{did="collected",reason="memory"} 500`, "go_goroutines ", "process_resident_memory_bytes ", `ebb_build_info{`,
	} {
		require.Contains(t, body, "\n"+line)
	}
	ours := 0
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "ebb_") {
			ours++
		}
	}
	require.Less(t, ours, 40)
	require.Len(t, a.alarms, maxAlarms)
	require.Len(t, a.browsers, maxBrowsers)
	require.Empty(t, a.sites["shop"].work)
}

// A connection that sends no head, or one without end, is closed.
func TestConnectionsAreBounded(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := serverOn(listener, Options{Activity: newActivity(t, nil)})
	require.Equal(t, []time.Duration{headerTimeout, readTimeout, writeTimeout, idleTimeout},
		[]time.Duration{s.http.ReadHeaderTimeout, s.http.ReadTimeout, s.http.WriteTimeout, s.http.IdleTimeout})
	s.http.ReadHeaderTimeout = 50 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	dial := func(text string) string {
		conn, err := net.Dial("tcp", s.Address())
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
		_, err = io.WriteString(conn, text)
		require.NoError(t, err)
		line, _ := bufio.NewReader(conn).ReadString('\n')
		return line
	}
	require.NotContains(t, dial("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "), "200")
	require.Contains(t, dial("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"), "200 OK")
	require.Contains(t, dial("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Large: "+strings.Repeat("x", maxHeader+8<<10)+"\r\n\r\n"), "431")

	open, err := net.Dial("tcp", s.Address()) // one that stays open does not hold up the end
	require.NoError(t, err)
	defer open.Close()
	stop()
	require.NoError(t, <-ended)
}
