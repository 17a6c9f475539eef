package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
)

// soakPlanted is what the worker keeps of each run in this test, in bytes: a size that the allocator has.
const soakPlanted = 64 << 10

// A short soak loses nothing, finds what is planted, by how much it grows, and nothing else that grows as
// fast: so few cycles bound a count to one a run at most, and not yet to one a day.
func TestAShortSoak(t *testing.T) {
	t.Parallel()
	const cycles = 12
	w := newWorld(t)
	recording, figures := filepath.Join(w.home, "soak.ebb.jsonl"), filepath.Join(w.home, "soak.json")
	p := w.ebb("soak", "--cycles", strconv.Itoa(cycles), "--plant", "65536", "--record", recording, "--json", figures, "--profile=cheap", "--log-level=info")
	select {
	case <-p.ended:
	case <-time.After(30 * time.Minute):
		require.Fail(t, "it does not end", p.said())
	}
	require.Equal(t, exitLeak, p.cmd.ProcessState.ExitCode(), "%s\n%s", p.said(), p.stdout.String())

	var s memprof.Soak
	text, err := os.ReadFile(figures)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &s))
	require.Equal(t, cycles, s.Cycles)
	require.True(t, s.Items.Right(), "%+v: %s", s.Items, p.said())
	require.Equal(t, s.Items.Expected, s.Items.Stored)
	require.Equal(t, cycles*(soakProducts+len(soakLeaks)+1), s.Items.Stored)
	require.Equal(t, cycles*len(s.Plan.Sites), s.Runs)
	require.Equal(t, memprof.SoakGrows, s.Verdict)
	metric := func(name string) memprof.SoakMetric {
		i := slices.IndexFunc(s.Metrics, func(m memprof.SoakMetric) bool { return m.Name == name })
		require.NotEqual(t, -1, i, name)
		return s.Metrics[i]
	}
	heap := metric("worker, live heap")
	require.Equal(t, memprof.SoakGrows, heap.Verdict, "%+v", heap)
	planted := float64(soakPlanted * len(s.Plan.Sites))
	require.InEpsilon(t, planted, heap.PerCycle.Value, 0.2)
	require.Less(t, heap.PerCycle.Hi, 1.3*planted)
	for name, perRun := range map[string]float64{
		"worker, goroutines": 1, "worker, open files": 0.25, "temporary entries": 0.25,
		"Chrome, processes": 0.5, "Chrome, pages": 0.5, "Chrome, contexts": 0.25,
	} {
		m := metric(name)
		require.True(t, m.PerCycle.Known, name)
		require.Less(t, m.PerCycle.Hi, perRun*float64(len(s.Plan.Sites)), "%s: %+v", name, m)
	}

	again := w.ebb("report", recording)
	require.Equal(t, exitLeak, again.wait())
	require.Equal(t, p.stdout.String(), again.stdout.String(), "the recording says the same")
	left, err := os.ReadDir(w.temp)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestWhatASoakCompares(t *testing.T) {
	truth := newSoakTruth()
	var told []string
	truth.tell = func(text string) { told = append(told, text) }
	truth.pages["shop"] = soakPage{key: "sku", items: map[string]json.RawMessage{"A": json.RawMessage(`{"sku":"A","price":1}`), "B": json.RawMessage(`{"sku":"B","price":2}`)}}
	truth.pages["down"] = soakPage{fails: []crawl.Class{crawl.ClassConnect}}
	take := func(run int64, data ...string) {
		var page crawl.PageResult
		for _, d := range data {
			page.Items = append(page.Items, sites.Item{Data: json.RawMessage(d)})
		}
		truth.saved("shop", run, page)
	}
	done := func(id int64, items int) store.Run {
		return store.Run{ID: id, Site: "shop", State: store.RunDone, Items: store.ItemCounts{Same: items}}
	}
	const a, b = `{"price":1,"sku":"A"}`, `{"sku":"B","price":2}`
	for name, c := range map[string]struct {
		taken []string
		run   store.Run
		want  memprof.SoakItems
	}{
		"as it should be":            {[]string{a, b}, done(1, 2), memprof.SoakItems{Expected: 2, Stored: 2}},
		"one was not taken":          {[]string{a}, done(2, 1), memprof.SoakItems{Expected: 2, Stored: 1, Lost: 1}},
		"one was not published":      {[]string{a, b}, done(3, 1), memprof.SoakItems{Expected: 2, Stored: 1, Lost: 1}},
		"one was taken twice":        {[]string{a, b, b}, done(4, 2), memprof.SoakItems{Expected: 2, Stored: 2, Doubled: 1}},
		"one has another price":      {[]string{a, `{"sku":"B","price":3}`}, done(5, 2), memprof.SoakItems{Expected: 2, Stored: 2, Lost: 1, Wrong: 1}},
		"nothing is done":            {nil, store.Run{ID: 6, Site: "shop", State: store.RunFailed}, memprof.SoakItems{Expected: 2, Lost: 2, Runs: 1}},
		"a page fails as it should":  {nil, store.Run{ID: 7, Site: "down", State: store.RunFailed, Class: crawl.ClassConnect}, memprof.SoakItems{}},
		"a page fails as it may not": {nil, store.Run{ID: 8, Site: "down", State: store.RunFailed, Class: crawl.ClassTimeout}, memprof.SoakItems{Runs: 1}},
		"a failing page is done":     {nil, store.Run{ID: 9, Site: "down", State: store.RunDone}, memprof.SoakItems{Runs: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			told = nil
			take(c.run.ID, c.taken...)
			got := truth.check([]store.Run{c.run})
			require.Equal(t, c.want, got)
			require.Equal(t, !c.want.Right(), len(told) == 1)
			require.Empty(t, truth.taken)
		})
	}
}

// What a soak came to fits on a screen of 100 columns, also where its figures are wide.
func TestASoakOnOneScreen(t *testing.T) {
	wide := memprof.Estimate{Value: -1234567.8, Lo: -9876543.2, Hi: 9876543.2, Known: true}
	s := memprof.Soak{
		Verdict: memprof.SoakUndecided, Cycles: 672, Days: 7, Runs: 10752, Pages: 12345, MoreCycles: 5,
		Plan:  memprof.SoakPlan{Schedule: "*/15 * * * *", CyclesPerDay: 96, Planted: 4096},
		Lives: memprof.SoakLives{Count: 17, Cycles: 40, Of: 32, Judged: 16, First: 1e8, Last: 1.5e8},
		Notes: map[string]int{"browser": 17, "alarm": 1},
	}
	for name, unit := range map[string]memprof.Unit{"Chrome, anonymous": memprof.Bytes, "worker, goroutines": memprof.Count} {
		m := memprof.SoakMetric{Name: name, Unit: unit, By: "lives", Read: true, First: 999.9, Last: 999.9, Highest: 99999, Rate: wide, Limit: 1, Verdict: memprof.SoakUndecided}
		if unit == memprof.Bytes {
			m.First, m.Limit = 9.999e9, 5e6
			m.Rate = memprof.Estimate{Value: wide.Value * 1e3, Lo: wide.Lo * 1e3, Hi: wide.Hi * 1e3, Known: true}
		}
		s.Metrics = append(s.Metrics, m)
	}
	s.Metrics = append(s.Metrics, memprof.SoakMetric{Name: "database", Unit: memprof.Bytes, Verdict: memprof.SoakShown, First: math.Copysign(0, -1)})
	var out bytes.Buffer
	require.NoError(t, writeSoak(output.Terminal{Writer: &out, Width: 100}, s))
	for line := range bytes.Lines(out.Bytes()) {
		require.LessOrEqual(t, len(bytes.TrimSuffix(line, []byte("\n"))), 100, "%s", line)
	}
	text := out.String()
	for _, part := range []string{"INCONCLUSIVE: 672 cycles, 7 days", "worker, goroutines ", "17 Chromes in turn", "between 16 of them", "About 5 cycles more", "Planted"} {
		require.Contains(t, text, part)
	}
	require.NotContains(t, text, "…")
}
