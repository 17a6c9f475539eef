package worker

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
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
limits: {rate: none, retries: 0, page_timeout: 5m}
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
	ctx, cancel := context.WithTimeout(g.t.Context(), 5*time.Minute)
	defer cancel()
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

// A page that keeps 128 MB of each of 16 visits, under 700 MB: no process is killed, no page fails, the hard
// mark is passed once at most, and what is given back is given back by what costs least.
func TestALeakUnder700MB(t *testing.T) {
	b, kills := confined(t, 700<<20)
	site := takingSite(t, "leaky", takingServer(t), "isolation: tab\nkeep: page", "keep(128)")
	g := newGoverned(t, b, []*sites.Site{site}, browser.Recycle{})
	const visits = 16
	for range visits {
		g.enqueue("leaky")
		g.await(1)
		time.Sleep(5 * governInterval) // or it leaks hundreds of MB a second, and each look comes late
	}
	require.Zero(t, kills())
	events := g.events()
	require.GreaterOrEqual(t, len(events), visits*128/700, "what was kept is many times what there is")
	pages, late := 0, 0
	for _, e := range events {
		if e.Reason == budget.ReasonHard || e.Reason == budget.ReasonPressure {
			late++ // a visit keeps more than is between the marks; on a busy machine some garbage is still there
		}
		require.NotEmpty(t, e.Says)
		require.Positive(t, e.Took, e.Says)
		if e.Action == budget.RecreatePage {
			pages++
			given, known := e.Given()
			require.True(t, known)
			require.Greater(t, given, int64(64<<20), e.Says)
		}
	}
	require.LessOrEqual(t, late, 1, "it acts at the soft mark, before it must")
	require.Greater(t, pages, len(events)/2, "the cheapest that is enough")
	require.Contains(t, g.log.String(), `"message":"acted on memory"`)
	share, _ := g.learned(events).Expect(budget.RecreatePage, time.Now())
	require.Greater(t, share, 0.6, "more than is expected at first")
	share, _ = g.learned(events).Expect(budget.CollectGarbage, time.Now())
	require.Less(t, share, 0.1)
}

// learned is what a worker learns from events.
func (g *governed) learned(events []budget.Event) *budget.Experience {
	x := budget.NewExperience()
	for _, e := range events {
		x.Add(e)
	}
	return x
}

// Two sites that take 400 MB each, queued at the same moment under 600 MB, run one after the other: first as
// sites that nobody knows, then by what they took. Nothing is killed, and who waits is told why.
func TestTwoSitesOf400MBUnder600MB(t *testing.T) {
	b, kills := confined(t, 600<<20)
	url := takingServer(t)
	var list []*sites.Site
	for _, name := range []string{"one", "two"} {
		list = append(list, takingSite(t, name, url, "", "hold(360, 1000)"))
	}
	g := newGoverned(t, b, list, browser.Recycle{})
	for range 2 {
		g.enqueue("one", "two")
		require.Eventually(t, func() bool {
			waits, err := g.store.MemoryWaits(t.Context())
			require.NoError(t, err)
			return len(waits) == 1 && waits[0].Why != ""
		}, 5*time.Minute, 20*time.Millisecond)
		ends := g.await(2)
		require.False(t, ends[1].Run.Started.Before(ends[0].Run.Finished), "they overlapped: %v", ends)
	}
	require.Zero(t, kills())
	waits, err := g.store.MemoryWaits(t.Context())
	require.NoError(t, err)
	require.Empty(t, waits)
	var peaks []store.SitePeak
	require.Eventually(t, func() bool { // they are kept once the runs have ended
		peaks, err = g.store.SitePeaks(t.Context())
		return err == nil && len(peaks) >= 2
	}, time.Minute, 20*time.Millisecond)
	highest := int64(0)
	for _, p := range peaks { // on a busy machine a reading comes late, and sees less
		require.True(t, p.Alone)
		highest = max(highest, p.Bytes)
	}
	require.InDelta(t, 400<<20, highest, 50<<20)
	require.Contains(t, g.log.String(), `"message":"the run waits for memory"`)
	require.Contains(t, g.log.String(), `"message":"the run waits for memory no more"`)
}

// A Chrome that is replaced by pages although it holds nothing: each time is an event, and after some it is
// told, once, that it does not earn its cost.
func TestAPolicyThatDoesNotEarnItsCostSaysSo(t *testing.T) {
	b, err := ReadBudget(1 << 30)
	require.NoError(t, err)
	site := takingSite(t, "clean", takingServer(t), "", "keep(0)")
	g := newGoverned(t, b, []*sites.Site{site}, browser.Recycle{Pages: 1})
	byPages := func() []budget.Event {
		return slices.DeleteFunc(g.events(), func(e budget.Event) bool { return e.Reason != "pages" })
	}
	for i := range 8 {
		g.enqueue("clean")
		g.await(1)
		require.Eventually(t, func() bool { return len(byPages()) > i }, 5*time.Minute, 20*time.Millisecond)
	}
	for _, e := range byPages() {
		require.Equal(t, budget.RetireBrowser, e.Action)
		require.Positive(t, e.Before)
		require.Positive(t, e.After)
		require.Positive(t, e.Took)
	}
	const says = "does not earn its cost"
	require.Eventually(t, func() bool { return strings.Contains(g.log.String(), says) }, 5*time.Minute, 20*time.Millisecond)
	require.Equal(t, 1, strings.Count(g.log.String(), says))
	require.Contains(t, g.log.String(), "retire the browser by pages gave back ")

	// A tab in use takes part in what is asked for after its page, once.
	lease, err := g.pool.Acquire(t.Context(), browser.LeaseOptions{Site: "clean", Run: "by hand", Isolation: browser.IsolateTab})
	require.NoError(t, err)
	governor := g.worker.governor
	governor.asked.begin("recreate-page", time.Now().Add(time.Minute))
	governor.afterPage(t.Context(), lease)
	governor.afterPage(t.Context(), lease)
	count, _ := governor.asked.end()
	require.Equal(t, 1, count)
	governor.afterPage(t.Context(), lease) // nothing is asked for any more
	require.NoError(t, lease.Release(t.Context(), nil))
	for _, tab := range g.pool.Tabs() {
		require.NotEqual(t, lease.ID(), tab.Tab.ID(), "the tab is closed")
	}
}
