package egress_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/egress"
)

// visitor is a client that uses a door as Chrome does.
func visitor(t *testing.T, d *egress.Door) *http.Client {
	transport := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: d.Address()})}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	r, err := c.Get(url)
	require.NoError(t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return r, string(body)
}

// dialDoor sends a request as it stands.
func dialDoor(t *testing.T, d *egress.Door, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", d.Address())
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	return conn, bufio.NewReader(conn)
}

func server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

var everything = egress.Policy{Allow: []string{"*"}}

func TestForwards(t *testing.T) {
	var mark string
	var saw *http.Request
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		saw = r.Clone(context.Background())
		if r.Header.Get("Upgrade") != "" {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
				_, _ = io.Copy(conn, conn)
				conn.Close()
			}
			return
		}
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "1")
		if r.URL.Path == "/forged" {
			w.Header().Set("Content-Type", mark)
		}
		if r.URL.Path == "/407" {
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		fmt.Fprint(w, "hello")
	})
	host := strings.TrimPrefix(s.URL, "http://")
	d := serve(t, egress.Options{}, everything)[0]
	mark = d.Mark()
	forged, _ := get(t, visitor(t, d), s.URL+"/forged")
	require.Equal(t, http.StatusOK, forged.StatusCode)
	require.NotEqual(t, mark, forged.Header.Get("Content-Type"), "no server can claim to be the proxy")

	conn, reader := dialDoor(t, d, "GET http://"+host+"/a|b%20c?q=1;2&%3d HTTP/1.1\r\nHost: "+host+"\r\nProxy-Authorization: Basic c2VjcmV0\r\n"+
		"Proxy-Connection: keep-alive\r\nConnection: X-Mine\r\nX-Mine: 1\r\nX-Other: 2\r\nAccept-Encoding: br\r\n\r\n")
	r, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, "hello", string(body))
	require.Empty(t, r.Header.Get("X-Hop"))
	require.Equal(t, "/a|b%20c?q=1;2&%3d", saw.RequestURI, "as it was written")
	require.Equal(t, host, saw.Host)
	require.Equal(t, "2", saw.Header.Get("X-Other"))
	require.Equal(t, "br", saw.Header.Get("Accept-Encoding"))
	for _, hop := range []string{"Proxy-Authorization", "Proxy-Connection", "X-Mine", "X-Forwarded-For", "Via"} {
		require.Empty(t, saw.Header.Get(hop), hop)
	}
	conn.Close()

	conn, reader = dialDoor(t, d, "GET http://"+host+"/ws HTTP/1.1\r\nHost: "+host+"\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	r, err = http.ReadResponse(reader, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, r.StatusCode)
	echo(t, conn, reader)
	conn, reader = dialDoor(t, d, "CONNECT "+host+" HTTP/1.1\r\nHost: "+host+"\r\n\r\nGET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
	for _, status := range []int{http.StatusOK, http.StatusSwitchingProtocols} {
		r, err = http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
		require.NoError(t, err)
		require.Equal(t, status, r.StatusCode, "what came early is not lost")
	}
	echo(t, conn, reader)

	c := visitor(t, d)
	r, _ = get(t, c, s.URL+"/407")
	require.Equal(t, http.StatusBadGateway, r.StatusCode, "no server may ask for a proxy's password")
	code, _ := d.Failure(host)
	require.Equal(t, "net::ERR_UNEXPECTED_PROXY_AUTH", code)
	for _, request := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET https://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n"} {
		_, reader := dialDoor(t, d, request)
		r, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, r.StatusCode, request)
	}
}

func echo(t *testing.T, conn net.Conn, reader *bufio.Reader) {
	t.Helper()
	_, err := io.WriteString(conn, "ping")
	require.NoError(t, err)
	answer := make([]byte, 4)
	_, err = io.ReadFull(reader, answer)
	require.NoError(t, err)
	require.Equal(t, "ping", string(answer))
	conn.Close()
}

// TestRefusals: what is forbidden, and what cannot be reached, has an answer of the proxy's
// own, and the reason is known afterwards.
func TestRefusals(t *testing.T) {
	s := server(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was reached") })
	gone := server(t, nil)
	gone.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			conn.Close()
		}
	}()
	allowed := egress.Policy{Allow: []string{strings.TrimPrefix(gone.URL, "http://"), silent.Addr().String()}}
	p, err := egress.New(egress.Options{Resolver: newNames(map[string][]string{"inside.test": {"127.0.0.1"}}).resolver()})
	require.NoError(t, err)
	doors := serveProxy(t, p, allowed, everything)
	d := doors[0]
	port := portOf(s.URL)
	for target, want := range map[string]string{
		"127.0.0.1:" + port: "127.0.0.1 is a loopback address", "[::ffff:127.0.0.1]:" + port: "loopback", "inside.test:" + port: "127.0.0.1 (inside.test) is a loopback address",
		"[::1]:" + port: "loopback", "169.254.169.254:80": "metadata", "[fe80::1]:" + port: "link-local", "0.0.0.0:" + port: "unspecified",
		"nowhere.test:80": "net::ERR_NAME_NOT_RESOLVED", strings.TrimPrefix(gone.URL, "http://"): "net::ERR_CONNECTION_REFUSED",
		silent.Addr().String(): "net::ERR_EMPTY_RESPONSE",
	} {
		r, _ := get(t, visitor(t, d), "http://"+target+"/")
		require.Equal(t, d.Mark(), r.Header.Get("Content-Type"), target)
		code, why := d.Failure(target)
		if strings.HasPrefix(want, "net::") {
			require.Equal(t, http.StatusBadGateway, r.StatusCode)
			require.Equal(t, want, code, "%s: %v", target, why)
			continue
		}
		require.Equal(t, http.StatusForbidden, r.StatusCode, target)
		require.Empty(t, code, target)
		require.ErrorIs(t, why, egress.ErrForbidden, target)
		require.ErrorContains(t, why, want)
		_, reader := dialDoor(t, d, "CONNECT "+target+" HTTP/1.1\r\nHost: x\r\n\r\n")
		answer, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
		require.NoError(t, err, target)
		require.Equal(t, http.StatusForbidden, answer.StatusCode, target)
	}
	code, why := d.Failure("never.test:80")
	require.Empty(t, code)
	require.NoError(t, why)

	_, err = (&http.Client{Transport: d}).Get(s.URL + "/robots.txt")
	require.ErrorIs(t, err, egress.ErrForbidden, "the worker itself is held to it too")
	for _, own := range doors {
		for _, host := range []string{"127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0", "127.0.0.2", "inside.test"} {
			r, _ := get(t, visitor(t, doors[1]), "http://"+host+":"+portOf(own.Address())+"/")
			require.Equal(t, http.StatusForbidden, r.StatusCode, "its own listener, as %s", host)
		}
	}
}

// TestRebinding: a name that has led to an allowed address leads to another one.
func TestRebinding(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	require.NoError(t, err)
	outside := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "outside") }))
	outside.Listener.Close()
	outside.Listener = listener
	outside.Start()
	t.Cleanup(outside.Close)
	n := newNames(map[string][]string{"evil.test": {"127.0.0.2", "127.0.0.1"}})
	d := serve(t, egress.Options{Resolver: n.resolver()}, egress.Policy{Allow: []string{"127.0.0.2"}})[0]
	c := visitor(t, d)
	target := "http://evil.test:" + portOf(outside.URL) + "/"
	_, body := get(t, c, target)
	require.Equal(t, "outside", body)
	outside.CloseClientConnections() // else the connection is used again
	d.CloseIdleConnections()
	r, _ := get(t, c, target)
	require.Equal(t, http.StatusForbidden, r.StatusCode)
	_, why := d.Failure("evil.test:" + portOf(outside.URL))
	require.ErrorContains(t, why, "127.0.0.1 (evil.test) is a loopback address")
}

func TestLimits(t *testing.T) {
	huge := strings.Repeat("x", 20<<10)
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/huge" {
			w.Header().Set("X-Huge", huge)
		}
		fmt.Fprint(w, strings.Repeat("y", 1000))
	})
	host := strings.TrimPrefix(s.URL, "http://")
	quiet, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { quiet.Close() })
	connect := "CONNECT " + quiet.Addr().String() + " HTTP/1.1\r\nHost: x\r\n\r\n"

	t.Run("header", func(t *testing.T) {
		d := serve(t, egress.Options{HeaderBytes: 4 << 10}, everything)[0]
		_, reader := dialDoor(t, d, "GET "+s.URL+"/ HTTP/1.1\r\nHost: "+host+"\r\nX: "+huge+"\r\n\r\n")
		r, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, r.StatusCode)
		r, _ = get(t, visitor(t, d), s.URL+"/huge")
		require.Equal(t, http.StatusBadGateway, r.StatusCode)
		code, _ := d.Failure(host)
		require.Equal(t, "net::ERR_RESPONSE_HEADERS_TOO_BIG", code)
	})
	t.Run("idle", func(t *testing.T) {
		d := serve(t, egress.Options{IdleTimeout: 100 * time.Millisecond}, everything)[0]
		_, reader := dialDoor(t, d, connect)
		r, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, r.StatusCode)
		_, err = reader.ReadByte()
		require.ErrorIs(t, err, io.EOF, "closed, long before the test's own limit")
		r, _ = get(t, visitor(t, d), "http://"+quiet.Addr().String()+"/")
		require.Equal(t, http.StatusBadGateway, r.StatusCode)
		code, _ := d.Failure(quiet.Addr().String())
		require.Equal(t, "net::ERR_TIMED_OUT", code)
	})
	t.Run("dial", func(t *testing.T) {
		over, asking := make(chan struct{}), make(chan struct{}, 100)
		defer close(over) // ends the look-ups too
		deaf := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			asking <- struct{}{}
			<-over
			return nil, io.EOF
		}}
		d := serve(t, egress.Options{DialTimeout: 100 * time.Millisecond, Resolver: deaf}, everything)[0]
		r, _ := get(t, visitor(t, d), "http://never.test/")
		require.Equal(t, http.StatusBadGateway, r.StatusCode)
		require.NotEmpty(t, asking)
	})
	t.Run("connections", func(t *testing.T) {
		d := serve(t, egress.Options{Conns: 1}, everything)[0]
		first, reader := dialDoor(t, d, connect)
		_, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
		require.NoError(t, err)
		second, reader := dialDoor(t, d, "GET "+s.URL+"/ HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		require.NoError(t, second.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
		_, err = reader.Peek(1)
		require.Error(t, err, "it waits")
		require.NoError(t, second.SetReadDeadline(time.Now().Add(30*time.Second)))
		first.Close()
		r, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, r.StatusCode)
	})
	t.Run("hosts", func(t *testing.T) {
		p, err := egress.New(egress.Options{Hosts: 1})
		require.NoError(t, err)
		d := serveProxy(t, p, everything)[0]
		other := server(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "z") })
		get(t, visitor(t, d), s.URL)
		get(t, visitor(t, d), other.URL)
		third := server(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "z") })
		get(t, visitor(t, d), third.URL)
		hosts := p.Hosts()
		require.Len(t, hosts, 2)
		require.Equal(t, host, hosts[0].Host)
		require.Greater(t, hosts[0].Down, int64(1000))
		require.Positive(t, hosts[0].Up)
		require.Equal(t, egress.OtherHosts, hosts[1].Host)
	})
}

// TestUpstream: everything goes through the other proxy, which alone gets the password, and
// what may be reached is judged all the same.
func TestUpstream(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "" {
			t.Error("the password has come to the server")
		}
		fmt.Fprint(w, "hello")
	})
	secure := httptest.NewTLSServer(s.Config.Handler)
	t.Cleanup(secure.Close)
	n := newNames(map[string][]string{"inside.test": {"10.1.2.3"}, "two.test": {"127.0.0.1"}})
	behind, err := egress.New(egress.Options{})
	require.NoError(t, err)
	other := serveProxy(t, behind, everything)[0]
	var asked []string
	front := server(t, func(w http.ResponseWriter, r *http.Request) {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("user:pass word"))
		if r.Header.Get("Proxy-Authorization") != want {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		asked = append(asked, r.Method+" "+r.Host)
		r.Header.Del("Proxy-Authorization")
		other.ServeHTTP(w, r)
	})
	through := func(user *url.Userinfo, direct ...string) *egress.Door {
		u, err := url.Parse(front.URL)
		require.NoError(t, err)
		u.User = user
		return serve(t, egress.Options{Upstream: u, Direct: direct, Resolver: n.resolver()}, egress.Policy{Allow: []string{"127.0.0.1"}})[0]
	}
	d := through(url.UserPassword("user", "pass word"))
	c := visitor(t, d)
	c.Transport.(*http.Transport).TLSClientConfig = secure.Client().Transport.(*http.Transport).TLSClientConfig
	_, body := get(t, c, s.URL+"/a|b?x")
	require.Equal(t, "hello", body)
	_, body = get(t, c, secure.URL)
	require.Equal(t, "hello", body)
	r, err := (&http.Client{Transport: d}).Get(s.URL)
	require.NoError(t, err)
	r.Body.Close()
	require.Equal(t, []string{"GET " + s.Listener.Addr().String(), "CONNECT " + secure.Listener.Addr().String(), "GET " + s.Listener.Addr().String()}, asked)

	asked = nil
	for _, target := range []string{"http://inside.test/", "http://10.0.0.1/", "http://169.254.169.254/"} {
		r, _ := get(t, c, target)
		require.Equal(t, http.StatusForbidden, r.StatusCode, target)
	}
	require.Empty(t, asked)
	d = through(url.UserPassword("user", "pass word"), "127.0.0.1", "*.test")
	_, body = get(t, visitor(t, d), s.URL)
	require.Equal(t, "hello", body)
	require.Empty(t, asked, "it is reached directly")

	d = through(url.UserPassword("user", "wrong"))
	conn, reader := dialDoor(t, d, "CONNECT "+secure.Listener.Addr().String()+" HTTP/1.1\r\nHost: x\r\n\r\n")
	r, err = http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
	require.NoError(t, err)
	require.Equal(t, http.StatusBadGateway, r.StatusCode)
	code, why := d.Failure(secure.Listener.Addr().String())
	require.Equal(t, "net::ERR_PROXY_CONNECTION_FAILED", code)
	require.ErrorContains(t, why, "407")
	require.NotContains(t, why.Error(), "wrong")
	conn.Close()
	front.Close()
	r, _ = get(t, visitor(t, d), s.URL)
	require.Equal(t, http.StatusBadGateway, r.StatusCode)
	code, _ = d.Failure(s.Listener.Addr().String())
	require.Equal(t, "net::ERR_PROXY_CONNECTION_FAILED", code)
}

func TestNewRefuses(t *testing.T) {
	for raw, want := range map[string]string{"socks5://x": "only http:// and https://", "http:///": "names no host", "http://x/path": "has a path"} {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		_, err = egress.New(egress.Options{Upstream: u})
		require.ErrorContains(t, err, want)
	}
	p, err := egress.New(egress.Options{})
	require.NoError(t, err)
	_, err = p.Open(egress.Policy{Allow: []string{"a b"}})
	require.ErrorContains(t, err, "egress.allow: \"a b\" is no host")
	require.NoError(t, p.Close())
}
