// Package hostile serves pages that behave badly in known ways, and the healthy pages around them.
package hostile

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// Items is how many healthy pages stand beside each bad one.
const Items = 8

// Server serves every page below a path of its name: /script-loop/ leads to Items healthy pages and to
// the bad one. It listens nowhere: Handler does the serving. Its methods may be called concurrently.
type Server struct {
	mu     sync.Mutex
	asked  map[string]int    // how often a path was asked for
	on     map[string]func() // what is done when a bad page has begun
	served map[string]func() // what is done when it is asked for
}

// New makes a server. It starts nothing.
func New() *Server {
	return &Server{asked: map[string]int{}, on: map[string]func(){}, served: map[string]func(){}}
}

// OnBegun names what is done, once, when the bad page of a name is open in Chrome and waits. The page goes on
// when do returns.
func (s *Server) OnBegun(name string, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on[name] = do
}

// OnServed names what is done, once, when the bad page of a name is asked for, before it is answered.
func (s *Server) OnServed(name string, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served[name] = do
}

// Asked is how often a page was asked for; its path is as /script-loop/bad.
func (s *Server) Asked(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[path]
}

// Names are the items that a run of a page's site comes to: what is healthy, and the bad page
// itself where it comes to an end.
func (p Page) Names() []string {
	names := []string{p.Name}
	for n := range Items {
		names = append(names, fmt.Sprintf("%s item %d", p.Name, n+1))
	}
	if p.Class == "" {
		names = append(names, p.Name+" bad")
	}
	return names
}

// SiteFile is the site file of a page whose Server is reached at baseURL, as a user would write it. more is
// added at its end.
func (p Page) SiteFile(baseURL, more string) []byte {
	wait := p.wait
	if wait == "" {
		wait = "dom"
	}
	limit := p.limit
	if limit == "" {
		limit = "30s"
	}
	retries := 1
	if p.Class != "" {
		retries = 0 // it would only take longer
	}
	return fmt.Appendf(nil, `name: %s
start: ["%s/%s/"]
robots: ignore
limits: {rate: none, per_host: 2, tabs: 2, retries: %d, page_timeout: %s}
templates:
  - name: page
    match: [/**]
    wait: %s
    items:
      - name: heading
        key: [name]
        fields: {name: {css: h1, required: true}}
    links: [a]
%s`, p.Name, baseURL, p.Name, retries, limit, wait, more)
}

// document is a page whose item is its name, with links to others.
func document(w http.ResponseWriter, name, body string, links ...string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	var text strings.Builder
	fmt.Fprintf(&text, "<!doctype html><meta charset=utf-8><title>%s</title><link rel=icon href=data:,><h1>%s</h1>\n", name, name)
	for _, link := range links {
		fmt.Fprintf(&text, "<a href=%q>x</a>\n", link)
	}
	text.WriteString(body)
	_, _ = w.Write([]byte(text.String()))
}
