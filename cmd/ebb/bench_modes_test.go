package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/cmd/ebb/bench"
	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
)

// readFigures reads the figures of a bench, all of which are known.
func readFigures(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(into))
}

// A short long run takes every item of its blocks, is too short to tell, and leaves nothing.
func TestAShortBenchLong(t *testing.T) {
	w := newWorld(t)
	figures := filepath.Join(w.home, "long.json")
	p := w.ebb("bench", "long", "--pages", "60", "--block", "20", "--concurrency", "2", "--json", figures)
	require.Equal(t, exitOK, p.wait(), p.said())
	var l bench.Long
	readFigures(t, figures, &l)
	require.Equal(t, "ebb.bench-long/1", l.Schema)
	require.Equal(t, []int{60, 2, 3}, []int{l.Pages, l.Concurrency, len(l.Blocks)})
	require.True(t, l.Right())
	require.Greater(t, l.Items, 55)
	require.NotEmpty(t, l.Chrome)
	for i, b := range l.Blocks {
		require.Equal(t, 20*(i+1), b.To)
		require.Positive(t, b.PagesPerSecond)
		require.Positive(t, b.CPU)
		require.Greater(t, b.TreePeak, b.WorkerPeak)
		require.GreaterOrEqual(t, b.TreePeak, b.TreeMean)
		require.Greater(t, b.WorkerMean, 1e6)
	}
	require.Positive(t, l.Ratio)
	require.Len(t, l.Tree.Values, 2)
	require.Equal(t, memprof.Inconclusive, l.Tree.Verdict)
	require.Contains(t, p.stdout.String(), "The last block made")
	w.requireNothingLeft()
}

// The start of a scrape is timed to its first item, and is right.
func TestAShortBenchStart(t *testing.T) {
	w := newWorld(t)
	figures := filepath.Join(w.home, "start.json")
	p := w.ebb("bench", "start", "--pairs", "1", "--json", figures)
	require.Equal(t, exitOK, p.wait(), p.said())
	var s bench.Startup
	readFigures(t, figures, &s)
	require.Equal(t, "ebb.bench-start/1", s.Schema)
	require.True(t, s.Right(), s.Wrong)
	require.Len(t, s.Pairs, 1)
	for _, ms := range []float64{s.Bare, s.Scrape, s.Exit, s.First.Bare, s.First.Scrape, s.Ratio.Median} {
		require.Positive(t, ms)
	}
	require.Contains(t, p.stdout.String(), "'ebb scrape' has its first item after")
	w.requireNothingLeft()
}

// An idle worker is measured, and ended.
func TestAShortBenchIdle(t *testing.T) {
	t.Parallel() // it waits most of its time
	w := newWorld(t)
	figures := filepath.Join(w.home, "idle.json")
	p := w.ebb("bench", "idle", "--count", "3", "--for", "1s", "--json", figures)
	require.Equal(t, exitOK, p.wait(), p.said())
	var i bench.Idle
	readFigures(t, figures, &i)
	require.Equal(t, "ebb.bench-idle/1", i.Schema)
	require.Equal(t, 3, i.Sites)
	require.GreaterOrEqual(t, i.Measured, 1.)
	require.Greater(t, i.Worker.Anon, 1e6)
	require.Greater(t, i.Worker.PSS, i.Worker.Anon)
	require.Greater(t, i.Rest.Anon, 10e6, "Chrome runs")
	require.Contains(t, p.stdout.String(), "An idle 'ebb run' takes")
	require.FileExists(t, w.database, "it is taken as it is named")
	w.requireNothingLeft()
}

// ^C ends the worker too.
func TestABenchIdleIsStopped(t *testing.T) {
	w := newWorld(t)
	p := w.ebb("bench", "idle", "--count", "2", "--for", "1h")
	p.await("a worker with 2 sites starts")
	p.signal(syscall.SIGINT)
	require.Equal(t, exitFailed, p.wait(), p.said())
	require.Contains(t, p.said(), "stopped before all was measured")
	w.requireNothingLeft()
}

// benchShown is what a bench prints, in lines that fit the screen.
func benchShown(t *testing.T, write func(a *app) error) (text string, code int) {
	t.Helper()
	var out bytes.Buffer
	err := write(&app{stdout: &out, stderr: &out, getenv: func(string) string { return "" }})
	if err != nil {
		var exit *exitError
		require.ErrorAs(t, err, &exit)
		code = exit.code
	}
	require.NotContains(t, out.String(), "\x1b")
	for line := range strings.Lines(out.String()) {
		require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), output.DefaultWidth, "%s", line)
	}
	return strings.Join(strings.Fields(out.String()), " "), code
}

func TestLongIsShown(t *testing.T) {
	memory := func(v memprof.Verdict) bench.LongMemory {
		return bench.LongMemory{Verdict: v, Slope: memprof.Estimate{Value: 1.5e6, Lo: -0.25e6, Hi: 3e6, Known: true}}
	}
	l := &bench.Long{Pages: 10_000, Items: 9150, Ratio: 0.985, Tree: memory(memprof.Stable), Worker: memory(memprof.Stable), Pass: true}
	for i := range 10 {
		l.Blocks = append(l.Blocks, bench.Block{To: 1000 * (i + 1), Seconds: 1234.5, PagesPerSecond: 1234.56, CPU: 1234.5, TreeMean: 9.99e9, TreePeak: 9.99e9, WorkerMean: 9.99e9, WorkerPeak: 9.99e9})
	}
	show := func() (string, int) {
		return benchShown(t, func(a *app) error { return a.showLong(l, benchLongOptions{gate: true}) })
	}
	text, code := show()
	require.Zero(t, code)
	require.Contains(t, text, "so it has not slowed down, with 9,150 items right.")
	require.Contains(t, text, "all below it: stable, +1.50 MB per 1,000 pages (95 %: -0.25 to +3.00).")
	l.Pass, l.Tree = false, bench.LongMemory{Verdict: memprof.Inconclusive, MorePages: 1200}
	text, code = show()
	require.Equal(t, exitInconclusive, code)
	require.Contains(t, text, "inconclusive; some 2,000 pages more would tell.")
	l.Tree = memory(memprof.Growing)
	_, code = show()
	require.Equal(t, exitLeak, code)
	l.Ratio, l.Tree, l.Wrong = 0.5, memory(memprof.Stable), []string{"http://x/: product A is missing\x1b[31m"}
	text, code = show()
	require.Equal(t, exitFailed, code)
	require.Contains(t, text, "so it has slowed down: 0.97 is the least")
	require.Contains(t, text, "WRONG: 1 item http://x/: product A is missing")
}

func TestStartupIsShown(t *testing.T) {
	s := &bench.Startup{Bare: 12345, Scrape: 23456, Exit: 400, Ratio: &bench.Ratio{Median: 1.9, Lo: 1.25, Hi: 12.25}, Pairs: make([]bench.StartPair, 5)}
	text, code := benchShown(t, func(a *app) error { return a.showStartup(s, benchStartOptions{gate: true}) })
	require.Equal(t, exitLeak, code)
	require.Contains(t, text, "after 1.90 times what a bare Chrome takes, beyond the 1.3")
	s.Pass = true
	text, code = benchShown(t, func(a *app) error { return a.showStartup(s, benchStartOptions{gate: true}) })
	require.Zero(t, code)
	require.Contains(t, text, "within the 1.3")
}

func TestIdleIsShown(t *testing.T) {
	i := &bench.Idle{Sites: 50, Measured: 60, Quiet: true, Ticks: 0.75, Worker: bench.IdleUsage{CPU: 0.5, Anon: 20e6, AnonPeak: 21e6, PSS: 41e6}, Rest: bench.IdleUsage{CPU: 2, Anon: 9.99e9, AnonPeak: 9.99e9}}
	text, code := benchShown(t, func(a *app) error { return a.showIdle(i, benchIdleOptions{gate: true}) })
	require.Equal(t, exitLeak, code)
	require.Contains(t, strings.Join(strings.Fields(text), " "), "takes 0.50 % of a core itself, within the 1 % that it may take, and 41.0 MB, within the 60 MB.")
	require.Contains(t, strings.Join(strings.Fields(text), " "), "but wake 20 times a second takes 0.75 %")
	i.Pass, i.Quiet, i.Worker.CPU, i.Worker.PSS = true, false, 1.5, 61e6
	text, code = benchShown(t, func(a *app) error { return a.showIdle(i, benchIdleOptions{gate: true}) })
	require.Zero(t, code)
	require.Contains(t, strings.Join(strings.Fields(text), " "), "takes 1.50 % of a core itself, beyond the 1 % that it may take, and 61.0 MB, beyond the 60 MB.")
	require.Contains(t, text, "It did not become quiet")
}
