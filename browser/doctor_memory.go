package browser

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// memoryLimit returns the memory that this process and its children may use, in bytes:
// the least of the machine's and of the limits of its cgroup and all those above it,
// version 1 and 2. root is put before /proc and /sys.
func memoryLimit(root string) (uint64, error) {
	limit, err := machineMemory(root)
	if err != nil {
		return 0, err
	}
	groups, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if errors.Is(err, fs.ErrNotExist) {
		return limit, nil // a kernel without cgroups
	}
	if err != nil {
		return 0, fmt.Errorf("read the memory limit: %w", err)
	}
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		mount, file := "", ""
		switch {
		case parts[1] == "":
			mount, file = "sys/fs/cgroup", "memory.max"
		case strings.Contains(","+parts[1]+",", ",memory,"):
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		// In a container the path may be the host's, which is not mounted here: the
		// folders that do not exist are passed over, the mount point itself counts.
		for dir := path.Clean("/" + parts[2]); ; dir = path.Dir(dir) {
			n, err := readLimit(filepath.Join(root, mount, dir, file))
			if err != nil {
				return 0, err
			}
			limit = min(limit, n)
			if dir == "/" {
				break
			}
		}
	}
	return limit, nil
}

// noLimit is what a cgroup without a limit comes to.
const noLimit = ^uint64(0)

func readLimit(file string) (uint64, error) {
	b, err := os.ReadFile(file)
	text := strings.TrimSpace(string(b))
	switch {
	case errors.Is(err, fs.ErrNotExist) || text == "max":
		return noLimit, nil
	case err != nil:
		return 0, fmt.Errorf("read the memory limit: %w", err)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the memory limit: %s: %w", file, err)
	}
	return n, nil
}

func machineMemory(root string) (uint64, error) {
	b, err := os.ReadFile(filepath.Join(root, "proc/meminfo"))
	if err != nil {
		return 0, fmt.Errorf("read the machine's memory: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			kib, err := strconv.ParseUint(f[1], 10, 54)
			if err != nil {
				return 0, fmt.Errorf("read the machine's memory: %w", err)
			}
			return kib << 10, nil
		}
	}
	return 0, errors.New("read the machine's memory: there is no MemTotal in /proc/meminfo")
}
