package linux

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
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

// tree is who is whose child on the host.
type tree struct {
	stats    map[int]stat
	children map[int][]int
}

// scanTree reads /proc/PID/stat of every process. Those that end meanwhile are left out.
func scanTree(root fs.FS) (tree, error) {
	entries, err := fs.ReadDir(root, "proc")
	if err != nil {
		return tree{}, fmt.Errorf("list processes: %w", err)
	}
	t := tree{stats: make(map[int]stat), children: make(map[int][]int)}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		data, err := fs.ReadFile(root, procFile(pid, "stat"))
		if err != nil {
			continue // it has ended, or is hidden from us: then none of our own
		}
		s, err := parseStat(data)
		if err != nil {
			return tree{}, fmt.Errorf("process %d: %w", pid, err)
		}
		t.stats[pid] = s
		t.children[s.ppid] = append(t.children[s.ppid], pid)
	}
	return t, nil
}

// of returns a process and all its descendants; none if it does not run. Chrome's renderers are
// children of its zygotes, not of its first process.
func (t tree) of(pid int) []int {
	if _, ok := t.stats[pid]; !ok {
		return nil
	}
	pids := []int{pid}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, t.children[pids[i]]...)
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
