package browser

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// oldestTested and newestTested are the major versions of Chrome that Ebb's own tests run
// with.
const oldestTested, newestTested = 156, 156

func (e *examination) checkExecutable() Check {
	const name = "executable"
	if e.exeErr != nil {
		advice := "Correct the path, or remove it so that Ebb looks for Chrome itself."
		if errors.Is(e.exeErr, ErrNotFound) {
			advice = "Run `ebb browser install`."
		}
		return failed(name, e.exeErr.Error(), advice)
	}
	finding := fmt.Sprintf("%s (from %s)", e.exe.Path, e.exe.Source)
	if e.exe.Wrapper != "" {
		finding += ", to which " + e.exe.Wrapper + " leads"
	}
	if !e.exe.Headless {
		return warned(name, finding+" is a full Chrome: it needs two to three times the memory of a headless-shell build",
			"Run `ebb browser install --from apt` or `--from cft`, which take a headless-shell build.")
	}
	return passed(name, finding)
}

func (e *examination) checkVersion() Check {
	const name = "version"
	if e.exeErr != nil {
		return failed(name, "there is no Chrome to ask", "See executable.")
	}
	tested := strconv.Itoa(newestTested)
	if oldestTested != newestTested {
		tested = fmt.Sprintf("%d to %d", oldestTested, newestTested)
	}
	finding := fmt.Sprintf("Chrome %s; Ebb is tested with %s", e.exe.Version, tested)
	switch major := versionNumbers(e.exe.Version)[0]; {
	case major < oldestTested:
		return warned(name, finding, "Update Chrome: an old one has known security holes.")
	case major > newestTested:
		return warned(name, finding, "It will probably work; `ebb demo` shows it in a minute.")
	}
	return passed(name, finding)
}

func (e *examination) checkUser(err error) Check {
	const name = "user"
	if err != nil {
		return failed(name, err.Error(), "Name an ordinary account, or none.")
	}
	switch {
	case e.account.uid == 0:
		return failed(name, "Chrome would run as root, where its sandbox does not work", "Run Ebb as an ordinary user.")
	case e.account.other:
		return passed(name, fmt.Sprintf("Ebb runs as root and starts Chrome as %s (uid %d)", e.account, e.account.uid))
	}
	return passed(name, fmt.Sprintf("Ebb and Chrome run as uid %d", e.account.uid))
}

// checkAccess looks whether Chrome's user may start the executable: a Chrome below /root
// works for --version as root, and for nothing else.
func (e *examination) checkAccess(context.Context) Check {
	const name = "access"
	if e.exeErr != nil {
		return Check{}
	}
	closed, err := e.account.closedAt(e.exe.Path)
	if err != nil {
		return failed(name, err.Error(), "Install Chrome where its user can read it.")
	}
	if closed != "" {
		return failed(name, fmt.Sprintf("%s may not enter or start %s", e.account, closed),
			fmt.Sprintf("Run `chmod o+rx %s`, or `ebb browser install`.", closed))
	}
	return passed(name, fmt.Sprintf("%s may start it", e.account))
}

// closedAt returns the first part of a path, from the root on, that the account may not
// execute (a file) or enter (a folder); empty if it may all.
func (a account) closedAt(path string) (string, error) {
	var parts []string
	for p := filepath.Clean(path); ; p = filepath.Dir(p) {
		parts = append(parts, p)
		if p == filepath.Dir(p) {
			break
		}
	}
	for i := len(parts) - 1; i >= 0; i-- {
		info, err := os.Stat(parts[i])
		if err != nil {
			return "", fmt.Errorf("look at %s: %w", parts[i], withoutPath(err))
		}
		if !a.may(info, 1) {
			return parts[i], nil
		}
	}
	return "", nil
}

// may tells whether the mode bits let the account read (4), write (2) or execute (1).
func (a account) may(info fs.FileInfo, bits fs.FileMode) bool {
	mode := info.Mode().Perm()
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		switch {
		case a.uid == 0: // root may read and write anything, and start what anybody may start
			return bits != 1 || mode&0o111 != 0
		case int(s.Uid) == a.uid:
			mode >>= 6
		case int(s.Gid) == a.gid:
			mode >>= 3
		}
	}
	return mode&bits == bits
}

func (e *examination) checkStart(context.Context) Check {
	const name = "start"
	if e.start == nil {
		return Check{}
	}
	switch {
	case e.start.err != nil:
		return failed(name, "Chrome did not start: "+e.start.err.Error(), "The checks above name what is missing.")
	case !e.start.sandboxed:
		return failed(name, "Chrome started without its sandbox: a page that breaks out of Chrome owns the machine", "See namespaces.")
	}
	return passed(name, fmt.Sprintf("Chrome %s started with its sandbox and closed again in %s", e.start.version, e.start.took.Round(time.Millisecond)))
}
