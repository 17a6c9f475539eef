package memprof

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// DefaultInterval is the interval of ticks that a worker uses unless it is told otherwise.
const DefaultInterval = time.Second

// Limits of a Recorder, which keep its memory bounded whatever runs.
const (
	defaultRing  = 300
	maxSpans     = 1000 // phases listed of one cycle
	maxDeltaSets = 64   // sets of phases between which a cycle's change is divided
	maxGapKinds  = 64   // different gaps listed of one cycle
	maxOpen      = 50   // open targets listed of one cycle

	// freshFor is how long the newest reading stands for the moment: between the end of one
	// phase and the beginning of the next nothing is read twice.
	freshFor = 20 * time.Millisecond
)

// Options says what a Recorder reads, when, and where it writes.
type Options struct {
	// Level is how much is measured. Default: LevelOff, which measures nothing.
	Level Level
	// Interval is the time between ticks. Default: 0, no ticks; see DefaultInterval.
	Interval time.Duration
	// RestInterval is the least time between ticks while no cycle is open; Interval still says when one may
	// come. Default: 0, Interval.
	RestInterval time.Duration
	// SpikeInterval is the time between ticks while a phase of the kind launch, scrape or cleanup
	// runs. Those that are not due by Interval are quick: only sources that are a QuickSource are
	// asked, and only for anonymous memory. Default: 0, there are no quick ticks.
	SpikeInterval time.Duration
	// ReadTimeout bounds one reading of all sources, at ticks and phase boundaries, and so how
	// long a hung source may hold up the end of a phase. Default: 1 s.
	ReadTimeout time.Duration
	// Sources are what is read.
	Sources []Source
	// Manifest describes the run; Schema, Level, both intervals and Start are filled in.
	Manifest Manifest
	// Out takes the recording, as JSON lines. The caller closes it, after Close. Default: nil,
	// nothing is written.
	Out io.Writer
	// WriteFailed is told, once, that Out returned an error: the recording ends there, the
	// measuring goes on. It is called from the goroutine that wrote. Default: nil; Close then
	// returns the error.
	WriteFailed func(error)
	// Observe is called with every value that goes into the recording (Manifest, Sample,
	// PhaseSpan, Summary, Gap, Note), in the recording's order, from one goroutine at a time; the
	// Manifest comes before NewRecorder returns. What a call of Cycle, Phase, End or Read brings
	// about has been observed when it returns. Observe should return soon: they and the ticks
	// wait for it. It must not change the value, may call Latest, Recent, Stats, Level, Note and
	// Gap, and must not call Cycle, Phase, End or Read, which would wait for it. Default: nil.
	Observe func(v any)
	// Ring is how many of the newest ticks are kept for Recent. Default: 300.
	Ring int
}

// Recorder takes readings at ticks and at phase boundaries. Its memory is bounded: a ring of
// ticks, the cycles that are under way, and counters. All methods may be called from several
// goroutines, and do nothing on a nil *Recorder.
type Recorder struct {
	o        Options
	meters   []*meter
	quick    []*meter // of meters, those that quick ticks ask
	out      *lineWriter
	observed *observer
	turned   chan struct{} // told when spiky leaves or reaches 0
	// reading takes one value while a boundary reading is under way, so that they do not overlap.
	reading chan struct{}

	mu     sync.Mutex // guards what follows, and the fields of Cycle and Phase
	seq    uint64
	cycles map[*Cycle]struct{}
	opened int // cycles so far
	phases map[*Phase]struct{}
	spiky  int // of phases, those in which a spike is looked for
	next   *batch
	last   Sample // the newest boundary reading
	ring   ring
	stats  Stats
}

// Stats counts what a Recorder did.
type Stats struct {
	// Ticks were read, of which Late took longer than the interval; Missed fell due meanwhile
	// and were left out: ticks never overlap.
	// Late and Missed count quick ticks too.
	Ticks, QuickTicks, Late, Missed int
	// Readings were taken at phase boundaries, Gaps are readings of single figures that failed.
	Readings, Gaps int
	// Cycles ended.
	Cycles int
	// LinesDropped were not written because the output had stalled.
	LinesDropped int
}

// NewRecorder returns a recorder, or nil at LevelOff. It starts nothing and reads nothing.
func NewRecorder(o Options) (*Recorder, error) {
	if o.Level == LevelOff {
		return nil, nil
	}
	switch {
	case o.Level != LevelCheap && o.Level != LevelFull:
		return nil, errors.New("new memory recorder: the level must be off, cheap or full")
	case o.Interval < 0:
		return nil, errors.New("new memory recorder: the interval must not be negative; 0 means no ticks")
	case o.RestInterval < 0:
		return nil, errors.New("new memory recorder: the interval at rest must not be negative; 0 means no other")
	case o.SpikeInterval < 0:
		return nil, errors.New("new memory recorder: the spike interval must not be negative; 0 means no quick ticks")
	case o.ReadTimeout < 0 || o.Ring < 0:
		return nil, errors.New("new memory recorder: the timeout and the ring must not be negative")
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = time.Second
	}
	if o.Ring == 0 {
		o.Ring = defaultRing
	}
	r := &Recorder{o: o, reading: make(chan struct{}, 1), cycles: make(map[*Cycle]struct{}), phases: make(map[*Phase]struct{}), ring: ring{size: o.Ring}}
	for _, s := range o.Sources {
		m := &meter{source: s}
		r.meters = append(r.meters, m)
		if q, ok := s.(QuickSource); ok && q.Quick() {
			r.quick = append(r.quick, m)
		}
	}
	if len(r.quick) == 0 {
		r.o.SpikeInterval = 0 // nobody would be asked
	}
	r.out = newLineWriter(o.Out, o.WriteFailed)
	r.observed, r.turned = newObserver(o.Observe), make(chan struct{}, 1)
	m := o.Manifest
	m.Schema, m.Level, m.Interval, m.SpikeInterval, m.Start = Schema, o.Level, o.Interval, r.o.SpikeInterval, time.Now()
	r.write("manifest", m)
	r.observed.deliver(true)
	return r, nil
}

// Run takes the ticks and writes the recording until ctx ends; it then returns nil. Without it
// there are no ticks, and each cycle's end writes in the caller's goroutine. At most one Run
// may be under way.
func (r *Recorder) Run(ctx context.Context) error {
	if r == nil {
		return nil
	}
	if !r.out.begin() {
		return errors.New("run memory recorder: it is already running")
	}
	var wg sync.WaitGroup
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	wg.Go(func() { r.out.run(writing) })
	defer wg.Wait()
	defer stop()
	r.ticks(ctx)
	return nil
}

// write streams a value and queues it for Observe; but for the manifest the caller holds mu.
func (r *Recorder) write(kind string, v any) {
	r.observed.add(v)
	if s, ok := v.(Sample); ok && kind == "reading" {
		v = readingLine{Sample: s, Subjects: bySubject(s.Readings)}
	}
	r.out.line(kind, v)
}

// read takes one sample and numbers it.
func (r *Recorder) read(ctx context.Context, q Request) (Sample, []Gap) {
	r.mu.Lock()
	r.seq++
	s := Sample{Seq: r.seq, Start: time.Now(), Phases: r.running(time.Time{}), Costs: make(map[string]time.Duration, len(r.meters))}
	r.mu.Unlock()

	answers := readAll(ctx, r.asked(q), q, r.o.ReadTimeout)
	s.Took = time.Since(s.Start)
	var all []Reading
	for _, a := range answers {
		s.Costs[a.source] += a.cost
		checkNumbers(a.readings)
		all = append(all, a.readings...)
	}
	s.Totals = NewTotals(q, all)
	gaps, readings := gapsOf(s, answers)
	s.Readings = readings
	return s, gaps
}

// asked returns the sources of a request.
func (r *Recorder) asked(q Request) []*meter {
	if q.Quick {
		return r.quick
	}
	return r.meters
}

// record streams a sample and its gaps; the caller holds mu, so that lines keep their order.
func (r *Recorder) record(s Sample, gaps []Gap) {
	for _, g := range gaps {
		r.stats.Gaps += g.Count
		r.write("gap", g)
	}
	if s.Totals.Tick {
		r.write("tick", s)
		return
	}
	r.stats.Readings++
	r.write("reading", s)
}

// Note records something that is neither a reading nor a phase: a Chrome's version and flags
// once it runs, a crash, a change of configuration. data is written as JSON.
func (r *Recorder) Note(name string, data any) error {
	if r == nil {
		return nil
	}
	n, err := newNote(name, data)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.write("note", n)
	r.mu.Unlock()
	r.observed.deliver(false)
	return nil
}

// Gap records that something could not be measured, or made ready for measuring, outside the
// recorder's own readings, such as a page whose garbage could not be collected. A zero Time
// becomes now, a Seq of 0 that of the newest sample, and a Count of 0 becomes 1. It counts for
// all cycles that run.
func (r *Recorder) Gap(g Gap) {
	if r == nil {
		return
	}
	r.mu.Lock()
	if g.Time.IsZero() {
		g.Time = time.Now()
	}
	if g.Seq == 0 {
		g.Seq = r.seq
	}
	g.Count = max(g.Count, 1)
	r.stats.Gaps += g.Count
	for c := range r.cycles {
		c.gap(g)
	}
	r.write("gap", g)
	r.mu.Unlock()
	r.observed.deliver(false)
}

// Latest returns the newest tick, or else the newest reading; ok is false before the first.
func (r *Recorder) Latest() (s Sample, ok bool) {
	if r == nil {
		return Sample{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if recent := r.ring.last(1); len(recent) == 1 && recent[0].Seq > r.last.Seq {
		return recent[0], true
	}
	return r.last, r.last.Seq != 0
}

// Recent returns the newest ticks, oldest first, as many as the ring holds.
func (r *Recorder) Recent() []Sample {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ring.last(r.o.Ring)
}

// Stats returns the counters.
func (r *Recorder) Stats() Stats {
	if r == nil {
		return Stats{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.LinesDropped = r.out.lost()
	return s
}

// Close writes what is left of the recording. It returns the error that ended the recording,
// unless Options.WriteFailed was told. Call it after Run has returned.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	return r.out.close()
}

// Level is how much is measured; LevelOff on a nil *Recorder.
func (r *Recorder) Level() Level {
	if r == nil {
		return LevelOff
	}
	return r.o.Level
}
