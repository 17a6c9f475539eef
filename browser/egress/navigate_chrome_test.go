package egress_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/browser/egress"
)

// leavings tries all that a page can do to lead its tab elsewhere, and says where that is then.
const leavings = `(async url => {
	for (const leave of [
		() => location.href = url, () => open(url), () => open(url, "_self"),
		() => Object.assign(document.createElement("a"), {href: url}).click(),
		() => document.body.append(Object.assign(document.createElement("iframe"), {src: url})),
	]) {
		try { leave(); } catch {}
		await fetch("/");
	}
	await new Promise(done => setTimeout(done, 50));
	return location.origin;
})(%s)`

// TestNavigations: what becomes of a page that is forbidden, cannot be reached, or leads its
// own tab where it must not go.
func TestNavigations(t *testing.T) {
	s := newSecret(t)
	hostile := newHostile(t, s)
	n := newNames(map[string][]string{"meta.test": {"127.0.0.1"}, "location.test": {"127.0.0.1"}, "form.test": {"127.0.0.1"}})
	gone := httptest.NewServer(nil)
	gone.Close()
	door := serve(t, egress.Options{Resolver: n.resolver()}, egress.Policy{Allow: []string{
		"127.0.0.1:" + portOf(hostile.URL), "127.0.0.1:" + portOf(gone.URL),
	}})[0]
	l := lend(t, guarded(t, door, 1), browser.LeaseOptions{})
	ctx := browsertest.Within(t)

	for _, url := range []string{
		s.URL, "https://127.0.0.1:" + s.port(), "http://2130706433:" + s.port(), "http://0x7f.1:" + s.port(), "http://[::ffff:127.0.0.1]:" + s.port(),
		"http://[::1]:" + s.port(), "http://localhost:" + s.port(), "http://0:" + s.port(), "http://169.254.169.254/latest/meta-data/", "https://169.254.169.254",
		hostile.URL + "/redirect/navigation", "http://" + door.Address(),
	} {
		_, err := l.Navigate(ctx, url)
		require.ErrorIs(t, err, browser.ErrForbidden, url)
		require.ErrorIs(t, err, egress.ErrForbidden, url)
	}
	_, err := l.Navigate(ctx, s.URL)
	require.EqualError(t, err, "open "+s.URL+": not allowed by egress: 127.0.0.1 is a loopback address; allow it with egress.allow in the site file")
	for url, code := range map[string]string{
		"http://nowhere.test/": "net::ERR_NAME_NOT_RESOLVED", "https://nowhere.test/": "net::ERR_NAME_NOT_RESOLVED",
		gone.URL: "net::ERR_CONNECTION_REFUSED", "https://" + gone.URL[len("http://"):]: "net::ERR_CONNECTION_REFUSED",
	} {
		_, err := l.Navigate(ctx, url)
		var failed *browser.NetError
		require.ErrorAs(t, err, &failed, url)
		require.Equal(t, code, failed.Code, "as without the proxy: %s", url)
	}

	for _, way := range []string{"meta", "location", "form"} {
		_, err := l.Navigate(ctx, hostile.URL+"/to/"+way)
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			_, why := door.Failure(way + ".test:" + s.port())
			return why != nil
		}, 30*time.Second, 20*time.Millisecond, way)
	}
	for range 20 { // where the page that is left leads meanwhile is not held against the next one
		for _, path := range []string{"/to/location", "/"} {
			_, err := l.Navigate(ctx, hostile.URL+path)
			require.NoError(t, err)
		}
	}
	require.Empty(t, s.reached())

	for _, url := range []string{"file:///etc/passwd", "chrome://version", "view-source:" + hostile.URL, "data:text/html,<p>x", "mailto:a@b.example", "tel:1", "filesystem:" + hostile.URL + "/temporary/x", "devtools://devtools/bundled/inspector.html"} {
		_, err := l.Navigate(ctx, hostile.URL+"/?"+url[:3])
		require.NoError(t, err)
		quoted, err := json.Marshal(url)
		require.NoError(t, err)
		raw, err := l.EvaluateMain(ctx, fmt.Sprintf(leavings, quoted))
		require.NoError(t, err, url)
		require.JSONEq(t, `"`+hostile.URL+`"`, string(raw), url)
		require.Contains(t, l.URL(), hostile.URL)
	}
}

// TestRebindingInChrome: a page whose name begins to lead inside does not get in.
func TestRebindingInChrome(t *testing.T) {
	outside := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<p>outside")
	}))
	outside.Listener.Close()
	var err error
	outside.Listener, err = net.Listen("tcp", "127.0.0.2:0")
	require.NoError(t, err)
	outside.Start()
	t.Cleanup(outside.Close)
	port := portOf(outside.URL)
	inside := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the name led inside") }))
	inside.Listener.Close()
	inside.Listener, err = net.Listen("tcp", "127.0.0.1:"+port)
	require.NoError(t, err)
	inside.Start()
	t.Cleanup(inside.Close)

	n := newNames(map[string][]string{"evil.test": {"127.0.0.2", "127.0.0.1"}})
	door := serve(t, egress.Options{Resolver: n.resolver()}, egress.Policy{Allow: []string{"127.0.0.2"}})[0]
	l := lend(t, guarded(t, door, 1), browser.LeaseOptions{})
	ctx := browsertest.Within(t)
	_, err = l.Navigate(ctx, "http://evil.test:"+port+"/")
	require.NoError(t, err)
	raw, err := l.EvaluateMain(ctx, `Promise.allSettled([
		fetch("/a").then(r => r.status), fetch("/b", {method: "POST"}).then(r => r.status),
		new Promise((yes, no) => { const s = new WebSocket("ws://" + location.host + "/c"); s.onopen = yes; s.onerror = () => no("refused"); }),
	]).then(all => all.map(one => one.value ?? one.reason))`)
	require.NoError(t, err)
	require.JSONEq(t, `[403, 403, "refused"]`, string(raw))
	_, err = l.Navigate(ctx, "http://evil.test:"+port+"/again")
	require.ErrorContains(t, err, "127.0.0.1 (evil.test) is a loopback address")
}
