package linux

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The types of processes that are not named after Chrome's --type.
const (
	typeBrowser  = "browser"
	typeCrashpad = "crashpad"
	typeNetwork  = "network"
	typeOther    = "other"
	typeZygote   = "zygote"
)

// rescanAfter is how many scans later every process is read again. A scan in between reads
// only processes whose pid is new: it would take a pid that was given to another process between
// two scans for the old one, which the kernel does only once all other pids were used.
const rescanAfter = 16

// tree is who is whose child on the host.
type tree struct {
	processes map[int]process
	children  map[int][]int // of each process; nil until it is asked for after a change
	scans     int
}

// process is what is remembered of one.
type process struct {
	stat
	kind string // Chrome's type of it; "" while that can still change
	// chrome is what is known of a process that is not of our Chromes, seen in how many scans it
	// was there (counted up to 2).
	chrome, seen int
}

func newTree() *tree { return &tree{processes: make(map[int]process)} }

// scan brings the tree up to date from /proc/PID/stat. Processes that end meanwhile are left out.
func (t *tree) scan(root fs.FS) error {
	entries, err := fs.ReadDir(root, "proc")
	if err != nil {
		return fmt.Errorf("list processes: %w", err)
	}
	all := t.scans%rescanAfter == 0
	t.scans++
	if !all && t.same(entries) {
		return nil
	}
	t.children = nil
	found := make(map[int]process, len(entries))
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		old, known := t.processes[pid]
		old.seen = min(old.seen+1, 2)
		if known && !all {
			found[pid] = old
			continue
		}
		data, err := fs.ReadFile(root, procFile(pid, "stat"))
		if err != nil {
			continue // it has ended, or is hidden from us: then none of our own
		}
		s, err := parseStat(data)
		if err != nil {
			return fmt.Errorf("process %d: %w", pid, err)
		}
		if !known || old.started != s.started {
			old = process{seen: 1}
		}
		old.stat = s
		found[pid] = old
	}
	t.processes = found
	return nil
}

// same tells whether a scan finds the processes of the last one, and then counts it for each of them.
func (t *tree) same(entries []fs.DirEntry) bool {
	found, fresh := 0, false
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		p, known := t.processes[pid]
		if !known {
			return false
		}
		found++
		fresh = fresh || p.seen < 2
	}
	if found != len(t.processes) {
		return false
	}
	if !fresh {
		return true
	}
	for pid, p := range t.processes {
		p.seen = min(p.seen+1, 2)
		t.processes[pid] = p
	}
	return true
}

// of returns a process and all its descendants; none if it does not run. Chrome's renderers are
// children of its zygotes, not of its first process.
func (t *tree) of(pid int) []int {
	if _, ok := t.processes[pid]; !ok {
		return nil
	}
	if t.children == nil {
		t.children = make(map[int][]int)
		for child, p := range t.processes {
			t.children[p.ppid] = append(t.children[p.ppid], child)
		}
	}
	pids := []int{pid}
	for i := 0; i < len(pids); i++ {
		children := t.children[pids[i]]
		slices.Sort(children)
		pids = append(pids, children...)
	}
	return pids
}

// classify returns Chrome's type of a process from /proc/PID/cmdline, "" if it names none.
// Arguments end in NUL; a child of the zygote rewrites its command line with spaces instead.
func classify(cmdline []byte) string {
	args := strings.FieldsFunc(string(cmdline), func(r rune) bool { return r == 0 || r == ' ' })
	if len(args) > 0 && strings.Contains(path.Base(args[0]), "crashpad_handler") {
		return typeCrashpad
	}
	kind, service := "", ""
	for _, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--type="); ok && kind == "" {
			kind = value
		}
		if value, ok := strings.CutPrefix(arg, "--utility-sub-type="); ok && service == "" {
			service = value
		}
	}
	switch {
	case kind == "crashpad-handler":
		return typeCrashpad
	case kind == "utility" && service != "":
		// "network.mojom.NetworkService" is "network"
		name, _, _ := strings.Cut(service, ".")
		return name
	}
	return kind
}

// isBrowser tells a Chrome's first process below a wrapper script: it has no --type, and it is
// the one that was given a profile.
func isBrowser(cmdline []byte) bool {
	return bytes.Contains(cmdline, []byte("--user-data-dir")) || bytes.Contains(cmdline, []byte("--remote-debugging-"))
}

func procFile(pid int, name string) string {
	return "proc/" + strconv.Itoa(pid) + "/" + name
}
