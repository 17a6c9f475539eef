package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childMode) != "" {
		os.Exit(child())
	}
	storetest.Main(m)
}

// patience is how long a test waits for what happens in other goroutines or processes.
const patience = time.Minute

// eventually waits until a condition holds.
func eventually(t *testing.T, condition func() bool, message string, args ...any) {
	t.Helper()
	require.Eventually(t, condition, patience, 10*time.Millisecond, append([]any{message}, args...)...)
}

func newSite(name string) *sites.Site {
	return &sites.Site{Name: name, Timeout: sites.Duration(time.Minute), Overlap: sites.OverlapSkip, Missed: sites.MissedLatest, Timezone: "UTC"}
}

func scheduled(name, spec string) *sites.Site {
	site := newSite(name)
	site.Schedule = spec
	return site
}

// quick retries at once, as often as the class allows.
func quick() map[crawl.Class]Retry {
	table := DefaultRetries()
	for class, retry := range table {
		table[class] = Retry{Tries: retry.Tries}
	}
	return table
}

func open(t *testing.T, address string, options Options) (Engine, *store.Store) {
	t.Helper()
	s := storetest.Open(t, address)
	if options.OnFault == nil {
		options.OnFault = func(err error) { t.Log("fault:", err) }
	}
	e, err := Open(s, options)
	require.NoError(t, err)
	return e, s
}

// start runs an engine until the test or the returned function ends it.
func start(t *testing.T, e Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func item(key, value string) sites.Item {
	data, _ := json.Marshal(map[string]string{"v": value})
	return sites.Item{Kind: "product", Key: key, Data: data, Hash: value}
}

func pageRefs(n int) []crawl.PageRef {
	var refs []crawl.PageRef
	for i := range n {
		key := fmt.Sprintf("http://a/%03d", i)
		refs = append(refs, crawl.PageRef{Key: key, URL: key, Template: "page"})
	}
	return refs
}

// visit visits the pages that are left of n, each with one item, and calls before each
// save.
func visit(ctx context.Context, run Run, n int, before func(done int) error) error {
	left := run.State.Queued
	if run.State.Visited == 0 && len(left) == 0 {
		left = pageRefs(n)
		if err := run.Journal.Queue(ctx, left); err != nil {
			return err
		}
	}
	for i, ref := range left {
		if err := before(n - len(left) + i); err != nil {
			return err
		}
		result := crawl.PageResult{PageRef: ref, State: crawl.PageDone, Started: time.Now(), Items: []sites.Item{item(ref.Key, "x")}}
		if err := run.Journal.Save(ctx, result); err != nil {
			return err
		}
	}
	return nil
}

func noWait(int) error { return nil }

// visits is a handler that visits n pages.
func visits(n int) Handler {
	return func(ctx context.Context, run Run) (Outcome, error) {
		return Outcome{State: store.RunDone}, visit(ctx, run, n, noWait)
	}
}

func runs(t *testing.T, s *store.Store, filter store.RunFilter) []store.Run {
	t.Helper()
	all, err := s.Runs(context.Background(), filter)
	require.NoError(t, err)
	slices.Reverse(all) // the oldest first
	return all
}

func jobs(t *testing.T, e Engine, filter JobFilter) []Job {
	t.Helper()
	all, err := e.Jobs(context.Background(), filter)
	require.NoError(t, err)
	return all
}

func countItems(t *testing.T, s *store.Store) int {
	t.Helper()
	n := 0
	for _, err := range s.Items(context.Background(), store.ItemFilter{}) {
		require.NoError(t, err)
		n++
	}
	return n
}

func TestOnceRunsEachSiteOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		var ended []Ended
		var mu sync.Mutex
		shop := scheduled("shop", "@every 1s")
		p, s := openPlanner(t, address, shop, time.Now().Add(-time.Hour)) // an earlier worker scheduled it
		e, _ := open(t, address, Options{
			Sites: []*sites.Site{shop, newSite("news")},
			Handler: func(ctx context.Context, run Run) (Outcome, error) {
				if all, err := s.Schedules(ctx); err != nil || len(all) > 0 {
					return Outcome{}, fmt.Errorf("schedules would fire: %v %w", all, err)
				}
				return Outcome{State: store.RunDone}, visit(ctx, run, 5, noWait)
			},
			OnEnd: func(end Ended) { mu.Lock(); defer mu.Unlock(); ended = append(ended, end) },
		})
		done, err := e.Once(t.Context(), "shop", "news")
		require.NoError(t, err)
		require.Len(t, done, 2)
		for i, name := range []string{"shop", "news"} {
			require.Equal(t, name, done[i].Site)
			require.Equal(t, store.RunDone, done[i].State)
			require.Equal(t, store.ReasonManual, done[i].Reason)
			require.Equal(t, store.ItemCounts{New: 5}, done[i].Items)
			require.Equal(t, store.PageCounts{Done: 5}, done[i].Pages)
			require.Equal(t, 1, done[i].Attempt)
		}
		require.Len(t, runs(t, s, store.RunFilter{}), 2, "a schedule does not fire meanwhile")
		require.Equal(t, 10, countItems(t, s))
		for _, job := range jobs(t, e, JobFilter{}) {
			require.Equal(t, "completed", job.State)
			require.False(t, job.Ended.IsZero())
			require.NotEmpty(t, job.Worker)
		}
		require.Len(t, ended, 2)
		workers, err := s.Workers(t.Context())
		require.NoError(t, err)
		require.Empty(t, workers, "a worker that ended is not listed")
		planAll(t, p, "shop")
		require.Greater(t, len(runs(t, s, store.RunFilter{})), 2, "the schedule stood still meanwhile")
	})
}

func TestRefusals(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t))
	_, err := Open(s, Options{Sites: []*sites.Site{newSite("a")}})
	require.ErrorContains(t, err, "no handler")
	_, err = Open(s, Options{Sites: []*sites.Site{newSite("a"), newSite("a")}, Handler: visits(1)})
	require.ErrorContains(t, err, "two sites named a")
	e, err := Open(s, Options{})
	require.NoError(t, err)
	require.ErrorContains(t, e.Run(t.Context()), "there is no site")
	_, err = e.Enqueue(t.Context(), "a")
	require.ErrorIs(t, err, ErrUnknownSite)
	_, err = e.Once(t.Context(), "a")
	require.ErrorIs(t, err, ErrUnknownSite)
	require.ErrorIs(t, e.Requeue(t.Context(), 7), store.ErrNotFound)
	require.ErrorIs(t, e.RequeueJob(t.Context(), 7), ErrNotFound)
}

func TestRunGoesOnAfterAFailure(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		var states []crawl.State
		e, s := open(t, address, Options{
			Sites: []*sites.Site{newSite("shop")}, Retries: quick(),
			Handler: func(ctx context.Context, run Run) (Outcome, error) {
				states = append(states, run.State)
				err := visit(ctx, run, 6, func(done int) error {
					if done == 2*run.Attempt {
						return errors.New("the tab crashed")
					}
					return nil
				})
				if err != nil {
					return Outcome{Class: crawl.ClassCrash}, err
				}
				return Outcome{State: store.RunDone}, nil
			},
		})
		done, err := e.Once(t.Context(), "shop")
		require.NoError(t, err)
		require.Equal(t, store.RunDone, done[0].State)
		require.Equal(t, 3, done[0].Attempt)
		require.Equal(t, 2, done[0].Failures)
		require.Empty(t, done[0].Error)
		require.Equal(t, store.ItemCounts{New: 6}, done[0].Items)
		require.Equal(t, []int{0, 2, 4}, []int{states[0].Visited, states[1].Visited, states[2].Visited})
		require.Equal(t, pageRefs(6)[4:], states[2].Queued)
		require.Equal(t, 6, countItems(t, s))
		var seen []string
		for _, job := range jobs(t, e, JobFilter{Site: "shop"}) {
			seen = append(seen, job.State+" "+job.Error)
		}
		require.Equal(t, []string{"completed ", "cancelled the tab crashed", "cancelled the tab crashed"}, seen)
	})
}

func TestDeadLetterIsRequeued(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		var broken atomic.Bool
		broken.Store(true)
		e, s := open(t, address, Options{
			Sites: []*sites.Site{newSite("shop")}, Retries: quick(),
			Handler: func(ctx context.Context, run Run) (Outcome, error) {
				if !broken.Load() {
					return Outcome{State: store.RunDone}, visit(ctx, run, 4, noWait)
				}
				if run.Attempt > 1 {
					return Outcome{State: store.RunFailed, Class: crawl.ClassSelector, Error: "no .price"}, nil
				}
				if err := visit(ctx, run, 4, func(done int) error {
					if done == 1 {
						return errors.New("stop")
					}
					return nil
				}); err == nil {
					return Outcome{}, errors.New("the visit was not stopped")
				}
				refs := pageRefs(4)
				failed := crawl.PageResult{PageRef: refs[1], State: crawl.PageFailed, Class: crawl.ClassSelector}
				return Outcome{State: store.RunFailed, Class: crawl.ClassSelector, Error: "no .price"}, run.Journal.Save(ctx, failed)
			},
		})
		start(t, e)
		id, err := e.Enqueue(t.Context(), "shop")
		require.NoError(t, err)
		run, err := e.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, store.RunPartial, run.State, "one page was visited")
		require.Equal(t, crawl.ClassSelector, run.Class)
		require.Equal(t, "no .price", run.Error)
		require.Equal(t, 2, run.Failures, "as the table says for the class")
		require.Equal(t, 1, countItems(t, s), "what was taken is kept")
		letters := jobs(t, e, JobFilter{States: []string{JobDiscarded}})
		require.Len(t, letters, 1)
		require.Equal(t, id, letters[0].Run)
		require.Equal(t, "no .price", letters[0].Error)

		broken.Store(false)
		require.NoError(t, e.RequeueJob(t.Context(), letters[0].ID))
		run, err = e.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, store.RunDone, run.State)
		require.Zero(t, run.Failures)
		require.Equal(t, store.PageCounts{Done: 4}, run.Pages)
		require.Equal(t, store.ItemCounts{New: 4}, run.Items)
		require.Empty(t, jobs(t, e, JobFilter{States: []string{JobDiscarded}}))
		require.ErrorContains(t, e.Requeue(t.Context(), id), "only a failed or partial run")
	})
}

func TestLostConnectionsAreNoFailure(t *testing.T) {
	address := storetest.Postgres(t)
	e, s := open(t, address, Options{
		Sites: []*sites.Site{newSite("shop")},
		Handler: func(ctx context.Context, run Run) (Outcome, error) {
			err := visit(ctx, run, 6, func(done int) error {
				if done%2 == 1 {
					storetest.Disconnect(t, address)
				}
				return nil
			})
			storetest.Disconnect(t, address)
			return Outcome{State: store.RunDone}, err
		},
	})
	done, err := e.Once(t.Context(), "shop")
	require.NoError(t, err)
	require.Equal(t, store.RunDone, done[0].State)
	require.Equal(t, 1, done[0].Attempt)
	require.Zero(t, done[0].Failures)
	require.Equal(t, 6, countItems(t, s))
}

func TestEndOfAHandler(t *testing.T) {
	for _, test := range []struct {
		name    string
		timeout time.Duration
		handler Handler
		class   crawl.Class
		message string
	}{
		{"error", time.Minute, func(context.Context, Run) (Outcome, error) { return Outcome{}, errors.New("broken pipe") }, crawl.ClassInternal, "broken pipe"},
		{"panic", time.Minute, func(context.Context, Run) (Outcome, error) { panic("a bug") }, crawl.ClassInternal, "panic: a bug"},
		{"no state", time.Minute, func(context.Context, Run) (Outcome, error) { return Outcome{}, nil }, crawl.ClassInternal, "the handler did not say how the run ended"},
		{"timeout", time.Millisecond, func(ctx context.Context, _ Run) (Outcome, error) { <-ctx.Done(); return Outcome{}, ctx.Err() }, crawl.ClassTimeout, "the run took longer than its timeout of 1ms"},
		{"timeout, partial", time.Millisecond, func(ctx context.Context, _ Run) (Outcome, error) {
			<-ctx.Done()
			return Outcome{State: store.RunPartial}, nil
		}, crawl.ClassTimeout, "the run took longer than its timeout of 1ms"},
		{"failed", time.Minute, func(context.Context, Run) (Outcome, error) {
			return Outcome{State: store.RunFailed, Class: crawl.ClassRobots, Error: "forbidden"}, nil
		}, crawl.ClassRobots, "forbidden"},
	} {
		t.Run(test.name, func(t *testing.T) {
			site := newSite("shop")
			site.Timeout = sites.Duration(test.timeout)
			once := map[crawl.Class]Retry{crawl.ClassInternal: {Tries: 1}, crawl.ClassTimeout: {Tries: 1}}
			told := make(chan any, 1)
			returned := false // a timeout may come before the handler
			e, _ := open(t, storetest.SQLite(t), Options{
				Sites: []*sites.Site{site}, Retries: once,
				Handler: func(ctx context.Context, run Run) (Outcome, error) {
					o, err := test.handler(ctx, run)
					o.With, returned = run.ID, true
					return o, err
				},
				OnEnd: func(ended Ended) { told <- ended.Outcome.With },
			})
			done, err := e.Once(t.Context(), "shop")
			require.NoError(t, err)
			require.Equal(t, store.RunFailed, done[0].State)
			require.Equal(t, test.class, done[0].Class)
			require.Contains(t, done[0].Error, test.message)
			require.Len(t, jobs(t, e, JobFilter{States: []string{JobDiscarded}}), 1)
			if with := <-told; returned {
				require.Equal(t, done[0].ID, with, "what the handler tells beside is told, whatever became of the rest")
			}
		})
	}
}

func TestHandlerThatDoesNotReturnIsLeftBehind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		site := newSite("shop")
		site.Timeout = sites.Duration(200 * time.Millisecond)
		hang := make(chan struct{})
		late := make(chan error, 1)
		told := make(chan any, 2)
		e, s := open(t, address, Options{
			Sites: []*sites.Site{site}, Retries: quick(), Margin: time.Millisecond,
			OnEnd: func(ended Ended) { told <- ended.Outcome.With },
			Handler: func(ctx context.Context, run Run) (Outcome, error) {
				outcome := Outcome{State: store.RunDone, With: run.Attempt}
				if run.Attempt == 1 {
					<-hang // whatever ctx says
					late <- visit(context.WithoutCancel(ctx), run, 2, noWait)
					return outcome, nil
				}
				return outcome, visit(ctx, run, 3, noWait)
			},
		})
		done, err := e.Once(t.Context(), "shop")
		require.NoError(t, err)
		require.Equal(t, store.RunDone, done[0].State)
		require.Equal(t, 1, done[0].Failures)
		require.Nil(t, <-told, "it has not returned")
		require.Equal(t, 2, <-told)
		close(hang)
		require.ErrorIs(t, <-late, store.ErrSuperseded)
		after, err := s.Run(t.Context(), done[0].ID)
		require.NoError(t, err)
		require.Equal(t, done[0], after)
	})
}

func TestPause(t *testing.T) {
	for _, test := range []struct {
		class    crawl.Class
		asked    time.Duration
		failures int
		want     time.Duration
		again    bool
	}{
		{crawl.ClassDNS, 0, 1, 30 * time.Second, true},
		{crawl.ClassDNS, 0, 2, time.Minute, true},
		{crawl.ClassDNS, 0, 4, 4 * time.Minute, true},
		{crawl.ClassDNS, 0, 5, 0, false},
		{crawl.ClassBusy, 0, 1, time.Minute, true},
		{crawl.ClassBusy, 20 * time.Minute, 1, 20 * time.Minute, true},
		{crawl.ClassBusy, time.Second, 5, 16 * time.Minute, true},
		{crawl.ClassBusy, 1000 * time.Hour, 1, 24 * time.Hour, true},
		{crawl.ClassCrash, 0, 1, time.Second, true},
		{crawl.ClassBlocked, 0, 2, 30 * time.Minute, true},
		{crawl.ClassBlocked, 0, 3, 0, false},
		{crawl.ClassMissing, 0, 1, time.Minute, true},
		{crawl.ClassMissing, 0, 2, 0, false},
		{crawl.ClassRobots, 0, 1, 0, false},
		{"another", 0, 1, 5 * time.Second, true},
		{"another", 0, 5, 0, false},
	} {
		wait, again := pause(nil, Outcome{Class: test.class, RetryAfter: test.asked}, test.failures)
		require.Equal(t, test.want, wait, "%+v", test)
		require.Equal(t, test.again, again, "%+v", test)
	}
	own := map[crawl.Class]Retry{crawl.ClassDNS: {Tries: 100, First: time.Second, Longest: 10 * time.Second}}
	wait, again := pause(own, Outcome{Class: crawl.ClassDNS}, 99)
	require.Equal(t, 10*time.Second, wait)
	require.True(t, again)
	for class, retry := range DefaultRetries() {
		require.Positive(t, retry.Tries, class)
		require.LessOrEqual(t, retry.First, retry.Longest, class)
	}
}

func TestDrainUsesNoAttempt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		atWork := make(chan int, 10)
		var patient atomic.Bool
		handler := func(ctx context.Context, run Run) (Outcome, error) {
			if patient.Load() {
				return Outcome{State: store.RunDone}, visit(ctx, run, 4, noWait)
			}
			err := visit(ctx, run, 4, func(done int) error {
				if done == 2 {
					atWork <- run.Attempt
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			})
			return Outcome{}, err
		}
		var id int64
		for attempt := 1; attempt <= 3; attempt++ {
			var interrupted []bool
			e, s := open(t, address, Options{
				Sites: []*sites.Site{newSite("shop")}, Handler: handler, Grace: time.Millisecond,
				OnEnd: func(end Ended) { interrupted = append(interrupted, end.Interrupted) },
			})
			stop := start(t, e)
			if id == 0 {
				var err error
				id, err = e.Enqueue(t.Context(), "shop")
				require.NoError(t, err)
			}
			require.Equal(t, attempt, <-atWork)
			stop()
			require.Equal(t, []bool{true}, interrupted)
			run, err := s.Run(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, store.RunPlanned, run.State)
			require.Zero(t, run.Failures)
			require.Equal(t, "the worker stopped", run.Error)
		}
		patient.Store(true)
		e, s := open(t, address, Options{Sites: []*sites.Site{newSite("shop")}, Handler: handler})
		start(t, e)
		run, err := e.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, store.RunDone, run.State)
		require.Equal(t, 4, run.Attempt)
		require.Equal(t, 4, countItems(t, s))
	})
}

func TestDrainLetsRunsFinish(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		begun, release := make(chan struct{}), make(chan struct{})
		e, s := open(t, address, Options{
			Sites: []*sites.Site{newSite("shop")}, Grace: patience,
			Handler: func(ctx context.Context, run Run) (Outcome, error) {
				close(begun)
				<-release
				return Outcome{State: store.RunDone}, visit(ctx, run, 1, noWait)
			},
		})
		stop := start(t, e)
		id, err := e.Enqueue(t.Context(), "shop")
		require.NoError(t, err)
		<-begun
		stopped := make(chan struct{})
		go func() { stop(); close(stopped) }()
		// What is asked for now waits for the next worker.
		var next int64
		eventually(t, func() bool { return isDraining(e) }, "the engine does not drain")
		next, err = e.Enqueue(t.Context(), "shop")
		require.NoError(t, err)
		close(release)
		<-stopped
		run, err := s.Run(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, store.RunDone, run.State)
		run, err = s.Run(t.Context(), next)
		require.NoError(t, err)
		require.Equal(t, store.RunPlanned, run.State)
		require.Zero(t, run.Attempt)
	})
}

func TestForceEndsTheGrace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		begun := make(chan struct{})
		e, s := open(t, address, Options{
			Sites: []*sites.Site{newSite("shop")}, Grace: time.Hour,
			Handler: func(ctx context.Context, run Run) (Outcome, error) {
				close(begun)
				<-ctx.Done()
				return Outcome{}, ctx.Err()
			},
		})
		stop := start(t, e)
		id, err := e.Enqueue(t.Context(), "shop")
		require.NoError(t, err)
		<-begun
		stopped := make(chan struct{})
		go func() { stop(); close(stopped) }()
		eventually(t, func() bool { return isDraining(e) }, "the engine does not drain")
		e.Force()
		e.Force()
		<-stopped
		run, err := s.Run(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, store.RunPlanned, run.State)
	})
}

func TestOnceThatIsStoppedEndsItsRuns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx, cancel := context.WithCancel(t.Context())
		e, s := open(t, address, Options{
			Sites: []*sites.Site{newSite("shop"), newSite("news")}, Grace: time.Millisecond, Runs: 1,
			Handler: func(ctx context.Context, run Run) (Outcome, error) {
				return Outcome{}, visit(ctx, run, 4, func(done int) error {
					if done == 2 {
						cancel()
						<-ctx.Done()
						return ctx.Err()
					}
					return nil
				})
			},
		})
		done, err := e.Once(ctx, "shop", "news")
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, done, 2)
		states := []store.RunState{done[0].State, done[1].State}
		require.ElementsMatch(t, []store.RunState{store.RunPartial, store.RunFailed}, states)
		require.Equal(t, 2, countItems(t, s), "what was taken is kept")
		require.Equal(t, "stopped before it was complete", done[0].Error)

		// Nothing of it goes on; a new run is not held up.
		e, _ = open(t, address, Options{Sites: []*sites.Site{newSite("shop"), newSite("news")}, Handler: visits(4)})
		done, err = e.Once(t.Context(), "shop", "news")
		require.NoError(t, err)
		require.Equal(t, 1, done[0].Attempt)
		require.Equal(t, store.RunDone, done[1].State)
		require.Len(t, runs(t, s, store.RunFilter{}), 4)
	})
}

func TestAskedForRunComesBeforeAWaitingOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		var calm atomic.Bool
		e, s := open(t, address, Options{
			Sites: []*sites.Site{newSite("shop")},
			Handler: func(ctx context.Context, run Run) (Outcome, error) {
				if calm.Load() {
					return Outcome{State: store.RunDone}, nil
				}
				calm.Store(true)
				return Outcome{State: store.RunFailed, Class: crawl.ClassBusy, Error: "429", RetryAfter: time.Hour}, nil
			},
		})
		start(t, e)
		// The first run is one of a schedule; it is asked to come back in an hour.
		var first int64
		require.NoError(t, s.InTx(t.Context(), func(tx store.Tx) (err error) {
			first, _, err = s.AddRun(t.Context(), tx, store.Run{Site: "shop", ScheduledAt: time.Now(), Reason: store.ReasonSchedule, State: store.RunPlanned})
			return err
		}))
		eventually(t, func() bool { // the run without a job gets one
			run, err := s.Run(context.Background(), first)
			return err == nil && run.Failures == 1
		}, "the first run is not begun")
		second, err := e.Enqueue(t.Context(), "shop")
		require.NoError(t, err)
		run, err := e.Wait(t.Context(), second)
		require.NoError(t, err)
		require.Equal(t, store.RunDone, run.State)
		waiting, err := s.Run(t.Context(), first)
		require.NoError(t, err)
		require.Equal(t, store.RunPlanned, waiting.State)
		require.Greater(t, time.Until(waiting.NotBefore), 50*time.Minute)
		list := jobs(t, e, JobFilter{States: []string{"scheduled"}})
		require.Len(t, list, 1)
		require.Equal(t, first, list[0].Run)
	})
}

func TestQueueNames(t *testing.T) {
	seen := map[string]string{}
	for _, site := range []string{
		"a", "shop", "shop-1", "shop_1", "a--b", "a__b", "-a", "a-", "_", "plan", "s-a", "x-0",
		"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff12", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234",
	} {
		name := queueName(site)
		require.Empty(t, seen[name], "%s and %s share a queue", site, seen[name])
		seen[name] = site
		require.NotEqual(t, planQueue, name)
		require.LessOrEqual(t, len(name), 64)
		e, _ := open(t, storetest.SQLite(t), Options{Sites: []*sites.Site{newSite(site)}, Handler: visits(1)}) // River takes it
		require.NotNil(t, e)
	}
}

// isDraining tells whether an engine begins no more runs.
func isDraining(e Engine) bool { return e.(interface{ isDraining() bool }).isDraining() }
