package browser

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Raw is a Chrome that is started as any, with the same account, folders and flags, and to which this
// package says nothing: whoever has it speaks to it over its pipe. It is for measuring what this package
// adds.
type Raw struct {
	// In takes commands and Out gives replies and events, each ended by a zero byte.
	In, Out *os.File

	cmd    *exec.Cmd
	folder folder
	exited chan struct{}
}

// StartRaw starts Chrome. An error wraps ErrStart and leaves nothing behind. Of the options, those count
// that say what is started.
func StartRaw(o LaunchOptions) (*Raw, error) {
	r, err := startRaw(o.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	return r, nil
}

func startRaw(o LaunchOptions) (r *Raw, err error) {
	if flag, advice := RefusedFlag(o.Flags, o.Proxy != nil); flag != "" {
		return nil, fmt.Errorf("flag %s is refused: %s", flag, advice)
	}
	as, err := findAccount(o.User)
	if err != nil {
		return nil, err
	}
	f, err := newFolder(o.TempDir, as)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.remove(time.Second))
		}
	}()
	toChrome, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe to Chrome: %w", err)
	}
	defer toChrome.Close()
	out, fromChrome, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a pipe from Chrome: %w", err), in.Close())
	}
	defer fromChrome.Close()
	r = &Raw{In: in, Out: out, folder: f, exited: make(chan struct{})}
	r.cmd = exec.Command(o.Path, flags(o, f.profile(), isHeadlessShell(o.Path))...)
	r.cmd.Dir, r.cmd.Env = f.home(), environment(f.home(), f.tmp())
	r.cmd.ExtraFiles = []*os.File{toChrome, fromChrome}
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: as.credential()}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // as in Browser.start: the death signal is of the thread
		err := r.cmd.Start()
		started <- err
		if err == nil {
			_ = r.cmd.Wait()
			close(r.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(execError(err, o.Path, as), in.Close(), out.Close())
	}
	return r, nil
}

// Exited is closed when Chrome's process has ended.
func (r *Raw) Exited() <-chan struct{} { return r.exited }

// Close kills Chrome, and returns when no process and no file of it is left.
func (r *Raw) Close() error {
	select {
	case <-r.exited:
	default:
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		<-r.exited
	}
	killProfile(r.folder.profile())
	reapGroup(r.cmd.Process.Pid)
	return errors.Join(r.In.Close(), r.Out.Close(), r.folder.remove(5*time.Second))
}
