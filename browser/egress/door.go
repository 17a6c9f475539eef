package egress

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Door is a listener of a Proxy with a policy of its own.
type Door struct {
	proxy    *Proxy
	judge    *judge
	listener net.Listener
	mark     string
	failures failures

	direct  *http.Transport // dials servers
	through *http.Transport // asks the upstream proxy; nil without
	forward *httputil.ReverseProxy

	open sync.WaitGroup // connections, and requests at work
}

func newDoor(p *Proxy, j *judge, listener net.Listener) *Door {
	d := &Door{proxy: p, judge: j, listener: listener, mark: "text/x-ebb-" + strings.ToLower(rand.Text())}
	d.direct = d.transport(func(ctx context.Context, _, hostport string) (net.Conn, error) { return d.dial(ctx, hostport) })
	if up := p.upstream; up != nil {
		d.through = d.transport(func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := up.dialer.DialContext(ctx, "tcp", up.address())
			if err != nil {
				return nil, &upstreamError{err}
			}
			return d.count(conn, up.address()), nil
		})
		d.through.Proxy = http.ProxyURL(up.url)
	}
	d.forward = d.newForward()
	return d
}

// transport keeps connections to servers open for a while, as Chrome does.
func (d *Door) transport(dial func(ctx context.Context, network, hostport string) (net.Conn, error)) *http.Transport {
	o := d.proxy.options
	return &http.Transport{
		DialContext: dial, DisableCompression: true,
		MaxIdleConns: 256, MaxIdleConnsPerHost: 32, IdleConnTimeout: 60 * time.Second,
		TLSHandshakeTimeout: o.DialTimeout, MaxResponseHeaderBytes: int64(o.HeaderBytes),
		ReadBufferSize: 32 << 10, WriteBufferSize: 8 << 10,
	}
}

// Address is where the door listens: 127.0.0.1 and its port.
func (d *Door) Address() string { return d.listener.Addr().String() }

// Mark is a media type that only this door knows: what it answers itself, and no server, has it. Chrome tells of
// the type of every document, and of headers only at a price.
func (d *Door) Mark() (mime string) { return d.mark }

func (d *Door) port() uint16 {
	at, _ := netip.ParseAddrPort(d.Address())
	return at.Port()
}

// Failure says why the last attempt, in the last minute, to reach a host (name:port) came
// to nothing, with Chrome's name for it, such as net::ERR_NAME_NOT_RESOLVED. An error without
// such a code wraps ErrForbidden; nil says that nothing is known.
func (d *Door) Failure(host string) (code string, why error) {
	one, ok := d.failures.of(canonicalHostPort(host))
	if !ok {
		return "", nil
	}
	return one.code, one.err
}

// serve works until ctx ends, and returns when every connection is closed.
func (d *Door) serve(ctx context.Context) error {
	server := http.Server{
		Handler: d, MaxHeaderBytes: d.proxy.options.HeaderBytes,
		ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 90 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    silent, ConnState: d.connState,
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	err := server.Serve(&limited{Listener: d.listener, slots: d.proxy.slots, done: ctx.Done()})
	server.Close()
	d.open.Wait()
	d.CloseIdleConnections()
	if ctx.Err() != nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// connState counts connections until they are closed, or a request has taken them over.
func (d *Door) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		d.open.Add(1)
	case http.StateHijacked, http.StateClosed:
		d.open.Done()
	}
}

// RoundTrip asks a server for the worker itself, by the same policy and the same way as
// for Chrome. It implements http.RoundTripper.
func (d *Door) RoundTrip(r *http.Request) (*http.Response, error) {
	through, err := d.way(r.Context(), hostPort(r.URL))
	if err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	if !through {
		return d.direct.RoundTrip(r)
	}
	if path := r.URL.Opaque; path != "" { // a proxy is asked for whole URLs
		u := *r.URL
		u.Opaque = "//" + u.Host + path
		r = r.WithContext(r.Context())
		r.URL = &u
	}
	return d.through.RoundTrip(r)
}

// CloseIdleConnections closes the connections to servers over which nothing is fetched.
func (d *Door) CloseIdleConnections() {
	d.direct.CloseIdleConnections()
	if d.through != nil {
		d.through.CloseIdleConnections()
	}
}

// way says whether a host is reached through the upstream proxy, and judges it if so; one
// that is not is judged when it is dialled.
func (d *Door) way(ctx context.Context, hostport string) (through bool, err error) {
	host, port, err := hostAndPort(hostport)
	if err != nil || !d.proxy.upstream.takes(host, port) {
		return false, err
	}
	return true, d.vet(ctx, hostport)
}

// reach connects to a server, by whichever way.
func (d *Door) reach(ctx context.Context, hostport string) (net.Conn, error) {
	through, err := d.way(ctx, hostport)
	if err != nil {
		return nil, err
	}
	if !through {
		return d.dial(ctx, hostport)
	}
	conn, err := d.proxy.upstream.tunnel(ctx, hostport)
	if err != nil {
		return nil, err
	}
	return d.count(conn, hostport), nil
}

// hostPort is where a URL leads.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(canonical(u.Hostname()), port)
}

func parseLiteral(host string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(host)
	return plain(addr), err == nil
}
