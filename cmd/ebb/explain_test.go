package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/store"
)

// explain runs `ebb explain` on a database.
func explain(t *testing.T, path string, args ...string) (code int, out string) {
	t.Helper()
	a, stdout, stderr := newTestApp(map[string]string{"COLUMNS": "100"})
	root := newRootCommand(a)
	root.SetArgs(append([]string{"--database", path, "--set", "memory.limit=700m", "explain"}, args...))
	code = a.exit(root.ExecuteContext(t.Context()))
	return code, stdout.String() + stderr.String()
}

func TestExplain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ebb.db")
	code, out := explain(t, path)
	require.Zero(t, code)
	require.Equal(t, `no worker runs; one that starts here has
  budget  700 MB of memory.limit; worker 100 MB, Chrome 530 MB, reserve 70 MB
  marks   above 536 MB memory is given back, above 630 MB no run begins beside others

nothing was done about memory yet: `+"`ebb run`"+` acts when it runs short, and when a browser is replaced
`, out)
	_, out = explain(t, path, "--json")
	require.Empty(t, out)

	const mb = 1 << 20
	s, err := store.Open(t.Context(), path)
	require.NoError(t, err)
	ctx, now := t.Context(), time.Now()
	for i := range 12 {
		require.NoError(t, s.AddMemoryEvent(ctx, store.MemoryEvent{
			At: now.Add(time.Duration(i-30) * time.Hour), Host: "here", Worker: "w", Action: "browser", Reason: "age", Says: "6h0m0s old",
			Before: 200 * mb, After: 197 * mb, Above: 90 * mb, Took: 410 * time.Millisecond,
		}))
	}
	require.NoError(t, s.AddMemoryEvent(ctx, store.MemoryEvent{
		At: now.Add(-90 * time.Second), Host: "here", Worker: "w", Action: "page", Reason: "soft", Says: "soft mark 535 MB\x1b[31m, 536 MB in use",
		Before: 536 * mb, After: 146 * mb, Above: 400 * mb, Took: 27 * time.Millisecond,
	}))
	for range 5 {
		require.NoError(t, s.AddSitePeak(ctx, store.SitePeak{Site: "shop", At: now.Add(-time.Hour), Bytes: 400 * mb, Alone: true}, 20))
	}
	require.NoError(t, s.Register(ctx, store.Worker{ID: "w", Host: "here", PID: 42}, []string{"shop"}, true))
	_, err = s.SetBudget(ctx, "w", `{"total":734003200,"source":"cgroup v1 limit","worker":104857600,"chrome":555745280,"reserve":73400320,"soft":561512448,"hard":660602880}`)
	require.NoError(t, err)
	_, err = s.SetMemoryWait(ctx, store.MemoryWait{Worker: "w", Run: 7, Site: "shop", Since: now.Add(-3 * time.Second), Why: "a run of shop needs 400 MB at its peak"})
	require.NoError(t, err)
	require.NoError(t, s.Close())

	code, out = explain(t, path, "-n", "2")
	require.Zero(t, code)
	for _, want := range []string{
		"process 42 on here\n  budget  700 MB of cgroup v1 limit; worker 100 MB, Chrome 530 MB, reserve 70 MB\n",
		`19h 00m ago  browser  age     200 MB  197 MB    3 MB  410 ms  6h0m0s old`,
		`page     soft    536 MB  146 MB  390 MB   27 ms  soft mark 535 MB\x1b[31m`,
		"retire the browser by age gave back 3 MB in 12 times (the middle one) at 410 ms each: it does not earn its cost",
		"shop  400 MB     5      5  400 MB  ",
		"shop    7  3.",
		"a run of shop needs 400 MB at its peak",
	} {
		require.Contains(t, out, want)
	}
	require.NotContains(t, out, "20h 00m ago", "only the latest two")
	_, out = explain(t, path, "--since", "1h")
	require.NotContains(t, out, "6h0m0s old")
	_, out = explain(t, path, "--json", "-n", "1")
	require.Contains(t, out, `"kind":"event"`)
	require.Contains(t, out, `"given":408944640`)
	require.Contains(t, out, `"wasteful":"retire the browser by age`)
	require.Contains(t, out, `{"kind":"site","site":"shop","p95":419430400,"runs":5,"alone":5,"latest":419430400,`)
	require.Contains(t, out, `{"kind":"wait","worker":"w","site":"shop","run":7,`)
	code, out = explain(t, path, "--since", "yesterday")
	require.Equal(t, exitUsage, code)
	require.Contains(t, out, `--since "yesterday" is neither a time nor a duration`)
}
