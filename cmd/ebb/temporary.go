package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// temporaryPrefixes begin the names of the folders that commands make for themselves in
// the temporary folder.
var temporaryPrefixes = []string{"ebb-scrape-", "ebb-demo-", "ebb-diagnose-", "ebb-selftest-", "ebb-soak-", "ebb-bench-", "ebb-heap-"}

// temporary is a folder that goes with its command. Its owner holds it locked, and the
// kernel drops the lock with the owner, however that ends: so a later start can tell
// what a killed one has left, and removes it.
type temporary struct {
	path string
	lock *os.File
}

// newTemporary makes a folder whose name begins with one of temporaryPrefixes. It gets
// that name when it is locked already.
func newTemporary(prefix string) (*temporary, error) {
	made, err := os.MkdirTemp("", "."+prefix)
	if err != nil {
		return nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	lock, err := lockFolder(made)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock a temporary folder: %w", err), os.Remove(made))
	}
	dir, name := filepath.Split(made)
	t := &temporary{path: filepath.Join(dir, name[1:]), lock: lock}
	if err := os.Rename(made, t.path); err != nil {
		return nil, errors.Join(fmt.Errorf("name a temporary folder: %w", err), os.Remove(made), lock.Close())
	}
	return t, nil
}

// lockFolder locks a folder, or returns an error where another process has it.
func lockFolder(path string) (*os.File, error) {
	folder, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return folder, nil
}

// remove deletes the folder and lets go of its lock.
func (t *temporary) remove() error {
	return errors.Join(os.RemoveAll(t.path), t.lock.Close())
}

// sweepTemporary removes the folders of this account whose owners are dead, and returns
// how many.
func sweepTemporary() (removed int, err error) {
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		return 0, fmt.Errorf("look for what killed commands left: %w", err)
	}
	for _, e := range entries {
		info, statErr := e.Info()
		if statErr != nil || !info.IsDir() || !isTemporary(e.Name(), time.Since(info.ModTime())) {
			continue
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
			continue
		}
		path := filepath.Join(os.TempDir(), e.Name())
		lock, lockErr := lockFolder(path)
		if lockErr != nil {
			continue // its owner lives, or it is gone
		}
		if rmErr := (&temporary{path, lock}).remove(); rmErr != nil {
			err = errors.Join(err, rmErr)
			continue
		}
		removed++
	}
	return removed, err
}

// isTemporary says whether a folder of this name and age is one that may be swept: one
// that has no name yet belongs to somebody who lives, or died between two system calls.
func isTemporary(name string, age time.Duration) bool {
	unnamed := strings.HasPrefix(name, ".")
	for _, prefix := range temporaryPrefixes {
		if strings.HasPrefix(strings.TrimPrefix(name, "."), prefix) {
			return !unnamed || age > time.Minute
		}
	}
	return false
}
