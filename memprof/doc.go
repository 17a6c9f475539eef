// Package memprof tells whether memory grows, by how much per cycle, and what stops it.
//
// A [Recorder] asks its sources (memprof/linux, memprof/devtools, memprof/goruntime, or any
// other [Source]) for readings: at a fixed interval (a tick) and at the boundaries of phases
// (launch, scrape, cleanup, settle, idle) of a cycle; while a spike may come, also ten times a
// second, of anonymous memory alone (a quick tick). Everything is streamed as JSON lines (a
// recording), which [ReadRecording] reads again; of each cycle a [Summary] is returned.
//
//	rec, err := memprof.NewRecorder(memprof.Options{Level: memprof.LevelCheap, Interval: time.Second, Sources: sources, Out: file})
//	go rec.Run(ctx)                       // the ticks
//	cycle := rec.Cycle("demo", "shop")    // reads where memory stands
//	phase := cycle.Phase(memprof.Scrape, "shop")
//	...
//	phase.End(ctx)
//	summary := cycle.End(ctx)
//
// Every method of a nil *Recorder, *Cycle and *Phase does nothing and costs nothing: that is
// what NewRecorder returns at [LevelOff].
//
// Two rules hold throughout. A measurement is a value or an error, never 0 for what is missing:
// a source that fails leaves a gap, and the rest goes on. And measuring must not disturb: each
// reading is bounded in time, its cost is recorded beside it, and a tick never waits for a job
// nor a job for a tick.
package memprof
