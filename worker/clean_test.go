package worker

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
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

// A run whose time is over cleans up after itself: its site's tabs leave their documents.
func TestARunWhoseTimeIsOverCleansUp(t *testing.T) {
	ctx := memoryCtx(t)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><p>" + r.URL.Path))
		if r.URL.Path == "/never" {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}))
	t.Cleanup(web.Close)
	text := "name: late\nstart: [" + web.URL + "/quick, " + web.URL + "/never]\nisolation: tab\nrobots: ignore\ntimeout: 6s\n" +
		"limits: {tabs: 2, rate: 50/s, burst: 10, retries: 0}\ntemplates: [{name: page, wait: [{event: load}]}]\n"
	site, err := sites.Parse("late.yaml", []byte(text))
	require.NoError(t, err)
	kept, err := store.Open(ctx, filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.Close()) })
	pool := browsertest.Pool(t, 2)
	require.NoError(t, pool.Start(ctx))
	w, err := New(Options{Sites: []*sites.Site{site}, Store: kept, Pool: pool, Retries: map[crawl.Class]queue.Retry{crawl.ClassTimeout: {Tries: 1}}})
	require.NoError(t, err)
	_, err = w.Once(ctx, "late")
	require.NoError(t, err)
	require.NotEmpty(t, pool.Tabs())
	for _, tab := range pool.Tabs() {
		require.Equal(t, "about:blank", tab.Tab.URL())
	}
}

// What the pages of a cycle fetch is told, also where its sites run at once.
func TestACycleTellsWhatItFetched(t *testing.T) {
	for _, parallel := range []bool{false, true} {
		d := newDiagnosed(t, 3, caseFile, "global-array", "event-listeners")
		plan, err := memprof.PlanExperiment(memprof.DesignOptions{Cleanups: []memprof.PlannedCleanup{{Name: "blank", When: "run"}}, Cycles: 18})
		require.NoError(t, err)
		plan.Blocks, plan.WarmUp = plan.Blocks[:1], 0
		require.NoError(t, d.w.Experiment(memoryCtx(t), ExperimentOptions{Plan: plan, Parallel: parallel, Settle: time.Millisecond}))
		require.NoError(t, d.memory.Close(t.Context()))
		file, err := os.Open(d.path)
		require.NoError(t, err)
		defer file.Close()
		tally, err := memprof.TallyRecording(file)
		require.NoError(t, err)
		block := tally.Experiment().Blocks[0]
		require.Len(t, block.Cycles, plan.Cycles)
		for _, c := range block.Cycles {
			require.Positive(t, c.Fetched, "parallel %t", parallel)
		}
	}
}

// How long a cycle takes is measured where nothing warms up, and an experiment that does not fit into its time ends then.
func TestAnExperimentKeepsItsTime(t *testing.T) {
	d := newDiagnosed(t, 18, caseFile, "global-array")
	plan, err := memprof.PlanExperiment(memprof.DesignOptions{Cleanups: []memprof.PlannedCleanup{{Name: "blank", When: "run"}}, Cycles: 18})
	require.NoError(t, err)
	require.Zero(t, plan.WarmUp)
	cycles := 0
	err = d.w.Experiment(memoryCtx(t), ExperimentOptions{
		Plan: plan, Settle: time.Millisecond, Budget: time.Millisecond,
		Fault: func(context.Context, int) error {
			cycles++
			return nil
		},
	})
	require.ErrorIs(t, err, ErrBudget)
	require.Equal(t, plan.Cycles, cycles, "one block tells")
}
