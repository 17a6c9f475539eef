package worker

import (
	"context"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/linux"
)

const (
	// defaultFresh is what a Chrome is taken to hold that was not seen before its first page, and
	// mostFresh the most that one that was is believed to.
	defaultFresh, mostFresh = 90 << 20, 160 << 20
	// keptFresh is of how many Chromes it is remembered.
	keptFresh = 16
)

// gauge reads memory for the governor, to whose goroutine it belongs.
type gauge struct {
	pool   *browser.Pool
	budget *Budget
	source memprof.Source
	fresh  map[string]int64 // what each Chrome held when it was young
	latest memoryNow
	quiet  memoryNow // the latest while no run was at work
}

func newGauge(w *Worker) *gauge {
	pool := w.options.Pool
	return &gauge{
		pool: pool, budget: w.options.Budget, fresh: map[string]int64{},
		source: linux.NewProcesses(linux.Options{Browsers: func() []linux.Browser { return processesOf(pool) }}),
	}
}

// processesOf are the pool's Chromes.
func processesOf(pool *browser.Pool) []linux.Browser {
	var list []linux.Browser
	for _, b := range pool.Browsers() {
		list = append(list, linux.Browser{ID: id(b), PID: b.PID()})
	}
	return list
}

// memoryNow is one reading of memory, in bytes of anonymous memory.
type memoryNow struct {
	at      time.Time
	used    int64 // what counts against the budget
	chrome  int64 // of all Chromes
	fresh   int64 // of as many that are young
	chromes map[string]int64
}

// read reads memory now; false where that was not possible.
func (g *gauge) read(ctx context.Context) (memoryNow, bool) {
	now := memoryNow{at: time.Now(), chromes: map[string]int64{}}
	own, known := int64(0), false
	for _, r := range g.source.Read(ctx, memprof.Request{Level: memprof.LevelCheap, Tick: true, Quick: true}) {
		if r.Metric != "process.anon" || r.Err != nil {
			continue // a process that has just ended holds nothing
		}
		own += int64(r.Value)
		if r.Subject.Browser == "" {
			known = true
			continue
		}
		now.chrome += int64(r.Value)
		now.chromes[r.Subject.Browser] += int64(r.Value)
	}
	now.used = g.budget.used(own)
	for _, b := range g.pool.Browsers() {
		now.fresh += g.freshOf(b, now.chromes[id(b)])
	}
	if known {
		g.latest = now
	}
	return now, known
}

// freshOf is what a Chrome held before its first page.
func (g *gauge) freshOf(b *browser.Browser, anon int64) int64 {
	name := id(b)
	if anon > 0 && b.Pages() == 0 {
		for old := range g.fresh {
			if len(g.fresh) >= keptFresh {
				delete(g.fresh, old) // most are of Chromes that have ended
			}
		}
		g.fresh[name] = min(anon, mostFresh)
	}
	return g.freshAs(name)
}

// freshAs is what is known of how much a Chrome held before its first page.
func (g *gauge) freshAs(name string) int64 {
	if fresh, seen := g.fresh[name]; seen {
		return fresh
	}
	return defaultFresh
}
