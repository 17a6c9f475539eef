package memprof

import (
	"bytes"
	"context"
	"io"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOffCostsNothing(t *testing.T) {
	r, err := NewRecorder(Options{Level: LevelOff, Sources: []Source{steady()}, Out: io.Discard})
	require.NoError(t, err)
	require.Nil(t, r)
	ctx := context.Background()
	allocs := testing.AllocsPerRun(100, func() {
		c := r.Cycle("demo", "a", "b")
		p := c.Phase(Scrape, "a")
		p.End(ctx)
		_ = c.End(ctx)
		_ = r.Run(ctx)
		_ = r.Note("x", nil)
		_, _ = r.Latest()
		_, _ = r.Recent(), r.Stats()
		_ = r.Close()
	})
	require.Zero(t, allocs)
}

func TestOptionsThatCannotBe(t *testing.T) {
	for _, o := range []Options{{Level: 9}, {Level: LevelCheap, Interval: -1}, {Level: LevelCheap, SpikeInterval: -1}, {Level: LevelCheap, ReadTimeout: -1}, {Level: LevelCheap, Ring: -1}} {
		_, err := NewRecorder(o)
		require.ErrorContains(t, err, "new memory recorder: the ")
	}
}

// running starts Run and returns what stops it.
func running(t *testing.T, r *Recorder) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(t, <-done)
	}
}

func TestTicksComeAtTheIntervalAndFillTheRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(t, Options{Interval: time.Second, Ring: 4, Sources: []Source{steady(reading("go.goroutines", "", 3))}})
		_, ok := r.Latest()
		require.False(t, ok)
		stop := running(t, r)
		time.Sleep(10*time.Second + time.Millisecond)
		stop()
		require.Equal(t, Stats{Ticks: 10}, r.Stats())
		recent := r.Recent()
		require.Len(t, recent, 4)
		require.Equal(t, uint64(7), recent[0].Seq)
		latest, ok := r.Latest()
		require.True(t, ok)
		require.Equal(t, recent[3], latest)
		require.True(t, latest.Totals.Tick)
		require.Empty(t, latest.Readings)
	})
}

func TestNoTicksAtIntervalZeroAndOnlyOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(t, Options{Sources: []Source{steady()}})
		stop := running(t, r)
		time.Sleep(time.Hour)
		require.EqualError(t, r.Run(t.Context()), "run memory recorder: it is already running")
		stop()
		require.Zero(t, r.Stats().Ticks)
		running(t, r)() // it may run again
	})
}

// A tick that takes 3.5 intervals is late, three more fell due meanwhile, and none overlaps.
func TestATickThatTakesTooLongIsLateAndDoesNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		under, most := 0, 0
		slow := fake{"slow", func(context.Context, Request) []Reading {
			under++
			most = max(most, under)
			time.Sleep(3500 * time.Millisecond)
			under--
			return nil
		}}
		r := newRecorder(t, Options{Interval: time.Second, ReadTimeout: time.Minute, Sources: []Source{slow}})
		stop := running(t, r)
		time.Sleep(4600 * time.Millisecond) // from 1.0 to 4.5, and the next has begun
		require.Equal(t, Stats{Ticks: 1, Late: 1, Missed: 3}, r.Stats())
		time.Sleep(time.Minute)
		stop()
		require.Equal(t, 1, most)
	})
}

// A hung source holds up the end of a phase for the timeout at most; a job never waits for a
// tick; and a source that never returns costs two goroutines, not one a reading.
func TestAHungSourceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var started atomic.Int32
		hung := fake{"hung", func(context.Context, Request) []Reading {
			started.Add(1)
			<-release
			return nil
		}}
		fine := steady(reading("go.goroutines", "", 3))
		r := newRecorder(t, Options{Sources: []Source{hung, fine}, ReadTimeout: time.Second})
		begin := time.Now()
		c := r.Cycle("hung")
		require.Equal(t, 1250*time.Millisecond, time.Since(begin))
		begin = time.Now()
		for range 3 {
			c.Phase(Scrape, "a").End(t.Context())
		}
		s := c.End(t.Context())
		require.Equal(t, 1250*time.Millisecond, time.Since(begin), "only the first of the three waits; then the source is busy")
		require.Equal(t, int32(2), started.Load())
		known(t, s.After, Series{Metric: "go.goroutines"}, 3)
		require.Equal(t, "no answer within 1.25s", s.Gaps[0].Error)
		require.Equal(t, 2, s.Gaps[0].Count)
		require.Equal(t, errBusy.Error(), s.Gaps[1].Error)
		close(release)
		synctest.Wait()
	})
}

func TestAJobDoesNotWaitForATick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := fake{"slow at ticks", func(_ context.Context, q Request) []Reading {
			if q.Tick {
				time.Sleep(900 * time.Millisecond)
			}
			return nil
		}}
		r := newRecorder(t, Options{Interval: time.Second, Sources: []Source{source}})
		stop := running(t, r)
		time.Sleep(1100 * time.Millisecond) // a tick is under way
		begin := time.Now()
		c := r.Cycle("now")
		c.Phase(Scrape, "a").End(t.Context())
		c.End(t.Context())
		require.Zero(t, time.Since(begin))
		stop()
	})
}

func TestASourceThatPanicsOrGivesNoNumberMakesGaps(t *testing.T) {
	r := newRecorder(t, Options{Sources: []Source{
		fake{"panics", func(context.Context, Request) []Reading { panic("oh") }},
		steady(reading("go.total", "", math.NaN()), reading("go.stacks", "", math.Inf(1)), reading("go.goroutines", "", 1)),
	}})
	s := r.Cycle("bad").End(t.Context())
	require.Len(t, s.Gaps, 3)
	require.Equal(t, "the source panicked: oh", s.Gaps[0].Error)
	require.Equal(t, "the value is not a finite number", s.Gaps[1].Error)
	known(t, s.After, Series{Metric: "go.goroutines"}, 1)
	unknown(t, s.After, Series{Metric: "go.total"})
}

func TestAManifestComesFirstAndNotesFollow(t *testing.T) {
	var out bytes.Buffer
	r := newRecorder(t, Options{Level: LevelCheap, Interval: time.Second, Out: &out, Manifest: Manifest{
		Ebb: "1.0", ConfigHash: "abc", Host: HostInfo{Kernel: "6.1", CPUs: 2, Memory: 1 << 30, Cgroup: "v2", CgroupLimit: 5},
	}})
	require.NoError(t, r.Note(BrowserNote, BrowserInfo{ID: "1", Version: "HeadlessChrome/156", Flags: []string{"--headless"}}))
	require.ErrorContains(t, r.Note("bad", math.NaN()), `note "bad": encode its data`)
	require.NoError(t, r.Close())
	require.NoError(t, r.Note("late", nil))
	rec, err := ReadRecording(&out)
	require.NoError(t, err)
	m := rec.Manifest
	require.Equal(t, Schema, m.Schema)
	require.Equal(t, "abc", m.ConfigHash)
	require.Equal(t, LevelCheap, m.Level)
	require.Equal(t, time.Second, m.Interval)
	require.Equal(t, []BrowserInfo{{ID: "1", Version: "HeadlessChrome/156", Flags: []string{"--headless"}}}, m.Browsers)
	require.Len(t, rec.Notes, 1)
}
