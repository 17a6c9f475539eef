// Package leaky serves pages that leak by a known amount for a known cause, and their
// clean twins.
package leaky

import (
	"html/template"
	"net/http"
	"sync"
	"time"
)

// Options says how long what takes time takes.
type Options struct {
	// Growth is how long the spike takes to grow. Default: 1 s.
	Growth time.Duration
	// IdleAfter is how long after a visit the page that leaks while it idles does so.
	// Default: 1.5 s.
	IdleAfter time.Duration
}

// Server serves every case below a path of its name: /detached-nodes/. It listens
// nowhere: Handler does the serving. Its methods may be called concurrently.
type Server struct {
	options Options
	pages   *template.Template
	handler http.Handler
	sockets sockets

	mu     sync.Mutex
	visits map[string]int // owned by mu: documents of cases that count them here
}

// New makes the pages. It starts nothing.
func New(options Options) *Server {
	if options.Growth <= 0 {
		options.Growth = time.Second
	}
	if options.IdleAfter <= 0 {
		options.IdleAfter = 1500 * time.Millisecond
	}
	s := &Server{options: options, pages: parsePages(), visits: map[string]int{}}
	s.handler = s.routes()
	return s
}

// Handler serves all cases. It is the same under every host name, since pages on
// 127.0.0.1 put frames of localhost, and of names below it, into themselves.
func (s *Server) Handler() http.Handler { return s.handler }

// Close ends the websockets that pages have left open, and waits until they have
// ended: a server that shuts down does not know of them. It returns nil.
func (s *Server) Close() error {
	s.sockets.close()
	return nil
}

// nextVisit counts one more document of a case.
func (s *Server) nextVisit(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visits[name]++
	return s.visits[name]
}
