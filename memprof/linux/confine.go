package linux

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// leastMemory is the smallest memory limit that is accepted: a Chrome with one page takes
	// about 80 MB, and pages that are worth a look several times as much.
	leastMemory = 256 << 20
	// leastCPUs is what the kernel's shortest quota, 1 ms of 100, comes to.
	leastCPUs = 0.01
	// emptyTimeout bounds how long Release waits for the processes inside to end, and
	// emptyInterval is how often it looks.
	emptyTimeout  = 10 * time.Second
	emptyInterval = 20 * time.Millisecond
)

// Limits says what this process and its children may use together.
type Limits struct {
	// Memory in bytes, at least 256 MB, without swap: at the limit the kernel kills. Default: 0,
	// no limit.
	Memory int64
	// CPUs is how many processors' time they may use, such as 2 or 0.5. Default: 0, no limit.
	CPUs float64
}

// String writes the limits as "memory 7.0 GB, 2 CPUs".
func (l Limits) String() string {
	var parts []string
	if l.Memory != 0 {
		parts = append(parts, "memory "+inWords(l.Memory))
	}
	if l.CPUs != 0 {
		parts = append(parts, cpusInWords(l.CPUs))
	}
	return strings.Join(parts, ", ")
}

// controllers returns the names of those that enforce the limits.
func (l Limits) controllers() []string {
	var names []string
	if l.Memory != 0 {
		names = append(names, memoryController)
	}
	if l.CPUs != 0 {
		names = append(names, cpuController)
	}
	return names
}

// check tells whether the limits mean something on a machine with so many processors and so
// much memory in bytes (0 if that is unknown).
func (l Limits) check(cpus int, memory int64) error {
	switch {
	case l.Memory == 0 && l.CPUs == 0:
		return errors.New("there is neither a memory limit nor a CPU limit")
	case l.Memory != 0 && l.Memory < leastMemory:
		return fmt.Errorf("a memory limit of %s is too low for a Chrome: the least is %s", inWords(l.Memory), inWords(leastMemory))
	case memory > 0 && l.Memory > memory:
		return fmt.Errorf("a memory limit of %s cannot be reached: this machine has %s", inWords(l.Memory), inWords(memory))
	case math.IsNaN(l.CPUs) || l.CPUs != 0 && l.CPUs < leastCPUs:
		return fmt.Errorf("a limit of %g CPUs is too low: the least is %g", l.CPUs, leastCPUs)
	case l.CPUs > float64(cpus):
		return fmt.Errorf("a limit of %s cannot be reached: this machine has %s", cpusInWords(l.CPUs), cpusInWords(float64(cpus)))
	}
	return nil
}

// Confinement is a cgroup of this process's own with limits, in which it is until Release.
type Confinement struct {
	limits Limits
	kinds  string // v1, v2 or both
	by     confiner

	mu    sync.Mutex
	cells []*cell // those not removed yet
}

// Confine makes a cgroup below the one that this process is in (one in each v1 hierarchy that it
// needs), with these limits, and moves this process into it with all its threads. Children that
// it starts from now on, such as Chrome, are inside too; those that it has already are not, and
// memory that it took before is not counted. What a killed process left behind is removed first.
//
// On cgroup v2, where only a cgroup without processes can limit its children, this process must
// be alone in its cgroup. The error says what is missing and what to do about it; then
// everything is as it was before.
func Confine(ctx context.Context, l Limits) (*Confinement, error) {
	c := confiner{root: "/", files: kernelFiles{}, pid: os.Getpid(), cpus: runtime.NumCPU()}
	return c.confine(ctx, l)
}

// Limits returns what was asked for.
func (c *Confinement) Limits() Limits { return c.limits }

// Describe says what is limited and by what: "memory 7.0 GB, 2 CPUs, by cgroup v1".
func (c *Confinement) Describe() string { return c.limits.String() + ", by cgroup " + c.kinds }

// Release moves this process back to where it was, waits until the cgroup is empty, at most
// 10 s, and removes it. End Chrome first: the limits may end with this call while what is inside
// still runs. The error names the processes that did not end; Release can then be called again.
// Once everything is removed, further calls do nothing.
func (c *Confinement) Release(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, g := range c.cells {
		errs = append(errs, c.by.leave(g))
	}
	ctx, cancel := context.WithTimeout(ctx, emptyTimeout)
	defer cancel()
	var left []*cell
	for _, g := range c.cells {
		if err := c.by.remove(ctx, g); err != nil {
			errs, left = append(errs, err), append(left, g)
		}
	}
	c.cells = left
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("end the confinement: %w", err)
	}
	return nil
}

// inWords writes bytes as "7.0 GB" or "512 MB", in powers of 1024.
func inWords(bytes int64) string {
	if bytes < 1<<30 {
		return strconv.FormatInt(bytes>>20, 10) + " MB"
	}
	return strconv.FormatFloat(float64(bytes)/(1<<30), 'f', 1, 64) + " GB"
}

func cpusInWords(cpus float64) string {
	if cpus == 1 {
		return "1 CPU"
	}
	return strconv.FormatFloat(cpus, 'g', 4, 64) + " CPUs"
}
