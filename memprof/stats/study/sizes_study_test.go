//go:build studies

package study

// The size of the study: the limits are meant for 500 series each.
const (
	reps     = 500
	leakReps = 500

	extendedSeries = 150
	trialReps      = 250
)
