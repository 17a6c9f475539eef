// Package stats judges plain slices of numbers by robust statistics; it never prints.
//
// [Judge] reads one value per cycle (NaN where a reading is missing) and says how fast the series
// grows, with a 95 % interval, in which shape, and whether that is a leak. The rate is the slope
// of a regression with autocorrelated noise whose autocorrelation is not estimated but averaged
// over, together with an exponential warm-up; the shape is a comparison of seven families of curves by
// their posterior probabilities. A practical threshold ([Options].Delta) decides what counts as growth:
// a clean browser still grows a little at its thirtieth cycle, so "more than nothing" would accuse
// every one of them.
//
// [AnalyseTrial] compares what factors that are switched on and off in blocks of cycles do to growth, to
// levels and to durations; [TrialPlan] says before what a trial can show.
//
// The parts can be used alone: [OLS], [NeweyWest], [TheilSen], [MannKendall], [HamedRao], [AR1],
// [Trend] and [MeanRate]. Warnings travel with results; nothing is logged. No result holds NaN or
// an infinity: an interval that nothing bounds ends at ±math.MaxFloat64 (see [Interval.Open]).
//
// The seeded studies behind the constants are in memprof/stats/study.
package stats
