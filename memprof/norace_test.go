//go:build !race

package memprof

// How long TestTheRecorderDoesNotLeak runs, and every how many bytes a recording is cut.
const (
	leakCyclesBefore = 1000
	leakCycles       = 10_000
	cutEvery         = 1
)
