package worker

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/demo"
	"github.com/ebbworker/ebb/worker/store"
)

// BenchmarkWhatMeasuringCosts scrapes the demo's sites, cycle by cycle in turn: with nothing
// measured, at the cheap level with its ticks, and as a diagnosis does, whose times of settling
// and idling are taken off. It prints what the other two take of the time of the first: one
// iteration is one cycle of each. go test ./worker -run '^$' -bench WhatMeasuringCosts -benchtime 10x
func BenchmarkWhatMeasuringCosts(b *testing.B) {
	off, cheap, diagnosed := newCost(b, memprof.LevelOff), newCost(b, memprof.LevelCheap), newCost(b, memprof.LevelFull)
	ways := []*cost{off, cheap, diagnosed}
	for _, c := range ways {
		c.cycle() // the first one opens what the others use again
		c.took = 0
	}
	for i := 0; b.Loop(); i++ {
		for k := range ways {
			ways[(i+k)%len(ways)].cycle()
		}
	}
	pages := float64(off.pages * b.N)
	b.ReportMetric(pages/off.took.Seconds(), "pages/s-unmeasured")
	b.ReportMetric(pages/cheap.took.Seconds(), "pages/s-cheap")
	b.ReportMetric(cheap.took.Seconds()/off.took.Seconds(), "x-cheap")
	b.ReportMetric(diagnosed.took.Seconds()/off.took.Seconds(), "x-diagnosed")
	b.ReportMetric(0, "ns/op")
}

// cost is one way of scraping the demo, with the time that its cycles took.
type cost struct {
	b     testing.TB
	ctx   context.Context
	d     *diagnosis
	pages int
	took  time.Duration
}

func newCost(b testing.TB, level memprof.Level) *cost {
	ctx, cancel := context.WithCancel(context.Background())
	server := demo.New(demo.Options{})
	web := httptest.NewServer(server.Handler())
	b.Cleanup(web.Close)
	var list []*sites.Site
	for name, text := range server.SiteFiles(web.URL) {
		site, err := sites.Parse(name, text)
		require.NoError(b, err)
		site.Schedule = ""
		list = append(list, site)
	}
	kept, err := store.Open(ctx, filepath.Join(b.TempDir(), "ebb.db"))
	require.NoError(b, err)
	pool := browsertest.Pool(b, 4)
	options := MemoryOptions{Level: level, Dir: b.TempDir()}
	if level == memprof.LevelFull {
		options.SpikeInterval = SpikeInterval
	}
	memory, err := NewMemory(pool, options)
	require.NoError(b, err)
	w, err := New(Options{Sites: list, Store: kept, Pool: pool, Memory: memory})
	require.NoError(b, err)
	c := &cost{b: b, ctx: ctx, pages: server.Pages(), d: &diagnosis{w: w, o: DiagnoseOptions{Parallel: level != memprof.LevelFull}.withDefaults(), memory: memory}}
	for _, s := range list {
		c.d.names = append(c.d.names, s.Name)
	}
	ended := make(chan error, 1)
	go func() { ended <- w.measured(ctx, func() error { return w.engine.Run(ctx) }) }()
	b.Cleanup(func() {
		cancel()
		require.NoError(b, <-ended)
		require.NoError(b, memory.Close(context.Background()))
		require.NoError(b, kept.Close())
	})
	require.NoError(b, pool.Start(ctx))
	return c
}

// cycle scrapes all sites once.
func (c *cost) cycle() {
	begin := time.Now()
	if c.d.memory.Recorder.Level() == memprof.LevelFull {
		require.NoError(c.b, c.d.cycle(c.ctx, memprof.JudgedCycle, 1))
		c.took -= c.d.o.Settle + c.d.o.Idle
	} else {
		require.NoError(c.b, c.d.scrape(c.ctx, nil, 1))
	}
	c.took += time.Since(begin)
}
