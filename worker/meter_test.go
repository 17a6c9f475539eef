package worker

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/worker/crawl"
)

// newTestMeter is a meter over a recorder that reads nothing but its own phases.
func newTestMeter(t *testing.T, level memprof.Level) *meter {
	t.Helper()
	recorder, err := memprof.NewRecorder(memprof.Options{Level: level})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, recorder.Close()) })
	return newMeter(recorder)
}

// phasesOf are the phases of a cycle, in the order in which they ended.
func phasesOf(s memprof.Summary) (kinds []memprof.Kind) {
	for _, p := range s.Phases {
		kinds = append(kinds, p.Kind)
	}
	return kinds
}

// pass is one run as the worker tells the meter of it.
func pass(ctx context.Context, m *meter, c *cycle) memprof.Summary {
	for _, phase := range []string{crawl.PhaseScrape, crawl.PhaseCleanup, crawl.PhaseEnd} {
		c.follow(ctx, crawl.Event{Kind: crawl.EventPage})
		c.follow(ctx, crawl.Event{Kind: crawl.EventPhase, Phase: phase})
	}
	m.settle(ctx, c)
	return c.end(ctx)
}

func TestPhasesOfRunsInTurn(t *testing.T) {
	m, ctx := newTestMeter(t, memprof.LevelCheap), t.Context()
	c := m.begin(ctx, "shop")
	c.phase(ctx, memprof.Launch)
	first := pass(ctx, m, c)
	require.Equal(t, "shop", first.Name)
	require.Equal(t, []memprof.Kind{memprof.Launch, memprof.Scrape, memprof.Cleanup, memprof.Settle}, phasesOf(first))

	second := pass(ctx, m, m.begin(ctx, "news"))
	require.Equal(t, "news", second.Name, "the idle time takes the name of the run that ends it")
	require.Equal(t, []string{"news"}, second.Sites)
	require.Equal(t, []memprof.Kind{memprof.Idle, memprof.Scrape, memprof.Cleanup, memprof.Settle}, phasesOf(second))
	require.Equal(t, first.Cycle+1, second.Cycle)
	require.False(t, second.Start.Before(first.Start.Add(first.Duration)), "nothing lies between two cycles but a moment")

	m.close(ctx)
	require.Nil(t, m.idle)
	m.close(ctx)
}

func TestPhasesOfConcurrentRuns(t *testing.T) {
	m, ctx := newTestMeter(t, memprof.LevelCheap), t.Context()
	shop := m.begin(ctx, "shop")
	shop.phase(ctx, memprof.Scrape)
	news := m.begin(ctx, "news")
	sum := pass(ctx, m, news)
	require.Equal(t, []memprof.Kind{memprof.Scrape, memprof.Cleanup, memprof.Settle}, phasesOf(sum))
	require.Nil(t, m.idle, "another run is at work: nothing is idle")
	sum = pass(ctx, m, shop)
	require.Equal(t, "shop", sum.Name)
	require.Equal(t, []memprof.Kind{memprof.Scrape, memprof.Scrape, memprof.Cleanup, memprof.Settle}, phasesOf(sum))
	require.NotNil(t, m.idle)

	// Of two that begin after an idle time, one takes it over.
	a, b := m.begin(ctx, "shop"), m.begin(ctx, "news")
	require.Contains(t, phasesOf(pass(ctx, m, a)), memprof.Idle)
	require.NotContains(t, phasesOf(pass(ctx, m, b)), memprof.Idle)
	m.close(ctx)
}

func TestSettleTakesItsTime(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, level := range []memprof.Level{memprof.LevelCheap, memprof.LevelFull} {
		m := newTestMeter(t, level)
		last := func(sum memprof.Summary) memprof.PhaseSpan { return sum.Phases[len(sum.Phases)-1] }
		settled := last(pass(t.Context(), m, m.begin(t.Context(), "shop")))
		require.Equal(t, memprof.Settle, settled.Kind)
		require.GreaterOrEqual(t, settled.End.Sub(settled.Start), settleTimes[level])
		settled = last(pass(ended, m, m.begin(ended, "shop")))
		require.Equal(t, memprof.Settle, settled.Kind, "the phase is there when the run's time is up too")
		m.close(t.Context())
	}
}
