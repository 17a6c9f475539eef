package devtools

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/systeminfo"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// chromePath is the program itself: /usr/bin/chromium-headless-shell is a script around it.
const chromePath = "/usr/lib/chromium/chromium-headless-shell"

// startChrome starts a Chrome with a tab on a page of a loopback server. As root, chromedp adds
// --no-sandbox by itself.
func startChrome(t testing.TB) (tab context.Context, url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<title>page</title><p>text")
	}))
	t.Cleanup(server.Close)
	alloc, cancelAlloc := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromePath))...)
	tab, cancelTab := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		cancelTab()
		cancelAlloc()
		if c := chromedp.FromContext(tab); c.Browser != nil {
			c.Allocator.Wait()
		}
	})
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(server.URL)))
	return tab, server.URL
}

// newTab opens another tab.
func newTab(t testing.TB, parent context.Context, url string, opts ...chromedp.ContextOption) context.Context {
	t.Helper()
	tab, cancel := chromedp.NewContext(parent, opts...)
	t.Cleanup(cancel)
	steps := []chromedp.Action[chromedp.Void]{}
	if url != "" {
		steps = append(steps, chromedp.Navigate(url))
	}
	require.NoError(t, chromedp.Do(tab, steps...))
	return tab
}

func targetOf(tab context.Context) Target {
	t := chromedp.FromContext(tab).Target
	return Target{Browser: "b", ID: string(t.TargetID), Session: t}
}

// sourceOf reads the tabs and their Chrome.
func sourceOf(tabs ...context.Context) *Source {
	var targets []Target
	for _, tab := range tabs {
		targets = append(targets, targetOf(tab))
	}
	return New(Options{Timeout: 2 * time.Second, Targets: pages(targets...), Browsers: browsers(Browser{ID: "b", Session: chromedp.FromContext(tabs[0]).Browser})})
}

func evaluate(t testing.TB, tab context.Context, expression string) {
	t.Helper()
	require.NoError(t, chromedp.Do(tab, chromedp.Evaluate[chromedp.Void](expression)))
}

func value(t testing.TB, totals memprof.Totals, metric, group string) float64 {
	t.Helper()
	v, ok := totals.At(memprof.Series{Metric: metric, Group: group})
	require.True(t, ok, "%s/%s is unknown; missing: %v", metric, group, totals.Missing)
	return v
}

func TestARealPage(t *testing.T) {
	tab, _ := startChrome(t)
	s := sourceOf(tab)
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
	require.NoError(t, s.Close(context.Background()))
}

func TestAPopupIsCountedOnceAndNamesItsOpener(t *testing.T) {
	tab, url := startChrome(t)
	s := sourceOf(tab)
	_, before := read(s, cheap)
	require.Equal(t, 1.0, value(t, before, "target.count", "page"))
	require.Equal(t, 0.0, value(t, before, "context.count", ""))
	created := chromedp.WaitNewTarget(tab, func(info *target.Info) bool { return info.OpenerID != "" })
	evaluate(t, tab, `popup = window.open('`+url+`/popup?secret=1'); 0`)
	popup := newTab(t, tab, "", chromedp.WithTargetID(<-created))
	newTab(t, tab, url, chromedp.WithNewBrowserContext())

	readings, after := read(sourceOf(tab, popup), cheap)
	require.Equal(t, 3.0, value(t, after, "target.count", "page"))
	require.Equal(t, 1.0, value(t, after, "context.count", ""))
	opener, isolates := "", map[string]bool{}
	for _, r := range readings {
		if r.Metric == "target.open" && r.Subject.Opener != "" {
			opener = r.Subject.Opener
			require.NotContains(t, r.Subject.URL, "secret")
		}
		if r.Metric == "heap.used" {
			isolates[r.Subject.Isolate] = true
		}
	}
	require.Equal(t, targetOf(tab).ID, opener)
	require.Len(t, isolates, 1, "the popup shares its opener's isolate")
	_, alone := read(sourceOf(tab), cheap)
	require.InEpsilon(t, value(t, alone, "heap.used", ""), value(t, after, "heap.used", ""), 0.2, "which counts once")
}

// renderersOf returns the processes of all renderers.
func renderersOf(t testing.TB, tab context.Context) map[int64]bool {
	t.Helper()
	info, err := chromedp.CallBrowser(tab, systeminfo.GetProcessInfo, cdp.Empty{})
	require.NoError(t, err)
	found := make(map[int64]bool)
	for _, p := range info.ProcessInfo {
		if p.Type == "renderer" {
			found[p.ID] = true
		}
	}
	return found
}

// twoTabs returns a tab, another one in a renderer of its own, and the pid of that.
func twoTabs(t testing.TB) (fine, other context.Context, pid int) {
	fine, url := startChrome(t)
	before := renderersOf(t, fine)
	other = newTab(t, fine, url)
	for id := range renderersOf(t, fine) {
		if !before[id] {
			pid = int(id)
		}
	}
	require.NotZero(t, pid)
	return fine, other, pid
}

func TestAStoppedRendererCostsItsOwnReadings(t *testing.T) {
	fine, other, pid := twoTabs(t)
	s := sourceOf(fine, other)
	readings, _ := read(s, tick)
	require.Empty(t, faults(readings))
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	resume := func() { _ = syscall.Kill(pid, syscall.SIGCONT) }
	t.Cleanup(resume)
	readings, totals := read(s, full)
	stopped := targetOf(other).ID
	found := faults(readings)
	require.Len(t, found, 3)
	for _, metric := range []string{"heap.*", "perf.*", "dom.*"} {
		require.Contains(t, found[stopped+" "+metric], "no answer within 2s")
	}
	require.Equal(t, 2.0, value(t, totals, "target.count", "page"))
	require.Positive(t, totals.Values[memprof.Series{Metric: "heap.used"}], "the other page was read")
	unknown(t, totals, "heap.used", "") // but it is not the total

	resume()
	readings, _ = read(s, tick)
	require.Equal(t, errPaused.Error(), faults(readings)[stopped+" heap.*"])
	readings, totals = read(s, full)
	require.Empty(t, faults(readings))
	value(t, totals, "heap.used", "")
}

func TestACrashedPageCostsItsOwnReadings(t *testing.T) {
	fine, other, pid := twoTabs(t)
	s := sourceOf(fine, other)
	read(s, tick)
	crashes := chromedp.Events(other, inspector.TargetCrashed)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	for _, err := range crashes {
		require.NoError(t, err)
		break
	}
	readings, totals := read(s, cheap)
	require.Len(t, faults(readings), 2)
	unknown(t, totals, "heap.used", "")
	require.Equal(t, 2.0, value(t, totals, "target.count", "page"), "Chrome still lists it")
}

func TestAClosedPageIsGone(t *testing.T) {
	tab, url := startChrome(t)
	other := newTab(t, tab, url)
	s := sourceOf(tab, other)
	detached, err := chromedp.Detached(other)
	require.NoError(t, err)
	_, err = chromedp.CallBrowser(tab, target.CloseTarget, target.CloseTargetParams{TargetID: target.ID(targetOf(other).ID)})
	require.NoError(t, err)
	<-detached
	readings, totals := read(s, cheap)
	for _, r := range readings {
		if r.Err != nil {
			require.ErrorIs(t, r.Err, memprof.ErrGone)
		}
	}
	value(t, totals, "heap.used", "")
}

func BenchmarkRead(b *testing.B) {
	tab, url := startChrome(b)
	tabs := []context.Context{tab}
	for range 3 {
		tabs = append(tabs, newTab(b, tab, url))
	}
	for _, c := range []struct {
		name    string
		request memprof.Request
		tabs    int
	}{{"tick, 1 page", tick, 1}, {"full, 1 page", full, 1}, {"tick, 4 pages", tick, 4}, {"full, 4 pages", full, 4}} {
		b.Run(c.name, func(b *testing.B) {
			s := sourceOf(tabs[:c.tabs]...)
			for b.Loop() {
				s.Read(context.Background(), c.request)
			}
		})
	}
}
