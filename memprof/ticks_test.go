package memprof

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// quickly is a source that is asked at quick ticks.
type quickly struct{ fake }

func (quickly) Quick() bool { return true }

// spikes sets up a recorder with a quick source and one that is not, both counted.
func spikes(t *testing.T, o Options, read func(Request) []Reading) (r *Recorder, quick, slow *atomic.Int32) {
	quick, slow = new(atomic.Int32), new(atomic.Int32)
	o.Interval, o.SpikeInterval = time.Second, 100*time.Millisecond
	o.Sources = []Source{
		quickly{fake{"quick", func(_ context.Context, q Request) []Reading {
			if q.Quick {
				quick.Add(1)
			}
			return read(q)
		}}},
		fake{"slow", func(context.Context, Request) []Reading {
			slow.Add(1)
			return []Reading{reading("go.goroutines", "", 1)}
		}},
	}
	return newRecorder(t, o), quick, slow
}

func anon(bytes float64) []Reading {
	return []Reading{
		reading("process.count", "renderer", 1), reading("process.anon", "renderer", bytes), reading("process.threads", "renderer", 9),
	}
}

// A spike between two ticks is seen while scraping; the sources that are not quick are asked at
// the interval, whatever runs.
func TestQuickTicksSeeASpikeWhileScraping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		r, quick, slow := spikes(t, Options{}, func(Request) []Reading {
			if at := time.Since(begin); at > 5500*time.Millisecond && at < 5700*time.Millisecond {
				return anon(500)
			}
			return anon(20)
		})
		stop := running(t, r)
		time.Sleep(3050 * time.Millisecond)
		require.Equal(t, Stats{Ticks: 3}, r.Stats())
		c := r.Cycle("spike")
		c.Phase(Idle, "").End(t.Context())
		p := c.Phase(Scrape, "shop") // at 3.05 s
		time.Sleep(2870 * time.Millisecond)
		p.End(t.Context())
		// At 3.15, 3.25, ... 5.85; of them those at 4.05 and 5.05 ask all.
		require.Equal(t, Stats{Ticks: 5, QuickTicks: 26, Readings: 3}, r.Stats())
		require.Equal(t, int32(26), quick.Load())
		require.Equal(t, int32(5+3), slow.Load())
		time.Sleep(time.Second)
		s := c.End(t.Context())
		stop()
		require.Equal(t, 6, r.Stats().Ticks, "the tick of 6 s comes at 6 s")
		require.Equal(t, 500.0, s.Peaks[chromeAnon].Value)
		require.Equal(t, []string{"scrape shop"}, s.Peaks[chromeAnon].Phases)
		require.Equal(t, 26, s.QuickTicks)
		require.Equal(t, 3, s.Ticks)
		require.Zero(t, s.LateTicks)
		for _, tick := range r.Recent() {
			require.False(t, tick.Totals.Quick)
		}
	})
}

// While no cycle is open there are fewer ticks, and again as many as always from a cycle's beginning to its end.
func TestTicksAreRareAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, slow := spikes(t, Options{RestInterval: 5 * time.Second}, func(Request) []Reading { return anon(1) })
		stop := running(t, r)
		time.Sleep(12500 * time.Millisecond) // at 1, 6 and 11 s
		require.Equal(t, Stats{Ticks: 3}, r.Stats())
		c := r.Cycle("work")
		time.Sleep(3 * time.Second) // at 13, 14 and 15 s
		require.Equal(t, 6, r.Stats().Ticks)
		require.Equal(t, 3, c.End(t.Context()).Ticks)
		time.Sleep(5 * time.Second) // at 20 s
		stop()
		require.Equal(t, 7, r.Stats().Ticks)
		require.Zero(t, r.Stats().Missed, "what is left out at rest is not missed")
		require.Positive(t, slow.Load())
	})
}

func TestAQuickTickKeepsAnonymousMemoryAlone(t *testing.T) {
	q := Request{Level: LevelCheap, Tick: true, Quick: true}
	totals := NewTotals(q, anon(7))
	known(t, totals, chromeAnon, 7)
	known(t, totals, Series{"process.anon", "gpu-process"}, 0)
	unknown(t, totals, Series{"process.threads", "renderer"})
	require.True(t, totals.Quick)
}

// A quick tick that takes 350 ms is late, and the three that fell due meanwhile are left out.
func TestAQuickTickThatIsLateDoesNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, _ := spikes(t, Options{}, func(q Request) []Reading {
			if q.Quick {
				time.Sleep(350 * time.Millisecond)
			}
			return anon(1)
		})
		stop := running(t, r)
		c := r.Cycle("late")
		p := c.Phase(Launch, "")
		time.Sleep(850 * time.Millisecond) // from 0.1 to 0.45, and from 0.5 to 0.85
		synctest.Wait()
		require.Equal(t, Stats{QuickTicks: 2, Late: 2, Missed: 6, Readings: 1}, r.Stats())
		p.End(t.Context())
		require.Equal(t, 2, c.End(t.Context()).LateTicks)
		stop()
	})
}

// Phases that overlap keep the quick ticks until the last of them ends; settling and idling have
// none, and neither has a recorder whose sources are all slow.
func TestQuickTicksLastAsLongAsThePhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, quick, _ := spikes(t, Options{}, func(Request) []Reading { return anon(1) })
		stop := running(t, r)
		one, two := r.Cycle("one"), r.Cycle("two")
		a := one.Phase(Scrape, "a")
		b := two.Phase(Cleanup, "b")
		time.Sleep(450 * time.Millisecond)
		a.End(t.Context())
		time.Sleep(300 * time.Millisecond)
		two.End(t.Context()) // and with it the phase
		require.Equal(t, int32(7), quick.Load())
		b.End(t.Context())
		s := one.Phase(Settle, "a")
		time.Sleep(200 * time.Millisecond)
		s.End(t.Context())
		one.Phase(Idle, "").End(t.Context())
		require.Equal(t, int32(7), quick.Load())
		one.End(t.Context())
		stop()

		r = newRecorder(t, Options{SpikeInterval: time.Millisecond, Sources: []Source{steady(anon(1)...)}})
		stop = running(t, r)
		p := r.Cycle("slow").Phase(Scrape, "a")
		time.Sleep(time.Second)
		p.End(t.Context())
		stop()
		require.Zero(t, r.Stats().QuickTicks)
	})
}
