package queue

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// planner is the part of an engine that these tests call without River.
type planner interface {
	planNow(ctx context.Context, site string, fired time.Time) (planning, error)
	setSchedules(ctx context.Context) error
}

func (e *engine[TTx]) planNow(ctx context.Context, site string, fired time.Time) (p planning, err error) {
	err = e.inTx(ctx, func(ctx context.Context, tx store.Tx, raw TTx) (err error) {
		p, err = e.plan(ctx, tx, raw, site, fired)
		return err
	})
	return p, err
}

// openPlanner opens an engine with one site that was planned last at a time.
func openPlanner(t *testing.T, address string, site *sites.Site, plannedTo time.Time) (planner, *store.Store) {
	t.Helper()
	e, s := open(t, address, Options{Sites: []*sites.Site{site}, Handler: visits(1)})
	p := e.(planner)
	require.NoError(t, p.setSchedules(t.Context()))
	setPlanned(t, s, site.Name, plannedTo)
	return p, s
}

func setPlanned(t *testing.T, s *store.Store, site string, to time.Time) {
	t.Helper()
	require.NoError(t, s.InTx(context.Background(), func(tx store.Tx) error {
		return s.SetPlanned(context.Background(), tx, site, to, 0)
	}))
}

// planAll plans until nothing is due.
func planAll(t *testing.T, p planner, site string) {
	t.Helper()
	for more := true; more; {
		left, err := p.planNow(t.Context(), site, time.Time{})
		require.NoError(t, err)
		more = left.more
	}
}

func describe(all []store.Run) []string {
	out := []string{}
	for _, run := range all {
		out = append(out, fmt.Sprintf("%s %s missed=%d", run.Reason, run.State, run.Missed))
	}
	return out
}

func TestMissedRuns(t *testing.T) {
	// Due every hour; the last hour began between 10 minutes and an hour and 10 minutes ago.
	hour := time.Now().Add(-10 * time.Minute).Truncate(time.Hour)
	spec := "0 * * * *"
	if time.Since(hour) < 2*onTime || time.Until(hour.Add(time.Hour)) < time.Minute {
		spec = "30 * * * *" // stay clear of a time that is due now
		hour = time.Now().Add(-40 * time.Minute).Truncate(time.Hour).Add(30 * time.Minute)
	}
	due := func() int { // hours after hour that have passed
		return int(time.Since(hour) / time.Hour)
	}
	for missed, want := range map[sites.Missed]func() []string{
		sites.MissedLatest: func() []string { return []string{fmt.Sprintf("missed planned missed=%d", 4+due())} },
		sites.MissedSkip:   func() []string { return []string{} },
		sites.MissedAll:    func() []string { return slices.Repeat([]string{"missed planned missed=0"}, 5+due()) },
	} {
		for _, overlap := range []sites.Overlap{sites.OverlapSkip, sites.OverlapQueue} {
			t.Run(string(missed)+"/"+string(overlap), func(t *testing.T) {
				storetest.Each(t, func(t *testing.T, address string) {
					site := scheduled("shop", spec)
					site.Missed, site.Overlap = missed, overlap
					p, s := openPlanner(t, address, site, hour.Add(-5*time.Hour))
					planAll(t, p, "shop")
					require.Equal(t, want(), describe(runs(t, s, store.RunFilter{})))
					planAll(t, p, "shop")
					require.Equal(t, want(), describe(runs(t, s, store.RunFilter{})), "planning again plans nothing twice")
					for _, run := range runs(t, s, store.RunFilter{}) {
						require.Zero(t, run.ScheduledAt.Sub(hour)%time.Hour, "the scheduled time, not the time of planning")
					}
				})
			})
		}
	}
}

func TestLateRunsAreOnTimeForAMinute(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		site := scheduled("shop", "@every 1s")
		site.Missed, site.Overlap = sites.MissedSkip, sites.OverlapQueue
		p, s := openPlanner(t, address, site, time.Now().Add(-90*time.Second))
		planAll(t, p, "shop")
		all := runs(t, s, store.RunFilter{})
		require.InDelta(t, 60, len(all), 3, "a change of the leading process loses nothing")
		require.InDelta(t, 30, all[0].Missed, 3, "what is later was missed, and is counted")
		for i, run := range all {
			require.Equal(t, store.ReasonSchedule, run.Reason)
			if i > 0 {
				require.Equal(t, time.Second, run.ScheduledAt.Sub(all[i-1].ScheduledAt))
				require.Zero(t, run.Missed)
			}
		}
	})
}

func TestLongAbsenceIsPlannedInBatches(t *testing.T) {
	s := storetest.SQLite(t)
	site := scheduled("shop", "@every 1m")
	site.Missed = sites.MissedAll
	p, st := openPlanner(t, s, site, time.Now().Add(-(2*planBatch+100)*time.Minute))
	left, err := p.planNow(t.Context(), "shop", time.Time{})
	require.NoError(t, err)
	require.True(t, left.more)
	require.Len(t, runs(t, st, store.RunFilter{}), planBatch)
	planAll(t, p, "shop")
	require.InDelta(t, 2*planBatch+100, len(runs(t, st, store.RunFilter{})), 1)
	require.Len(t, jobs(t, p.(Engine), JobFilter{}), 1, "one job of the site at a time")
}

func TestFirstSightAndChangeOfSchedule(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		e, s := open(t, address, Options{Sites: []*sites.Site{scheduled("shop", "0 0 1 1 *")}, Handler: visits(1)})
		p := e.(planner)
		require.NoError(t, p.setSchedules(t.Context()))
		planAll(t, p, "shop")
		require.Empty(t, runs(t, s, store.RunFilter{}), "a new site has nothing to catch up with")
		setPlanned(t, s, "shop", time.Now().AddDate(-3, 0, 0))
		require.NoError(t, p.setSchedules(t.Context()))
		planAll(t, p, "shop")
		require.Len(t, runs(t, s, store.RunFilter{}), 1, "one that is registered again has")

		setPlanned(t, s, "shop", time.Now().AddDate(-3, 0, 0))
		e, _ = open(t, address, Options{Sites: []*sites.Site{scheduled("shop", "0 1 2 2 *")}, Handler: visits(1)})
		p = e.(planner)
		require.NoError(t, p.setSchedules(t.Context()))
		planAll(t, p, "shop")
		require.Len(t, runs(t, s, store.RunFilter{}), 1, "a schedule that was changed begins now")
	})
}

func TestPlannerWaitsForTheDatabasesClock(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		p, s := openPlanner(t, address, scheduled("shop", "@daily"), time.Now())
		next := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
		// A leading process whose clock is ahead fires before the time has come.
		left, err := p.planNow(t.Context(), "shop", next)
		require.NoError(t, err)
		require.WithinDuration(t, next, time.Now().Add(left.early), time.Minute)
		require.Empty(t, runs(t, s, store.RunFilter{}))
		left, err = p.planNow(t.Context(), "shop", time.Now()) // the call at a start
		require.NoError(t, err)
		require.Zero(t, left.early)
	})
}

// TestClockThatWasSetBack holds that a site runs on when the clock was set back, and that times which have had
// their run get no other. It stood still until the clock was as late again.
func TestClockThatWasSetBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		p, s := openPlanner(t, address, scheduled("shop", "@every 1s"), time.Now().Add(-2*time.Second))
		planAll(t, p, "shop")
		before := runs(t, s, store.RunFilter{})
		require.NotEmpty(t, before)
		setPlanned(t, s, "shop", time.Now().Add(time.Hour))
		eventually(t, func() bool {
			planAll(t, p, "shop")
			return len(runs(t, s, store.RunFilter{})) > len(before)
		}, "nothing is planned any more")
		times := map[time.Time]bool{}
		for _, run := range runs(t, s, store.RunFilter{}) {
			require.False(t, times[run.ScheduledAt], "%s is planned twice", run.ScheduledAt)
			times[run.ScheduledAt] = true
		}
	})
}

func TestJitter(t *testing.T) {
	schedule := store.Schedule{Site: "shop", Jitter: time.Minute}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var sum time.Duration
	for i := range 1000 {
		at := begin.Add(time.Duration(i) * time.Hour)
		j := jitter(schedule, at)
		require.Equal(t, j, jitter(schedule, at))
		require.GreaterOrEqual(t, j, time.Duration(0))
		require.Less(t, j, time.Minute)
		sum += j
	}
	require.InDelta(t, 30, (sum / 1000).Seconds(), 3)
	require.Zero(t, jitter(store.Schedule{Site: "shop"}, begin))

	storetest.Each(t, func(t *testing.T, address string) {
		site := scheduled("shop", "@every 30s")
		site.Jitter = sites.Duration(24 * time.Hour)
		p, s := openPlanner(t, address, site, time.Now().Add(-35*time.Second))
		planAll(t, p, "shop")
		all := runs(t, s, store.RunFilter{})
		require.True(t, all[0].NotBefore.After(all[0].ScheduledAt))
		waiting := jobs(t, p.(Engine), JobFilter{})
		require.Equal(t, "scheduled", waiting[0].State)
		require.WithinDuration(t, all[0].NotBefore, waiting[0].Due, time.Second)
	})
}

func TestForward(t *testing.T) {
	times, err := scheduled("shop", "@every 10s").CronSchedule()
	require.NoError(t, err)
	now := time.Now()
	next := forward{times}.Next(now.Add(-time.Hour))
	require.True(t, next.After(now) && !next.After(time.Now().Add(10*time.Second)), "the times that passed are left out")
	ahead := now.Add(time.Hour)
	require.Equal(t, times.Next(ahead), forward{times}.Next(ahead))
}

// TestOverlap holds that two runs of a site are never at work at once, and what becomes
// of the one that is due meanwhile.
// The planner is called only where there may be something to plan: each process that begins to lead is called for all.
func TestPlannerIsCalledForWhatMayBeDue(t *testing.T) {
	times, err := cronOf(store.Schedule{Spec: "@every 10m"})
	require.NoError(t, err)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		planned, now time.Time
		due          bool
	}{
		"the time has come":           {noon, noon.Add(10 * time.Minute), true},
		"River calls a little early":  {noon, noon.Add(10*time.Minute - 100*time.Millisecond), true},
		"the time is to come":         {noon, noon.Add(9 * time.Minute), false},
		"times were missed":           {noon, noon.Add(time.Hour), true},
		"the clock was set back":      {noon, noon.Add(-time.Hour), true},
		"planned this very moment":    {noon, noon, true},
		"planned a moment ago":        {noon, noon.Add(time.Second), false},
		"nothing has been planned":    {time.Time{}, noon, true},
		"another clock is some ahead": {noon.Add(3 * time.Second), noon, true},
	} {
		t.Run(name, func(t *testing.T) {
			job := &periodicJob{times: times}
			job.plannedTo.Store(&c.planned)
			require.Equal(t, c.due, job.mayBeDue(c.now))
		})
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, overlap := range []sites.Overlap{sites.OverlapSkip, sites.OverlapQueue} {
		t.Run(string(overlap), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, address string) {
				t.Parallel()
				var atWork, most atomic.Int32
				release := make(chan struct{})
				site := scheduled("shop", "@every 1s")
				site.Overlap = overlap
				handler := func(ctx context.Context, run Run) (Outcome, error) {
					most.Store(max(most.Load(), atWork.Add(1)))
					defer atWork.Add(-1)
					select {
					case <-release:
					case <-ctx.Done():
					}
					return Outcome{State: store.RunDone}, nil
				}
				var s *store.Store
				for range 2 { // two workers
					var e Engine
					e, s = open(t, address, Options{Sites: []*sites.Site{site}, Handler: handler})
					start(t, e)
				}
				waiting := store.RunSkipped
				if overlap == sites.OverlapQueue {
					waiting = store.RunPlanned
				}
				eventually(t, func() bool {
					return len(runs(t, s, store.RunFilter{States: []store.RunState{waiting}})) >= 2 &&
						len(runs(t, s, store.RunFilter{States: []store.RunState{store.RunRunning}})) == 1
				}, "no two runs come due meanwhile")
				if overlap == sites.OverlapSkip {
					skipped := runs(t, s, store.RunFilter{States: []store.RunState{store.RunSkipped}})
					require.Contains(t, skipped[0].Error, "overlap: run 1 of ")
				}
				close(release)
				eventually(t, func() bool {
					return len(runs(t, s, store.RunFilter{States: []store.RunState{store.RunDone}})) >= 3
				}, "the runs do not go on")
				require.EqualValues(t, 1, most.Load())
				done := runs(t, s, store.RunFilter{States: []store.RunState{store.RunDone}})
				for i := 1; i < len(done); i++ {
					require.True(t, done[i].ScheduledAt.After(done[i-1].ScheduledAt), "in the order of their times")
				}
			})
		})
	}
}

// TestTwoWorkersPlanEachTimeOnce lets the worker that leads stop in between.
func TestTwoWorkersPlanEachTimeOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, address string) {
		t.Parallel()
		var mu sync.Mutex
		attempts := map[int64]int{}
		handler := func(ctx context.Context, run Run) (Outcome, error) {
			mu.Lock()
			defer mu.Unlock()
			attempts[run.ID]++
			return Outcome{State: store.RunDone}, nil
		}
		site := scheduled("shop", "@every 1s")
		site.Overlap = sites.OverlapQueue
		first, s := open(t, address, Options{Sites: []*sites.Site{site}, Handler: handler})
		stop := start(t, first)
		finished := func(n int) func() bool {
			return func() bool { return len(runs(t, s, store.RunFilter{States: []store.RunState{store.RunDone}})) >= n }
		}
		eventually(t, finished(2), "the schedule does not fire")
		second, _ := open(t, address, Options{Sites: []*sites.Site{site}, Handler: handler})
		start(t, second)
		eventually(t, finished(3), "the schedule does not fire")
		stop()
		eventually(t, finished(6), "the second worker does not take the lead")
		all := runs(t, s, store.RunFilter{})
		for i, run := range all {
			if i > 0 {
				require.Equal(t, time.Second, run.ScheduledAt.Sub(all[i-1].ScheduledAt), "no time is lost or planned twice")
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for id, n := range attempts {
			require.Equal(t, 1, n, "run %d", id)
		}
	})
}

// TestLeaderPlansTheSitesOfOthers starts a worker that leads and does not have the site
// of the second; then the second, whose site is gone when it stops.
func TestLeaderPlansTheSitesOfOthers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, address string) {
		t.Parallel()
		first, s := open(t, address, Options{Sites: []*sites.Site{scheduled("shop", "@every 1s")}, Handler: visits(1)})
		start(t, first)
		done := func(site string) int {
			return len(runs(t, s, store.RunFilter{Site: site, States: []store.RunState{store.RunDone}}))
		}
		eventually(t, func() bool { return done("shop") > 0 }, "the first site is not planned")
		second, _ := open(t, address, Options{Sites: []*sites.Site{scheduled("news", "@every 1s")}, Handler: visits(1)})
		stop := start(t, second)
		eventually(t, func() bool { return done("news") > 1 }, "the second site is not planned")
		id, err := first.Enqueue(t.Context(), "news")
		require.NoError(t, err, "a site of another worker can be asked for")
		_, err = first.Wait(t.Context(), id)
		require.NoError(t, err)
		stop()
		schedules, err := s.Schedules(t.Context())
		require.NoError(t, err)
		require.Len(t, schedules, 1)
		require.Equal(t, "shop", schedules[0].Site)
		eventually(t, func() bool {
			return !slices.Contains(first.(interface{ periodicSites() []string }).periodicSites(), "news")
		},
			"the site is still planned though nobody has it")
	})
}

// periodicSites asks the database, since the engine's own list belongs to its goroutine.
func (e *engine[TTx]) periodicSites() []string {
	var names []string
	all, err := e.Jobs(context.Background(), JobFilter{Plans: true, Limit: 2})
	if err != nil {
		return []string{"news"}
	}
	for _, job := range all {
		names = append(names, job.Site)
	}
	return names
}

func TestPollInterval(t *testing.T) {
	for queues, want := range map[int]time.Duration{1: time.Second, 3: 1800 * time.Millisecond, 50: 30 * time.Second, 1000: 30 * time.Second} {
		require.Equal(t, want, pollInterval(queues), "%d", queues)
	}
}
