package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/store"
)

// cleanWorld is a worker on sites of four pages each, which set a cookie and fill localStorage.
type cleanWorld struct {
	t      *testing.T
	url    string
	pool   *browser.Pool
	memory *Memory
	path   string
	worker *Worker
	log    *lockedLog

	// leaving says that the last page tells the server when it is left, and takes its time over it.
	leaving atomic.Bool

	mu    sync.Mutex // guards what follows
	asked func(r *http.Request)
}

// lockedLog is a log that several goroutines write and the test reads.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// cleanPages is how many pages a run of a site has.
const cleanPages = 4

// newCleanWorld makes the worker. Each site is given by its name and further lines of its site file.
func newCleanWorld(t *testing.T, files map[string]string) *cleanWorld {
	w := &cleanWorld{t: t, log: &lockedLog{}, path: filepath.Join(t.TempDir(), "run"+memprof.RecordingSuffix)}
	server := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(server.Close)
	w.url = server.URL
	var list []*sites.Site
	for _, name := range slices.Sorted(maps.Keys(files)) {
		more := files[name]
		site, err := sites.Parse(name+".yaml", fmt.Appendf(nil, `name: %s
start: %s/%s/1
robots: ignore
limits: {rate: none, tabs: 1, retries: 0}
follow: {allow: ["/%s/*"]}
templates: [{name: page, match: ["/%s/*"], links: [{css: a, template: page}], items: [{key: [t], fields: {t: h1}}]}]
%s
`, name, w.url, name, name, name, more))
		require.NoError(t, err)
		list = append(list, site)
	}
	ctx := memoryCtx(t)
	kept, err := store.Open(ctx, filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.Close()) })
	w.pool = browsertest.Pool(t, 4)
	w.memory, err = NewMemory(w.pool, MemoryOptions{Level: memprof.LevelCheap, Path: w.path})
	require.NoError(t, err)
	w.worker, err = New(Options{Sites: list, Store: kept, Pool: w.pool, Memory: w.memory, Log: zerolog.New(w.log)})
	require.NoError(t, err)
	return w
}

func (w *cleanWorld) serve(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	asked := w.asked
	w.mu.Unlock()
	if asked != nil {
		asked(r)
	}
	var site string
	var page int
	if n, _ := fmt.Sscanf(r.URL.Path, "/%1s/%d", &site, &page); n != 2 {
		http.NotFound(out, r)
		return
	}
	out.Header().Set("Content-Type", "text/html")
	http.SetCookie(out, &http.Cookie{Name: fmt.Sprint("page", page), Value: "seen", Path: "/"})
	fmt.Fprintf(out, "<title>%d</title><h1>page %d</h1><script>localStorage.setItem('page%d', 'seen')</script>", page, page, page)
	if page < cleanPages {
		fmt.Fprintf(out, `<a href="%d">next</a>`, page+1)
	} else if w.leaving.Load() {
		fmt.Fprint(out, `<script>addEventListener("pagehide", () => {
			navigator.sendBeacon("0");
			for (const until = performance.now() + 10_000; performance.now() < until;);
		})</script>`)
	}
}

// onRequest names what is called before a page is answered.
func (w *cleanWorld) onRequest(asked func(r *http.Request)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = asked
}

// working does something while the worker works.
func (w *cleanWorld) working(do func(ctx context.Context)) {
	w.t.Helper()
	require.NoError(w.t, w.worker.working(memoryCtx(w.t), func(ctx context.Context) error { do(ctx); return nil }))
}

// done runs a site one time, to a good end.
func (w *cleanWorld) done(ctx context.Context, site string) {
	w.t.Helper()
	id, err := w.worker.engine.Enqueue(ctx, site)
	require.NoError(w.t, err)
	run, err := w.worker.engine.Wait(ctx, id)
	require.NoError(w.t, err)
	require.Equal(w.t, store.RunDone, run.State, run.Error)
	require.Equal(w.t, store.PageCounts{Done: cleanPages}, run.Pages)
}

// recorded closes the recording and reads it.
func (w *cleanWorld) recorded() *memprof.Recording {
	w.t.Helper()
	require.NoError(w.t, w.memory.Close(context.Background()))
	file, err := os.Open(w.path)
	require.NoError(w.t, err)
	defer file.Close()
	rec, err := memprof.ReadRecording(file)
	require.NoError(w.t, err)
	return rec
}

// notes are the notes of a name, in their order.
func notes[T any](t *testing.T, rec *memprof.Recording, name string) (list []T) {
	t.Helper()
	for _, n := range rec.Notes {
		if n.Name != name {
			continue
		}
		var v T
		require.NoError(t, json.Unmarshal(n.Data, &v))
		list = append(list, v)
	}
	return list
}

// cleaned is what a cleanup report comes to: the name, after what, how often it was done, verified and failed.
type cleaned struct {
	cycle                   int
	site, name, after       string
	times, verified, failed int
}

func cleanups(t *testing.T, rec *memprof.Recording) (list []cleaned) {
	t.Helper()
	for _, r := range notes[memprof.CleanupReport](t, rec, memprof.CleanupNote) {
		list = append(list, cleaned{r.Cycle, r.Site, r.Name, r.After, r.Times, r.Verified, r.Errors})
	}
	return list
}

// open are the URLs of the tabs that are open, of no run.
func (w *cleanWorld) open() (urls []string) {
	w.t.Helper()
	for _, tab := range w.pool.Tabs() {
		urls = append(urls, tab.Tab.URL())
	}
	return urls
}

// Each cleanup is done when the site says: after each page, every second one, each run, and cycle, which is
// the run in production. What each did, and that it was checked, is in the recording.
func TestCleanupsAreDoneWhenTheSiteSays(t *testing.T) {
	w := newCleanWorld(t, map[string]string{"a": `isolation: tab
cleanup: {cookies: page, gc: every 2 pages, local-storage: run, go-gc: cycle, storage: every 2 runs, results: off}`})
	w.working(func(ctx context.Context) {
		w.done(ctx, "a")
		w.done(ctx, "a")
	})
	rec := w.recorded()
	run := []cleaned{
		{0, "a", "cookies", "page", cleanPages, cleanPages, 0},
		{0, "a", "local-storage", "run", 1, 1, 0},
		{0, "a", "blank", "run", 1, 1, 0},
		{0, "a", "gc", "page", cleanPages / 2, cleanPages / 2, 0},
		{0, "a", "go-gc", "cycle", 1, 1, 0},
	}
	second := append([]cleaned{run[0], run[1], {0, "a", "storage", "run", 1, 1, 0}}, run[2:]...)
	require.Equal(t, append(run, second...), cleanups(t, rec))
	for _, r := range notes[memprof.CleanupReport](t, rec, memprof.CleanupNote) {
		require.Positive(t, r.Took, r.Name)
		require.Empty(t, r.Error)
		switch r.Name {
		case "cookies":
			require.Equal(t, cleanPages, r.Count, "each page sets one")
			require.Equal(t, "cookies", r.Of)
		case "local-storage":
			require.Equal(t, cleanPages, r.Count, "%s: %s", r.Of, r.Says)
		}
	}
	require.NotContains(t, w.log.String(), `"level":"warn"`)
}

// In a diagnosis a cycle is one pass over all sites: what is due after it is done when the last has run.
func TestAfterACycleIsAfterAllSites(t *testing.T) {
	w := newCleanWorld(t, map[string]string{
		"a": "isolation: tab\ncleanup: {cookies: cycle, blank: off, gc: run}", "b": "cleanup: {go-gc: every 2 cycles}",
	})
	o := DiagnoseOptions{Cycles: 2, Idle: -1, Settle: 1, NoControl: true, NoHeap: true, Dir: t.TempDir()}
	require.NoError(t, w.worker.Diagnose(memoryCtx(t), o))
	rec := w.recorded()
	require.Equal(t, []cleaned{
		{1, "a", "cookies", "cycle", 1, 1, 0},
		{1, "a", "gc", "run", 1, 1, 0},
		{2, "a", "cookies", "cycle", 1, 1, 0},
		{2, "a", "gc", "run", 1, 1, 0},
		{2, "b", "go-gc", "cycle", 1, 1, 0},
	}, cleanups(t, rec))
	var order []string
	for _, n := range rec.Notes {
		switch n.Name {
		case memprof.RunNote, memprof.CleanupNote:
			order = append(order, n.Name)
		}
	}
	run, cleanup := memprof.RunNote, memprof.CleanupNote
	require.Equal(t, []string{run, run, cleanup, cleanup, run, run, cleanup, cleanup, cleanup}, order)
	last := rec.Cycles[1].Phases
	require.Equal(t, memprof.Cleanup, last[len(last)-2].Kind, "a phase of its own")
	require.Empty(t, last[len(last)-2].Site)
	require.Equal(t, memprof.Settle, last[len(last)-1].Kind)
}

// A site with isolation tab leaves its documents by default; blank: off lets the last one stand.
func TestADocumentStaysWhereItIsNotLeft(t *testing.T) {
	w := newCleanWorld(t, map[string]string{"a": "isolation: tab", "b": "isolation: tab\ncleanup: {blank: off}"})
	w.working(func(ctx context.Context) {
		w.done(ctx, "a")
		require.Equal(t, []string{"about:blank"}, w.open())
		w.done(ctx, "b")
		require.ElementsMatch(t, []string{"about:blank", fmt.Sprintf("%s/b/%d", w.url, cleanPages)}, w.open())
	})
	require.Equal(t, []cleaned{{0, "a", "blank", "run", 1, 1, 0}}, cleanups(t, w.recorded()))
}

// recreate-context gives a site with isolation tab a browser context of its own, which outlives its runs
// until it is disposed of: what servers see is that the site has forgotten them, and nobody else has.
func TestAContextOfASitesOwnIsRecreated(t *testing.T) {
	w := newCleanWorld(t, map[string]string{"a": "isolation: tab\ncleanup: {recreate-context: every 2 runs}", "b": "isolation: tab"})
	var mu sync.Mutex // guards sent
	sent := map[string]int{}
	w.onRequest(func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		sent[r.URL.Path] = len(r.Cookies())
	})
	cookiesOf := func(ctx context.Context, site string) int {
		w.done(ctx, site)
		mu.Lock()
		defer mu.Unlock()
		return sent["/"+site+"/1"] // the first page of the run
	}
	w.working(func(ctx context.Context) {
		require.Equal(t, 0, cookiesOf(ctx, "b"))
		require.Equal(t, cleanPages, cookiesOf(ctx, "b"), "the default browser context keeps them")
		require.Equal(t, 0, cookiesOf(ctx, "a"), "it has a browser context of its own")
		require.Equal(t, cleanPages, cookiesOf(ctx, "a"), "which it keeps")
		require.Equal(t, 0, cookiesOf(ctx, "a"), "until it is recreated")
		require.Equal(t, cleanPages, cookiesOf(ctx, "b"), "the others keep theirs")
	})
	rec := w.recorded()
	var did []memprof.CleanupReport
	for _, r := range notes[memprof.CleanupReport](t, rec, memprof.CleanupNote) {
		if r.Name == "recreate-context" {
			did = append(did, r)
		}
	}
	require.Len(t, did, 1, "after the second run of a")
	require.Equal(t, 1, did[0].Count)
	require.Equal(t, "browser contexts", did[0].Of)
	require.Equal(t, 1, did[0].Verified, did[0].Says)
}

// A Chrome that dies while it is cleaned up costs no run: the log warns of the cleanup, and the next run
// has another Chrome.
func TestACleanupThatFailsIsToldAndTheNextRunWorks(t *testing.T) {
	w := newCleanWorld(t, map[string]string{"a": "isolation: tab\ncleanup: {cookies: run}"})
	w.leaving.Store(true)
	killed := make(chan int, 1)
	w.onRequest(func(r *http.Request) {
		if r.URL.Path == "/a/0" {
			pid := w.pool.Browsers()[0].PID()
			_ = syscall.Kill(pid, syscall.SIGKILL)
			killed <- pid
		}
	})
	w.working(func(ctx context.Context) {
		w.done(ctx, "a")
		require.NotZero(t, <-killed)
		w.onRequest(nil)
		w.leaving.Store(false)
		w.done(ctx, "a")
	})
	var warned map[string]any
	for line := range strings.Lines(w.log.String()) {
		var event map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &event))
		if event["level"] == "warn" && event["message"] == "cleaned up" {
			require.Nil(t, warned, "once")
			warned = event
		}
	}
	require.NotNil(t, warned, w.log.String())
	require.Equal(t, "blank", warned["cleanup"])
	require.Equal(t, "a", warned["site"])
	require.Equal(t, 1.0, warned["errors"])
	require.Contains(t, warned["error"], "clean blank: ")
	require.Equal(t, []cleaned{
		{0, "a", "cookies", "run", 1, 1, 0},
		{0, "a", "blank", "run", 1, 0, 1},
		{0, "a", "cookies", "run", 1, 1, 0},
		{0, "a", "blank", "run", 1, 1, 0},
	}, cleanups(t, w.recorded()))
}

// A run that is interrupted cleans no more: neither the page that was open nor the run.
func TestAnInterruptedRunCleansNoMore(t *testing.T) {
	w := newCleanWorld(t, map[string]string{"a": "isolation: tab\ncleanup: {cookies: page, local-storage: run, go-gc: cycle}"})
	ctx, cancel := context.WithCancel(memoryCtx(t))
	defer cancel()
	w.onRequest(func(r *http.Request) {
		if r.URL.Path != "/a/2" {
			return
		}
		w.worker.Force()
		cancel()
		<-r.Context().Done()
	})
	_, err := w.worker.Once(ctx, "a")
	require.ErrorIs(t, err, context.Canceled)
	did := w.worker.cleaners["a"].take()
	require.Len(t, did, 1, "what was done before")
	require.Equal(t, "cookies", did[0].Name)
	require.Equal(t, 1, did[0].Times, "after the first page")
	require.Empty(t, cleanups(t, w.recorded()))
}
