package main

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/ebbworker/ebb/memprof/linux"
)

// limits are those of --memory and --cpus.
func (o diagnoseOptions) limits() (linux.Limits, error) {
	if o.cpus < 0 || math.IsNaN(o.cpus) || math.IsInf(o.cpus, 0) {
		return linux.Limits{}, usageErrorf("--cpus must be a number above 0")
	}
	l := linux.Limits{CPUs: o.cpus}
	if o.memory == "" {
		return l, nil
	}
	bytes, ok := parseMemory(o.memory)
	if !ok {
		return l, usageErrorf("--memory: %q is not a size; write 512m, 2g or 1.5GiB", o.memory)
	}
	l.Memory = bytes
	return l, nil
}

var memoryForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)([kmgt])?(i?b)?$`)

// parseMemory reads a size as container engines write it: units are powers of 1024.
func parseMemory(text string) (bytes int64, ok bool) {
	parts := memoryForm.FindStringSubmatch(strings.ToLower(strings.TrimSpace(text)))
	if parts == nil {
		return 0, false
	}
	number, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return 0, false
	}
	if parts[2] != "" {
		number *= math.Pow(1024, float64(strings.Index("kmgt", parts[2])+1))
	}
	if number < 1 || number > 1<<50 {
		return 0, false
	}
	return int64(number), true
}
