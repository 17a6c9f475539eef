package linux

import (
	"cmp"
	"slices"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

const (
	// keepLooks and maxLooks bound what is kept of the latest readings: the news of a death comes
	// up to a second after it.
	keepLooks = 5 * time.Second
	maxLooks  = 64
)

// look is what one reading saw of each process: what is left of one that has died since.
type look struct {
	at        time.Time
	processes []memprof.ProcessMemory
}

// keep notes what a reading saw.
func (p *Processes) keep(l look) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := 0
	for first < len(p.looks) && (len(p.looks)-first >= maxLooks || l.at.Sub(p.looks[first].at) > keepLooks) {
		first++
	}
	p.looks = append(slices.Delete(p.looks, 0, first), l)
}

// Ended returns the processes of the types named, or of any, that were seen in the last five seconds
// and have ended since, as they were seen last, the largest first; and what all processes held at that
// last sight of the largest. It takes nothing into account that was not read: without ticks there is
// none.
func (p *Processes) Ended(kinds ...string) (gone, then []memprof.ProcessMemory, at time.Time) {
	p.mu.Lock()
	looks := slices.Clone(p.looks)
	p.mu.Unlock()
	lives := map[int]bool{}
	last := map[int]look{}
	for _, l := range slices.Backward(looks) {
		if time.Since(l.at) > keepLooks {
			break
		}
		for _, seen := range l.processes {
			if _, known := last[seen.PID]; known || len(kinds) > 0 && !slices.Contains(kinds, seen.Process) {
				continue
			}
			if _, asked := lives[seen.PID]; !asked {
				_, err := readStatus(p.o.Root, seen.PID)
				lives[seen.PID] = err == nil
			}
			if !lives[seen.PID] {
				last[seen.PID] = l
				gone = append(gone, seen)
			}
		}
	}
	if len(gone) == 0 {
		return nil, nil, time.Time{}
	}
	slices.SortStableFunc(gone, largest)
	l := last[gone[0].PID]
	then = slices.SortedStableFunc(slices.Values(l.processes), largest)
	return gone, then, l.at
}

func largest(a, b memprof.ProcessMemory) int { return cmp.Compare(b.Bytes, a.Bytes) }
