package demo

import (
	"encoding/json"
	"fmt"
	"image/png"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
)

// germanDate reads "3. März 2026, 14:05 Uhr" as central European summer time.
func germanDate(t *testing.T, text string) string {
	var day, year, hour, minute int
	var month string
	_, err := fmt.Sscanf(text, "%d. %s %d, %d:%d Uhr", &day, &month, &year, &hour, &minute)
	require.NoError(t, err, text)
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for i, name := range germanMonths {
		if name == month {
			return time.Date(year, time.Month(i+1), day, hour, minute, 0, 0, berlin).UTC().Format(time.RFC3339)
		}
	}
	t.Fatalf("no month in %q", text)
	return ""
}

func TestSiteFilesAreSites(t *testing.T) {
	demo := New(Options{Schedule: "*/5 * * * *"})
	files := demo.SiteFiles("http://127.0.0.1:8080")
	require.Len(t, files, 2)
	for _, name := range []string{"shop", "news"} {
		site, err := sites.Parse(name+".yaml", files[name+".yaml"])
		require.NoError(t, err)
		require.Equal(t, name, site.Name)
		require.Equal(t, "*/5 * * * *", site.Schedule)
		require.Equal(t, []string{"http://127.0.0.1:8080/" + name + "/"}, site.Start)
	}
	require.Contains(t, string(New(Options{}).SiteFiles("http://x")["shop.yaml"]), `schedule: "@every 1s"`)
}

func TestFieldsStandInTheOrderOfTheSiteFiles(t *testing.T) {
	demo := New(Options{})
	order := map[string][]string{}
	for name, file := range demo.SiteFiles("http://127.0.0.1") {
		site, err := sites.Parse(name, file)
		require.NoError(t, err)
		for _, template := range site.Templates {
			for _, rule := range template.Items {
				for _, field := range rule.Fields {
					order[rule.Name] = append(order[rule.Name], field.Name)
				}
			}
		}
	}
	for _, truth := range demo.Truth("") {
		decoder := json.NewDecoder(strings.NewReader(string(truth.Data)))
		_, err := decoder.Token()
		require.NoError(t, err)
		var names []string
		for decoder.More() {
			name, err := decoder.Token()
			require.NoError(t, err)
			names = append(names, name.(string))
			var value json.RawMessage
			require.NoError(t, decoder.Decode(&value))
		}
		require.Equal(t, order[truth.Kind], names)
	}
}

func TestHitsAreCounted(t *testing.T) {
	s := newServe(t, Options{})
	s.get("/shop/?utm_source=x")
	s.get("/shop/")
	s.get(TrapPath)
	require.Equal(t, map[string]int{"/shop/": 2, TrapPath: 1}, s.demo.Hits())
}

func TestHitsAreBounded(t *testing.T) {
	var h hits
	for i := range hitPaths + 10 {
		h.add(fmt.Sprint(TrapPath, i))
	}
	h.add(TrapPath + "0")
	require.Len(t, h.snapshot(), hitPaths+1)
	require.Equal(t, 10, h.snapshot()[morePaths])
	require.Equal(t, 2, h.snapshot()[TrapPath+"0"])
}

func TestACrawlByTheRulesNeverMeetsTheTrap(t *testing.T) {
	s := newServe(t, Options{})
	s.crawl("/shop/", "/shop/")
	for path := range s.demo.Hits() {
		require.False(t, denied(path), path)
	}
	_, robots := s.get("/robots.txt")
	require.Contains(t, robots, "Disallow: "+TrapPath)
}

func TestTheTrapHasNoEnd(t *testing.T) {
	s := newServe(t, Options{})
	_, first := s.get(TrapPath)
	require.Contains(t, first, `href="`+TrapPath+`x/"`)
	_, second := s.get(TrapPath + "x/")
	require.Contains(t, second, `href="`+TrapPath+`x/x/"`)
}

func TestOddAnswers(t *testing.T) {
	s := newServe(t, Options{})
	for path, status := range map[string]int{
		DealPath: http.StatusFound, "/shop/img/hero": http.StatusFound, GonePath: http.StatusNotFound,
		"/shop/c/lamps?page=4": http.StatusNotFound, "/shop/c/lamps?page=x": http.StatusNotFound,
		"/shop/c/none": http.StatusNotFound, "/shop/p/lmp-101/other": http.StatusNotFound,
		"/shop/api/product/none": http.StatusNotFound, "/news/stadt/seite-3.html": http.StatusNotFound,
		"/news/stadt/seite-1.html": http.StatusNotFound, "/news/stadt/x.html": http.StatusNotFound,
		"/news/none/": http.StatusNotFound, "/news/api/comments/1": http.StatusNotFound,
		"/assets/layout.tmpl": http.StatusNotFound, "/shop/img/none.svg": http.StatusNotFound,
		"/assets/shop.css": http.StatusOK, "/assets/news.js": http.StatusOK, "/": http.StatusOK, "/favicon.ico": http.StatusOK,
	} {
		response, _ := s.get(path)
		require.Equal(t, status, response.StatusCode, path)
	}
	response, _ := s.get(DealPath)
	target, _ := s.get(response.Header.Get("Location"))
	require.Equal(t, http.StatusOK, target.StatusCode)
}

func TestImagesAreImagesAndMayBeCached(t *testing.T) {
	s := newServe(t, Options{Seed: 9})
	paths := slices.Collect(maps.Keys(s.demo.images))
	for _, p := range s.demo.shop.products {
		paths = append(paths, p.Image())
	}
	for _, path := range paths {
		response, body := s.get(path)
		require.Equal(t, "public, max-age=86400", response.Header.Get("Cache-Control"))
		if strings.HasSuffix(path, ".png") {
			require.Equal(t, "image/png", response.Header.Get("Content-Type"))
			_, err := png.Decode(strings.NewReader(body))
			require.NoError(t, err, path)
		} else {
			require.Equal(t, "image/svg+xml", response.Header.Get("Content-Type"))
			require.True(t, strings.HasSuffix(body, "</svg>"), path)
		}
	}
	require.Len(t, paths, 180+90+1)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/shop/img/hero.png", nil)
	require.NoError(t, err)
	request.Header.Set("If-None-Match", s.demo.images["/shop/img/hero.png"].etag)
	response, err := s.server.Client().Do(request)
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusNotModified, response.StatusCode)
}

func TestDriftChangesAsManyItemsAsAsked(t *testing.T) {
	s := newServe(t, Options{Seed: 2, Drift: 5})
	before := s.demo.Truth("")
	s.demo.Advance()
	after := s.demo.Truth("")
	changed := map[string]int{}
	pages := s.crawl("/shop/", "/shop/")
	for i := range before {
		if string(before[i].Data) != string(after[i].Data) {
			changed[after[i].Kind]++
			if after[i].Kind == "product" {
				checkProduct(t, s, pages, after[i])
			}
		}
	}
	require.Equal(t, map[string]int{"product": 5, "article": 5}, changed)

	again := New(Options{Seed: 2, Drift: 5})
	again.Advance()
	require.Equal(t, after, again.Truth(""), "the drift follows from the seed")

	constant := New(Options{Seed: 2})
	constant.Advance()
	require.Equal(t, before, constant.Truth(""), "without drift nothing changes")
}

func TestDriftIsAtMostEverything(t *testing.T) {
	demo := New(Options{Drift: 1_000_000})
	before := demo.Truth("")
	demo.Advance()
	changed := 0
	for i, truth := range demo.Truth("") {
		if string(truth.Data) != string(before[i].Data) {
			changed++
		}
	}
	require.Equal(t, 180+90, changed)
}

func TestDecimal(t *testing.T) {
	for want, n := range map[string]int{"1299": 129900, "19.9": 1990, "0.05": 5, "0": 0, "7.99": 799} {
		require.Equal(t, want, decimal(n, 2).String())
	}
}
