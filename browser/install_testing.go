package browser

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// DefaultBaseURL is where Google publishes Chrome for Testing.
const DefaultBaseURL = "https://storage.googleapis.com/chrome-for-testing-public"

// archiveExecutable is the name of Chrome in Chrome for Testing's archives.
const archiveExecutable = "chrome-headless-shell"

// staging begins the name of a folder in the cache that is not complete yet.
const staging = ".install-"

// testingPlatform is Chrome for Testing's name for this machine; empty if it builds none.
func testingPlatform() string {
	return map[string]string{"linux/amd64": "linux64", "linux/arm64": "linux-arm64"}[runtime.GOOS+"/"+runtime.GOARCH]
}

// archiveFolder is the one folder that an archive holds.
func archiveFolder() string { return archiveExecutable + "-" + testingPlatform() }

// installTesting downloads Chrome for Testing into the cache: into a folder of its own
// first, which gets its name only when the Chrome in it has said its version.
func installTesting(ctx context.Context, o InstallOptions) (Executable, error) {
	if testingPlatform() == "" {
		return Executable{}, fmt.Errorf("it is not built for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	dir, err := o.cacheDir()
	if err != nil {
		return Executable{}, err
	}
	if err := makeOpenDir(dir); err != nil {
		return Executable{}, fmt.Errorf("make the cache folder: %w", err)
	}
	unlock, err := lockCache(ctx, dir)
	if err != nil {
		return Executable{}, err
	}
	defer unlock()
	places := o.findOptions().withDefaults()
	// Another process may have installed it while this one waited.
	if exe, ok := places.try(ctx, cachedExecutable(dir, o.version()), "cache", &NotFoundError{}); ok && !o.Force {
		return exe, nil
	}
	if err := removeStaging(dir); err != nil {
		return Executable{}, err
	}
	work, err := os.MkdirTemp(dir, staging)
	if err != nil {
		return Executable{}, err
	}
	defer os.RemoveAll(work) // what is left of a failure; after a success it is nearly empty
	if err := o.stage(ctx, dir, work); err != nil {
		return Executable{}, err
	}
	if err := replaceDir(filepath.Join(work, o.version()), filepath.Join(dir, o.version()), filepath.Join(work, "old")); err != nil {
		return Executable{}, err
	}
	exe, err := places.inspect(ctx, cachedExecutable(dir, o.version()))
	if err != nil {
		return Executable{}, err
	}
	exe.Source = "cache"
	fmt.Fprintf(o.Output, "installed Chrome %s in %s\n", exe.Version, filepath.Join(dir, o.version()))
	return exe, nil
}

// stage downloads, checks and unpacks a version below work, and runs it once.
func (o InstallOptions) stage(ctx context.Context, dir, work string) error {
	archive := filepath.Join(work, "archive.zip")
	sum, err := o.download(ctx, o.archiveURL(), archive)
	if err != nil {
		return err
	}
	record := sumRecord{filepath.Join(dir, "SHA256SUMS")}
	name := o.version() + "/" + archiveFolder() + ".zip"
	if err := record.check(name, sum, o.SHA256); err != nil {
		return err
	}
	target := filepath.Join(work, o.version())
	if err := unzip(archive, target, archiveFolder(), o.MaxUnpacked); err != nil {
		return fmt.Errorf("unpack %s: %w", o.archiveURL(), err)
	}
	exe, err := o.findOptions().withDefaults().inspect(ctx, cachedExecutable(work, o.version()))
	if err != nil {
		return fmt.Errorf("the downloaded Chrome %w", err)
	}
	if exe.Version != o.version() {
		return fmt.Errorf("the archive for Chrome %s holds Chrome %s", o.version(), exe.Version)
	}
	return record.add(name, sum)
}

func (o InstallOptions) archiveURL() string {
	return fmt.Sprintf("%s/%s/%s/%s.zip", strings.TrimRight(o.BaseURL, "/"), o.version(), testingPlatform(), archiveFolder())
}

// makeOpenDir makes a folder that every user may enter, whatever the umask: Chrome runs as
// another user than root. Folders that exist already are left as they are.
func makeOpenDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is no folder", dir)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := makeOpenDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// removeStaging removes what an installation left that was killed. The caller has the
// lock, so that none of it is in use.
func removeStaging(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), staging) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("remove what an earlier installation left: %w", err)
			}
		}
	}
	return nil
}

// replaceDir puts fresh at target; what stood there goes to old, and comes back if that
// fails.
func replaceDir(fresh, target, old string) error {
	err := os.Rename(target, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	moved := err == nil
	if err := os.Rename(fresh, target); err != nil {
		if moved {
			err = errors.Join(err, os.Rename(old, target))
		}
		return err
	}
	return nil
}
