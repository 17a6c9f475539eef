package linux

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

// clockTick is the unit of processor times in /proc/PID/stat: 100 a second on every architecture that
// Chrome runs on.
const clockTick = 10 * time.Millisecond

// Usage adds up what a program and all processes below it take of the processor, by type. It is for one
// goroutine at a time.
type Usage struct {
	processes *Processes
	root      int
	last      map[int]used
	cpu       map[string]time.Duration
}

// used is what was last seen of one process.
type used struct {
	times
	ppid    int
	started uint64
	kind    string
}

// NewUsage is for the program whose process is root: it itself is of the type memprof.Worker, those below
// it are of the types that Chrome gives them. Of o, Root is used.
func NewUsage(o Options, root int) *Usage {
	return &Usage{processes: NewProcesses(o), root: root, cpu: map[string]time.Duration{}}
}

// Read looks at all processes, and returns the processor time that each type has taken since the first
// Read, and the anonymous memory that it has now. What a process takes that ends between two looks is
// known from its parent, once that has waited for it; what it took in its last moments is lost where
// nobody does. The error wraps memprof.ErrGone where the program does not run.
func (u *Usage) Read() (cpu map[string]time.Duration, anon map[string]int64, err error) {
	p := u.processes
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.tree.scan(p.o.Root); err != nil {
		return nil, nil, err
	}
	pids := p.tree.of(u.root)
	if len(pids) == 0 {
		return nil, nil, fmt.Errorf("process %d: %w", u.root, memprof.ErrGone)
	}
	now, anon := map[int]used{}, map[string]int64{}
	for _, pid := range pids {
		seen, err := u.look(pid)
		if errors.Is(err, memprof.ErrGone) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		now[pid] = seen
		if s, err := readStatus(p.o.Root, pid); err == nil {
			anon[seen.kind] += s.anon + s.shmem
		}
	}
	u.add(now)
	return maps.Clone(u.cpu), anon, nil
}

// PSS returns the proportional set sizes of the processes that the latest Read saw, by type, in bytes.
// whole is false where one of them may not be read, as those of Chrome's that belong to another account;
// what has ended since is left out.
func (u *Usage) PSS() (pss map[string]int64, whole bool, err error) {
	p := u.processes
	p.mu.Lock()
	defer p.mu.Unlock()
	pss, whole = map[string]int64{}, true
	for pid, seen := range u.last {
		r, err := readRollup(p.o.Root, pid)
		switch {
		case errors.Is(err, memprof.ErrGone):
		case errors.Is(err, fs.ErrPermission):
			whole = false
		case err != nil:
			return nil, false, err
		default:
			pss[seen.kind] += r.pss
		}
	}
	return pss, whole, nil
}

// look reads one process. The caller holds the lock of the processes.
func (u *Usage) look(pid int) (used, error) {
	p := u.processes
	data, err := readProc(p.o.Root, pid, "stat")
	if err != nil {
		return used{}, err
	}
	s, err := parseStat(data)
	if err != nil {
		return used{}, err
	}
	t, err := parseTimes(data)
	if err != nil {
		return used{}, err
	}
	kind := memprof.Worker
	if pid != u.root {
		kind = p.typeOf(pid, false)
	}
	return used{times: t, ppid: s.ppid, started: s.started, kind: kind}, nil
}

// add takes a look into account. The first one is where it begins.
func (u *Usage) add(now map[int]used) {
	first := u.last == nil
	gone := map[int]used{}
	for pid, was := range u.last {
		if is, ok := now[pid]; !ok || is.started != was.started {
			gone[pid] = was
		}
	}
	for pid, is := range now {
		was := u.last[pid]
		if was.started != is.started {
			was = used{}
		}
		if !first {
			u.cpu[is.kind] += is.self - was.self
			u.ended(pid, is, is.children-was.children, gone)
		}
	}
	u.last = now
}

// ended adds what the children of a process that it has waited for took since they were last seen.
func (u *Usage) ended(pid int, parent used, took time.Duration, gone map[int]used) {
	if took <= 0 {
		return
	}
	kind := endedBelow[parent.kind]
	if kind == "" {
		kind = typeOther
	}
	below := []int{pid}
	for i := 0; i < len(below); i++ {
		for _, child := range slices.Sorted(maps.Keys(gone)) {
			was := gone[child]
			if was.ppid != below[i] {
				continue
			}
			took -= was.self + was.children // counted as it was seen
			if i == 0 {
				kind = was.kind
			}
			below = append(below, child)
		}
	}
	u.cpu[kind] += max(0, took)
}

// endedBelow is the type of a process of which nothing was seen but its end, by its parent's.
var endedBelow = map[string]string{typeZygote: "renderer"}

// times are processor times: of a process, and of those of its children that it has waited for, with all
// that they had waited for.
type times struct{ self, children time.Duration }

// parseTimes reads /proc/PID/stat.
func parseTimes(data []byte) (times, error) {
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) < 15 {
		return times{}, fmt.Errorf("parse stat: %d fields after the name, want 15", len(fields))
	}
	var ticks [4]int64
	for i := range ticks {
		n, err := strconv.ParseInt(fields[11+i], 10, 64)
		if err != nil {
			return times{}, fmt.Errorf("parse stat: processor time: %w", err)
		}
		ticks[i] = n
	}
	return times{time.Duration(ticks[0]+ticks[1]) * clockTick, time.Duration(ticks[2]+ticks[3]) * clockTick}, nil
}
