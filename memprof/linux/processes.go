package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

// Processes reads the processes of each Chrome by type, and this program's own.
type Processes struct {
	o Options

	mu    sync.Mutex // guards what follows
	tree  *tree
	looks []look // the latest readings, oldest first
}

// NewProcesses returns the source of the group "process".
func NewProcesses(o Options) *Processes {
	return &Processes{o: o.withDefaults(), tree: newTree()}
}

// Name returns "linux/processes".
func (p *Processes) Name() string { return "linux/processes" }

// Quick implements memprof.QuickSource: anonymous memory is one small file a process.
func (p *Processes) Quick() bool { return true }

// Read returns, by Chrome and process type, anonymous memory, swap, processes and threads, and
// at LevelFull also PSS, USS, open files and sockets, and how many Chromes of others run on the
// host. The control's processes are of the type memprof.ControlGroup. A process that ends while it is read, or is about
// to end and has no memory left, is a gap that wraps memprof.ErrGone; one whose PSS or files may
// not be read (a sandboxed process of which the worker is not the owner) makes a gap of that
// figure for its type.
func (p *Processes) Read(ctx context.Context, q memprof.Request) []memprof.Reading {
	g := &group{q: q, look: look{at: time.Now()}}
	browsers := p.o.Browsers()
	members, err := p.members(browsers)
	if err != nil {
		g.fail("process.*", memprof.Subject{}, err)
		return g.readings
	}
	if len(browsers) == 0 {
		// No Chrome is a figure too: none of its processes runs.
		g.readings = append(g.readings, memprof.Reading{Metric: "process.count", Subject: memprof.Subject{Kind: typeBrowser}})
	}
	for i, b := range browsers {
		if len(members[i]) == 0 {
			g.fail("process.*", memprof.Subject{Browser: b.ID, Kind: typeBrowser}, fmt.Errorf("process %d: %w", b.PID, memprof.ErrGone))
			g.sum(memprof.Subject{Browser: b.ID, Kind: typeBrowser})
		}
		for _, m := range members[i] {
			if ctx.Err() != nil {
				g.fail("process.*", memprof.Subject{Browser: b.ID}, ctx.Err())
				break
			}
			p.readProcess(g, m, memprof.Subject{Browser: b.ID, Kind: m.kind})
		}
	}
	p.readProcess(g, member{pid: p.o.Self}, memprof.Subject{Kind: memprof.Worker})
	p.keep(g.look)
	if isFull(q) {
		g.readings = append(g.readings, memprof.Reading{Metric: "host.chromes", Value: float64(p.strangers(browsers))})
	}
	return g.done()
}

// isFull tells whether a request asks for what is dear.
func isFull(q memprof.Request) bool { return q.Level >= memprof.LevelFull && !q.Tick }

// member is one process of a Chrome.
type member struct {
	pid  int
	ppid int // 0 if it does not matter
	kind string
}

// members lists the processes of each Chrome.
func (p *Processes) members(browsers []Browser) ([][]member, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.tree.scan(p.o.Root); err != nil {
		return nil, err
	}
	all := make([][]member, len(browsers))
	for i, b := range browsers {
		control := b.control()
		for _, pid := range p.tree.of(b.PID) {
			m := member{pid: pid, ppid: p.tree.processes[pid].ppid, kind: p.typeOf(pid, pid == b.PID)}
			if control[pid] {
				m.kind = memprof.ControlGroup
			}
			all[i] = append(all[i], m)
		}
	}
	return all, nil
}

// typeOf returns the type of a process. It is remembered, unless it can still change: a process
// that has just been forked shows the command line of its parent or of the zygote. The caller
// holds mu.
func (p *Processes) typeOf(pid int, first bool) string {
	s := p.tree.processes[pid]
	if s.kind != "" {
		return s.kind
	}
	cmdline, err := fs.ReadFile(p.o.Root, procFile(pid, "cmdline"))
	if err != nil {
		return typeOther
	}
	kind := classify(cmdline)
	switch {
	case kind == "" && first:
		kind = typeBrowser // whoever names its pid has seen it start
	case kind == "" && isBrowser(cmdline):
		return typeBrowser
	case kind == "":
		return typeOther
	case kind == typeZygote:
		return kind
	}
	s.kind = kind
	p.tree.processes[pid] = s
	return kind
}

func (p *Processes) readProcess(g *group, m member, subject memprof.Subject) {
	s, err := readStatus(p.o.Root, m.pid)
	if err == nil && m.ppid != 0 && s.ppid != m.ppid {
		p.forget(m.pid)
		err = fmt.Errorf("read status of a process: the pid is another's: %w", memprof.ErrGone)
	}
	if err != nil {
		g.fail("process.*", subject, err)
		return
	}
	sum := g.sum(subject)
	sum.add("process.anon", s.anon+s.shmem)
	g.look.processes = append(g.look.processes, memprof.ProcessMemory{PID: m.pid, Process: subject.Kind, Bytes: float64(s.anon + s.shmem)})
	sum.add("process.count", 1)
	if g.q.Quick {
		return
	}
	sum.add("process.swap", s.swap)
	sum.add("process.threads", int64(s.threads))
	if !isFull(g.q) {
		return
	}
	r, err := readRollup(p.o.Root, m.pid)
	if sum.check("process.pss", err) {
		sum.add("process.pss", r.pss)
	}
	if sum.check("process.uss", err) {
		sum.add("process.uss", r.uss)
	}
	files, sockets, err := countFiles(p.o.Root, m.pid)
	if err != nil {
		sockets.err = err
	}
	if sum.check("process.fds", err) {
		sum.add("process.fds", files)
	}
	if sum.check("process.sockets", sockets.err) {
		sum.add("process.sockets", sockets.count)
	}
}

// forget lets a process be read anew.
func (p *Processes) forget(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tree.processes, pid)
	p.tree.children = nil
}

func readStatus(root fs.FS, pid int) (status, error) {
	data, err := readProc(root, pid, "status")
	if err != nil {
		return status{}, err
	}
	return parseStatus(data)
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
