package report

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares an output with a file, and its lines with the width of a screen.
func golden(t *testing.T, name, got string, width int) {
	t.Helper()
	for line := range strings.Lines(got) {
		require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), width, line)
		require.Equal(t, strings.TrimRight(line, " \n"), strings.TrimSuffix(line, "\n"), "trailing spaces")
	}
	file := filepath.Join("testdata", name+".txt")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// state is the readings of one moment.
type state struct {
	browser, renderer, gpu, heap, goHeap, current, swap float64
	pages, workers, contexts, nodes, goroutines         float64
	full                                                bool
}

func of(kind string) memprof.Subject { return memprof.Subject{Browser: "1", Kind: kind} }

func (s state) totals(extra ...memprof.Reading) memprof.Totals {
	const mb = 1 << 20
	readings := []memprof.Reading{
		{Metric: "process.anon", Subject: of("browser"), Value: s.browser * mb},
		{Metric: "process.anon", Subject: of("renderer"), Value: s.renderer * mb},
		{Metric: "process.anon", Subject: of("gpu-process"), Value: s.gpu * mb},
		{Metric: "process.count", Subject: of("browser"), Value: 1},
		{Metric: "process.swap", Subject: of("renderer"), Value: s.swap * mb},
		{Metric: "process.count", Subject: of("renderer"), Value: s.pages},
		{Metric: "process.count", Subject: of("gpu-process"), Value: 1},
		{Metric: "process.anon", Subject: memprof.Subject{Kind: memprof.Worker}, Value: 2 * s.goHeap * mb},
		{Metric: "page.read", Value: s.pages},
		{Metric: "heap.used", Value: s.heap * mb},
		{Metric: "heap.embedder", Value: s.heap / 2 * mb},
		{Metric: "heap.backing", Value: s.heap / 4 * mb},
		{Metric: "perf.Nodes", Value: s.nodes},
		{Metric: "perf.JSEventListeners", Value: 12},
		{Metric: "target.count", Subject: of("page"), Value: s.pages},
		{Metric: "target.count", Subject: of("service_worker"), Value: s.workers},
		{Metric: "context.count", Value: s.contexts},
		{Metric: "go.heap_live", Value: s.goHeap * mb},
		{Metric: "go.goroutines", Value: s.goroutines},
		{Metric: "cgroup.current", Value: s.current * mb},
	}
	q := memprof.Request{Level: memprof.LevelCheap}
	if s.full {
		q.Level = memprof.LevelFull
		readings = append(readings, memprof.Reading{Metric: "process.pss", Subject: of("renderer"), Value: 1.2 * s.renderer * mb},
			memprof.Reading{Metric: "profile.bytes", Value: 3.25 * mb})
	}
	return memprof.NewTotals(q, append(readings, extra...))
}

// summary is a cycle that passes through states: before, the peak, scraped, cleaned, after.
func summary(cycle int, name string, before, peak, scraped, cleaned, after memprof.Totals) memprof.Summary {
	s := memprof.Summary{
		Cycle: cycle, Name: name, Sites: []string{name}, Duration: 12400 * time.Millisecond, Level: before.Level,
		Before: before, AfterScrape: &scraped, AfterCleanup: &cleaned, After: after, Ticks: 12, Peaks: map[memprof.Series]memprof.Peak{},
	}
	for _, t := range []memprof.Totals{before, peak, scraped, cleaned, after} {
		for series, value := range t.Values {
			if _, ok := t.At(series); !ok {
				continue
			}
			if p, ok := s.Peaks[series]; !ok || value > p.Value {
				s.Peaks[series] = memprof.Peak{Value: value, Phases: []string{"scrape " + name}}
			}
		}
	}
	return s
}

func ordinary() memprof.Summary {
	before := state{browser: 13.2, renderer: 21.4, gpu: 20.9, heap: 1.1, goHeap: 6.5, current: 120, pages: 1, contexts: 1, nodes: 17, goroutines: 31}
	peak := state{browser: 15.1, renderer: 210.6, gpu: 22.5, heap: 48, goHeap: 9.5, current: 1340, pages: 4, workers: 1, contexts: 1, nodes: 120412, goroutines: 55}
	scraped := state{browser: 15, renderer: 140, gpu: 22.5, heap: 31, goHeap: 9, current: 1200, pages: 4, workers: 1, contexts: 1, nodes: 90111, goroutines: 50}
	cleaned := state{browser: 13.9, renderer: 22, gpu: 21, heap: 1.2, goHeap: 7, current: 130, pages: 1, contexts: 1, nodes: 17, goroutines: 31}
	return summary(3, "shop", before.totals(), peak.totals(), scraped.totals(), cleaned.totals(), cleaned.totals())
}

func cycleText(t *testing.T, s memprof.Summary, width int) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, CycleTable(&out, s, width))
	return out.String()
}

func TestCycleTable(t *testing.T) {
	golden(t, "cycle", cycleText(t, ordinary(), 0), 100)
	golden(t, "cycle-80", cycleText(t, ordinary(), 80), 80)
	require.Equal(t, cycleText(t, ordinary(), 0), cycleText(t, ordinary(), 5000), "never wider than 100")
}

// Several sites at once, the full level, gaps, and no cleanup.
func TestCycleTableWithGaps(t *testing.T) {
	hung := memprof.Reading{Metric: "page.*", Subject: memprof.Subject{Browser: "1", Kind: "page", Site: "news"}, Err: memprof.ErrLate}
	a := state{browser: 13.2, renderer: 21.4, gpu: 20.9, swap: 3, heap: 1.1, goHeap: 6.5, pages: 1, contexts: 1, nodes: 17, goroutines: 31, full: true}
	s := summary(4, "nightly", a.totals(), a.totals(hung), a.totals(hung), a.totals(), a.totals(hung))
	s.Sites, s.AfterCleanup, s.LateTicks = []string{"shop", "news"}, nil, 2
	series := memprof.Series{Metric: "process.anon", Group: "renderer"}
	s.Peaks[series] = memprof.Peak{Value: 1 << 33, Phases: []string{"cleanup shop", "scrape a-site-with-a-rather-long-name", "scrape news"}}
	s.Gaps = []memprof.Gap{
		{Source: "devtools", Metric: "page.*", Subject: hung.Subject, Error: "it came late", Late: true, Count: 3},
		{Source: "devtools", Metric: "page.*", Subject: memprof.Subject{Browser: "1", Kind: "page", Site: "shop"}, Error: "it came late", Late: true, Count: 2},
		{Source: "devtools", Metric: "page.*", Subject: hung.Subject, Error: "it is gone", Gone: true, Count: 99},
		{Source: "linux/processes", Metric: "process.pss", Subject: of("renderer"), Error: "read smaps_rollup of a process: permission denied", Count: 14},
		{Source: "linux/processes", Metric: "process.uss", Subject: of("renderer"), Error: "read smaps_rollup of a process: permission denied", Count: 14},
		{Source: "linux/cgroup", Error: "no answer within 1.25s, and this text is long enough to need a second line of the page; it ends here", Count: 1},
	}
	s.Warnings = []string{"phase scrape news was still open at the end of the cycle"}
	golden(t, "cycle-gaps", cycleText(t, s, 100), 100)
	for i := range 10 {
		s.Gaps = append(s.Gaps, memprof.Gap{Source: "x", Error: strings.Repeat("y", i), Count: 1})
	}
	require.Contains(t, cycleText(t, s, 100), "And 9 readings of other kinds.")
}

// A page chooses its URL, and a site file its name: neither may write to the terminal.
func TestControlCharactersDoNotReachTheTerminal(t *testing.T) {
	s := ordinary()
	s.Name, s.Sites = "a\x1b[2J", []string{"b\x07"}
	s.Gaps = []memprof.Gap{{Source: "x", Error: "e\x9b\x1b]0;t\x07" + strings.Repeat("long", 100), Count: 1}}
	text := cycleText(t, s, 100)
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "\x07")
	require.NotContains(t, text, "\u009b")
	for line := range strings.Lines(text) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 101)
	}
}

func TestNothingMeasured(t *testing.T) {
	golden(t, "cycle-nothing", cycleText(t, memprof.Summary{Cycle: 1, Level: memprof.LevelCheap}, 100), 100)
}

func runText(t *testing.T, cycles []memprof.Summary, width int) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, RunTable(&out, cycles, width))
	return out.String()
}

func TestRunTable(t *testing.T) {
	second := ordinary()
	second.Cycle, second.Name, second.Duration = 4, "a shop whose name is longer than its column", 90*time.Minute
	third := ordinary()
	third.Cycle, third.Duration = 5, 250*time.Millisecond
	third.After.Missing = []string{"heap.*"}
	third.Gaps = []memprof.Gap{{Source: "devtools", Metric: "heap.*", Subject: of("page"), Error: "no answer", Count: 2}}
	first := ordinary()
	begin := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	first.Start, second.Start, third.Start = begin, begin.Add(first.Duration), begin.Add(2*time.Hour)
	cycles := []memprof.Summary{third, first, second} // in the order of any ends
	golden(t, "run", runText(t, cycles, 100), 100)
	golden(t, "run-80", runText(t, cycles[1:], 80), 80)
	golden(t, "run-none", runText(t, nil, 100), 100)
}

// A cycle that ran beside others counts their pages too: it is said once, for all of them.
func TestOverlappingCyclesAreNamed(t *testing.T) {
	begin := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	cycles := func(spans ...[2]int) (list []memprof.Summary) {
		for i, span := range spans {
			s := ordinary()
			s.Cycle, s.Start, s.Duration = i+1, begin.Add(time.Duration(span[0])*time.Second), time.Duration(span[1]-span[0])*time.Second
			list = append(list, s)
		}
		return list
	}
	require.Empty(t, overlapping(cycles([2]int{0, 5}, [2]int{5, 9}, [2]int{9, 10})))
	require.Equal(t, "Cycles 1 and 2", overlapping(cycles([2]int{0, 5}, [2]int{4, 9}, [2]int{9, 10})))
	require.Equal(t, "Cycles 1 to 3, 4 and 5", overlapping(cycles([2]int{0, 5}, [2]int{1, 2}, [2]int{4, 6}, [2]int{7, 9}, [2]int{8, 9})))
	text := runText(t, cycles([2]int{0, 5}, [2]int{4, 9}), 100)
	require.Equal(t, 1, strings.Count(text, "overlapped"))
	golden(t, "run-overlap", text, 100)
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("pipe closed") }

func TestAnErrorOfTheWriterIsReturned(t *testing.T) {
	require.EqualError(t, CycleTable(broken{}, ordinary(), 0), "write the table: pipe closed")
	require.EqualError(t, RunTable(broken{}, nil, 0), "write the table: pipe closed")
}

func TestFigures(t *testing.T) {
	require.Equal(t, "0.0", figure(memprof.Bytes, -1))
	require.Equal(t, "0.0", change(memprof.Bytes, 10))
	require.Equal(t, "+1.5", change(memprof.Bytes, 1.5*mib))
	require.Equal(t, "-3", change(memprof.Count, -3))
	for d, want := range map[time.Duration]string{0: "0 ms", 99 * time.Second: "99.0 s", 100 * time.Second: "1.7 min", 25 * time.Hour: "25.0 h"} {
		require.Equal(t, want, duration(d))
	}
}
