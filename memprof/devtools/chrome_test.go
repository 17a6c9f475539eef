package devtools

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/systeminfo"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
)

// serve serves one page, and blank ones below /popup.
func serve(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<title>page</title><p>text")
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// newPool returns a pool whose Chrome leaves popups open.
func newPool(t testing.TB, tabs int) *browser.Pool {
	t.Helper()
	o := browsertest.LaunchOptions(t)
	o.KeepPopups = true
	pool := browser.NewPool(browser.PoolOptions{Launch: o, Tabs: tabs})
	t.Cleanup(func() { require.NoError(t, pool.Close(browsertest.Within(t))) })
	return pool
}

// newTab lends a tab in a browser context, and so in a renderer, of its own.
func newTab(t testing.TB, pool *browser.Pool, run, url string) *browser.Lease {
	t.Helper()
	tab, err := pool.Acquire(browsertest.Within(t), browser.LeaseOptions{Site: "test", Run: run})
	require.NoError(t, err)
	t.Cleanup(func() { _ = tab.Release(browsertest.Within(t), nil) })
	_, err = tab.Navigate(browsertest.Within(t), url)
	require.NoError(t, err)
	return tab
}

func targetOf(tab *browser.Lease) Target {
	return Target{Browser: "b", ID: tab.ID(), Session: tab.Session()}
}

// hasEnded is what the worker tells of a session's errors.
func hasEnded(err error) bool {
	return errors.Is(err, browser.ErrClosed) || errors.Is(err, browser.ErrCrashed) || errors.Is(err, browser.ErrGone)
}

// sourceOf reads tabs and their Chrome. It is patient: the machine may be busy.
func sourceOf(t testing.TB, tabs ...*browser.Lease) *Source {
	var targets []Target
	for _, tab := range tabs {
		targets = append(targets, targetOf(tab))
	}
	s := New(Options{
		TickWait: 20 * time.Second, Patience: 20 * time.Second, IsGone: hasEnded, Targets: pages(targets...),
		Browsers: browsers(Browser{ID: "b", Session: tabs[0].Browser().Session()}),
	})
	t.Cleanup(func() { require.NoError(t, s.Close(browsertest.Within(t))) })
	return s
}

func evaluate(t testing.TB, tab *browser.Lease, expression string) {
	t.Helper()
	_, err := tab.EvaluateMain(browsertest.Within(t), expression)
	require.NoError(t, err)
}

func value(t testing.TB, totals memprof.Totals, metric, group string) float64 {
	t.Helper()
	v, ok := totals.At(memprof.Series{Metric: metric, Group: group})
	require.True(t, ok, "%s/%s is unknown; missing: %v", metric, group, totals.Missing)
	return v
}

func TestARealPage(t *testing.T) {
	tab := newTab(t, newPool(t, 1), "1", serve(t))
	s := sourceOf(t, tab)
	readings, before := read(s, full)
	require.Empty(t, faults(readings))
	for _, row := range memprof.Metrics() {
		if group := row.Family(); group == "heap.*" || group == "perf.*" || group == "dom.*" {
			value(t, before, row.Name, "") // Chrome tells all that the table names
		}
	}
	evaluate(t, tab, `kept = Array.from({length: 20}, () => new ArrayBuffer(1 << 20)); document.body.append(...Array.from({length: 10}, () => document.createElement('i')))`)
	_, after := read(s, full)
	backing := value(t, after, "heap.backing", "") - value(t, before, "heap.backing", "")
	require.InEpsilon(t, 20<<20, backing, 0.001, "external strings of a few bytes count too")
	require.Equal(t, 20.0, value(t, after, "perf.ArrayBufferContents", "")-value(t, before, "perf.ArrayBufferContents", ""))
	require.Equal(t, 10.0, value(t, after, "perf.Nodes", "")-value(t, before, "perf.Nodes", ""))
	require.Equal(t, value(t, after, "perf.Nodes", ""), value(t, after, "dom.nodes", ""))
}

func TestAPopupIsCountedOnceAndNamesItsOpener(t *testing.T) {
	pool, url := newPool(t, 2), serve(t)
	tab := newTab(t, pool, "1", url)
	_, before := read(sourceOf(t, tab), cheap)
	pagesBefore := value(t, before, "target.count", "page")
	require.Equal(t, 1.0, value(t, before, "context.count", ""))
	evaluate(t, tab, `new Promise(done => { popup = window.open('`+url+`/popup?secret=1'); popup.onload = () => done(0) })`)
	newTab(t, pool, "2", url)

	readings, after := read(sourceOf(t, tab), cheap)
	require.Equal(t, pagesBefore+2, value(t, after, "target.count", "page"))
	require.Equal(t, 2.0, value(t, after, "context.count", ""))
	var popup memprof.Subject
	for _, r := range readings {
		if r.Metric == "target.open" && r.Subject.Opener != "" {
			popup = r.Subject
		}
	}
	require.Equal(t, tab.ID(), popup.Opener)
	require.NotContains(t, popup.URL, "secret")

	// What the popup holds is in its opener's isolate.
	evaluate(t, tab, `popup.kept = new popup.Array(1 << 20).fill(1.5); 0`)
	_, grown := read(sourceOf(t, tab), cheap)
	require.Greater(t, value(t, grown, "heap.used", "")-value(t, after, "heap.used", ""), float64(4<<20))

	// Two sessions of one isolate count once.
	again := targetOf(tab)
	again.ID = "again"
	_, twice := read(New(Options{Patience: 20 * time.Second, Targets: pages(targetOf(tab), again)}), cheap)
	require.Equal(t, 2.0, value(t, twice, "page.read", ""))
	require.InEpsilon(t, value(t, grown, "heap.used", ""), value(t, twice, "heap.used", ""), 0.2)
}

// renderersOf returns the processes of all renderers.
func renderersOf(t testing.TB, tab *browser.Lease) map[int64]bool {
	t.Helper()
	info, err := cdp.Call(browsertest.Within(t), tab.Browser().Session(), systeminfo.GetProcessInfo, cdp.Empty{})
	require.NoError(t, err)
	found := make(map[int64]bool)
	for _, p := range info.ProcessInfo {
		if p.Type == "renderer" {
			found[p.ID] = true
		}
	}
	return found
}

// twoTabs returns a tab, another one in a renderer of its own, and the pid of that. Chrome may
// keep a spare renderer: the one that is found is that which holds the tab's 64 MB.
func twoTabs(t testing.TB) (fine, other *browser.Lease, pid int) {
	pool, url := newPool(t, 2), serve(t)
	fine, other = newTab(t, pool, "1", url), newTab(t, pool, "2", url)
	evaluate(t, other, `kept = new Uint8Array(64 << 20).fill(1); 0`)
	largest := int64(0)
	for id := range renderersOf(t, fine) {
		if anon := anonymous(t, id); anon > largest {
			largest, pid = anon, int(id)
		}
	}
	require.NotZero(t, pid)
	return fine, other, pid
}

// A page whose main thread is stuck is late, and is asked no more until it has answered; then
// all is known again.
func TestAStoppedRendererCostsItsOwnReadings(t *testing.T) {
	fine, other, pid := twoTabs(t)
	s := sourceOf(t, fine, other)
	readings, _ := read(s, tick)
	require.Empty(t, faults(readings))
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	resume := func() { _ = syscall.Kill(pid, syscall.SIGCONT) }
	t.Cleanup(resume)
	s.o.TickWait = time.Second // it will not answer, however long
	readings, totals := read(s, tick)
	require.Equal(t, map[string]string{other.ID() + " page.*": memprof.ErrLate.Error()}, faults(readings))
	require.Positive(t, totals.Values[memprof.Series{Metric: "heap.used"}], "the other page was read")
	unknown(t, totals, "heap.used", "") // but it is not the total
	require.GreaterOrEqual(t, value(t, totals, "target.count", "page"), 2.0)

	resume()
	readings, totals = read(s, full)
	require.Empty(t, faults(readings))
	value(t, totals, "heap.used", "")
}

// A page that only works is waited for.
func TestABusyPageIsWaitedFor(t *testing.T) {
	tab := newTab(t, newPool(t, 1), "1", serve(t))
	s := sourceOf(t, tab)
	evaluate(t, tab, `setTimeout(() => { const end = performance.now() + 1500; while (performance.now() < end); done = true }); 0`)
	readings, totals := read(s, full)
	require.Empty(t, faults(readings))
	value(t, totals, "heap.used", "")
	evaluate(t, tab, `if (!done) throw 1`)
}

// A crashed page holds nothing any more.
func TestACrashedPageIsGone(t *testing.T) {
	fine, other, pid := twoTabs(t)
	s := sourceOf(t, fine, other)
	read(s, tick)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	<-other.Ended()
	isGone(t, s, other)
}

func TestAClosedPageIsGone(t *testing.T) {
	pool, url := newPool(t, 2), serve(t)
	tab, other := newTab(t, pool, "1", url), newTab(t, pool, "2", url)
	s := sourceOf(t, tab, other)
	read(s, tick)
	require.NoError(t, other.Release(browsertest.Within(t), errors.New("the test is done with it")))
	isGone(t, s, other)
}

// A page is closed while its answer is waited for.
func TestAPageThatIsClosedMeanwhileIsGone(t *testing.T) {
	pool, url := newPool(t, 2), serve(t)
	tab, other := newTab(t, pool, "1", url), newTab(t, pool, "2", url)
	s := sourceOf(t, tab, other)
	read(s, tick)
	busy := make(chan error, 1)
	go func() {
		_, err := other.EvaluateMain(browsertest.Within(t), `for (;;);`)
		busy <- err
	}()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = other.Release(browsertest.Within(t), errors.New("the test is done with it")) // the page's script ends by force
	}()
	isGone(t, s, other)
	<-closed
	require.Error(t, <-busy)
}

// isGone checks that a page is left out, and that the totals are valid without it.
func isGone(t *testing.T, s *Source, tab *browser.Lease) {
	t.Helper()
	for {
		readings, totals := read(s, cheap)
		value(t, totals, "heap.used", "")
		if len(faults(readings)) == 0 {
			continue // it was quicker
		}
		for _, r := range readings {
			if r.Err != nil {
				require.ErrorIs(t, r.Err, memprof.ErrGone)
				require.Equal(t, tab.ID(), r.Subject.Target)
			}
		}
		require.Equal(t, 1.0, value(t, totals, "page.read", ""))
		return
	}
}

func BenchmarkRead(b *testing.B) {
	pool, url := newPool(b, 4), serve(b)
	var tabs []*browser.Lease
	for _, run := range []string{"1", "2", "3", "4"} {
		tabs = append(tabs, newTab(b, pool, run, url))
	}
	for _, c := range []struct {
		name    string
		request memprof.Request
		tabs    int
	}{{"tick, 1 page", tick, 1}, {"full, 1 page", full, 1}, {"tick, 4 pages", tick, 4}, {"full, 4 pages", full, 4}} {
		b.Run(c.name, func(b *testing.B) {
			s := sourceOf(b, tabs[:c.tabs]...)
			for b.Loop() {
				s.Read(context.Background(), c.request)
			}
		})
	}
}
