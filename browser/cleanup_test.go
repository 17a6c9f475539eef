package browser_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

// TestCleanupsAreComplete reads the table as people do.
func TestCleanupsAreComplete(t *testing.T) {
	var names []string
	for _, c := range browser.Cleanups() {
		names = append(names, c.Name)
		found, ok := browser.FindCleanup(c.Name)
		require.True(t, ok)
		require.Equal(t, c.Touches, found.Touches)
		require.NotEmpty(t, c.Touches, c.Name)
		require.NotEmpty(t, c.How, c.Name)
		require.Contains(t, []browser.CarryOver{browser.Transient, browser.Resetting, browser.Lasting}, c.Carry, c.Name)
		require.Contains(t, []browser.Reach{browser.ReachTab, browser.ReachPlace, browser.ReachBrowser, browser.ReachWorker}, c.Reach, c.Name)
	}
	require.Equal(t, strings.Fields(`cookies local-storage session-storage indexeddb service-workers cache-storage http-cache storage
		release-objects close-popups blank gc memory-pressure recreate-page recreate-context restart-browser go-gc results`), names)
	_, ok := browser.FindCleanup("magic")
	require.False(t, ok)
}

// TestCleanOfAnIdlePool finds nothing to do, starts no Chrome, and refuses what it does not know.
func TestCleanOfAnIdlePool(t *testing.T) {
	w := newCleanWorld(t)
	for _, c := range browser.Cleanups() {
		r := w.pool.Clean(w.ctx, c.Name, browser.CleanAt{Site: "shop", Run: "1"})
		if c.Reach == browser.ReachWorker {
			require.ErrorContains(t, r.Err, "is done by the worker")
			continue
		}
		require.NoError(t, r.Err, c.Name)
		require.NotEmpty(t, r.Skipped, c.Name)
		require.False(t, r.Verified, c.Name)
	}
	require.ErrorContains(t, w.pool.Clean(w.ctx, "magic", browser.CleanAt{}).Err, `no cleanup is called "magic"`)
	require.Empty(t, w.pool.Browsers())
}

// onTabs are the cleanups that need the lease's own renderer.
var onTabs = []string{"session-storage", "release-objects", "blank", "gc", "memory-pressure"}

// TestCleanOfACrashedTab says so where the tab is needed, and cleans the rest.
func TestCleanOfACrashedTab(t *testing.T) {
	w := newCleanWorld(t)
	for _, c := range browser.Cleanups() {
		if c.Reach == browser.ReachWorker || c.Name == "restart-browser" {
			continue
		}
		o := w.tab("shop")
		l := w.lease(o, w.origin("a")+"/")
		w.eval(l, "localStorage.x = 1", nil)
		_ = l.Session().Call(w.ctx, "Page.crash", nil, nil)
		require.ErrorIs(t, l.Err(), browser.ErrCrashed)
		r := w.pool.Clean(w.ctx, c.Name, browser.CleanAt{Lease: l})
		if slices.Contains(onTabs, c.Name) {
			require.ErrorIs(t, r.Err, browser.ErrCrashed, c.Name)
			require.ErrorContains(t, r.Err, "clean "+c.Name+": tab of shop")
			require.False(t, r.Verified)
		} else {
			require.NoError(t, r.Err, c.Name)
		}
		require.Less(t, r.Took, 5*time.Second)
		require.NoError(t, l.Release(w.ctx, l.Err()))
	}
	w.usable()
}

// TestCleanOfADeadBrowser ends at once, with an error or with nothing to do.
func TestCleanOfADeadBrowser(t *testing.T) {
	w := newCleanWorld(t)
	o := w.tab("shop")
	l := w.lease(o, w.origin("a")+"/")
	l.Browser().Kill()
	<-l.Browser().Gone()
	for _, c := range browser.Cleanups() {
		if c.Reach == browser.ReachWorker {
			continue
		}
		for _, at := range []browser.CleanAt{{Lease: l}, {Site: "shop", Run: o.Run}} {
			r := w.pool.Clean(w.ctx, c.Name, at)
			t.Logf("%-16s %s skipped %q says %q err %v", c.Name, r.Took.Round(time.Millisecond), r.Skipped, r.Says, r.Err)
			require.Less(t, r.Took, 3*time.Second)
			require.False(t, r.Verified, c.Name)
			if r.Err != nil {
				require.ErrorIs(t, r.Err, browser.ErrGone, c.Name)
			} else {
				require.NotEmpty(t, r.Skipped, c.Name)
			}
		}
	}
	require.NoError(t, l.Release(w.ctx, l.Err()))
	w.usable()
}

// TestCleanOfAStoppedBrowser is bounded although Chrome answers nothing, and the next lease gets another.
func TestCleanOfAStoppedBrowser(t *testing.T) {
	for _, name := range []string{"cookies", "indexeddb", "blank", "recreate-page", "recreate-context", "restart-browser"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it is waiting that takes the time
			w := newCleanWorld(t)
			o := browser.LeaseOptions{Site: "shop", Run: "1", Isolation: browser.IsolateTab, OwnContext: true}
			l := w.lease(o, w.origin("a")+"/")
			w.release(l)
			b := l.Browser()
			require.NoError(t, syscall.Kill(b.PID(), syscall.SIGSTOP))
			ctx, cancel := context.WithTimeout(w.ctx, 300*time.Millisecond)
			defer cancel()
			r := w.pool.Clean(ctx, name, browser.CleanAt{Site: "shop", Run: "1"})
			require.Error(t, r.Err)
			require.ErrorContains(t, r.Err, "clean "+name+": ")
			require.False(t, r.Verified)
			require.Zero(t, r.Bytes)
			require.Less(t, r.Took, 12*time.Second)
			next := w.lease(o, w.origin("a")+"/")
			require.NotSame(t, b, next.Browser())
			w.release(next)
			<-b.Gone()
		})
	}
}

// TestCleanOfAHungTab is bounded although a script of the page never ends, and names the tab.
func TestCleanOfAHungTab(t *testing.T) {
	w := newCleanWorld(t)
	l := w.lease(w.tab("shop"), w.origin("a")+"/")
	short, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
	defer cancel()
	_, err := l.EvaluateMain(short, `(() => { while (true); })()`)
	require.Error(t, err)
	bounded, cancel := context.WithTimeout(w.ctx, 200*time.Millisecond)
	defer cancel()
	r := w.pool.Clean(bounded, "gc", browser.CleanAt{Lease: l})
	require.ErrorIs(t, r.Err, context.DeadlineExceeded)
	require.ErrorContains(t, r.Err, "tab of shop")
	require.True(t, w.clean("indexeddb", browser.CleanAt{Lease: l}).Verified, "what an origin stores is cleared all the same")
	require.NoError(t, l.Browser().Err(), "Chrome itself answers, and stays")
	require.NoError(t, l.Release(w.ctx, err))
	w.usable()
}

// TestCleanWithoutTheServer clears what an origin has stored that answers no more.
func TestCleanWithoutTheServer(t *testing.T) {
	w := newCleanWorld(t)
	o := w.tab("shop")
	l := w.lease(o, w.origin("a")+"/")
	require.Equal(t, full, w.seen(l, "fill()"))
	require.NoError(t, l.Blank(w.ctx))
	w.release(l)
	w.close()
	r := w.clean("storage", browser.CleanAt{Site: "shop", Run: o.Run})
	require.True(t, r.Verified, r.Says)
	require.Equal(t, 5, r.Count)
}

// TestCleanLeavesNothingOpen does every cleanup of every kind, and counts what is open.
func TestCleanLeavesNothingOpen(t *testing.T) {
	w := newCleanWorld(t)
	o := w.tab("shop")
	w.release(w.lease(o, w.origin("a")+"/"))
	b := w.pool.Browsers()[0]
	files := openFiles(t)
	for _, c := range browser.Cleanups() {
		if c.Reach == browser.ReachWorker || c.Name == "recreate-page" || c.Name == "restart-browser" {
			continue
		}
		for _, at := range []browser.CleanAt{{Site: "shop", Run: o.Run}, {}} {
			w.clean(c.Name, at)
		}
	}
	require.Equal(t, 1, pagesOf(b))
	require.Zero(t, w.contexts(b))
	require.Equal(t, files, openFiles(t))
}

func openFiles(t *testing.T) int {
	files, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(files)
}
