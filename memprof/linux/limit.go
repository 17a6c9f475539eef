package linux

import (
	"errors"
	"fmt"
	"io/fs"
)

// Limit is a memory limit with what counts against it, in bytes.
type Limit struct {
	Bytes, Used int64
	// Is says whose it is, as in "memory of the machine".
	Is string
}

// MemoryLimit returns the limit that leaves the least room: the machine's memory, or the limit of this
// process's cgroup or of one above it. What a cgroup holds of files and has not used lately does not
// count: the kernel drops it first. root is the root folder, nil for the host's.
func MemoryLimit(root fs.FS) (Limit, error) {
	if root == nil {
		root = hostRoot()
	}
	m, err := readMeminfo(root)
	if err != nil {
		return Limit{}, err
	}
	tightest := Limit{Bytes: m.total, Used: m.total - m.available, Is: "memory of the machine"}
	at, err := findCgroup(root)
	if errors.Is(err, errNoCgroup) {
		return tightest, nil
	}
	if err != nil {
		return Limit{}, err
	}
	for _, dir := range at.ancestors() {
		l, limited, err := cgroupPath{kind: at.kind, dir: dir, mount: dir}.room(root)
		if err != nil {
			return Limit{}, err
		}
		if limited && l.Bytes-l.Used < tightest.Bytes-tightest.Used {
			tightest = l
		}
	}
	return tightest, nil
}

// room reads the limit and the use of one cgroup, without those above it.
func (c cgroupPath) room(root fs.FS) (l Limit, limited bool, err error) {
	data, err := fs.ReadFile(root, c.file("memory.max", "memory.limit_in_bytes"))
	if errors.Is(err, fs.ErrNotExist) {
		return l, false, nil // the root cgroup of v2 has none
	}
	if err != nil {
		return l, false, fmt.Errorf("read the memory limit: %w", err)
	}
	bytes, limited, err := parseLimit(data)
	if err != nil || !limited {
		return l, false, err
	}
	if data, err = fs.ReadFile(root, c.file("memory.current", "memory.usage_in_bytes")); err != nil {
		return l, false, fmt.Errorf("read the memory in use: %w", err)
	}
	used, err := parseNumber(data)
	if err != nil {
		return l, false, fmt.Errorf("read the memory in use: %w", err)
	}
	if stat, err := readPairs(root, c.dir+"/memory.stat"); err == nil {
		used -= stat[c.stat("inactive_file")]
	}
	return Limit{Bytes: bytes, Used: max(used, 0), Is: "of the cgroup"}, true, nil
}

// stat is the name of a figure in memory.stat that holds what is below the cgroup too.
func (c cgroupPath) stat(name string) string {
	if c.v1() {
		return "total_" + name
	}
	return name
}
