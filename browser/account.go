package browser

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the account that Chrome runs as.
type account struct {
	name     string
	uid, gid int
	// other says that it is not the worker's own.
	other bool
}

func (a account) String() string {
	if a.name != "" {
		return "user " + a.name
	}
	return fmt.Sprintf("uid %d", a.uid)
}

// credential is what the kernel needs to start a process as the account; nil where
// nothing changes.
func (a account) credential() *syscall.Credential {
	if !a.other {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid), Groups: []uint32{}}
}

// findAccount returns the account for Chrome: the worker's own, unless the worker is
// root. Then it is the named one (a name or a uid), or ebb, or nobody: Chrome's
// sandbox does not work as root.
func findAccount(name string) (account, error) {
	if os.Geteuid() != 0 {
		if name != "" && name != strconv.Itoa(os.Geteuid()) {
			if u, err := user.Current(); err != nil || u.Username != name {
				return account{}, fmt.Errorf("run Chrome as user %q: only root may start it as another user", name)
			}
		}
		return account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	names := []string{name}
	if name == "" {
		names = []string{"ebb", "nobody"}
	}
	for _, n := range names {
		a, err := lookupAccount(n)
		if err == nil {
			return a, nil
		}
		if name != "" {
			return account{}, err
		}
	}
	// A system without a user database still has ids: this one is nobody's by custom.
	return account{uid: 65534, gid: 65534, other: true}, nil
}

func lookupAccount(name string) (account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		u, err = user.LookupId(name)
	}
	if err != nil {
		uid, numErr := strconv.Atoi(name)
		if numErr != nil || uid <= 0 {
			return account{}, fmt.Errorf("run Chrome as user %q: there is no such user: %w", name, err)
		}
		return account{uid: uid, gid: uid, other: true}, nil
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return account{}, fmt.Errorf("run Chrome as user %q: %w", name, err)
	}
	if uid == 0 {
		return account{}, fmt.Errorf("run Chrome as user %q: Chrome's sandbox does not work as root; name an ordinary user", name)
	}
	return account{name: u.Username, uid: uid, gid: gid, other: true}, nil
}
