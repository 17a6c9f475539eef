package worker

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// rulesServer has a robots.txt of 250 KB, which forbids /no, and pages that link there. What is
// asked for /slow is told, and answered when gate is closed.
type rulesServer struct {
	url           string
	robots, pages atomic.Int64
	slow, gate    chan struct{}
}

func newRulesServer(t *testing.T) *rulesServer {
	s := &rulesServer{slow: make(chan struct{}, 1), gate: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/robots.txt":
			s.robots.Add(1)
			fmt.Fprint(w, "User-agent: *\nDisallow: /no\n"+strings.Repeat("Disallow: /nothing-of-this\n", 10_000))
			return
		case "/slow":
			s.slow <- struct{}{}
			<-s.gate
		}
		s.pages.Add(1)
		fmt.Fprint(w, `<h1>page</h1><a href="/no">no</a>`)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// rulesSite is a site of the server that begins with a path.
func (s *rulesServer) site(t *testing.T, name string) *sites.Site {
	site, err := sites.Parse(name+".yaml", fmt.Appendf(nil, `name: %s
start: %s/%s
limits: {rate: none, retries: 0}
templates:
- name: page
  match: ["/**"]
  items: [{fields: {title: h1}}]
  links: [a]
`, name, s.url, name))
	require.NoError(t, err)
	return site
}

// startWorker runs a worker until the test or the returned function ends it.
func startWorker(t *testing.T, w *Worker) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// What the worker holds of hosts comes back, also while runs are at work. What robots.txt forbids
// stays forbidden, and the file is asked for again once, by the next page that needs it.
func TestDropResults(t *testing.T) {
	ctx := memoryCtx(t)
	s := newRulesServer(t)
	kept, err := store.Open(ctx, filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.Close()) })
	ends := make(chan queue.Ended, 1)
	w, err := New(Options{
		Sites: []*sites.Site{s.site(t, "quick"), s.site(t, "slow")}, Store: kept, Pool: browsertest.Pool(t, 2), Log: zerolog.Nop(),
		OnEnd: func(e queue.Ended, _ memprof.Summary) { ends <- e },
	})
	require.NoError(t, err)
	startWorker(t, w)
	begin := func(name string) {
		_, err := w.Queue().Enqueue(ctx, name)
		require.NoError(t, err)
	}
	end := func(robots int) {
		t.Helper()
		e := <-ends
		require.Equal(t, store.RunDone, e.Run.State, e.Run.Error)
		require.Equal(t, store.PageCounts{Done: 1, Skipped: 1}, e.Run.Pages, "what robots.txt forbids is left out")
		require.EqualValues(t, robots, s.robots.Load())
	}
	drop := func(files, hosts, filesLeft, hostsLeft int) WorkerCleanup {
		t.Helper()
		c := w.DropResults()
		require.Equal(t, files+hosts, c.Count, c.Says)
		require.Contains(t, c.Says, fmt.Sprintf("%s and %s dropped; %d and %d stay", plural(files, "robots.txt file"), plural(hosts, "host"), filesLeft, hostsLeft))
		require.True(t, c.Verified, c.Says)
		return c
	}

	begin("quick")
	end(1)
	begin("slow")
	<-s.slow
	require.Greater(t, drop(1, 0, 0, 1).Bytes, 250e3, "the file; the host has an open page")
	close(s.gate)
	end(2)
	require.Greater(t, drop(1, 1, 0, 0).Bytes, 250e3)
	drop(0, 0, 0, 0)
	require.EqualValues(t, 2, s.robots.Load(), "nobody needs it")
	begin("quick")
	end(3)
	begin("quick")
	end(3)
	require.EqualValues(t, 4, s.pages.Load())
}

// A site's limit holds for a host that it has just visited, whatever is dropped.
func TestDropResultsKeepsLimits(t *testing.T) {
	ctx := memoryCtx(t)
	s := newRulesServer(t)
	site := s.site(t, "quick")
	site.Limits.Rate = 1.0 / 3600
	kept, err := store.Open(ctx, filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.Close()) })
	w, err := New(Options{Sites: []*sites.Site{site}, Store: kept, Pool: browsertest.Pool(t, 1), Log: zerolog.Nop()})
	require.NoError(t, err)
	runs, err := w.Once(ctx, "quick")
	require.NoError(t, err)
	require.Equal(t, store.RunDone, runs[0].State, runs[0].Error)
	c := w.DropResults()
	require.Contains(t, c.Says, "1 robots.txt file and 0 hosts dropped; 0 and 1 stay")
}

// What is garbage, and what is free, goes back to the system.
func TestCollectGo(t *testing.T) {
	fill(64 << 20)
	c := CollectGo()
	require.True(t, c.Verified, c.Says)
	require.Greater(t, c.Bytes, 60e6, c.Says)
	require.Positive(t, c.Count)
	require.Equal(t, "objects of the heap", c.Of)
	require.Regexp(t, `^of \d+\.\d MiB in the heap \d+\.\d MiB are live; of \d+\.\d MiB held from the system \d+\.\d MiB are left, \d+\.\d MiB of them free$`, c.Says)
}

// fill takes memory and leaves it as garbage.
//
//go:noinline
func fill(bytes int) {
	kept := make([][]byte, 0, bytes>>12)
	for range cap(kept) {
		kept = append(kept, make([]byte, 1<<12))
	}
	runtime.KeepAlive(kept)
}
