package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a Chrome leaves in its temporary folder counts, and so does a folder that is not removed; those of
// others do not.
func TestFoldersAreCounted(t *testing.T) {
	dir := t.TempDir()
	count := func() int {
		t.Helper()
		entries, err := Folders(dir)
		require.NoError(t, err)
		return entries
	}
	require.Zero(t, count())
	f, err := newFolder(dir, account{})
	require.NoError(t, err)
	require.Equal(t, 1, count())
	require.NoError(t, os.WriteFile(filepath.Join(f.tmp(), "left"), nil, 0o600))
	require.Equal(t, 2, count())
	other, err := newFolder(dir, account{})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(other.root, "owner"), []byte("1\n"), 0o600))
	require.Equal(t, 2, count())
	require.NoError(t, other.remove(0))
	require.NoError(t, f.remove(0))
	require.Zero(t, count())
}
