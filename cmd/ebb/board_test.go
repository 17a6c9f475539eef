package main

import (
	"bytes"
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
