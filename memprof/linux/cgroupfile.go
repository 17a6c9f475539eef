package linux

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// unlimited is the least value by which cgroup v1 says that there is no limit.
const unlimited = 1 << 62

// parseLimit reads memory.max or memory.limit_in_bytes; ok is false if there is no limit.
func parseLimit(data []byte) (limit int64, ok bool, err error) {
	text := string(bytes.TrimSpace(data))
	if text == "max" {
		return 0, false, nil
	}
	limit, err = strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, false, fmt.Errorf("parse memory limit: %w", err)
	}
	return limit, limit < unlimited, nil
}

// parseNumber reads a file that holds one number.
func parseNumber(data []byte) (int64, error) {
	return strconv.ParseInt(string(bytes.TrimSpace(data)), 10, 64)
}

// parsePairs reads "name number" lines, such as memory.stat, memory.events and
// memory.oom_control.
func parsePairs(data []byte) (map[string]int64, error) {
	pairs := make(map[string]int64)
	for line := range bytes.Lines(data) {
		name, number, ok := strings.Cut(strings.TrimSpace(string(line)), " ")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		pairs[name] = n
	}
	return pairs, nil
}

// pressure is the "some" line of a pressure file.
type pressure struct {
	// some is the share of the last ten seconds, in percent, in which some task waited.
	some float64
	// stall is the time in which some task waited, in all.
	stall time.Duration
}

// parsePressure reads memory.pressure or /proc/pressure/memory.
func parsePressure(data []byte) (pressure, error) {
	for line := range bytes.Lines(data) {
		rest, ok := strings.CutPrefix(string(line), "some ")
		if !ok {
			continue
		}
		var p pressure
		for _, field := range strings.Fields(rest) {
			key, value, _ := strings.Cut(field, "=")
			var err error
			switch key {
			case "avg10":
				p.some, err = strconv.ParseFloat(value, 64)
			case "total":
				var us int64
				us, err = strconv.ParseInt(value, 10, 64)
				p.stall = time.Duration(us) * time.Microsecond
			}
			if err != nil {
				return pressure{}, fmt.Errorf("parse pressure: %s: %w", key, err)
			}
		}
		return p, nil
	}
	return pressure{}, errors.New("parse pressure: no line begins with some")
}
