//go:build race

package study

// Under the race detector only that the workers do not meet is of interest.
const (
	reps     = 5
	leakReps = 5

	extendedSeries = 50
	trialReps      = 2
)
