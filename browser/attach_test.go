package browser_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// withWorker lends a tab whose page has a shared worker, and returns the worker's target.
func withWorker(t *testing.T) (*browser.Lease, browser.Target) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/worker.js" {
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, "onconnect = e => e.ports[0].postMessage(1)")
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>page</title>")
	}))
	t.Cleanup(server.Close)
	tab := browsertest.Lease(t)
	ctx := within(t, 30*time.Second)
	_, err := tab.Navigate(ctx, server.URL)
	require.NoError(t, err)
	_, err = tab.EvaluateMain(ctx, `new Promise(done => { worker = new SharedWorker('/worker.js'); worker.port.onmessage = () => done(0) })`)
	require.NoError(t, err)
	for {
		require.NoError(t, ctx.Err())
		for _, target := range tab.Browser().Targets() {
			if target.Type == "shared_worker" {
				return tab, target
			}
		}
	}
}

func isolateOf(ctx context.Context, s cdp.Session) (string, error) {
	res, err := cdp.Call(ctx, s, runtime.GetIsolateID, cdp.Empty{})
	return res.ID, err
}

// A session with a worker answers until it is ended.
func TestAttachToAWorker(t *testing.T) {
	tab, worker := withWorker(t)
	ctx := within(t, 30*time.Second)
	session, detach, err := tab.Browser().Attach(ctx, worker.ID)
	require.NoError(t, err)
	id, err := isolateOf(ctx, session)
	require.NoError(t, err)
	require.NotEmpty(t, id)
	detach()
	_, err = isolateOf(ctx, session)
	require.ErrorIs(t, err, browser.ErrClosed)
	detach() // once more does nothing

	// Attaching again, the same worker answers.
	again, detach, err := tab.Browser().Attach(ctx, worker.ID)
	require.NoError(t, err)
	defer detach()
	same, err := isolateOf(ctx, again)
	require.NoError(t, err)
	require.Equal(t, id, same)
}

// The session of a page that is closed says so.
func TestAnAttachedPageThatIsClosed(t *testing.T) {
	pool := browsertest.Pool(t, 1)
	ctx := within(t, 30*time.Second)
	tab, err := pool.Acquire(ctx, browser.LeaseOptions{Site: "test", Run: "1"})
	require.NoError(t, err)
	session, detach, err := tab.Browser().Attach(ctx, tab.ID())
	require.NoError(t, err)
	defer detach()
	_, err = isolateOf(ctx, session)
	require.NoError(t, err)
	require.NoError(t, tab.Release(ctx, errors.New("the test is done with it")))
	for err == nil || !errors.Is(err, browser.ErrClosed) { // Chrome may not have told yet
		_, err = isolateOf(ctx, session)
		require.NoError(t, ctx.Err())
	}
}

// A call in flight ends at once when the target crashes.
func TestAnAttachedTargetThatCrashes(t *testing.T) {
	tab := browsertest.Lease(t)
	ctx := within(t, 30*time.Second)
	session, detach, err := tab.Browser().Attach(ctx, tab.ID())
	require.NoError(t, err)
	defer detach()
	require.ErrorIs(t, session.Call(ctx, "Page.crash", nil, nil), browser.ErrCrashed, "and not the end of ctx")
	require.ErrorIs(t, tab.Err(), browser.ErrCrashed)
}

func TestAttachToWhatIsNotThere(t *testing.T) {
	tab := browsertest.Lease(t)
	_, _, err := tab.Browser().Attach(within(t, 30*time.Second), "NO-SUCH-TARGET")
	require.ErrorContains(t, err, "attach to a target: Target.attachToTarget: No target with given id found")
	ended, end := context.WithCancel(context.Background())
	end()
	_, _, err = tab.Browser().Attach(ended, tab.ID())
	require.ErrorIs(t, err, context.Canceled)
}
