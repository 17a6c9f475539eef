package devtools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// attachable is an Attach whose targets have sessions; it counts those that are open.
type attachable struct {
	mu       sync.Mutex
	sessions map[string]*fakeSession
	open     int
}

func (a *attachable) attach(_ context.Context, _, target string) (cdp.Session, func(), error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sessions[target]
	if s == nil {
		return nil, nil, fmt.Errorf("attach to a target: %w", &cdproto.Error{Code: -32602, Message: "No target with given id found"})
	}
	a.open++
	return s, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.open--
	}, nil
}

// collectable answers as an isolate does.
func collectable(isolate string) *fakeSession {
	s := pageSession(isolate)
	for _, method := range []string{"Runtime.discardConsoleEntries", "HeapProfiler.collectGarbage", "Target.setAutoAttach"} {
		s.answers[method] = `{}`
	}
	return s
}

// targetsOf is the answer of Target.getTargets.
func targetsOf(infos ...string) string {
	return `{"targetInfos":[` + strings.Join(infos, ",") + `]}`
}

func info(id, kind, more string) string {
	return fmt.Sprintf(`{"targetId":%q,"type":%q,"browserContextId":"c"%s}`, id, kind, more)
}

// A target that vanishes between the list and the attaching is gone, and spoils nothing.
func TestATargetThatVanishesIsGone(t *testing.T) {
	session := browserSession()
	session.set("Target.getTargets", targetsOf(info("P", "page", ""), info("gone", "worker", `,"url":"http://a/w.js"`), info("W", "worker", `,"url":"http://a/w.js"`)))
	a := &attachable{sessions: map[string]*fakeSession{"W": collectable("w")}}
	s := New(Options{
		Targets: pages(Target{Browser: "b", ID: "P", Session: collectable("p")}), Attach: a.attach,
		Browsers: browsers(Browser{ID: "b", Session: session}),
	})
	readings, totals := read(s, full)
	require.Equal(t, map[string]string{"gone isolate.*": "attach to a target: No target with given id found (-32602): it is gone"}, faults(readings))
	known(t, totals, "isolate.heap_used", "worker", 100)
	known(t, totals, "isolate.read", "", 1)

	c := s.Collect(context.Background())
	require.Equal(t, 2, c.Isolates)
	require.Len(t, c.Faults, 1)
	require.Equal(t, "worker http://a/w.js: attach to a target: No target with given id found (-32602): it is gone", c.Faults[0].String())
	g := c.Faults[0].Gap()
	require.True(t, g.Gone)
	require.Equal(t, "gone", g.Subject.Target)
	require.Zero(t, a.open)
}

// Chrome does not know the URL of a worker that its page has not told of, and such a worker
// answers nothing: its page is asked to tell, once.
func TestWorkersAreIntroducedByTheirPages(t *testing.T) {
	session := browserSession()
	session.set("Target.getTargets", targetsOf(info("P", "page", ""), info("W", "worker", `,"url":"","parentId":"P"`), info("N", "worker", `,"url":"","parentId":"W"`)))
	page, worker := collectable("p"), collectable("w")
	a := &attachable{sessions: map[string]*fakeSession{"W": worker, "N": collectable("n")}}
	s := New(Options{
		Targets: pages(Target{Browser: "b", ID: "P", Session: page}), Attach: a.attach,
		Browsers: browsers(Browser{ID: "b", Session: session}),
	})
	readings, totals := read(s, full)
	require.Empty(t, faults(readings))
	known(t, totals, "isolate.read", "", 2)
	require.Equal(t, 2, strings.Count(fmt.Sprint(page.took()), "Target.setAutoAttach"), "on and off")
	require.Equal(t, 2, strings.Count(fmt.Sprint(worker.took()), "Target.setAutoAttach"))
	session.set("Target.getTargets", targetsOf(info("P", "page", ""), info("W", "worker", `,"url":"http://a/w.js","parentId":"P"`)))
	read(s, full)
	require.NotContains(t, page.took(), "Target.setAutoAttach")
}

func TestOnlySoManyIsolatesAreRead(t *testing.T) {
	var infos []string
	a := &attachable{sessions: map[string]*fakeSession{}}
	for i := range maxOthers + 1 {
		id := fmt.Sprint("W", i)
		infos = append(infos, info(id, "worker", `,"url":"http://a/w.js"`))
		a.sessions[id] = collectable(id)
	}
	session := browserSession()
	session.set("Target.getTargets", targetsOf(infos...))
	s := New(Options{Attach: a.attach, Browsers: browsers(Browser{ID: "b", Session: session})})
	readings, totals := read(s, full)
	require.Equal(t, map[string]string{" isolate.*": "there are more than 64"}, faults(readings))
	require.Equal(t, float64(maxOthers), totals.Values[memprof.Series{Metric: "isolate.read"}])
	unknown(t, totals, "isolate.heap_used", "worker")
	c := s.Collect(context.Background())
	require.Equal(t, maxOthers, c.Isolates)
	require.Len(t, c.Faults, 1)
}

// Without Attach no other isolate is read, and none is said to be 0.
func TestWithoutAttachOtherIsolatesAreUnknown(t *testing.T) {
	s := New(Options{Browsers: browsers(Browser{ID: "1", Session: browserSession()})})
	readings, totals := read(s, full)
	require.Empty(t, faults(readings))
	unknown(t, totals, "isolate.heap_used", "")
	unknown(t, totals, "isolate.read", "")
}

// Each isolate is collected once, whatever hangs, and no longer than the time.
func TestCollectIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, same := collectable("h"), collectable("p")
		hung.set("HeapProfiler.collectGarbage", errHang)
		page := collectable("p")
		page.delay = 30 * time.Millisecond
		silent := browserSession()
		silent.set("Target.getTargets", errHang)
		a := &attachable{sessions: map[string]*fakeSession{}}
		s := New(Options{
			Targets: pages(
				Target{Browser: "b", ID: "P", Session: page}, Target{Browser: "b", ID: "popup", Session: same},
				Target{Browser: "b", ID: "hung", URL: "http://a/?q", Site: "shop", Session: hung}),
			Browsers: browsers(Browser{ID: "b", Session: silent}), Attach: a.attach, CollectTimeout: 3 * time.Second,
		})
		c := s.Collect(context.Background())
		require.Equal(t, 3*time.Second, c.Took)
		require.Equal(t, 1, c.Isolates)
		require.Equal(t, 1, strings.Count(fmt.Sprint(page.took(), same.took()), "collectGarbage"))
		require.Len(t, c.Faults, 2)
		for _, f := range c.Faults {
			require.ErrorIs(t, f.Err, memprof.ErrLate)
			require.Contains(t, []string{"page http://a/: context deadline exceeded: it came late", "browser : context deadline exceeded: it came late"}, f.String())
		}
		require.GreaterOrEqual(t, c.Costs["page"], 3*time.Second)
	})
}

func keptPage(isolate, origin, sizes string) *fakeSession {
	s := collectable(isolate)
	s.set("Page.getFrameTree", fmt.Sprintf(`{"frameTree":{"frame":{"id":"F","securityOrigin":%q},"childFrames":[
		{"frame":{"id":"G","securityOrigin":"://"}},{"frame":{"id":"H","securityOrigin":%q}}]}}`, origin, origin))
	s.set("Page.createIsolatedWorld", `{"executionContextId":3}`)
	s.set("Runtime.evaluate", `{"result":{"value":`+sizes+`}}`)
	s.set("Storage.getUsageAndQuota", `{"usage":30,"quota":1000,"usageBreakdown":[{"storageType":"indexeddb","usage":30},{"storageType":"cache_storage","usage":0}]}`)
	return s
}

// Two pages of one origin and context share its localStorage, and have a sessionStorage each.
func TestLocalStorageCountsOnce(t *testing.T) {
	session := browserSession()
	session.set("Target.getTargets", targetsOf(info("1", "page", ""), info("2", "page", "")))
	one, two := keptPage("i", "http://a", `[100,10]`), keptPage("j", "http://a", `[100,20]`)
	s := New(Options{
		Targets:  pages(Target{Browser: "b", ID: "1", URL: "http://a/x", Session: one}, Target{Browser: "b", ID: "2", URL: "http://a/y", Session: two}),
		Browsers: browsers(Browser{ID: "b", Session: session}),
	})
	readings, totals := read(s, full)
	require.Empty(t, faults(readings))
	known(t, totals, "storage.local", "", 100)
	known(t, totals, "storage.session", "", 30)
	known(t, totals, "storage.bytes", "indexeddb", 30)
	known(t, totals, "storage.bytes", "", 30)
	known(t, totals, "storage.bytes", "cache_storage", 0)
	known(t, totals, "storage.origins", "", 1)
	known(t, totals, "storage.cookies", "", 3)
	require.Equal(t, 1, strings.Count(fmt.Sprint(one.took()), "Runtime.evaluate"), "one frame of an origin is asked")

	// A document that may have no storage keeps nothing; one that does not tell is a gap.
	one.set("Runtime.evaluate", `{"result":{"value":[null,null]}}`)
	two.set("Runtime.evaluate", errors.New("boom"))
	readings, totals = read(s, full)
	require.Equal(t, map[string]string{"2 storage.local": "boom", "2 storage.session": "boom"}, faults(readings))
	unknown(t, totals, "storage.local", "")
	known(t, totals, "heap.used", "", 200)
}

// The origins that a browser context has shown are remembered, the newest of them, until it ends.
func TestOriginsAreRememberedUpToALimit(t *testing.T) {
	session := browserSession()
	here := targetsOf(info("1", "page", ""))
	session.set("Target.getBrowserContexts", `{"browserContextIds":["c"]}`)
	session.set("Target.getTargets", here)
	page := keptPage("i", "http://a", `[0,0]`)
	s := New(Options{Targets: pages(Target{Browser: "b", ID: "1", Session: page}), Browsers: browsers(Browser{ID: "b", Session: session})})
	for i := range maxOrigins + 5 {
		page.set("Page.getFrameTree", fmt.Sprintf(`{"frameTree":{"frame":{"id":"F","securityOrigin":"http://a%d"}}}`, i))
		read(s, full)
	}
	readings, totals := read(s, full)
	known(t, totals, "storage.origins", "", maxOrigins)
	require.NotContains(t, fmt.Sprint(readings), "http://a4 ")

	// A context without a page cannot be asked, and says so; one that has ended has nothing.
	s.o.Targets = pages()
	session.set("Target.getTargets", targetsOf())
	readings, totals = read(s, full)
	require.Equal(t, map[string]string{" storage.bytes": errNoPage.Error()}, faults(readings))
	unknown(t, totals, "storage.bytes", "")
	session.set("Target.getBrowserContexts", `{"browserContextIds":[]}`)
	readings, totals = read(s, full)
	require.Empty(t, faults(readings))
	known(t, totals, "storage.origins", "", 0)
	known(t, totals, "storage.bytes", "", 0)
}

func TestOriginOf(t *testing.T) {
	for raw, want := range map[string]string{
		"http://a:81/b?c#d": "http://a:81", "https://a": "https://a", "about:blank": "", "data:text/html,x": "",
		"chrome://version": "", "http://[bad": "", "": "",
	} {
		require.Equal(t, want, originOf(raw), raw)
	}
}

func rawEvents(t *testing.T, events ...string) []json.RawMessage {
	t.Helper()
	var raw []json.RawMessage
	for _, e := range events {
		raw = append(raw, json.RawMessage(e))
	}
	return raw
}

func TestParseDump(t *testing.T) {
	name := `{"ph":"M","name":"process_name","pid":%d,"args":{"name":%q}}`
	found, err := parseDump(rawEvents(t,
		fmt.Sprintf(name, 1, "Browser"), fmt.Sprintf(name, 2, "Renderer"), fmt.Sprintf(name, 3, "Renderer"),
		fmt.Sprintf(name, 4, "Service: network.mojom.NetworkService"), fmt.Sprintf(name, 5, "GPU Process"),
		`{"ph":"v","pid":2,"args":{"dumps":{"process_totals":{"private_footprint_bytes":"100"}}}}`,
		`{"ph":"v","pid":2,"args":{"dumps":{"allocators":{"malloc":{"attrs":{"effective_size":{"value":"a"},"size":{"value":"ff"}}},"v8":{},"v8/main":{"attrs":{"size":{"value":"10"}}},"v8/main/heap":{"attrs":{"size":{"value":"1"}}},"skia":{"attrs":{"effective_size":{"value":3.5}}}}}}}`,
		`{"ph":"v","pid":3,"args":{"dumps":{"allocators":{"malloc":{"attrs":{"effective_size":{"value":"1"}}}}}}}`,
		`{"ph":"v","pid":1,"args":{"dumps":{"allocators":{"global":{"attrs":{"effective_size":{"value":"1"}}}}}}}`,
		`{"ph":"v","pid":4,"args":{"dumps":{}}}`, `{"ph":"v","pid":5,"args":{"dumps":{}}}`, `{"ph":"v","pid":6,"args":{"dumps":{}}}`,
		`{"ph":"X","pid":6,"name":"else"}`))
	require.NoError(t, err)
	require.Equal(t, map[string]map[string]float64{
		"renderer": {PrivateFootprint: 256, "malloc": 11, "v8/main": 16},
		"browser":  {}, "network": {}, "gpu-process": {}, "other": {},
	}, found)
	for event, want := range map[string]string{
		`{"ph":"X"}`:                     "the trace holds no dump",
		`[]`:                             "decode the trace: ",
		`{"ph":"v","args":{"dumps":[]}}`: "decode the dump of a process: ",
		`{"ph":"M","name":"process_name","args":[]}`:                                                   "decode the name of a process: ",
		`{"ph":"v","args":{"dumps":{"allocators":{"v8":{"attrs":{"effective_size":{"value":"x"}}}}}}}`: "decode the size of v8: ",
		`{"ph":"v","args":{"dumps":{"process_totals":{"private_footprint_bytes":"-1"}}}}`:              "decode the size of private_footprint: ",
	} {
		_, err := parseDump(rawEvents(t, event))
		require.ErrorContains(t, err, want)
	}
}
