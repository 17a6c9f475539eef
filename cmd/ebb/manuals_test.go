//go:build manuals

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
)

// manual is a real site on disk, and the site file that scrapes it.
type manual struct {
	site   string // its file in sites/examples
	folder string // where Debian's package puts it
	pages  int    // how many HTML files it has at least: versions differ a little
	// unlinked are the pages to which no chain of links leads from index.html: the site
	// file starts at them too.
	unlinked []string
}

var manuals = []manual{
	{site: "postgresql-doc.yaml", folder: "usr/share/doc/postgresql-doc-15/html", pages: 1100},
	{site: "python3-doc.yaml", folder: "usr/share/doc/python3.11/html", pages: 500, unlinked: []string{
		"distutils/_setuptools_disclaimer.html", "distutils/packageindex.html",
		"distutils/uploading.html", "includes/wasm-notavail.html",
	}},
}

// TestManuals scrapes two real manuals from a real web server with the real main, and
// holds what comes out against the files on disk: every page once, nothing that is not
// there, each title and heading as a parser reads it.
func TestManuals(t *testing.T) {
	for _, m := range manuals {
		t.Run(strings.TrimSuffix(m.site, ".yaml"), func(t *testing.T) {
			folder := needManual(t, m.folder)
			want := readManual(t, folder)
			require.GreaterOrEqual(t, len(want), m.pages, "%s is not whole: run .ci/manuals", folder)
			server := startNginx(t, folder)
			site := m.siteFor(t, server.url)
			m.checkStarts(t, site, want)
			items := scrapeManual(t, site)
			server.stop()
			checkAsked(t, server.asked(), want)
			checkItems(t, items, server.url, want)
		})
	}
}

// siteFor is a copy of the example with another host and port.
func (m manual) siteFor(t *testing.T, server string) string {
	const written = "http://127.0.0.1:8088"
	example, err := os.ReadFile(filepath.Join("../../sites/examples", m.site))
	require.NoError(t, err)
	require.Contains(t, string(example), written)
	file := filepath.Join(t.TempDir(), m.site)
	require.NoError(t, os.WriteFile(file, bytes.ReplaceAll(example, []byte(written), []byte(server)), 0o644))
	return file
}

// checkStarts holds that the example starts at index.html and at the pages that it does
// not lead to, and at no others.
func (m manual) checkStarts(t *testing.T, file string, want map[string]manualPage) {
	site, err := sites.Load(file)
	require.NoError(t, err)
	linked := reachableFrom(want, "index.html")
	starts := []string{"index.html"}
	for name := range want {
		if !linked[name] {
			starts = append(starts, name)
		}
	}
	slices.Sort(starts[1:])
	require.Equal(t, append([]string{"index.html"}, m.unlinked...), starts, "pages that index.html does not lead to")
	var written []string
	for _, start := range site.Start {
		_, name, _ := strings.Cut(strings.TrimPrefix(start, "http://"), "/")
		written = append(written, name)
	}
	require.ElementsMatch(t, starts, written, "start URLs of %s", m.site)
}

// manualItem is one line of `ebb scrape`.
type manualItem struct {
	URL  string `json:"url"`
	Kind string `json:"kind"`
	Data struct {
		URL      string   `json:"url"`
		Title    string   `json:"title"`
		Headings []string `json:"headings"`
	} `json:"data"`
}

// scrapeManual runs `ebb scrape` on a database of its own.
func scrapeManual(t *testing.T, site string) []manualItem {
	folder := t.TempDir()
	ebb := exec.Command("ebb", "scrape", site, "--format", "jsonl")
	ebb.Dir = folder
	ebb.Env = append(os.Environ(), "EBB_CONFIG=", "EBB_DATABASE="+filepath.Join(folder, "ebb.db"),
		"EBB_MEMORY_RECORDINGS="+filepath.Join(folder, "recordings"))
	var out, told bytes.Buffer
	ebb.Stdout, ebb.Stderr = &out, &told
	began := time.Now()
	err := ebb.Run()
	took := time.Since(began)
	require.NoError(t, err, "exit code of ebb scrape\n%s", &told)
	var items []manualItem
	lines := bufio.NewScanner(&out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var item manualItem
		require.NoError(t, json.Unmarshal(lines.Bytes(), &item), "%s", lines.Text())
		items = append(items, item)
	}
	require.NoError(t, lines.Err())
	t.Logf("%d items in %s, %.1f a second, with the start and end of Chrome\n%s",
		len(items), took.Round(time.Millisecond), float64(len(items))/took.Seconds(), &told)
	// The line about the run names what failed, was skipped or could not be taken.
	require.NotRegexp(t, `(?m)^\S+: done, .*(failed|skipped|fault)`, told.String())
	return items
}

// checkAsked holds that each page was asked for once, robots.txt once, and nothing else.
func checkAsked(t *testing.T, requests []nginxRequest, want map[string]manualPage) {
	times := map[string]int{}
	for _, r := range requests {
		times[r.target]++
		if r.target != "/robots.txt" { // there is none
			assert.Equal(t, http.StatusOK, r.status, "%s %s", r.method, r.target)
		}
	}
	expected := map[string]int{"/robots.txt": 1}
	for name := range want {
		expected["/"+name] = 1
	}
	for target, n := range expected {
		assert.Equal(t, n, times[target], "requests for %s", target)
	}
	for target := range times {
		assert.Positive(t, expected[target], "%s was asked for without need", target)
	}
}

// checkItems holds that each page has one item, with its title and headings.
func checkItems(t *testing.T, items []manualItem, server string, want map[string]manualPage) {
	seen := map[string]bool{}
	headings, wrong := 0, 0
	for _, item := range items {
		require.Less(t, wrong, 10, "and perhaps more")
		name, below := strings.CutPrefix(item.URL, server+"/")
		page, known := want[name]
		if !assert.True(t, below && known, "an item of %s, which is no page", item.URL) {
			continue
		}
		assert.False(t, seen[name], "a second item of %s", name)
		seen[name] = true
		headings += len(page.headings)
		assert.Equal(t, "page", item.Kind)
		assert.Equal(t, item.URL, item.Data.URL)
		assert.NotEmpty(t, page.title, "%s has no title", name)
		same := assert.Equal(t, page.title, item.Data.Title, "title of %s", name)
		same = assert.Equal(t, page.headings, item.Data.Headings, "headings of %s", name) && same
		if !same {
			wrong++
		}
	}
	for name := range want {
		assert.True(t, seen[name], "no item of %s", path.Clean(name))
	}
	t.Logf("%d titles and %d headings are as a parser reads them", len(seen), headings)
}
