package queue

import (
	"context"
	"errors"
	"testing"

	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// taker is the part of an engine that takes a job from a worker.
type taker interface {
	takeUp(ctx context.Context, left *rivertype.JobRow) error
	runningJobs(ctx context.Context) ([]*rivertype.JobRow, error)
}

// TestWorkerThatWasTakenForDead holds that an attempt whose run was given to another
// worker changes nothing, whatever it returns and whenever: before the other has ended or
// after. River itself would let it end the other's job.
func TestWorkerThatWasTakenForDead(t *testing.T) {
	endings := map[string]func() (Outcome, error){
		"done":   func() (Outcome, error) { return Outcome{State: store.RunDone}, nil },
		"failed": func() (Outcome, error) { return Outcome{State: store.RunFailed, Class: crawl.ClassRobots}, nil },
		"error":  func() (Outcome, error) { return Outcome{}, errors.New("late") },
		"panic":  func() (Outcome, error) { panic("late") },
	}
	for name, ending := range endings {
		for _, early := range []bool{true, false} {
			t.Run(name+map[bool]string{true: "/early", false: "/late"}[early], func(t *testing.T) {
				storetest.Each(t, func(t *testing.T, address string) { zombie(t, address, early, ending) })
			})
		}
	}
}

func zombie(t *testing.T, address string, early bool, ending func() (Outcome, error)) {
	ctx := t.Context()
	begun, wake := make(chan Run, 1), make(chan struct{})
	zombies := make(chan error, 8) // what the zombie's worker says
	first, s := open(t, address, Options{
		Sites: []*sites.Site{newSite("shop")}, Retries: quick(),
		OnFault: func(err error) { zombies <- err },
		OnEnd:   func(end Ended) { t.Errorf("the zombie's end was recorded: %+v", end) },
		Handler: func(_ context.Context, run Run) (Outcome, error) {
			begun <- run
			<-wake
			return ending()
		},
	})
	// Only the first worker is there when the run is queued; its slot is then taken.
	start(t, first)
	id, err := first.Enqueue(ctx, "shop")
	require.NoError(t, err)
	old := <-begun

	atWork, goOn := make(chan Run, 1), make(chan struct{})
	second, _ := open(t, address, Options{
		Sites: []*sites.Site{newSite("shop")}, Retries: quick(),
		Handler: func(ctx context.Context, run Run) (Outcome, error) {
			atWork <- run
			<-goOn
			return Outcome{State: store.RunDone}, visit(ctx, run, 3, noWait)
		},
	})
	start(t, second)
	left, err := second.(taker).runningJobs(ctx)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.NoError(t, second.(taker).takeUp(ctx, left[0]))
	require.NoError(t, second.(taker).takeUp(ctx, left[0]), "who comes second finds nothing to do")
	run := <-atWork
	require.Equal(t, 2, run.Attempt)

	late := func() {
		err := old.Journal.Save(ctx, crawl.PageResult{PageRef: pageRefs(1)[0], State: crawl.PageDone, Items: []sites.Item{item("zombie", "x")}})
		require.ErrorIs(t, err, store.ErrSuperseded)
		close(wake)
		require.ErrorIs(t, <-zombies, store.ErrSuperseded)
	}
	if early {
		late()
		stored, err := s.Run(ctx, id)
		require.NoError(t, err)
		require.Equal(t, store.RunRunning, stored.State, "the other goes on")
		list := jobs(t, second, JobFilter{States: []string{"running"}})
		require.Len(t, list, 1)
	}
	close(goOn)
	ended, err := second.Wait(ctx, id)
	require.NoError(t, err)
	if !early {
		late()
	}
	after, err := s.Run(ctx, id)
	require.NoError(t, err)
	require.Equal(t, ended, after)
	require.Equal(t, store.RunDone, after.State)
	require.Equal(t, 2, after.Attempt)
	require.Zero(t, after.Failures)
	require.Equal(t, 3, countItems(t, s))
	var states []string
	for _, job := range jobs(t, second, JobFilter{}) {
		states = append(states, job.State)
	}
	require.Equal(t, []string{"completed", "cancelled"}, states)
}

// TestJobWhoseRunIsGone holds that the job of a run that somebody deleted is ended. It was an error at each beat.
func TestJobWhoseRunIsGone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx := t.Context()
		begun, wake := make(chan Run, 1), make(chan struct{})
		first, s := open(t, address, Options{
			Sites: []*sites.Site{newSite("shop")}, Retries: quick(), OnFault: func(error) {},
			Handler: func(_ context.Context, run Run) (Outcome, error) {
				begun <- run
				<-wake
				return Outcome{State: store.RunDone}, nil
			},
		})
		stop := start(t, first)
		_, err := first.Enqueue(ctx, "shop")
		require.NoError(t, err)
		run := <-begun
		require.NoError(t, s.InTx(ctx, func(tx store.Tx) error {
			_, err := tx.Exec(ctx, "DELETE FROM runs WHERE id = $1", run.ID)
			return err
		}))
		left, err := first.(taker).runningJobs(ctx)
		require.NoError(t, err)
		require.Len(t, left, 1)
		require.NoError(t, first.(taker).takeUp(ctx, left[0]))
		left, err = first.(taker).runningJobs(ctx)
		require.NoError(t, err)
		require.Empty(t, left)
		close(wake)
		first.Force()
		stop()
	})
}
