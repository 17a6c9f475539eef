package browser

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// folderPrefix begins the name of every folder that this package makes in the
// temporary folder.
const folderPrefix = "ebb-chrome-"

// folder is the private place of one Chrome: its profile, its TMPDIR and its HOME,
// and a file that its owner holds locked. The kernel drops the lock with the owner,
// however that ends, so what a killed worker left behind can be told from what a living
// one uses, in another container too.
type folder struct {
	root string
	lock *os.File
}

func (f folder) profile() string { return filepath.Join(f.root, "profile") }
func (f folder) tmp() string     { return filepath.Join(f.root, "tmp") }
func (f folder) home() string    { return filepath.Join(f.root, "home") }

// newFolder makes the folders below dir and gives them to the account that Chrome
// runs as.
func newFolder(dir string, as account) (f folder, err error) {
	root, err := os.MkdirTemp(dir, folderPrefix)
	if err != nil {
		return folder{}, fmt.Errorf("make a folder for Chrome: %w", err)
	}
	f = folder{root: root}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.remove(0))
		}
	}()
	if f.lock, err = lockOwner(root); err != nil {
		return f, err
	}
	for _, d := range []string{f.profile(), f.tmp(), f.home()} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return f, fmt.Errorf("make a folder for Chrome: %w", err)
		}
		if as.other {
			if err := os.Chown(d, as.uid, as.gid); err != nil {
				return f, fmt.Errorf("give Chrome's folder to %s: %w", as, err)
			}
		}
	}
	if as.other {
		// Chrome's account must be able to pass, not to list or write.
		if err := os.Chmod(root, 0o711); err != nil {
			return f, fmt.Errorf("open the way to Chrome's folder: %w", err)
		}
	}
	return f, nil
}

// lockOwner makes the file "owner" in a folder and locks it. The file gets its name
// when it is locked already: whoever sees it unlocked knows that its owner is dead.
func lockOwner(root string) (*os.File, error) {
	made := filepath.Join(root, ".owner")
	file, err := os.OpenFile(made, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("name the owner of Chrome's folder: %w", err)
	}
	_, err = fmt.Fprintf(file, "%d\n", os.Getpid())
	if err == nil {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err == nil {
		err = os.Rename(made, filepath.Join(root, "owner"))
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("name the owner of Chrome's folder: %w", err)
	}
	return file, nil
}

// remove deletes the folder and lets go of its lock. Chrome's last child may still write while it goes, so
// it is tried for up to limit.
func (f folder) remove(limit time.Duration) error {
	if f.lock != nil {
		defer f.lock.Close()
	}
	deadline := time.Now().Add(limit)
	for {
		err := os.RemoveAll(f.root)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("remove Chrome's folder: %w", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Sweep ends what killed workers have left behind: it kills every Chrome whose owner
// is dead and removes its folder, below dir ("" is the system's temporary folder).
// Only folders that this package made, and only processes that were started with
// their profile, are touched. It returns how many folders it removed.
func Sweep(dir string) (removed int, err error) {
	if dir == "" {
		dir = os.TempDir()
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("look for what killed workers left: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), folderPrefix) {
			continue
		}
		f := folder{root: filepath.Join(dir, e.Name())}
		if !f.abandoned(e) {
			continue
		}
		killProfile(f.profile())
		if rmErr := f.remove(2 * time.Second); rmErr != nil {
			err = errors.Join(err, rmErr)
			continue
		}
		removed++
	}
	return removed, err
}

// abandoned says whether the folder is ours to remove and its owner is dead.
func (f folder) abandoned(e fs.DirEntry) bool {
	info, err := e.Info()
	if err != nil || !ownedByUs(info) {
		return false
	}
	file, err := os.OpenFile(filepath.Join(f.root, "owner"), os.O_RDWR|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		// The owner died, or lives, between two system calls: give it a minute.
		return time.Since(info.ModTime()) > time.Minute
	}
	if err != nil {
		return false
	}
	defer file.Close()
	return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}
