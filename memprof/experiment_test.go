package memprof

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// planned are cleanups of these names, done after each run.
func planned(names ...string) []PlannedCleanup {
	var list []PlannedCleanup
	for _, name := range names {
		list = append(list, PlannedCleanup{Name: name, When: "run", Touches: "the page", Carry: "resetting"})
	}
	return list
}

// drawn is the plan of the options.
func drawn(t *testing.T, o DesignOptions) ExperimentPlan {
	t.Helper()
	p, err := PlanExperiment(o)
	require.NoError(t, err)
	return p
}

// leaking is a page that leaks in the renderer, as the cleanups that are on in a cycle let it.
type leaking struct {
	grows map[Series]float64 // without a cleanup
	with  map[string]func(h *history, grow map[Series]float64)
}

var renderer = Series{"process.anon", "renderer"}

// clears is a cleanup that gives all that a series gathered back.
func clears(s Series) func(*history, map[Series]float64) {
	return func(h *history, grow map[Series]float64) {
		fresh := 40e6
		if s != renderer {
			fresh = 1e6
		}
		grow[s] = fresh - h.level[s]
	}
}

// worsens is a cleanup that lets a series grow by more.
func worsens(s Series, by float64) func(*history, map[Series]float64) {
	return func(_ *history, grow map[Series]float64) { grow[s] += by }
}

func nothing(*history, map[Series]float64) {}

// experimented runs a plan on a page, and returns what the recording says.
func experimented(t *testing.T, p ExperimentPlan, page leaking) Experiment {
	t.Helper()
	h := newHistory(t, Plan{})
	h.tally.plan = nil
	h.note(ExperimentNote, p)
	for i, b := range p.Blocks {
		h.note(BlockNote, BlockStart{Block: i})
		for range p.Cycles {
			grow := map[Series]float64{}
			for s, by := range page.grows {
				grow[s] = by
			}
			for _, on := range b.On {
				name := p.Cleanups[on].Name
				page.with[name](h, grow)
				h.note(CleanupNote, CleanupReport{Cycle: h.n + 1, Site: "shop", Name: name, After: "run", Times: 1, Took: 7 * time.Millisecond, Verified: 1, Says: "done"})
			}
			h.cycle(grow, nil)
		}
	}
	return h.tally.Experiment()
}

func answerOf(t *testing.T, e Experiment, name string) CleanupAnswer {
	t.Helper()
	for _, a := range e.Answers {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("there is no answer of %s", name)
	return CleanupAnswer{}
}

// Three cleanups of which one helps, one does nothing and one harms: 30 cycles tell which.
func TestThirtyCyclesTellThreeCleanups(t *testing.T) {
	page := leaking{
		grows: map[Series]float64{renderer: 1.05e6},
		with: map[string]func(*history, map[Series]float64){
			"recreate-page": clears(renderer), "cookies": nothing, "local-storage": worsens(renderer, 2.1e6),
		},
	}
	for seed := range uint64(10) {
		p := drawn(t, DesignOptions{Cleanups: planned("cookies", "local-storage", "recreate-page"), Cycles: 30, Seed: seed})
		require.LessOrEqual(t, p.Total(), 30)
		e := experimented(t, p, page)
		require.Equal(t, Helps, answerOf(t, e, "recreate-page").Verdict, "seed %d", seed)
		require.Equal(t, NoEffect, answerOf(t, e, "cookies").Verdict, "seed %d", seed)
		require.Equal(t, Harms, answerOf(t, e, "local-storage").Verdict, "seed %d", seed)
		require.Equal(t, anonChrome, e.Of)
		require.InDelta(t, 1.05, answerOf(t, e, "recreate-page").MBSaved.Value, .15)
		require.False(t, e.Same.Differs)
		require.Equal(t, []string{"recreate-page=run"}, e.Recommended.Rules)
		require.True(t, e.Recommended.Flat)
		require.True(t, e.Recommended.Measured)
		require.Equal(t, []string{"cookies", "local-storage"}, e.Recommended.Off)
		require.InDelta(t, 7, answerOf(t, e, "recreate-page").Itself, 1e-9)
		require.Zero(t, e.MoreCycles)
	}
}

// What does not grow needs no cleanup.
func TestNothingGrowsWithoutACleanup(t *testing.T) {
	p := drawn(t, DesignOptions{Cleanups: planned("cookies", "blank"), Cycles: 40})
	e := experimented(t, p, leaking{with: map[string]func(*history, map[Series]float64){"cookies": nothing, "blank": nothing}})
	require.Equal(t, "Nothing grows without a cleanup: none is needed.", e.Headline)
	require.Empty(t, e.Recommended.Cleanups)
	require.True(t, e.Recommended.Flat)
	for _, a := range e.Answers {
		require.Equal(t, NoEffect, a.Verdict, a.Name)
	}
}

// Two leaks, of which each cleanup gives back one: both are needed, and that is predicted where they were never on
// together, measured where they were.
func TestTwoLeaksNeedTwoCleanups(t *testing.T) {
	stored := Series{"profile.bytes", ""}
	page := leaking{
		grows: map[Series]float64{renderer: 2e6, stored: 1e6},
		with:  map[string]func(*history, map[Series]float64){"recreate-page": clears(renderer), "storage": clears(stored), "cookies": nothing},
	}
	o := DesignOptions{Cleanups: planned("cookies", "storage", "recreate-page"), Each: true}
	e := experimented(t, drawn(t, o), page)
	require.ElementsMatch(t, []string{"storage", "recreate-page"}, e.Recommended.Cleanups)
	require.True(t, e.Recommended.Flat)
	require.False(t, e.Recommended.Measured)
	require.Equal(t, stored, answerOf(t, e, "storage").On)

	o.Each = false
	e = experimented(t, drawn(t, o), page)
	require.ElementsMatch(t, []string{"storage", "recreate-page"}, e.Recommended.Cleanups)
	require.True(t, e.Recommended.Measured)
	require.True(t, e.Recommended.Flat)
}

// Two cleanups of which each does what the other does: one is recommended, and that they overlap is told.
func TestOneOfTwoRedundantCleanupsIsEnough(t *testing.T) {
	page := leaking{
		grows: map[Series]float64{renderer: 2e6},
		with:  map[string]func(*history, map[Series]float64){"recreate-page": clears(renderer), "blank": clears(renderer)},
	}
	e := experimented(t, drawn(t, DesignOptions{Cleanups: planned("blank", "recreate-page")}), page)
	require.Len(t, e.Recommended.Cleanups, 1)
	require.True(t, e.Recommended.Measured)
	require.NotEmpty(t, e.Interactions)
	require.Equal(t, Helps, answerOf(t, e, "blank").Verdict)
}

// Where blocks without any cleanup differ from each other, nothing is said.
func TestWhatMovesByItselfIsNotTrusted(t *testing.T) {
	p := drawn(t, DesignOptions{Cleanups: planned("cookies"), Cycles: 60})
	h := newHistory(t, Plan{})
	h.tally.plan = nil
	h.note(ExperimentNote, p)
	for i, b := range p.Blocks {
		h.note(BlockNote, BlockStart{Block: i})
		for range p.Cycles {
			by := 1e6
			if b.Again {
				by = 3e6
			}
			h.cycle(map[Series]float64{renderer: by}, nil)
		}
	}
	e := h.tally.Experiment()
	require.True(t, e.Same.Differs)
	require.Contains(t, e.Headline, "NOT TO BE TRUSTED")
	require.Empty(t, e.Recommended.Cleanups)
	require.False(t, e.Recommended.Flat)
	require.Equal(t, CannotTell, e.Answers[0].Verdict)
}

func TestAnExperimentOfNothing(t *testing.T) {
	e := NewTally(TallyOptions{Detail: true}).Experiment()
	require.NotEmpty(t, e.Warnings)

	h := newHistory(t, Plan{})
	h.tally.plan = nil
	h.note(ExperimentNote, drawn(t, DesignOptions{Cleanups: planned("cookies")}))
	e = h.tally.Experiment()
	require.Equal(t, "No block was run: there is nothing to compare.", e.Headline)
	require.Equal(t, CannotTell, e.Answers[0].Verdict)
}

func TestPlansOfExperiments(t *testing.T) {
	lasts := planned("restart-browser")
	lasts[0].Carry = "lasting"
	many := planned("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r")
	for name, c := range map[string]struct {
		o      DesignOptions
		scheme string
		fresh  bool
		blocks int // of a replicate
	}{
		"one":                {DesignOptions{Cleanups: many[:1]}, SchemeOneByOne, false, 3},
		"two":                {DesignOptions{Cleanups: many[:2]}, SchemeFactorial, false, 5},
		"three":              {DesignOptions{Cleanups: many[:3]}, SchemeFactorial, false, 9},
		"three, few cycles":  {DesignOptions{Cleanups: many[:3], Cycles: 30}, SchemeOneByOne, false, 5},
		"four":               {DesignOptions{Cleanups: many[:4]}, SchemeFractional, false, 9},
		"five":               {DesignOptions{Cleanups: many[:5]}, SchemeFractional, false, 18},
		"eight":              {DesignOptions{Cleanups: many[:8]}, SchemeFractional, false, 17},
		"eighteen":           {DesignOptions{Cleanups: many}, SchemeOneByOne, false, 20},
		"all but each":       {DesignOptions{Cleanups: many[:4], All: true}, SchemeLeaveOneOut, false, 7},
		"all but the only":   {DesignOptions{Cleanups: many[:1], All: true}, SchemeOneByOne, false, 3},
		"each":               {DesignOptions{Cleanups: many[:2], Each: true}, SchemeOneByOne, false, 4},
		"every combination":  {DesignOptions{Cleanups: many[:4], Design: DesignFactorial}, SchemeFactorial, false, 17},
		"lasting":            {DesignOptions{Cleanups: append(lasts, many[:1]...)}, SchemeFactorial, true, 5},
		"lasting, crossover": {DesignOptions{Cleanups: lasts, Design: DesignCrossover}, SchemeOneByOne, false, 3},
		"fresh":              {DesignOptions{Cleanups: many[:1], Design: DesignFresh}, SchemeOneByOne, true, 3},
	} {
		t.Run(name, func(t *testing.T) {
			p := drawn(t, c.o)
			require.Equal(t, c.scheme, p.Scheme)
			require.Equal(t, c.fresh, p.Fresh)
			require.GreaterOrEqual(t, p.Replicates(), 2)
			require.Len(t, p.Blocks, c.blocks*p.Replicates())
			require.NotEmpty(t, p.Chosen)
			require.Positive(t, p.Smallest)
			if c.o.Cycles > 0 {
				require.LessOrEqual(t, p.Total(), c.o.Cycles)
			}
			off, again := 0, 0
			for _, b := range p.Blocks {
				if len(b.On) == 0 {
					off++
				}
				if b.Again {
					again++
				}
			}
			require.Equal(t, 2*p.Replicates(), off, "nothing is in each replicate twice")
			require.Equal(t, p.Replicates(), again)
			require.Equal(t, p, drawn(t, c.o), "the same seed draws the same plan")
			c.o.Seed = 99
			require.NotEqual(t, p.Blocks, drawn(t, c.o).Blocks)
		})
	}
	for name, o := range map[string]DesignOptions{
		"none":           {},
		"too few cycles": {Cleanups: many[:3], Cycles: 29},
		"too many":       {Cleanups: many, Design: DesignFractional},
		"combinations":   {Cleanups: many[:6], Design: DesignFactorial},
	} {
		_, err := PlanExperiment(o)
		require.Error(t, err, name)
	}
}

func TestAPlanWithinATime(t *testing.T) {
	p := drawn(t, DesignOptions{Cleanups: planned("a")})
	whole := p.Replicates()
	require.Greater(t, whole, 2)
	shorter, ok := p.Within(time.Duration(p.Total())*time.Second*4/5, time.Second)
	require.True(t, ok)
	require.Less(t, shorter.Replicates(), whole)
	require.GreaterOrEqual(t, shorter.Replicates(), 2)
	same, ok := p.Within(time.Hour, time.Second)
	require.True(t, ok)
	require.Equal(t, p, same)
	_, ok = p.Within(time.Second, time.Second)
	require.False(t, ok)
}

// What is not shown to grow is not shown to be flat: a few blocks say neither.
func TestFewBlocksDoNotShowThatNothingGrows(t *testing.T) {
	off := map[string]func(*history, map[Series]float64){"cookies": nothing, "blank": nothing}
	p := drawn(t, DesignOptions{Cleanups: planned("cookies", "blank"), Cycles: 40})
	p.Blocks = slices.DeleteFunc(p.Blocks, func(b PlannedBlock) bool { return len(b.On) == 0 })
	e := experimented(t, p, leaking{with: off})
	require.Equal(t, "Whether memory grows without a cleanup cannot be told yet: too few blocks were run without any.", e.Headline)
	require.False(t, e.Recommended.Flat)
	require.Empty(t, e.Recommended.Off)

	p = drawn(t, DesignOptions{Cleanups: planned("cookies", "blank"), Cycles: 40})
	p.Blocks = p.Blocks[:len(p.Blocks)/2]
	h := newHistory(t, Plan{})
	h.tally.plan = nil
	h.note(ExperimentNote, p)
	by := 1.5e6 // up, and down again
	for i := range p.Blocks {
		h.note(BlockNote, BlockStart{Block: i})
		for range p.Cycles {
			h.cycle(map[Series]float64{renderer: by}, nil)
			by = -by
		}
	}
	e = h.tally.Experiment()
	require.Contains(t, e.Headline, "a cycle is not ruled out")
	require.False(t, e.Recommended.Flat)
	require.NotEmpty(t, e.Advice)
}
