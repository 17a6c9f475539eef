package report

import (
	"time"

	"github.com/ebbworker/ebb/memprof"
)

// recorded is one of the two recordings of the fixtures.
func recorded(v memprof.Verdict, cause memprof.Cause, day int) memprof.ComparedRun {
	return memprof.ComparedRun{
		Verdict: v, Cause: cause, Headline: "what it says", Rate: rateOf(anonChrome, about(1_142_000, 41_000)), Judged: 25,
		Started: began.AddDate(0, 0, day), Duration: 5 * time.Minute, Sites: []string{"news", "shop"}, Ebb: "v0.3.0", Browser: "HeadlessChrome/156.0.7000.1",
		Host: memprof.HostInfo{CPUs: 4, Memory: 16_000_000_000}, Profiling: "full", Control: "found",
		Measuring: 182 * time.Millisecond, MeasuringShare: .0165, Collections: 125, Peak: 183e6,
	}
}

// grew is a metric whose growth differs.
func grew(s memprof.Series, headline bool, before, after memprof.Estimate, v memprof.ChangeVerdict) memprof.RateChange {
	verdict := func(e memprof.Estimate) memprof.Verdict {
		if e.Lo > 0 {
			return memprof.Leak
		}
		return memprof.Stable
	}
	margin := 262_144.0
	if unitOf(s) == memprof.Count {
		margin = .4
	}
	side := func(e memprof.Estimate, noise float64) memprof.RateSide {
		list := values(25, 80e6, e.Value, noise)
		return memprof.RateSide{Verdict: verdict(e), Shape: memprof.Linear, Rate: e, SmallestVisible: 52_000, First: *list[0], Last: *list[24], Values: list}
	}
	d := memprof.Estimate{Value: after.Value - before.Value, Lo: after.Lo - before.Hi, Hi: after.Hi - before.Lo, Known: true}
	return memprof.RateChange{
		Metric: s, Unit: unitOf(s), Headline: headline, Before: side(before, 9e4), After: side(after, 8e4), Difference: d, P: .001, Adjusted: .004, Verdict: v, Margin: margin,
	}
}

func level(name string, s memprof.Series, unit memprof.Unit, before, after, half float64, v memprof.ChangeVerdict) memprof.Change {
	percent := 100 * (after - before) / before
	return memprof.Change{
		Name: name, Metric: s, Unit: unit, Before: about(before, half*before), After: about(after, half*after), Difference: about(after-before, half*before),
		Percent: about(percent, 100*half), P: .2, Adjusted: .3, Verdict: v,
	}
}

// mended compares a leak with what is left of it.
func mended() memprof.Comparison {
	c := memprof.Comparison{
		Schema: memprof.ComparisonSchema, Headline: "3 of 5 checks pass, none fails. Cannot tell: speed not hurt, profiling can be off.",
		Advice: []string{"record both again with twice as many cycles, on a quiet machine: ebb diagnose --cycles 50"},
		Checks: []memprof.Check{
			{
				Name: memprof.CheckGrowth, Title: "growth rate reduced", State: memprof.CheckPass, Says: "Chrome's memory: 1.14 MB a cycle before, 4000 bytes after",
				Figures: []memprof.CheckFigure{{Name: "rate before", Unit: memprof.Bytes, Value: about(1_142_000, 41_000)}, {Name: "difference", Unit: memprof.Bytes, Value: about(-1_138_000, 45_000)}},
			},
			{Name: memprof.CheckNewLeak, Title: "no new leaks", State: memprof.CheckPass, Says: "none of 37 metrics leaks that did not before"},
			{Name: memprof.CheckSpeed, Title: "speed not hurt", State: memprof.CheckCannotTell, Says: "cycle's work +2.1 % (-3.0 to +7.4), scrape +1.9 % (-3.3 to +7.3): more than 5 % slower is not ruled out"},
			{Name: memprof.CheckCycles, Title: "holds over 20+ cycles", State: memprof.CheckPass, Says: "over 25 cycles memory is flat: no growth above 31.0 KB a cycle"},
			{
				Name: memprof.CheckProfiling, Title: "profiling can be off", State: memprof.CheckCannotTell, Says: "after is a diagnosis",
				Figures: []memprof.CheckFigure{{Name: "share of time", Unit: memprof.Percent, Value: exactly(1.65)}},
			},
		},
		Before: recorded(memprof.Leak, memprof.CauseJSHeap, 0), After: recorded(memprof.Stable, memprof.CauseNone, 1),
		Rates: []memprof.RateChange{
			grew(anonChrome, true, about(1_142_000, 41_000), about(4_000, 24_000), memprof.Reduced),
			grew(domNodes, false, exactly(12), exactly(0), memprof.Reduced),
			grew(anonWorker, true, about(3_000, 40_000), about(4_000, 40_000), memprof.Unchanged),
		},
		Levels: []memprof.Change{
			level("Chrome's memory", anonChrome, memprof.Bytes, 96e6, 81e6, .02, memprof.Reduced),
			level("Chrome's peak", anonChrome, memprof.Bytes, 176e6, 162e6, .02, memprof.Reduced),
		},
		Durations: []memprof.Change{
			level(memprof.WorkingCycle, memprof.Series{}, memprof.Seconds, 8.1, 8.27, .05, memprof.Undecided),
			level("scrape", memprof.Series{}, memprof.Seconds, 8, 8.15, .05, memprof.Undecided),
			level("cleanup", memprof.Series{}, memprof.Seconds, .1, .1, .01, memprof.Unchanged),
		},
		Work: []memprof.Change{
			{Name: "pages", Unit: memprof.Count, Before: exactly(12), After: exactly(12), Difference: exactly(0), Percent: exactly(0), P: 1, Adjusted: 1, Verdict: memprof.Unchanged},
			{Name: "failed pages", Unit: memprof.Count, Before: exactly(0), After: about(.4, .2), Difference: about(.4, .2), P: .01, Adjusted: .03, Verdict: memprof.Increased},
		},
		Unlike:   []memprof.Unlike{{What: "Chrome", Before: "HeadlessChrome/156.0.7000.1", After: "HeadlessChrome/157.0.1.0"}},
		Warnings: []string{"before: 2 other Chromes ran on this host in cycles 4 to 6"},
	}
	for i := range 12 {
		s := memprof.Series{Metric: "profile.bytes", Group: string(rune('a' + i))}
		c.Rates = append(c.Rates, grew(s, false, about(0, 500), about(10, 500), memprof.Unchanged))
	}
	c.Rates[0].Before.Values[7], c.After.Regular = nil, true
	return c
}

// worsened fails, and holds hostile text.
func worsened() memprof.Comparison {
	c := mended()
	c.Headline = "Not verified. It fails: no new leaks."
	c.Checks[1].State, c.Checks[1].Says = memprof.CheckFail, "</td><script>alert(1)</script> leaks\x1b[2J"
	c.Rates[1] = grew(domNodes, false, exactly(0), exactly(12), memprof.Increased)
	c.After.Sites = []string{"sh\x1b[2Jop\u202e", "<script>alert(1)</script>"}
	c.Unlike[0].After = `"><img src=x>` + "\u009b"
	c.Warnings = append(c.Warnings, "two", "three\x07", "four", "five\nlines")
	return c
}

// comparisons are all of them by name.
func comparisons() map[string]func() memprof.Comparison {
	return map[string]func() memprof.Comparison{
		"mended": mended, "worsened": worsened, "nothing": func() memprof.Comparison { return memprof.Comparison{} },
	}
}
