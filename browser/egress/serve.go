package egress

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// silent takes what net/http would log: this package returns errors and logs none.
var silent = log.New(io.Discard, "", 0)

// ServeHTTP answers a request of Chrome: CONNECT with a tunnel, others by forwarding them.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.open.Add(1)
	defer d.open.Done()
	switch {
	case r.Method == http.MethodConnect:
		d.tunnel(w, r)
	case r.URL.Scheme != "http" || r.URL.Host == "":
		http.Error(w, "this is a forward proxy", http.StatusBadRequest)
	default:
		d.forward.ServeHTTP(w, r)
	}
}

// buffers are for copying.
type buffers struct{ pool sync.Pool }

const bufferBytes = 64 << 10

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[bufferBytes]byte); ok {
		return p[:]
	}
	return make([]byte, bufferBytes)
}

func (b *buffers) Put(p []byte) { b.pool.Put((*[bufferBytes]byte)(p)) }

var copying buffers

// newForward forwards plain http. The hop-by-hop headers, those for proxies among them,
// are taken off by the standard library's proxy.
func (d *Door) newForward() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:    d.rewrite,
		Transport:  d,
		BufferPool: &copying,
		ErrorLog:   silent,
		// At once: what a page waits for may be the half of an answer.
		FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			if r.StatusCode == http.StatusProxyAuthRequired {
				return errProxyAnswer
			}
			if strings.HasPrefix(r.Header.Get("Content-Type"), d.mark) { // it has learned it from a failure of its own
				r.Header.Del("Content-Type")
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { d.fail(w, hostPort(r.URL), err) },
	}
}

// rewrite keeps the path and the query as Chrome wrote them: what net/url makes of them
// may be spelled differently.
func (d *Door) rewrite(r *httputil.ProxyRequest) {
	_, rest, _ := strings.Cut(r.In.RequestURI, "://")
	path := "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		path = "/" + strings.TrimPrefix(rest[i:], "/")
	}
	r.Out.URL.Opaque, r.Out.URL.RawQuery, r.Out.URL.ForceQuery = path, "", false
}

// fail answers that a host was not reached, and notes why.
func (d *Door) fail(w http.ResponseWriter, hostport string, err error) {
	if errors.Is(err, context.Canceled) {
		w.WriteHeader(http.StatusBadGateway) // nobody waits for it
		return
	}
	d.failures.add(hostport, err)
	status := http.StatusBadGateway
	if errors.Is(err, ErrForbidden) {
		status = http.StatusForbidden
	}
	w.Header().Set("Content-Type", d.mark)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
}

// tunnel joins Chrome to a server, over which it speaks TLS or WebSocket.
func (d *Door) tunnel(w http.ResponseWriter, r *http.Request) {
	server, err := d.reach(r.Context(), r.Host)
	if err != nil {
		d.fail(w, canonicalHostPort(r.Host), err)
		return
	}
	defer server.Close()
	conn, early, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(r.Context(), func() {
		conn.Close()
		server.Close()
	})
	defer stop()
	if _, err := conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		return
	}
	if n := early.Reader.Buffered(); n > 0 {
		if _, err := io.CopyN(server, early, int64(n)); err != nil {
			return
		}
	}
	join(conn, server, d.proxy.options.IdleTimeout)
}

func canonicalHostPort(hostport string) string {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return hostport
	}
	return net.JoinHostPort(canonical(host), port)
}

// join copies both ways until one end closes, or nothing came from either for idle.
func join(client, server net.Conn, idle time.Duration) {
	var last atomic.Int64
	last.Store(time.Now().UnixNano())
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			pour(pair[1], pair[0], &last, idle)
			if half, ok := pair[1].(*slotted); ok && half.CloseWrite() == nil {
				return // what Chrome has not read yet must still reach it
			}
			pair[1].Close()
		})
	}
	both.Wait()
}

// pour copies from src to dst until src ends or nothing went either way for idle.
func pour(dst, src net.Conn, last *atomic.Int64, idle time.Duration) {
	buffer := copying.Get()
	defer copying.Put(buffer)
	for {
		if err := src.SetReadDeadline(time.Unix(0, last.Load()).Add(idle)); err != nil {
			return
		}
		n, err := src.Read(buffer)
		if n > 0 {
			last.Store(time.Now().UnixNano())
			if _, err := dst.Write(buffer[:n]); err != nil {
				src.Close()
				return
			}
		}
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			if time.Since(time.Unix(0, last.Load())) < idle {
				continue // the other way was used
			}
			dst.Close()
			src.Close()
			return
		}
		if err != nil {
			return
		}
	}
}

// limited accepts no more connections at once than there are slots.
type limited struct {
	net.Listener
	slots chan struct{}
	done  <-chan struct{}
}

func (l *limited) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		conn.Close()
		return nil, net.ErrClosed
	}
	return &slotted{TCPConn: conn.(*net.TCPConn), slots: l.slots}, nil
}

// slotted gives its slot back when it is closed.
type slotted struct {
	*net.TCPConn
	slots chan struct{}
	once  sync.Once
}

func (s *slotted) Close() error {
	defer s.once.Do(func() { <-s.slots })
	return s.TCPConn.Close()
}
