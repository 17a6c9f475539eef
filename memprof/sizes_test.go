//go:build !studies

package memprof

// See sizes_study_test.go, which has the numbers of a thorough run.
const (
	leakCycles = 1000
	leakEvery  = 50
	cutEvery   = 7
)
