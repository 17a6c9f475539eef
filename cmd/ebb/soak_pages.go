package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ebbworker/ebb/sites/demo"
	"github.com/ebbworker/ebb/sites/leaky"
)

// soakBases are where the pages of a soak are served, each without a slash at the end.
type soakBases struct {
	Leaky  string `json:"leaky"`
	Demo   string `json:"demo"`
	Faulty string `json:"faulty"`
	// Refused is an address that is taken, and at which nobody listens.
	Refused string `json:"refused"`
}

// soakPages are the pages of a soak, served by a process of their own: what serving them takes must not
// be taken for the worker's.
type soakPages struct {
	bases   soakBases
	process *exec.Cmd
	input   io.Closer // its end ends the process, also when this one is killed
	said    *tailBuffer
}

// startSoakPages starts that process. products is the size of its demo shop, as demo.Options has it.
func (a *app) startSoakPages(ctx context.Context, products int) (*soakPages, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &soakPages{process: exec.Command(self, "soak", "--pages", "--products", strconv.Itoa(products)), said: &tailBuffer{}}
	p.process.Stderr = p.said
	input, err := p.process.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("serve the pages: %w", err)
	}
	p.input = input
	out, err := p.process.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("serve the pages: %w", err)
	}
	p.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ^C is for this process, which ends that one when it is done
	if err := p.process.Start(); err != nil {
		return nil, fmt.Errorf("serve the pages: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = p.input.Close() })
	err = json.NewDecoder(out).Decode(&p.bases)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serve the pages: %w", err), p.stop())
	}
	return p, nil
}

// soakPagesGrace is how long the process may take to end.
const soakPagesGrace = 10 * time.Second

// stop ends the process and waits for it.
func (p *soakPages) stop() error {
	_ = p.input.Close()
	timer := time.AfterFunc(soakPagesGrace, func() { _ = p.process.Process.Kill() })
	defer timer.Stop()
	if err := p.process.Wait(); err != nil {
		return fmt.Errorf("serve the pages: %w: %s", err, p.said.String())
	}
	return nil
}

// serveSoakPages serves the pages, says where on standard output, and returns at the end of standard
// input.
func (a *app) serveSoakPages(products int) (err error) {
	leaks := leaky.New(leaky.Options{})
	shop := demo.New(demo.Options{Products: products})
	var bases soakBases
	for _, each := range []struct {
		base    *string
		handler http.Handler
	}{{&bases.Leaky, leaks.Handler()}, {&bases.Demo, shop.Handler()}, {&bases.Faulty, newFaultyPages()}} {
		base, stop, err := serveOnLoopback(each.handler)
		if err != nil {
			return err
		}
		defer func() { _ = stop() }()
		*each.base = base
	}
	defer func() { _ = leaks.Close() }()
	var free func() error
	if bases.Refused, free, err = takeAddress(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, free()) }()
	if err := json.NewEncoder(a.stdout).Encode(bases); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, a.stdin)
	return err
}

// serveOnLoopback serves a handler until it is stopped.
func serveOnLoopback(handler http.Handler) (base string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("serve the pages: %w", err)
	}
	web := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- web.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() error {
		err := web.Close()
		<-done
		return err
	}, nil
}

// takeAddress takes a port without listening at it: whoever connects is refused, and nobody else comes to
// have it meanwhile.
func takeAddress() (base string, free func() error, err error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", nil, fmt.Errorf("take a port that refuses: %w", err)
	}
	free = func() error { return unix.Close(socket) }
	err = unix.Bind(socket, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	var taken unix.Sockaddr
	if err == nil {
		taken, err = unix.Getsockname(socket)
	}
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("take a port that refuses: %w", err), free())
	}
	inet, ok := taken.(*unix.SockaddrInet4)
	if !ok {
		return "", nil, errors.Join(fmt.Errorf("take a port that refuses: its address is a %T", taken), free())
	}
	return fmt.Sprintf("http://127.0.0.1:%d", inet.Port), free, nil
}

// newFaultyPages are a page that opens a window, and pages that fail: /faulty each time in another of four
// ways, each time a little different, and /late never comes.
func newFaultyPages() http.Handler {
	var asked atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		page := func(check, heading string) {
			fmt.Fprintf(w, "<title>%d</title><script>function check() { %s }</script><%s>%d</%s>", n, check, heading, n, heading)
		}
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/faulty":
			switch n % 4 {
			case 0:
				w.WriteHeader(http.StatusInternalServerError)
			case 1:
				page(`throw new Error("this page is broken: " + document.title)`, "h1")
			case 2:
				page("", "h2")
			case 3:
				w.WriteHeader(http.StatusForbidden)
			}
		case "/windows": // it does not wait for the window, which is closed at once
			fmt.Fprint(w, `<title>windows</title><script>function check() { window.open("/window"); }</script><h1>windows</h1>`)
		case "/window":
			fmt.Fprint(w, "<title>window</title><h1>A page that nobody asked for</h1>")
		case "/late":
			<-r.Context().Done()
		default:
			http.NotFound(w, r)
		}
	})
}
