package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"
)

// killsInterval is the time between two looks at the count of kills: how exactly their times are known.
const killsInterval = 250 * time.Millisecond

// idleKillsInterval is that time while Kills.Idle says so.
const idleKillsInterval = 2 * time.Second

// keepKills is how long the time of a kill is remembered.
const keepKills = time.Minute

// Kills counts the processes that the kernel has killed for want of memory in this process's memory
// cgroup, to which its Chromes belong too. The count of the cgroup itself holds also those kills for
// which the limit of a cgroup above, or the end of the machine's memory, was the reason; in version 2
// it holds those of the cgroups below. Where memory is charged to a cgroup above this process's,
// that one's is read, and without any the whole machine's.
type Kills struct {
	root fs.FS
	// OnKill is told of kills soon after they happen, while Run does, with how many there were; it
	// must not block. Default: nobody is. Set it before Run.
	OnKill func(n int)
	// Idle says that kills matter little now: then the count is looked at every 2 seconds instead of
	// every 250 ms. Default: never. Set it before Run.
	Idle func() bool

	mu    sync.Mutex // guards what follows
	file  string     // where the count stands; "" before it was found
	count int64
	begun bool
	times []time.Time // of kills, oldest first
}

// NewKills returns a counter of the kills from now on.
func NewKills(o Options) *Kills {
	k := &Kills{root: o.withDefaults().Root}
	_, _ = k.look() // what cannot be read now is told by Within
	return k
}

// Run looks at the count until ctx ends; it returns nil. A count that cannot be read is told by Within.
func (k *Kills) Run(ctx context.Context) error {
	timer := time.NewTimer(k.interval())
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			_, _ = k.look()
			timer.Reset(k.interval())
		case <-ctx.Done():
			return nil
		}
	}
}

// interval is the time until the next look.
func (k *Kills) interval() time.Duration {
	if k.Idle != nil && k.Idle() {
		return idleKillsInterval
	}
	return killsInterval
}

// Within returns how many processes were killed within some time before now, of which the last
// minute is known. While Run does not, kills count as of the moment in which they are seen.
func (k *Kills) Within(d time.Duration) (int, error) {
	now, err := k.look()
	if err != nil {
		return 0, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, at := range k.times {
		if now.Sub(at) <= d {
			n++
		}
	}
	return n, nil
}

// look reads the count, and notes the time of what is new.
func (k *Kills) look() (time.Time, error) {
	k.mu.Lock()
	now := time.Now()
	fresh, err := k.read()
	k.times = slices.DeleteFunc(k.times, func(t time.Time) bool { return now.Sub(t) > keepKills })
	for range min(fresh, 1000) {
		k.times = append(k.times, now)
	}
	k.mu.Unlock()
	if fresh > 0 && k.OnKill != nil {
		k.OnKill(int(fresh))
	}
	return now, err
}

// read returns by how much the count has grown. The caller holds mu.
func (k *Kills) read() (fresh int64, err error) {
	if k.file == "" {
		k.file = "proc/vmstat"
		if at, err := findCgroup(k.root); err == nil {
			if file := at.file("memory.events", "memory.oom_control"); readable(k.root, file) {
				k.file = file
			}
		}
	}
	pairs, err := readPairs(k.root, k.file)
	if err != nil {
		return 0, fmt.Errorf("count the processes killed for want of memory: %w", err)
	}
	count, ok := pairs["oom_kill"]
	if !ok {
		return 0, errors.New("count the processes killed for want of memory: this kernel does not tell")
	}
	if k.begun {
		fresh = max(0, count-k.count)
	}
	k.count, k.begun = count, true
	return fresh, nil
}

func readable(root fs.FS, file string) bool {
	pairs, err := readPairs(root, file)
	_, ok := pairs["oom_kill"]
	return err == nil && ok
}
