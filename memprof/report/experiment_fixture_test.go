package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

// tried is a cleanup of a fixture: what it truly saves in bytes per cycle, costs in milliseconds
// and fetches in bytes, and what the experiment made of it.
type tried struct {
	name, when            string
	saves, costs, fetches float64
	verdict               memprof.EffectVerdict
}

// effect is a difference with its interval.
func effect(v, half float64, verdict memprof.EffectVerdict) memprof.Effect {
	return memprof.Effect{Estimate: about(v, half), P: math.Min(1, .05*math.Exp(2-math.Abs(v)/half*2)), Adjusted: math.Min(1, .15*math.Exp(2-math.Abs(v)/half*2)), Verdict: verdict}
}

// unknownEffect is one of which nothing is known.
func unknownEffect() memprof.Effect {
	return memprof.Effect{P: math.NaN(), Adjusted: math.NaN(), Verdict: memprof.CannotTell}
}

// answerOf is what an experiment says of a cleanup, known to half bytes per cycle.
func answerOf(c tried, half float64) memprof.CleanupAnswer {
	a := memprof.CleanupAnswer{
		Name: c.name, When: c.when, Verdict: c.verdict, On: anonChrome, Says: "memory grows by about the same with it and without it",
		Saved: effect(c.saves, half, c.verdict), MBSaved: about(c.saves/memprof.MB, half/memprof.MB),
		Level: effect(c.saves*3, half*4, memprof.CannotTell), Peak: effect(c.saves*2, half*9, memprof.CannotTell),
		Cost: effect(c.costs, 14+c.costs/10, memprof.Harms), Itself: math.Max(c.costs*.6, 2.4), SavedPerMs: math.NaN(),
		Phases: map[memprof.Kind]memprof.Effect{
			memprof.Scrape: effect(c.costs*.4, 11+c.costs/20, memprof.CannotTell), memprof.Cleanup: effect(c.costs*.6, 3+c.costs/20, memprof.Harms),
		},
		Fetched: effect(c.fetches, c.fetches/20, memprof.Harms), Failed: effect(0, .1, memprof.NoEffect),
		Did: memprof.CleanupReport{Name: c.name, After: c.when, Times: 48, Took: 48 * time.Duration(c.costs*.6) * time.Millisecond, Verified: 48},
	}
	if c.fetches == 0 {
		a.Fetched = memprof.Effect{Estimate: exactly(0), P: 1, Adjusted: 1, Verdict: memprof.NoEffect}
	}
	switch c.verdict {
	case memprof.Helps:
		a.Says = "memory grows by " + amount(memprof.Bytes, c.saves) + " a cycle less with it"
		a.SavedPerMs = c.saves / memprof.MB / math.Max(c.costs, 2.4)
	case memprof.Harms:
		a.Says = "memory grows more with it"
	case memprof.CannotTell:
		a.Says, a.MoreCycles = "it may save up to "+amount(memprof.Bytes, c.saves+half)+" a cycle, or nothing", 96
	}
	return a
}

// comparison is an experiment of cleanups whose arms ran in blocks of n cycles, twice each.
func comparison(scheme string, fresh bool, n int, cleanups []tried, arms [][]int) memprof.Experiment {
	const rate, half = 1_142_000, 60_000
	e := memprof.Experiment{
		Of: anonChrome, Unit: memprof.Bytes, Baseline: about(rate, half), Margin: 100_000, SmallestVisible: 92_000,
		Started: began, Sites: []string{"news", "shop"}, Ebb: "v0.4.0", Go: "go1.26.1", Browser: "HeadlessChrome/156.0.7000.1",
		Flags: []string{"--headless", "--disable-features=Translate,<i>&amp;"},
		Host:  memprof.HostInfo{Kernel: "6.12.10", CPUs: 4, Memory: 16_000_000_000, Cgroup: "v2", CgroupLimit: 2_000_000_000},
		Plan: memprof.ExperimentPlan{
			Scheme: scheme, Fresh: fresh, Chosen: "three cleanups are few enough to try each alone", Seed: 20260131, WarmUp: 3, Wash: 1, Cycles: n,
			Smallest: 105_000, Noise: 180_000, Settle: 1200 * time.Millisecond, Sites: []memprof.PlanSite{{Name: "news", Isolation: "tab"}, {Name: "shop", Isolation: "tab"}},
			Fixed: []string{"shop: blank=run"},
		},
		Warnings: []string{}, NotMeasured: []string{},
	}
	for _, c := range cleanups {
		e.Plan.Cleanups = append(e.Plan.Cleanups, memprof.PlannedCleanup{Name: c.name, When: c.when, Touches: "what " + c.name + " keeps", Carry: "resetting"})
		e.Answers = append(e.Answers, answerOf(c, half))
	}
	run := blocksOf(&e, cleanups, arms, rate)
	e.Duration = time.Duration(run+e.Plan.WarmUp) * (cycleTook + cyclePause)
	for _, s := range []struct {
		of    memprof.Series
		scale float64
	}{{anonChrome, 1}, {anonRenderer, .97}, {heapUsed, .8}, {domNodes, 12. / rate}} {
		m := memprof.MetricEffects{Series: s.of, Unit: unitOf(s.of), Grows: true, Baseline: about(rate*s.scale, half*s.scale), Margin: 100_000 * s.scale}
		for _, c := range cleanups {
			m.Saved = append(m.Saved, effect(c.saves*s.scale, half*s.scale, c.verdict))
		}
		e.Metrics = append(e.Metrics, m)
	}
	e.Same = &memprof.SameCheck{Difference: effect(21_000, 74_000, memprof.NoEffect), Says: "the blocks without any cleanup grow alike"}
	return e
}

// blocksOf adds the arms and blocks of an experiment, and returns how many cycles they have.
func blocksOf(e *memprof.Experiment, cleanups []tried, arms [][]int, rate float64) int {
	random := rand.New(rand.NewPCG(3, uint64(len(arms))))
	cycle := e.Plan.WarmUp
	for replicate := range 2 {
		for i, on := range arms {
			left, took := rate, 11000.0
			names := []string{}
			for _, j := range on {
				left -= cleanups[j].saves
				took += cleanups[j].costs
				names = append(names, cleanups[j].name)
			}
			left = math.Max(left, 0)
			again := i > 0 && len(on) == 0
			if replicate == 0 && !again {
				e.Arms = append(e.Arms, memprof.ArmAnswer{On: names, Blocks: 2, Cycles: 2 * (e.Plan.Cycles - e.Plan.Wash), Rate: about(left, 70_000), Flat: left < 100_000})
			}
			e.Plan.Blocks = append(e.Plan.Blocks, memprof.PlannedBlock{On: on, Replicate: replicate, Again: again})
			b := memprof.BlockAnswer{Replicate: replicate, Again: again, On: names, Rate: about(left+3e4*random.NormFloat64(), 90_000)}
			level := 80e6
			for k := range e.Plan.Cycles {
				cycle++
				level += left + 2e4*random.NormFloat64()
				b.Cycles = append(b.Cycles, memprof.ExperimentCycle{
					Cycle: cycle, Value: math.Round(level), Memory: math.Round(level), Level: math.Round(level + 4e6), Peak: math.Round(level + 70e6),
					Took: time.Duration(took) * time.Millisecond, Fetched: 3e6, Wash: k < e.Plan.Wash,
				})
			}
			e.Blocks = append(e.Blocks, b)
		}
	}
	return cycle - e.Plan.WarmUp
}

// threeTried are one that helps, one that does nothing, and one of which nothing can be told.
func threeTried() memprof.Experiment {
	e := comparison(memprof.SchemeOneByOne, true, 8, []tried{
		{"http-cache", "run", 1_098_000, 182, 412_000, memprof.Helps},
		{"gc", "every 50 pages", 41_000, 64, 0, memprof.CannotTell},
		{"cookies", "run", -2_000, 3, 0, memprof.NoEffect},
	}, [][]int{{}, {0}, {1}, {2}, {}})
	e.Headline = "http-cache after each run keeps memory flat; it costs 182 ms a cycle"
	e.Advice = []string{"write http-cache: run into the site file", "run 96 more cycles if gc matters to you"}
	e.Recommended = memprof.Recommendation{
		Cleanups: []string{"http-cache"}, Rules: []string{"http-cache=run"}, Off: []string{"cookies"}, Flat: true, Measured: true,
		Rate: about(44_000, 52_000), CostMs: 182, Says: "http-cache alone is the smallest set with which no metric grows by more than its margin",
	}
	e.MoreCycles = 96
	e.Answers[0].Did.Bytes, e.Answers[0].Did.BytesTold, e.Answers[0].Did.Says = 52.3e6, 40, "the cache is empty"
	e.Answers[1].Did = memprof.CleanupReport{Name: "gc", After: "page", Times: 12, Took: 400 * time.Millisecond, Verified: 10, Says: "the heap shrank", Skipped: 4, SkippedWhy: "no page was open", Errors: 2, Error: "the page did not answer within 10s"}
	e.Answers[2].Did.Count, e.Answers[2].Did.Of = 96, "cookies"
	e.Answers[2].Notes = []string{"logs the site out"}
	e.Blocks[6].Dropped, e.Blocks[6].Cycles[4].Memory = "Chrome died in its fifth cycle", math.NaN()
	e.Warnings = []string{"2 other Chromes ran on this host in block 4"}
	e.NotMeasured = []string{"swap of the host: /proc/vmstat has no pswpin"}
	return e
}

// eightTried are eight of which a balanced part of all combinations was run, in one browser.
func eightTried() memprof.Experiment {
	arms := [][]int{{}, {4, 6, 7, 3}, {2, 4, 5, 6}, {1, 4, 5, 7}, {0, 5, 6, 7}, {0, 1, 2, 3}, {2, 3, 5, 7}, {1, 3, 5, 6}, {0, 1, 2, 3, 4, 5, 6, 7}, {}}
	e := comparison(memprof.SchemeFractional, false, 12, []tried{
		{"http-cache", "run", 812_000, 182, 412_000, memprof.Helps},
		{"recreate-page", "run", 291_000, 341, 0, memprof.Helps},
		{"cache-storage", "run", 71_000, 22, 0, memprof.CannotTell},
		{"indexeddb", "run", 33_000, 18, 0, memprof.CannotTell},
		{"session-storage", "run", 12_000, 4, 0, memprof.NoEffect},
		{"gc", "page", 4_000, 412, 0, memprof.NoEffect},
		{"cookies", "run", -2_000, 3, 0, memprof.NoEffect},
		{"memory-pressure", "cycle", -181_000, -24, 0, memprof.Harms},
	}, arms)
	e.Plan.Chosen, e.Plan.Open = "eight cleanups have 256 combinations: 16 of them tell their main effects apart", true
	e.Headline = "http-cache and recreate-page after each run keep memory flat; they cost 523 ms a cycle"
	e.Recommended = memprof.Recommendation{
		Cleanups: []string{"http-cache", "recreate-page"}, Rules: []string{"http-cache=run", "recreate-page=run"},
		Off: []string{"session-storage", "gc", "cookies", "memory-pressure"}, Flat: true, Rate: about(39_000, 81_000), CostMs: 523,
		Says: "no smaller set is predicted to keep memory flat",
	}
	e.Answers[5].Failed = effect(.21, .12, memprof.Harms)
	e.Interactions = []memprof.Interaction{{Of: []string{"http-cache", "recreate-page"}, Less: effect(220_000, 81_000, memprof.Harms), Says: "both give back some of the same memory"}}
	e.MoreCycles, e.Stopped = 240, "the boundary for success was crossed after 2 of 6 replicates"
	return e
}

// nothingRan is an experiment of which no block was completed.
func nothingRan() memprof.Experiment {
	e := threeTried()
	e.Headline, e.Stopped, e.Advice = "no block was completed: there is nothing to compare", "interrupted in the first block", nil
	e.Baseline, e.Recommended, e.Arms, e.Same, e.Metrics, e.Blocks = memprof.Estimate{}, memprof.Recommendation{}, nil, nil, nil, nil
	e.SmallestVisible, e.MoreCycles = 0, 0
	for i := range e.Answers {
		a := &e.Answers[i]
		*a = memprof.CleanupAnswer{
			Name: a.Name, When: a.When, Verdict: memprof.CannotTell, Saved: unknownEffect(), Level: unknownEffect(), Peak: unknownEffect(),
			Cost: unknownEffect(), Itself: math.NaN(), SavedPerMs: math.NaN(), Fetched: unknownEffect(), Failed: unknownEffect(),
		}
	}
	return e
}

// flatAlready is an experiment in which nothing grows without any cleanup.
func flatAlready() memprof.Experiment {
	e := threeTried()
	e.Headline = "nothing grows: no cleanup is needed"
	e.Baseline = about(4_000, 31_000)
	e.Recommended = memprof.Recommendation{Flat: true, Measured: true, Rate: about(4_000, 31_000), Off: []string{"http-cache", "gc", "cookies"}, Says: "memory is flat without any of them"}
	for i := range e.Answers {
		a := &e.Answers[i]
		a.Verdict, a.Saved, a.MBSaved, a.SavedPerMs, a.MoreCycles = memprof.NoEffect, effect(2_000, 33_000, memprof.NoEffect), about(.002, .033), math.NaN(), 0
		a.Says = "there is nothing to save"
	}
	for i := range e.Metrics {
		e.Metrics[i].Grows = false
	}
	e.Advice, e.MoreCycles = nil, 0
	return e
}

// untrusted is an experiment whose blocks without any cleanup differ; names in it are hostile.
func untrusted() memprof.Experiment {
	e := threeTried()
	e.Same = &memprof.SameCheck{Difference: effect(611_000, 204_000, memprof.Helps), Differs: true, Says: "something else than the cleanups moved memory"}
	e.Headline = "not to be trusted: nothing differs from nothing"
	evil := "x\x1b[2J\u202e<script>alert(1)</script>"
	rename := func(names []string) {
		for i := range names {
			if names[i] == "http-cache" {
				names[i] = evil
			}
		}
	}
	e.Answers[0].Name, e.Answers[0].When, e.Plan.Cleanups[0].Name = evil, "run\x07\u009b", evil
	for i := range e.Blocks {
		rename(e.Blocks[i].On)
	}
	for i := range e.Arms {
		rename(e.Arms[i].On)
	}
	e.Recommended.Cleanups, e.Recommended.Rules = []string{evil}, []string{evil + "='run'"}
	e.Sites = []string{`"><img src=x onerror=alert(1)>`, "sh\x1bop; rm -rf 'x'"}
	e.Answers[1].Did.Error, e.Answers[1].Did.SkippedWhy = "net::ERR </style>\x9b\n<b>", strings.Repeat("long", 60)
	e.Warnings = []string{"one\x1b]0;t\x07", "two", "three", "four"}
	e.Interactions = []memprof.Interaction{{Of: []string{evil, "gc"}, Less: unknownEffect(), Says: "\u202e</td>"}}
	e.Blocks[2].Dropped = evil
	return e
}

// countTried is an experiment in which DOM nodes grow, too few for any memory to show.
func countTried() memprof.Experiment {
	e := threeTried()
	e.Of, e.Unit, e.Baseline, e.Margin, e.SmallestVisible = domNodes, memprof.Count, exactly(12), .2, .4
	e.Headline = "http-cache after each run keeps DOM nodes from growing; it costs 182 ms a cycle"
	for i := range e.Answers {
		e.Answers[i].Saved = memprof.Effect{Estimate: exactly([]float64{12, 0, 0}[i]), P: .001, Adjusted: .003, Verdict: e.Answers[i].Verdict}
		e.Answers[i].MBSaved, e.Answers[i].SavedPerMs, e.Answers[i].On = about(.0012, .0221), math.NaN(), domNodes
	}
	for i := range e.Arms {
		e.Arms[i].Rate = exactly(map[bool]float64{true: 0, false: 12}[e.Arms[i].Flat])
	}
	nodes := 17.0
	for i := range e.Blocks {
		for j := range e.Blocks[i].Cycles {
			nodes += 12
			e.Blocks[i].Cycles[j].Value = nodes
		}
		e.Blocks[i].Rate = exactly(12)
	}
	e.Recommended.Rate, e.Same.Difference.Estimate = exactly(0), exactly(0)
	return e
}

// diskTried is an experiment in which only the profile folder grows.
func diskTried() memprof.Experiment {
	e := threeTried()
	e.Of = memprof.Series{Metric: "profile.bytes"}
	e.Headline = "http-cache after each run keeps the profile folder flat; it costs 182 ms a cycle"
	for i := range e.Answers {
		e.Answers[i].On, e.Answers[i].MBSaved = e.Of, memprof.Estimate{}
	}
	return e
}

// eighteenTried are more than a screen holds, with long names and figures that are not known.
func eighteenTried() memprof.Experiment {
	var cleanups []tried
	arms := [][]int{{}}
	for i := range 18 {
		c := tried{fmt.Sprintf("cleanup-%d", i+1), "run", 900_000 / float64(i+1), float64(10 + 37*(i%7)), 0, memprof.Helps}
		if i > 3 {
			c.verdict = []memprof.EffectVerdict{memprof.NoEffect, memprof.CannotTell}[i%2]
		}
		cleanups = append(cleanups, c)
		arms = append(arms, []int{i})
	}
	cleanups[1].name = "a-cleanup-whose-name-is-far-longer-than-any-column-has-room-for"
	e := comparison(memprof.SchemeOneByOne, true, 6, cleanups, append(arms, []int{}))
	e.Headline = "cleanup-1 saves most, but memory still grows"
	e.Recommended = memprof.Recommendation{Cleanups: []string{"cleanup-1"}, Rules: []string{"cleanup-1=run"}, Rate: memprof.Estimate{}, CostMs: math.NaN(), Says: "no set was found that keeps memory flat"}
	a := &e.Answers[3]
	a.Saved, a.MBSaved, a.Cost, a.SavedPerMs = unknownEffect(), memprof.Estimate{}, unknownEffect(), math.NaN()
	e.Answers[4].Saved.Estimate = memprof.Estimate{Value: math.NaN(), Lo: math.NaN(), Hi: math.Inf(1), Known: true}
	e.Answers[5].Saved.Estimate, e.Answers[5].MBSaved = about(400_000, 90e6), about(.4, 90)
	e.Answers[6].MoreCycles, e.Answers[7].MoreCycles = 0, 0
	return e
}

// experiments are all of them by name.
func experiments() map[string]func() memprof.Experiment {
	return map[string]func() memprof.Experiment{
		"three": threeTried, "eight": eightTried, "nothing-ran": nothingRan, "flat": flatAlready, "untrusted": untrusted,
		"count": countTried, "disk": diskTried, "eighteen": eighteenTried, "empty": func() memprof.Experiment { return memprof.Experiment{} },
	}
}
