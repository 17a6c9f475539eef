package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/worker"
	"github.com/ebbworker/ebb/worker/crawl"
)

// board shows the progress of all runs at work as one.
type board struct {
	progress *output.Progress
	memory   *memprof.Recorder
	stop     chan struct{}
	stopped  sync.WaitGroup

	order sync.Mutex // held from adding up to showing: an older sum after a newer one would be a new piece of work

	mu    sync.Mutex // owns what follows
	runs  map[int64]*boardRun
	label string // what is under way beside the runs
	stage string // of the diagnosis that is under way
	// waiting counts the runs that wait for memory. nil: none do.
	waiting func() int
}

// boardRun is one run on the board. Those that have ended stay until no run is at work,
// so that the sum does not fall.
type boardRun struct {
	site     string
	progress crawl.Progress
	failed   int64
	ended    bool
}

// newBoard shows progress on out, refreshed each second.
func newBoard(out output.Terminal) *board {
	b := &board{progress: output.NewProgress(out, output.ProgressOptions{}), runs: map[int64]*boardRun{}, stop: make(chan struct{})}
	b.stopped.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				b.update()
			case <-b.stop:
				return
			}
		}
	})
	return b
}

// follow shows how many runs of a worker wait for memory.
func (b *board) follow(w *worker.Worker) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = w.Waiting
}

func (b *board) close() {
	close(b.stop)
	b.stopped.Wait()
	b.progress.Close()
}

// event takes an event of a run.
func (b *board) event(site string, run int64, e crawl.Event) {
	b.mu.Lock()
	r := b.runs[run]
	if r == nil {
		if !b.atWork() {
			clear(b.runs)
		}
		r = &boardRun{site: site}
		b.runs[run] = r
	}
	r.progress, r.ended = e.Progress, false
	if e.Kind == crawl.EventPage && e.Page.State == crawl.PageFailed {
		r.failed++
	}
	b.mu.Unlock()
	b.update()
}

// ended marks the end of a run.
func (b *board) ended(run int64) {
	b.mu.Lock()
	if r := b.runs[run]; r != nil {
		r.ended = true
	}
	b.mu.Unlock()
	b.update()
}

// atWork says whether a run is. The caller holds mu.
func (b *board) atWork() bool {
	for _, r := range b.runs {
		if !r.ended {
			return true
		}
	}
	return false
}

func (b *board) update() {
	b.order.Lock()
	defer b.order.Unlock()
	b.mu.Lock()
	var s output.Status
	var names []string
	working := b.atWork()
	for _, r := range b.runs {
		s.Done += int64(r.progress.Visited)
		s.Found += int64(min(r.progress.Found, max(r.progress.Most, r.progress.Visited)))
		s.Items += int64(r.progress.Items)
		s.Failed += r.failed
		if !r.ended && !slices.Contains(names, r.site) {
			names = append(names, r.site)
		}
	}
	label, stage, waiting := b.label, b.stage, b.waiting
	b.mu.Unlock()
	if !working && label == "" || label != "" && !b.progress.Terminal() {
		return // a diagnosis tells its cycles in lines of its own
	}
	if !working && stage != memprof.JudgedCycle { // the runs are over
		b.progress.Update(output.Status{Label: label})
		return
	}
	slices.Sort(names)
	if label != "" {
		names = append([]string{label}, names...)
	}
	s.Label = strings.Join(names, ", ")
	if waiting != nil {
		if n := waiting(); n > 0 {
			s.Label += fmt.Sprintf(" (%s for memory)", output.Counted(int64(n), "waits", "wait"))
		}
	}
	if label == "" { // a diagnosis tells memory itself
		s.MemoryBytes = b.chromeBytes()
	}
	b.progress.Update(s)
}

// chromeBytes is what Chrome held at the latest reading; 0 where that is not known.
func (b *board) chromeBytes() int64 {
	latest, ok := b.memory.Latest()
	if !ok {
		return 0
	}
	anon, _ := latest.Totals.At(memprof.Series{Metric: "process.anon", Group: memprof.Chrome})
	return int64(anon)
}

// cycle shows where a diagnosis stands: in the line of the progress, and where there is no
// terminal in lines of its own.
func (b *board) cycle(p worker.DiagnosisProgress) {
	says := ""
	if p.Memory > 0 {
		says += fmt.Sprintf(", Chrome %.1f MB", p.Memory/memprof.MB)
	}
	if p.SoFar != "" {
		says += ", so far " + string(p.SoFar)
	}
	if p.Left > time.Second {
		says += ", " + output.Seconds(p.Left) + " left"
	}
	now := fmt.Sprintf("cycle %d/%d", min(p.Cycle+1, p.Cycles), p.Cycles)
	switch p.Stage {
	case memprof.EvidenceCycle:
		now = "looking for the cause"
	case memprof.RecreateCycle:
		now, says = "closing pages, contexts, Chrome", ""
	}
	b.mu.Lock()
	begins := p.Stage != b.stage
	b.label, b.stage = now+says, p.Stage
	b.mu.Unlock()
	b.update()
	if b.progress.Terminal() {
		return
	}
	switch {
	case p.Stage != memprof.JudgedCycle:
		if begins {
			b.progress.Printf("%s%s", now, says)
		}
	case p.Cycle > 0 && (p.Cycle%5 == 0 || p.Took > 5*time.Second):
		b.progress.Printf("%d of %d cycles%s", p.Cycle, p.Cycles, says)
	}
}

// block shows where an experiment stands, as cycle does for a diagnosis.
func (b *board) block(p worker.ExperimentProgress) {
	now := fmt.Sprintf("warming up %d/%d", p.Cycle, p.Cycles)
	switch {
	case p.Cycle == 0:
		now = "begins"
	case p.Block > 0:
		on := "nothing"
		if len(p.On) > 0 {
			on = strings.Join(p.On, " + ")
		}
		now = fmt.Sprintf("cycle %d/%d, block %d/%d: %s", p.Cycle, p.Cycles, p.Block, p.Blocks, on)
	}
	if p.Memory > 0 {
		now += fmt.Sprintf(", Chrome %.1f MB", p.Memory/memprof.MB)
	}
	if p.Left > time.Second {
		now += ", " + output.Duration(p.Left.Round(time.Second)) + " left"
	}
	b.mu.Lock()
	b.label, b.stage = now, memprof.JudgedCycle
	b.mu.Unlock()
	b.update()
	if !b.progress.Terminal() && p.Block > 0 && p.Cycle%20 == 0 {
		b.progress.Printf("%s", now)
	}
}

// say shows where something stands: in the line of the progress, and where there is no terminal in a
// line of its own if it is one to keep.
func (b *board) say(text string, keep bool) {
	b.mu.Lock()
	b.label, b.stage = text, memprof.JudgedCycle
	b.mu.Unlock()
	b.update()
	if keep && !b.progress.Terminal() {
		b.progress.Printf("%s", text)
	}
}
