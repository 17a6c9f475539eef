package devtools

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
)

// neverAsked is told of each request that is never answered.
var neverAsked = make(chan struct{}, 1)

// serveScripts serves pages, a worker that keeps 1 MB of numbers, and a service worker.
func serveScripts(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "worker.js"):
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, `self.kept = new Array(1 << 17).fill(1.5);
				self.onmessage = () => {
					const request = new XMLHttpRequest();
					request.open('GET', '/never', false);
					request.send(); // it waits for ever, and answers nothing
				};
				self.onconnect = e => e.ports[0].postMessage(1);
				try { postMessage(1) } catch (e) {}`)
		case r.URL.Path == "/never":
			neverAsked <- struct{}{}
			<-r.Context().Done()
		case r.URL.Path == "/sw.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, `self.kept = new Array(1 << 17).fill(1.5); onfetch = () => {}`)
		default:
			http.SetCookie(w, &http.Cookie{Name: "seen" + strings.ReplaceAll(r.URL.Path, "/", "_"), Value: "1"})
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<title>page</title><p>text")
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// attaching is the Attach of a pool of one Chrome.
func attaching(b *browser.Browser) func(context.Context, string, string) (cdp.Session, func(), error) {
	return func(ctx context.Context, _, target string) (cdp.Session, func(), error) { return b.Attach(ctx, target) }
}

// attaches counts the sessions that a source opens, by target.
type attaches struct {
	mu    sync.Mutex // guards count
	count map[string]int
}

// of is how many sessions with a target were opened.
func (a *attaches) of(target string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count[target]
}

// counted lets a source count the sessions that it opens from now on.
func counted(s *Source) *attaches {
	a, attach := &attaches{count: map[string]int{}}, s.o.Attach
	s.o.Attach = func(ctx context.Context, browser, target string) (cdp.Session, func(), error) {
		a.mu.Lock()
		a.count[target]++
		a.mu.Unlock()
		return attach(ctx, browser, target)
	}
	return a
}

// wholeSource reads tabs, their Chrome and all its isolates, patiently.
func wholeSource(t testing.TB, tabs ...*browser.Lease) *Source {
	s := sourceOf(t, tabs...)
	s.o.Attach = attaching(tabs[0].Browser())
	return s
}

const startWorkers = `(async () => {
	const told = w => new Promise(done => { w.onmessage = done });
	dedicated = new Worker('/worker.js');
	await told(dedicated);
	shared = new SharedWorker('/worker.js');
	await told(shared.port);
	const registration = await navigator.serviceWorker.register('/sw.js');
	await navigator.serviceWorker.ready;
	return 0;
})()`

// Each isolate is read under the type of its target, with its URL; a popup's is its opener's.
func TestIsolatesBesideThePages(t *testing.T) {
	pool, url := newPool(t, 1), serveScripts(t)
	tab := newTab(t, pool, "1", url)
	s := wholeSource(t, tab)
	_, before := read(s, full)
	require.Zero(t, value(t, before, "isolate.heap_used", "worker"))
	chromeOwn := value(t, before, "isolate.read", "")

	evaluate(t, tab, startWorkers)
	evaluate(t, tab, `new Promise(done => { popup = window.open('/popup'); popup.onload = () => done(0) })`)
	readings, after := read(s, full)
	require.Empty(t, faults(readings))
	require.Equal(t, chromeOwn+3, value(t, after, "isolate.read", ""))
	for kind, script := range map[string]string{"worker": "/worker.js", "shared_worker": "/worker.js", "service_worker": "/sw.js"} {
		require.Greater(t, value(t, after, "isolate.heap_used", kind), 1e6, kind)
		value(t, after, "isolate.heap_backing", kind)
		value(t, after, "isolate.heap_embedder", kind)
		found := false
		for _, r := range readings {
			found = found || r.Metric == "isolate.heap_used" && r.Subject.Kind == kind && r.Subject.URL == url+script
		}
		require.True(t, found, "%s with its URL", kind)
	}
	require.Equal(t, value(t, before, "isolate.heap_used", "page"), value(t, after, "isolate.heap_used", "page"), "the popup's isolate is the opener's")
	_, atTick := read(s, tick)
	unknown(t, atTick, "isolate.heap_used", "worker")
}

// A worker that hangs costs its own figures, and is not waited for again.
func TestAWorkerThatHangsCostsItsOwnFigures(t *testing.T) {
	url := serveScripts(t) // it closes after Chrome, whose request it never answers
	tab := newTab(t, newPool(t, 1), "1", url)
	evaluate(t, tab, startWorkers)
	s := wholeSource(t, tab)
	readings, _ := read(s, full)
	require.Empty(t, faults(readings))
	evaluate(t, tab, `dedicated.postMessage('hang'); 0`)
	<-neverAsked

	asked, hung := counted(s), ""
	s.o.Patience = 4 * time.Second
	readings, totals := read(s, full)
	require.Len(t, faults(readings), 1)
	for _, r := range readings {
		if r.Err != nil {
			hung = r.Subject.Target
			require.Equal(t, "isolate.*", r.Metric)
			require.Equal(t, "worker", r.Subject.Kind)
			require.ErrorIs(t, r.Err, memprof.ErrLate)
		}
	}
	unknown(t, totals, "isolate.heap_used", "worker")
	unknown(t, totals, "isolate.heap_used", "")
	require.Positive(t, value(t, totals, "isolate.heap_used", "service_worker"))
	value(t, totals, "heap.used", "")
	value(t, totals, "storage.bytes", "")

	require.Equal(t, 1, asked.of(hung))
	_, again := read(s, full)
	require.Equal(t, 1, asked.of(hung), "it is not asked again")
	unknown(t, again, "isolate.heap_used", "worker")

	clear(s.silent)
	s.o.CollectTimeout = 2 * time.Second
	ctx := browsertest.Within(t)
	c := s.Collect(ctx)
	require.NoError(t, ctx.Err(), "it ends by itself, though the worker hangs")
	require.Len(t, c.Faults, 1)
	require.Equal(t, "worker", c.Faults[0].Kind)
	require.ErrorIs(t, c.Faults[0].Err, memprof.ErrLate)
	require.True(t, c.Faults[0].Gap().Late)
	require.GreaterOrEqual(t, c.Isolates, 3)
	require.Equal(t, 2, asked.of(hung))
	require.Len(t, s.Collect(browsertest.Within(t)).Faults, 1)
	require.Equal(t, 2, asked.of(hung), "it is not asked again")
}

// What an origin stores is told by bucket, also once the page has gone on; what it keeps in the
// page is told by the page.
func TestStorageOfOrigins(t *testing.T) {
	pool, url := newPool(t, 1), serveScripts(t)
	tab := newTab(t, pool, "1", url)
	s := wholeSource(t, tab)
	_, before := read(s, full)
	require.Equal(t, 1.0, value(t, before, "storage.origins", ""))
	require.Zero(t, value(t, before, "storage.bytes", ""))
	require.Zero(t, value(t, before, "storage.local", ""))
	require.Equal(t, 1.0, value(t, before, "storage.cookies", ""))

	evaluate(t, tab, `(async () => {
		localStorage.ab = 'x'.repeat(998);
		sessionStorage.c = 'é'.repeat(99);
		document.cookie = 'more=1';
		const cache = await caches.open('c');
		await cache.put('/k', new Response(new Uint8Array(2 << 20)));
		await new Promise(done => {
			const open = indexedDB.open('db');
			open.onupgradeneeded = () => open.result.createObjectStore('s');
			open.onsuccess = () => {
				const tx = open.result.transaction('s', 'readwrite');
				tx.objectStore('s').put(crypto.getRandomValues(new Uint8Array(60000)), 'k');
				tx.oncomplete = done;
			};
		});
		return 0;
	})()`)
	readings, after := read(s, full)
	require.Empty(t, faults(readings))
	require.InDelta(t, 2<<20, value(t, after, "storage.bytes", "cache_storage"), 1000)
	require.GreaterOrEqual(t, value(t, after, "storage.bytes", "indexeddb"), 60000.0)
	require.Equal(t, 2000.0, value(t, after, "storage.local", ""))
	require.Equal(t, 200.0, value(t, after, "storage.session", ""))
	require.Equal(t, 2.0, value(t, after, "storage.cookies", ""))
	for _, r := range readings {
		if r.Metric == "storage.bytes" {
			require.Equal(t, url, r.Subject.URL)
		}
	}

	_, err := tab.Navigate(browsertest.Within(t), strings.Replace(url, "127.0.0.1", "localhost", 1))
	require.NoError(t, err)
	_, gone := read(s, full)
	require.Equal(t, 2.0, value(t, gone, "storage.origins", ""))
	require.InDelta(t, 2<<20, value(t, gone, "storage.bytes", "cache_storage"), 1000)
	require.Zero(t, value(t, gone, "storage.local", ""), "no page shows that origin")
}

// A page of no origin has no storage, and that is no fault. What is read changes nothing.
func TestAPageOfNoOriginKeepsNothing(t *testing.T) {
	pool := newPool(t, 1)
	tab, err := pool.Acquire(browsertest.Within(t), browser.LeaseOptions{Site: "test", Run: "1"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = tab.Release(browsertest.Within(t), nil) })
	s := wholeSource(t, tab)
	readings, totals := read(s, full)
	require.Empty(t, faults(readings))
	for _, metric := range []string{"storage.local", "storage.session"} {
		_, known := totals.At(memprof.Series{Metric: metric})
		require.False(t, known, "the origins that keep something are not shown: %s", metric)
	}
	require.Zero(t, value(t, totals, "storage.origins", ""))
	require.Equal(t, 1.0, value(t, totals, "storage.pages", ""))
}

func TestReadingStorageLeavesThePageAsItIs(t *testing.T) {
	tab := newTab(t, newPool(t, 1), "1", serveScripts(t))
	evaluate(t, tab, `localStorage.a = '1'; 0`)
	s := wholeSource(t, tab)
	read(s, full)
	s.Collect(browsertest.Within(t))
	_, before := read(s, full)
	for range 5 {
		read(s, full)
	}
	s.Collect(browsertest.Within(t))
	_, after := read(s, full)
	for _, metric := range []string{"perf.Nodes", "perf.JSEventListeners", "perf.V8PerContextDatas", "perf.Frames"} {
		require.Equal(t, value(t, before, metric, ""), value(t, after, metric, ""), metric)
	}
	require.InDelta(t, value(t, before, "heap.used", ""), value(t, after, "heap.used", ""), 4096)
}

// The control is a page in a context of its own: its figures are apart, and it is counted nowhere.
func TestTheControlIsReadApart(t *testing.T) {
	pool, url := newPool(t, 2), serveScripts(t)
	tab := newTab(t, pool, "1", url)
	s := wholeSource(t, tab)
	_, before := read(s, full)
	control := newTab(t, pool, "2", url)
	evaluate(t, control, `kept = new ArrayBuffer(1 << 20); 0`)
	marked := targetOf(control)
	marked.Control = true
	s.o.Targets = pages(targetOf(tab), marked)
	readings, totals := read(s, full)
	require.Empty(t, faults(readings))
	for _, metric := range []string{"context.count", "page.read", "isolate.read", "storage.origins", "storage.cookies", "storage.pages"} {
		require.Equal(t, value(t, before, metric, ""), value(t, totals, metric, ""), metric)
	}
	require.Equal(t, value(t, before, "target.count", "page"), value(t, totals, "target.count", "page"))
	require.Equal(t, 1.0, value(t, totals, "target.count", memprof.ControlGroup))
	require.GreaterOrEqual(t, value(t, totals, "heap.backing", memprof.ControlGroup), float64(1<<20))
	require.Less(t, value(t, totals, "heap.backing", ""), float64(1<<20))
	require.Equal(t, 1.0, value(t, totals, "page.read", memprof.ControlGroup))
}

// Collecting frees what nothing holds: garbage of the page, of a worker. What is held stays, by the
// console too until that is discarded.
func TestCollect(t *testing.T) {
	pool, url := newPool(t, 1), serveScripts(t)
	tab := newTab(t, pool, "1", url)
	evaluate(t, tab, startWorkers)
	s := wholeSource(t, tab)
	c := s.Collect(browsertest.Within(t))
	require.Empty(t, c.Faults)
	require.Equal(t, 4, c.Isolates, "the page, three workers")
	_, before := read(s, full)
	evaluate(t, tab, `kept = new Array(1 << 17).fill(1.5); for (let i = 0; i < 10; i++) console.log(new Array(1 << 17).fill(i + 0.5)); 0`)
	c = s.Collect(browsertest.Within(t))
	require.Empty(t, c.Faults)
	require.Positive(t, c.Took)
	for _, kind := range []string{"page", "worker", "shared_worker", "service_worker"} {
		require.Positive(t, c.Costs[kind], kind)
	}
	_, after := read(s, full)
	require.InDelta(t, 11<<20, value(t, after, "heap.used", "")-value(t, before, "heap.used", ""), 200<<10)
	require.Empty(t, s.DiscardConsole(browsertest.Within(t)).Faults)
	_, after = read(s, full)
	require.InDelta(t, 1<<20, value(t, after, "heap.used", "")-value(t, before, "heap.used", ""), 200<<10)

	// A popup shares its opener's isolate, which is collected once.
	evaluate(t, tab, `new Promise(done => { popup = window.open('/popup'); popup.onload = () => done(0) })`)
	c = s.Collect(browsertest.Within(t))
	require.Empty(t, c.Faults)
	require.Equal(t, 4, c.Isolates)
}

// A renderer that hangs, one that crashes meanwhile and one that is killed cost themselves alone.
func TestCollectWithPagesThatHangCrashOrVanish(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, other *browser.Lease, pid int){
		"stopped": func(t *testing.T, _ *browser.Lease, pid int) {
			require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
			t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
		},
		"killed": func(t *testing.T, other *browser.Lease, pid int) {
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			<-other.Ended()
		},
		"crashed": func(t *testing.T, other *browser.Lease, _ int) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			require.Error(t, other.Session().Call(ctx, "Page.crash", nil, nil))
		},
		"closed": func(t *testing.T, other *browser.Lease, _ int) {
			require.NoError(t, other.Release(browsertest.Within(t), errors.New("the test is done with it")))
		},
		"closed meanwhile": func(t *testing.T, other *browser.Lease, _ int) {
			evaluate(t, other, `setTimeout(() => { for (;;); }); 0`)
			go func() { _ = other.Release(browsertest.Within(t), errors.New("the test is done with it")) }()
		},
	} {
		t.Run(name, func(t *testing.T) {
			fine, other, pid := twoTabs(t)
			s := wholeSource(t, fine, other)
			s.o.CollectTimeout = 3 * time.Second
			harm(t, other, pid)
			ctx := browsertest.Within(t)
			c := s.Collect(ctx)
			require.NoError(t, ctx.Err(), "it ends by itself, whatever the other page does")
			require.GreaterOrEqual(t, c.Isolates, 1, "the other page")
			require.NotEmpty(t, c.Faults)
			for _, f := range c.Faults {
				require.Equal(t, other.ID(), f.Target)
				if name == "stopped" {
					require.ErrorIs(t, f.Err, memprof.ErrLate)
				} else {
					require.ErrorIs(t, f.Err, memprof.ErrGone)
				}
			}
			if name == "stopped" {
				_ = syscall.Kill(pid, syscall.SIGCONT)
			}
		})
	}
}

// An allocator grows by what a page makes of its kind.
func TestAllocatorsNameTheKindOfMemory(t *testing.T) {
	const made = 16 << 20
	tab := newTab(t, newPool(t, 1), "1", serve(t))
	ask := func() map[string]map[string]float64 {
		found, err := Allocators(browsertest.Within(t), tab.Browser().Session())
		require.NoError(t, err)
		return found
	}
	evaluate(t, tab, `kept = []; 0`)
	before := ask()
	require.NotEmpty(t, before["gpu-process"])
	require.NotEmpty(t, before["network"])
	for _, c := range []struct{ kind, allocator, root, expression string }{
		{"renderer", "partition_alloc/partitions/array_buffer", "partition_alloc", `kept.push(new Uint8Array(16 << 20).fill(1)); 0`},
		{"renderer", "canvas/ResourceProvider", "canvas", `(() => { const c = document.createElement('canvas'); c.width = c.height = 2048; c.getContext('2d').fillRect(0, 0, 9, 9); kept.push(c); return 0 })()`},
		{"browser", "site_storage/blob_storage", "site_storage", `(async () => { const b = new Blob([new Uint8Array(16 << 20).fill(1)]); kept.push(URL.createObjectURL(b)); await fetch(kept.at(-1), {headers: {Range: 'bytes=0-0'}}).then(r => r.text()); return 0 })()`},
		{"renderer", PrivateFootprint, "", `(() => { const m = new WebAssembly.Memory({initial: 256}); new Uint8Array(m.buffer).fill(1); kept.push(m); return 0 })()`},
	} {
		evaluate(t, tab, c.expression)
		s := wholeSource(t, tab)
		s.Collect(browsertest.Within(t))
		after := ask()
		require.InDelta(t, made, after[c.kind][c.allocator]-before[c.kind][c.allocator], 3<<20, c.allocator)
		if c.root != "" {
			require.InDelta(t, made, after[c.kind][c.root]-before[c.kind][c.root], 1<<20, c.root)
		}
		before = after
	}
}

func BenchmarkCollect(b *testing.B) {
	tab := newTab(b, newPool(b, 1), "1", serve(b))
	s := wholeSource(b, tab)
	for b.Loop() {
		if c := s.Collect(context.Background()); len(c.Faults) > 0 {
			b.Fatal(c.Faults)
		}
	}
}

func BenchmarkReadWhole(b *testing.B) {
	tab := newTab(b, newPool(b, 1), "1", serveScripts(b))
	evaluate(b, tab, startWorkers)
	s := wholeSource(b, tab)
	for b.Loop() {
		s.Read(context.Background(), full)
	}
}
