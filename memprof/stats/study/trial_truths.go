package study

import "github.com/ebbworker/ebb/memprof/stats"

// demo is the trial of three factors of which one helps, one does nothing and one harms.
var demo = []float64{1.5, 0, -1.5}

// TrialTruths are all kinds of trials.
var TrialTruths = []TrialTruth{
	{Name: "nothing has an effect, rho 0.0", Replicates: 2, Cycles: 6, Removes: []float64{0, 0, 0}, Warm: true},
	{Name: "nothing has an effect, rho 0.3", Replicates: 2, Cycles: 6, Removes: []float64{0, 0, 0}, Warm: true, Rho: .3},
	{Name: "nothing has an effect, rho 0.6", Replicates: 2, Cycles: 6, Removes: []float64{0, 0, 0}, Warm: true, Rho: .6},
	{Name: "nothing has an effect, fresh, rho 0.0", Replicates: 2, Cycles: 6, Wash: 3, Fresh: true, Removes: []float64{0, 0, 0}, Warm: true, Tau: .05},
	{Name: "nothing has an effect, fresh, rho 0.3", Replicates: 2, Cycles: 6, Wash: 3, Fresh: true, Removes: []float64{0, 0, 0}, Warm: true, Rho: .3, Tau: .05},
	{Name: "nothing has an effect, fresh, rho 0.6", Replicates: 2, Cycles: 6, Wash: 3, Fresh: true, Removes: []float64{0, 0, 0}, Warm: true, Rho: .6, Tau: .05},

	{Name: "one pair of the same, rho 0.0", Pair: true, Replicates: 1, Cycles: 6, Removes: []float64{0}, Warm: true},
	{Name: "one pair of the same, rho 0.6", Pair: true, Replicates: 1, Cycles: 6, Removes: []float64{0}, Warm: true, Rho: .6},
	{Name: "one pair of the same, fresh, rho 0.6", Pair: true, Replicates: 1, Cycles: 6, Fresh: true, Removes: []float64{0}, Warm: true, Rho: .6, Tau: .05},
	{Name: "three pairs of the same, rho 0.6", Pair: true, Replicates: 3, Cycles: 3, Removes: []float64{0}, Warm: true, Rho: .6},
	{Name: "three pairs of the same, fresh, rho 0.3", Pair: true, Replicates: 3, Cycles: 3, Fresh: true, Removes: []float64{0}, Warm: true, Rho: .3, Tau: .05},

	{Name: "1 of 3 helps, 1 harms, 30 cycles", Replicates: 2, Cycles: 3, Removes: demo, Rho: .3, Margin: .5, Right: 95},
	{Name: "same, rho 0.6", Replicates: 2, Cycles: 3, Removes: demo, Rho: .6, Margin: .5, Right: 95},
	{Name: "same, resetting", Replicates: 2, Cycles: 3, Removes: demo, Resets: true, Rho: .3, Margin: .5, Right: 95},
	{Name: "same, warm-up", Replicates: 2, Cycles: 3, Removes: demo, Resets: true, Warm: true, Rho: .3, Margin: .5, Right: 90},
	{Name: "same, margin 0.25", Replicates: 2, Cycles: 3, Removes: demo, Rho: .3, Margin: .25},
	{Name: "same, margin 0.25, 50 cycles", Replicates: 2, Cycles: 5, Removes: demo, Rho: .3, Margin: .25, Right: 95},
	{Name: "same, margin 0.25, 60 cycles", Replicates: 2, Cycles: 6, Removes: demo, Rho: .3, Margin: .25, Right: 95},
	{Name: "same, margin 0.25, 60 cycles, fresh", Replicates: 2, Cycles: 6, Fresh: true, Removes: demo, Rho: .3, Tau: .05, Margin: .25, Right: 95},

	{Name: "1 factor, permanent", Replicates: 4, Cycles: 6, Removes: []float64{.3}, Rho: .3},
	{Name: "2 factors, resetting", Replicates: 3, Cycles: 8, Removes: []float64{.3, 0}, Resets: true, Rho: .3},
	{Name: "2 factors, factorial, fresh", Scheme: stats.Factorial, Replicates: 3, Cycles: 8, Wash: 3, Fresh: true, Removes: []float64{.3, 0}, Rho: .3, Tau: .05, Warm: true},
	{Name: "3 factors, leave one out", Scheme: stats.LeaveOneOut, Replicates: 3, Cycles: 6, Removes: []float64{.3, 0, -.3}, Resets: true, Rho: .3},
	{Name: "3 factors, factorial", Scheme: stats.Factorial, Replicates: 2, Cycles: 6, Removes: []float64{.3, 0, -.3}, Resets: true, Rho: .6},
	{Name: "4 factors, factorial", Scheme: stats.Factorial, Replicates: 2, Cycles: 6, Removes: []float64{.3, 0, 0, -.3}, Rho: .3},
	{Name: "4 factors, factorial, one replicate", Scheme: stats.Factorial, Replicates: 1, Cycles: 8, Removes: []float64{.3, 0, 0, -.3}, Rho: .3},
	{Name: "8 factors, factorial", Scheme: stats.Factorial, Replicates: 2, Cycles: 5, Removes: []float64{.3, 0, 0, 0, .3, 0, 0, -.3}, Resets: true, Rho: .3},
	{Name: "8 factors, factorial, fresh", Scheme: stats.Factorial, Replicates: 2, Cycles: 7, Wash: 3, Fresh: true, Removes: []float64{.3, 0, 0, 0, .3, 0, 0, -.3}, Rho: .3, Tau: .05, Warm: true},
	{Name: "2 redundant factors, factorial", Scheme: stats.Factorial, Replicates: 3, Cycles: 6, Removes: []float64{1, 1}, Redundant: true, Rho: .3},
	{Name: "2 redundant of 3, factorial, fresh", Scheme: stats.Factorial, Replicates: 2, Cycles: 6, Fresh: true, Removes: []float64{1, 1, 0}, Redundant: true, Rho: .3, Tau: .05},

	{Name: "level, 3 factors, transient", Of: stats.Level, Replicates: 3, Cycles: 4, Lowers: []float64{.5, 0, -.5}, Rho: .3, Tau: .05},
	{Name: "level, 4 factors, factorial, fresh", Of: stats.Level, Scheme: stats.Factorial, Replicates: 2, Cycles: 4, Fresh: true, Lowers: []float64{.5, 0, 0, -.5}, Rho: .3, Tau: .05, Warm: true},
	{Name: "ratio, 3 factors", Of: stats.Ratio, Replicates: 3, Cycles: 4, Lowers: []float64{.2, 0, -.2}, Rho: .3},

	{Name: "5 planned looks, nothing has an effect", Looks: 5, Replicates: 5, Cycles: 5, Removes: []float64{0, 0, 0}, Rho: .3},
	{Name: "5 planned looks, fresh", Looks: 5, Fresh: true, Replicates: 5, Cycles: 5, Removes: []float64{0, .3, 0}, Rho: .3, Tau: .05},
	{Name: "open looks, nothing has an effect", Open: true, Replicates: 5, Cycles: 5, Removes: []float64{0, 0, 0}, Rho: .3},
}
