package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/ebbworker/ebb/memprof"
)

// Processes reads the processes of each Chrome by type, and this program's own.
type Processes struct {
	o Options

	mu    sync.Mutex
	types map[identity]string // types that cannot change any more, of processes that run
}

// identity tells a process from a later one with the same pid.
type identity struct {
	pid     int
	started uint64
}

// NewProcesses returns the source of the group "process".
func NewProcesses(o Options) *Processes {
	return &Processes{o: o.withDefaults(), types: make(map[identity]string)}
}

// Name returns "linux/processes".
func (p *Processes) Name() string { return "linux/processes" }

// Read returns, by Chrome and process type, anonymous memory, swap, processes and threads, and
// at LevelFull also PSS, USS and open files. A process that ends while it is read is a gap that
// wraps memprof.ErrGone; one whose PSS or files may not be read (a sandboxed process of which
// the worker is not the owner) makes a gap of that figure for its type.
func (p *Processes) Read(ctx context.Context, q memprof.Request) []memprof.Reading {
	g := &group{q: q}
	t, err := scanTree(p.o.Root)
	if err != nil {
		g.fail("process.*", memprof.Subject{}, err)
		return g.readings
	}
	browsers := p.o.Browsers()
	if len(browsers) == 0 {
		// No Chrome is a figure too: none of its processes runs.
		g.readings = append(g.readings, memprof.Reading{Metric: "process.count", Subject: memprof.Subject{Kind: typeBrowser}})
	}
	for _, b := range browsers {
		pids := t.of(b.PID)
		if len(pids) == 0 {
			g.fail("process.*", memprof.Subject{Browser: b.ID, Kind: typeBrowser}, fmt.Errorf("process %d: %w", b.PID, memprof.ErrGone))
			g.sum(memprof.Subject{Browser: b.ID, Kind: typeBrowser})
		}
		for _, pid := range pids {
			if ctx.Err() != nil {
				g.fail("process.*", memprof.Subject{Browser: b.ID}, ctx.Err())
				break
			}
			kind := p.typeOf(pid, t.stats[pid], pid == b.PID)
			p.readProcess(g, pid, memprof.Subject{Browser: b.ID, Kind: kind})
		}
	}
	p.readProcess(g, p.o.Self, memprof.Subject{Kind: memprof.Worker})
	p.forget(t)
	return g.done()
}

// typeOf returns the type of a process. It is remembered, unless it can still change: a process
// that has just been forked shows the command line of its parent or of the zygote.
func (p *Processes) typeOf(pid int, s stat, first bool) string {
	id := identity{pid, s.started}
	p.mu.Lock()
	kind := p.types[id]
	p.mu.Unlock()
	if kind != "" {
		return kind
	}
	cmdline, err := fs.ReadFile(p.o.Root, procFile(pid, "cmdline"))
	if err != nil {
		return typeOther
	}
	switch kind = classify(cmdline); {
	case kind == typeZygote:
		return kind
	case kind == "" && (first || isBrowser(cmdline)):
		return typeBrowser
	case kind == "":
		return typeOther
	}
	p.mu.Lock()
	p.types[id] = kind
	p.mu.Unlock()
	return kind
}

// forget drops the types of processes that have ended.
func (p *Processes) forget(t tree) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.types {
		if s, ok := t.stats[id.pid]; !ok || s.started != id.started {
			delete(p.types, id)
		}
	}
}

func (p *Processes) readProcess(g *group, pid int, subject memprof.Subject) {
	s, err := readStatus(p.o.Root, pid)
	if errors.Is(err, errZombie) {
		return
	}
	if err != nil {
		g.fail("process.*", subject, err)
		return
	}
	sum := g.sum(subject)
	sum.add("process.anon", s.anon+s.shmem)
	sum.add("process.swap", s.swap)
	sum.add("process.threads", int64(s.threads))
	sum.add("process.count", 1)
	if g.q.Level < memprof.LevelFull || g.q.Tick {
		return
	}
	r, err := readRollup(p.o.Root, pid)
	if sum.check("process.pss", err) {
		sum.add("process.pss", r.pss)
	}
	if sum.check("process.uss", err) {
		sum.add("process.uss", r.uss)
	}
	files, err := countFiles(p.o.Root, pid)
	if sum.check("process.fds", err) {
		sum.add("process.fds", files)
	}
}

func readStatus(root fs.FS, pid int) (status, error) {
	data, err := readProc(root, pid, "status")
	if err != nil {
		return status{}, err
	}
	s, err := parseStatus(data)
	if err != nil && !errors.Is(err, errZombie) {
		return s, fmt.Errorf("process: %w", err)
	}
	return s, err
}

func readRollup(root fs.FS, pid int) (rollup, error) {
	data, err := readProc(root, pid, "smaps_rollup")
	if err != nil {
		return rollup{}, err
	}
	if len(data) == 0 { // the process has given back its memory and is about to end
		return rollup{}, fmt.Errorf("read smaps_rollup of a process: %w", memprof.ErrGone)
	}
	return parseRollup(data)
}

func countFiles(root fs.FS, pid int) (int64, error) {
	entries, err := fs.ReadDir(root, procFile(pid, "fd"))
	if err != nil {
		return 0, procError("fd", err)
	}
	return int64(len(entries)), nil
}

func readProc(root fs.FS, pid int, name string) ([]byte, error) {
	data, err := fs.ReadFile(root, procFile(pid, name))
	if err != nil {
		return nil, procError(name, err)
	}
	return data, nil
}

// procError names the file but not the pid, so that equal faults of many processes are one gap.
func procError(name string, err error) error {
	if isGone(err) {
		return fmt.Errorf("read %s of a process: %w", name, memprof.ErrGone)
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("read %s of a process: %w", name, err)
}
