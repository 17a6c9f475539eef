package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ebbworker/ebb/memprof/linux"
)

// process is an arm at work, seen from outside.
type process struct {
	arm    Arm
	pages  int
	cmd    *exec.Cmd
	input  io.WriteCloser // its end ends the process, also when this one is killed
	said   tail
	usage  *linux.Usage
	once   sync.Once
	ended  chan struct{}
	failed error // valid after ended

	replies chan reply // closed at the end of its output
}

// Bounds of an arm's process.
const (
	startLimit = 2 * time.Minute
	endLimit   = 45 * time.Second // a whole worker closes its Chrome and its database
)

// ExitError is the end of an arm's process with another code than 0.
type ExitError struct {
	Code int
	Text string
}

func (e *ExitError) Error() string { return fmt.Sprintf("exit code %d: %s", e.Code, e.Text) }

// start starts an arm's process, and returns when it is ready for a round.
func start(ctx context.Context, arm Arm, command *exec.Cmd, pages int) (*process, error) {
	p := &process{arm: arm, pages: pages, cmd: command, ended: make(chan struct{}), replies: make(chan reply)}
	p.cmd.Stderr = &p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ^C is for this process, which ends that one
	input, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.input = input
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.usage = linux.NewUsage(linux.Options{}, p.cmd.Process.Pid)
	go p.follow(out)
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not ready within %s", startLimit))
	defer cancel()
	if _, err := p.reply(ctx); err != nil {
		if stopErr := p.stop(); stopErr != nil {
			err = stopErr // it says more than that it ended
		}
		return nil, fmt.Errorf("start %s: %w", arm.Name, err)
	}
	return p, nil
}

// follow hands over what the process says, until it ends.
func (p *process) follow(out io.Reader) {
	defer close(p.ended)
	lines := json.NewDecoder(out)
	for {
		var said reply
		if lines.Decode(&said) != nil {
			break
		}
		p.replies <- said
	}
	close(p.replies)
	_, _ = io.Copy(io.Discard, out)
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = &ExitError{Code: exit.ExitCode(), Text: p.said.String()}
	}
	p.failed = err
}

// errEnded says that an arm's process has ended by itself.
var errEnded = errors.New("its process has ended")

func (p *process) reply(ctx context.Context) (Round, error) {
	select {
	case said, ok := <-p.replies:
		if !ok {
			return Round{}, errEnded
		}
		return said.Round, said.err()
	case <-ctx.Done():
		return Round{}, context.Cause(ctx)
	}
}

// end tells the process to end.
func (p *process) end() { p.once.Do(func() { _ = p.input.Close() }) }

// stop ends the process and waits for it.
func (p *process) stop() error {
	p.end()
	timer := time.AfterFunc(endLimit, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	for range p.replies { // what nobody has asked for any more
	}
	<-p.ended
	if p.failed != nil {
		return fmt.Errorf("%s: %w", p.arm.Name, p.failed)
	}
	return nil
}

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
