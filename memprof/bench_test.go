package memprof

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"
)

// workload is the readings of a Chrome with eight pages, as the sources give them.
func workload() []Reading {
	var readings []Reading
	for _, kind := range []string{"browser", "renderer", "gpu-process", "network", "zygote", Worker} {
		for _, metric := range []string{"anon", "swap", "count", "threads", "pss", "uss", "fds"} {
			readings = append(readings, reading("process."+metric, kind, 1e7))
		}
	}
	for page := range 8 {
		for _, row := range table {
			if row.Scope == PerIsolate {
				readings = append(readings, Reading{
					Metric: row.Name, Value: 1e6,
					Subject: Subject{Browser: "1", Kind: "page", Target: fmt.Sprint(page), URL: "http://shop.example/item", Isolate: fmt.Sprint(page)},
				})
			}
		}
	}
	return append(readings, reading("page.read", "", 8), reading("context.count", "", 1), reading("target.count", "page", 8))
}

// What the recorder itself costs beside its sources.
func BenchmarkRecorder(b *testing.B) {
	newOne := func() *Recorder {
		r, err := NewRecorder(Options{Level: LevelFull, Interval: time.Hour, Sources: []Source{steady(workload()...)}, Out: io.Discard})
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	b.Run("tick", func(b *testing.B) {
		r := newOne()
		for b.Loop() {
			r.tick(context.Background(), true)
			r.out.flush()
		}
	})
	b.Run("quick tick", func(b *testing.B) {
		r, err := NewRecorder(Options{
			Level: LevelFull, Interval: time.Hour, SpikeInterval: time.Hour,
			Sources: []Source{quickly{steady(workload()[:42]...)}}, Out: io.Discard,
		})
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			r.tick(context.Background(), false)
			r.out.flush()
		}
	})
	b.Run("boundary", func(b *testing.B) {
		r := newOne()
		c := r.Cycle("bench")
		for b.Loop() {
			c.Phase(Scrape, "shop").End(context.Background())
		}
		c.End(context.Background())
	})
	b.Run("off", func(b *testing.B) {
		var r *Recorder
		for b.Loop() {
			c := r.Cycle("bench", "shop")
			c.Phase(Scrape, "shop").End(context.Background())
			c.End(context.Background())
		}
	})
}
