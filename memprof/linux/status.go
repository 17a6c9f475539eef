package linux

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// status is what /proc/PID/status tells; memory is in bytes.
type status struct {
	anon, shmem, swap int64
	threads           int
	ppid              int
}

// parseStatus reads /proc/PID/status. A process that has ended and waits for its parent (a
// zombie), or that has given back its memory and is about to end, is memprof.ErrGone.
func parseStatus(data []byte) (status, error) {
	var s status
	found, memory := 0, false
	for line := range bytes.Lines(data) {
		key, rest, _ := bytes.Cut(line, []byte(":"))
		switch string(key) {
		case "State", "PPid", "VmRSS", "RssAnon", "RssShmem", "VmSwap", "Threads":
		default:
			continue // most of some sixty
		}
		value := string(bytes.TrimSpace(rest))
		var err error
		switch string(key) {
		case "State":
			if strings.HasPrefix(value, "Z") || strings.HasPrefix(value, "X") {
				return s, fmt.Errorf("read status of a process: it has ended: %w", memprof.ErrGone)
			}
		case "PPid":
			s.ppid, err = strconv.Atoi(value)
		case "VmRSS":
			memory = true
		case "RssAnon":
			s.anon, err = parseKB(value)
			found++
		case "RssShmem":
			s.shmem, err = parseKB(value)
			found++
		case "VmSwap":
			s.swap, err = parseKB(value)
		case "Threads":
			s.threads, err = strconv.Atoi(value)
		}
		if err != nil {
			return s, fmt.Errorf("parse status: %s: %w", key, err)
		}
	}
	switch {
	case found == 2:
		return s, nil
	case !memory:
		return s, fmt.Errorf("read status of a process: it is about to end: %w", memprof.ErrGone)
	}
	return s, errors.New("parse status: no RssAnon and RssShmem: the kernel is older than 4.5")
}

// parseKB reads "1560 kB" as bytes.
func parseKB(value string) (int64, error) {
	number, ok := strings.CutSuffix(value, " kB")
	if !ok {
		return 0, fmt.Errorf("%q is not in kB", value)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	return n << 10, err
}

// stat is what /proc/PID/stat tells.
type stat struct {
	ppid int
	// started is the start time in clock ticks since boot: with the pid it identifies a process.
	started uint64
}

// parseStat reads /proc/PID/stat. The second field, the name in parentheses, may contain anything.
func parseStat(data []byte) (stat, error) {
	end := bytes.LastIndexByte(data, ')')
	if end < 0 {
		return stat{}, errors.New("parse stat: no name in parentheses")
	}
	fields := strings.Fields(string(data[end+1:]))
	if len(fields) < 20 {
		return stat{}, fmt.Errorf("parse stat: %d fields after the name, want 20", len(fields))
	}
	ppid, err := strconv.Atoi(fields[1])
	if err != nil {
		return stat{}, fmt.Errorf("parse stat: parent: %w", err)
	}
	started, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("parse stat: start time: %w", err)
	}
	return stat{ppid: ppid, started: started}, nil
}

// rollup is what /proc/PID/smaps_rollup tells, in bytes.
type rollup struct{ pss, uss, anonymous int64 }

// parseRollup reads /proc/PID/smaps_rollup.
func parseRollup(data []byte) (rollup, error) {
	var r rollup
	found := 0
	for line := range bytes.Lines(data) {
		key, rest, _ := bytes.Cut(line, []byte(":"))
		var into *int64
		switch string(key) {
		case "Pss":
			into = &r.pss
		case "Private_Clean", "Private_Dirty":
			into = &r.uss
		case "Anonymous":
			into = &r.anonymous
		default:
			continue
		}
		n, err := parseKB(string(bytes.TrimSpace(rest)))
		if err != nil {
			return r, fmt.Errorf("parse smaps_rollup: %s: %w", key, err)
		}
		*into += n
		found++
	}
	if found < 4 {
		return r, errors.New("parse smaps_rollup: Pss, Private_Clean, Private_Dirty or Anonymous is missing")
	}
	return r, nil
}
