//go:build studies

package main

// How often the worker is killed.
const killRounds, killsARound = 2, 6
