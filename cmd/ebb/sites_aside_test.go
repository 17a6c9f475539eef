package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/store"
)

// A site that was set aside is shown as such, with the reason, until it is resumed.
func TestASiteThatIsSetAsideIsShown(t *testing.T) {
	database := filepath.Join(t.TempDir(), "ebb.db")
	ebb := func(args ...string) (stdout, stderr string) {
		t.Helper()
		var out, errs bytes.Buffer
		a := &app{stdout: &out, stderr: &errs, getenv: func(string) string { return "" }}
		root := newRootCommand(a)
		root.SetArgs(append(args, "--database", database, "--sites", "testdata/aside.yaml"))
		require.NoError(t, root.ExecuteContext(t.Context()))
		return out.String(), errs.String()
	}
	list, notes := ebb("sites", "list")
	require.NotContains(t, list, "set aside")
	require.Empty(t, notes)
	require.NoFileExists(t, database, "looking makes no database")

	site, err := sites.Load("testdata/aside.yaml")
	require.NoError(t, err)
	s, err := store.Open(t.Context(), database)
	require.NoError(t, err)
	require.NoError(t, s.InTx(t.Context(), func(tx store.Tx) error {
		if err := s.SetSchedule(t.Context(), tx, store.Schedule{Site: "shop", Spec: site.Schedule, Timezone: "UTC", File: site.Hash()}); err != nil {
			return err
		}
		return s.SetAside(t.Context(), tx, "shop", "run 7: killed\x1b[2J twice")
	}))
	require.NoError(t, s.Close())

	list, notes = ebb("sites", "list")
	require.Regexp(t, `shop +\*/15 \* \* \* \* +set aside`, list)
	require.Regexp(t, "note: site shop was set aside .*: run 7: killed.* twice; a changed site file, or `ebb sites resume shop`, puts it back\n", notes)
	require.NotContains(t, notes, "\x1b")
	list, _ = ebb("sites", "list", "--json")
	require.Contains(t, list, `"next":null`)
	require.Contains(t, list, `"aside":"run 7: killed`)
	list, notes = ebb("sites", "next")
	require.Empty(t, list)
	require.Contains(t, notes, "site shop was set aside")

	list, _ = ebb("sites", "resume", "shop")
	require.Equal(t, "site shop is back on its schedule\n", list)
	list, _ = ebb("sites", "resume", "shop")
	require.Equal(t, "site shop was not set aside: there is nothing to do\n", list)
	list, notes = ebb("sites", "next")
	require.Contains(t, list, "shop")
	require.Empty(t, notes)
}
