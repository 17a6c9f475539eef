package browser_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// recycleWorld is a pool whose retirements are noted.
type recycleWorld struct {
	t    testing.TB
	ctx  context.Context
	pool *browser.Pool
	url  string

	mu   sync.Mutex
	told []browser.Recycling
}

func newRecycleWorld(t testing.TB, tabs int, recycle browser.Recycle, more ...func(*browser.PoolOptions)) *recycleWorld {
	w := &recycleWorld{t: t, ctx: within(t, 3*time.Minute)}
	w.url = serve(t, map[string]string{"/": `<p>x`}).URL + "/"
	options := browser.PoolOptions{
		Launch: browsertest.LaunchOptions(t), Tabs: tabs, Recycle: recycle,
		OnRecycle: func(r browser.Recycling) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told = append(w.told, r)
		},
	}
	for _, set := range more {
		set(&options)
	}
	w.pool = browser.NewPool(options)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, w.pool.Close(ctx))
	})
	return w
}

func (w *recycleWorld) lease(o browser.LeaseOptions) *browser.Lease {
	w.t.Helper()
	o.Site = "s"
	l, err := w.pool.Acquire(w.ctx, o)
	require.NoError(w.t, err)
	return l
}

// visit opens a page for a run and returns the Chrome that it was in.
func (w *recycleWorld) visit(o browser.LeaseOptions) *browser.Browser {
	w.t.Helper()
	l := w.lease(o)
	_, err := l.Navigate(w.ctx, w.url)
	require.NoError(w.t, err)
	require.NoError(w.t, l.Release(w.ctx, nil))
	return l.Browser()
}

// ended waits until the retirements that have ended are so many, and returns them.
func (w *recycleWorld) ended(n int) (list []browser.Recycling) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		list = nil
		for _, r := range w.told {
			if !r.Gone.IsZero() {
				list = append(list, r)
			}
		}
		return len(list) >= n
	}, 20*time.Second, time.Millisecond)
	return list
}

// living waits until so many Chromes live.
func (w *recycleWorld) living(n int) []*browser.Browser {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return len(w.pool.Browsers()) == n }, 20*time.Second, time.Millisecond)
	return w.pool.Browsers()
}

// TestWornOutChromeIsReplaced: the successor comes first, runs that are under way stay where they are,
// and the old one closes with the last of them.
func TestWornOutChromeIsReplaced(t *testing.T) {
	w := newRecycleWorld(t, 2, browser.Recycle{Pages: 2})
	first := w.visit(browser.LeaseOptions{Run: "a"})
	require.Same(t, first, w.visit(browser.LeaseOptions{Run: "a"}))
	require.Len(t, w.pool.Browsers(), 1, "nobody needs another yet")
	require.Same(t, first, w.visit(browser.LeaseOptions{Run: "b"}), "which the next run makes start, without waiting")
	w.living(2)
	require.Eventually(t, func() bool { return w.visit(browser.LeaseOptions{Run: "c"}) != first }, 20*time.Second, time.Millisecond)
	require.Same(t, first, w.visit(browser.LeaseOptions{Run: "a"}), "a run that is under way stays where it is")
	for _, run := range []string{"a", "b", "c"} {
		require.NoError(t, w.pool.EndRun(w.ctx, run))
	}
	r := w.ended(1)[0]
	require.Equal(t, first.PID(), r.PID)
	require.Equal(t, browser.RecyclePages, r.Reason)
	require.Equal(t, "2 pages", r.Says)
	require.Equal(t, 2, r.Pages)
	require.Positive(t, r.Age)
	require.True(t, r.Decided.Before(r.Ready))
	require.True(t, r.Ready.Before(r.Gone))
	require.Zero(t, r.Waited)
	require.ErrorIs(t, first.Err(), browser.ErrGone)
}

func TestAgedChromeIsReplaced(t *testing.T) {
	w := newRecycleWorld(t, 1, browser.Recycle{Age: time.Second})
	require.NoError(t, w.pool.Start(w.ctx))
	r := w.ended(1)[0]
	require.Equal(t, browser.RecycleAge, r.Reason)
	require.GreaterOrEqual(t, r.Age, time.Second)
	require.False(t, r.Ready.IsZero(), "nobody has to wait for the next one")
	w.visit(browser.LeaseOptions{Run: "a"})
	require.NoError(t, w.pool.EndRun(w.ctx, "a"))
}

// TestIdleChromeIsClosed: nothing takes its place before a lease needs it.
func TestIdleChromeIsClosed(t *testing.T) {
	w := newRecycleWorld(t, 1, browser.Recycle{Idle: 20 * time.Millisecond})
	for n := range 2 {
		b := w.visit(browser.LeaseOptions{Run: "a"})
		require.NoError(t, b.Err(), "a run is at work")
		require.NoError(t, w.pool.EndRun(w.ctx, "a"))
		r := w.ended(n + 1)[n]
		require.Equal(t, browser.RecycleIdle, r.Reason)
		require.Equal(t, b.PID(), r.PID)
		require.True(t, r.Ready.IsZero())
		require.Empty(t, w.pool.Browsers())
	}
}

// TestChromeThatFailsIsReplaced counts crashes in a row; what pages do wrong is none.
func TestChromeThatFailsIsReplaced(t *testing.T) {
	w := newRecycleWorld(t, 1, browser.Recycle{Failures: 2})
	o := browser.LeaseOptions{Run: "a", Isolation: browser.IsolatePage}
	crash := func() *browser.Browser {
		l := w.lease(o)
		require.ErrorIs(t, l.Session().Call(w.ctx, "Page.crash", nil, nil), browser.ErrCrashed)
		require.NoError(t, l.Release(w.ctx, l.Err()))
		return l.Browser()
	}
	first := crash()
	require.Same(t, first, w.visit(o))
	require.Same(t, first, crash())
	l := w.lease(o)
	require.NoError(t, l.Release(w.ctx, &browser.NetError{Code: "net::ERR_NAME_NOT_RESOLVED"}))
	require.Same(t, first, crash())
	crash()
	r := w.ended(1)[0]
	require.Equal(t, browser.RecycleFailures, r.Reason)
	require.Equal(t, first.PID(), r.PID)
	require.Equal(t, "2 leases in a row failed for reasons that speak against it", r.Says)
	require.NotSame(t, first, w.visit(o))
}

// TestSuccessorThatDoesNotStart: the old one goes on, that is told, and it is tried again.
func TestSuccessorThatDoesNotStart(t *testing.T) {
	dir, err := os.MkdirTemp("", "ebb-test-")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	require.NoError(t, os.Chmod(dir, 0o755))
	real := browsertest.Executable(t).Path
	link := filepath.Join(dir, filepath.Base(real))
	require.NoError(t, os.Symlink(real, link))
	w := newRecycleWorld(t, 1, browser.Recycle{Pages: 1}, func(o *browser.PoolOptions) { o.Launch.Path = link })
	require.NoError(t, w.pool.Start(w.ctx))
	require.NoError(t, os.Remove(link))
	o := browser.LeaseOptions{Run: "a", Isolation: browser.IsolatePage}
	first := w.visit(o)
	var failed browser.Recycling
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		failed = w.told[len(w.told)-1]
		return failed.Err != nil
	}, 20*time.Second, time.Millisecond)
	require.ErrorIs(t, failed.Err, browser.ErrStart)
	require.True(t, failed.Gone.IsZero())
	require.Same(t, first, w.visit(o))
	require.NoError(t, os.Symlink(real, link))
	require.Equal(t, first.PID(), w.ended(1)[0].PID, "by itself")
}

// TestRetireIsForTheSharedChrome: never under a running job, one at a time, and a run's own is left alone.
func TestRetireIsForTheSharedChrome(t *testing.T) {
	w := newRecycleWorld(t, 3, browser.Recycle{})
	own := w.lease(browser.LeaseOptions{Run: "own", Isolation: browser.IsolateBrowser})
	require.ErrorContains(t, w.pool.Retire(own.Browser(), browser.RecycleMemory, "1 GB"), "a run's own")
	l := w.lease(browser.LeaseOptions{Run: "a"})
	first := l.Browser()
	require.NoError(t, w.pool.Retire(first, browser.RecycleMemory, "1 GB"))
	require.ErrorContains(t, w.pool.Retire(first, browser.RecycleSlow, ""), "being retired already")
	w.living(3)
	var second *browser.Browser
	require.Eventually(t, func() bool {
		second = w.visit(browser.LeaseOptions{Run: "b", Isolation: browser.IsolatePage})
		return second != first
	}, 20*time.Second, time.Millisecond)
	require.ErrorIs(t, w.pool.Retire(second, browser.RecycleMemory, "1 GB"), browser.ErrDraining)
	_, err := l.Navigate(w.ctx, w.url)
	require.NoError(t, err, "the run works on")
	require.NoError(t, l.Release(w.ctx, nil))
	require.Same(t, first, w.visit(browser.LeaseOptions{Run: "a"}))
	require.NoError(t, w.pool.EndRun(w.ctx, "a"))
	r := w.ended(1)[0]
	require.Equal(t, "1 GB", r.Says)
	require.NoError(t, own.Release(w.ctx, nil))
	require.NoError(t, w.pool.EndRun(w.ctx, "own"))
	require.NoError(t, w.pool.Retire(second, browser.RecycleMemory, "1 GB"))
	w.ended(2)
	require.ErrorContains(t, w.pool.Retire(second, browser.RecycleMemory, ""), "none of the pool's")
}

// TestRestartAfterARunIsConfirmed: the run after which it is done is over, whatever it has for itself, so
// that the old Chrome does not drain for ever.
func TestRestartAfterARunIsConfirmed(t *testing.T) {
	w := newRecycleWorld(t, 2, browser.Recycle{})
	first := w.visit(browser.LeaseOptions{Run: "a"})
	r := w.pool.Clean(w.ctx, "restart-browser", browser.CleanAt{Site: "s", Run: "a"})
	require.NoError(t, r.Err)
	require.True(t, r.Verified, r.Says)
	require.ErrorIs(t, first.Err(), browser.ErrGone)
	require.Len(t, w.pool.Browsers(), 1)
	require.NoError(t, w.pool.EndRun(w.ctx, "a"))
	require.Equal(t, browser.RecycleAsked, w.ended(1)[0].Reason)

	other := w.lease(browser.LeaseOptions{Run: "b"})
	w.visit(browser.LeaseOptions{Run: "c"})
	r = w.pool.Clean(w.ctx, "restart-browser", browser.CleanAt{Site: "s", Run: "c"})
	require.Contains(t, r.Says, "draining: 2 leases and runs are out")
	require.NoError(t, other.Err())
	w.visit(browser.LeaseOptions{Run: "d"})
	r = w.pool.Clean(w.ctx, "restart-browser", browser.CleanAt{Site: "s", Run: "d"})
	require.Contains(t, r.Skipped, "another Chrome drains still")
	require.NoError(t, other.Release(w.ctx, nil))
	require.NoError(t, w.pool.EndRun(w.ctx, "b"))
	w.ended(2)
}

func TestSetTabs(t *testing.T) {
	w := newRecycleWorld(t, 2, browser.Recycle{})
	o := browser.LeaseOptions{Run: "a"}
	one, two := w.lease(o), w.lease(o)
	w.pool.SetTabs(0)
	require.Equal(t, 1, w.pool.TabLimit())
	require.NoError(t, one.Err(), "leases that are out stay")
	require.NoError(t, one.Release(w.ctx, nil))
	short, cancel := context.WithTimeout(w.ctx, 20*time.Millisecond)
	defer cancel()
	_, err := w.pool.Acquire(short, o)
	require.ErrorIs(t, err, context.DeadlineExceeded, "one is out")
	w.pool.SetTabs(99)
	require.Equal(t, 2, w.pool.TabLimit())
	require.NoError(t, w.lease(o).Release(w.ctx, nil))
	require.NoError(t, two.Release(w.ctx, nil))
	require.Len(t, w.pool.Tabs(), 2)
	w.pool.SetTabs(1)
	other := w.lease(browser.LeaseOptions{Run: "b"})
	require.Len(t, w.pool.Tabs(), 1, "idle tabs make room")
	require.NoError(t, other.Release(w.ctx, nil))
}

// TestPaceOfVisits: a visit lasts from its navigation until its tab is given back.
func TestPaceOfVisits(t *testing.T) {
	w := newRecycleWorld(t, 1, browser.Recycle{})
	o := browser.LeaseOptions{Run: "a"}
	var b *browser.Browser
	for range 40 {
		b = w.visit(o)
	}
	require.NoError(t, w.lease(o).Release(w.ctx, nil), "a lease without a visit is none")
	l := w.lease(o)
	_, err := l.Navigate(w.ctx, "http://127.0.0.1:1/")
	require.Error(t, err)
	require.NoError(t, l.Release(w.ctx, err))
	pace := b.Pace()
	require.Equal(t, "s", pace.Site)
	require.Equal(t, 40, pace.Visits)
	require.Positive(t, pace.First)
	require.Positive(t, pace.Last)
}

// TestRunEndsWhileItsChromeDoes: a run of isolation tab is no use of its Chrome, which may close while the run's
// documents are being left.
func TestRunEndsWhileItsChromeDoes(t *testing.T) {
	w := newRecycleWorld(t, 1, browser.Recycle{})
	for n := range 5 {
		o := browser.LeaseOptions{Site: "s", Run: fmt.Sprint(n), Isolation: browser.IsolateTab}
		b := w.visit(o)
		var closing sync.WaitGroup
		closing.Go(func() {
			time.Sleep(time.Duration(n) * time.Millisecond)
			_ = b.Close(w.ctx)
		})
		require.NoError(t, w.pool.EndRun(w.ctx, o.Run))
		closing.Wait()
	}
}

// A tab that leaves its document is lent to nobody meanwhile: two navigations of one tab would wait for each other.
func TestATabThatLeavesItsDocumentIsNotLent(t *testing.T) {
	ctx := within(t, time.Minute)
	held, free := make(chan struct{}), make(chan struct{})
	letGo := sync.OnceFunc(func() { close(free) })
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/held" {
			close(held)
			<-free
		}
		fmt.Fprint(w, "<p>x")
	}))
	defer srv.Close()
	defer letGo()
	pool := browsertest.Pool(t, 2)
	lend := func(run string) *browser.Lease {
		l, err := pool.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: run, Isolation: browser.IsolateTab})
		require.NoError(t, err)
		_, err = l.Navigate(ctx, srv.URL)
		require.NoError(t, err)
		return l
	}
	first := lend("first")
	_, err := first.Evaluate(ctx, `setTimeout(() => { const r = new XMLHttpRequest(); r.open('GET', '/held', false); r.send(); }, 0); 1`)
	require.NoError(t, err)
	<-held // its thread is kept
	require.NoError(t, first.Release(ctx, nil))
	ended := make(chan error, 1)
	go func() { ended <- pool.EndRun(ctx, "first") }()
	require.Eventually(t, func() bool { return browser.IsBusy(pool, first.Tab) }, 10*time.Second, time.Millisecond)
	second := lend("second")
	require.NotEqual(t, first.ID(), second.ID())
	letGo()
	require.NoError(t, <-ended)
	require.False(t, browser.IsBusy(pool, first.Tab))
	require.NoError(t, second.Release(ctx, nil))
}

// visitAll lets runs visit pages, so many at once, until done says so; it returns how many were visited, and the
// largest number of Chromes.
func (w *recycleWorld) visitAll(atOnce int, done func() bool) (pages, most int) {
	var visited, chromes atomic.Int64
	var g errgroup.Group
	for n := range atOnce {
		g.Go(func() error {
			for i := 0; !done(); i++ {
				o := browser.LeaseOptions{Site: "s", Run: fmt.Sprint(n, " ", i), Isolation: []browser.Isolation{browser.IsolateContext, browser.IsolateTab, browser.IsolatePage}[i%3]}
				for range 1 + i%3 {
					l, err := w.pool.Acquire(w.ctx, o)
					if err != nil {
						return err
					}
					if _, err := l.Navigate(w.ctx, w.url); err != nil {
						return errors.Join(err, l.Release(w.ctx, err))
					}
					if err := l.Release(w.ctx, nil); err != nil {
						return err
					}
					visited.Add(1)
				}
				if err := w.pool.EndRun(w.ctx, o.Run); err != nil {
					return err
				}
				chromes.Store(max(chromes.Load(), int64(len(w.pool.Browsers()))))
			}
			return nil
		})
	}
	require.NoError(w.t, g.Wait(), "no page fails because of a retirement")
	return int(visited.Load()), int(chromes.Load())
}

// TestRecyclingUnderLoad: no page fails, nobody waits, and there is one Chrome too many at most.
func TestRecyclingUnderLoad(t *testing.T) {
	w := newRecycleWorld(t, 4, browser.Recycle{Pages: 10})
	const recycles = 5
	_, most := w.visitAll(4, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.told) >= 2*recycles
	})
	require.Equal(t, 2, most)
	for _, r := range w.ended(recycles) {
		require.NoError(t, r.Err)
		require.Zero(t, r.Waited)
	}
}

// BenchmarkRecycling is what a retirement costs: -benchtime 100x is a hundred of them, under load.
func BenchmarkRecycling(b *testing.B) {
	w := newRecycleWorld(b, 4, browser.Recycle{Pages: 50})
	w.ctx = b.Context()
	pages, most := w.visitAll(4, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.told) >= 2*b.N
	})
	require.LessOrEqual(b, most, 2)
	var ready, gone, waited time.Duration
	list := w.ended(b.N)
	for _, r := range list {
		ready += r.Ready.Sub(r.Decided)
		gone += r.Gone.Sub(r.Ready)
		waited += r.Waited
	}
	n := time.Duration(len(list))
	b.ReportMetric(float64(pages)/float64(n), "pages/op")
	b.ReportMetric(0, "failed/op")
	b.ReportMetric(float64(most), "browsers")
	b.ReportMetric(float64((ready / n).Milliseconds()), "ms-to-ready")
	b.ReportMetric(float64((gone / n).Milliseconds()), "ms-to-drain")
	b.ReportMetric(float64((waited / n).Milliseconds()), "ms-waited")
}
