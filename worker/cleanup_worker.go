package worker

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/ebbworker/ebb/worker/crawl"
)

// WorkerCleanup is what a cleaning of this program's own memory did, and what a check afterwards
// showed.
type WorkerCleanup struct {
	// Bytes came back: of the live heap for DropResults, to the system for CollectGo. Both are
	// readings before and after, so what runs take meanwhile counts against it, and it may be negative.
	Bytes float64
	// Count is how many of what Of names were dropped: 3 "robots.txt files and hosts".
	Count int
	Of    string
	// Verified says that the check found what was dropped to be gone.
	Verified bool
	// Says tells it in words, with what is left.
	Says string
}

// DropResults drops what the worker keeps in memory between runs and can have again: the robots.txt
// files of all origins, and the pace of hosts that nobody can tell from new ones (see
// crawl.RobotsCache.Forget and crawl.Hosts.Forget). No limit of a site is loosened. The next run that
// visits an origin asks it for its robots.txt once more. Programs, results and errors of runs need
// nothing: they end with their run. It may be called while runs are at work; it collects garbage twice.
func (w *Worker) DropResults() WorkerCleanup {
	runtime.GC()
	before := readGoHeap()
	var rest time.Duration
	for _, site := range w.sites {
		rest = max(rest, crawl.Rest(site))
	}
	robots, hosts := w.forgetRobots(), w.hosts.Forget(rest)
	runtime.GC()
	after := readGoHeap()
	heldRobots, heldHosts := robots.Held(), hosts.Held()
	c := WorkerCleanup{
		Bytes: before.live - after.live, Count: robots.Count + hosts.Count, Of: "robots.txt files and hosts",
		Verified: heldRobots+heldHosts == 0,
		Says: fmt.Sprintf("%s and %s dropped; %d and %d stay, which hold a server's answer, a limit or a pause for the next run",
			plural(robots.Count, "robots.txt file"), plural(hosts.Count, "host"), robots.Left, hosts.Left),
	}
	if !c.Verified {
		c.Says += fmt.Sprintf("; runs at work still use %d and %d of those dropped", heldRobots, heldHosts)
	}
	if !after.known {
		c.Says += "; " + unknownHeap
	}
	return c
}

// forgetRobots drops the robots.txt files that each way to the network has brought.
func (w *Worker) forgetRobots() crawl.Forgotten {
	sum := crawl.Forgotten{Held: func() int { return 0 }}
	for _, cache := range w.robots {
		one, before := cache.Forget(), sum.Held
		sum.Count, sum.Left = sum.Count+one.Count, sum.Left+one.Left
		sum.Held = func() int { return before() + one.Held() }
	}
	return sum
}

// CollectGo collects this program's garbage and gives the memory that is free to the system at once,
// which the runtime does by itself within minutes. It may be called while runs are at work.
func CollectGo() WorkerCleanup {
	before := readGoHeap()
	runtime.GC()
	debug.FreeOSMemory()
	after := readGoHeap()
	if !after.known {
		return WorkerCleanup{Of: "objects of the heap", Says: unknownHeap}
	}
	return WorkerCleanup{
		Bytes: before.held - after.held, Count: int(max(0, before.objects-after.objects)), Of: "objects of the heap",
		Verified: after.collections-before.collections >= 2 && after.free <= freeLeft+0.05*after.held,
		Says: fmt.Sprintf("of %s in the heap %s are live; of %s held from the system %s are left, %s of them free",
			mebibytes(before.heap), mebibytes(after.live), mebibytes(before.held), mebibytes(after.held), mebibytes(after.free)),
	}
}

// freeLeft is how much of the heap may be free, and still held, after all that is free was given back:
// what was freed since.
const freeLeft = 1 << 20

// goHeap is what the runtime says of its heap.
type goHeap struct {
	heap, objects float64 // bytes and number of objects, garbage included
	live          float64 // bytes, at the last collection
	held, free    float64 // bytes held from the system, and those of them that are free
	collections   float64
	known         bool // the runtime says all of it
}

func readGoHeap() goHeap {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/objects:objects"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	var values [7]float64
	for i, s := range samples {
		if s.Value.Kind() != metrics.KindUint64 {
			return goHeap{}
		}
		values[i] = float64(s.Value.Uint64())
	}
	return goHeap{
		heap: values[0], objects: values[1], live: values[2], held: values[3] - values[4], free: values[5],
		collections: values[6], known: true,
	}
}

// unknownHeap is said where the runtime lacks a figure.
const unknownHeap = "this Go runtime does not say what its heap holds"

func mebibytes(bytes float64) string { return fmt.Sprintf("%.1f MiB", bytes/(1<<20)) }

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
