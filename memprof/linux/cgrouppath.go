package linux

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The kinds of cgroup hierarchy that the memory controller is found in.
const (
	kindV1     = "v1"
	kindV2     = "v2"
	kindHybrid = "hybrid" // memory is on v1, and a v2 tree is mounted beside it
	kindNone   = "none"
)

var errNoCgroup = errors.New("no memory cgroup is mounted")

// cgroupPath is where the memory cgroup of a process is.
type cgroupPath struct {
	kind string
	// dir is the cgroup's folder and mount the hierarchy's, below the root folder, without a
	// leading slash.
	dir, mount string
	// unified is the cgroup's folder in the v2 tree of a hybrid, "" if there is none.
	unified string
}

// v1 tells whether the files are those of the first version.
func (c cgroupPath) v1() bool { return c.kind != kindV2 }

// ancestors returns the cgroup's folder and those above it, up to the hierarchy's own.
func (c cgroupPath) ancestors() []string {
	dirs := []string{c.dir}
	for dir := c.dir; dir != c.mount; {
		dir = path.Dir(dir)
		dirs = append(dirs, dir)
	}
	return dirs
}

// cgroupMount is one line of /proc/self/mountinfo.
type cgroupMount struct {
	root, point string
	v2, memory  bool
}

// parseMounts returns the cgroup mounts of /proc/PID/mountinfo.
func parseMounts(data []byte) []cgroupMount {
	var mounts []cgroupMount
	for line := range bytes.Lines(data) {
		before, after, ok := strings.Cut(string(line), " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(rest) < 1 {
			continue
		}
		m := cgroupMount{root: unescape(fields[3]), point: unescape(fields[4]), v2: rest[0] == "cgroup2"}
		if rest[0] == "cgroup" && len(rest) >= 3 {
			m.memory = slices.Contains(strings.Split(rest[len(rest)-1], ","), "memory")
		}
		if m.v2 || m.memory {
			mounts = append(mounts, m)
		}
	}
	return mounts
}

// unescape undoes mountinfo's octal escapes.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// parseMembership returns a process's paths in the v1 memory hierarchy and in the v2 one, from
// /proc/PID/cgroup; "" where it is in none.
func parseMembership(data []byte) (v1, v2 string) {
	for line := range bytes.Lines(data) {
		fields := strings.SplitN(strings.TrimRight(string(line), "\n"), ":", 3)
		if len(fields) != 3 {
			continue
		}
		if fields[0] == "0" && fields[1] == "" {
			v2 = fields[2]
		}
		if slices.Contains(strings.Split(fields[1], ","), "memory") {
			v1 = fields[2]
		}
	}
	return v1, v2
}

// findCgroup finds the memory cgroup of this process.
func findCgroup(root fs.FS) (cgroupPath, error) {
	mountinfo, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return cgroupPath{}, fmt.Errorf("find the memory cgroup: %w", err)
	}
	membership, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return cgroupPath{}, fmt.Errorf("find the memory cgroup: %w", err)
	}
	v1, v2 := parseMembership(membership)
	var found, unified cgroupPath
	for _, m := range parseMounts(mountinfo) {
		switch {
		case m.memory && v1 != "" && found.kind == "":
			found = cgroupPath{kind: kindV1, dir: folder(root, m, v1), mount: clean(m.point)}
		case m.v2 && v2 != "" && unified.kind == "":
			unified = cgroupPath{kind: kindV2, dir: folder(root, m, v2), mount: clean(m.point)}
		}
	}
	switch {
	case found.kind != "" && unified.kind != "":
		found.kind, found.unified = kindHybrid, unified.dir
		return found, nil
	case found.kind != "":
		return found, nil
	case unified.kind != "":
		return withMemory(root, unified)
	}
	return cgroupPath{}, errNoCgroup
}

// withMemory climbs to the nearest cgroup that has the memory controller: below it, memory is
// charged to it.
func withMemory(root fs.FS, c cgroupPath) (cgroupPath, error) {
	for _, dir := range c.ancestors() {
		if _, err := fs.Stat(root, dir+"/memory.current"); err == nil {
			c.dir = dir
			return c, nil
		}
	}
	return cgroupPath{}, fmt.Errorf("find the memory cgroup: %w: the process is in the root cgroup, or the memory controller is off", errNoCgroup)
}

// folder returns where a cgroup is below the root folder. A container may see a path from
// outside its own mount: then the mount itself is its cgroup.
func folder(root fs.FS, m cgroupMount, name string) string {
	inside := name
	if m.root != "/" {
		rest, ok := strings.CutPrefix(name, m.root)
		if !ok || (rest != "" && rest[0] != '/') {
			return clean(m.point)
		}
		inside = rest
	}
	if strings.HasPrefix(inside, "/..") {
		return clean(m.point)
	}
	dir := clean(path.Join(m.point, inside))
	if _, err := fs.Stat(root, dir); err != nil {
		return clean(m.point)
	}
	return dir
}

func clean(p string) string { return strings.TrimPrefix(path.Clean(p), "/") }
