package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/ebbworker/ebb/memprof"
)

// Cgroup reads the memory cgroup of this process, to which its Chromes belong too.
type Cgroup struct {
	root fs.FS

	mu    sync.Mutex
	found *cgroupPath // once it was found
}

// NewCgroup returns the source of the group "cgroup".
func NewCgroup(o Options) *Cgroup { return &Cgroup{root: o.withDefaults().Root} }

// Name returns "linux/cgroup".
func (c *Cgroup) Name() string { return "linux/cgroup" }

// Read returns current use, the lowest limit from here up (none if there is none) and the count
// of processes killed at the limit; at LevelFull also the peak, the other events, the parts of
// memory.stat and the pressure. A file that this kernel lacks is a gap.
func (c *Cgroup) Read(_ context.Context, q memprof.Request) []memprof.Reading {
	at, err := c.find()
	if err != nil {
		return []memprof.Reading{{Metric: "cgroup.*", Err: err}}
	}
	var v values
	v.number(c.root, "cgroup.current", at.file("memory.current", "memory.usage_in_bytes"))
	limit, limited, err := at.limit(c.root)
	if err != nil || limited {
		v.add("cgroup.limit", float64(limit), err)
	}
	events, err := readPairs(c.root, at.file("memory.events", "memory.oom_control"))
	v.pick("cgroup.oom_kills", events, "oom_kill", err)
	if !isFull(q) {
		return v
	}
	if at.v1() {
		v.number(c.root, "cgroup.max", at.dir+"/memory.failcnt")
	} else {
		v.pick("cgroup.oom", events, "oom", err)
		v.pick("cgroup.max", events, "max", err)
		v.pick("cgroup.high", events, "high", err)
	}
	v.number(c.root, "cgroup.peak", at.file("memory.peak", "memory.max_usage_in_bytes"))
	stat, err := readPairs(c.root, at.dir+"/memory.stat")
	if at.v1() {
		v.pick("cgroup.anon", stat, "total_rss", err)
		v.pick("cgroup.file", stat, "total_cache", err)
		v.pick("cgroup.shmem", stat, "total_shmem", err)
		v.pick("cgroup.swap", stat, "total_swap", err)
	} else {
		v.pick("cgroup.anon", stat, "anon", err)
		v.pick("cgroup.file", stat, "file", err)
		v.pick("cgroup.shmem", stat, "shmem", err)
		v.number(c.root, "cgroup.swap", at.dir+"/memory.swap.current")
	}
	v.pressure(c.root, "cgroup", at.pressureFile())
	return v
}

func (c *Cgroup) find() (cgroupPath, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == nil {
		at, err := findCgroup(c.root)
		if err != nil {
			return cgroupPath{}, err
		}
		c.found = &at
	}
	return *c.found, nil
}

func (c cgroupPath) file(v2, v1 string) string {
	if c.v1() {
		return c.dir + "/" + v1
	}
	return c.dir + "/" + v2
}

// pressureFile returns the cgroup's own; only v2 trees have one.
func (c cgroupPath) pressureFile() string {
	if c.unified != "" {
		return c.unified + "/memory.pressure"
	}
	return c.dir + "/memory.pressure"
}

// limit returns the lowest limit of the cgroup and those above it.
func (c cgroupPath) limit(root fs.FS) (lowest int64, limited bool, err error) {
	read := false
	for _, dir := range c.ancestors() {
		name := dir + "/memory.max"
		if c.v1() {
			name = dir + "/memory.limit_in_bytes"
		}
		data, err := fs.ReadFile(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the root cgroup of v2 has none
		}
		if err != nil {
			return 0, false, fmt.Errorf("read the memory limit: %w", err)
		}
		limit, ok, err := parseLimit(data)
		if err != nil {
			return 0, false, err
		}
		read = true
		if ok && (!limited || limit < lowest) {
			lowest, limited = limit, true
		}
	}
	if !read {
		return 0, false, errors.New("read the memory limit: no such file in the cgroup or above it")
	}
	return lowest, limited, nil
}

func (v *values) number(root fs.FS, metric, file string) {
	data, err := fs.ReadFile(root, file)
	if err != nil {
		v.add(metric, 0, fmt.Errorf("read: %w", err))
		return
	}
	n, err := parseNumber(data)
	if err != nil {
		err = fmt.Errorf("parse %s: %w", file, err)
	}
	v.add(metric, float64(n), err)
}

func (v *values) pick(metric string, pairs map[string]int64, name string, err error) {
	n, ok := pairs[name]
	if err == nil && !ok {
		err = fmt.Errorf("this kernel does not tell %s", name)
	}
	v.add(metric, float64(n), err)
}

// pressure adds the two figures of a pressure file.
func (v *values) pressure(root fs.FS, group, file string) {
	p, err := readPressure(root, file)
	v.add(group+".pressure_some", p.some, err)
	v.add(group+".pressure_stall", p.stall.Seconds(), err)
}

func readPressure(root fs.FS, file string) (pressure, error) {
	data, err := fs.ReadFile(root, file)
	if err != nil {
		return pressure{}, fmt.Errorf("read: %w", err)
	}
	return parsePressure(data)
}

func readPairs(root fs.FS, file string) (map[string]int64, error) {
	data, err := fs.ReadFile(root, file)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	pairs, err := parsePairs(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return pairs, nil
}
