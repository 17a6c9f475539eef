package queue

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// A run that is left to others is theirs: whoever left it takes it no more for a while, but stops at once.
func TestARunThatIsLeftIsForOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		shop := []*sites.Site{newSite("shop")}
		left := make(chan bool, 10)
		e, s := open(t, address, Options{Sites: shop, Handler: func(context.Context, Run) (Outcome, error) {
			left <- true
			return Outcome{}, ErrAside
		}})
		setAside(e, time.Hour)
		stop := start(t, e)
		id, err := e.Enqueue(t.Context(), "shop")
		require.NoError(t, err)
		<-left
		other, _ := open(t, address, Options{Sites: shop, Handler: visits(2)})
		stopOther := start(t, other)
		run, err := other.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, store.RunDone, run.State)
		require.Equal(t, other.Self().ID, run.Worker)
		require.Equal(t, 2, run.Attempt)
		require.Zero(t, run.Failures)
		stopOther()
		stop()
		require.Empty(t, left)
		require.Len(t, runs(t, s, store.RunFilter{}), 1)
	})
}

// setAside sets for how long a run that was left is others'.
func setAside(e Engine, d time.Duration) {
	e.(interface{ setAside(d time.Duration) }).setAside(d)
}

func (e *engine[TTx]) setAside(d time.Duration) { e.aside = d }

// A site whose page is killed although it is alone is set aside: the run ends with what it has, its
// schedule begins no more runs, also in another worker's life, and what somebody asks for still runs.
func TestASiteThatKillsTwiceIsSetAside(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		site := scheduled("shop", "@every 10m")
		var mended atomic.Bool
		handler := func(ctx context.Context, run Run) (Outcome, error) {
			if mended.Load() {
				return Outcome{State: store.RunDone}, visit(ctx, run, 3, noWait)
			}
			refs := pageRefs(3)
			if err := run.Journal.Queue(ctx, refs); err != nil {
				return Outcome{}, err
			}
			if err := run.Journal.Save(ctx, crawl.PageResult{PageRef: refs[0], State: crawl.PageDone}); err != nil {
				return Outcome{}, err
			}
			for refs[1].Attempts < 2 {
				refs[1].Attempts++
				if err := run.Journal.Retry(ctx, refs[1], crawl.ClassMemory, "killed"); err != nil {
					return Outcome{}, err
				}
			}
			return Outcome{State: store.RunFailed, Class: crawl.ClassMemory, Error: "a page needs more memory than there is"}, nil
		}
		e, _ := open(t, address, Options{Sites: []*sites.Site{site}, Handler: handler, Retries: quick()})
		p := e.(planner)
		require.NoError(t, p.setSchedules(t.Context()))
		stop := start(t, e)
		id, err := e.Enqueue(t.Context(), "shop")
		require.NoError(t, err)
		run, err := e.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []any{store.RunPartial, crawl.ClassMemory, 1, 2}, []any{run.State, run.Class, run.Attempt, run.Killed}, "it is not tried again")
		require.Equal(t, 1, run.Pages.Done)
		stop()

		e, s := open(t, address, Options{Sites: []*sites.Site{site}, Handler: handler, Retries: quick()})
		p = e.(planner)
		require.NoError(t, p.setSchedules(t.Context()))
		setPlanned(t, s, "shop", time.Now().Add(-11*time.Minute))
		planAll(t, p, "shop")
		planned := runs(t, s, store.RunFilter{})[1:]
		require.NotEmpty(t, planned)
		for _, one := range planned {
			require.Equal(t, store.RunSkipped, one.State)
			require.Contains(t, one.Error, "the site is set aside: run 1: a page needs more memory than there is")
		}

		// Put back, and mended, the same run goes on where it was.
		mended.Store(true)
		done, err := s.Resume(t.Context(), "shop")
		require.NoError(t, err)
		require.True(t, done)
		start(t, e)
		require.NoError(t, e.Requeue(t.Context(), id))
		run, err = e.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, store.RunDone, run.State)
		require.Equal(t, 3, run.Pages.Done, "no page is lost, and none is visited twice")
	})
}

// After a kill the attempts of a site have one tab, those of a later worker too, until it was calm for
// long enough; a worker that remembers nothing of kills has them as ever.
func TestAttemptsAfterAKillHaveOneTab(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		var kill atomic.Bool
		var tabs atomic.Value
		handler := func(ctx context.Context, run Run) (Outcome, error) {
			tabs.Store([]bool{run.OneTab, run.State.Killed})
			refs := pageRefs(1)
			err := run.Journal.Queue(ctx, refs)
			if err == nil && kill.Load() {
				kill.Store(false)
				refs[0].Attempts = 1
				if err = run.Journal.Retry(ctx, refs[0], crawl.ClassMemory, "killed"); err == nil {
					return Outcome{State: store.RunFailed, Class: crawl.ClassTimeout, Error: "too slow"}, nil
				}
			}
			return Outcome{State: store.RunDone}, err
		}
		once := func(forget bool) []bool {
			t.Helper()
			e, _ := open(t, address, Options{Sites: []*sites.Site{newSite("shop")}, Handler: handler, Retries: quick(), ForgetKills: forget})
			done, err := e.Once(t.Context(), "shop")
			require.NoError(t, err)
			require.Equal(t, store.RunDone, done[0].State)
			return tabs.Load().([]bool)
		}
		require.Equal(t, []bool{false, false}, once(false))
		kill.Store(true)
		require.Equal(t, []bool{false, true}, once(false), "the run goes on with one tab")
		require.Equal(t, []bool{true, false}, once(false), "and so does the next")
		require.Equal(t, []bool{false, false}, once(true))
	})
}
