package linux

import (
	"io/fs"
	"path"
	"strings"
)

// strangers counts the Chromes on the host that this program did not start: the first processes,
// whose children are not counted. It sees what /proc shows: in a container, those within it.
func (p *Processes) strangers(browsers []Browser) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	ours := make(map[int]bool)
	for _, pid := range p.tree.of(p.o.Self) {
		ours[pid] = true
	}
	for _, b := range browsers {
		for _, pid := range p.tree.of(b.PID) {
			ours[pid] = true
		}
	}
	count := 0
	for pid, s := range p.tree.processes {
		if ours[pid] || !p.isChrome(pid, s) {
			continue
		}
		if parent, ok := p.tree.processes[s.ppid]; !ok || !p.isChrome(s.ppid, parent) {
			count++
		}
	}
	return count
}

// What is known of a process that is not of our Chromes.
const (
	notLooked = iota // its command line was not read, or may still be its parent's
	noChrome
	firstChrome
)

// isChrome tells whether a process is the first of a Chrome. The answer is remembered from the
// second scan that sees the process on: one that has just been forked shows the command line of
// its parent. The caller holds mu.
func (p *Processes) isChrome(pid int, s process) bool {
	if s.chrome == notLooked {
		s.chrome = noChrome
		if cmdline, err := fs.ReadFile(p.o.Root, procFile(pid, "cmdline")); err == nil && startsChrome(cmdline) {
			s.chrome = firstChrome
		}
		if s.seen > 1 {
			p.tree.processes[pid] = s
		}
	}
	return s.chrome == firstChrome
}

// startsChrome tells the command line of a Chrome's first process: its children have a --type.
func startsChrome(cmdline []byte) bool {
	args := strings.FieldsFunc(string(cmdline), func(r rune) bool { return r == 0 || r == ' ' })
	if len(args) == 0 || classify(cmdline) != "" {
		return false
	}
	name := path.Base(args[0])
	for _, not := range []string{"driver", "crashpad", "sandbox"} {
		if strings.Contains(name, not) {
			return false
		}
	}
	for _, chrome := range []string{"chrome", "chromium", "headless_shell", "msedge"} {
		if strings.HasPrefix(name, chrome) || strings.HasPrefix(name, "google-"+chrome) {
			return true
		}
	}
	return false
}
