package browser_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

const buttonPage = `<!doctype html><button id=go onclick="this.dataset.n = 1 + (this.dataset.n | 0)">Go</button>`

func buttonServer(tb testing.TB) string {
	tb.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, buttonPage)
	}))
	tb.Cleanup(srv.Close)
	return srv.URL + "/"
}

// visit lends a tab that shows a page.
func visit(tb testing.TB, ctx context.Context, p *browser.Pool, url string) *browser.Lease {
	tb.Helper()
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "steps", Run: "steps", Isolation: browser.IsolatePage})
	require.NoError(tb, err)
	_, err = l.Navigate(ctx, url)
	require.NoError(tb, err)
	return l
}

func release(tb testing.TB, ctx context.Context, l *browser.Lease) {
	tb.Helper()
	require.NoError(tb, l.Release(context.WithoutCancel(ctx), nil))
}

// detach ends the interactive steps, as any reading of the page does.
func detach(tb testing.TB, ctx context.Context, l *browser.Lease) {
	tb.Helper()
	raw, err := l.Evaluate(ctx, `1`)
	require.NoError(tb, err)
	require.Equal(tb, "1", string(raw))
}

const (
	warmRounds  = 5
	leakRounds  = 12
	heapGrowth  = 8 << 10 // bytes per round that the noise of a round may be
	settleLimit = 20 * time.Second
)

// requireLevel runs a round some times and then some times more, which may leave
// neither a goroutine nor, above the noise, live heap.
func requireLevel(t *testing.T, round func(i int)) {
	t.Helper()
	for i := range warmRounds {
		round(i)
	}
	// A goroutine that is about to end counts for nothing: the lowest of some readings does.
	_, goroutines, heap := settle(t, 0, 0)
	for i := range leakRounds {
		round(warmRounds + i)
	}
	level, after, heapAfter := settle(t, goroutines, heap+leakRounds*heapGrowth)
	t.Logf("goroutines %d -> %d, live heap %d -> %d KiB (%+.1f KiB per round)", goroutines, after, heap>>10, heapAfter>>10, float64(int64(heapAfter)-int64(heap))/1024/leakRounds)
	if !level {
		var stacks bytes.Buffer
		require.NoError(t, pprof.Lookup("goroutine").WriteTo(&stacks, 1))
		require.Fail(t, "steps leave something", "%d -> %d goroutines, %d -> %d bytes of live heap in %d rounds\n%s", goroutines, after, heap, heapAfter, leakRounds, stacks.String())
	}
}

// settle reads goroutines and live heap until neither is above its limit, or, where
// the limits are 0, until they have been the same for ten readings.
func settle(t *testing.T, maxGoroutines int, maxHeap uint64) (level bool, goroutines int, heap uint64) {
	t.Helper()
	ctx := within(t, settleLimit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for same := 0; ; {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if n := runtime.NumGoroutine(); n == goroutines {
			same++
		} else {
			same = 0
		}
		goroutines, heap = runtime.NumGoroutine(), m.HeapAlloc
		switch {
		case maxGoroutines > 0 && goroutines <= maxGoroutines && heap <= maxHeap:
			return true, goroutines, heap
		case maxGoroutines == 0 && same >= 10:
			return true, goroutines, heap
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, goroutines, heap
		}
	}
}

func TestStepsLeaveNothing(t *testing.T) {
	url := buttonServer(t)
	p := browsertest.Pool(t, 2)
	ctx := within(t, 4*time.Minute)

	t.Run("one tab", func(t *testing.T) {
		l := visit(t, ctx, p, url)
		defer release(t, ctx, l)
		requireLevel(t, func(int) {
			require.NoError(t, l.Click(ctx, "#go"))
			detach(t, ctx, l)
		})
		raw, err := l.EvaluateMain(ctx, `document.querySelector("#go").dataset.n`)
		require.NoError(t, err)
		require.Equal(t, `"17"`, string(raw), "every click arrived")
	})

	t.Run("two tabs", func(t *testing.T) {
		a, b := visit(t, ctx, p, url), visit(t, ctx, p, url)
		defer release(t, ctx, a)
		defer release(t, ctx, b)
		requireLevel(t, func(int) {
			require.NoError(t, a.Click(ctx, "#go"))
			require.NoError(t, b.Click(ctx, "#go"))
			detach(t, ctx, a)
			require.NoError(t, b.Click(ctx, "#go"), "the other's end is not this one's")
			detach(t, ctx, b)
		})
	})

	t.Run("a step that fails for its deadline", func(t *testing.T) {
		l := visit(t, ctx, p, url)
		defer release(t, ctx, l)
		requireLevel(t, func(i int) {
			// Odd rounds end while chromedp is attached, even ones mostly while it attaches.
			patience := 200 * time.Millisecond
			if i%2 == 0 {
				patience = time.Duration(i) * 200 * time.Microsecond
			}
			short, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			require.ErrorIs(t, l.Click(short, "#absent"), browser.ErrNoElement)
			detach(t, ctx, l)
		})
		require.NoError(t, l.Click(ctx, "#go"))
	})

	for name, method := range map[string]string{"a tab that is closed": "Page.close", "a tab that crashes": "Page.crash"} {
		t.Run(name, func(t *testing.T) {
			requireLevel(t, func(int) {
				l := visit(t, ctx, p, url)
				defer release(t, ctx, l)
				require.NoError(t, l.Click(ctx, "#go"))
				_ = l.Session().Call(ctx, method, nil, nil) // a page that crashes does not answer
				select {
				case <-l.Ended():
				case <-ctx.Done():
					require.NoError(t, context.Cause(ctx))
				}
				require.Error(t, l.Click(ctx, "#go"))
			})
		})
	}
}

// BenchmarkSteps is what the first interactive step of a visit costs: to attach, to
// click, to detach.
func BenchmarkSteps(b *testing.B) {
	url := buttonServer(b)
	p := browsertest.Pool(b, 1)
	ctx := b.Context()
	l := visit(b, ctx, p, url)
	defer release(b, ctx, l)
	for b.Loop() {
		require.NoError(b, l.Click(ctx, "#go"))
		detach(b, ctx, l)
	}
}
