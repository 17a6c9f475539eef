package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// allows checks that neither this cgroup nor one above it has a lower limit, by which what is
// asked for would never be reached.
func (h home) allows(root fs.FS, l Limits) error {
	for _, dir := range (cgroupPath{dir: h.dir, mount: h.mount}).ancestors() {
		memory, limited, err := h.memory(root, dir)
		if err != nil {
			return err
		}
		if limited && memory < l.Memory {
			return fmt.Errorf("a memory limit of %s cannot be reached: the cgroup /%s allows %s", inWords(l.Memory), dir, inWords(memory))
		}
		cpus, limited, err := h.cpus(root, dir)
		if err != nil {
			return err
		}
		if limited && cpus < l.CPUs {
			return fmt.Errorf("a limit of %s cannot be reached: the cgroup /%s allows %s", cpusInWords(l.CPUs), dir, cpusInWords(cpus))
		}
	}
	return nil
}

// memory returns a cgroup's own memory limit in bytes; it has none where the file is missing.
func (h home) memory(root fs.FS, dir string) (limit int64, limited bool, err error) {
	name := dir + "/memory.limit_in_bytes"
	if h.v2 {
		name = dir + "/memory.max"
	}
	data, err := fs.ReadFile(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read the memory limit: %w", err)
	}
	return parseLimit(data)
}

// cpus returns how many processors' time a cgroup may use; it has no limit where the file is
// missing.
func (h home) cpus(root fs.FS, dir string) (cpus float64, limited bool, err error) {
	names := []string{dir + "/cpu.cfs_quota_us", dir + "/cpu.cfs_period_us"}
	if h.v2 {
		names = []string{dir + "/cpu.max"}
	}
	var text []string
	for _, name := range names {
		data, err := fs.ReadFile(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			return 0, false, nil
		}
		if err != nil {
			return 0, false, fmt.Errorf("read the CPU limit: %w", err)
		}
		text = append(text, string(data))
	}
	return parseQuota(strings.Join(text, " "))
}

// parseQuota reads "QUOTA PERIOD" in microseconds, as in cpu.max; a quota of "max" or -1 is no
// limit.
func parseQuota(text string) (cpus float64, limited bool, err error) {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return 0, false, fmt.Errorf("parse CPU limit: %q is not a quota and a period", text)
	}
	if fields[0] == "max" || fields[0] == "-1" {
		return 0, false, nil
	}
	quota, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return 0, false, fmt.Errorf("parse CPU quota: %w", err)
	}
	period, err := strconv.ParseFloat(fields[1], 64)
	if err != nil || period <= 0 {
		return 0, false, fmt.Errorf("parse CPU period: %q is none", fields[1])
	}
	return quota / period, true, nil
}
