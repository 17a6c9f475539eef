package bench

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is a process that is measured. ^C is for this process, which ends that one.
type child struct {
	name   string
	cmd    *exec.Cmd
	said   tail // the end of its standard error
	ended  chan struct{}
	failed error // valid after ended
}

// startChild starts a process, whose output read is given; what that leaves is thrown away. more is
// given its standard error too; nil is nobody.
func startChild(name string, command *exec.Cmd, more io.Writer, read func(out io.Reader)) (*child, error) {
	c := &child{name: name, cmd: command, ended: make(chan struct{})}
	c.cmd.Stderr = &c.said
	if more != nil {
		c.cmd.Stderr = io.MultiWriter(&c.said, more)
	}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM} // also when this one is killed
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.ended)
		read(out)
		_, _ = io.Copy(io.Discard, out)
		err := c.cmd.Wait()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = &ExitError{Code: exit.ExitCode(), Text: c.said.String()}
		}
		c.failed = err
	}()
	return c, nil
}

// wait waits for the end of a process that was told to end, and ends it where that takes too long.
func (c *child) wait() error {
	timer := time.AfterFunc(endLimit, func() { _ = c.cmd.Process.Kill() })
	defer timer.Stop()
	<-c.ended
	if c.failed != nil {
		return fmt.Errorf("%s: %w", c.name, c.failed)
	}
	return nil
}

// terminate asks the process to end, as a person does, and waits for it.
func (c *child) terminate() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	return c.wait()
}

// ExitError is the end of a process with another code than 0.
type ExitError struct {
	Code int
	Text string
}

func (e *ExitError) Error() string { return fmt.Sprintf("exit code %d: %s", e.Code, e.Text) }

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex // owns text
	text []byte
}

const tailBytes = 800

// Write keeps the last bytes.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-tailBytes):]
	return len(b), nil
}

// String is the end, in one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(strings.Fields(string(t.text)), " ")
}
