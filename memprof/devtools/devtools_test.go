package devtools

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// pageSession answers as a page does whose Performance domain is on.
func pageSession(isolate string) *fakeSession {
	return &fakeSession{answers: map[string]any{
		"Runtime.getIsolateId":   fmt.Sprintf(`{"id":%q}`, isolate),
		"Runtime.getHeapUsage":   `{"usedSize":100,"totalSize":200,"embedderHeapUsedSize":30,"backingStorageSize":0}`,
		"Performance.getMetrics": `{"metrics":[{"name":"Nodes","value":7},{"name":"NewInChrome200","value":1}]}`,
		"Memory.getDOMCounters":  `{"documents":1,"nodes":7,"jsEventListeners":2}`,
		"Page.getFrameTree":      `{"frameTree":{"frame":{"id":"F","securityOrigin":"://"}}}`,
		"Performance.enable":     `{}`,
		"Performance.disable":    `{}`,
	}}
}

func pages(targets ...Target) func() []Target { return func() []Target { return targets } }

func read(s *Source, q memprof.Request) ([]memprof.Reading, memprof.Totals) {
	readings := s.Read(context.Background(), q)
	return readings, memprof.NewTotals(q, readings)
}

func known(t *testing.T, totals memprof.Totals, metric, group string, want float64) {
	t.Helper()
	value, ok := totals.At(memprof.Series{Metric: metric, Group: group})
	require.True(t, ok, "%s/%s is unknown", metric, group)
	require.Equal(t, want, value, "%s/%s", metric, group)
}

func unknown(t *testing.T, totals memprof.Totals, metric, group string) {
	t.Helper()
	value, ok := totals.At(memprof.Series{Metric: metric, Group: group})
	require.False(t, ok, "%s/%s is %v", metric, group, value)
}

func faults(readings []memprof.Reading) map[string]string {
	found := make(map[string]string)
	for _, r := range readings {
		if r.Err != nil {
			found[r.Subject.Target+" "+r.Metric] = r.Err.Error()
		}
	}
	return found
}

func TestAPageIsAskedForEverything(t *testing.T) {
	session := pageSession("i")
	s := New(Options{Targets: pages(Target{Browser: "b", ID: "T", URL: "http://a/b?secret#x", Site: "shop", Session: session})})
	readings, totals := read(s, full)
	require.Empty(t, faults(readings))
	for metric, want := range map[string]float64{
		"page.read": 1, "heap.used": 100, "heap.total": 200, "heap.embedder": 30, "heap.backing": 0,
		"perf.Nodes": 7, "perf.NewInChrome200": 1, "dom.documents": 1, "dom.nodes": 7, "dom.listeners": 2,
	} {
		known(t, totals, metric, "", want)
	}
	require.Equal(t, memprof.Subject{Browser: "b", Kind: "page", Target: "T", URL: "http://a/b", Site: "shop", Isolate: "i"}, readings[2].Subject)
	session.took()
	read(s, cheap)
	require.ElementsMatch(t, []string{"Runtime.getIsolateId", "Runtime.getHeapUsage", "Performance.getMetrics"}, session.took())
}

// Without a session of its own a page shares the isolate of its opener, and both tell all of it.
func TestPagesOfOneIsolateCountOnce(t *testing.T) {
	s := New(Options{Targets: pages(
		Target{Browser: "b", ID: "1", Session: pageSession("i")}, Target{Browser: "b", ID: "2", Session: pageSession("i")},
		Target{Browser: "b", ID: "3", Session: pageSession("j")})})
	_, totals := read(s, cheap)
	known(t, totals, "heap.used", "", 200)
	known(t, totals, "perf.Nodes", "", 14)
	known(t, totals, "page.read", "", 3)
}

func TestPerformanceIsEnabledOnceAndDisabledAtTheEnd(t *testing.T) {
	session := pageSession("i")
	answer := session.answers["Performance.getMetrics"]
	session.set("Performance.getMetrics", `{"metrics":[]}`)
	s := New(Options{Targets: pages(Target{ID: "T", Session: session})})
	readings, _ := read(s, tick)
	require.Equal(t, map[string]string{"T perf.*": "Performance.getMetrics: it is enabled but tells nothing"}, faults(readings))
	require.Contains(t, session.took(), "Performance.enable")
	session.set("Performance.getMetrics", answer)
	read(s, tick)
	require.NotContains(t, session.took(), "Performance.enable")
	require.NoError(t, s.Close(context.Background()))
	require.Equal(t, []string{"Performance.disable"}, session.took())
	require.NoError(t, s.Close(context.Background()))
	require.Empty(t, session.took())
}

func TestCloseTellsWhatFailedButNotWhatIsGone(t *testing.T) {
	for want, answer := range map[string]error{
		"":                          fmt.Errorf("target T: %w", chromedp.ErrTargetDetached),
		"stop reading a page: boom": errors.New("boom"),
	} {
		session := pageSession("i")
		session.set("Performance.getMetrics", `{"metrics":[]}`)
		session.set("Performance.disable", answer)
		s := New(Options{Targets: pages(Target{ID: "T", Session: session})})
		read(s, tick)
		err := s.Close(context.Background())
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, want)
	}
}

func TestAnOldChromeDoesNotTellZero(t *testing.T) {
	session := pageSession("i")
	session.set("Runtime.getHeapUsage", `{"usedSize":100,"totalSize":200}`)
	session.set("Memory.getDOMCounters", `{"documents":1,"nodes":7}`)
	session.set("Runtime.getIsolateId", &cdproto.Error{Code: -32601, Message: "not found"})
	readings, totals := read(New(Options{Targets: pages(Target{ID: "T", Session: session})}), full)
	require.Len(t, faults(readings), 3)
	known(t, totals, "heap.used", "", 100)
	unknown(t, totals, "heap.backing", "")
	unknown(t, totals, "heap.embedder", "")
	unknown(t, totals, "dom.listeners", "")
}

// All commands of a page wait for the same main thread: they are sent at once.
func TestAPageIsAskedForAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session := pageSession("i")
		session.delay = 100 * time.Millisecond
		s := New(Options{Targets: pages(Target{ID: "T", Session: session}), Browsers: browsers(Browser{ID: "b", Session: slow(browserSession(), 100*time.Millisecond)})})
		begin := time.Now()
		readings, _ := read(s, cheap)
		require.Empty(t, faults(readings))
		require.Equal(t, 100*time.Millisecond, time.Since(begin))
		readings, _ = read(s, full)
		require.Empty(t, faults(readings))
		require.Equal(t, 300*time.Millisecond, time.Since(begin), "cookies are those of contexts that must be known")
	})
}

// A busy page is late for a tick, which does not wait long, and answers a reading at a boundary,
// which does. While it has not answered, it is asked nothing more.
func TestABusyPageIsLateForATickAndNotForABoundary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := pageSession("i")
		busy.delay = 900 * time.Millisecond
		s := New(Options{Targets: pages(Target{ID: "busy", Session: busy}, Target{ID: "fine", Session: pageSession("j")})})
		for i := range 3 {
			begin := time.Now()
			readings, totals := read(s, tick)
			require.Equal(t, 250*time.Millisecond, time.Since(begin))
			require.Equal(t, map[string]string{"busy page.*": "it came late"}, faults(readings))
			for _, r := range readings {
				require.True(t, r.Err == nil || errors.Is(r.Err, memprof.ErrLate))
			}
			unknown(t, totals, "heap.used", "")
			unknown(t, totals, "perf.Nodes", "")
			require.Len(t, busy.took(), map[int]int{0: 3}[i], "only the first asks")
		}
		begin := time.Now() // 750 ms after the page was asked
		readings, totals := read(s, full)
		require.Equal(t, (150+900)*time.Millisecond, time.Since(begin), "an answer to an earlier question is not of this reading")
		require.Empty(t, faults(readings))
		known(t, totals, "heap.used", "", 200)
		require.NoError(t, s.Close(context.Background()))
	})
}

// A page that hangs costs all readings together the patience, and is asked again when Chrome
// cannot be expected to answer any more; once it answers, all is known.
func TestAPageThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := pageSession("i")
		hung.set("Runtime.getIsolateId", errHang)
		s := New(Options{Targets: pages(Target{ID: "hung", Session: hung}, Target{ID: "fine", Session: pageSession("j")})})
		begin := time.Now()
		readings, _ := read(s, full)
		require.Equal(t, 1600*time.Millisecond, time.Since(begin), "the rest is for what follows")
		require.Len(t, faults(readings), 1)
		require.Len(t, hung.took(), 5)
		time.Sleep(400 * time.Millisecond) // its time is up
		for range 100 {
			begin := time.Now()
			readings, totals := read(s, full)
			require.Zero(t, time.Since(begin))
			require.Equal(t, map[string]string{"hung page.*": "it came late"}, faults(readings))
			unknown(t, totals, "heap.used", "")
			require.Contains(t, fmt.Sprint(readings), "perf.Nodes", "the other page was read")
		}
		require.Empty(t, hung.took())
		time.Sleep(giveUp)
		read(s, tick)
		require.Len(t, hung.took(), 3, "it is asked again")
		hung.set("Runtime.getIsolateId", `{"id":"i"}`)
		time.Sleep(giveUp)
		readings, totals := read(s, tick)
		require.Empty(t, faults(readings))
		known(t, totals, "heap.used", "", 200)
		require.NoError(t, s.Close(context.Background()))
	})
}

// Ticks and readings at boundaries may ask the same page at the same time, and get their own
// answers, one after the other.
func TestReadingsOfOnePageTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session := pageSession("i")
		session.delay = 100 * time.Millisecond
		s := New(Options{Targets: pages(Target{ID: "T", Session: session})})
		var wg sync.WaitGroup
		begin := time.Now()
		for range 5 {
			wg.Go(func() {
				readings, _ := read(s, cheap)
				require.Empty(t, faults(readings))
			})
		}
		wg.Wait()
		require.Equal(t, 500*time.Millisecond, time.Since(begin))
	})
}

// Close, and a page that is no longer listed, end what is not answered.
func TestNothingIsLeftWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, other := pageSession("i"), pageSession("j")
		hung.set("Runtime.getIsolateId", errHang)
		other.set("Runtime.getIsolateId", errHang)
		listed := []Target{{ID: "hung", Session: hung}}
		s := New(Options{Targets: func() []Target { return listed }})
		read(s, tick)
		listed = []Target{{ID: "other", Session: other}}
		read(s, tick)
		begin := time.Now()
		require.NoError(t, s.Close(context.Background()))
		synctest.Wait()
		require.Zero(t, time.Since(begin))
	})
}

var errEnded = errors.New("the tab is closed")

func TestAPageThatIsGoneSpoilsNothing(t *testing.T) {
	for _, gone := range []error{
		fmt.Errorf("target T: %w: inspected target navigated or closed", chromedp.ErrTargetDetached),
		&cdproto.Error{Code: -32001, Message: "Session with given id not found."},
		fmt.Errorf("Runtime.getHeapUsage: %w", errEnded),
	} {
		session := pageSession("i")
		session.set("Runtime.getHeapUsage", gone)
		o := Options{
			IsGone:  func(err error) bool { return errors.Is(err, errEnded) },
			Targets: pages(Target{ID: "1", Session: session}, Target{ID: "2", Session: pageSession("j")}),
		}
		readings, totals := read(New(o), full)
		require.Equal(t, map[string]string{"1 page.*": gone.Error() + ": it is gone"}, faults(readings))
		for _, r := range readings {
			require.True(t, r.Err == nil || errors.Is(r.Err, memprof.ErrGone))
		}
		known(t, totals, "heap.used", "", 100)
		known(t, totals, "perf.Nodes", "", 7)
		known(t, totals, "page.read", "", 1)

		o.Targets = pages(Target{ID: "1", Session: session})
		_, totals = read(New(o), full)
		known(t, totals, "heap.used", "", 0)
	}
}

// Whatever a page's session says, a page that is not listed any more once it failed is gone.
func TestAPageThatIsNoLongerListedIsGone(t *testing.T) {
	for _, answer := range []any{errors.New("no page here"), errHang} {
		synctest.Test(t, func(t *testing.T) {
			session, times := pageSession("i"), 0
			session.set("Performance.getMetrics", answer)
			s := New(Options{Targets: func() []Target {
				if times++; times > 1 {
					return nil
				}
				return []Target{{ID: "1", Session: session, URL: "http://a/"}}
			}})
			readings, totals := read(s, tick)
			require.Equal(t, map[string]string{"1 page.*": "it is gone"}, faults(readings))
			known(t, totals, "heap.used", "", 0)
			require.NoError(t, s.Close(context.Background()))
		})
	}
}

func TestAPageThatIsAttachedToAgainIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session := pageSession("i")
		session.set("Runtime.getHeapUsage", errHang)
		s := New(Options{Targets: func() []Target { return []Target{{ID: "1", Session: session}} }})
		read(s, tick)
		session = pageSession("i")
		readings, _ := read(s, tick)
		require.Empty(t, faults(readings))
	})
}

// The text of an error is the session's, which names the command.
func TestAnErrorIsNamedOnce(t *testing.T) {
	session := pageSession("i")
	session.set("Performance.getMetrics", errors.New("Performance.getMetrics: boom"))
	readings, totals := read(New(Options{Targets: pages(Target{ID: "1", Session: session})}), full)
	require.Equal(t, map[string]string{"1 perf.*": "Performance.getMetrics: boom"}, faults(readings))
	known(t, totals, "heap.used", "", 100)
	unknown(t, totals, "perf.Nodes", "")
}

// The state of pages that are no longer listed is dropped.
func TestPagesThatAreNoLongerListedAreForgotten(t *testing.T) {
	i := 0
	s := New(Options{Targets: func() []Target {
		i++
		return []Target{{ID: fmt.Sprint(i), Session: pageSession("i")}}
	}})
	for range 1000 {
		read(s, tick)
	}
	require.Len(t, s.lines, 1)
}

const targetsJSON = `{"targetInfos":[
	{"targetId":"P1","type":"page","url":"http://a/x?q=1"},
	{"targetId":"P2","type":"page","url":"http://a/popup","openerId":"P1"},
	{"targetId":"W","type":"service_worker","url":"http://a/sw.js"}]}`

func browserSession() *fakeSession {
	return &fakeSession{answers: map[string]any{
		"Target.getBrowserContexts": `{"browserContextIds":["a","b"]}`,
		"Target.getTargets":         targetsJSON,
		"Storage.getCookies":        `{"cookies":[{"name":"a"}]}`,
	}}
}

func browsers(list ...Browser) func() []Browser { return func() []Browser { return list } }

func TestABrowserIsCounted(t *testing.T) {
	s := New(Options{Browsers: browsers(Browser{ID: "1", Session: browserSession()}, Browser{ID: "2", Session: browserSession()})})
	readings, totals := read(s, cheap)
	require.Empty(t, faults(readings))
	known(t, totals, "context.count", "", 4)
	known(t, totals, "target.count", "page", 4)
	known(t, totals, "target.count", "service_worker", 2)
	known(t, totals, "target.count", "iframe", 0)
	var popup memprof.Subject
	for _, r := range readings {
		if r.Metric == "target.open" && r.Subject.Target == "P2" {
			popup = r.Subject
		}
	}
	require.Equal(t, memprof.Subject{Browser: "2", Kind: "page", Target: "P2", URL: "http://a/popup", Opener: "P1"}, popup)
	readings, _ = read(s, tick)
	require.NotContains(t, fmt.Sprint(readings), "target.open", "ticks count only")
}

func TestOpenTargetsAreListedUpToALimitAndAllCounted(t *testing.T) {
	s := New(Options{MaxOpen: 2, Browsers: browsers(Browser{ID: "1", Session: browserSession()})})
	readings, totals := read(s, cheap)
	require.Equal(t, 2, strings.Count(fmt.Sprint(readings), "target.open"))
	known(t, totals, "target.count", "service_worker", 1)
}

func TestABrowserThatIsLateGoneOrFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session := browserSession()
		session.set("Target.getTargets", errHang)
		s := New(Options{Browsers: browsers(Browser{ID: "1", Session: session})})
		readings, totals := read(s, cheap)
		require.Equal(t, map[string]string{" context.*": "it came late"}, faults(readings))
		unknown(t, totals, "context.count", "")
		unknown(t, totals, "target.count", "page")
		require.NoError(t, s.Close(context.Background()))
	})
	session := browserSession()
	session.set("Target.getTargets", errors.New("boom"))
	readings, totals := read(New(Options{Browsers: browsers(Browser{ID: "1", Session: session})}), cheap)
	require.Equal(t, map[string]string{" target.*": "boom"}, faults(readings))
	known(t, totals, "context.count", "", 2)
	unknown(t, totals, "target.count", "page")

	session.set("Target.getTargets", errEnded)
	readings, totals = read(New(Options{IsGone: func(err error) bool { return errors.Is(err, errEnded) }, Browsers: browsers(Browser{ID: "1", Session: session})}), cheap)
	require.Equal(t, map[string]string{" context.*": "the tab is closed: it is gone"}, faults(readings))
	known(t, totals, "context.count", "", 0)
	known(t, totals, "target.count", "page", 0)
}

func TestNoChromeIsZero(t *testing.T) {
	_, totals := read(New(Options{}), tick)
	known(t, totals, "context.count", "", 0)
	known(t, totals, "target.count", "page", 0)
	known(t, totals, "heap.used", "", 0)
}

func TestShortURL(t *testing.T) {
	for raw, want := range map[string]string{
		"http://user:pass@a/b?token=1#frag":   "http://a/b",
		"http://a/?":                          "http://a/",
		"about:blank":                         "about:blank",
		"data:text/html,<b>secret</b>":        "data:text/html,",
		"blob:http://a/b1c2":                  "blob:http://a/b1c2",
		"http://[bad/?q=1":                    "http://[bad/",
		"http://a/" + strings.Repeat("x", 60): "http://a/" + strings.Repeat("x", 31) + "...",
		"x:" + strings.Repeat("é", 40):        "",
	} {
		got := shortURL(raw, 40)
		require.LessOrEqual(t, len(got), 43, raw)
		if want != "" {
			require.Equal(t, want, got)
		}
	}
	require.NotContains(t, shortURL("http://[é"+strings.Repeat("é", 40), 40), "\ufffd")
}
