package stats

import (
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorded are the series of one file by scenario and metric, after the garbage collection of each cycle.
type recorded map[string]map[string][]float64

// readRecorded reads cycles of real Chromium; see testdata/README.md.
func readRecorded(t *testing.T, file, phase string) recorded {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	out := recorded{}
	for _, row := range rows[1:] {
		if row[3] != phase {
			continue
		}
		if out[row[0]] == nil {
			out[row[0]] = map[string][]float64{}
		}
		for i, metric := range rows[0][4:] {
			v, err := strconv.ParseFloat(row[4+i], 64)
			require.NoError(t, err)
			out[row[0]][metric] = append(out[row[0]][metric], v)
		}
	}
	return out
}

func optionsOf(metric string) Options {
	switch {
	case strings.HasPrefix(metric, "anon"), strings.HasPrefix(metric, "pss"), metric == "go_heap_live", metric == "storage_usage", metric == "profile_disk":
		return memory
	case strings.HasPrefix(metric, "heap"):
		return heap
	}
	return counts
}

// What grows where, in the recordings: see the truth in testdata/README.md.
var (
	growInMemory = strings.Fields(`arraybuffer bitmap bloburl canvas closure console_off console_on ctxleak ctxopen detached handles html
		httpcache_spa iframesame jsheap jsheap100k listeners ls oopif1 oopifN popup shared ss swcache tabs timers wasm worker workerunref`)
	growInHeap = strings.Fields(`closure console_off console_on detached handles iframesame jsheap jsheap100k jsheap30k listeners oopif1
		oopifN popup timers`)
	growElsewhere = map[string]string{ // what does not show in the memory of the processes
		"idb": "storage_usage", "cache": "storage_usage", "httpcache": "profile_disk", "httpcache_small": "profile_disk",
		"goleak": "goroutines", "websocket": "JSEventListeners",
	}
	clean = strings.Fields(`clean cleanspa cleannewtab cleanctx spike sawtooth lru idb cache cookies httpcache`)
)

func TestJudgeRecordedCycles(t *testing.T) {
	data := readRecorded(t, "cycles-gc.csv", "post")
	require.Len(t, data, 46)
	found := func(scenario, metric string, n int) Judgement {
		j := Judge(data[scenario][metric][:n], optionsOf(metric))
		requireFinite(t, j)
		t.Logf("%-15s %-16s n %d  %-12s %-12s %9.4f [%9.4f, %9.4f] P %.0e", scenario, metric, n, j.Class, j.Shape, j.Rate.Value, j.Rate.Lo, j.Rate.Hi, j.P)
		return j
	}
	for _, n := range []int{20, 30} {
		for _, scenario := range growInMemory {
			require.Equal(t, Leak, found(scenario, "anon_all", n).Class, "%s, n %d", scenario, n)
		}
		for _, scenario := range growInHeap {
			require.Equal(t, Leak, found(scenario, "heap_used", n).Class, "%s, n %d", scenario, n)
		}
		for scenario, metric := range growElsewhere {
			require.Equal(t, Leak, found(scenario, metric, n).Class, "%s, n %d", scenario, n)
		}
		for scenario := range data {
			if len(data[scenario]["anon_all"]) < n {
				continue
			}
			if !slices.Contains(growInMemory, scenario) {
				accused(t, found(scenario, "anon_all", n), slices.Contains(clean, scenario), scenario)
			}
			if !slices.Contains(growInHeap, scenario) {
				accused(t, found(scenario, "heap_used", n), slices.Contains(clean, scenario), scenario)
			}
		}
	}
}

// accused requires that a scenario that does not grow is not called a leak; a clean one neither growing.
func accused(t *testing.T, j Judgement, clean bool, scenario string) {
	t.Helper()
	require.NotEqual(t, Leak, j.Class, scenario)
	if clean {
		require.NotEqual(t, Growing, j.Class, scenario)
	}
}

// What a page leaks by a known number, or by known bytes, is measured as that.
func TestJudgeRecordedRates(t *testing.T) {
	data := readRecorded(t, "cycles-gc.csv", "post")
	for _, c := range []struct {
		scenario, metric string
		rate, tolerance  float64
	}{
		{"arraybuffer", "heap_backing", 2, .001},
		{"arraybuffer", "ArrayBufferContents", 1, 1e-9},
		{"detached", "Nodes", 4000, 1e-6},
		{"html", "Nodes", 4001, 1e-6},
		{"listeners", "JSEventListeners", 1000, 1e-6},
		{"ctxopen", "contexts", 1, 1e-9},
		{"popup", "targets_page", 1, 1e-9},
		{"worker", "WorkerGlobalScopes", 1, 1e-9},
		{"goleak", "goroutines", 10, 1e-9},
		{"idb", "storage_usage", 2, .01},
	} {
		for n, class := range map[int]Class{10: Growing, 20: Leak, 30: Leak} {
			j := Judge(data[c.scenario][c.metric][:n], optionsOf(c.metric))
			require.Equal(t, class, j.Class, "%s %s, n %d", c.scenario, c.metric, n)
			require.InDelta(t, c.rate, j.Rate.Value, c.tolerance, "%s %s, n %d", c.scenario, c.metric, n)
			require.True(t, j.Rate.Lo <= c.rate+c.tolerance && c.rate-c.tolerance <= j.Rate.Hi)
		}
	}
}

// Without forced garbage collection a clean browser climbs for twenty cycles in a line, and only
// then levels out: no statistics can know that.
func TestJudgeRecordedWithoutGC(t *testing.T) {
	data := readRecorded(t, "cycles-nogc.csv", "pre")
	y := data["clean"]["anon_all"]
	j := Judge(y[:21], memory)
	t.Logf("%+v", j)
	require.Equal(t, Leak, j.Class)
	require.InDelta(t, 5.36, j.Rate.Value, .1)
	all := Judge(y, memory)
	t.Logf("%+v", all)
	require.NotEqual(t, Leak, all.Class)

	for _, metrics := range data {
		for metric, y := range metrics {
			for _, n := range []int{10, 20, 30} {
				requireFinite(t, Judge(y[:min(n, len(y))], optionsOf(metric)))
			}
		}
	}
}
