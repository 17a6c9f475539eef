package browser

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// errOwner says that a profile belongs to another account than Chrome's.
var errOwner = errors.New("it belongs to another account")

// tryProfile makes a profile as a start does, looks whose it is, and removes it.
func tryProfile(dir string, as account) error {
	f, err := newFolder(dir, as)
	if err != nil {
		return err
	}
	info, err := os.Stat(f.profile())
	if err == nil {
		if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != as.uid {
			err = fmt.Errorf("give Chrome's folder to %s: %w: uid %d", as, errOwner, s.Uid)
		}
	}
	return errors.Join(err, f.remove(0))
}

// checkProfile looks whether Chrome's user gets a profile of its own: root gives it to that user,
// which takes the right to, and a file system that obeys.
func (e *examination) checkProfile(context.Context) Check {
	const name = "profile"
	if info, err := os.Stat(e.opts.TempDir); err != nil || !info.IsDir() {
		return Check{} // see temp folder
	}
	err := e.machine.profile(e.opts.TempDir, e.account)
	switch {
	case err == nil:
		return passed(name, fmt.Sprintf("%s gets a folder of its own in %s", e.account, e.opts.TempDir))
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errOwner):
		return failed(name, err.Error(), fmt.Sprintf("Run Ebb as the account that Chrome is to run as, or let it give files away (the capability CAP_CHOWN), and name a folder in TMPDIR that is not of a file system that refuses it. %s", ownerOf(e.opts.TempDir)))
	}
	return failed(name, err.Error(), "Name another folder in TMPDIR.")
}

// ownerOf says whose a folder is and who may do what there.
func ownerOf(dir string) string {
	info, err := os.Stat(dir)
	if err != nil {
		return ""
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s belongs to uid %d (mode %#o).", dir, s.Uid, info.Mode().Perm())
}
