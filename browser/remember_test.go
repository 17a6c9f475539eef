package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A version is asked for again when the file has changed, and only then.
func TestFindRemembersTheVersion(t *testing.T) {
	folder := t.TempDir()
	chrome := putChrome(t, filepath.Join(folder, "chrome"), "Chromium 150.0.1.2")
	find := FindOptions{Path: chrome, CacheDir: filepath.Join(folder, "cache"), Remember: true, Getenv: func(string) string { return "" }}
	version := func() string {
		t.Helper()
		exe, err := Find(find)
		require.NoError(t, err)
		return exe.Version
	}
	require.Equal(t, "150.0.1.2", version())
	files, err := filepath.Glob(filepath.Join(find.CacheDir, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)

	// That it is not asked shows in what is remembered being believed.
	require.NoError(t, os.WriteFile(files[0], append(text[:len(text)-2:len(text)-2], "9\n"...), 0o644))
	require.Equal(t, "150.0.1.9", version())
	find.Remember = false
	require.Equal(t, "150.0.1.2", version())
	find.Remember = true
	for _, spoilt := range []string{"", "x\n150.0.1.9\n", string(text[:len(text)-4])} {
		require.NoError(t, os.WriteFile(files[0], []byte(spoilt), 0o644))
		require.Equal(t, "150.0.1.2", version(), "%q", spoilt)
	}
	require.NoError(t, os.Remove(chrome))
	putChrome(t, chrome, "Chromium 151.0.3.4")
	require.Equal(t, "151.0.3.4", version())

	find.CacheDir = filepath.Join(files[0], "no folder")
	require.Equal(t, "151.0.3.4", version(), "it works without")
}
