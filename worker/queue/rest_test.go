package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// setRest sets when an engine that has not begun rests, and for how long nothing must be due.
func setRest(e Engine, after, least time.Duration) {
	e.(interface {
		setRest(after, least time.Duration)
	}).setRest(after, least)
}

func (e *engine[TTx]) setRest(after, least time.Duration) { e.rest.after, e.rest.least = after, least }

// setLook sets how often an engine that has not begun looks for jobs while it rests.
func setLook(e Engine, look time.Duration) {
	e.(interface{ setLook(look time.Duration) }).setLook(look)
}

func (e *engine[TTx]) setLook(look time.Duration) { e.rest.look = look }

func isResting(e Engine) bool { return e.(interface{ isResting() bool }).isResting() }

func (e *engine[TTx]) isResting() bool { return e.atWork.isClosed() }

// TestAnIdleWorkerRests: until another process queues a run, and again after it; it stops at once.
func TestAnIdleWorkerRests(t *testing.T) {
	t.Parallel() // it waits most of its time
	storetest.Each(t, func(t *testing.T, address string) {
		site := scheduled("a", "0 0 1 1 *")
		e, s := open(t, address, Options{Sites: []*sites.Site{site}, Handler: visits(3), Grace: 10 * patience})
		setRest(e, 100*time.Millisecond, time.Millisecond)
		stop := start(t, e)
		asking, _ := open(t, address, Options{})
		for n := range 3 {
			eventually(t, func() bool { return isResting(e) }, "it does not rest")
			require.Equal(t, store.RunDone, endedWithin(t, asking, "a").State)
			require.Len(t, runs(t, s, store.RunFilter{}), n+1)
		}
		eventually(t, func() bool { return isResting(e) }, "it does not rest")
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			stop()
		}()
		select {
		case <-stopped:
		case <-time.After(patience):
			require.Fail(t, "it waits for the grace, though nothing is at work")
		}
	})
}

// TestAWorkerIsWokenByItsOwnRuns: it need not look for them.
func TestAWorkerIsWokenByItsOwnRuns(t *testing.T) {
	t.Parallel() // it waits most of its time
	storetest.Each(t, func(t *testing.T, address string) {
		var mended atomic.Bool
		e, _ := open(t, address, Options{Sites: []*sites.Site{newSite("a")}, Handler: func(context.Context, Run) (Outcome, error) {
			if !mended.Load() {
				return Outcome{State: store.RunPartial}, nil
			}
			return Outcome{State: store.RunDone}, nil
		}})
		setRest(e, 100*time.Millisecond, time.Millisecond)
		setLook(e, time.Hour)
		start(t, e)
		rests := func() { eventually(t, func() bool { return isResting(e) }, "it does not rest") }
		rests()
		run := endedWithin(t, e, "a")
		require.Equal(t, store.RunPartial, run.State)
		rests()
		mended.Store(true)
		require.NoError(t, e.Requeue(t.Context(), run.ID))
		eventually(t, func() bool { return !isResting(e) }, "it rests for good")
		rests()
		run, err := e.Wait(t.Context(), run.ID)
		require.NoError(t, err)
		require.Equal(t, store.RunDone, run.State)
	})
}

// endedWithin asks for a run of a site and waits until it has ended.
func endedWithin(t *testing.T, e Engine, site string) store.Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	id, err := e.Enqueue(ctx, site)
	require.NoError(t, err)
	run, err := e.Wait(ctx, id)
	require.NoError(t, err)
	require.Equal(t, 1, run.Attempt)
	return run
}

// TestARestOutlastsItsDatabase: while it is away a worker goes on resting and says why, and works and stops after it
// as before.
func TestARestOutlastsItsDatabase(t *testing.T) {
	t.Parallel() // it waits most of its time
	address := storetest.Postgres(t)
	faults := make(chan error, 1000)
	e, _ := open(t, address, Options{Sites: []*sites.Site{newSite("a")}, Handler: visits(1), OnFault: func(err error) { faults <- err }})
	setRest(e, 100*time.Millisecond, time.Millisecond)
	stop := start(t, e)
	eventually(t, func() bool { return isResting(e) }, "it does not rest")
	wakes := func() {
		e.(interface{ ask(site string) }).ask("a")
		eventually(t, func() bool { return strings.HasPrefix((<-faults).Error(), "start the queue after a rest: ") }, "it says nothing")
		require.True(t, isResting(e))
	}
	back := storetest.TakeAway(t, address)
	wakes()
	back()
	require.Equal(t, store.RunDone, endedWithin(t, e, "a").State)

	eventually(t, func() bool { return isResting(e) }, "it does not rest")
	back = storetest.TakeAway(t, address)
	defer back()
	wakes()
	stop()
}

// TestSchedulesWakeAWorker: a worker that rests is awake when a run becomes due, and until it has begun.
func TestSchedulesWakeAWorker(t *testing.T) {
	t.Parallel() // it waits most of its time
	storetest.Each(t, func(t *testing.T, address string) {
		site := scheduled("a", "@every 9s")
		e, s := open(t, address, Options{Sites: []*sites.Site{site}, Handler: visits(1)})
		setRest(e, 100*time.Millisecond, 6*time.Second)
		start(t, e)
		var rests []time.Time // when it was seen to rest
		for rested := 0; rested < 2 || len(runs(t, s, store.RunFilter{States: []store.RunState{store.RunDone}})) < 2; rested++ {
			eventually(t, func() bool { return isResting(e) }, "it does not rest")
			eventually(t, func() bool {
				now := time.Now()
				if !isResting(e) {
					return true
				}
				rests = append(rests, now)
				return false
			}, "it rests for good")
		}
		for _, run := range runs(t, s, store.RunFilter{States: []store.RunState{store.RunDone}}) {
			require.Equal(t, store.ReasonSchedule, run.Reason)
			for _, at := range rests {
				require.False(t, at.After(run.ScheduledAt) && at.Before(run.Started), "it rested at %s, when the run of %s was due", at, run.ScheduledAt)
			}
		}
	})
}

// TestNoRunIsLostToARest: with a worker that lies down and rises all the time, each run that is queued is done, once.
func TestNoRunIsLostToARest(t *testing.T) {
	address := storetest.SQLite(t)
	var all []*sites.Site
	for i := range 4 {
		all = append(all, newSite(fmt.Sprint("s", i)))
	}
	var mu sync.Mutex
	attempts := map[int64]int{}
	e, s := open(t, address, Options{Sites: all, Handler: func(ctx context.Context, run Run) (Outcome, error) {
		mu.Lock()
		attempts[run.ID]++
		mu.Unlock()
		return visits(2)(ctx, run)
	}})
	setRest(e, time.Millisecond, time.Millisecond)
	start(t, e)
	const each = 8
	var asking sync.WaitGroup
	for _, site := range all {
		asking.Go(func() {
			for range each {
				time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
				_, err := e.Enqueue(t.Context(), site.Name)
				require.NoError(t, err)
			}
		})
	}
	asking.Wait()
	done := func() []store.Run { return runs(t, s, store.RunFilter{States: []store.RunState{store.RunDone}}) }
	eventually(t, func() bool { return len(done()) == len(all)*each }, "some runs are not done")
	mu.Lock()
	defer mu.Unlock()
	for id, n := range attempts {
		require.Equal(t, 1, n, "run %d", id)
	}
}

func TestJobSetIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newJobSet()
		time.Sleep(time.Second)
		require.Equal(t, time.Second, s.idle())
		require.True(t, s.add(1))
		time.Sleep(time.Second)
		require.Zero(t, s.idle())
		require.False(t, s.close(), "a job is at work")
		s.remove(1)
		require.True(t, s.close())
		require.False(t, s.add(2), "it is closed")
		time.Sleep(time.Second)
		s.open()
		require.Zero(t, s.idle())
		require.True(t, s.add(2))
	})
}
