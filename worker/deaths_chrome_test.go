package worker

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/linux"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/store"
)

// hungryPages take more memory than there is, step by step: in the page itself, and in blobs, which
// Chrome's main process holds.
var hungryPages = map[string]string{
	"/arrays": `kept.push(new Uint8Array(16 << 20).fill(1))`,
	"/blobs":  `kept.push(URL.createObjectURL(new Blob([new Uint8Array(16 << 20).fill(kept.length)])))`,
}

func serveHungry(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, `<title>hungry</title><script>
const kept = [];
setInterval(() => { if (kept.length < 60) { %s } else { document.body.id = "full"; } }, 30);
</script><body></body>`, hungryPages[r.URL.Path])
}

// A diagnosis outlives what the kernel kills in it: it says what was killed and where, who held the
// memory, and how that came.
func TestADiagnosisOutlivesTheKernel(t *testing.T) {
	confined, err := linux.Confine(t.Context(), linux.Limits{Memory: 420 << 20})
	if err != nil { // this machine does not allow it, which has its own tests
		require.Regexp(t, "run Ebb|to the container", err.Error())
		return
	}
	t.Cleanup(func() { require.NoError(t, confined.Release(browsertest.Within(t))) })
	server := httptest.NewServer(http.HandlerFunc(serveHungry))
	t.Cleanup(server.Close)
	for path, holder := range hungry {
		t.Run(path[1:], func(t *testing.T) {
			d := diagnoseHungry(t, server.URL+path)
			require.Equal(t, memprof.Killed, d.Verdict, d.Headline)
			require.Equal(t, "hungry", d.Site)
			require.Equal(t, "scrape", d.Phase)
			require.NotZero(t, d.Kills.Times)
			require.Equal(t, []int{1, 1}, []int{d.Kills.Cycles, d.Kills.Of})
			first := d.Kills.Kills[0]
			require.Equal(t, 1, first.Cycle)
			require.Equal(t, holder, first.Holder, "%+v", first)
			require.Positive(t, first.Held)
			require.GreaterOrEqual(t, first.Total, first.Held)
			require.Equal(t, memprof.Spiked, first.Shape)
			if holder == "renderer" {
				require.Equal(t, []string{"renderer", "hungry", server.URL + path}, []string{first.Process, first.Site, first.URL})
			}
		})
	}
}

// The two packages that name a death do not know each other.
func TestDeathsHaveOneName(t *testing.T) {
	require.Equal(t, memprof.DeathMemory, string(browser.DeathMemory))
}

// diagnoseHungry diagnoses a page for one cycle.
func diagnoseHungry(t *testing.T, url string) memprof.Diagnosis {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	site, err := sites.Parse("hungry.yaml", fmt.Appendf(nil, `name: hungry
start: %s
robots: ignore
limits: {rate: none, retries: 0, page_timeout: 1m}
templates:
  - {name: page, match: /**, wait: {selector: "#full"}}
`, url))
	require.NoError(t, err)
	kept, err := store.Open(ctx, filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, kept.Close()) }()
	kills := linux.NewKills(linux.Options{})
	var memory *Memory // set before the first Chrome starts
	launch := browsertest.LaunchOptions(t)
	launch.KernelKills, launch.OnDeath = kills.Within, func(d browser.Death) { _ = memory.NoteDeath(d) }
	pool := browser.NewPool(browser.PoolOptions{Launch: launch, Tabs: 1})
	defer func() { require.NoError(t, pool.Close(browsertest.Within(t))) }()
	path := filepath.Join(t.TempDir(), "run"+memprof.RecordingSuffix)
	memory, err = NewMemory(pool, MemoryOptions{Level: memprof.LevelFull, Path: path, SpikeInterval: SpikeInterval, Judged: 1})
	require.NoError(t, err)
	w, err := New(Options{Sites: []*sites.Site{site}, Store: kept, Pool: pool, Memory: memory, ForgetKills: true, Log: zerolog.Nop()})
	require.NoError(t, err)
	require.NoError(t, w.Diagnose(ctx, DiagnoseOptions{Cycles: 1, Idle: -1, NoControl: true, NoHeap: true}))
	require.NoError(t, memory.Close(browsertest.Within(t)))
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	d, err := memprof.Diagnose(file)
	require.NoError(t, err)
	return d
}
