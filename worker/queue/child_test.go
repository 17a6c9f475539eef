package queue

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// childMode makes the test binary a worker of its own: "work" runs the site shop until it
// is killed and prints a line for each page saved, "snooze" runs it once and lets it
// fail the first time.
const (
	childMode    = "EBB_QUEUE_CHILD"
	childAddress = "EBB_QUEUE_DATABASE"
)

const childPages = 500

// child is the other process.
func child() int {
	ctx := context.Background()
	s, err := store.Open(ctx, os.Getenv(childAddress))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer s.Close()
	options := Options{Sites: []*sites.Site{newSite("shop")}, OnFault: func(err error) { fmt.Fprintln(os.Stderr, err) }}
	options.Handler = func(ctx context.Context, run Run) (Outcome, error) {
		err := visitTogether(ctx, run, childPages, func(saved int) { fmt.Println("page", saved) })
		return Outcome{State: store.RunDone}, err
	}
	if os.Getenv(childMode) == "snooze" {
		options.Retries = map[crawl.Class]Retry{crawl.ClassDNS: {Tries: 2, First: time.Second, Longest: time.Second}}
		work := options.Handler
		options.Handler = func(ctx context.Context, run Run) (Outcome, error) {
			if run.Attempt == 1 {
				return Outcome{State: store.RunFailed, Class: crawl.ClassDNS, Error: "no such host"}, nil
			}
			return work(ctx, run)
		}
	}
	e, err := Open(s, options)
	if err == nil && os.Getenv(childMode) == "work" {
		err = e.Run(ctx)
	} else if err == nil {
		_, err = e.Once(ctx, "shop")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// visitTogether saves n pages, eight at once, as a run with eight tabs does, and tells how many are durable.
func visitTogether(ctx context.Context, run Run, n int, tell func(saved int)) error {
	left := run.State.Queued
	if run.State.Visited == 0 && len(left) == 0 {
		left = pageRefs(n)
		if err := run.Journal.Queue(ctx, left); err != nil {
			return err
		}
	}
	run.Journal.Linger(true)
	var mu sync.Mutex
	saved := run.State.Visited
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, ref := range left {
		g.Go(func() error {
			result := crawl.PageResult{PageRef: ref, State: crawl.PageDone, Started: time.Now(), Items: []sites.Item{item(ref.Key, "x")}}
			if err := run.Journal.Save(ctx, result); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			saved++
			tell(saved)
			return nil
		})
	}
	return g.Wait()
}

func childCommand(mode, address string, environment ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), append(environment, childMode+"="+mode, childAddress+"="+address)...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// TestKilledWorker kills a worker at several moments of one run, while pages are made durable in batches.
// Each worker that is
// started next goes on with it; in the end nothing is missing and nothing there twice.
func TestKilledWorker(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address)
		var id int64
		require.NoError(t, s.InTx(t.Context(), func(tx store.Tx) (err error) {
			id, _, err = s.AddRun(t.Context(), tx, store.Run{Site: "shop", ScheduledAt: time.Now(), Reason: store.ReasonManual, State: store.RunPlanned})
			return err
		}))
		kills := 0
		for _, last := range []int{0, 1, 30, 31, 60, 150} {
			cmd := childCommand("work", address)
			output, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			lines := bufio.NewScanner(output)
			page := -1
			for page < last && lines.Scan() {
				_, err := fmt.Sscanf(lines.Text(), "page %d", &page)
				require.NoError(t, err)
			}
			require.GreaterOrEqual(t, page, last, "the run goes on after it was killed %d times", kills)
			require.NoError(t, cmd.Process.Kill())
			require.Error(t, cmd.Wait())
			kills++
			state, err := s.State(t.Context(), id)
			require.NoError(t, err)
			require.GreaterOrEqual(t, state.Visited, page, "what was saved is there")
			require.Equal(t, state.Visited, state.Items, "each page with its item")
		}
		run, err := s.Run(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, store.RunRunning, run.State, "the dead leave it so")
		require.Equal(t, kills, run.Attempt)

		begun := time.Now()
		e, err := Open(s, Options{Sites: []*sites.Site{newSite("shop")}, Handler: visits(childPages), OnFault: func(err error) { t.Log(err) }})
		require.NoError(t, err)
		start(t, e)
		run, err = e.Wait(t.Context(), id)
		require.NoError(t, err)
		t.Logf("taken up and finished %v after the start", time.Since(begun))
		require.Equal(t, store.RunDone, run.State)
		require.Equal(t, kills+1, run.Attempt)
		require.Zero(t, run.Failures, "to be killed is no failure of the run")
		require.Equal(t, store.PageCounts{Done: childPages}, run.Pages)
		require.Equal(t, store.ItemCounts{New: childPages}, run.Items)
		require.Equal(t, childPages, countItems(t, s))
		workers, err := s.Workers(t.Context())
		require.NoError(t, err)
		require.Len(t, workers, 1, "the dead are forgotten")
	})
}

// TestLivingWorkerTakesUp lets a worker that is at work elsewhere see that another has
// been killed.
func TestLivingWorkerTakesUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, address string) {
		t.Parallel()
		s := storetest.Open(t, address)
		cmd := childCommand("work", address)
		output, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		client, err := Open(s, Options{})
		require.NoError(t, err)
		var id int64
		eventually(t, func() bool {
			id, err = client.Enqueue(context.Background(), "shop")
			return err == nil
		}, "the other worker does not come up")
		lines := bufio.NewScanner(output)
		require.True(t, lines.Scan())
		e, err := Open(s, Options{Sites: []*sites.Site{newSite("shop")}, Handler: visits(childPages)})
		require.NoError(t, err)
		start(t, e)
		eventually(t, func() bool { // it has looked for dead workers, and found none
			workers, err := s.Workers(context.Background())
			return err == nil && len(workers) == 2 && workers[0].Beat > 0 && workers[1].Beat > 0
		}, "the second worker does not begin")
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
		run, err := e.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, store.RunDone, run.State)
		require.Equal(t, childPages, countItems(t, s))
	})
}

// TestPausesAreRightInEveryZone holds that a pause of a second is one in a zone that is
// not UTC: SQLite keeps times as text.
func TestPausesAreRightInEveryZone(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Asia/Tokyo", "America/New_York"} {
		storetest.Each(t, func(t *testing.T, address string) {
			t.Parallel()
			s := storetest.Open(t, address)
			cmd := childCommand("snooze", address, "TZ="+zone)
			begun := time.Now()
			require.NoError(t, cmd.Start())
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case err := <-ended:
				require.NoError(t, err)
			case <-time.After(patience):
				require.NoError(t, cmd.Process.Kill())
				<-ended
				t.Fatal("the run is not tried again in a minute")
			}
			all := runs(t, s, store.RunFilter{})
			require.Len(t, all, 1)
			require.Equal(t, store.RunDone, all[0].State)
			require.Equal(t, 2, all[0].Attempt)
			require.GreaterOrEqual(t, time.Since(begun), time.Second, "nor at once")
			require.WithinDuration(t, begun, all[0].ScheduledAt, patience)
		})
	}
}

func TestParseStat(t *testing.T) {
	line := "4242 (a ) b (c)) S 1 4242 4242 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 123456 1000 2000"
	start, err := parseStat([]byte(line))
	require.NoError(t, err)
	require.EqualValues(t, 123456, start)
	_, err = parseStat([]byte(strings.Replace(line, ") S 1", ") Z 1", 1)))
	require.ErrorIs(t, err, os.ErrNotExist)
	for _, bad := range []string{"", "1 (x", "1 (x) S 1 2", ")"} {
		_, err = parseStat([]byte(bad))
		require.Error(t, err, bad)
	}
}

func TestGone(t *testing.T) {
	self := thisProcess()
	require.False(t, gone(self, self))
	cmd := exec.Command("sleep", "1000")
	require.NoError(t, cmd.Start())
	start, err := processStart(cmd.Process.Pid)
	require.NoError(t, err)
	other := self
	other.PID, other.PIDStart = cmd.Process.Pid, start
	require.False(t, gone(self, other))
	reused := other
	reused.PIDStart--
	require.True(t, gone(self, reused), "another process has the id now")
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.True(t, gone(self, other))
	elsewhere := other
	elsewhere.Boot = "another machine"
	require.False(t, gone(self, elsewhere), "it cannot be seen from here")
	container := other
	container.PIDNamespace = "pid:[1]"
	require.False(t, gone(self, container))
	require.False(t, gone(store.Worker{}, store.Worker{}), "a system without /proc")
}

func TestWatch(t *testing.T) {
	self := store.Worker{ID: "self", Boot: "here"}
	other := store.Worker{ID: "other", Boot: "there"}
	third := store.Worker{ID: "third", Boot: "there"}
	var w watch
	begin := time.Now()
	look := func(after time.Duration) []string {
		third.Beat++
		dead := w.dead(self, []store.Worker{self, other, third}, begin.Add(after))
		var names []string
		for name := range dead {
			names = append(names, name)
		}
		return names
	}
	require.Empty(t, look(0))
	require.Empty(t, look(20*time.Second))
	other.Beat++
	require.Empty(t, look(29*time.Second))
	require.Empty(t, look(58*time.Second))
	require.Equal(t, []string{"other"}, look(59*time.Second))
	other.Beat++
	require.Empty(t, look(60*time.Second), "it came back")
}
