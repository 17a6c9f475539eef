package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// confiner makes and removes cgroups for one process.
type confiner struct {
	root  string // the root folder
	files cgroupFiles
	pid   int
	cpus  int // of the machine
}

func (c confiner) fs() fs.FS                   { return os.DirFS(c.root) }
func (c confiner) path(parts ...string) string { return filepath.Join(c.root, filepath.Join(parts...)) }

// cell is a cgroup of our own in one hierarchy.
type cell struct {
	home home
	name string // its folder is home.dir/name
	// inside tells whether the process is in it.
	inside bool
	// enabled are the controllers that home did not have turned on for its children before.
	enabled []string
	// siblings are the cgroups that were there when they were turned on: these need none.
	siblings []string
}

func (g *cell) dir() string { return g.home.dir + "/" + g.name }

func (c confiner) confine(ctx context.Context, l Limits) (*Confinement, error) {
	root := c.fs()
	host, _ := readMeminfo(root) // unknown, it forbids nothing
	err := errors.Join(ctx.Err(), l.check(c.cpus, host.total))
	if err != nil {
		return nil, fmt.Errorf("confine this process: %w", err)
	}
	homes, err := findHomes(root, c.pid, l.controllers())
	if err != nil {
		return nil, fmt.Errorf("confine this process: %w", err)
	}
	made := &Confinement{limits: l, by: c, kinds: kinds(homes)}
	for _, h := range homes {
		if err := c.enter(made, h); err != nil {
			return nil, errors.Join(fmt.Errorf("confine this process: %w", h.explain(err, l)), made.Release(context.WithoutCancel(ctx)))
		}
	}
	return made, nil
}

// kinds returns "v1", "v2" or "v1 and v2".
func kinds(homes []home) string {
	var versions []string
	for _, h := range homes {
		versions = append(versions, h.version())
	}
	slices.Sort(versions)
	return strings.Join(slices.Compact(versions), " and ")
}

// enter makes the cell below one home and moves the process into it. On v2 that comes before
// its controllers are turned on, as the kernel turns none on where there are processes.
func (c confiner) enter(made *Confinement, h home) error {
	root := c.fs()
	if err := h.allows(root, made.limits); err != nil {
		return err
	}
	c.removeLeft(h)
	if h.v2 && !h.top(root) {
		if err := c.alone(h); err != nil {
			return err
		}
	}
	g, err := c.create(h)
	if err != nil {
		return err
	}
	made.cells = append(made.cells, g)
	if err := c.files.Write(c.path(g.dir(), "cgroup.procs"), strconv.Itoa(c.pid)); err != nil {
		return fmt.Errorf("move into the cgroup: %w", err)
	}
	g.inside = true
	if err := c.enable(g); err != nil {
		return err
	}
	return c.limit(g, made.limits)
}

// create makes the cell under the first free name.
func (c confiner) create(h home) (*cell, error) {
	for n := 1; ; n++ {
		g := &cell{home: h, name: fmt.Sprintf("ebb-%d-%d", c.pid, n)}
		err := c.files.Mkdir(c.path(g.dir()))
		if err == nil {
			return g, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make a cgroup: %w", err)
		}
	}
}

// alone checks that no other process is in the cgroup.
func (c confiner) alone(h home) error {
	pids, err := readPIDs(c.fs(), h.dir)
	if err != nil {
		return err
	}
	pids = slices.DeleteFunc(pids, func(pid int) bool { return pid == c.pid })
	if len(pids) > 0 {
		return &othersError{dir: h.dir, processes: c.named(pids)}
	}
	return nil
}

// enable turns the controllers on for the children of a v2 cgroup.
func (c confiner) enable(g *cell) error {
	if !g.home.v2 {
		return nil
	}
	on, err := fs.ReadFile(c.fs(), g.home.dir+"/cgroup.subtree_control")
	if err != nil {
		return fmt.Errorf("read which controllers are on: %w", err)
	}
	if g.siblings, err = folders(c.fs(), g.home.dir); err != nil {
		return err
	}
	for _, controller := range g.home.controllers {
		if slices.Contains(strings.Fields(string(on)), controller) {
			continue
		}
		if err := c.files.Write(c.path(g.home.dir, "cgroup.subtree_control"), "+"+controller); err != nil {
			return fmt.Errorf("turn on the %s controller: %w", controller, err)
		}
		g.enabled = append(g.enabled, controller)
	}
	return nil
}

// folders returns the names of the cgroups below one.
func folders(root fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return nil, fmt.Errorf("list the cgroups: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// setting is a file of a cgroup and what to write to it.
type setting struct {
	file, text string
	optional   bool // kernels without swap accounting lack it
}

// settings returns what limits a cell. Swap would put off what happens at the memory limit.
func (h home) settings(l Limits) []setting {
	const period = 100_000 // microseconds
	memory := strconv.FormatInt(l.Memory, 10)
	quota := strconv.FormatInt(int64(math.Round(l.CPUs*period)), 10)
	var all []setting
	switch has := slices.Contains(h.controllers, memoryController); {
	case has && h.v2:
		all = append(all, setting{file: "memory.max", text: memory}, setting{file: "memory.swap.max", text: "0", optional: true})
	case has:
		all = append(all, setting{file: "memory.limit_in_bytes", text: memory}, setting{file: "memory.memsw.limit_in_bytes", text: memory, optional: true})
	}
	switch has := slices.Contains(h.controllers, cpuController); {
	case has && h.v2:
		all = append(all, setting{file: "cpu.max", text: fmt.Sprint(quota, " ", period)})
	case has:
		all = append(all, setting{file: "cpu.cfs_period_us", text: strconv.Itoa(period)}, setting{file: "cpu.cfs_quota_us", text: quota})
	}
	return all
}

func (c confiner) limit(g *cell, l Limits) error {
	for _, s := range g.home.settings(l) {
		err := c.files.Write(c.path(g.dir(), s.file), s.text)
		if err != nil && !(s.optional && errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("set the limit: %w", err)
		}
	}
	return nil
}
