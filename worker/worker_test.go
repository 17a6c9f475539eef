package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/demo"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

func TestOutcome(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name    string
		summary crawl.Summary
		err     error
		want    queue.Outcome
		wantErr error
	}{
		{"done", crawl.Summary{Outcome: crawl.Outcome{State: crawl.RunDone}}, nil, queue.Outcome{State: store.RunDone}, nil},
		{
			"some failed for good",
			crawl.Summary{Outcome: crawl.Outcome{State: crawl.RunPartial, Class: crawl.ClassHTTP}, FirstError: "/a: 404"},
			nil,
			queue.Outcome{State: store.RunPartial, Class: crawl.ClassHTTP, Error: "/a: 404"},
			nil,
		},
		{
			"some wait for another try",
			crawl.Summary{Outcome: crawl.Outcome{State: crawl.RunPartial, Class: crawl.ClassBusy, RetryAfter: time.Minute}, Queued: 3, FirstError: "/b: 503"},
			crawl.ErrAgain,
			queue.Outcome{State: store.RunFailed, Class: crawl.ClassBusy, Error: "/b: 503", RetryAfter: time.Minute},
			nil,
		},
		{
			"the worker stops",
			crawl.Summary{Outcome: crawl.Outcome{State: crawl.RunFailed}},
			crawl.ErrDrained,
			queue.Outcome{State: store.RunFailed, Error: crawl.ErrDrained.Error()},
			nil,
		},
		{
			"a fault of the worker",
			crawl.Summary{Outcome: crawl.Outcome{State: crawl.RunFailed, Class: crawl.ClassInternal}},
			broken,
			queue.Outcome{State: store.RunFailed, Class: crawl.ClassInternal, Error: "broken"},
			broken,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := outcome(c.summary, c.err)
			require.Equal(t, c.want, got)
			require.Equal(t, c.wantErr, err)
		})
	}
}

// TestWorkerBySchedule lets a whole worker run a site of the demo by its schedule, twice,
// with memory measured.
func TestWorkerBySchedule(t *testing.T) {
	ctx := memoryCtx(t)
	paper := demo.New(demo.Options{})
	server := httptest.NewServer(paper.Handler())
	t.Cleanup(server.Close)
	text := string(paper.SiteFiles(server.URL)["news.yaml"])
	site, err := sites.Parse("news.yaml", []byte(text+"\nblock: {kinds: [image, stylesheet, font]}\n"))
	require.NoError(t, err)
	kept, err := store.Open(ctx, filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.Close()) })
	pool := browsertest.Pool(t, 4)
	memory, err := NewMemory(pool, MemoryOptions{Level: memprof.LevelCheap, Dir: t.TempDir()})
	require.NoError(t, err)

	var mu sync.Mutex // owns what follows
	told := map[string]int{}
	events := map[crawl.EventKind]int{}
	var ended []queue.Ended
	var cycles []memprof.Summary
	var log bytes.Buffer
	w, err := New(Options{
		Sites: []*sites.Site{site}, Store: kept, Pool: pool, Memory: memory, MaxRuns: 2, Log: zerolog.New(&log).Level(zerolog.InfoLevel),
		OnEvent: func(_ string, _ int64, e crawl.Event) {
			mu.Lock()
			defer mu.Unlock()
			events[e.Kind]++
		},
		OnItems: func(_ string, run int64, page crawl.PageResult) {
			mu.Lock()
			defer mu.Unlock()
			for _, item := range page.Items {
				told[fmt.Sprint(run, " ", item.Kind, " ", item.Key)]++
			}
		},
		OnEnd: func(e queue.Ended, m memprof.Summary) {
			mu.Lock()
			defer mu.Unlock()
			ended, cycles = append(ended, e), append(cycles, m)
		},
	})
	require.NoError(t, err)
	require.NoError(t, w.Run(ctx))
	require.NoError(t, memory.Close(ctx))

	require.Len(t, ended, 2, "it ends by itself after two runs")
	for i, e := range ended {
		require.Equal(t, store.RunDone, e.Run.State, e.Run.Error)
		require.Equal(t, store.ReasonSchedule, e.Run.Reason)
		require.Equal(t, store.PageCounts{Done: paper.PagesOf("news")}, e.Run.Pages)
		kinds := phasesOf(cycles[i])
		require.Equal(t, []memprof.Kind{memprof.Scrape, memprof.Cleanup, memprof.Settle}, kinds[1:], kinds)
		require.Equal(t, []memprof.Kind{memprof.Launch, memprof.Idle}[i], kinds[0])
		require.Equal(t, "news", cycles[i].Name)
	}
	want := map[string]json.RawMessage{}
	for _, truth := range paper.Truth(server.URL) {
		if truth.Site == "news" {
			want[truth.Kind+" "+truth.Key] = truth.Data
		}
	}
	require.Equal(t, store.ItemCounts{New: len(want)}, ended[0].Run.Items)
	require.Equal(t, store.ItemCounts{Same: len(want)}, ended[1].Run.Items)
	stored := 0
	for item, err := range kept.Items(ctx, store.ItemFilter{}) {
		require.NoError(t, err)
		require.JSONEq(t, string(want[item.Kind+" "+item.Key]), string(item.Data))
		stored++
	}
	require.Equal(t, len(want), stored)
	require.Len(t, told, 2*len(want), "each run tells of each item")
	require.Equal(t, []int{1}, slices.Compact(slices.Sorted(maps.Values(told))), "once")
	require.Equal(t, 2*paper.PagesOf("news"), events[crawl.EventPage])
	require.Equal(t, 2, strings.Count(log.String(), `"message":"run ended"`), log.String())
	require.Contains(t, log.String(), fmt.Sprintf(`"pages":%d,"failed":0,"skipped":0,"new":%d`, paper.PagesOf("news"), len(want)))
}

// TestWorkerWithoutChrome: a run whose Chrome cannot be started fails with that class.
func TestWorkerWithoutChrome(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	site := sites.New("page", "http://127.0.0.1:1/")
	site.Templates = []sites.Template{{Name: "page"}}
	require.NoError(t, site.Complete())
	kept, err := store.Open(ctx, filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.Close()) })
	w, err := New(Options{
		Sites: []*sites.Site{site}, Store: kept, Pool: noChrome(t), Log: zerolog.Nop(),
		Retries: map[crawl.Class]queue.Retry{crawl.ClassBrowser: {Tries: 1}},
	})
	require.NoError(t, err)
	runs, err := w.Once(ctx, "page")
	require.NoError(t, err)
	require.Equal(t, store.RunFailed, runs[0].State)
	require.Equal(t, crawl.ClassBrowser, runs[0].Class)
	require.Contains(t, runs[0].Error, "no-chrome")
}

// noChrome is a pool whose Chrome does not exist.
func noChrome(t *testing.T) *browser.Pool {
	t.Helper()
	pool := browser.NewPool(browser.PoolOptions{Launch: browser.LaunchOptions{Path: filepath.Join(t.TempDir(), "no-chrome")}})
	t.Cleanup(func() { require.NoError(t, pool.Close(context.Background())) })
	return pool
}
