package browser_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

func TestAcquireIsBoundedAndFair(t *testing.T) {
	p := browsertest.Pool(t, 2)
	ctx := within(t, 60*time.Second)
	options := browser.LeaseOptions{Site: "s", Run: "r"}
	a, err := p.Acquire(ctx, options)
	require.NoError(t, err)
	b, err := p.Acquire(ctx, options)
	require.NoError(t, err)

	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err = p.Acquire(short, options)
	require.ErrorIs(t, err, context.DeadlineExceeded, "a third lease waits")

	var mu sync.Mutex
	var order []int
	var wg sync.WaitGroup
	for i := range 4 {
		asked := make(chan struct{})
		wg.Go(func() {
			close(asked)
			l, err := p.Acquire(ctx, options)
			if err != nil {
				return
			}
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			_ = l.Release(ctx, nil)
		})
		<-asked
		require.Eventually(t, func() bool { return p.Waiting() == i+1 }, 5*time.Second, time.Millisecond)
	}
	require.NoError(t, a.Release(ctx, nil))
	wg.Wait()
	require.Equal(t, []int{0, 1, 2, 3}, order)
	require.NoError(t, b.Release(ctx, nil))
	require.NoError(t, b.Release(ctx, errors.New("again")), "a second release does nothing")
	require.Len(t, p.Browsers(), 1)
}

// TestTabsStayWithinTheLimit: leases that are given at the same time each make room for their tab.
func TestTabsStayWithinTheLimit(t *testing.T) {
	const tabs = 3
	p := browsertest.Pool(t, tabs)
	ctx := within(t, 60*time.Second)
	for _, site := range []string{"a", "b", "c"} {
		leases := make([]*browser.Lease, tabs)
		var wg sync.WaitGroup
		for i := range leases {
			wg.Go(func() {
				leases[i], _ = p.Acquire(ctx, browser.LeaseOptions{Site: site, Run: site, Isolation: browser.IsolateTab})
			})
		}
		wg.Wait()
		require.NotContains(t, leases, (*browser.Lease)(nil))
		require.Len(t, p.Tabs(), tabs, "site %s", site)
		for _, l := range leases {
			require.NoError(t, l.Release(ctx, nil))
		}
		require.Len(t, p.Tabs(), tabs, "idle tabs of site %s", site)
	}
}

func TestAcquireTimeout(t *testing.T) {
	p := browser.NewPool(browser.PoolOptions{Launch: browsertest.LaunchOptions(t), Tabs: 1, AcquireTimeout: 100 * time.Millisecond})
	ctx := within(t, 60*time.Second)
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.NoError(t, err)
	_, err = p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "none came free within 100ms")
	require.NoError(t, l.Release(ctx, nil))
	require.NoError(t, p.Close(ctx))
}

func TestIsolation(t *testing.T) {
	srv := serve(t, map[string]string{"/": `<script>document.title = (localStorage.n = +(localStorage.n || 0) + 1) + " " + document.cookie; document.cookie = "c=1"</script>`})
	p := browsertest.Pool(t, 2)
	ctx := within(t, 60*time.Second)
	visit := func(o browser.LeaseOptions, end bool) (id, title string, pid int) {
		o.Site = "s"
		l, err := p.Acquire(ctx, o)
		require.NoError(t, err)
		_, err = l.Navigate(ctx, srv.URL+"/")
		require.NoError(t, err)
		raw, err := l.Evaluate(ctx, `document.title`)
		require.NoError(t, err)
		pid = l.Browser().PID()
		require.NoError(t, l.Release(ctx, nil))
		if end {
			require.NoError(t, p.EndRun(ctx, o.Run))
		}
		return l.ID(), string(raw), pid
	}

	id1, title, main := visit(browser.LeaseOptions{Run: "1", Isolation: browser.IsolateContext}, false)
	require.Equal(t, `"1"`, title)
	id2, title, _ := visit(browser.LeaseOptions{Run: "1", Isolation: browser.IsolateContext}, true)
	require.Equal(t, `"2 c=1"`, title, "the leases of a run share a context")
	require.Equal(t, id1, id2, "and a tab")
	_, title, _ = visit(browser.LeaseOptions{Run: "2", Isolation: browser.IsolateContext}, true)
	require.Equal(t, `"1"`, title, "another run begins anew")
	require.Zero(t, pagesOf(p.Browsers()[0]), "a run that has ended leaves no page")

	id1, title, _ = visit(browser.LeaseOptions{Run: "3", Isolation: browser.IsolateTab}, true)
	require.Equal(t, `"1"`, title)
	id2, title, _ = visit(browser.LeaseOptions{Run: "4", Isolation: browser.IsolateTab}, true)
	require.Equal(t, `"2 c=1"`, title, "a tab keeps what it has over runs")
	require.Equal(t, id1, id2)
	require.Equal(t, "about:blank", p.Tabs()[0].Tab.URL(), "but no document")

	id1, _, _ = visit(browser.LeaseOptions{Run: "5", Isolation: browser.IsolatePage}, false)
	id2, _, _ = visit(browser.LeaseOptions{Run: "5", Isolation: browser.IsolatePage}, true)
	require.NotEqual(t, id1, id2, "each page has a tab of its own")

	_, title, own := visit(browser.LeaseOptions{Run: "6", Isolation: browser.IsolateBrowser}, false)
	require.Equal(t, `"1"`, title)
	require.NotEqual(t, main, own)
	_, title, same := visit(browser.LeaseOptions{Run: "6", Isolation: browser.IsolateBrowser}, true)
	require.Equal(t, `"2 c=1"`, title)
	require.Equal(t, own, same)
	require.Len(t, p.Browsers(), 1, "a run's own Chrome ends with it")
	require.Equal(t, main, p.Browsers()[0].PID())
}

func TestIsolationsOfOneRunMix(t *testing.T) {
	p := browsertest.Pool(t, 1)
	ctx := within(t, 60*time.Second)
	for _, isolation := range []browser.Isolation{browser.IsolatePage, browser.IsolateContext, browser.IsolateTab} {
		l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r", Isolation: isolation})
		require.NoError(t, err)
		require.NoError(t, l.Release(ctx, nil))
	}
	require.NoError(t, p.EndRun(ctx, "r"))
}

func TestKeptPageStaysOpen(t *testing.T) {
	srv := serve(t, map[string]string{"/": `<script>window.n = 0</script>`})
	p := browsertest.Pool(t, 1)
	ctx := within(t, 60*time.Second)
	for i := range 3 {
		o := browser.LeaseOptions{Site: "s", Run: string(rune('a' + i)), Isolation: browser.IsolateTab, Keep: "s"}
		l, err := p.Acquire(ctx, o)
		require.NoError(t, err)
		require.Equal(t, i > 0, l.Kept())
		if !l.Kept() {
			_, err = l.Navigate(ctx, srv.URL+"/")
			require.NoError(t, err)
		}
		raw, err := l.EvaluateMain(ctx, `++window.n`)
		require.NoError(t, err)
		require.Equal(t, string(rune('1'+i)), string(raw), "the document is the same")
		require.NoError(t, l.Release(ctx, nil))
		require.NoError(t, p.EndRun(ctx, o.Run))
	}
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "z", Keep: "s"})
	require.NoError(t, err)
	require.NoError(t, l.Release(ctx, browser.ErrHung))
	l, err = p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "z", Keep: "s"})
	require.NoError(t, err)
	require.False(t, l.Kept(), "a tab that failed is replaced")
	require.NoError(t, l.Release(ctx, nil))
}

// TestTabsThatCrashWhileNobodyHasThem: Chrome keeps a page whose renderer has died open until it is
// closed, so the pool closes it: as its next lease finds it, and with all tabs.
func TestTabsThatCrashWhileNobodyHasThem(t *testing.T) {
	ctx := within(t, 60*time.Second)
	for name, o := range map[string]browser.LeaseOptions{
		"kept": {Site: "s", Run: "r", Isolation: browser.IsolateTab, Keep: "s"},
		"idle": {Site: "s", Run: "r", Isolation: browser.IsolateTab},
	} {
		t.Run(name, func(t *testing.T) {
			p := browsertest.Pool(t, 3)
			crash := func() {
				l, err := p.Acquire(ctx, o)
				require.NoError(t, err)
				require.NoError(t, l.Release(ctx, nil))
				require.Equal(t, 1, pagesOf(p.Browsers()[0]), "the one that has crashed before is closed")
				require.ErrorIs(t, l.Session().Call(ctx, "Page.crash", nil, nil), browser.ErrCrashed)
			}
			crash()
			crash()
			require.Equal(t, 1, pagesOf(p.Browsers()[0]))
			require.NoError(t, p.CloseTabs(ctx))
			require.Zero(t, pagesOf(p.Browsers()[0]))
		})
	}
}

func TestHungTabIsReplaced(t *testing.T) {
	srv := serve(t, map[string]string{"/": `<p>x`})
	p := browsertest.Pool(t, 1)
	ctx := within(t, 60*time.Second)
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.NoError(t, err)
	_, err = l.Navigate(ctx, srv.URL+"/")
	require.NoError(t, err)
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_, err = l.EvaluateMain(short, `(() => { while (true); })()`)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	first := l.ID()
	require.NoError(t, l.Release(ctx, err), "the script is ended, the tab closed")
	l, err = p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.NoError(t, err)
	require.NotEqual(t, first, l.ID())
	require.Len(t, p.Browsers(), 1, "Chrome itself is the same")
	_, err = l.Navigate(ctx, srv.URL+"/")
	require.NoError(t, err)
	require.NoError(t, l.Release(ctx, nil))
}

func TestJobsDeadlineEndsNoChrome(t *testing.T) {
	p := browsertest.Pool(t, 2)
	ctx := within(t, 60*time.Second)
	job, cancel := context.WithCancel(ctx)
	l, err := p.Acquire(job, browser.LeaseOptions{Site: "s", Run: "first"})
	require.NoError(t, err)
	cancel()
	require.NoError(t, l.Browser().Err())
	require.NoError(t, l.Release(ctx, context.Canceled))
	other, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "second"})
	require.NoError(t, err)
	require.Same(t, l.Browser(), other.Browser())
	require.NoError(t, other.Release(ctx, nil))
}

func TestClosedPool(t *testing.T) {
	p := browser.NewPool(browser.PoolOptions{Launch: browsertest.LaunchOptions(t), Tabs: 1})
	ctx := within(t, 60*time.Second)
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.NoError(t, err)
	waiting := make(chan error, 1)
	go func() {
		_, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
		waiting <- err
	}()
	require.NoError(t, p.Close(ctx))
	require.ErrorIs(t, <-waiting, browser.ErrPoolClosed)
	_, err = l.Evaluate(ctx, `1`)
	require.ErrorIs(t, err, browser.ErrGone)
	require.NoError(t, l.Release(ctx, err))
	_, err = p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.ErrorIs(t, err, browser.ErrPoolClosed)
}

func TestLeaseOptionsAreChecked(t *testing.T) {
	p := browsertest.Pool(t, 1)
	for _, o := range []browser.LeaseOptions{{Site: "s"}, {Run: "r", Isolation: "planet"}, {Run: "r", BlockKinds: []string{"pictures"}}} {
		_, err := p.Acquire(t.Context(), o)
		require.Error(t, err)
	}
	require.Empty(t, p.Browsers(), "no Chrome starts for a wrong lease")
}

func TestPoolWithoutChrome(t *testing.T) {
	p := browser.NewPool(browser.PoolOptions{Launch: browser.LaunchOptions{Path: "/nonexistent/chrome"}, Tabs: 1})
	ctx := within(t, 20*time.Second)
	for range 2 {
		_, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
		require.ErrorIs(t, err, browser.ErrStart)
	}
	require.NoError(t, p.Close(ctx))
}
