package browser

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// prepare checks the flags of a Chrome, and finds its account and makes its folder.
func prepare(o LaunchOptions) (account, folder, error) {
	if flag, advice := RefusedFlag(o.Flags, o.Proxy != nil); flag != "" {
		return account{}, folder{}, fmt.Errorf("flag %s is refused: %s", flag, advice)
	}
	as, err := findAccount(o.User)
	if err != nil {
		return account{}, folder{}, err
	}
	f, err := newFolder(o.TempDir, as)
	return as, f, err
}

// spawn starts the process of a Chrome, which is spoken to through in and out; what it prints goes to said,
// nowhere where that is nil. ended is called once it has been waited for. The process is started and waited for by
// one thread that stays locked: the kernel ties the death signal to the thread that started a process,
// not to the process.
func spawn(o LaunchOptions, args []string, f folder, as account, said *os.File, ended func(error)) (cmd *exec.Cmd, in, out *os.File, err error) {
	toChrome, in, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("make a pipe to Chrome: %w", err)
	}
	defer toChrome.Close()
	out, fromChrome, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, errors.Join(fmt.Errorf("make a pipe from Chrome: %w", err), in.Close())
	}
	defer fromChrome.Close()
	cmd = exec.Command(o.Path, args...)
	cmd.Dir, cmd.Env = f.home(), environment(f.home(), f.tmp())
	cmd.ExtraFiles = []*os.File{toChrome, fromChrome}
	if said != nil { // a nil file in an interface is not nothing
		cmd.Stdout, cmd.Stderr = said, said
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: as.credential()}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // or the thread ends, and with it what else it once started with a death signal
		err := cmd.Start()
		started <- err
		if err == nil {
			ended(cmd.Wait())
		}
	}()
	if err := <-started; err != nil {
		return nil, nil, nil, errors.Join(execError(err, o.Path, as), in.Close(), out.Close())
	}
	return cmd, in, out, nil
}
