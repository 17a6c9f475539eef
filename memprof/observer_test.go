package memprof

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What is observed is what a reader of the recording finds, in the same order.
func TestWhatIsObservedIsWhatIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var seen []string
		var r *Recorder
		r = newRecorder(t, Options{
			Out: &out, Interval: time.Second, Sources: []Source{steady(append(anon(1), gap("perf.*", "page", errors.New("busy")))...)},
			Observe: func(v any) {
				seen = append(seen, fmt.Sprintf("%T", v))
				if _, ok := v.(Summary); ok {
					require.NoError(t, r.Note("seen", nil)) // these may be called
					_, _ = r.Latest()
					require.Positive(t, r.Stats().Ticks)
				}
			},
		})
		require.Equal(t, []string{"memprof.Manifest"}, seen)
		stop := running(t, r)
		c := r.Cycle("demo")
		p := c.Phase(Scrape, "shop")
		time.Sleep(1500 * time.Millisecond)
		p.End(t.Context())
		require.Equal(t, "memprof.PhaseSpan", seen[len(seen)-1])
		c.End(t.Context())
		require.Equal(t, []string{"memprof.Summary", "memprof.Note"}, seen[len(seen)-2:], "it is observed when the call returns")
		stop()
		require.NoError(t, r.Close())
		var written []string
		for line, err := range Lines(&out) {
			require.NoError(t, err)
			written = append(written, fmt.Sprintf("%T", line.Value))
		}
		require.Equal(t, written, seen)
	})
}

// However many goroutines record, values come one at a time and in order, and a slow observer
// holds up who brings them, not who only looks.
func TestASlowObserverGetsAllInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var seqs []uint64
		inside := 0
		r := newRecorder(t, Options{
			Out: &out, Interval: 10 * time.Millisecond, Sources: []Source{steady(anon(1)...)},
			Observe: func(v any) {
				inside++
				require.Equal(t, 1, inside)
				time.Sleep(3 * time.Millisecond)
				if s, ok := v.(Sample); ok {
					seqs = append(seqs, s.Seq)
				}
				inside--
			},
		})
		stop := running(t, r)
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				c := r.Cycle(fmt.Sprint(i))
				for range 5 {
					p := c.Phase(Scrape, fmt.Sprint(i))
					time.Sleep(7 * time.Millisecond)
					p.End(t.Context())
				}
				c.End(t.Context())
			})
		}
		wg.Wait()
		stop()
		require.Len(t, seqs, r.Stats().Ticks+r.Stats().Readings)
		require.NoError(t, r.Close())
		rec, err := ReadRecording(&out)
		require.NoError(t, err)
		for i, s := range rec.Samples {
			require.Equal(t, s.Seq, seqs[i])
		}
	})
}

func TestAReadingOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meterable{}
		var seen []Sample
		r := newRecorder(t, Options{Sources: []Source{m}, Observe: func(v any) {
			if s, ok := v.(Sample); ok {
				seen = append(seen, s)
			}
		}})
		m.renderers(5)
		c := r.Cycle("demo")
		m.renderers(7)
		s := r.Read(t.Context())
		require.Equal(t, 2, m.reads, "the cycle's first reading is fresh, but not its own")
		known(t, s.Totals, chromeAnon, 7)
		require.NotEmpty(t, s.Readings)
		require.Equal(t, s, seen[1])
		latest, _ := r.Latest()
		require.Equal(t, s, latest)
		time.Sleep(time.Second)
		m.renderers(9)
		sum := c.End(t.Context())
		change, ok := sum.Change(chromeAnon)
		require.True(t, ok)
		require.Equal(t, 4.0, change)
		require.Equal(t, 4.0, deltaOf(sum, chromeAnon), "a reading of its own divides nothing")
		require.Equal(t, Sample{}, (*Recorder)(nil).Read(t.Context()))
	})
}

func TestAGapFromOutsideCountsForTheCyclesThatRun(t *testing.T) {
	var out bytes.Buffer
	r := newRecorder(t, Options{Out: &out, Sources: []Source{steady(anon(1)...)}})
	c := r.Cycle("demo")
	g := Gap{Source: "devtools/collect", Metric: "collect", Subject: Subject{Kind: "page"}, Error: "it came late", Late: true}
	r.Gap(g)
	r.Gap(g)
	s := c.End(t.Context())
	require.Len(t, s.Gaps, 1)
	require.Equal(t, 2, s.Gaps[0].Count)
	require.Equal(t, uint64(1), s.Gaps[0].Seq)
	require.Equal(t, 2, r.Stats().Gaps)
	require.NoError(t, r.Close())
	rec, err := ReadRecording(&out)
	require.NoError(t, err)
	require.Len(t, rec.Gaps, 2)
	require.False(t, rec.Gaps[0].Time.IsZero())
	(*Recorder)(nil).Gap(g)
}
