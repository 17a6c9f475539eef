package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
)

// Room is how much memory the kernel lets this process and its children have together.
type Room struct {
	// Limit is the lowest limit in bytes of the cgroup of this process and those above it: memory.max,
	// memory.high (above which the kernel slows down) or, on version 1, memory.limit_in_bytes. Default: 0,
	// there is none. By names it: "cgroup v1 limit", "cgroup v2 memory.high".
	Limit int64
	By    string
	// Memory is the machine's, in bytes, and Available the part of it that can be had without swapping.
	Memory, Available int64

	root fs.FS
	own  *cgroupPath // nil where there is no memory cgroup
	dir  string      // the cgroup that has the limit
}

// ReadRoom reads it. root is the root folder, nil for the host's. The error says what could not be read;
// the rest is valid.
func ReadRoom(root fs.FS) (Room, error) {
	if root == nil {
		root = hostRoot()
	}
	r := Room{root: root}
	m, memoryErr := readMeminfo(root)
	r.Memory, r.Available = m.total, m.available
	at, err := findCgroup(root)
	switch {
	case errors.Is(err, errNoCgroup):
		err = nil
	case err == nil:
		r.own = &at
		err = r.readLimits()
	}
	return r, errors.Join(memoryErr, err)
}

// limitFiles are the files of a cgroup that may hold a limit, and what the limit is called.
var limitFiles = map[bool][][2]string{
	true:  {{"memory.limit_in_bytes", "cgroup v1 limit"}},
	false: {{"memory.max", "cgroup v2 memory.max"}, {"memory.high", "cgroup v2 memory.high"}},
}

func (r *Room) readLimits() error {
	read := false
	for _, dir := range r.own.ancestors() {
		for _, file := range limitFiles[r.own.v1()] {
			data, err := fs.ReadFile(r.root, dir+"/"+file[0])
			if errors.Is(err, fs.ErrNotExist) {
				continue // the root cgroup of v2 has none
			}
			if err != nil {
				return fmt.Errorf("read the memory limit: %w", err)
			}
			limit, ok, err := parseLimit(data)
			if err != nil {
				return fmt.Errorf("/%s/%s: %w", dir, file[0], err)
			}
			read = true
			if ok && (r.Memory == 0 || limit < r.Memory) && (r.Limit == 0 || limit < r.Limit) {
				r.Limit, r.By, r.dir = limit, file[1], dir
			}
		}
	}
	if !read {
		return errors.New("read the memory limit: no such file in the cgroup or above it")
	}
	return nil
}

// Used reads the anonymous and shared memory in bytes of all processes in the cgroup that has the limit,
// those of others included. Page cache is left out: the kernel drops it before it kills.
func (r Room) Used() (int64, error) {
	if r.dir == "" {
		return 0, errors.New("read what the cgroup uses: no cgroup has a limit")
	}
	pairs, err := readPairs(r.root, r.dir+"/memory.stat")
	if err != nil {
		return 0, fmt.Errorf("read what the cgroup uses: %w", err)
	}
	names := [2]string{"anon", "shmem"}
	if r.own.v1() {
		names = [2]string{"total_rss", "total_shmem"}
	}
	sum := int64(0)
	for _, name := range names {
		bytes, ok := pairs[name]
		if !ok {
			return 0, fmt.Errorf("read what the cgroup uses: this kernel does not tell %s", name)
		}
		sum += bytes
	}
	return sum, nil
}

// Pressure is the share of the last 10 s, in percent, in which some task waited for memory: of the cgroup,
// or of the machine where the cgroup does not tell. The error says that neither does.
func (r Room) Pressure() (float64, error) {
	if r.own != nil {
		if p, err := readPressure(r.root, r.own.pressureFile()); err == nil {
			return p.some, nil
		}
	}
	p, err := readPressure(r.root, "proc/pressure/memory")
	if err != nil {
		return 0, fmt.Errorf("read the pressure on memory: %w", err)
	}
	return p.some, nil
}

// LoadPerCPU is the load average of the last minute by processor.
func (r Room) LoadPerCPU() (float64, error) {
	load, err := readLoad(r.root)
	return load / float64(runtime.NumCPU()), err
}
