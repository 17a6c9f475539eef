package browser

import (
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// SystemCacheDir is where Install puts Chrome when it runs as root, so that the ordinary
// user that Chrome runs as can start it.
const SystemCacheDir = "/var/cache/ebb/browsers"

// DefaultCacheDir returns the folder for installed Chromes: SystemCacheDir for root, else
// browsers in systemd's CACHE_DIRECTORY, else ebb/browsers in the user's cache folder
// (XDG_CACHE_HOME, or .cache in HOME). It fails where there is no home.
func DefaultCacheDir(getenv func(string) string) (string, error) {
	if os.Geteuid() == 0 {
		return SystemCacheDir, nil
	}
	return userCacheDir(getenv)
}

func userCacheDir(getenv func(string) string) (string, error) {
	if dir, _, _ := strings.Cut(getenv("CACHE_DIRECTORY"), ":"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "browsers"), nil
	}
	if dir := getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ebb", "browsers"), nil
	}
	if dir := getenv("HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, ".cache", "ebb", "browsers"), nil
	}
	return "", errors.New("there is no cache folder: neither XDG_CACHE_HOME nor HOME is set")
}

// cacheDirs lists the folders that may hold a Chrome of ours.
func (o FindOptions) cacheDirs() []string {
	if o.CacheDir != "" {
		return []string{o.CacheDir}
	}
	dirs := []string{SystemCacheDir}
	// Without a home there is no user's cache to look at.
	if own, err := DefaultCacheDir(o.Getenv); err == nil && own != SystemCacheDir {
		dirs = append([]string{own}, dirs...)
	}
	return dirs
}

// cachedExecutables lists the Chromes in a cache folder, the newest version first.
func cachedExecutables(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var versions []string
	for _, e := range entries {
		if e.IsDir() && versionNumbers(e.Name()) != nil {
			versions = append(versions, e.Name())
		}
	}
	sort.Slice(versions, func(i, j int) bool { return compareVersions(versions[i], versions[j]) > 0 })
	paths := make([]string, len(versions))
	for i, v := range versions {
		paths[i] = cachedExecutable(dir, v)
	}
	return paths
}

// cachedExecutable is where a version's Chrome lies below a cache folder.
func cachedExecutable(dir, version string) string {
	return filepath.Join(dir, version, archiveFolder(), archiveExecutable)
}
