package browser_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

// TestNoTabIsLost leases, visits, crashes, kills, retires and changes the limit at random, for some
// seconds. Whatever happens, no more leases are out than may be; at the end every place is free, and
// nothing of any Chrome is left.
func TestNoTabIsLost(t *testing.T) {
	const tabs, lasting = 4, 4 * time.Second
	var mu sync.Mutex
	var launched []*browser.Browser
	w := newRecycleWorld(t, tabs, browser.Recycle{Pages: 15, Age: time.Second, Idle: 50 * time.Millisecond, Failures: 3}, func(o *browser.PoolOptions) {
		o.OnLaunch = func(b *browser.Browser) {
			mu.Lock()
			defer mu.Unlock()
			launched = append(launched, b)
		}
	})
	require.NoError(t, w.pool.Start(w.ctx))
	s := &stress{recycleWorld: w, until: time.Now().Add(lasting)}
	var wg sync.WaitGroup
	for seed := range uint64(2 * tabs) {
		wg.Go(func() { s.work(rand.New(rand.NewPCG(seed, 5)), seed) })
	}
	wg.Wait()
	mu.Lock()
	t.Logf("%d leases, %d of them failed, %d Chromes so far", s.leases.Load(), s.failed.Load(), len(launched))
	mu.Unlock()
	require.LessOrEqual(t, s.most.Load(), int64(tabs))
	require.Positive(t, s.leases.Load())

	w.pool.SetTabs(tabs)
	var all []*browser.Lease
	for range tabs {
		all = append(all, w.lease(browser.LeaseOptions{Run: "last"}))
	}
	for _, l := range all {
		require.NoError(t, l.Release(w.ctx, nil))
	}
	require.NoError(t, w.pool.EndRun(w.ctx, "last"))
	require.NoError(t, w.pool.Close(w.ctx))
	for _, b := range launched {
		require.Eventually(t, func() bool { return errors.Is(syscall.Kill(-b.PID(), 0), syscall.ESRCH) }, 20*time.Second, 10*time.Millisecond,
			"the process group of Chrome %d, once its zombies are collected", b.PID())
		_, err := os.Stat(b.ProfileDir())
		require.ErrorIs(t, err, os.ErrNotExist)
	}
}

type stress struct {
	*recycleWorld
	until                     time.Time
	leases, failed, out, most atomic.Int64
}

// work makes runs until the time is over.
func (s *stress) work(r *rand.Rand, id uint64) {
	isolations := []browser.Isolation{browser.IsolateContext, browser.IsolateContext, browser.IsolateTab, browser.IsolatePage, browser.IsolateBrowser}
	for n := 0; time.Now().Before(s.until); n++ {
		o := browser.LeaseOptions{Site: fmt.Sprint(r.IntN(3)), Run: fmt.Sprint(id, " ", n), Isolation: isolations[r.IntN(len(isolations))]}
		if r.IntN(8) == 0 && o.Isolation == browser.IsolateTab {
			o.Keep = o.Site
		}
		for range 1 + r.IntN(4) {
			if err := s.lend(r, o); err != nil {
				s.failed.Add(1)
			}
		}
		_ = s.pool.EndRun(s.ctx, o.Run)
	}
}

// lend takes a tab and does something with it, good or bad.
func (s *stress) lend(r *rand.Rand, o browser.LeaseOptions) error {
	patience := 10 * time.Second
	if r.IntN(4) == 0 {
		patience = time.Duration(r.IntN(100)) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	s.leases.Add(1)
	l, err := s.pool.Acquire(ctx, o)
	if err != nil {
		return err
	}
	now := s.out.Add(1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
	}
	_, err = l.Navigate(ctx, s.url)
	switch r.IntN(24) {
	case 0:
		l.Browser().Kill()
	case 1, 2:
		_ = l.Session().Call(ctx, "Page.crash", nil, nil)
	case 3, 4:
		_ = s.pool.Retire(l.Browser(), browser.RecycleMemory, "for a test")
	case 5, 6:
		s.pool.SetTabs(1 + r.IntN(4))
	case 7:
		err = browser.ErrHung
	case 8:
		_ = s.pool.EndRun(ctx, o.Run) // too early
	case 9:
		_ = s.pool.Clean(ctx, "restart-browser", browser.CleanAt{Lease: l})
	}
	s.out.Add(-1)
	return errors.Join(l.Release(s.ctx, err), err)
}
