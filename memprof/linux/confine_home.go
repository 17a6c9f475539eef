package linux

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// The controllers that enforce limits.
const (
	memoryController = "memory"
	cpuController    = "cpu"
)

// home is the cgroup that this process is in, in one hierarchy.
type home struct {
	// dir is its folder and mount the hierarchy's, below the root folder, without a leading
	// slash.
	dir, mount string
	v2         bool
	// controllers are those of this hierarchy that are wanted.
	controllers []string
}

func (h home) version() string {
	if h.v2 {
		return kindV2
	}
	return kindV1
}

// top tells whether it is the uppermost cgroup of v2, which may hold processes and limit its
// children at once. The root of a container's own namespace is none: it has a type.
func (h home) top(root fs.FS) bool {
	_, err := fs.Stat(root, h.dir+"/cgroup.type")
	return errors.Is(err, fs.ErrNotExist)
}

// hierarchy is a mounted tree of cgroups.
type hierarchy struct {
	cgroupMount
	controllers []string // of v1
}

// parseHierarchies returns the trees of /proc/PID/mountinfo.
func parseHierarchies(data []byte) []hierarchy {
	var found []hierarchy
	for line := range bytes.Lines(data) {
		before, after, ok := strings.Cut(string(line), " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(rest) < 3 || (rest[0] != "cgroup" && rest[0] != "cgroup2") {
			continue
		}
		found = append(found, hierarchy{
			cgroupMount: cgroupMount{root: unescape(fields[3]), point: unescape(fields[4]), v2: rest[0] == "cgroup2"},
			controllers: strings.Split(rest[len(rest)-1], ","),
		})
	}
	return found
}

// parsePaths returns a process's path by controller, that in the v2 tree under "", from
// /proc/PID/cgroup.
func parsePaths(data []byte) map[string]string {
	paths := make(map[string]string)
	for line := range bytes.Lines(data) {
		fields := strings.SplitN(strings.TrimRight(string(line), "\n"), ":", 3)
		if len(fields) != 3 {
			continue
		}
		for _, controller := range strings.Split(fields[1], ",") {
			paths[controller] = fields[2]
		}
	}
	return paths
}

// findHomes returns the cgroups below which these controllers can limit process pid, which is
// the one that proc/self of root stands for: each in the v1 hierarchy that has it, otherwise in
// the v2 tree.
func findHomes(root fs.FS, pid int, controllers []string) ([]home, error) {
	mountinfo, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("find the cgroup: %w", err)
	}
	membership, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("find the cgroup: %w", err)
	}
	trees, paths := parseHierarchies(mountinfo), parsePaths(membership)
	var homes []home
	for _, controller := range controllers {
		h, err := findHome(root, trees, paths, controller)
		if err != nil {
			return nil, err
		}
		same := slices.IndexFunc(homes, func(other home) bool { return other.dir == h.dir })
		if same < 0 {
			homes = append(homes, h)
			continue
		}
		homes[same].controllers = append(homes[same].controllers, controller)
	}
	for _, h := range homes {
		if err := h.holds(root, pid); err != nil {
			return nil, err
		}
	}
	return homes, nil
}

func findHome(root fs.FS, trees []hierarchy, paths map[string]string, controller string) (home, error) {
	var unified *home
	for _, tree := range trees {
		name, ok := paths[controller]
		if !tree.v2 && ok && slices.Contains(tree.controllers, controller) {
			return home{dir: folder(root, tree.cgroupMount, name), mount: clean(tree.point), controllers: []string{controller}}, nil
		}
		if name, ok := paths[""]; tree.v2 && ok && unified == nil {
			unified = &home{dir: folder(root, tree.cgroupMount, name), mount: clean(tree.point), v2: true, controllers: []string{controller}}
		}
	}
	if unified == nil {
		return home{}, fmt.Errorf("no cgroup hierarchy with the %s controller is mounted: mount one, or run Ebb where systemd or a container engine does so", controller)
	}
	has, err := fs.ReadFile(root, unified.dir+"/cgroup.controllers")
	if err != nil {
		return home{}, fmt.Errorf("read the controllers of the cgroup: %w", err)
	}
	if !slices.Contains(strings.Fields(string(has)), controller) {
		return home{}, missingController(*unified, controller, strings.TrimSpace(string(has)))
	}
	return *unified, nil
}

// holds checks that the folder is the process's own cgroup: that may be one which cannot be seen
// from inside a container.
func (h home) holds(root fs.FS, pid int) error {
	pids, err := readPIDs(root, h.dir)
	if err != nil {
		return err
	}
	if !slices.Contains(pids, pid) {
		return fmt.Errorf("the cgroup of this process cannot be seen from here: /%s does not hold it; give the limits to the container instead", h.dir)
	}
	return nil
}

// readPIDs returns the processes of a cgroup.
func readPIDs(root fs.FS, dir string) ([]int, error) {
	data, err := fs.ReadFile(root, dir+"/cgroup.procs")
	if err != nil {
		return nil, fmt.Errorf("read the processes of a cgroup: %w", err)
	}
	var pids []int
	for _, field := range strings.Fields(string(data)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("parse %s/cgroup.procs: %w", dir, err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}
