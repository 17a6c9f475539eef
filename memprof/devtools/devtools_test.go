package devtools

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	require.Equal(t, []string{"Runtime.getIsolateId", "Runtime.getHeapUsage", "Performance.getMetrics"}, session.took())
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
		"": fmt.Errorf("target T: %w", chromedp.ErrTargetDetached),
		"stop reading a page: Performance.disable: boom": errors.New("boom"),
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

// A page that hangs costs one timeout, whatever is asked of it, and is then left out of more and
// more readings; once it answers, it is asked each time.
func TestAPageThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, fine := pageSession("i"), pageSession("j")
		hung.set("Runtime.getIsolateId", errHang)
		s := New(Options{Targets: pages(Target{ID: "hung", Session: hung}, Target{ID: "fine", Session: fine})})
		begin := time.Now()
		readings, totals := read(s, full)
		require.Equal(t, 500*time.Millisecond, time.Since(begin))
		require.Equal(t, []string{"Runtime.getIsolateId"}, hung.took())
		found := faults(readings)
		require.Len(t, found, 3)
		require.Equal(t, "Runtime.getIsolateId: no answer within 500ms: context deadline exceeded", found["hung heap.*"])
		unknown(t, totals, "heap.used", "")
		known(t, totals, "page.read", "", 2)
		require.Contains(t, fmt.Sprint(readings), "perf.Nodes")

		var asked []int
		for i := range 100 {
			begin = time.Now()
			readings, _ = read(s, tick)
			if len(hung.took()) > 0 {
				asked = append(asked, i)
				continue
			}
			require.Zero(t, time.Since(begin))
			require.Equal(t, errPaused.Error(), faults(readings)["hung perf.*"])
		}
		require.Equal(t, []int{1, 5, 13, 29, 61, 94}, asked)

		hung.set("Runtime.getIsolateId", `{"id":"i"}`)
		for range maxPause {
			read(s, tick)
		}
		readings, totals = read(s, tick)
		require.Empty(t, faults(readings))
		known(t, totals, "heap.used", "", 200)
		hung.took()
		read(s, tick)
		require.Len(t, hung.took(), 3)
	})
}

func TestAPageThatIsGoneSpoilsNothing(t *testing.T) {
	for _, gone := range []error{
		fmt.Errorf("target T: %w: inspected target navigated or closed", chromedp.ErrTargetDetached),
		&cdproto.Error{Code: -32001, Message: "Session with given id not found."},
	} {
		session := pageSession("i")
		session.set("Runtime.getHeapUsage", gone)
		readings, totals := read(New(Options{Targets: pages(Target{ID: "1", Session: session}, Target{ID: "2", Session: pageSession("j")})}), full)
		require.Len(t, faults(readings), 3)
		for _, r := range readings {
			require.True(t, r.Err == nil || errors.Is(r.Err, memprof.ErrGone))
		}
		require.Equal(t, []string{"Runtime.getIsolateId", "Runtime.getHeapUsage"}, session.took(), "nothing more is asked")
		known(t, totals, "heap.used", "", 100)
	}
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
	require.Len(t, s.pages, 1)
}

const targetsJSON = `{"targetInfos":[
	{"targetId":"P1","type":"page","url":"http://a/x?q=1"},
	{"targetId":"P2","type":"page","url":"http://a/popup","openerId":"P1"},
	{"targetId":"W","type":"service_worker","url":"http://a/sw.js"}]}`

func browserSession() *fakeSession {
	return &fakeSession{answers: map[string]any{
		"Target.getBrowserContexts": `{"browserContextIds":["a","b"]}`,
		"Target.getTargets":         targetsJSON,
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

func TestABrowserThatHangsOrFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session := browserSession()
		session.set("Target.getTargets", errHang)
		readings, totals := read(New(Options{Timeout: time.Second, Browsers: browsers(Browser{ID: "1", Session: session})}), cheap)
		require.Equal(t, map[string]string{" target.*": "Target.getTargets: no answer within 1s: context deadline exceeded"}, faults(readings))
		known(t, totals, "context.count", "", 2)
		unknown(t, totals, "target.count", "page")
	})
	session := browserSession()
	session.set("Target.getBrowserContexts", errors.New("boom"))
	_, totals := read(New(Options{Browsers: browsers(Browser{ID: "1", Session: session})}), cheap)
	unknown(t, totals, "context.count", "")
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
