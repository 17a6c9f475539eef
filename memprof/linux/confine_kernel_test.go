package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeKernel is a root folder with cgroups that obey the kernel's rules for moving processes,
// for turning on controllers and for removing cgroups.
type fakeKernel struct {
	t    *testing.T
	root string
	// trees are the mount points; those of v1 have the controllers, that of v2 none.
	trees map[string][]string
	// refuse returns an error for an action on a path below the root, nil to go on.
	refuse func(path string) error
}

const (
	self  = 42 // the process that is confined
	shell = 7  // another process
)

// newKernel returns a machine with 2 CPUs and 16 GB; files are written as they are.
func newKernel(t *testing.T, files map[string]string) *fakeKernel {
	k := &fakeKernel{t: t, root: t.TempDir(), trees: map[string][]string{}, refuse: func(string) error { return nil }}
	k.put("proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
	k.put(fmt.Sprintf("proc/%d/comm", self), "ebb\n")
	k.put(fmt.Sprintf("proc/%d/comm", shell), "bash\n")
	for name, text := range files {
		k.put(name, text)
	}
	return k
}

func (k *fakeKernel) put(name, text string) {
	name = filepath.Join(k.root, name)
	require.NoError(k.t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(k.t, os.WriteFile(name, []byte(text), 0o644))
}

func (k *fakeKernel) text(name string) string {
	data, err := os.ReadFile(filepath.Join(k.root, name))
	require.NoError(k.t, err)
	return strings.TrimSpace(string(data))
}

// cgroup makes a cgroup with processes, and those above it.
func (k *fakeKernel) cgroup(tree, name string, pids ...int) string {
	dir := tree
	for _, part := range append([]string{"."}, strings.Split(strings.Trim(name, "/"), "/")...) {
		dir = filepath.Join(dir, part)
		if _, err := os.Stat(filepath.Join(k.root, dir, "cgroup.procs")); err != nil {
			require.NoError(k.t, os.MkdirAll(filepath.Join(k.root, dir), 0o755))
			k.fill(dir, dir == tree)
		}
	}
	for _, pid := range pids {
		k.put(dir+"/cgroup.procs", k.text(dir+"/cgroup.procs")+fmt.Sprintf("\n%d", pid))
	}
	return dir
}

// fill writes the files that a cgroup has from its start.
func (k *fakeKernel) fill(dir string, top bool) {
	k.put(dir+"/cgroup.procs", "")
	controllers := k.trees[k.tree(dir)]
	if len(controllers) > 0 {
		k.turnOn(dir, controllers, false)
		return
	}
	k.put(dir+"/cgroup.subtree_control", "")
	k.put(dir+"/cgroup.controllers", "cpu memory pids")
	if top {
		return
	}
	k.put(dir+"/cgroup.type", "domain")
	on := k.text(filepath.Dir(dir) + "/cgroup.subtree_control")
	k.put(dir+"/cgroup.controllers", on)
	k.turnOn(dir, strings.Fields(on), true)
}

// turnOn writes the files of controllers.
func (k *fakeKernel) turnOn(dir string, controllers []string, v2 bool) {
	for _, controller := range controllers {
		for name, text := range controlFiles[fmt.Sprint(controller, " ", v2)] {
			k.put(dir+"/"+name, text)
		}
	}
}

var controlFiles = map[string]map[string]string{
	"memory false": {"memory.limit_in_bytes": "9223372036854771712", "memory.memsw.limit_in_bytes": "9223372036854771712"},
	"cpu false":    {"cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "100000"},
	"memory true":  {"memory.max": "max", "memory.swap.max": "max"},
	"cpu true":     {"cpu.max": "max 100000"},
}

func (k *fakeKernel) tree(dir string) string {
	for tree := range k.trees {
		if dir == tree || strings.HasPrefix(dir, tree+"/") {
			return tree
		}
	}
	require.FailNow(k.t, "no tree", dir)
	return ""
}

func (k *fakeKernel) below(name string) string {
	rel, err := filepath.Rel(k.root, name)
	require.NoError(k.t, err)
	return rel
}

func (k *fakeKernel) Mkdir(name string) error {
	rel := k.below(name)
	if err := k.refuse(rel); err != nil {
		return err
	}
	if err := os.Mkdir(name, 0o755); err != nil {
		return err
	}
	k.fill(rel, false)
	return nil
}

func (k *fakeKernel) Remove(name string) error {
	rel := k.below(name)
	if err := k.refuse(rel); err != nil {
		return err
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return err
	}
	if k.text(rel+"/cgroup.procs") != "" || slices.ContainsFunc(entries, fs.DirEntry.IsDir) {
		return syscall.EBUSY
	}
	return os.RemoveAll(name)
}

func (k *fakeKernel) Write(name, text string) error {
	rel := k.below(name)
	if err := k.refuse(rel); err != nil {
		return err
	}
	if _, err := os.Stat(name); err != nil {
		return err
	}
	switch filepath.Base(rel) {
	case "cgroup.procs":
		return k.move(filepath.Dir(rel), text)
	case "cgroup.subtree_control":
		return k.control(filepath.Dir(rel), text)
	}
	k.put(rel, text)
	return nil
}

// top tells whether it is v2's uppermost cgroup, to which the rule does not apply.
func (k *fakeKernel) top(dir string) bool {
	_, err := os.Stat(filepath.Join(k.root, dir, "cgroup.type"))
	return errors.Is(err, fs.ErrNotExist)
}

func (k *fakeKernel) move(dir, pid string) error {
	control, err := os.ReadFile(filepath.Join(k.root, dir, "cgroup.subtree_control"))
	if err == nil && strings.TrimSpace(string(control)) != "" && !k.top(dir) {
		return syscall.EBUSY
	}
	err = filepath.WalkDir(filepath.Join(k.root, k.tree(dir)), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "cgroup.procs" {
			rel := k.below(name)
			pids := slices.DeleteFunc(strings.Fields(k.text(rel)), func(p string) bool { return p == pid })
			k.put(rel, strings.Join(pids, "\n"))
		}
		return err
	})
	require.NoError(k.t, err)
	k.put(dir+"/cgroup.procs", k.text(dir+"/cgroup.procs")+"\n"+pid)
	return nil
}

// control turns one controller on or off for the children of a v2 cgroup.
func (k *fakeKernel) control(dir, text string) error {
	sign, controller := text[0], text[1:]
	if !slices.Contains(strings.Fields(k.text(dir+"/cgroup.controllers")), controller) {
		return syscall.ENOENT
	}
	if sign == '+' && k.text(dir+"/cgroup.procs") != "" && !k.top(dir) {
		return syscall.EBUSY
	}
	on := slices.DeleteFunc(strings.Fields(k.text(dir+"/cgroup.subtree_control")), func(c string) bool { return c == controller })
	if sign == '+' {
		on = append(on, controller)
	}
	k.put(dir+"/cgroup.subtree_control", strings.Join(on, " "))
	children, err := os.ReadDir(filepath.Join(k.root, dir))
	require.NoError(k.t, err)
	for _, child := range children {
		if !child.IsDir() {
			continue
		}
		if sign == '+' {
			k.turnOn(filepath.Join(dir, child.Name()), []string{controller}, true)
			continue
		}
		for name := range controlFiles[controller+" true"] {
			require.NoError(k.t, os.Remove(filepath.Join(k.root, dir, child.Name(), name)))
		}
	}
	return nil
}

func (k *fakeKernel) confiner() confiner {
	return confiner{root: k.root, files: k, pid: self, cpus: 2}
}

// state returns every file and folder of the cgroups with its text.
func (k *fakeKernel) state() map[string]string {
	all := make(map[string]string)
	err := filepath.WalkDir(filepath.Join(k.root, "sys"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			all[k.below(name)] = "folder"
		} else if err == nil {
			all[k.below(name)] = k.text(k.below(name))
		}
		return err
	})
	require.NoError(k.t, err)
	return all
}
