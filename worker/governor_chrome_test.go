package worker

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/linux"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/budget"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// takingPage has a script that takes memory, in MB: keep is kept for as long as the document is there, hold
// for as long as the visit lasts.
const takingPage = `<!doctype html><title>page</title><h1>page</h1><script>
const kept = [];
function keep(mb) { kept.push(new Uint8Array(mb << 20).fill(1)); return kept.length }
async function hold(mb, ms) { let held = new Uint8Array(mb << 20).fill(1); await new Promise(done => setTimeout(done, ms)); return held.length }
</script>`

// takingSite is a site of one page, with one step.
func takingSite(t *testing.T, name, url, lines, step string) *sites.Site {
	t.Helper()
	site, err := sites.Parse(name+".yaml", fmt.Appendf(nil, `name: %s
start: %s/%s
robots: ignore
%s
limits: {rate: none, retries: 0, page_timeout: 60s}
templates:
- name: page
  steps: [{evaluate: "%s"}]
  items:
  - fields: {title: {css: h1, required: true}}
`, name, url, name, lines, step))
	require.NoError(t, err)
	return site
}

func takingServer(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(takingPage))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// syncBuffer takes a log from several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// governed is a worker at work within a budget.
type governed struct {
	t      *testing.T
	worker *Worker
	store  *store.Store
	pool   *browser.Pool
	log    syncBuffer
	ends   chan queue.Ended
}

func newGoverned(t *testing.T, b *Budget, list []*sites.Site, recycle browser.Recycle) *governed {
	t.Helper()
	g := &governed{t: t, ends: make(chan queue.Ended, 200)}
	var err error
	g.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.store.Close()) })
	var told atomic.Pointer[Worker]
	g.pool = browser.NewPool(browser.PoolOptions{
		Launch: browsertest.LaunchOptions(t), Tabs: 4, Recycle: recycle,
		OnRecycle: func(r browser.Recycling) {
			if w := told.Load(); w != nil {
				w.Recycled(r)
			}
		},
	})
	t.Cleanup(func() { require.NoError(t, g.pool.Close(browsertest.Within(t))) })
	require.NoError(t, g.pool.Start(t.Context()))
	g.worker, err = New(Options{
		Sites: list, Store: g.store, Pool: g.pool, Budget: b, Runs: 4, Log: zerolog.New(&g.log),
		OnEnd: func(e queue.Ended, _ memprof.Summary) { g.ends <- e },
	})
	require.NoError(t, err)
	told.Store(g.worker)
	startWorker(t, g.worker)
	return g
}

// enqueue asks for a run of each site.
func (g *governed) enqueue(names ...string) {
	g.t.Helper()
	for _, name := range names {
		_, err := g.worker.Queue().Enqueue(g.t.Context(), name)
		require.NoError(g.t, err)
	}
}

// await waits until so many runs have ended well.
func (g *governed) await(n int) []queue.Ended {
	g.t.Helper()
	var list []queue.Ended
	ctx := browsertest.Within(g.t)
	for range n {
		select {
		case e := <-g.ends:
			require.Equal(g.t, store.RunDone, e.Run.State, "%s: %s\n%s", e.Run.Site, e.Run.Error, g.log.String())
			list = append(list, e)
		case <-ctx.Done():
			require.Fail(g.t, "runs did not end", g.log.String())
		}
	}
	return list
}

// events are what was done so far.
func (g *governed) events() []budget.Event {
	g.t.Helper()
	stored, err := g.store.MemoryEvents(g.t.Context(), store.MemoryEventFilter{})
	require.NoError(g.t, err)
	var list []budget.Event
	for _, e := range stored {
		list = append(list, eventOf(e))
	}
	return list
}

// confined puts this process into a cgroup with a limit, where the machine allows that, and returns the
// budget of it; else the budget of a configured limit. kills is how many processes the kernel has killed
// in it.
func confined(t *testing.T, limit int64) (b *Budget, kills func() float64) {
	t.Helper()
	kills = func() float64 { return 0 }
	c, err := linux.Confine(t.Context(), linux.Limits{Memory: limit})
	if err != nil {
		b, err = ReadBudget(limit)
		require.NoError(t, err)
		return b, kills
	}
	t.Cleanup(func() { require.NoError(t, c.Release(context.Background())) })
	b, err = ReadBudget(0)
	require.NoError(t, err)
	require.Equal(t, limit, b.Total)
	require.Contains(t, b.Source, "cgroup v")
	source := linux.NewCgroup(linux.Options{})
	read := func() float64 {
		for _, r := range source.Read(t.Context(), memprof.Request{Level: memprof.LevelCheap, Tick: true}) {
			if r.Metric == "cgroup.oom_kills" {
				require.NoError(t, r.Err)
				return r.Value
			}
		}
		require.Fail(t, "the kernel does not tell what it has killed")
		return 0
	}
	before := read()
	return b, func() float64 { return read() - before }
}

// A page that leaks 256 MB in each of 50 visits, under 700 MB: nothing is killed and no page fails. What
// it takes is given back between two runs, by what costs least.
func TestALeakOf256MBUnder700MB(t *testing.T) {
	b, kills := confined(t, 700<<20)
	site := takingSite(t, "leaky", takingServer(t), "isolation: tab\nkeep: page", "keep(256)")
	g := newGoverned(t, b, []*sites.Site{site}, browser.Recycle{})
	began := time.Now()
	for range 50 {
		g.enqueue("leaky")
		g.await(1)
	}
	took := time.Since(began)
	require.Zero(t, kills())
	events := g.events()
	policies := budget.Policies(events)
	for _, p := range policies {
		t.Logf("%+v", p)
	}
	t.Logf("50 ticks took %s", took)
	t.Log(g.log.String())
	require.GreaterOrEqual(t, len(events), 16, "three visits are more than there is")
}
