package browser

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
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

func startRaw(o LaunchOptions) (*Raw, error) {
	as, f, err := prepare(o)
	if err != nil {
		return nil, err
	}
	r := &Raw{folder: f, exited: make(chan struct{})}
	args := flags(o, f.profile(), isHeadlessShell(o.Path))
	r.cmd, r.In, r.Out, err = spawn(o, args, f, as, nil, func(error) { close(r.exited) })
	if err != nil {
		return nil, errors.Join(err, f.remove(time.Second))
	}
	return r, nil
}

// RendererPID is the pid of the renderer that answered DOM.performSearch with the name of a search; see Tab.RendererPID.
func (r *Raw) RendererPID(searchID string) (int, error) {
	return rendererOf(searchID, r.cmd.Process.Pid)
}

// HoldsLittle says whether a renderer holds so little that a pool does not collect its garbage after
// PoolOptions.CollectPages.
func (r *Raw) HoldsLittle(pid int) bool {
	anon, err := readAnon(pid)
	return err == nil && anon < smallRenderer
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
