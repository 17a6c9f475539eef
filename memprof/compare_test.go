package memprof

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Series that the tests let grow.
var (
	domNodes     = Series{Metric: "perf.Nodes"}
	anonRenderer = Series{Metric: "process.anon", Group: "renderer"}
)

// past makes a tally of a diagnosis in which series grow; each seed has noise of its own.
func past(t *testing.T, seed uint64, cycles int, grow map[Series]float64) *Tally {
	t.Helper()
	return pastOf(t, Plan{Cycles: cycles, Settle: time.Second}, seed, cycles, grow)
}

func pastOf(t *testing.T, plan Plan, seed uint64, cycles int, grow map[Series]float64) *Tally {
	t.Helper()
	h := newHistory(t, plan)
	h.noise = rand.New(rand.NewPCG(seed, 1))
	h.tally.manifest.Start = h.start.Add(time.Duration(seed) * time.Hour)
	h.cycles(cycles, grow)
	return h.tally
}

// last lets scraping take as many seconds as given in the mean.
func lasts(tally *Tally, seconds float64, seed uint64) *Tally {
	noise := rand.New(rand.NewPCG(seed, 2))
	for i := range tally.cycles {
		scrape := &tally.cycles[i].Phases[0]
		scrape.End = scrape.Start.Add(time.Duration(seconds * (1 + .02*noise.NormFloat64()) * float64(time.Second)))
	}
	return tally
}

func states(c Comparison) map[CheckName]CheckState {
	found := map[CheckName]CheckState{}
	for _, check := range c.Checks {
		found[check.Name] = check.State
	}
	return found
}

func checkOf(t *testing.T, c Comparison, name CheckName) Check {
	t.Helper()
	i := slices.IndexFunc(c.Checks, func(check Check) bool { return check.Name == name })
	require.GreaterOrEqual(t, i, 0)
	return c.Checks[i]
}

func requireNoFailure(t *testing.T, c Comparison) {
	t.Helper()
	for _, check := range c.Checks {
		require.NotEqual(t, CheckFail, check.State, "%s: %s", check.Title, check.Says)
	}
}

// leak grows by 1 MB a cycle, heap and renderer.
var leak = map[Series]float64{heapUsed: 1e6, anonRenderer: 1.1e6}

func TestCompareChecksAFix(t *testing.T) {
	for name, c := range map[string]struct {
		before, after func(t *testing.T) *Tally
		want          map[CheckName]CheckState
		says          map[CheckName]string
	}{
		"fixed": {
			func(t *testing.T) *Tally { return lasts(past(t, 1, 25, leak), 2, 1) },
			func(t *testing.T) *Tally { return lasts(past(t, 2, 25, nil), 2, 2) },
			map[CheckName]CheckState{CheckGrowth: CheckPass, CheckNewLeak: CheckPass, CheckSpeed: CheckPass, CheckCycles: CheckPass, CheckProfiling: CheckCannotTell},
			map[CheckName]string{CheckNewLeak: "none of ", CheckCycles: "over 25 cycles memory is flat", CheckProfiling: "after is a diagnosis"},
		},
		"broken": {
			func(t *testing.T) *Tally { return past(t, 1, 25, nil) },
			func(t *testing.T) *Tally { return past(t, 2, 25, leak) },
			map[CheckName]CheckState{CheckGrowth: CheckFail, CheckNewLeak: CheckFail, CheckCycles: CheckFail},
			map[CheckName]string{CheckGrowth: "nothing grew before, and now", CheckNewLeak: "JS heap in use leaks 1.00 MB a cycle, and did not before"},
		},
		"mended in part": {
			func(t *testing.T) *Tally { return past(t, 1, 25, leak) },
			func(t *testing.T) *Tally { return past(t, 2, 25, map[Series]float64{heapUsed: 4e5, anonRenderer: 4e5}) },
			map[CheckName]CheckState{CheckGrowth: CheckPass, CheckNewLeak: CheckPass, CheckCycles: CheckFail},
			map[CheckName]string{CheckGrowth: "it still grows", CheckNewLeak: "as it did before"},
		},
		"not mended": {
			func(t *testing.T) *Tally { return past(t, 1, 25, leak) },
			func(t *testing.T) *Tally { return past(t, 2, 25, leak) },
			map[CheckName]CheckState{CheckGrowth: CheckFail, CheckNewLeak: CheckPass, CheckCycles: CheckFail},
			map[CheckName]string{CheckGrowth: "as before"},
		},
		"worse": {
			func(t *testing.T) *Tally { return past(t, 1, 25, leak) },
			func(t *testing.T) *Tally { return past(t, 2, 25, map[Series]float64{heapUsed: 2e6, anonRenderer: 2e6}) },
			map[CheckName]CheckState{CheckGrowth: CheckFail, CheckNewLeak: CheckFail, CheckCycles: CheckFail},
			map[CheckName]string{CheckGrowth: "it grows faster", CheckNewLeak: "leaks faster"},
		},
		"one leak for another": {
			func(t *testing.T) *Tally { return past(t, 1, 25, leak) },
			func(t *testing.T) *Tally { return past(t, 2, 25, map[Series]float64{domNodes: 50}) },
			map[CheckName]CheckState{CheckGrowth: CheckPass, CheckNewLeak: CheckFail, CheckCycles: CheckFail},
			map[CheckName]string{CheckNewLeak: "DOM nodes leaks 50 a cycle"},
		},
		"neither grows": {
			func(t *testing.T) *Tally { return past(t, 1, 25, nil) },
			func(t *testing.T) *Tally { return past(t, 2, 25, nil) },
			map[CheckName]CheckState{CheckGrowth: CheckPass, CheckNewLeak: CheckPass, CheckCycles: CheckPass},
			map[CheckName]string{CheckGrowth: "neither grows"},
		},
		"too short": {
			func(t *testing.T) *Tally { return past(t, 1, 25, leak) },
			func(t *testing.T) *Tally { return past(t, 2, 12, nil) },
			map[CheckName]CheckState{CheckGrowth: CheckPass, CheckCycles: CheckCannotTell},
			map[CheckName]string{CheckCycles: "only 12 cycles of at least 20"},
		},
		"slower": {
			func(t *testing.T) *Tally { return lasts(past(t, 1, 25, nil), 2, 1) },
			func(t *testing.T) *Tally { return lasts(past(t, 2, 25, nil), 2.3, 2) },
			map[CheckName]CheckState{CheckSpeed: CheckFail},
			map[CheckName]string{CheckSpeed: "slower by more than 5 %"},
		},
		"faster": {
			func(t *testing.T) *Tally { return lasts(past(t, 1, 25, nil), 2.3, 1) },
			func(t *testing.T) *Tally { return lasts(past(t, 2, 25, nil), 2, 2) },
			map[CheckName]CheckState{CheckSpeed: CheckPass},
			nil,
		},
		"five percent are on the border": {
			func(t *testing.T) *Tally { return lasts(past(t, 1, 25, nil), 2, 1) },
			func(t *testing.T) *Tally { return lasts(past(t, 2, 25, nil), 2.1, 2) },
			map[CheckName]CheckState{CheckSpeed: CheckCannotTell},
			map[CheckName]string{CheckSpeed: "is not ruled out"},
		},
		"less work": {
			func(t *testing.T) *Tally { return lasts(past(t, 1, 25, nil), 2, 1) },
			func(t *testing.T) *Tally {
				tally := lasts(past(t, 2, 25, nil), 1, 2)
				for i := range tally.runs {
					tally.runs[i].Pages = 0
				}
				return tally
			},
			map[CheckName]CheckState{CheckSpeed: CheckCannotTell},
			map[CheckName]string{CheckSpeed: "a cycle visited 1 pages before and 0 after"},
		},
		"on another machine": {
			func(t *testing.T) *Tally { return past(t, 1, 25, nil) },
			func(t *testing.T) *Tally {
				tally := past(t, 2, 25, nil)
				tally.manifest.Host.CPUs = 8
				return tally
			},
			map[CheckName]CheckState{CheckSpeed: CheckCannotTell},
			map[CheckName]string{CheckSpeed: "processors differ"},
		},
		"a metric is not read any more": {
			func(t *testing.T) *Tally { return past(t, 1, 25, nil) },
			func(t *testing.T) *Tally {
				tally := past(t, 2, 25, nil)
				delete(tally.table.rows, domNodes)
				for i := range tally.cycles {
					delete(tally.cycles[i].After.Values, domNodes)
				}
				return tally
			},
			map[CheckName]CheckState{CheckNewLeak: CheckCannotTell},
			map[CheckName]string{CheckNewLeak: "DOM nodes was not read in both"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Compare(c.before(t), c.after(t))
			for check, state := range c.want {
				require.Equal(t, state, states(got)[check], "%+v", checkOf(t, got, check))
			}
			for check, text := range c.says {
				require.Contains(t, checkOf(t, got, check).Says, text)
			}
			require.Equal(t, ComparisonSchema, got.Schema)
			require.Len(t, got.Checks, len(CheckNames))
		})
	}
}

// Two recordings of the same thing fail nothing; where it leaks, what fails is only that it still does.
func TestCompareAlike(t *testing.T) {
	for seed := range uint64(15) {
		c := Compare(lasts(past(t, 2*seed+1, 25, nil), 2, seed), lasts(past(t, 2*seed+2, 25, nil), 2, seed+100))
		requireNoFailure(t, c)
		c = Compare(past(t, 2*seed+1, 25, leak), past(t, 2*seed+2, 25, leak))
		require.Equal(t, CheckPass, states(c)[CheckNewLeak], checkOf(t, c, CheckNewLeak).Says)
		require.NotEqual(t, CheckFail, states(c)[CheckSpeed])
	}
}

// A recording compared with itself fails nothing, leak or not.
func TestCompareWithItself(t *testing.T) {
	for _, grow := range []map[Series]float64{nil, leak, {domNodes: 3}} {
		c := Compare(past(t, 1, 25, grow), past(t, 1, 25, grow))
		requireNoFailure(t, c)
		require.Contains(t, c.Warnings[0], "both are the same recording")
		for _, r := range c.Rates {
			require.Zero(t, r.Difference.Value, r.Metric)
			require.Equal(t, Unchanged, r.Verdict, r.Metric)
		}
		require.Empty(t, c.Unlike)
	}
}

// Of a recording whose control failed, and of one without a cycle, nothing can be told.
func TestCompareNoMeasurement(t *testing.T) {
	plan := Plan{Cycles: 25, Control: map[string]float64{"heap.backing": 1e6}}
	unplanted := func(seed uint64) *Tally { return pastOf(t, plan, seed, 25, nil) }
	for name, c := range map[string]Comparison{
		"before": Compare(unplanted(1), past(t, 2, 25, leak)),
		"after":  Compare(past(t, 1, 25, leak), unplanted(2)),
		"none":   Compare(past(t, 1, 0, nil), past(t, 2, 25, leak)),
	} {
		for _, check := range c.Checks {
			require.Equal(t, CheckCannotTell, check.State, "%s: %s", name, check.Title)
			require.Contains(t, check.Says, "is no measurement")
		}
		require.Equal(t, "Nothing can be told.", c.Headline)
	}
}

// Below 5 MB a day a leak is no failure, where the schedule says how many cycles a day has.
func TestCompareGrowthPerDay(t *testing.T) {
	for perDay, want := range map[float64]CheckState{0: CheckFail, 20: CheckPass, 200: CheckFail} {
		plan := Plan{Cycles: 25, Sites: []PlanSite{{Name: "shop", Isolation: "tab", Schedule: "@daily", RunsPerDay: perDay}}}
		slow := map[Series]float64{heapUsed: 1e5}
		c := Compare(past(t, 1, 25, leak), pastOf(t, plan, 2, 25, slow))
		require.Equal(t, want, states(c)[CheckCycles], "%v cycles a day: %s", perDay, checkOf(t, c, CheckCycles).Says)
	}
}

// Recordings of a worker's regular life can be compared; only there can it be told what it is like
// without a diagnosis.
func TestCompareRegularLife(t *testing.T) {
	regular := func(seed uint64) *Tally {
		tally := past(t, seed, 25, nil)
		tally.plan, tally.runs = nil, nil
		return tally
	}
	c := Compare(regular(1), regular(2))
	requireNoFailure(t, c)
	require.Equal(t, CheckPass, states(c)[CheckProfiling], checkOf(t, c, CheckProfiling).Says)
	require.Contains(t, c.Warnings[0], "both are of `ebb run`: nothing was collected by force there")
	require.Empty(t, c.Work)

	c = Compare(past(t, 1, 25, nil), regular(2))
	require.Contains(t, c.Warnings[0], "after is of `ebb run`")
	require.Equal(t, Unlike{"kind of recording", "of `ebb diagnose`", "of `ebb run`"}, c.Unlike[0])
	require.Equal(t, CheckCannotTell, states(c)[CheckSpeed])
}

func TestCompareTellsWhatIsUnlike(t *testing.T) {
	before, after := past(t, 1, 25, nil), past(t, 2, 20, nil)
	before.manifest.Browsers[0].Flags = []string{"--user-data-dir=/tmp/1", "--mute-audio", "--user-agent=Ebb/1"}
	after.manifest.Browsers[0] = BrowserInfo{Version: "Chrome/2", Flags: []string{"--user-data-dir=/tmp/2", "--mute-audio", "--lang=de", "--user-agent=Ebb/2"}}
	after.manifest.Host = HostInfo{Memory: 4e9, CPUs: 2}
	after.manifest.Level = LevelFull
	after.plan.Sites = []PlanSite{{Name: "shop", Isolation: "context", Templates: []string{"list"}}}
	after.plan.Settle = 2 * time.Second
	require.Equal(t, []Unlike{
		{"templates", "page", "list"},
		{"isolation", "tab/page", "context"},
		{"time to settle", "1s", "2s"},
		{"Chrome", "Chrome/1", "Chrome/2"},
		{"Chrome's flags", "none", "--lang=de"},
		{"profiling", "off", "full"},
		{"judged cycles", "25", "20"},
		{"processors", "unknown", "2"},
		{"memory of the machine", "8000.0 MB", "4000.0 MB"},
	}, Compare(before, after).Unlike)
}

// Both recordings have their growth measured in the same way: at the end, where either quickens.
func TestCompareQuickeningGrowth(t *testing.T) {
	h := newHistory(t, Plan{Cycles: 25})
	for i := range 25 {
		h.cycle(map[Series]float64{heapUsed: 5e4 * float64(i), anonRenderer: 5e4 * float64(i)}, nil)
	}
	c := Compare(h.tally, past(t, 2, 25, nil))
	require.Equal(t, CheckPass, states(c)[CheckGrowth], checkOf(t, c, CheckGrowth).Says)
	i := slices.IndexFunc(c.Rates, func(r RateChange) bool { return r.Metric == heapUsed })
	require.Equal(t, Accelerating, c.Rates[i].Before.Shape)
	require.Greater(t, c.Rates[i].Before.Rate.Value, .9e6, "that of the end, not the mean")
	require.Equal(t, Reduced, c.Rates[i].Verdict)
	require.True(t, c.Rates[i].Headline)
}

// A phase's time is that without readings and collections, and phases that overlap are counted once.
func TestPhaseSeconds(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	tally := NewTally(TallyOptions{Detail: true})
	tally.cycles = []Summary{{Phases: []PhaseSpan{
		{Kind: Scrape, Start: at(0), End: at(4)},
		{Kind: Scrape, Start: at(2), End: at(6)},
		{Kind: Cleanup, Start: at(5), End: at(8)},
		{Kind: Settle, Start: at(8), End: at(10)},
	}}}
	tally.collects = []collected{{at(4), CollectReport{Took: time.Second}}, {at(20), CollectReport{Took: time.Second}}}
	tally.samples = []Sample{
		{Start: at(3.5), Took: time.Second},                           // half of it while garbage is collected
		{Start: at(7.5), Took: time.Second},                           // at a boundary
		{Start: at(1), Took: time.Second, Totals: Totals{Tick: true}}, // beside the work
		{Start: at(6.5), Took: time.Second / 2, Totals: Totals{Tick: true}},
	}
	got := tally.phaseSeconds()
	require.Len(t, got, 1)
	require.InDeltaMapValues(t, map[Kind]float64{Scrape: 4.5, Cleanup: 2.5, Settle: 1.5, working: 6}, got[0], 1e-9)
	tally.every = 2 // readings are not all there
	require.InDelta(t, 5, tally.phaseSeconds()[0][Scrape], 1e-9)
}
