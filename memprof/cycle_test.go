package memprof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// meterable is a source whose values a test sets.
type meterable struct {
	mu       sync.Mutex
	readings []Reading
	reads    int
}

func (m *meterable) Name() string { return "meterable" }

func (m *meterable) Read(context.Context, Request) []Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	return append([]Reading(nil), m.readings...)
}

func (m *meterable) set(readings ...Reading) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.readings = readings
}

// renderers sets the anonymous memory of Chrome's renderers.
func (m *meterable) renderers(bytes float64) {
	m.set(reading("process.count", "renderer", 1), reading("process.anon", "renderer", bytes))
}

func newRecorder(t *testing.T, o Options) *Recorder {
	t.Helper()
	if o.Level == LevelOff {
		o.Level = LevelFull
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	r, err := NewRecorder(o)
	require.NoError(t, err)
	return r
}

// deltaOf returns the change of a series that belongs to a set of phases.
func deltaOf(s Summary, series Series, phases ...string) float64 {
	for _, d := range s.Deltas {
		if fmt.Sprint(d.Phases) == fmt.Sprint(phases) {
			return d.Values[series]
		}
	}
	return 0
}

func TestCycleOfPhasesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meterable{}
		r := newRecorder(t, Options{Sources: []Source{m}})
		ctx := t.Context()
		m.renderers(100)
		c := r.Cycle("demo", "shop")
		p := c.Phase(Scrape, "shop")
		require.Equal(t, 1, m.reads, "the phase begins with the cycle's first reading")
		time.Sleep(time.Second)
		m.renderers(300)
		p.End(ctx)
		p = c.Phase(Cleanup, "shop")
		require.Equal(t, 2, m.reads, "the phases share their boundary")
		time.Sleep(time.Second)
		m.renderers(120)
		p.End(ctx)
		time.Sleep(time.Second)
		m.renderers(125)
		s := c.End(ctx)

		require.Equal(t, 1, s.Cycle)
		require.Equal(t, 3*time.Second, s.Duration)
		known(t, s.Before, chromeAnon, 100)
		known(t, *s.AfterScrape, chromeAnon, 300)
		known(t, *s.AfterCleanup, chromeAnon, 120)
		known(t, s.After, chromeAnon, 125)
		change, ok := s.Change(rendererAnon)
		require.True(t, ok)
		require.Equal(t, 25.0, change)
		require.Equal(t, 200.0, deltaOf(s, chromeAnon, "scrape shop"))
		require.Equal(t, -180.0, deltaOf(s, chromeAnon, "cleanup shop"))
		require.Equal(t, 5.0, deltaOf(s, chromeAnon))
		require.Equal(t, 300.0, s.Peaks[chromeAnon].Value)
		require.Equal(t, []string{"scrape shop"}, s.Peaks[chromeAnon].Phases)
		require.Len(t, s.Phases, 2)
		require.Equal(t, PhaseSpan{Cycle: 1, Kind: Cleanup, Site: "shop", Start: s.Phases[0].End, End: s.Phases[1].End, From: 2, To: 3}, s.Phases[1])
		require.Equal(t, 4, s.Costs["meterable"].Count)
		require.Equal(t, s, c.End(ctx), "a second end changes nothing")
	})
}

// The last phase to be logged is not the guilty one: what grew while several ran names them all.
func TestOverlappingPhasesAreKeptAsSuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meterable{}
		r := newRecorder(t, Options{Sources: []Source{m}})
		ctx := t.Context()
		m.renderers(0)
		c := r.Cycle("two")
		a := c.Phase(Scrape, "a")
		time.Sleep(time.Second)
		m.renderers(10)
		b := c.Phase(Scrape, "b")
		time.Sleep(time.Second)
		m.renderers(110)
		a.End(ctx)
		time.Sleep(time.Second)
		m.renderers(111)
		b.End(ctx)
		s := c.End(ctx)
		require.Equal(t, 10.0, deltaOf(s, chromeAnon, "scrape a"))
		require.Equal(t, 100.0, deltaOf(s, chromeAnon, "scrape a", "scrape b"))
		require.Equal(t, 1.0, deltaOf(s, chromeAnon, "scrape b"))
		require.Equal(t, []string{"scrape b"}, s.Peaks[chromeAnon].Phases)
		require.Equal(t, 111.0, s.Peaks[chromeAnon].Value)
	})
}

func TestAPeakBetweenBoundariesIsSeenByATickAndNamesAllThatRan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meterable{}
		r := newRecorder(t, Options{Sources: []Source{m}, Interval: time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		m.renderers(10)
		one, two := r.Cycle("one"), r.Cycle("two")
		a, b := one.Phase(Scrape, "a"), two.Phase(Cleanup, "b")
		m.renderers(500)
		time.Sleep(1500 * time.Millisecond)
		m.renderers(20)
		a.End(ctx)
		b.End(ctx)
		s := one.End(ctx)
		require.Equal(t, 500.0, s.Peaks[chromeAnon].Value)
		require.Equal(t, []string{"cleanup b", "scrape a"}, s.Peaks[chromeAnon].Phases)
		require.Equal(t, 1, s.Ticks)
		two.End(ctx)
		cancel()
		require.NoError(t, <-done)
	})
}

// Whatever values come, and whatever is missing between, the changes by phase add up exactly.
func TestDeltasTelescope(t *testing.T) {
	kinds := []string{"browser", "renderer", "gpu-process"}
	rapid.Check(t, func(t *rapid.T) {
		m := &meterable{}
		r, err := NewRecorder(Options{Level: LevelFull, Sources: []Source{m}})
		if err != nil {
			t.Fatal(err)
		}
		draw := func(gaps bool) {
			readings := []Reading{reading("process.count", "zygote", 1), reading("process.anon", "zygote", 1)}
			for _, kind := range kinds {
				switch rapid.IntRange(0, 3).Draw(t, "is") {
				case 0: // no such process runs
				case 1:
					if gaps {
						readings = append(readings, gap("process.anon", kind, errors.New("x")))
					}
				default:
					readings = append(readings, reading("process.anon", kind, float64(rapid.Int64Range(0, 1<<44).Draw(t, "bytes"))))
				}
			}
			m.set(readings...)
		}
		draw(false)
		c := r.Cycle("any")
		var open []*Phase
		for range rapid.IntRange(0, 12).Draw(t, "steps") {
			draw(true)
			if len(open) > 0 && rapid.Bool().Draw(t, "end") {
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				open[i].End(context.Background())
				open = append(open[:i], open[i+1:]...)
				continue
			}
			open = append(open, c.Phase(Scrape, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "site")))
		}
		draw(false)
		last := c.Phase(Idle, "")
		last.End(context.Background())
		s := c.End(context.Background())
		for _, kind := range append(kinds, Chrome) {
			series := Series{"process.anon", kind}
			sum := 0.0
			for _, d := range s.Deltas {
				sum += d.Values[series]
			}
			change, ok := s.Change(series)
			if !ok || change != sum {
				t.Fatalf("%v: the changes add up to %v, the cycle's is %v (%v)", series, sum, change, ok)
			}
		}
	})
}

// What grew while a figure was missing belongs to all that ran meanwhile.
func TestAGapWidensTheStretch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meterable{}
		r := newRecorder(t, Options{Sources: []Source{m}})
		ctx := t.Context()
		m.renderers(10)
		c := r.Cycle("gap")
		p := c.Phase(Scrape, "a")
		time.Sleep(time.Second)
		m.set(gap("process.*", "renderer", errors.New("x")))
		p.End(ctx)
		p = c.Phase(Cleanup, "a")
		time.Sleep(time.Second)
		m.renderers(15)
		p.End(ctx)
		s := c.End(ctx)
		require.Equal(t, 5.0, deltaOf(s, chromeAnon, "cleanup a", "scrape a"))
		require.Equal(t, []Gap{{
			Seq: 2, Time: s.Gaps[0].Time, Source: "meterable", Metric: "process.*",
			Subject: Subject{Browser: "1", Kind: "renderer"}, Error: "x", Count: 1,
		}}, s.Gaps)
	})
}

func TestPhasesLeftOpenEndWithTheirCycle(t *testing.T) {
	m := &meterable{}
	r := newRecorder(t, Options{Sources: []Source{m}})
	c := r.Cycle("open")
	p := c.Phase(Scrape, "a")
	s := c.End(t.Context())
	require.Equal(t, []string{"phase scrape a was still open at the end of the cycle"}, s.Warnings)
	require.Len(t, s.Phases, 1)
	p.End(t.Context())
	late := c.Phase(Cleanup, "a")
	late.End(t.Context())
	require.Empty(t, r.phases)
	require.Empty(t, r.cycles)
	require.Len(t, c.End(t.Context()).Phases, 1)
}

func TestAReadingIsTakenThoughTheJobsTimeIsUp(t *testing.T) {
	r := newRecorder(t, Options{Sources: []Source{fake{"ctx", func(ctx context.Context, _ Request) []Reading {
		return []Reading{{Metric: "go.goroutines", Value: 3, Err: ctx.Err()}}
	}}}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := r.Cycle("late")
	p := c.Phase(Scrape, "a")
	p.End(ctx)
	s := c.End(ctx)
	require.Empty(t, s.Gaps)
	known(t, s.After, Series{Metric: "go.goroutines"}, 3)
}

// However many jobs end phases at once, readings do not overlap and are shared.
func TestConcurrentBoundariesShareReadings(t *testing.T) {
	const jobs = 50
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		under, most, reads := 0, 0, 0
		release := make(chan struct{}, 1)
		source := fake{"slow", func(context.Context, Request) []Reading {
			mu.Lock()
			reads++
			under++
			most = max(most, under)
			mu.Unlock()
			<-release
			mu.Lock()
			under--
			mu.Unlock()
			return nil
		}}
		r := newRecorder(t, Options{Sources: []Source{source}, ReadTimeout: time.Hour})
		release <- struct{}{}
		c := r.Cycle("many")
		phases := make([]*Phase, jobs)
		for i := range phases {
			phases[i] = c.Phase(Scrape, "a")
		}
		time.Sleep(time.Second)
		var wg sync.WaitGroup
		for _, p := range phases {
			wg.Go(func() { p.End(context.Background()) })
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		require.Equal(t, 1, most)
		require.LessOrEqual(t, reads, 3, "the first, the one under way, and one for all the others")
		require.Len(t, c.End(t.Context()).Phases, jobs)
	})
}

func TestACycleIsBounded(t *testing.T) {
	m := &meterable{}
	r := newRecorder(t, Options{Sources: []Source{m}})
	m.renderers(7)
	c := r.Cycle("long")
	kind := 0
	for i := range maxSpans + 5 {
		readings := []Reading{reading("process.count", "renderer", 1), reading("process.anon", "renderer", float64(i))}
		if i < maxGapKinds+3 {
			kind++
			readings = append(readings, gap("heap.used", "", fmt.Errorf("fault %d", kind)))
		}
		for j := range maxOpen + 2 {
			readings = append(readings, Reading{Metric: "target.open", Subject: Subject{Target: fmt.Sprint(j)}, Value: 1})
		}
		m.set(readings...)
		p := c.Phase(Scrape, fmt.Sprint(i%100))
		p.End(t.Context())
	}
	s := c.End(t.Context())
	require.Len(t, s.Phases, maxSpans)
	require.Equal(t, 5, s.PhasesUnlisted)
	require.Len(t, s.Deltas, maxDeltaSets+1)
	require.Equal(t, []string{OtherPhases}, s.Deltas[maxDeltaSets].Phases)
	require.Len(t, s.Gaps, maxGapKinds)
	require.Positive(t, s.GapsUnlisted)
	require.Len(t, s.Open, maxOpen)
	require.Equal(t, 2, s.OpenUnlisted)
	sum := 0.0
	for _, d := range s.Deltas {
		sum += d.Values[rendererAnon]
	}
	change, ok := s.Change(rendererAnon)
	require.True(t, ok)
	require.Equal(t, change, sum)
}
