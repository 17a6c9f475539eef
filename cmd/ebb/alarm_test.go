package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/queue"
)

// keptSite is a document that stays open; each run adds an array of 3 MB to what it keeps, or drops
// the one before.
const keptSite = `name: %s
start: %s
isolation: tab
keep: page
schedule: "@yearly"
robots: ignore
limits: {rate: none}
templates:
- name: page
  steps: [{evaluate: "kept = {%sdata: new Uint8Array(3e6).fill(1)}; 0"}]
`

// alarmRuns is how many runs are worked off: the leak is certain after 60 to 80.
const alarmRuns = 80

// TestALeakRaisesOneAlarm works a page that leaks, and one that does as much and keeps nothing.
func TestALeakRaisesOneAlarm(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>page</title><script>kept = 0</script>")
	}))
	t.Cleanup(server.Close)
	for name, keeps := range map[string]string{"leaky": "kept, ", "clean": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := make(chan map[string]any, 10)
			hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var body map[string]any
				if json.NewDecoder(r.Body).Decode(&body) == nil {
					calls <- body
				}
			}))
			t.Cleanup(hook.Close)
			w := newWorld(t)
			w.removeSites()
			w.writeSite(name+".yaml", fmt.Sprintf(keptSite, name, server.URL, keeps))
			w.env = []string{"EBB_ALARMS_WEBHOOK=" + hook.URL + "/T0KEN", "EBB_MEMORY_RECORDINGS=" + filepath.Join(w.home, "recordings")}
			p := w.ebb("run", "--profile=cheap", "--listen", "127.0.0.1:0", "--cycles", fmt.Sprint(alarmRuns+1))
			p.await("running; ^C stops")
			w.enqueue(name, alarmRuns)
			address := regexp.MustCompile(`"address":"(http://[^"]+/)"`).FindStringSubmatch(p.said())[1]
			metrics := awaitMetric(t, p, address, fmt.Sprintf(`ebb_runs_total{site="%s",state="done"} %d`+"\n", name, alarmRuns))
			var called map[string]any
			if name == "leaky" { // the last run may have raised it: it is told after the run
				metrics = awaitMetric(t, p, address, "ebb_leak_alarm{")
				select {
				case called = <-calls:
				case <-time.After(patience):
				}
			}
			alarm := regexp.MustCompile(`(?m)^ebb_leak_alarm\{.*$`).FindAllString(metrics, -1)
			recordings, err := filepath.Glob(filepath.Join(w.home, "recordings", "*.ebb.jsonl"))
			require.NoError(t, err)
			require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
			require.Equal(t, 0, p.wait(), p.said())
			warned := alarmLines(t, p)
			require.Empty(t, calls, "the webhook is called once at most")
			report := w.ok("report", recordings[0])
			w.requireNothingLeft()
			if name == "clean" {
				require.Empty(t, warned)
				require.Empty(t, alarm)
				require.NotContains(t, report, "\nalarm")
				return
			}
			require.Len(t, warned, 1, p.said())
			require.InEpsilon(t, 3e6, warned[0]["per_run"], 0.1)
			require.Less(t, warned[0]["lo"], 3e6)
			require.Greater(t, warned[0]["hi"], 3e6)
			require.Positive(t, warned[0]["hours_to_limit"])
			fingerprint := warned[0]["fingerprint"].(string)
			require.Equal(t, []string{fmt.Sprintf(`ebb_leak_alarm{fingerprint="%s",metric="process.anon/chrome"} 1`, fingerprint)}, alarm)
			require.Equal(t, fingerprint, called["fingerprint"].(map[string]any)["id"])
			require.Regexp(t, `(?s)\nalarm +[0-9-]+ [0-9:]+ after [0-9]+ runs: Chrome's memory grows from run to run.*`+fingerprint, report)
			require.NotContains(t, p.said()+report, "T0KEN")
		})
	}
}

// enqueue puts runs of a site into the queue of a worker that has started.
func (w *world) enqueue(site string, runs int) {
	w.t.Helper()
	engine, err := queue.Open(w.open(), queue.Options{})
	require.NoError(w.t, err)
	require.Eventually(w.t, func() bool { // it is about to register
		_, err := engine.Enqueue(w.t.Context(), site)
		return err == nil
	}, patience, 50*time.Millisecond)
	for range runs - 1 {
		_, err := engine.Enqueue(w.t.Context(), site)
		require.NoError(w.t, err)
	}
}

// alarmLines are the alarms in a process's log.
func alarmLines(t *testing.T, p *process) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(p.said()) {
		var event map[string]any
		if json.Unmarshal([]byte(line), &event) == nil && event["fingerprint"] != nil && event["level"] == "warn" {
			found = append(found, event)
		}
	}
	return found
}

// awaitMetric waits until a process tells a line that begins so, and returns all that it tells then.
func awaitMetric(t *testing.T, p *process, address, line string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"metrics", http.NoBody)
		require.NoError(t, err)
		answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		require.NoError(t, err, p.said())
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		require.NoError(t, err)
		if strings.Contains(string(text), "\n"+line) {
			return string(text)
		}
		select {
		case <-tick.C:
		case <-p.ended:
			require.FailNow(t, "it ended early", p.said())
		}
	}
}
