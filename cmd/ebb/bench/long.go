package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

// LongSchema is what the figures of a long run call themselves as JSON.
const LongSchema = "ebb.bench-long/1"

// LongOptions say what one long run of a whole worker is.
type LongOptions struct {
	// Pages are visited in one run, Concurrency of them at once. They are Blocks of Block pages each.
	Pages, Block, Concurrency int
	// Command is the process of the arm, which tells a Mark after each MarkPages of Block pages.
	Command *exec.Cmd
	// Say is told what is being done. Needed.
	Say func(text string)
}

// Long is what a long run came to.
type Long struct {
	Schema      string    `json:"schema"`
	Began       time.Time `json:"began"`
	Seconds     float64   `json:"seconds"`
	Ebb         string    `json:"ebb"`
	Chrome      string    `json:"chrome"`
	Processors  int       `json:"processors"`
	Pages       int       `json:"pages"`
	Concurrency int       `json:"concurrency"`
	Items       int       `json:"items"`
	// Wrong says of each item that is wrong, missing or too many what it is.
	Wrong []string `json:"wrong,omitempty"`
	// Blocks follow each other. The first one is warm-up, and is compared with nothing.
	Blocks []Block `json:"blocks"`
	// Ratio is pages a second of the last block, as a multiple of those of the first after the warm-up.
	Ratio float64 `json:"last_to_first_ratio"`
	// Tree and Worker are what the judge says of anonymous memory after the warm-up: of the worker's
	// process with all below it, and of the worker's alone.
	Tree   LongMemory `json:"tree"`
	Worker LongMemory `json:"worker"`
	// Others is the share of the machine's processors that everybody else used meanwhile.
	Others float64 `json:"others_cpu_share"`
	// Pass says that Ratio is at least LeastRatio and that both verdicts are stable, or a step that is over.
	Pass bool `json:"pass"`
}

// Block is some pages of a long run.
type Block struct {
	// To is the number of pages that were done at its end.
	To             int     `json:"to"`
	Seconds        float64 `json:"seconds"`
	PagesPerSecond float64 `json:"pages_per_second"`
	CPU            float64 `json:"cpu_ms_per_page"`
	// Mean and peak of anonymous memory, in bytes, of the tree and of the worker's process alone.
	TreeMean   float64 `json:"tree_anon_mean_bytes"`
	TreePeak   float64 `json:"tree_anon_peak_bytes"`
	WorkerMean float64 `json:"worker_anon_mean_bytes"`
	WorkerPeak float64 `json:"worker_anon_peak_bytes"`
}

// LongMemory is what the judge of a diagnosis says of a long run's memory, of which one value is the mean
// over some pages.
type LongMemory struct {
	Verdict memprof.Verdict `json:"verdict"`
	Shape   memprof.Shape   `json:"shape"`
	// Slope is in bytes per 1,000 pages, EndSlope that of the last fifth.
	Slope    memprof.Estimate `json:"slope_bytes_per_1000_pages"`
	EndSlope memprof.Estimate `json:"end_slope_bytes_per_1000_pages"`
	// MorePages are likely to decide what is undecided; 0 otherwise.
	MorePages int `json:"more_pages,omitempty"`
	// PagesPerValue is how many pages a value is the mean of.
	PagesPerValue int       `json:"pages_per_value"`
	Values        []float64 `json:"values_bytes"`
}

// LeastRatio is the pages a second of the last block as a multiple of the first one's below which a long
// run has slowed down.
const LeastRatio = 0.97

// marksPages is the largest number of pages between two marks.
const marksPages = 100

// MarkPages is how many pages are between two marks of a long run: a block is made of them.
func MarkPages(block int) int {
	for n := min(block, marksPages); n >= 10; n-- {
		if block%n == 0 {
			return n
		}
	}
	return block
}

// RunLong makes the run. Items that are wrong are told by the result.
func RunLong(ctx context.Context, o LongOptions) (*Long, error) {
	l := &Long{Schema: LongSchema, Began: time.Now(), Pages: o.Pages, Concurrency: o.Concurrency}
	o.Say("a whole worker starts")
	p, err := start(ctx, Arm{Name: "whole"}, o.Command, o.Pages)
	if err != nil {
		return nil, err
	}
	parts, round, err := p.long(ctx, o)
	stopErr := p.stop()
	if err == nil {
		err = stopErr
	}
	if err != nil {
		return nil, ended(p, err)
	}
	l.Items, l.Wrong, l.Others = round.Items, round.Wrong, parts.others
	l.judge(parts.list, o.Block)
	l.Seconds = time.Since(l.Began).Seconds()
	return l, nil
}

// part is what was seen from one mark to the next.
type part struct {
	to           Mark
	cpu          time.Duration
	reads        int
	tree, worker span
}

// span is the sum and the largest of some readings.
type span struct{ sum, peak float64 }

func (s *span) add(v float64) { s.sum, s.peak = s.sum+v, max(s.peak, v) }

// longParts are those of a run.
type longParts struct {
	list   []part
	others float64
}

// long has the process make its round, and reads the processes meanwhile.
func (p *process) long(ctx context.Context, o LongOptions) (parts longParts, round Round, err error) {
	ctx, cancel := p.roundLimit(ctx)
	defer cancel()
	busy, err := busySince()
	if err != nil {
		return parts, round, err
	}
	cpu, _, err := p.usage.Read()
	if err != nil {
		return parts, round, err
	}
	begun, last := total(cpu), total(cpu)
	if err := p.order(); err != nil {
		return parts, round, err
	}
	looks := time.NewTicker(lookEvery)
	defer looks.Stop()
	for now := (part{}); ; {
		var said reply
		ok := true
		select {
		case <-looks.C:
		case said, ok = <-p.replies:
		case <-ctx.Done():
			return parts, round, context.Cause(ctx)
		}
		switch {
		case !ok:
			return parts, round, fmt.Errorf("%s: %w", p.arm.Name, errEnded)
		case said.err() != nil:
			return parts, round, fmt.Errorf("%s: %w", p.arm.Name, said.err())
		case ok && said.Mark == nil && said.Round.Pages > 0:
			parts.others, err = busy(last - begun)
			return parts, said.Round, err
		}
		cpu, anon, err := p.usage.Read()
		if errors.Is(err, memprof.ErrGone) {
			err = errEnded // it says why, once it has been waited for
		}
		if err != nil {
			return parts, round, fmt.Errorf("%s: %w", p.arm.Name, err)
		}
		now.reads++
		now.tree.add(float64(total(anon)))
		now.worker.add(float64(anon[memprof.Worker]))
		if said.Mark == nil {
			continue
		}
		now.to, now.cpu = *said.Mark, total(cpu)-last
		last = total(cpu)
		parts.list = append(parts.list, now)
		now = part{}
		if n := said.Mark.Pages; n%o.Block == 0 {
			o.Say(fmt.Sprintf("%d of %d pages, %.1f pages/s so far", n, o.Pages, float64(n)/said.Mark.Took.Seconds()))
		}
	}
}

// judge makes the figures of what was seen from mark to mark.
func (l *Long) judge(parts []part, block int) {
	var tree, worker []float64
	var b Block
	var reads, cpu, began float64
	var treeSpan, workerSpan span
	for _, p := range parts {
		cpu, reads = cpu+p.cpu.Seconds()*1000, reads+float64(p.reads)
		for _, s := range []struct{ all, of *span }{{&treeSpan, &p.tree}, {&workerSpan, &p.worker}} {
			s.all.sum, s.all.peak = s.all.sum+s.of.sum, max(s.all.peak, s.of.peak)
		}
		if p.to.Pages > block {
			tree, worker = append(tree, p.tree.sum/float64(p.reads)), append(worker, p.worker.sum/float64(p.reads))
		}
		if p.to.Pages%block != 0 {
			continue
		}
		end := p.to.Took.Seconds()
		b = Block{
			To: p.to.Pages, Seconds: end - began, PagesPerSecond: float64(block) / (end - began), CPU: cpu / float64(block),
			TreeMean: treeSpan.sum / reads, TreePeak: treeSpan.peak, WorkerMean: workerSpan.sum / reads, WorkerPeak: workerSpan.peak,
		}
		l.Blocks = append(l.Blocks, b)
		began, reads, cpu, treeSpan, workerSpan = end, 0, 0, span{}, span{}
	}
	if len(l.Blocks) > 2 {
		l.Ratio = b.PagesPerSecond / l.Blocks[1].PagesPerSecond
	}
	each := MarkPages(block)
	l.Tree = longMemory(memprof.Chrome, tree, each)
	l.Worker = longMemory(memprof.Worker, worker, each)
	l.Pass = l.Ratio >= LeastRatio && l.Tree.Flat() && l.Worker.Flat()
}

// longMemory judges the means over so many pages each.
func longMemory(group string, values []float64, each int) LongMemory {
	v := memprof.JudgeValues(memprof.Series{Metric: "process.anon", Group: group}, values)
	per := func(e memprof.Estimate) memprof.Estimate {
		to := 1000 / float64(each)
		return memprof.Estimate{Value: e.Value * to, Lo: e.Lo * to, Hi: e.Hi * to, Known: e.Known}
	}
	m := LongMemory{Verdict: v.Verdict, Shape: v.Shape, Slope: per(v.Rate), EndSlope: per(v.EndRate), PagesPerValue: each, Values: values}
	if !m.Flat() {
		m.MorePages = v.MoreCycles * each
	}
	return m
}

// Flat says that memory is stable, or was at another level once.
func (m LongMemory) Flat() bool { return m.Verdict == memprof.Stable || m.Verdict == memprof.Step }

// Grows says that memory grows.
func (m LongMemory) Grows() bool { return m.Verdict == memprof.Leak || m.Verdict == memprof.Growing }

// Right says whether every item was taken as it is.
func (l *Long) Right() bool { return len(l.Wrong) == 0 }

// Undecided says that nothing but more pages could tell whether the run passes.
func (l *Long) Undecided() bool {
	return !l.Pass && l.Ratio >= LeastRatio && !l.Tree.Grows() && !l.Worker.Grows()
}
