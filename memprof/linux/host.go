package linux

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// Host reads what the whole machine does: factors from outside that can explain a change.
type Host struct{ root fs.FS }

// NewHost returns the source of the group "host".
func NewHost(o Options) *Host { return &Host{root: o.withDefaults().Root} }

// Name returns "linux/host".
func (h *Host) Name() string { return "linux/host" }

// Read returns the machine's memory, swap, load and pressure, at LevelFull only.
func (h *Host) Read(_ context.Context, q memprof.Request) []memprof.Reading {
	if !isFull(q) {
		return nil
	}
	var v values
	m, err := readMeminfo(h.root)
	v.add("host.memory", float64(m.total), err)
	v.add("host.available", float64(m.available), err)
	v.add("host.swap_used", float64(m.swapTotal-m.swapFree), err)
	load, err := readLoad(h.root)
	v.add("host.load", load, err)
	v.swap(h.root)
	v.pressure(h.root, "host", "proc/pressure/memory")
	v.some(h.root, "host.cpu_pressure_some", "proc/pressure/cpu")
	v.some(h.root, "host.io_pressure_some", "proc/pressure/io")
	return v
}

// swap adds what was read from swap and written to it since the machine started.
func (v *values) swap(root fs.FS) {
	pairs, err := readPairs(root, "proc/vmstat")
	for name, pages := range pairs {
		pairs[name] = pages * int64(os.Getpagesize())
	}
	v.pick("host.swap_in", pairs, "pswpin", err)
	v.pick("host.swap_out", pairs, "pswpout", err)
}

// some adds the share of time in which some task waited.
func (v *values) some(root fs.FS, metric, file string) {
	p, err := readPressure(root, file)
	v.add(metric, p.some, err)
}

// meminfo is what /proc/meminfo tells, in bytes.
type meminfo struct{ total, available, swapTotal, swapFree int64 }

func readMeminfo(root fs.FS) (meminfo, error) {
	data, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return meminfo{}, fmt.Errorf("read the machine's memory: %w", err)
	}
	return parseMeminfo(data)
}

func parseMeminfo(data []byte) (meminfo, error) {
	var m meminfo
	found := 0
	for line := range bytes.Lines(data) {
		key, rest, _ := bytes.Cut(line, []byte(":"))
		var into *int64
		switch string(key) {
		case "MemTotal":
			into = &m.total
		case "MemAvailable":
			into = &m.available
		case "SwapTotal":
			into = &m.swapTotal
		case "SwapFree":
			into = &m.swapFree
		default:
			continue
		}
		n, err := parseKB(string(bytes.TrimSpace(rest)))
		if err != nil {
			return m, fmt.Errorf("parse meminfo: %s: %w", key, err)
		}
		*into = n
		found++
	}
	if found != 4 {
		return m, errors.New("parse meminfo: MemTotal, MemAvailable, SwapTotal or SwapFree is missing")
	}
	return m, nil
}

func readLoad(root fs.FS) (float64, error) {
	data, err := fs.ReadFile(root, "proc/loadavg")
	if err != nil {
		return 0, fmt.Errorf("read the load: %w", err)
	}
	first, _, _ := strings.Cut(string(data), " ")
	load, err := strconv.ParseFloat(strings.TrimSpace(first), 64)
	if err != nil {
		return 0, fmt.Errorf("parse loadavg: %w", err)
	}
	return load, nil
}

// HostInfo describes the machine and this process's cgroup for a recording's manifest. root is
// the root folder, nil for the host's. What could not be read is left empty, and the error says
// why; the rest is valid.
func HostInfo(root fs.FS) (memprof.HostInfo, error) {
	if root == nil {
		root = hostRoot()
	}
	info := memprof.HostInfo{CPUs: runtime.NumCPU(), Cgroup: kindNone}
	release, kernelErr := fs.ReadFile(root, "proc/sys/kernel/osrelease")
	info.Kernel = strings.TrimSpace(string(release))
	m, memoryErr := readMeminfo(root)
	info.Memory = m.total
	at, cgroupErr := findCgroup(root)
	if errors.Is(cgroupErr, errNoCgroup) {
		cgroupErr = nil // "none" says so
	} else if cgroupErr == nil {
		info.Cgroup = at.kind
		info.CgroupLimit, _, cgroupErr = at.limit(root)
	}
	return info, errors.Join(kernelErr, memoryErr, cgroupErr)
}
