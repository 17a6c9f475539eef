package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/worker"
	"github.com/ebbworker/ebb/worker/crawl"
)

// diagnosed lets a board show a diagnosis of one cycle with a stage of each kind, a second each.
func diagnosed(b *board) {
	time.Sleep(500 * time.Millisecond) // between two of the board's own looks
	step := func(stage string, cycle int) {
		b.cycle(worker.DiagnosisProgress{Stage: stage, Cycle: cycle, Cycles: 5, Memory: 200 * memprof.MB, SoFar: memprof.Leak})
		time.Sleep(time.Second)
	}
	b.cycle(worker.DiagnosisProgress{Stage: memprof.JudgedCycle, Cycles: 5})
	b.event("shop", 1, crawl.Event{Kind: crawl.EventPage, Progress: crawl.Progress{Visited: 1, Found: 2, Most: 9, Items: 3}})
	time.Sleep(time.Second)
	b.ended(1)
	time.Sleep(time.Second)
	step(memprof.JudgedCycle, 5)
	step(memprof.EvidenceCycle, 5)
	step(memprof.EvidenceCycle, 5)
	step(memprof.RecreateCycle, 5)
	step(memprof.RecreateCycle, 5)
	b.close()
}

func TestBoardShowsTheStagesOfADiagnosis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		diagnosed(newBoard(output.Terminal{Writer: &out, TTY: true, Width: 200}))
		shown := out.String()
		require.Contains(t, shown, "\rcycle 1/5\x1b")
		require.Contains(t, shown, "\rcycle 1/5, shop: 1/2 pages · 3 items")
		require.Contains(t, shown, "\rcycle 5/5, Chrome 200.0 MB, so far leak: 1/2 pages", "between two runs")
		require.Contains(t, shown, "\rlooking for the cause, Chrome 200.0 MB, so far leak\x1b")
		require.Contains(t, shown, "\rclosing pages, contexts, Chrome\x1b")
	})
}

// bigChrome is a source that reads one renderer of 109 MiB.
type bigChrome struct{}

func (bigChrome) Name() string { return "fake" }

func (bigChrome) Read(context.Context, memprof.Request) []memprof.Reading {
	return []memprof.Reading{{Metric: "process.anon", Subject: memprof.Subject{Browser: "1", Kind: "renderer"}, Value: 109 << 20}}
}

// TestBoardTellsMemoryOnce: a diagnosis tells it by its own cycles, in MB; a run has no other.
func TestBoardTellsMemoryOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		b := newBoard(output.Terminal{Writer: &out, TTY: true, Width: 200})
		recorder, err := memprof.NewRecorder(memprof.Options{Level: memprof.LevelCheap, Sources: []memprof.Source{bigChrome{}}})
		require.NoError(t, err)
		recorder.Read(t.Context())
		b.memory = recorder
		b.event("shop", 1, crawl.Event{Kind: crawl.EventPage, Progress: crawl.Progress{Visited: 1, Found: 2, Most: 9, Items: 3}})
		require.Contains(t, out.String(), "shop: 1/2 pages · 3 items · 109 MiB\x1b")
		time.Sleep(1500 * time.Millisecond) // not with the tick of the board itself
		out.Reset()
		b.cycle(worker.DiagnosisProgress{Stage: memprof.JudgedCycle, Cycle: 3, Cycles: 30, Memory: 113.3 * memprof.MB, Left: 27_400 * time.Millisecond})
		require.Contains(t, out.String(), "\rcycle 4/30, Chrome 113.3 MB, 27 s left, shop: 1/2 pages")
		require.NotContains(t, out.String(), "MiB")
		b.close()
		require.NoError(t, recorder.Close())
	})
}

func TestBoardWithoutATerminalTellsEachStageOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		diagnosed(newBoard(output.Terminal{Writer: &out}))
		require.Equal(t, `5 of 5 cycles, Chrome 200.0 MB, so far leak
looking for the cause, Chrome 200.0 MB, so far leak
closing pages, contexts, Chrome
`, out.String())
	})
}

// Runs tell of their pages at the same time: the sum that is shown never falls.
func TestBoardOfManyRunsGoesForward(t *testing.T) {
	const runs, pages = 8, 500
	var out bytes.Buffer
	b := newBoard(output.Terminal{Writer: &out})
	var working sync.WaitGroup
	for run := range runs {
		working.Go(func() {
			for page := range pages {
				b.event("shop", int64(run), crawl.Event{Kind: crawl.EventPage, Progress: crawl.Progress{Visited: page + 1, Found: 1, Most: 1}})
			}
		})
	}
	working.Wait()
	b.close()
	last := 0
	for line := range strings.Lines(out.String()) {
		var done int
		_, err := fmt.Sscanf(strings.ReplaceAll(line, ",", ""), "shop: %d/", &done)
		require.NoError(t, err, line)
		require.GreaterOrEqual(t, done, last, out.String())
		last = done
	}
	require.Equal(t, runs*pages, last)
}
