package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/linux"
)

// IdleSchema is what the figures of an idle worker call themselves as JSON.
const IdleSchema = "ebb.bench-idle/1"

// IdleOptions say what an idle worker is measured with.
type IdleOptions struct {
	// Command is `ebb run`, and Up what it says on standard error when it is up.
	Command *exec.Cmd
	Up      string
	Sites   int
	// Settle is after how long it is quiet at the earliest, and For how long it is measured then.
	Settle, For time.Duration
	// TickFor is how long this program is measured beside it. Needed.
	TickFor time.Duration
	// Say is told what is being done. Needed.
	Say func(text string)
}

// Idle is what a worker takes that waits for schedules.
type Idle struct {
	Schema     string    `json:"schema"`
	Began      time.Time `json:"began"`
	Seconds    float64   `json:"seconds"`
	Ebb        string    `json:"ebb"`
	Chrome     string    `json:"chrome"`
	Processors int       `json:"processors"`
	Sites      int       `json:"sites"`
	// Measured is how long it was measured, in seconds; Quiet says that it had become quiet before.
	Measured float64 `json:"measured_seconds"`
	Quiet    bool    `json:"quiet"`
	// Worker is its own process, Rest are all below it: Chrome, where it runs.
	Worker IdleUsage `json:"worker"`
	Rest   IdleUsage `json:"rest"`
	// Ticks is what this program, which does nothing else then, takes to be woken TickRate times a second, in
	// percent of one core: what a machine asks for a waking differs much.
	Ticks float64 `json:"ticks_cpu_percent"`
	// Others is the share of the machine's processors that everybody else used meanwhile.
	Others float64 `json:"others_cpu_share"`
	// Pass says that Worker is below MostIdleCPU and MostIdleMemory.
	Pass bool `json:"pass"`
}

// IdleUsage is what some processes take.
type IdleUsage struct {
	// CPU is processor time in percent of one core.
	CPU float64 `json:"cpu_percent"`
	// Anon and PSS are medians over the time, in bytes, and AnonPeak the most. PSS is unknown where the
	// processes of another account may not be read.
	Anon     float64 `json:"anon_bytes"`
	AnonPeak float64 `json:"anon_peak_bytes"`
	PSS      float64 `json:"pss_bytes,omitempty"`
}

// What an idle worker may take itself: percent of a core, and bytes of PSS, which holds its anonymous
// memory and its part of what it shares.
const (
	MostIdleCPU    = 1.0
	MostIdleMemory = 60e6
)

// Bounds of the wait for a worker that is quiet.
const (
	quietLimit = time.Minute
	quietLook  = time.Second
	quietCPU   = 0.05 // of one core
	quietLooks = 3    // one after the other
)

// RunIdle starts the worker, measures it, and ends it.
func RunIdle(ctx context.Context, o IdleOptions) (idle *Idle, err error) {
	idle = &Idle{Schema: IdleSchema, Began: time.Now(), Sites: o.Sites}
	o.Say(fmt.Sprintf("a worker with %d sites starts", o.Sites))
	up := &sighting{text: []byte(o.Up), seen: make(chan struct{})}
	c, err := startChild("run", o.Command, up, func(io.Reader) {})
	if err != nil {
		return nil, err
	}
	defer func() {
		if stopErr := c.terminate(); err == nil {
			err = stopErr
		}
	}()
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-up.seen:
	case <-c.ended:
		return nil, errors.Join(c.wait(), fmt.Errorf("run: %w", errEnded))
	case <-limit.C:
		return nil, fmt.Errorf("run: not up within %s", startLimit)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	usage := linux.NewUsage(linux.Options{}, c.cmd.Process.Pid)
	if idle.Quiet, err = quiet(ctx, usage, o.Settle); err != nil {
		return nil, err
	}
	o.Say(fmt.Sprintf("it is measured for %s", o.For))
	if err := idle.measure(ctx, usage, o.For); err != nil {
		return nil, err
	}
	if idle.Ticks, err = tickCost(ctx, o.TickFor); err != nil {
		return nil, err
	}
	idle.Seconds = time.Since(idle.Began).Seconds()
	return idle, nil
}

// TickRate is how often a second the program is woken that is measured beside an idle worker.
const TickRate = 20

// tickCost is what this program takes to be woken TickRate times a second, in percent of one core.
func tickCost(ctx context.Context, how time.Duration) (float64, error) {
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		return 0, fmt.Errorf("read the processor time of this program: %w", err)
	}
	began := time.Now()
	for time.Since(began) < how {
		if err := sleep(ctx, time.Second/TickRate); err != nil {
			return 0, err
		}
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		return 0, fmt.Errorf("read the processor time of this program: %w", err)
	}
	took := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	return 100 * float64(took) / float64(time.Since(began)), nil
}

// quiet waits until the worker does next to nothing, for a time at least; false says that it did not come to that.
func quiet(ctx context.Context, usage *linux.Usage, least time.Duration) (bool, error) {
	last, began, calm := time.Duration(0), time.Now(), 0
	for time.Since(began) < quietLimit {
		cpu, _, err := usage.Read()
		if err != nil {
			return false, err
		}
		if took := cpu[memprof.Worker] - last; took.Seconds() <= quietCPU*quietLook.Seconds() {
			calm++
		} else {
			calm = 0
		}
		if last = cpu[memprof.Worker]; calm > quietLooks && time.Since(began) >= least { // the first look tells nothing
			return true, nil
		}
		if err := sleep(ctx, quietLook); err != nil {
			return false, err
		}
	}
	return false, nil
}

// measure reads the processes each second.
func (i *Idle) measure(ctx context.Context, usage *linux.Usage, how time.Duration) error {
	busy, err := busySince()
	if err != nil {
		return err
	}
	before, _, err := usage.Read()
	if err != nil {
		return err
	}
	began := time.Now()
	var reads idleReads
	for {
		if err := sleep(ctx, min(time.Second, max(0, how-time.Since(began)))); err != nil {
			return err
		}
		cpu, anon, err := usage.Read()
		if err != nil {
			return err
		}
		took := time.Since(began)
		pss, whole, err := usage.PSS()
		if err != nil {
			return err
		}
		reads.add(anon, pss, whole)
		if took < how {
			continue
		}
		if i.Others, err = busy(total(cpu) - total(before)); err != nil {
			return err
		}
		i.Measured = took.Seconds()
		i.sum(reads, cpu[memprof.Worker]-before[memprof.Worker], total(cpu)-total(before))
		return nil
	}
}

// idleReads are what was read one second after the other, in bytes.
type idleReads struct{ worker, workerPSS, rest, restPSS []float64 }

func (r *idleReads) add(anon, pss map[string]int64, whole bool) {
	own, ownPSS := anon[memprof.Worker], pss[memprof.Worker]
	r.worker, r.rest = append(r.worker, float64(own)), append(r.rest, float64(total(anon)-own))
	r.workerPSS = append(r.workerPSS, float64(ownPSS))
	if whole {
		r.restPSS = append(r.restPSS, float64(total(pss)-ownPSS))
	}
}

// sum makes the figures of what was read.
func (i *Idle) sum(r idleReads, worker, all time.Duration) {
	percent := func(d time.Duration) float64 { return 100 * d.Seconds() / i.Measured }
	i.Worker = IdleUsage{CPU: percent(worker), Anon: median(r.worker), AnonPeak: slices.Max(r.worker), PSS: median(r.workerPSS)}
	i.Rest = IdleUsage{CPU: percent(all - worker), Anon: median(r.rest), AnonPeak: slices.Max(r.rest), PSS: median(r.restPSS)}
	i.Pass = i.Worker.CPU < MostIdleCPU && max(i.Worker.PSS, i.Worker.Anon) < MostIdleMemory
}

// sighting waits for a text in what is written to it.
type sighting struct {
	text []byte
	seen chan struct{} // closed when it was there

	mu   sync.Mutex // owns rest
	rest []byte     // the end of what was written, with which the text may begin
	done bool
}

// Write looks for the text.
func (s *sighting) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return len(b), nil
	}
	s.rest = append(s.rest, b...)
	if bytes.Contains(s.rest, s.text) {
		s.done, s.rest = true, nil
		close(s.seen)
		return len(b), nil
	}
	s.rest = bytes.Clone(s.rest[max(0, len(s.rest)-len(s.text)):])
	return len(b), nil
}
