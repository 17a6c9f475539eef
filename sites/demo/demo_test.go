package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/net/html"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves a demo and fetches its pages by path.
type serve struct {
	t      *testing.T
	demo   *Server
	server *httptest.Server
}

func newServe(t *testing.T, options Options) *serve {
	s := &serve{t: t, demo: New(options)}
	s.server = httptest.NewServer(s.demo.Handler())
	t.Cleanup(s.server.Close)
	return s
}

// get fetches a path, without following redirects.
func (s *serve) get(path string) (*http.Response, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.server.URL+path, nil)
	require.NoError(s.t, err)
	response, err := s.server.Client().Transport.RoundTrip(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return response, string(body)
}

// crawl follows every link as the site files allow it, and returns the pages by path.
func (s *serve) crawl(start, below string) map[string]*html.Node {
	s.t.Helper()
	pages, queue := map[string]*html.Node{}, []string{start}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		if _, seen := pages[path]; seen {
			continue
		}
		response, body := s.get(path)
		require.Equal(s.t, http.StatusOK, response.StatusCode, path)
		require.Equal(s.t, "text/html; charset=utf-8", response.Header.Get("Content-Type"), path)
		document, err := html.Parse(strings.NewReader(body))
		require.NoError(s.t, err)
		pages[path] = document
		for _, link := range find(document, "a", "") {
			if next := canonical(s.t, path, attr(link, "href")); strings.HasPrefix(next, below) && !denied(next) {
				queue = append(queue, next)
			}
		}
	}
	return pages
}

// canonical is a link's path and query without fragment and utm parameters.
func canonical(t *testing.T, base, link string) string {
	from, err := url.Parse(base)
	require.NoError(t, err)
	to, err := from.Parse(link)
	require.NoError(t, err)
	query := to.Query()
	for name := range query {
		if strings.HasPrefix(name, "utm_") {
			query.Del(name)
		}
	}
	to.RawQuery, to.Fragment = query.Encode(), ""
	return to.String()
}

// denied are the paths that robots.txt and the shop's site file deny.
func denied(path string) bool {
	for _, prefix := range []string{TrapPath, "/shop/go/", "/shop/archive/", "/news/intern/"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// find are the elements of a name, and of a class where one is given.
func find(node *html.Node, name, class string) []*html.Node {
	var found []*html.Node
	for n := range node.Descendants() {
		if n.Type == html.ElementNode && n.Data == name && (class == "" || strings.Contains(" "+attr(n, "class")+" ", " "+class+" ")) {
			found = append(found, n)
		}
	}
	return found
}

func attr(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(node *html.Node) string {
	var b strings.Builder
	for n := range node.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestThreeHundredPagesAllLinked(t *testing.T) {
	s := newServe(t, Options{Seed: 7})
	shop, news := s.crawl("/shop/", "/shop/"), s.crawl("/news/", "/news/")
	require.Len(t, shop, s.demo.PagesOf("shop"))
	require.Len(t, news, s.demo.PagesOf("news"))
	require.Equal(t, 300, len(shop)+len(news))
	require.Equal(t, 300, s.demo.Pages())
}

// A shop may be made as large as somebody needs it; each page of it is linked.
func TestALargeShop(t *testing.T) {
	for pages, products := range map[int]int{1: 1, 199: 30, 200: 31, 211: 31, 212: 32, 10_000: 1515} {
		require.Equal(t, products, ProductsFor(pages), "%d pages", pages)
		require.GreaterOrEqual(t, shopPages(products), pages)
		require.True(t, products == 1 || shopPages(products-1) < pages, "%d pages", pages)
	}
	s := newServe(t, Options{Products: 123})
	pages := s.crawl("/shop/", "/shop/")
	require.Len(t, pages, 1+6*(13+123))
	require.Len(t, pages, s.demo.PagesOf("shop"))
	require.Equal(t, "123 products", text(find(pages["/shop/"], "p", "count")[0]))
	require.Len(t, find(find(pages["/shop/c/lamps?page=7"], "nav", "pager")[0], "b", ""), 1)
	products := 0
	for _, truth := range s.demo.Truth("") {
		if truth.Kind == "product" {
			products++
			checkProduct(t, s, pages, truth)
		}
	}
	require.Equal(t, 6*123, products)
	response, _ := s.get("/shop/img/lmp-101.svg")
	require.Equal(t, http.StatusOK, response.StatusCode)
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	one, two, other := newServe(t, Options{Seed: 3}), newServe(t, Options{Seed: 3}), newServe(t, Options{Seed: 4})
	differs := false
	for _, truth := range one.demo.Truth("")[:60] {
		var data struct{ URL, Image string }
		require.NoError(t, json.Unmarshal(truth.Data, &data))
		for _, path := range []string{data.URL, data.Image} {
			if path == "" {
				continue
			}
			_, first := one.get(path)
			_, second := two.get(path)
			// the JSON-LD names the host, which is the listener's
			first = strings.ReplaceAll(first, one.server.URL, "")
			second = strings.ReplaceAll(second, two.server.URL, "")
			require.Equal(t, first, second, path)
		}
	}
	require.Equal(t, one.demo.Truth("http://x"), two.demo.Truth("http://x"))
	for i, truth := range other.demo.Truth("") {
		differs = differs || string(truth.Data) != string(one.demo.Truth("")[i].Data)
	}
	require.True(t, differs, "another seed gives another shop")
}

func TestTruthIsWhatThePagesSay(t *testing.T) {
	s := newServe(t, Options{Seed: 1})
	shop, news := s.crawl("/shop/", "/shop/"), s.crawl("/news/", "/news/")
	kinds, keys := map[string]int{}, map[string]bool{}
	for _, truth := range s.demo.Truth("") {
		kinds[truth.Site+" "+truth.Kind]++
		keys[truth.Site+" "+truth.Kind+" "+truth.Key] = true
		switch truth.Kind {
		case "product":
			checkProduct(t, s, shop, truth)
		case "article":
			checkArticle(t, s, news, truth)
		}
	}
	require.Equal(t, map[string]int{"shop category": 6, "shop product": 180, "news section": 5, "news article": 90}, kinds)
	require.Len(t, keys, 281, "no key twice")
	checkLists(t, s, shop, news)
}

func checkProduct(t *testing.T, s *serve, pages map[string]*html.Node, truth Truth) {
	var want productTruth
	require.NoError(t, json.Unmarshal(truth.Data, &want))
	page := pages[want.URL]
	require.NotNil(t, page, want.URL)
	require.Equal(t, want.SKU, truth.Key)
	require.Equal(t, want.Name, text(find(page, "h1", "")[0]))
	require.Equal(t, want.Category, text(find(find(page, "p", "crumbs")[0], "a", "")[1]))
	require.Equal(t, want.Description, text(find(page, "p", "description")[0]))
	require.Equal(t, want.Image, attr(find(page, "img", "picture")[0], "src"))
	require.Contains(t, text(find(page, "div", "detail")[0]), "GTIN "+want.GTIN)
	rows := find(find(page, "table", "features")[0], "tr", "")
	require.Len(t, rows, len(want.Features))
	for i, row := range rows {
		require.Equal(t, want.Features[i], featureTruth{text(find(row, "th", "")[0]), text(find(row, "td", "")[0])})
	}

	var ld struct {
		SKU, Name, GTIN13, ReleaseDate string
		Brand                          struct{ Name string }
		Weight                         struct{ Value int }
	}
	scriptJSONOf(t, page, "application/ld+json", &ld)
	require.Equal(t, []any{want.SKU, want.Name, want.GTIN, want.Released, want.Brand, want.WeightGrams},
		[]any{ld.SKU, ld.Name, ld.GTIN13, ld.ReleaseDate, ld.Brand.Name, ld.Weight.Value})

	require.Equal(t, "…", text(find(page, "p", "price")[0]), "the price is not in the document")
	var live struct {
		Price, Stock string
		Reviews      []review
	}
	_, body := s.get(attr(findID(page, "live"), "data-api"))
	require.NoError(t, json.Unmarshal([]byte(body), &live))
	price, err := json.Number(strings.NewReplacer("€", "", ",", "").Replace(live.Price)).Float64()
	require.NoError(t, err)
	wantPrice, err := want.Price.Float64()
	require.NoError(t, err)
	require.Equal(t, wantPrice, price)
	require.Equal(t, want.Reviews, live.Reviews)
	if want.Stock == 0 {
		require.Equal(t, "Sold out", live.Stock)
	} else {
		require.Equal(t, decimal(want.Stock, 0).String()+" in stock", live.Stock)
	}
}

func checkArticle(t *testing.T, s *serve, pages map[string]*html.Node, truth Truth) {
	var want articleTruth
	require.NoError(t, json.Unmarshal(truth.Data, &want))
	page := pages[want.URL]
	require.NotNil(t, page, want.URL)
	article := find(page, "article", "article")[0]
	require.Equal(t, want.Headline, text(find(article, "h1", "")[0]))
	require.Equal(t, want.Kicker, text(find(article, "p", "kicker")[0]))
	require.Equal(t, want.Author, text(find(article, "span", "author")[0]))
	require.Equal(t, want.Lead, text(find(article, "p", "lead")[0]))
	require.Equal(t, want.Published, germanDate(t, text(find(article, "span", "date")[0])))
	require.Equal(t, want.Image, attr(find(article, "img", "picture")[0], "src"))
	readers := strings.TrimSuffix(strings.ReplaceAll(text(find(article, "span", "readers")[0]), ".", ""), " Leser")
	require.Equal(t, decimal(want.Readers, 0).String(), readers)
	share := strings.TrimSuffix(strings.ReplaceAll(text(find(article, "span", "share")[0]), ",", "."), " % bis zum Ende")
	require.Equal(t, want.FinishedPercent.String(), strings.TrimSuffix(share, ".0"))
	var paragraphs []string
	for _, p := range find(find(article, "div", "body")[0], "p", "") {
		paragraphs = append(paragraphs, text(p))
	}
	require.Equal(t, want.Paragraphs, paragraphs)

	var state struct {
		Article struct {
			ID        string
			Tags      []string
			Exclusive bool
		}
	}
	scriptJSONOf(t, page, "application/json", &state)
	require.Equal(t, []any{want.ID, want.Tags, want.Exclusive}, []any{state.Article.ID, state.Article.Tags, state.Article.Exclusive})
	require.Equal(t, want.Exclusive, len(find(article, "b", "exclusive")) == 1)

	var live struct{ Comments []comment }
	_, body := s.get(attr(findID(page, "kommentare"), "data-api"))
	require.NoError(t, json.Unmarshal([]byte(body), &live))
	require.Equal(t, want.Comments, live.Comments)
}

func checkLists(t *testing.T, s *serve, shop, news map[string]*html.Node) {
	var categories, sections []string
	for _, c := range find(shop["/shop/"], "section", "category") {
		link := find(c, "a", "")[0]
		data, err := json.Marshal(categoryTruth{text(link), attr(link, "href"), 30})
		require.NoError(t, err)
		require.Equal(t, "30 products", text(find(c, "p", "count")[0]))
		categories = append(categories, string(data))
	}
	for _, link := range find(find(news["/news/"], "nav", "")[0], "a", "") {
		data, err := json.Marshal(sectionTruth{text(link), attr(link, "href")})
		require.NoError(t, err)
		sections = append(sections, string(data))
	}
	var want [2][]string
	for _, truth := range s.demo.Truth("") {
		switch truth.Kind {
		case "category":
			want[0] = append(want[0], string(truth.Data))
		case "section":
			want[1] = append(want[1], string(truth.Data))
		}
	}
	require.Equal(t, want, [2][]string{categories, sections})
}

func findID(node *html.Node, id string) *html.Node {
	for n := range node.Descendants() {
		if n.Type == html.ElementNode && attr(n, "id") == id {
			return n
		}
	}
	return nil
}

func scriptJSONOf(t *testing.T, page *html.Node, kind string, into any) {
	t.Helper()
	for _, script := range find(page, "script", "") {
		if attr(script, "type") == kind {
			require.NoError(t, json.Unmarshal([]byte(script.FirstChild.Data), into))
			return
		}
	}
	t.Fatalf("no script of type %s", kind)
}
