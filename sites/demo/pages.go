package demo

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"path"
	"time"
)

//go:embed assets
var assets embed.FS

// parsePages reads the templates, which are part of the program and correct.
func parsePages() *template.Template {
	return template.Must(template.ParseFS(assets, "assets/*.tmpl"))
}

// render writes an HTML page.
func (s *Server) render(w http.ResponseWriter, name string, data map[string]any) {
	s.renderStatus(w, http.StatusOK, name, data)
}

// notFound writes the 404 page.
func (s *Server) notFound(w http.ResponseWriter) {
	s.renderStatus(w, http.StatusNotFound, "missing", map[string]any{"Title": "Not found", "Shop": &s.shop})
}

func (s *Server) renderStatus(w http.ResponseWriter, status int, name string, data map[string]any) {
	var page bytes.Buffer
	if err := s.pages.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}

// Categories and Featured are for the templates.
func (s *shop) Categories() []*category { return s.categories }

// Featured are the products of the home page.
func (s *shop) Featured() []*product { return s.featured }

// Sections are the paper's sections, for the templates.
func (p *paper) Sections() []*section { return p.sections }

// Top are the articles of the front page.
func (p *paper) Top() []*article { return p.top }

// pager is the row of links below a list.
type pager struct {
	Lists          []pagerLink
	Previous, Next string
	Number, Count  int
}

type pagerLink struct {
	Number  int
	Path    string
	Current bool
}

// pagerReach is how many lists before and behind it a list leads to: a page has the same size in a large
// shop.
const pagerReach = 5

// newPager leads to the lists beside the one with a number.
func newPager(number, count int, at func(int) string) pager {
	p := pager{Number: number, Count: count}
	for n := max(1, number-pagerReach); n <= min(count, number+pagerReach); n++ {
		p.Lists = append(p.Lists, pagerLink{n, at(n), n == number})
	}
	if number > 1 {
		p.Previous = at(number - 1)
	}
	if number < count {
		p.Next = at(number + 1)
	}
	return p
}

// productLD is the product's JSON-LD, for search engines and scrapers.
func productLD(p *product, origin string) template.JS {
	return scriptJSON(map[string]any{
		"@context": "https://schema.org", "@type": "Product",
		"sku": p.SKU, "name": p.Name, "gtin13": p.GTIN, "description": p.Description,
		"brand":       map[string]any{"@type": "Brand", "name": p.Brand},
		"category":    p.Category.Name,
		"image":       origin + p.Image(),
		"releaseDate": p.Released,
		"weight":      map[string]any{"@type": "QuantitativeValue", "value": p.WeightGrams, "unitCode": "GRM"},
	})
}

// articleState is the JSON in an article's page.
func articleState(a *article) template.JS {
	return scriptJSON(map[string]any{
		"article": map[string]any{"id": a.ID, "tags": a.Tags, "exclusive": a.Exclusive},
	})
}

// scriptJSON is JSON that cannot end the script element: <, > and & are escaped.
func scriptJSON(value any) template.JS {
	data, err := json.Marshal(value)
	if err != nil { // plain values of our own
		return "null"
	}
	return template.JS(data)
}

// serveAsset serves style sheets and scripts, which may be cached for a day.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
	contentType, public := types[path.Ext(name)]
	data, err := assets.ReadFile("assets/" + name)
	if err != nil || !public {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "public, max-age=86400")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
}
