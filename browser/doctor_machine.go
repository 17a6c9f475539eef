package browser

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// machine is what Doctor asks of the system beyond files; a test puts its own in.
type machine struct {
	account func(name string) (account, error)
	// space returns a file system's size and free room in bytes.
	space func(path string) (size, free uint64, err error)
	// openFiles returns the number of files that a process may open.
	openFiles func() (uint64, error)
	// sandbox makes the namespaces that Chrome's sandbox needs, in a process of its own.
	sandbox func(ctx context.Context, as account) error
	// reaper tells who takes in a process whose parent is gone.
	reaper func(ctx context.Context) (reaperKind, error)
	pid    int
	zone   func(name string) error
	// profile makes a profile in a folder as a start does, and removes it.
	profile func(dir string, as account) error
}

func realMachine() machine {
	return machine{
		account:   findAccount,
		space:     fileSystemSpace,
		openFiles: openFileLimit,
		sandbox:   trySandbox,
		reaper:    findReaper,
		pid:       os.Getpid(),
		profile:   tryProfile,
		zone:      func(name string) error { _, err := time.LoadLocation(name); return err },
	}
}

func fileSystemSpace(path string) (size, free uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, 0, fmt.Errorf("read the space of %s: %w", path, err)
	}
	return s.Blocks * uint64(s.Bsize), s.Bavail * uint64(s.Bsize), nil
}

// openFileLimit returns the hard limit: Chrome raises its own soft one.
func openFileLimit() (uint64, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("read the limit of open files: %w", err)
	}
	return l.Max, nil
}

// errNoUnshare says that the attempt cannot be made for want of a program.
var errNoUnshare = errors.New("there is no unshare program of util-linux to try it with")

// trySandbox does what Chrome's sandbox does first: it makes user, PID and network
// namespaces as the account, maps its own user in, and calls chroot. unshare -U alone would
// pass under Ubuntu's AppArmor restriction, which forbids what comes after it, and so would
// all but chroot in a container without capabilities.
func trySandbox(ctx context.Context, as account) error {
	path, err := exec.LookPath("unshare")
	if err != nil {
		return errNoUnshare
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, errors.New("no answer within 10s"))
	defer cancel()
	out := newTail(1 << 10)
	cmd := exec.CommandContext(ctx, path, "--user", "--map-root-user", "--pid", "--net", "--fork", "--root=/", "true")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as.credential()}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		said := firstLine(strings.TrimSpace(out.String()), 200)
		if strings.Contains(said, "option") { // BusyBox's unshare has fewer
			return errNoUnshare
		}
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// reaperKind is what becomes of a process whose parent is gone.
type reaperKind int

const (
	reaperNone reaperKind = iota // it stays a zombie
	reaperInit                   // PID 1, or another process above us, takes it in
	reaperSelf                   // this process takes it in (it is a subreaper, or PID 1)
)

// reaperPatience is how long an ended orphan may wait: some reap every few seconds only.
const reaperPatience = 10 * time.Second

// findReaper makes an orphan, lets it end, and watches who takes it in.
func findReaper(ctx context.Context) (reaperKind, error) {
	pid, end, err := makeOrphan(ctx)
	if err != nil {
		return reaperNone, fmt.Errorf("start a process to be orphaned: %w", err)
	}
	end()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	patience := time.NewTimer(reaperPatience)
	defer patience.Stop()
	for {
		s, err := readStat(pid)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH):
			return reaperInit, nil
		case err != nil:
			return reaperNone, err
		case s.ppid == os.Getpid():
			// Ours alone: os/exec never knew it.
			var status syscall.WaitStatus
			if _, err := syscall.Wait4(pid, &status, 0, nil); err == nil || errors.Is(err, syscall.ECHILD) {
				return reaperSelf, nil
			}
		}
		select {
		case <-poll.C:
		case <-patience.C:
			return reaperNone, nil
		case <-ctx.Done():
			return reaperNone, fmt.Errorf("watch an orphaned process: %w", context.Cause(ctx))
		}
	}
}

// makeOrphan starts a process whose parent is gone when makeOrphan returns, and which ends
// when end is called, or with this process. Had it ended before its parent, that would
// have taken it in.
func makeOrphan(ctx context.Context) (pid int, end func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, "sh", "-c", "{ read line <&3; } >/dev/null 2>&1 & echo $!")
	cmd.ExtraFiles = []*os.File{r}
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err == nil {
		pid, err = strconv.Atoi(strings.TrimSpace(string(out)))
	}
	if err != nil {
		w.Close()
		return 0, nil, err
	}
	return pid, func() { w.Close() }, nil
}
