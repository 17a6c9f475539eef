package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/store"
)

// printed reads items printed as JSON lines, by kind and key; none may be there twice.
func printed(t *testing.T, stdout string) map[[2]string]json.RawMessage {
	t.Helper()
	items := map[[2]string]json.RawMessage{}
	for line := range strings.Lines(stdout) {
		var item struct {
			Site, Kind, Key, URL string
			Data                 json.RawMessage
		}
		require.NoError(t, json.Unmarshal([]byte(line), &item), line)
		require.NotEmpty(t, item.URL)
		key := [2]string{item.Kind, item.Key}
		require.NotContains(t, items, key, "printed twice")
		items[key] = item.Data
	}
	return items
}

// TestScrapePrintsTheTruth scrapes a whole demo site from its file.
func TestScrapePrintsTheTruth(t *testing.T) {
	w := newWorld(t)
	p := w.ebb("scrape", filepath.Join(w.sites, "news.yaml"))
	require.Equal(t, 0, p.wait(), p.said())
	got := printed(t, p.stdout.String())
	count := 0
	for _, truth := range w.demo.Truth(w.server.URL) {
		if truth.Site == "news" {
			require.JSONEq(t, string(truth.Data), string(got[[2]string{truth.Kind, truth.Key}]), truth.Key)
			count++
		}
	}
	require.Len(t, got, count)
	require.Contains(t, p.said(), "news: done, 101 pages in ")
	w.requireTruth(w.open(), "news")
	w.requireNothingLeft()
}

// TestScrapeForms prints one site in each form, each item once.
func TestScrapeForms(t *testing.T) {
	w := smallWorld(t)
	file := filepath.Join(w.sites, "sections.yaml")

	p := w.ebb("scrape", file)
	require.Equal(t, 0, p.wait(), p.said())
	require.Len(t, printed(t, p.stdout.String()), 2*(sectionPages-1))

	p = w.ebb("scrape", file, "--format", "csv")
	require.Equal(t, 0, p.wait(), p.said())
	rows, err := csv.NewReader(&p.stdout).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+2*(sectionPages-1))
	require.Equal(t, []string{"site", "kind", "key", "url", "scraped_at"}, rows[0][:5])
	require.ElementsMatch(t, []string{"name", "data.url", "title"}, rows[0][5:])
	keys := map[string]bool{}
	for _, row := range rows[1:] {
		keys[row[1]+" "+row[2]] = true
	}
	require.Len(t, keys, 2*(sectionPages-1))

	p = w.ebb("scrape", "sections", "--format", "table")
	require.Equal(t, 0, p.wait(), p.said())
	for _, section := range []string{"Stadt", "Wirtschaft", "Kultur", "Sport", "Wissen"} {
		require.Regexp(t, `(?m)^section +.*`+section, p.stdout.String())
	}
	require.Len(t, w.runs(w.open(), store.RunFilter{States: []store.RunState{store.RunDone}}), 3)
	w.requireNothingLeft()
}

// TestScrapeURL takes one page and keeps nothing.
func TestScrapeURL(t *testing.T) {
	w := smallWorld(t)
	p := w.ebb("scrape", w.server.URL+"/news/")
	require.Equal(t, 0, p.wait(), p.said())
	got := printed(t, p.stdout.String())
	require.Len(t, got, 1)
	for _, data := range got {
		var page struct {
			Title           string
			Headings, Links []string
		}
		require.NoError(t, json.Unmarshal(data, &page))
		require.Equal(t, "Der Seebote · Der Seebote", page.Title)
		require.NotEmpty(t, page.Headings)
		require.Contains(t, page.Links, w.server.URL+"/news/sport/")
	}
	require.NoFileExists(t, w.database)
	w.requireNothingLeft()
}

// TestScrapeFails holds the exit codes of what a person meets first.
func TestScrapeFails(t *testing.T) {
	w := smallWorld(t)
	file := filepath.Join(w.sites, "sections.yaml")

	bad := filepath.Join(w.home, "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("name: bad\nstart: ["+w.server.URL+"/]\nlimits: {pagse: 3}\ntemplates: [{name: a}]\n"), 0o600))
	p := w.ebb("scrape", bad)
	require.Equal(t, exitUsage, p.wait())
	require.Regexp(t, `(?m)^`+bad+`:3:10: .*pagse.*pages`, p.said())

	p = w.ebb("scrape", file, "--browser", filepath.Join(w.home, "no-chrome"))
	require.Equal(t, exitNoBrowser, p.wait())
	require.Regexp(t, `(?m)^ebb: .*no-chrome`, p.said())

	w.setDown(true)
	p = w.ebb("scrape", file)
	require.Equal(t, exitFailed, p.wait())
	require.Contains(t, p.said(), "robots.txt", "a server whose rules cannot be read is not visited")
	require.Contains(t, p.said(), "ebb: the run of sections is failed")
	w.setDown(false)

	w.server.Close()
	p = w.ebb("scrape", file)
	require.Equal(t, exitFailed, p.wait())
	require.Contains(t, p.said(), "connection refused")
	require.Contains(t, p.said(), "ebb: the run of sections is failed")
	require.Empty(t, p.stdout.String())
	w.requireNothingLeft()
}

// TestInterruptedScrapeKeepsWhatItTook: two signals end a scrape; what it had printed is
// stored.
func TestInterruptedScrapeKeepsWhatItTook(t *testing.T) {
	w := smallWorld(t)
	came, _ := w.hold("/news/sport/")
	p := w.ebb("scrape", "sections")
	p.awaitEvent(came, "its request")
	p.signal(syscall.SIGINT)
	p.await("stopping: runs at work may finish")
	p.signal(syscall.SIGINT)
	require.Equal(t, exitForced, p.wait(), p.said())
	got := printed(t, p.stdout.String())
	require.NotEmpty(t, got)
	s := w.open()
	run := w.theRun(s)
	require.Equal(t, store.RunPartial, run.State)
	require.Equal(t, len(got), run.Items.New)
	for item, err := range s.Items(t.Context(), store.ItemFilter{}) {
		require.NoError(t, err)
		require.JSONEq(t, string(item.Data), string(got[[2]string{item.Kind, item.Key}]))
	}
	w.requireNothingLeft()
}
