package demo

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Paths that a crawl is not to ask for.
const (
	// TrapPath is disallowed by robots.txt; what lies below it has no end.
	TrapPath = "/shop/trap/"
	// DealPath redirects to a product; the site file denies it.
	DealPath = "/shop/go/deal"
	// GonePath is a dead link (404); the site file denies it.
	GonePath = "/shop/archive/2019"
)

// robotsText is /robots.txt of both sites.
const robotsText = `# The demo sites of ebb.
User-agent: *
Disallow: ` + TrapPath + `
Disallow: /news/intern/
Allow: /
`

// routes is the handler below the counting.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.serveIndex)
	mux.HandleFunc("GET /robots.txt", serveText("text/plain; charset=utf-8", robotsText))
	mux.HandleFunc("GET /favicon.ico", s.serveFavicon)

	mux.HandleFunc("GET /shop/{$}", s.serveShopHome)
	mux.HandleFunc("GET /shop/c/{category}", s.serveCategory)
	mux.HandleFunc("GET /shop/p/{sku}/{slug}", s.serveProduct)
	mux.HandleFunc("GET /shop/api/product/{sku}", s.serveProductLive)
	mux.HandleFunc("GET /shop/img/{name}", s.serveImage)
	mux.HandleFunc("GET "+DealPath, s.serveDeal)
	mux.HandleFunc("GET "+TrapPath, s.serveTrap)

	mux.HandleFunc("GET /news/{$}", s.serveFront)
	mux.HandleFunc("GET /news/{section}/{name}", s.serveNews)
	mux.HandleFunc("GET /news/{section}/{$}", s.serveNews)
	mux.HandleFunc("GET /news/api/comments/{id}", s.serveComments)
	mux.HandleFunc("GET /news/bilder/{name}", s.serveImage)

	mux.HandleFunc("GET /assets/{name}", serveAsset)
	return mux
}

// serveShopHome is the shop's first page.
func (s *Server) serveShopHome(w http.ResponseWriter, _ *http.Request) {
	s.render(w, "shop-home", map[string]any{
		"Title": "Halde & Fjord – good things for the house", "Shop": &s.shop,
		"Count": len(s.shop.categories[0].Products), "Deal": DealPath, "Gone": GonePath, "Trap": TrapPath,
	})
}

// serveCategory is one list of a category.
func (s *Server) serveCategory(w http.ResponseWriter, r *http.Request) {
	for _, c := range s.shop.categories {
		if c.Slug != r.PathValue("category") {
			continue
		}
		lists := listsOf(len(c.Products))
		list, ok := listNumber(r.URL.Query().Get("page"), lists)
		if !ok {
			break
		}
		s.render(w, "shop-list", map[string]any{
			"Title": c.Name, "Shop": &s.shop, "Category": c, "Pager": newPager(list, lists, c.Path),
			"Products": c.Products[(list-1)*listProducts : min(list*listProducts, len(c.Products))],
		})
		return
	}
	s.notFound(w)
}

// serveProduct is a product's page, without what its script fetches.
func (s *Server) serveProduct(w http.ResponseWriter, r *http.Request) {
	p := s.shop.products[r.PathValue("sku")]
	if p == nil || p.Slug != r.PathValue("slug") {
		s.notFound(w)
		return
	}
	s.render(w, "shop-product", map[string]any{
		"Title": p.Name, "Shop": &s.shop, "Product": p, "LD": productLD(p, origin(r)),
	})
}

// serveProductLive is what the product page's script fetches.
func (s *Server) serveProductLive(w http.ResponseWriter, r *http.Request) {
	p := s.shop.products[r.PathValue("sku")]
	if p == nil {
		s.notFound(w)
		return
	}
	s.mu.RLock()
	live := map[string]any{"price": p.Price(), "stock": p.Availability(), "reviews": append([]review{}, p.Reviews...)}
	s.mu.RUnlock()
	s.answerLater(w, r, live)
}

// serveComments is what an article's script fetches.
func (s *Server) serveComments(w http.ResponseWriter, r *http.Request) {
	a := s.paper.articles[r.PathValue("id")]
	if a == nil {
		s.notFound(w)
		return
	}
	s.mu.RLock()
	comments := append([]comment{}, a.Comments...)
	s.mu.RUnlock()
	s.answerLater(w, r, map[string]any{"comments": comments})
}

// answerLater answers with JSON after 5 to 20 ms, always the same for one path.
func (s *Server) answerLater(w http.ResponseWriter, r *http.Request, value any) {
	delay := time.Duration(5+textHash(r.URL.Path)%16) * time.Millisecond
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return
	}
	data, err := json.Marshal(value)
	if err != nil { // plain values of our own
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(data)
}

// serveDeal redirects to a product.
func (s *Server) serveDeal(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, s.shop.featured[0].Path(), http.StatusFound)
}

// serveTrap is a page that leads to ever more of its kind.
func (s *Server) serveTrap(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if len(path) > 1000 {
		path = TrapPath
	}
	s.render(w, "trap", map[string]any{"Title": "Nothing here", "Shop": &s.shop, "Deeper": path + "x/"})
}

// serveFront is the news site's first page.
func (s *Server) serveFront(w http.ResponseWriter, _ *http.Request) {
	s.render(w, "news-front", map[string]any{"Title": "Der Seebote", "Paper": &s.paper})
}

// serveNews is a list of a section, or an article.
func (s *Server) serveNews(w http.ResponseWriter, r *http.Request) {
	for _, desk := range s.paper.sections {
		if desk.Slug == r.PathValue("section") {
			s.serveSection(w, r, desk)
			return
		}
	}
	s.notFound(w)
}

func (s *Server) serveSection(w http.ResponseWriter, r *http.Request, desk *section) {
	name := r.PathValue("name")
	id, _, _ := strings.Cut(name, "-")
	if a := s.paper.articles[id]; a != nil && a.Path() == r.URL.Path {
		s.render(w, "news-article", map[string]any{"Title": a.Headline, "Paper": &s.paper, "Article": a, "State": articleState(a)})
		return
	}
	number := strings.TrimSuffix(strings.TrimPrefix(name, "seite-"), ".html")
	list, ok := listNumber(number, sectionLists)
	if !ok || desk.Path(list) != r.URL.Path {
		s.notFound(w)
		return
	}
	s.render(w, "news-list", map[string]any{
		"Title": desk.Name, "Paper": &s.paper, "Section": desk, "Pager": newPager(list, sectionLists, desk.Path),
		"Articles": desk.Articles[(list-1)*listArticles : list*listArticles],
	})
}

// serveIndex leads a person to both sites; no crawl begins here.
func (s *Server) serveIndex(w http.ResponseWriter, _ *http.Request) {
	s.render(w, "index", map[string]any{"Title": "Demo sites of ebb"})
}

// listNumber reads the number of a list; "" is the first.
func listNumber(text string, lists int) (int, bool) {
	if text == "" {
		return 1, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 2 && n <= lists && strconv.Itoa(n) == text
}

// origin is the scheme and host that were asked for.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// serveText answers with a fixed text.
func serveText(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(text))
	}
}
