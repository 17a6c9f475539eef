package bench

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/demo"
)

const base = "http://127.0.0.1:8080"

func newJob(t *testing.T, pages int) *Job {
	t.Helper()
	job, err := NewJob(base, pages, 3)
	require.NoError(t, err)
	return job
}

func TestJob(t *testing.T) {
	job := newJob(t, MostPages)
	require.Equal(t, demo.New(demo.Options{}).PagesOf("shop"), MostPages)
	require.Len(t, job.Site.Start, MostPages)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(job.Site.Start))), MostPages)
	require.Equal(t, []int{3, 3}, []int{job.Site.Limits.Tabs, job.Site.Limits.PerHost})
	kinds := map[string]int{}
	for _, page := range job.Site.Start {
		u, err := url.Parse(page)
		require.NoError(t, err)
		template := job.Site.TemplateFor(u, "")
		require.NotNil(t, template, page)
		kinds[template.Name]++
		require.Equal(t, template.Name == "product", len(job.truth[page]) == 1, page)
	}
	require.Equal(t, map[string]int{"home": 1, "list": 18, "product": 180}, kinds)

	require.Equal(t, []string{base + "/shop/", base + "/shop/c/lamps"}, newJob(t, 2).Site.Start)
	_, err := NewJob(base, 0, 1)
	require.ErrorContains(t, err, "the demo shop has 199 pages")
}

// A long run has a larger shop, whose pages are all others.
func TestLongJob(t *testing.T) {
	job := newJob(t, 10_000)
	require.Len(t, job.Site.Start, 10_000)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(job.Site.Start))), 10_000)
	require.GreaterOrEqual(t, job.Site.Limits.Pages, 10_000)
	require.Greater(t, time.Duration(job.Site.Timeout), 2*time.Hour)
	names := map[string]bool{}
	for _, page := range job.Site.Start {
		for name := range job.truth[page] {
			require.False(t, names[name], name)
			names[name] = true
		}
	}
	require.Greater(t, len(names), 9000)
	items, wrong := job.Check(right(job))
	require.Empty(t, wrong)
	require.Equal(t, len(names), items)
}

// right is what a round takes that goes well.
func right(job *Job) []Page {
	var taken []Page
	for _, page := range job.Site.Start {
		var items []sites.Item
		for name, data := range job.truth[page] {
			kind, key, _ := strings.Cut(name, " ")
			items = append(items, sites.Item{Kind: kind, Key: key, Data: data})
		}
		taken = append(taken, Page{page, items})
	}
	return taken
}

func TestCheck(t *testing.T) {
	job := newJob(t, 4) // home, a list, two products
	items, wrong := job.Check(right(job))
	require.Empty(t, wrong)
	require.Equal(t, 6+2, items)
	for _, c := range []struct {
		name, says string
		spoil      func([]Page) []Page
	}{
		{"a page is not done", "not done: " + job.Site.Start[3], func(p []Page) []Page { return p[:3] }},
		{"a page is done twice", "twice: " + job.Site.Start[1], func(p []Page) []Page { return append(p, p[1]) }},
		{"an item is missing", "is missing", func(p []Page) []Page { p[2].Items = nil; return p }},
		{"an item is of another page", "it holds no product", func(p []Page) []Page { p[1].Items = p[2].Items; return p }},
		{"an item is taken twice", "or only one", func(p []Page) []Page { p[2].Items = append(p[2].Items, p[2].Items[0]); return p }},
		{"an item is wrong", ` is {"sku":"x"}, not {`, func(p []Page) []Page { p[2].Items[0].Data = json.RawMessage(`{"sku":"x"}`); return p }},
	} {
		_, wrong := job.Check(c.spoil(right(job)))
		require.Len(t, wrong, 1, c.name)
		require.Contains(t, wrong[0], c.says, c.name)
	}
	_, wrong = newJob(t, 100).Check(nil)
	require.Len(t, wrong, mostWrong+1)
	require.Equal(t, "and 80 more", wrong[mostWrong])
}
