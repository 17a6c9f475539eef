package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/linux"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// production is a worker with memory, whose log and alarms a test sees.
type production struct {
	worker *Worker
	memory *Memory
	log    bytes.Buffer // complete after the worker has ended
	alarms []memprof.Alarm
	ends   chan queue.Ended
}

func newProduction(t *testing.T, kept *store.Store, pool *browser.Pool, o Options) *production {
	t.Helper()
	p := &production{ends: make(chan queue.Ended, 1000)}
	var err error
	p.memory, err = NewMemory(pool, MemoryOptions{Level: memprof.LevelCheap, Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.memory.Close(context.Background())) })
	p.memory.limit = func() (linux.Limit, error) { return linux.Limit{Bytes: 2e9, Used: 1e9, Is: "of the cgroup"}, nil }
	o.Store, o.Pool, o.Memory, o.Log = kept, pool, p.memory, zerolog.New(&p.log)
	o.Alarms.On = func(a memprof.Alarm) { p.alarms = append(p.alarms, a) }
	o.OnEnd = func(e queue.Ended, _ memprof.Summary) { p.ends <- e }
	p.worker, err = New(o)
	require.NoError(t, err)
	return p
}

// warned are the lines of the log with a fingerprint, of warnings and worse.
func (p *production) warned(t *testing.T) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(p.log.String()) {
		var event map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &event), line)
		if event["fingerprint"] != nil && (event["level"] == "warn" || event["level"] == "error") {
			found = append(found, event)
		}
	}
	return found
}

// growing are cycles in which Chrome grows by 3 MB each, a minute apart.
func growing(cycles int) []memprof.Summary {
	began := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	var list []memprof.Summary
	for i := range cycles {
		noise := float64(i*7919%101-50) * 4e3
		list = append(list, memprof.Summary{Start: began.Add(time.Duration(i) * time.Minute), After: memprof.Totals{Level: memprof.LevelCheap, Values: map[memprof.Series]float64{
			{Metric: "process.anon", Group: memprof.Chrome}: 100e6 + 3e6*float64(i) + noise,
		}}})
	}
	return list
}

// An alarm is told once, also after a restart, and none waits for a webhook that is down.
func TestAnAlarmIsToldOnceOverRestarts(t *testing.T) {
	url, calls := hookServer(t, func(_ int64, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	kept, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.Close()) })
	site, err := sites.Parse("shop.yaml", []byte("name: shop\nstart: http://127.0.0.1:1/\ntemplates: [{name: page}]\n"))
	require.NoError(t, err)
	for life := range 2 {
		p := newProduction(t, kept, browser.NewPool(browser.PoolOptions{}), Options{Sites: []*sites.Site{site}, Alarms: AlarmOptions{Webhook: url}})
		require.NoError(t, p.worker.alarming(t.Context(), func() error {
			for _, s := range growing(120) {
				p.worker.alarms.judge(s)
			}
			return nil
		}))
		require.Len(t, p.alarms, 1)
		a := p.alarms[0]
		require.InDelta(t, 3e6, a.Rate.Value, 0.1e6)
		require.InDelta(t, 1e9/(3e6*60), *a.Limit.Hours, 0.3)
		require.EqualValues(t, 1, calls.Load())
		require.NoError(t, p.memory.Close(t.Context()))
		recording := readBack(t, p.memory.Path)
		var noted memprof.Alarm
		require.NoError(t, json.Unmarshal(recording.Notes[len(recording.Notes)-1].Data, &noted))
		require.Equal(t, a.Fingerprint, noted.Fingerprint, "each recording has it")
		warned := p.warned(t)
		if life == 1 {
			require.Equal(t, "known", a.Fingerprint.State)
			require.Empty(t, warned, "it was told in the life before")
			continue
		}
		require.Equal(t, "new", a.Fingerprint.State)
		require.Len(t, warned, 2)
		require.Contains(t, warned[0]["message"], "Chrome's memory grows from run to run")
		for _, field := range []string{"metric", "unit", "runs", "per_run", "lo", "hi", "per_day", "per_day_lo", "per_day_hi", "limit_bytes", "used_bytes", "hours_to_limit", "hours_lo", "hours_hi", "sites"} {
			require.Contains(t, warned[0], field)
		}
		require.Equal(t, "an alarm did not reach alarms.webhook", warned[1]["message"])
		require.NotContains(t, p.log.String(), "T0KEN")
	}
}

// A webhook that never answers does not hold up the end of a worker for longer than the grace.
func TestAlarmsEndWithTheWorker(t *testing.T) {
	called := make(chan struct{}, 1)
	url, _ := hookServer(t, func(_ int64, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server sees the client leave
		called <- struct{}{}
		<-r.Context().Done()
	})
	kept, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.Close()) })
	p := newProduction(t, kept, browser.NewPool(browser.PoolOptions{}), Options{Alarms: AlarmOptions{Webhook: url, Grace: 50 * time.Millisecond}})
	require.NoError(t, p.worker.alarming(t.Context(), func() error {
		for _, s := range growing(120) {
			p.worker.alarms.judge(s)
		}
		<-called
		return nil
	}))
	require.Len(t, p.warned(t), 2)
	require.Contains(t, p.log.String(), "context canceled")
}

// leakSite is a document that stays open; each run adds an array to what it keeps, and, where it is
// clean, drops the one before.
const leakSite = `name: %s
start: %s
isolation: tab
keep: page
robots: ignore
limits: {rate: none}
templates:
- name: page
  steps: [{evaluate: "kept = {%sdata: new Uint8Array(3e6).fill(1)}; 0"}]
`

// A page that leaks raises one alarm with its rate, and one that does as much and keeps nothing none.
func TestALeakInProductionRaisesOneAlarm(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>page</title><script>kept = []</script>")
	}))
	t.Cleanup(server.Close)
	const runs = 120
	for name, keeps := range map[string]string{"leaky": "kept, ", "clean": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, calls := hookServer(t, func(int64, http.ResponseWriter, *http.Request) {})
			site, err := sites.Parse("leak.yaml", fmt.Appendf(nil, leakSite, name, server.URL, keeps))
			require.NoError(t, err)
			kept, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "ebb.db"))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, kept.Close()) })
			p := newProduction(t, kept, browsertest.Pool(t, 1), Options{Sites: []*sites.Site{site}, Runs: 1, Alarms: AlarmOptions{Webhook: url}})
			stop := startWorker(t, p.worker)
			for range runs {
				_, err := p.worker.Queue().Enqueue(t.Context(), name)
				require.NoError(t, err)
			}
			began := time.Now()
			for range runs {
				e := <-p.ends
				require.Equal(t, store.RunDone, e.Run.State, e.Run.Error)
			}
			t.Logf("%d runs in %s", runs, time.Since(began))
			stop()
			if name == "clean" {
				require.Empty(t, p.alarms)
				require.Empty(t, p.warned(t))
				require.Zero(t, calls.Load())
				return
			}
			require.Len(t, p.alarms, 1)
			t.Log(p.alarms[0].Says, p.alarms[0].Cycles)
			require.InEpsilon(t, 3e6, p.alarms[0].Rate.Value, 0.1)
			require.Len(t, p.warned(t), 1)
			require.EqualValues(t, 1, calls.Load())
		})
	}
}
