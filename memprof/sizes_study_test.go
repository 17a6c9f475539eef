//go:build studies

package memprof

// How many cycles TestTheRecorderDoesNotLeak runs, after how many it looks at the heap, and every
// how many bytes a recording is cut.
const (
	leakCycles = 10_000
	leakEvery  = 500
	cutEvery   = 1
)
