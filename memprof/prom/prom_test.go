package prom

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func sample(values map[memprof.Series]float64, missing ...string) func() (memprof.Sample, bool) {
	return func() (memprof.Sample, bool) {
		return memprof.Sample{Start: time.Unix(1700000000, 0), Totals: memprof.Totals{Level: memprof.LevelCheap, Tick: true, Values: values, Missing: missing}}, true
	}
}

func TestTheNewestSampleIsTold(t *testing.T) {
	c := NewCollector(Options{
		Latest: sample(map[memprof.Series]float64{
			{Metric: "process.anon", Group: memprof.Chrome}: 300, {Metric: "process.anon", Group: "renderer"}: 200, {Metric: "process.anon", Group: "browser"}: 100,
			{Metric: "process.anon", Group: memprof.Worker}: 20, {Metric: "process.count", Group: memprof.Chrome}: 2,
			{Metric: "process.count", Group: "renderer"}: 1, {Metric: "process.count", Group: "browser"}: 1,
			{Metric: "context.count"}: 1, {Metric: "target.count", Group: "page"}: 3,
		}),
		Limit: func() (float64, float64, error) { return 1000, 400, nil },
	})
	c.Raise(memprof.Alarm{Metric: memprof.Series{Metric: "process.anon", Group: memprof.Chrome}, Fingerprint: memprof.Fingerprint{ID: "old"}})
	c.Raise(memprof.Alarm{Metric: memprof.Series{Metric: "process.anon", Group: memprof.Chrome}, Fingerprint: memprof.Fingerprint{ID: "abc"}})
	require.NoError(t, testutil.CollectAndCompare(c, strings.NewReader(`
# HELP ebb_browser_contexts Browser contexts beside the default one.
# TYPE ebb_browser_contexts gauge
ebb_browser_contexts 1
# HELP ebb_browser_memory_bytes Anonymous memory (RssAnon + RssShmem) of Chrome's processes, by their type.
# TYPE ebb_browser_memory_bytes gauge
ebb_browser_memory_bytes{role="browser"} 100
ebb_browser_memory_bytes{role="renderer"} 200
# HELP ebb_browser_processes Chrome's processes, by their type.
# TYPE ebb_browser_processes gauge
ebb_browser_processes{role="browser"} 1
ebb_browser_processes{role="renderer"} 1
# HELP ebb_browser_targets Open pages, frames and workers, by their type.
# TYPE ebb_browser_targets gauge
ebb_browser_targets{type="page"} 3
# HELP ebb_leak_alarm 1 for each metric that grows from run to run.
# TYPE ebb_leak_alarm gauge
ebb_leak_alarm{fingerprint="abc",metric="process.anon/chrome"} 1
# HELP ebb_memory_limit_bytes The memory limit that is reached first: of the cgroup or the machine.
# TYPE ebb_memory_limit_bytes gauge
ebb_memory_limit_bytes 1000
# HELP ebb_memory_read_timestamp_seconds When the newest reading of memory was taken.
# TYPE ebb_memory_read_timestamp_seconds gauge
ebb_memory_read_timestamp_seconds 1.7e+09
# HELP ebb_memory_used_bytes What counts against ebb_memory_limit_bytes.
# TYPE ebb_memory_used_bytes gauge
ebb_memory_used_bytes 400
# HELP ebb_worker_memory_bytes Anonymous memory (RssAnon + RssShmem) of this program.
# TYPE ebb_worker_memory_bytes gauge
ebb_worker_memory_bytes 20
`)))
	problems, err := testutil.CollectAndLint(c)
	require.NoError(t, err)
	require.Empty(t, problems)
}

// A reading that failed is no 0, and neither is a limit.
func TestWhatWasNotReadIsLeftOut(t *testing.T) {
	none := Options{Latest: func() (memprof.Sample, bool) { return memprof.Sample{}, false }, Limit: func() (float64, float64, error) { return 0, 0, errors.New("no file") }}
	require.Zero(t, testutil.CollectAndCount(NewCollector(none)))
	require.Zero(t, testutil.CollectAndCount(NewCollector(Options{})))
	spoilt := NewCollector(Options{Latest: sample(map[memprof.Series]float64{{Metric: "process.anon", Group: "renderer"}: 200}, "process.anon/renderer")})
	require.Equal(t, 1, testutil.CollectAndCount(spoilt), "only when it was read")
}

func TestLabelsAreBounded(t *testing.T) {
	values := map[memprof.Series]float64{}
	for i := range 1000 {
		values[memprof.Series{Metric: "target.count", Group: fmt.Sprint("kind-", i)}] = 1
	}
	require.Equal(t, maxGroups, testutil.CollectAndCount(NewCollector(Options{Latest: sample(values)}), "ebb_browser_targets"))
}
