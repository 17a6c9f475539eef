//go:build !studies

package main

// See sizes_study_test.go, which has the numbers of a thorough run.
const killRounds, killsARound = 1, 4
