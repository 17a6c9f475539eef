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
)

// A short bench measures all arms, takes every item, and leaves nothing.
func TestAShortBench(t *testing.T) {
	w := newWorld(t)
	figures := filepath.Join(w.home, "bench.json")
	p := w.ebb("bench", "--concurrency", "1", "--pairs", "1", "--pages", "3", "--json", figures)
	require.Equal(t, exitOK, p.wait(), p.said())
	text, err := os.ReadFile(figures)
	require.NoError(t, err)
	var r bench.Result
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&r))
	require.Equal(t, "ebb.bench/1", r.Schema)
	require.Equal(t, []int{3, 1, 1}, []int{r.Pages, r.Pairs, len(r.Comparisons)})
	require.NotEmpty(t, r.Chrome)
	require.True(t, r.Right())
	var names []string
	for _, arm := range r.Comparisons[0].Arms {
		names = append(names, arm.Arm)
		require.Equal(t, 6+1, arm.Items, "six categories, a list, a product")
		require.Len(t, arm.Rounds, 1)
		require.Equal(t, 3, arm.Rounds[0].Pages)
		require.Positive(t, arm.PagesPerSecond, arm.Arm)
		require.Positive(t, arm.CPUByType["renderer"], arm.Arm)
		require.Greater(t, arm.PeakAnon, 10e6, arm.Arm)
		require.Positive(t, arm.Stages.Navigate, arm.Arm)
		require.Positive(t, arm.Stages.Wait, arm.Arm)
		require.Positive(t, arm.Stages.Extract, arm.Arm)
		require.Equal(t, arm.Level != bench.LevelBare, arm.Stages.Lease > 0, arm.Arm)
		require.Equal(t, arm.Level != bench.LevelBare, arm.Speed != nil && arm.Cost != nil, arm.Arm)
	}
	require.Equal(t, []string{"bare", "crawl", "whole"}, names)
	require.Positive(t, r.Comparisons[0].Arms[2].Stages.Store)
	require.Contains(t, p.stdout.String(), "PAGES/S")
	w.requireNothingLeft()
}

// ^C ends the arms too.
func TestABenchIsStopped(t *testing.T) {
	w := newWorld(t)
	p := w.ebb("bench", "--concurrency", "1", "--pairs", "1000", "--pages", "3", "--whole=false")
	p.await("pair 1 of 1000: bare")
	p.signal(syscall.SIGINT)
	require.Equal(t, exitFailed, p.wait(), p.said())
	require.Contains(t, p.said(), "stopped before all was measured")
	require.Empty(t, p.stdout.String())
	w.requireNothingLeft()
}

// An item that is wrong fails the command, and is named.
func TestABenchWithAWrongItem(t *testing.T) {
	ratio := &bench.Ratio{Median: 0.5, Lo: 0.4, Hi: 10.25}
	arms := []bench.Figures{
		{Arm: "bare", PagesPerSecond: 1234.5, CPU: 1234.5, CPUByType: map[string]float64{"renderer": 1234.5}, PeakAnon: 9.999e9, Items: 12345},
		{Arm: "crawl", PagesPerSecond: 1, CPU: 2, Speed: ratio, Cost: ratio, Wrong: []string{"http://x/: product A is missing\x1b[31m"}},
	}
	arms[0].Stages = bench.StageFigures{Queue: 12345.6, Lease: 12345.6, Navigate: 12345.6, Wait: 12345.6, Extract: 12345.6, Store: 12345.6, Cleanup: 12345.6}
	r := &bench.Result{Schema: bench.Schema, Pages: 1, Pairs: 2, Comparisons: []bench.Outcome{{Name: "limit", Concurrency: 8, Arms: arms}, {Name: "limit", Concurrency: 16, Arms: arms[:1]}}}
	var out bytes.Buffer
	a := &app{stdout: &out, stderr: &out, getenv: func(string) string { return "" }}
	var exit *exitError
	require.ErrorAs(t, a.showBench(r, ""), &exit)
	require.Equal(t, exitFailed, exit.code)
	require.Contains(t, out.String(), "WRONG: limit crawl, 8 at once: 1 item\n  http://x/: product A is missing")
	require.NotContains(t, out.String(), "\x1b")
	require.Equal(t, 3, strings.Count(out.String(), "AT ONCE"), "one table for all concurrencies")

	out.Reset()
	require.NoError(t, writeBench(output.Terminal{Writer: &out, Width: 100}, r))
	for line := range strings.Lines(out.String()) {
		require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 100, "%s", line)
	}
	require.NotContains(t, out.String(), "no room")
}
