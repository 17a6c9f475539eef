package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// upstream is the proxy behind this one.
type upstream struct {
	url    *url.URL
	direct []rule
	dialer net.Dialer
	limit  int64 // of the header of its answer, in bytes
}

func newUpstream(o Options) (*upstream, error) {
	if o.Upstream == nil {
		return nil, nil
	}
	if err := CheckUpstream(o.Upstream); err != nil {
		return nil, err
	}
	direct, err := parseRules(o.Direct)
	if err != nil {
		return nil, fmt.Errorf("hosts without the proxy: %w", err)
	}
	return &upstream{
		url: o.Upstream, direct: direct, limit: int64(o.HeaderBytes),
		dialer: net.Dialer{Timeout: o.DialTimeout, Resolver: o.Resolver},
	}, nil
}

// CheckUpstream says what is wrong with the URL of an upstream proxy.
func CheckUpstream(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("the proxy's URL begins with %q; only http:// and https:// proxies are used", u.Scheme)
	case u.Hostname() == "":
		return errors.New("the proxy's URL names no host; write http://user:password@proxy.example:3128")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the proxy's URL has a path; write http://user:password@proxy.example:3128")
	}
	return nil
}

// takes says whether a host is reached through the upstream proxy. A nil one takes none.
func (u *upstream) takes(host string, port uint16) bool {
	if u == nil {
		return false
	}
	addr, literal := parseLiteral(host)
	for _, r := range u.direct {
		if r.all || r.names(host, port) || literal && r.holds(addr, port) {
			return false
		}
	}
	return true
}

// address is where it listens.
func (u *upstream) address() string {
	port := u.url.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.url.Scheme]
	}
	return net.JoinHostPort(u.url.Hostname(), port)
}

// connect dials it, with TLS where its URL says so.
func (u *upstream) connect(ctx context.Context) (net.Conn, error) {
	conn, err := u.dialer.DialContext(ctx, "tcp", u.address())
	if err != nil {
		return nil, &upstreamError{err}
	}
	if u.url.Scheme == "http" {
		return conn, nil
	}
	secure := tls.Client(conn, &tls.Config{ServerName: u.url.Hostname(), MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, &upstreamError{err}
	}
	return secure, nil
}

// tunnel asks it for a connection to a server.
func (u *upstream) tunnel(ctx context.Context, hostport string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, u.dialer.Timeout)
	defer cancel()
	conn, err := u.connect(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	tunnelled, err := u.ask(conn, hostport)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		return nil, &upstreamError{err}
	}
	return tunnelled, nil
}

// ask makes the request for a tunnel on a connection to the proxy, and reads the answer.
func (u *upstream) ask(conn net.Conn, hostport string) (net.Conn, error) {
	request := &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Opaque: hostport}, Host: hostport, Header: http.Header{},
	}
	if user := u.url.User; user != nil {
		password, _ := user.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+credentials)
	}
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	header := &io.LimitedReader{R: conn, N: u.limit}
	reader := bufio.NewReader(header)
	answer, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %d to a request for %s", answer.StatusCode, hostport)
	}
	early := make([]byte, reader.Buffered()) // what the server said before it was asked
	if _, err := io.ReadFull(reader, early); err != nil {
		return nil, err
	}
	return &begun{Conn: conn, early: early}, nil
}

// begun is a connection of which a part has been read already.
type begun struct {
	net.Conn
	early []byte
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.early) == 0 {
		return b.Conn.Read(p)
	}
	n := copy(p, b.early)
	b.early = b.early[n:]
	return n, nil
}
