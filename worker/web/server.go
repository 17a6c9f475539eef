// Package web shows the worker in a browser: health, metrics, live page.
package web

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

// Bounds of a connection.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = time.Minute // of a CPU profile too, which takes 30 s
	idleTimeout   = time.Minute
	maxHeader     = 16 << 10
	endTimeout    = 2 * time.Second // of requests that are under way when the server ends
)

// Options say what is served, and to whom.
type Options struct {
	// Listen is the address, HOST:PORT; port 0 is a free one.
	Listen string
	// Token must be sent with every request but those of health. An address that other machines
	// reach needs one. Default: "", none is asked for.
	Token string
	// Activity is what is shown. Needed.
	Activity *Activity
	// Profiles serves the profiles of this program below /debug/pprof/. Default: false.
	Profiles bool
	// OnFault is told what went wrong in serving. Default: nobody is.
	OnFault func(text string)
}

// Server answers on one address. It only tells: nothing can be changed through it.
type Server struct {
	o        Options
	listener net.Listener
	http     *http.Server
}

// Listen takes the address, so that one that cannot be had is told at once. Run serves, and must be
// called, or Close.
func Listen(o Options) (*Server, error) {
	if err := CheckListen(o.Listen, o.Token); err != nil {
		return nil, fmt.Errorf("web.listen: %w", err)
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("web.listen: %w; choose another address, or leave it empty", err)
	}
	// What a name stands for is known only now.
	if at, ok := listener.Addr().(*net.TCPAddr); !ok || o.Token == "" && !at.IP.IsLoopback() {
		_ = listener.Close()
		return nil, fmt.Errorf("web.listen: %w", errNeedsToken(o.Listen))
	}
	return serverOn(listener, o), nil
}

// serverOn is a server on a listener.
func serverOn(listener net.Listener, o Options) *Server {
	if o.OnFault == nil {
		o.OnFault = func(string) {}
	}
	return &Server{o: o, listener: listener, http: &http.Server{
		Handler:           guarded(o, routes(o)),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: log.New(faults(o.OnFault), "", 0),
	}}
}

// Address is where the server listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Run serves until ctx ends and all connections are closed.
func (s *Server) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", s.Address(), err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	err := s.http.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close() // who reads slowly is cut off
	}
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}

// Close gives the address back of a server that never ran.
func (s *Server) Close() error { return s.listener.Close() }

// CheckListen says what is wrong with an address: it needs a token where other machines reach it.
func CheckListen(address, token string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		return fmt.Errorf("%q is no address; write HOST:PORT, such as 127.0.0.1:9321", address)
	}
	if token != "" || strings.EqualFold(host, "localhost") {
		return nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return errNeedsToken(address)
	}
	return nil
}

func errNeedsToken(address string) error {
	return fmt.Errorf("other machines may reach %s: set web.token, or listen on 127.0.0.1", address)
}

// faults passes lines of a log on.
type faults func(text string)

func (f faults) Write(line []byte) (int, error) {
	f(strings.TrimSpace(string(line)))
	return len(line), nil
}
