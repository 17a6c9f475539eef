//go:build studies

package worker

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// flatKind is a kind of run: what the page is, how it is visited, and how the run ends.
type flatKind struct {
	name    string
	sites   int    // of the kind
	runs    int    // of each site in a round
	path    string // below the server, or below a port where nobody listens
	file    string // of the site file, beside what all have
	classes []crawl.Class
}

// flatKinds are half of them runs that end well and half that do not: in each round of 24 runs, 12.
// Most share what costs little, a tab or a page that stays open, and some have a context of their own.
var flatKinds = []flatKind{
	{"kept", 3, 2, "/good", "isolation: tab\nkeep: page", nil},
	{"tab", 1, 2, "/good", "isolation: tab", nil},
	{"own", 2, 2, "/good", "isolation: context", nil},
	{"faulty", 3, 2, "/faulty", "isolation: tab\nrobots: ignore", []crawl.Class{crawl.ClassHTTP, crawl.ClassMissing, crawl.ClassScript, crawl.ClassBlocked}},
	{"late", 1, 1, "/late", "isolation: context", []crawl.Class{crawl.ClassTimeout}},
	{"refused", 1, 1, "", "isolation: tab\nrobots: ignore", []crawl.Class{crawl.ClassConnect}},
	{"down", 2, 2, "", "isolation: tab", []crawl.Class{crawl.ClassConnect}}, // by its robots.txt, without Chrome
}

// flatRound is the number of runs in one round of all kinds.
const flatRound = 24

// flatFile is a site of one page with one item. What a page's check throws, the run fails with.
const flatFile = `name: %s
start: %s?%d
%s
limits: {rate: none, retries: 0, page_timeout: %s}
templates:
- name: page
  steps: [{evaluate: "check()"}]
  items:
  - fields: {title: {css: h1, required: true}}
`

// flatServer answers each request a little differently. It keeps no connection, so that it has no
// goroutine between two blocks.
func flatServer(t *testing.T) string {
	var asked atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		page := func(check, body string) {
			fmt.Fprintf(w, "<title>%d</title><script>function check() { %s }</script>%s%d", n, check, body, n)
		}
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/robots.txt":
			fmt.Fprint(w, "User-agent: *\nDisallow: /elsewhere\n")
		case "/good":
			page("", "<h1>")
		case "/faulty":
			switch n % 4 {
			case 0:
				w.WriteHeader(http.StatusInternalServerError)
			case 1:
				page(`throw new Error("this page is broken: " + document.title)`, "<h1>")
			case 2:
				page("", "<h2>")
			case 3:
				w.WriteHeader(http.StatusForbidden)
			}
		case "/late":
			<-r.Context().Done()
		default:
			http.NotFound(w, r)
		}
	}))
	server.Config.SetKeepAlivesEnabled(false)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// flatRig is a whole worker at work on sites of all kinds.
type flatRig struct {
	t       *testing.T
	worker  *Worker
	ends    chan queue.Ended
	kinds   map[string]flatKind // by site
	classes map[string]map[crawl.Class]int
}

// newFlatRig starts a worker with everything that it has in production. leak is called with each run
// that ends.
func newFlatRig(t *testing.T, level memprof.Level, leak func(queue.Ended)) *flatRig {
	r := &flatRig{t: t, ends: make(chan queue.Ended, 1000), kinds: map[string]flatKind{}, classes: map[string]map[crawl.Class]int{}}
	good, bad := flatServer(t), refusing(t)
	var list []*sites.Site
	for _, k := range flatKinds {
		base, limit := good, "2m"
		if k.path == "" {
			base = bad
		}
		if k.name == "late" {
			limit = "100ms"
		}
		r.classes[k.name] = map[crawl.Class]int{}
		for i := range k.sites {
			name := fmt.Sprint(k.name, "-", i)
			site, err := sites.Parse(name+".yaml", fmt.Appendf(nil, flatFile, name, base+k.path, i, k.file, limit))
			require.NoError(t, err)
			list, r.kinds[name] = append(list, site), k
		}
	}
	kept, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.Close()) })
	pool := browsertest.Pool(t, 8)
	memory, err := NewMemory(pool, MemoryOptions{Level: level, Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, memory.Close(context.Background())) })
	retries := map[crawl.Class]queue.Retry{}
	for class := range queue.DefaultRetries() {
		retries[class] = queue.Retry{Tries: 1}
	}
	retries[crawl.ClassConnect] = queue.Retry{Tries: 2}
	r.worker, err = New(Options{
		Sites: list, Store: kept, Pool: pool, Memory: memory, Runs: 8, Retries: retries, Log: zerolog.Nop(),
		OnEnd: func(e queue.Ended, _ memprof.Summary) {
			leak(e)
			if e.Run.State.Finished() {
				r.ends <- e
			}
		},
	})
	require.NoError(t, err)
	startWorker(t, r.worker)
	return r
}

// block queues rounds of all kinds and waits until they have ended.
func (r *flatRig) block(ctx context.Context, rounds int) {
	r.t.Helper()
	for range rounds {
		for name, k := range r.kinds {
			for range k.runs {
				_, err := r.worker.Queue().Enqueue(ctx, name)
				require.NoError(r.t, err)
			}
		}
	}
	for range rounds * flatRound {
		select {
		case e := <-r.ends:
			k := r.kinds[e.Run.Site]
			r.classes[k.name][e.Run.Class]++
			if len(k.classes) == 0 {
				require.Equal(r.t, store.RunDone, e.Run.State, "%s: %s", e.Run.Site, e.Run.Error)
				continue
			}
			require.Contains(r.t, k.classes, e.Run.Class, "%s: %s", e.Run.Site, e.Run.Error)
		case <-ctx.Done():
			require.Fail(r.t, "runs did not end", "%v", r.classes)
		}
	}
}

// read reads the live heap in bytes, the goroutines and the open files of this program: the lowest of
// three times, so that a tick of the recorder that is under way counts for nothing.
func (r *flatRig) read() (live, goroutines, files float64) {
	for i := range 3 {
		runtime.GC()
		runtime.GC() // what finalizers and pools held
		open, err := os.ReadDir("/proc/self/fd")
		require.NoError(r.t, err)
		now := [3]float64{readGoHeap().live, float64(runtime.NumGoroutine()), float64(len(open))}
		if i == 0 {
			live, goroutines, files = now[0], now[1], now[2]
		}
		live, goroutines, files = min(live, now[0]), min(goroutines, now[1]), min(files, now[2])
	}
	return live, goroutines, files
}

// fillGoroutines makes as many goroutines at once as a test will ever have. The runtime keeps what it knows
// of a goroutine for the next one, 480 bytes of heap for each of the most that there ever were at once;
// that most is a matter of chance, and rises slowly.
func fillGoroutines() {
	var all sync.WaitGroup
	gate := make(chan struct{})
	for range 2000 {
		all.Go(func() { <-gate })
	}
	close(gate)
	all.Wait()
}
