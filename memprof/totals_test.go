package memprof

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var full = Request{Level: LevelFull}

func known(t *testing.T, totals Totals, s Series, want float64) {
	t.Helper()
	value, ok := totals.At(s)
	require.True(t, ok, "%v is unknown", s)
	require.Equal(t, want, value, "%v", s)
}

func unknown(t *testing.T, totals Totals, s Series) {
	t.Helper()
	value, ok := totals.At(s)
	require.False(t, ok, "%v is %v", s, value)
	require.Zero(t, value)
}

func TestTotalsAddUpByTypeWithoutTheWorker(t *testing.T) {
	totals := NewTotals(full, []Reading{
		reading("process.anon", "browser", 10), reading("process.anon", "renderer", 20),
		{Metric: "process.anon", Subject: Subject{Browser: "2", Kind: "renderer"}, Value: 5},
		{Metric: "process.anon", Subject: Subject{Kind: Worker}, Value: 1000},
	})
	known(t, totals, chromeAnon, 35)
	known(t, totals, rendererAnon, 25)
	known(t, totals, Series{"process.anon", Worker}, 1000)
}

// A popup and its opener share a renderer: both report the same heap.
func TestTotalsCountAnIsolateOnce(t *testing.T) {
	page := func(browser, isolate string) Reading {
		return Reading{Metric: "heap.used", Subject: Subject{Browser: browser, Isolate: isolate}, Value: 7}
	}
	totals := NewTotals(full, []Reading{page("1", "a"), page("1", "a"), page("1", "b"), page("2", "a"), page("1", ""), page("1", "")})
	known(t, totals, heapUsed, 5*7)
}

func TestTotalsAreMissingNotSmallerWhenAPartIs(t *testing.T) {
	failed := errors.New("permission denied")
	totals := NewTotals(full, []Reading{
		reading("process.count", "browser", 1), reading("process.anon", "browser", 10), reading("process.pss", "browser", 10),
		reading("process.count", "renderer", 2), reading("process.anon", "renderer", 20),
		gap("process.pss", "renderer", failed),
		reading("page.read", "", 2), reading("heap.used", "page", 3), gap("heap.*", "page", failed), gap("perf.Nodes", "page", failed),
		reading("perf.Frames", "page", 4),
	})
	known(t, totals, chromeAnon, 30)
	known(t, totals, Series{"process.pss", "browser"}, 10)
	unknown(t, totals, Series{"process.pss", "renderer"})
	unknown(t, totals, Series{"process.pss", Chrome})
	unknown(t, totals, heapUsed)
	unknown(t, totals, Series{Metric: "heap.backing"})
	unknown(t, totals, Series{Metric: "perf.Nodes"})
	known(t, totals, Series{Metric: "perf.Frames"}, 4)
	require.Equal(t, []string{"heap.*", "perf.Nodes", "process.pss/renderer"}, totals.Missing)
}

func TestAWorkerGapSpoilsNothingOfChrome(t *testing.T) {
	totals := NewTotals(full, []Reading{
		reading("process.count", "browser", 1), reading("process.anon", "browser", 10),
		{Metric: "process.*", Subject: Subject{Kind: Worker}, Err: errors.New("x")},
	})
	known(t, totals, chromeAnon, 10)
	unknown(t, totals, Series{"process.anon", Worker})
}

func TestAFailureOfTheWholeGroupSpoilsIt(t *testing.T) {
	totals := NewTotals(full, []Reading{
		reading("context.count", "", 1), reading("target.count", "page", 3), {Metric: "target.*", Subject: Subject{Browser: "2"}, Err: errors.New("x")},
	})
	unknown(t, totals, Series{"target.count", "page"})
	unknown(t, totals, Series{"target.count", "iframe"})
	known(t, totals, Series{Metric: "context.count"}, 1)
}

func TestWhatIsGoneSpoilsNothing(t *testing.T) {
	totals := NewTotals(full, []Reading{
		reading("process.count", "renderer", 1), reading("process.anon", "renderer", 10),
		gap("process.*", "renderer", fmt.Errorf("read status: %w", ErrGone)),
	})
	known(t, totals, rendererAnon, 10)
	require.Empty(t, totals.Missing)
}

func TestZeroIsATrueZeroOnlyIfTheSourceWasRead(t *testing.T) {
	nothing := NewTotals(full, nil)
	unknown(t, nothing, rendererAnon)
	unknown(t, nothing, heapUsed)
	noChrome := NewTotals(full, []Reading{reading("process.count", "browser", 0), reading("page.read", "", 0), reading("context.count", "", 0)})
	known(t, noChrome, rendererAnon, 0)
	known(t, noChrome, chromeAnon, 0)
	known(t, noChrome, heapUsed, 0)
	known(t, noChrome, Series{"target.count", "page"}, 0)
	unknown(t, noChrome, Series{"process.anon", Worker})
	unknown(t, noChrome, Series{Metric: "cgroup.current"})
	unknown(t, noChrome, Series{Metric: "no.such"})
}

// A subject that was found but gave no value is no zero either.
func TestASubjectWithoutAValueIsNoZero(t *testing.T) {
	totals := NewTotals(full, []Reading{reading("process.count", "renderer", 1), reading("page.read", "", 1), reading("heap.used", "page", 1)})
	unknown(t, totals, rendererAnon)
	unknown(t, totals, chromeAnon)
	known(t, totals, Series{"process.anon", "gpu-process"}, 0)
	unknown(t, totals, Series{Metric: "heap.backing"})
}

func TestATickLeavesOutWhatIsNotForTicks(t *testing.T) {
	tick := NewTotals(Request{Level: LevelCheap, Tick: true}, []Reading{
		reading("process.count", "renderer", 1), reading("process.anon", "renderer", 1), reading("process.pss", "renderer", 1),
		reading("page.read", "", 1), reading("perf.Nodes", "page", 5), reading("perf.Resources", "page", 5),
		{Metric: "target.open", Value: 1},
	})
	known(t, tick, rendererAnon, 1)
	known(t, tick, Series{Metric: "perf.Nodes"}, 5)
	unknown(t, tick, Series{"process.pss", "renderer"})
	unknown(t, tick, Series{"process.pss", "utility"})
	unknown(t, tick, Series{Metric: "perf.Resources"})
	require.NotContains(t, tick.Values, Series{Metric: "target.open"})
}

func TestTotalsAsJSON(t *testing.T) {
	totals := NewTotals(full, []Reading{reading("process.anon", "renderer", 1<<40+1), reading("heap.used", "page", 0.5), gap("perf.*", "", errors.New("x"))})
	data, err := json.Marshal(totals)
	require.NoError(t, err)
	require.JSONEq(t, `{"level":"full","values":{"process.anon/renderer":1099511627777,"process.anon/chrome":1099511627777,"heap.used":0.5},"missing":["perf.*"]}`, string(data))
	var back Totals
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, totals, back)
	require.Error(t, json.Unmarshal([]byte(`{"values":{"/x":1}}`), &back))
}

func TestSeriesAreSorted(t *testing.T) {
	totals := NewTotals(full, []Reading{reading("process.anon", "renderer", 1), reading("heap.used", "page", 1)})
	require.Equal(t, []Series{heapUsed, chromeAnon, rendererAnon}, slices.SortedFunc(maps.Keys(totals.Values), compareSeries))
}
