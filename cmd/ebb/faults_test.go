package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/cmd/ebb/faults"
)

// TestFaults brings about each fault that `ebb selftest --faults` knows, in its short form.
func TestFaults(t *testing.T) {
	program, err := exec.LookPath("ebb")
	require.NoError(t, err)
	folder, err := os.MkdirTemp("", "accept-faults-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	require.NoError(t, os.Chmod(folder, 0o711)) // Chrome runs as another user than root
	o := faults.Options{
		Launch: browsertest.LaunchOptions(t), Program: program, Folder: folder, Cycles: 10,
		Arguments: []string{"--browser", browsertest.Executable(t).Path},
	}
	t.Run("each", func(t *testing.T) {
		for _, f := range faults.All() {
			t.Run(f.Name, func(t *testing.T) {
				t.Parallel()
				results, err := faults.Run(t.Context(), []faults.Fault{f}, o)
				require.NoError(t, err)
				r := results[0]
				t.Logf("%s %s: known after %.0f ms, done after %.0f ms, %d of %d items; %s", r.State, r.Why, r.KnownMS, r.RecoveredMS, r.Items, r.Wanted, r.Notes)
				require.NotEqual(t, faults.Failed, r.State, r.Why)
			})
		}
	})
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, entries)
}
