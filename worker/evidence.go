package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/devtools"
	"github.com/ebbworker/ebb/memprof/goruntime"
	"github.com/ebbworker/ebb/memprof/heap"
)

const (
	// evidenceTop is how many classes, paths and functions of a heap are kept.
	evidenceTop = 10
	// dumpTimeout bounds one dump of Chrome's allocators.
	dumpTimeout = 15 * time.Second
)

// evidence looks for the cause of growth in a few further cycles, which are not judged, since it
// disturbs what it measures: Chrome's allocators and the heap of the page that grows, before and
// after, and what allocated meanwhile.
func (d *diagnosis) evidence(ctx context.Context) error {
	if d.memory.live == nil || d.done < 2 {
		return nil
	}
	verdict := d.memory.live.diagnosis()
	d.soFar = verdict.Verdict
	if verdict.Verdict != memprof.Leak && verdict.Verdict != memprof.Growing {
		return nil
	}
	d.progress(memprof.EvidenceCycle, d.done, 0)
	e := &evidence{diagnosis: d, grows: verdict}
	if !d.o.NoHeap && d.o.Dir != "" {
		if err := os.MkdirAll(d.o.Dir, 0o700); err != nil {
			return fmt.Errorf("make the folder for profiles: %w", err)
		}
		e.dir = d.o.Dir
	}
	d.looking = true
	e.allocators(ctx) // the first dump makes buffers of its own, which the next must not show as growth
	before := e.allocators(ctx)
	page := e.page()
	e.begin(ctx, page)
	cycles := 0
	for cycles < evidenceCycles {
		if err := d.cycle(ctx, memprof.EvidenceCycle, d.done+cycles+1); err != nil {
			return err
		}
		cycles++
	}
	e.end(ctx, page, cycles)
	if before != nil {
		if after := e.allocators(ctx); after != nil {
			return d.memory.Recorder.Note(memprof.AllocatorsNote, allocatorGrowth(before, after, cycles))
		}
	}
	return nil
}

// evidence gathers what further cycles show of the cause.
type evidence struct {
	*diagnosis
	grows   memprof.Diagnosis
	dir     string
	first   string // file of the first snapshot
	sampled bool   // sampling is on
	skipped string
	files   []string
}

// page is the open page whose heap grows most; nil where none is open or none grows.
func (e *evidence) page() *browser.Tab {
	grows := func(m memprof.MetricVerdict) bool { return m.Verdict == memprof.Leak || m.Verdict == memprof.Growing }
	site, most, script := "", 0.0, false
	for _, m := range e.grows.Metrics {
		if !grows(m) {
			continue
		}
		switch m.Name {
		case "heap.used", "heap.backing", "heap.embedder", "perf.Nodes", "perf.JSEventListeners", "perf.Frames":
			script = true
		}
		if name, ok := m.Site(); ok && m.Name == "heap.used" && m.Rate.Value > most {
			site, most = name, m.Rate.Value
		}
	}
	if !script {
		e.skipped = "the heap of no page grows"
		return nil
	}
	for _, t := range e.w.options.Pool.Tabs() {
		name, _, _ := strings.Cut(t.Site, " ")
		if !t.Leased && slices.Contains(e.names, name) && (site == "" || site == name) {
			return t.Tab
		}
	}
	e.skipped = "no page stays open from cycle to cycle"
	return nil
}

// begin takes the first snapshot and starts sampling.
func (e *evidence) begin(ctx context.Context, page *browser.Tab) {
	if page == nil || e.dir == "" {
		return
	}
	e.first = filepath.Join(e.dir, "heap-1.heapsnapshot")
	if err := e.snapshot(ctx, page, e.first); err != nil {
		e.first, e.skipped = "", err.Error()
	}
	if err := devtools.StartSampling(ctx, page.Session(), 0); err != nil {
		e.missing("which functions allocated: %v", err)
		return
	}
	e.sampled = true
}

func (e *evidence) snapshot(ctx context.Context, page *browser.Tab, path string) error {
	return writeFile(path, func(file *os.File) error {
		_, err := devtools.TakeHeapSnapshot(ctx, page.Session(), file, devtools.SnapshotOptions{MaxHeap: devtools.AutomaticHeap})
		return err
	})
}

// end takes the last snapshot, compares it with the first, and records what they show.
func (e *evidence) end(ctx context.Context, page *browser.Tab, cycles int) {
	if e.dir == "" {
		return
	}
	found := memprof.HeapEvidence{Cycles: cycles}
	if page != nil {
		found.URL = page.URL()
		for _, t := range e.w.options.Pool.Tabs() {
			if t.Tab == page {
				found.Site, _, _ = strings.Cut(t.Site, " ")
			}
		}
	}
	e.functions(ctx, page, &found)
	e.program()
	if page != nil && e.first != "" {
		last := filepath.Join(e.dir, "heap-2.heapsnapshot")
		if err := e.snapshot(ctx, page, last); err != nil {
			e.skipped = err.Error()
		} else if err := compare(ctx, &found, e.first, last); err != nil {
			e.skipped = err.Error()
		} else {
			e.files = append(e.files, e.first, last)
		}
	}
	found.Skipped = e.skipped
	if e.o.KeepFiles {
		found.Files = e.files
	}
	if err := e.memory.Recorder.Note(memprof.HeapNote, found); err != nil {
		e.missing("the heap: %v", err)
	}
}

// program writes profiles of this program itself, where it grows and they are to be kept.
func (e *evidence) program() {
	own := func(m memprof.MetricVerdict) bool {
		return (strings.HasPrefix(m.Name, "go.") || m.Process == memprof.Worker) && (m.Verdict == memprof.Leak || m.Verdict == memprof.Growing)
	}
	if !e.o.KeepFiles || !slices.ContainsFunc(e.grows.Metrics, own) {
		return
	}
	paths, err := goruntime.WriteProfiles(e.dir)
	if err != nil {
		e.missing("profiles of this program: %v", err)
	}
	e.files = append(e.files, paths...)
}

// functions ends sampling: what was allocated meanwhile and still lives, by function.
func (e *evidence) functions(ctx context.Context, page *browser.Tab, found *memprof.HeapEvidence) {
	if !e.sampled {
		return
	}
	profile, err := devtools.StopSampling(ctx, page.Session())
	if err != nil {
		e.missing("which functions allocated: %v", err)
		return
	}
	sums := map[memprof.HeapFunction]int64{}
	for _, s := range profile.Sample {
		if len(s.Location) == 0 || len(s.Location[0].Line) == 0 {
			continue
		}
		line := s.Location[0].Line[0]
		sums[memprof.HeapFunction{Name: line.Function.Name, Where: fmt.Sprintf("%s:%d", line.Function.Filename, line.Line)}] += s.Value[len(s.Value)-1]
	}
	for f, bytes := range sums {
		f.Bytes = bytes
		found.Functions = append(found.Functions, f)
	}
	slices.SortFunc(found.Functions, func(a, b memprof.HeapFunction) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Name+a.Where, b.Name+b.Where))
	})
	found.Functions = found.Functions[:min(len(found.Functions), evidenceTop)]
	path := filepath.Join(e.dir, "allocations.pb.gz")
	write := func(file *os.File) error { return devtools.WriteProfile(file, profile) }
	if err := writeFile(path, write); err != nil {
		e.missing("the profile of allocations: %v", err)
		return
	}
	e.files = append(e.files, path)
}

// writeFile makes a file for this account only.
func writeFile(path string, write func(*os.File) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("make a file of evidence: %w", err)
	}
	return errors.Join(write(file), file.Close())
}

// compare says what grew between two snapshots.
func compare(ctx context.Context, found *memprof.HeapEvidence, first, last string) error {
	c := heap.NewComparison(heap.CompareOptions{Top: evidenceTop})
	for _, path := range []string{first, last} {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s, err := heap.Open(path, heap.Options{})
		if err != nil {
			return err
		}
		if err := c.Add(filepath.Base(path), s); err != nil {
			return err
		}
	}
	diff, err := c.Diff()
	if err != nil {
		return err
	}
	for _, class := range diff.Constructors {
		found.Classes = append(found.Classes, memprof.HeapClass{Name: class.Name, Count: int64(class.Count), Bytes: class.Bytes, Artefact: string(class.Artefact)})
	}
	total := uint64(0)
	for _, p := range diff.Paths {
		total += p.Share
	}
	for _, p := range diff.Paths {
		row := memprof.HeapPath{Path: p.Path, Count: int64(p.NewObjects), Bytes: int64(p.Share)}
		if total > 0 {
			row.Share = float64(p.Share) / float64(total)
		}
		found.Paths = append(found.Paths, row)
	}
	found.Detached = diff.Detached.Count
	for _, s := range diff.Strings {
		found.Strings += s.Bytes
	}
	return nil
}

// allocators reads Chrome's own account of its memory; nil where it does not tell.
func (e *evidence) allocators(ctx context.Context) map[string]map[string]float64 {
	browsers := e.w.options.Pool.Browsers()
	if len(browsers) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, dumpTimeout)
	defer cancel()
	dump, err := devtools.Allocators(ctx, browsers[0].Session())
	if err != nil {
		e.missing("Chrome's allocators: %v", err)
		return nil
	}
	return dump
}

// allocatorGrowth is by how much allocators grew per cycle, the most first.
func allocatorGrowth(before, after map[string]map[string]float64, cycles int) []memprof.Allocator {
	var list []memprof.Allocator
	for process, names := range after {
		for name, bytes := range names {
			if change := bytes - before[process][name]; change != 0 {
				list = append(list, memprof.Allocator{Process: process, Name: name, Rate: change / float64(cycles)})
			}
		}
	}
	slices.SortFunc(list, func(a, b memprof.Allocator) int {
		return cmp.Or(cmp.Compare(b.Rate, a.Rate), strings.Compare(a.Process+a.Name, b.Process+b.Name))
	})
	return list
}
