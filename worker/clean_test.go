package worker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// What a site file may name is what the browser and the worker can do, in the order in which it is done.
func TestASiteFileNamesTheCleanupsThereAre(t *testing.T) {
	var names []string
	own := (&Worker{}).ownCleanups()
	for _, c := range browser.Cleanups() {
		names = append(names, c.Name)
		require.Equal(t, c.Reach == browser.ReachWorker, own[c.Name] != nil, c.Name)
	}
	require.Equal(t, names, sites.CleanupNames())
}

func TestCleanupsAreDueAfterSoMany(t *testing.T) {
	site := &sites.Site{Name: "shop", Isolation: sites.IsolationContext}
	site.Cleanup = sites.Cleanup{GC: "every 2 pages", Cookies: sites.AfterRun, Storage: "every 3 runs", Blank: sites.Never, GoGC: sites.AfterCycle}
	c := newCleaner(nil, site)
	var pages [][]string
	for range 4 {
		pages = append(pages, c.due(sites.AfterPage))
	}
	require.Equal(t, [][]string{nil, {"gc"}, nil, {"gc"}}, pages)
	require.Equal(t, []string{"cookies"}, c.due(sites.AfterRun))
	require.Equal(t, []string{"cookies"}, c.due(sites.AfterRun))
	require.Equal(t, []string{"cookies", "storage"}, c.due(sites.AfterRun))
	require.Equal(t, []string{"go-gc"}, c.due(sites.AfterCycle))

	c.set(sites.Cleanup{GC: "every 2 pages"})
	require.Empty(t, c.due(sites.AfterPage), "it counts anew")
	require.Equal(t, []string{"gc"}, c.due(sites.AfterPage))
}

func TestWhatCleanupsDidIsAddedUp(t *testing.T) {
	c := newCleaner(nil, &sites.Site{Name: "shop"})
	c.add(sites.AfterPage, browser.CleanReport{Name: "gc", Took: 2, Bytes: 100, BytesKnown: true, Verified: true, Says: "collected"})
	c.add(sites.AfterPage, browser.CleanReport{Name: "gc", Took: 3, Err: browser.ErrCrashed})
	c.add(sites.AfterRun, browser.CleanReport{Name: "cookies", Count: 3, Of: "cookies", Verified: true})
	c.add(sites.AfterRun, browser.CleanReport{Name: "recreate-context", Skipped: "isolation context does it after each run"})
	list := c.take()
	require.Len(t, list, 3)
	require.Equal(t, "cookies", list[0].Name)
	require.Equal(t, 3, list[0].Count)
	require.Equal(t, "gc", list[1].Name)
	require.Equal(t, 2, list[1].Times)
	require.EqualValues(t, 5, list[1].Took)
	require.Equal(t, 100.0, list[1].Bytes)
	require.Equal(t, 1, list[1].BytesTold)
	require.Equal(t, 1, list[1].Verified)
	require.Equal(t, 1, list[1].Errors)
	require.Contains(t, list[1].Error, "crashed")
	require.Equal(t, 1, list[2].Skipped)
	require.Empty(t, c.take())
}
