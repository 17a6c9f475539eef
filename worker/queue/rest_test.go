package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
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

func isResting(e Engine) bool { return e.(interface{ isResting() bool }).isResting() }

func (e *engine[TTx]) isResting() bool {
	e.atWork.mu.Lock()
	defer e.atWork.mu.Unlock()
	return e.atWork.closed
}

// TestAnIdleWorkerRests: until another process queues a run, and again after it; it stops at once.
func TestAnIdleWorkerRests(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		site := scheduled("a", "0 0 1 1 *")
		e, s := open(t, address, Options{Sites: []*sites.Site{site}, Handler: visits(3), Grace: 10 * patience})
		setRest(e, 100*time.Millisecond, time.Millisecond)
		stop := start(t, e)
		asking, _ := open(t, address, Options{})
		for n := range 3 {
			eventually(t, func() bool { return isResting(e) }, "it does not rest")
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			id, err := asking.Enqueue(ctx, "a")
			require.NoError(t, err)
			run, err := asking.Wait(ctx, id)
			cancel()
			require.NoError(t, err)
			require.Equal(t, store.RunDone, run.State)
			require.Equal(t, 1, run.Attempt)
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

// TestSchedulesWakeAWorker: a worker that rests is awake when a run becomes due, and until it has begun.
func TestSchedulesWakeAWorker(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		site := scheduled("a", "@every 15s")
		e, s := open(t, address, Options{Sites: []*sites.Site{site}, Handler: visits(1)})
		setRest(e, 100*time.Millisecond, 6*time.Second)
		start(t, e)
		var rests []time.Time // when it was seen to rest
		rested := 0
		for len(runs(t, s, store.RunFilter{States: []store.RunState{store.RunDone}})) < 2 {
			eventually(t, func() bool { return isResting(e) }, "it does not rest")
			rested++
			eventually(t, func() bool {
				now := time.Now()
				if !isResting(e) {
					return true
				}
				rests = append(rests, now)
				return false
			}, "it rests for good")
		}
		require.GreaterOrEqual(t, rested, 2)
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
