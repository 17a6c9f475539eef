package linux

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/browsertest"
)

// A leak in a page ends at the limit with its renderer; Chrome and this process, which are
// inside too, live on.
func TestALeakingPageDiesAtTheLimit(t *testing.T) {
	const limit = 600 << 20
	if _, ok := confineReally(t, Limits{Memory: limit, CPUs: 1}); !ok {
		return
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>page</title><p>text")
	}))
	t.Cleanup(server.Close)
	tab := browsertest.Lease(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := tab.Navigate(ctx, server.URL)
	require.NoError(t, err)

	chrome := newTree()
	require.NoError(t, chrome.scan(os.DirFS("/")))
	pids := chrome.of(tab.Browser().PID())
	require.Greater(t, len(pids), 3)
	for _, pid := range pids {
		require.Equal(t, membership(t, os.Getpid()), membership(t, pid), "process %d", pid)
	}

	source := NewCgroup(Options{})
	_, totals := read(t, source, full)
	kills := value(t, totals, "cgroup.oom_kills", "")
	_, err = tab.EvaluateMain(ctx, "kept = []; for (let i = 0; i < 100; i++) kept.push(new Uint8Array(10 << 20).fill(1)); 0")
	require.ErrorContains(t, err, "its renderer was killed")
	_, totals = read(t, source, full)
	require.Greater(t, value(t, totals, "cgroup.oom_kills", ""), kills)
	require.NoError(t, chrome.scan(os.DirFS("/")))
	require.Contains(t, chrome.of(tab.Browser().PID()), tab.Browser().PID())
}
