package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	"github.com/ebbworker/ebb/memprof/linux"
)

// process is an arm at work, seen from outside.
type process struct {
	*child
	arm   Arm
	pages int
	input io.WriteCloser // its end ends the process, also when this one is killed
	usage *linux.Usage
	once  sync.Once

	replies chan reply // closed at the end of its output
}

// Bounds of a process that is measured.
const (
	startLimit = 2 * time.Minute
	endLimit   = 45 * time.Second // a whole worker closes its Chrome and its database
)

// start starts an arm's process, and returns when it is ready for a round.
func start(ctx context.Context, arm Arm, command *exec.Cmd, pages int) (*process, error) {
	p := &process{arm: arm, pages: pages, replies: make(chan reply)}
	input, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.input = input
	if p.child, err = startChild(arm.Name, command, nil, p.follow); err != nil {
		return nil, err
	}
	p.usage = linux.NewUsage(linux.Options{}, p.cmd.Process.Pid)
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
	lines := json.NewDecoder(out)
	for {
		var said reply
		if lines.Decode(&said) != nil {
			break
		}
		p.replies <- said
	}
	close(p.replies)
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

// order has the process make a round.
func (p *process) order() error {
	if _, err := p.input.Write([]byte("round\n")); err != nil {
		return fmt.Errorf("%s: %w", p.arm.Name, errEnded)
	}
	return nil
}

// roundLimit bounds the wait for a round.
func (p *process) roundLimit(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := RoundTimeout(p.pages) + 30*time.Second // its own limit says more
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
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
	return p.wait()
}
