package bench

import (
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func TestMarkPages(t *testing.T) {
	for block, want := range map[int]int{1: 1, 7: 7, 10: 10, 100: 100, 250: 50, 500: 100, 1000: 100, 1013: 1013} {
		require.Equal(t, want, MarkPages(block), "%d", block)
	}
}

// parts are those of a run that makes so many pages a second, with memory as a function of the pages.
func parts(pages int, speed func(to int) float64, tree func(to int) float64) []part {
	var list []part
	random := rand.New(rand.NewPCG(1, 2))
	took := time.Duration(0)
	for to := 100; to <= pages; to += 100 {
		took += time.Duration(100 / speed(to) * float64(time.Second))
		mean := tree(to) + random.NormFloat64()*1e6
		p := part{to: Mark{Pages: to, Took: took}, cpu: time.Second, reads: 4}
		for range p.reads {
			p.tree.add(mean)
			p.worker.add(20e6)
		}
		list = append(list, p)
	}
	return list
}

func TestLongThatIsFlat(t *testing.T) {
	l := &Long{}
	l.judge(parts(10_000, func(to int) float64 {
		if to <= 1000 {
			return 10 // warm-up
		}
		return 50 - float64(to)/10_000
	}, func(to int) float64 { return 300e6 + max(0, 50e6-float64(to)*50e3) }), 1000)
	require.Len(t, l.Blocks, 10)
	require.Equal(t, []int{1000, 2000, 10_000}, []int{l.Blocks[0].To, l.Blocks[1].To, l.Blocks[9].To})
	require.InDelta(t, 10, l.Blocks[0].PagesPerSecond, 1e-6)
	require.InDelta(t, 10, l.Blocks[3].CPU, 1e-9)
	require.InDelta(t, 300e6, l.Blocks[3].TreeMean, 2e6)
	require.GreaterOrEqual(t, l.Blocks[3].TreePeak, l.Blocks[3].TreeMean)
	require.InDelta(t, 20e6, l.Blocks[3].WorkerMean, 1)
	require.InDelta(t, 0.98, l.Ratio, 0.01)
	require.Equal(t, memprof.Stable, l.Tree.Verdict)
	require.Len(t, l.Tree.Values, 90, "without the warm-up")
	require.InDelta(t, 0, l.Tree.Slope.Value, 0.2e6)
	require.True(t, l.Pass)
	require.False(t, l.Undecided())
}

func TestLongThatGrows(t *testing.T) {
	l := &Long{}
	l.judge(parts(10_000, func(int) float64 { return 50 }, func(to int) float64 { return 300e6 + float64(to)*5e3 }), 1000)
	require.True(t, l.Tree.Grows(), l.Tree.Verdict)
	require.InDelta(t, 5e6, l.Tree.Slope.Value, 0.5e6)
	require.LessOrEqual(t, l.Tree.Slope.Lo, 5e6)
	require.GreaterOrEqual(t, l.Tree.Slope.Hi, 5e6)
	require.False(t, l.Pass)
	require.False(t, l.Undecided())
}

func TestLongThatSlowsDownOrIsTooShort(t *testing.T) {
	l := &Long{}
	l.judge(parts(10_000, func(to int) float64 { return 50 - float64(to)/2000 }, func(int) float64 { return 300e6 }), 1000)
	require.Less(t, l.Ratio, LeastRatio)
	require.False(t, l.Pass)
	require.False(t, l.Undecided(), "more pages would not help")

	l = &Long{}
	l.judge(parts(300, func(int) float64 { return 50 }, func(int) float64 { return 300e6 }), 100)
	require.Equal(t, memprof.Inconclusive, l.Tree.Verdict)
	require.Positive(t, l.Tree.MorePages)
	require.False(t, l.Pass)
	require.True(t, l.Undecided())
}

// longShell is a long run that a script plays.
func longShell(after string) LongOptions {
	lines := []string{"echo '{}'", "read line"}
	for _, mark := range []string{"10", "20", "30"} {
		lines = append(lines, `echo '{"mark": {"pages": `+mark+`, "took_ns": `+mark+`00000000}}'`)
	}
	return LongOptions{
		Pages: 30, Block: 10, Concurrency: 1, Say: func(string) {},
		Command: exec.Command("/bin/sh", "-c", strings.Join(append(lines, after), "\n")),
	}
}

func TestRunLong(t *testing.T) {
	l, err := RunLong(t.Context(), longShell(`echo '{"round": {"pages": 30, "items": 7, "wrong": ["x"]}}'; read line; exit 0`))
	require.NoError(t, err)
	require.Equal(t, LongSchema, l.Schema)
	require.Equal(t, []int{30, 7, 3}, []int{l.Pages, l.Items, len(l.Blocks)})
	require.InDelta(t, 10, l.Blocks[2].PagesPerSecond, 1e-9)
	require.InDelta(t, 1, l.Ratio, 1e-9)
	require.Positive(t, l.Blocks[1].WorkerMean)
	require.False(t, l.Right())

	_, err = RunLong(t.Context(), longShell(`echo '{"error": "a page failed"}'; read line; exit 0`))
	require.EqualError(t, err, "whole: a page failed")
	_, err = RunLong(t.Context(), longShell(`echo 'it broke' >&2; exit 1`))
	require.EqualError(t, err, "whole: exit code 1: it broke")
}
