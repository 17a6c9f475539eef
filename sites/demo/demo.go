// Package demo serves the built-in demo sites: a shop and a news site whose content is
// known.
package demo

import (
	"fmt"
	"html/template"
	"math/rand/v2"
	"net/http"
	"sync"
)

// Options says what the demo sites are like.
type Options struct {
	// Seed decides all content: the same seed gives the same bytes. Default: 0, which
	// is a seed like any other.
	Seed uint64
	// Drift is how many products get a new price, and how many articles further
	// comments, each time Advance is called. Default: 0, nothing ever changes.
	Drift int
	// Schedule is the schedule in the site files. Default: @every 1s.
	Schedule string
	// Products is how many products each of the shop's six categories has. Default: 30.
	Products int
}

// Server holds the content of the demo sites and counts what is asked of them. It
// listens nowhere: Handler does the serving. Its methods may be called concurrently.
type Server struct {
	options Options
	shop    shop
	paper   paper
	pages   *template.Template
	images  map[string]image
	handler http.Handler
	hits    hits

	mu    sync.RWMutex // owns cycle and every live part of shop and paper
	cycle int
}

// New makes the demo sites. It starts nothing.
func New(options Options) *Server {
	if options.Schedule == "" {
		options.Schedule = "@every 1s"
	}
	if options.Products <= 0 {
		options.Products = categoryProducts
	}
	s := &Server{
		options: options,
		shop:    newShop(random(options.Seed, "shop"), options.Products),
		paper:   newPaper(random(options.Seed, "news")),
		pages:   parsePages(),
		images:  map[string]image{},
	}
	s.drawImages()
	s.handler = s.hits.count(s.routes())
	return s
}

// Handler serves both sites, below /shop/ and /news/ of one origin.
func (s *Server) Handler() http.Handler { return s.handler }

// Pages is the number of HTML pages: a crawl of both sites that obeys robots.txt and
// the site files' deny patterns visits so many, each once.
func (s *Server) Pages() int { return s.shop.pages() + newsPages }

// PagesOf is the number of HTML pages of one site, "shop" or "news"; 0 of another.
func (s *Server) PagesOf(site string) int {
	return map[string]int{"shop": s.shop.pages(), "news": newsPages}[site]
}

// Hits is how often each path has been asked for, without queries. Paths beyond the
// first few thousand are counted together under "(more)".
func (s *Server) Hits() map[string]int { return s.hits.snapshot() }

// Advance begins another cycle: Options.Drift products and articles change, and Truth
// with them. Call it while no run is under way.
func (s *Server) Advance() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cycle++
	random := random(s.options.Seed, fmt.Sprint("cycle ", s.cycle))
	s.shop.drift(random, s.options.Drift)
	s.paper.drift(random, s.options.Drift)
}

// random is a source of chance that depends on the seed and a purpose only.
func random(seed uint64, purpose string) *rand.Rand {
	return rand.New(rand.NewPCG(seed, textHash(purpose)))
}

// textHash is FNV-1a.
func textHash(text string) uint64 {
	hash := uint64(14695981039346656037)
	for i := range len(text) {
		hash = (hash ^ uint64(text[i])) * 1099511628211
	}
	return hash
}
