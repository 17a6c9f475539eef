//go:build race

package memprof

// See norace_test.go, which has the numbers of a thorough run.
const (
	leakCyclesBefore = 500
	leakCycles       = 1500
	cutEvery         = 7
)
