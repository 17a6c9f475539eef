//go:build !studies

package study

// So few series show that the study runs, and that its workers do not meet; what it holds to its limits has the tag
// studies.
const (
	reps     = 5
	leakReps = 5

	extendedSeries = 50
	trialReps      = 2
)
