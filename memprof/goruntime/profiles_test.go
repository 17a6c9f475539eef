package goruntime

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// hoard keeps what it makes.
//
//go:noinline
func hoard() [][]byte {
	var kept [][]byte
	for range 200 {
		kept = append(kept, make([]byte, 100_000))
	}
	return kept
}

func TestWriteProfiles(t *testing.T) {
	kept := hoard()
	dir := filepath.Join(t.TempDir(), "new")
	paths, err := WriteProfiles(dir)
	require.NoError(t, err)
	runtime.KeepAlive(kept)
	require.Equal(t, []string{filepath.Join(dir, "heap.pb.gz"), filepath.Join(dir, "goroutine.pb.gz")}, paths)
	for i, want := range []string{"goruntime.hoard", "goruntime.TestWriteProfiles"} {
		out, err := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-top", "-cum", paths[i]).CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), want)
	}
	_, err = WriteProfiles(filepath.Join(paths[0], "below a file"))
	require.ErrorContains(t, err, "write profiles of this program: ")
}
