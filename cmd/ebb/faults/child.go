package faults

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// child is a process that a fault befalls.
type child struct {
	cmd    *exec.Cmd
	stdout bytes.Buffer  // complete when ended is closed
	ended  chan struct{} // closed when it has been waited for

	mu    sync.Mutex // owns what follows
	lines []string   // of its standard error
	more  chan struct{}
}

// siteFolder writes the site of the page "waiting" into the folder of sites. more is added at its end.
func (s *scene) siteFolder(more string) error {
	_, p, err := s.site("waiting", more)
	if err != nil {
		return err
	}
	folder := filepath.Join(s.folder, "sites")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "waiting.yaml"), p.SiteFile(s.base, more), 0o644)
}

// command is ebb with what every process of a scene is told.
func (s *scene) command() []string {
	words := []string{s.options.Program, "--database", s.database, "--sites", filepath.Join(s.folder, "sites"), "--log-format", "json", "--log-level", "debug", "--set", "pool.tabs=2", "--set", "memory.recordings=" + filepath.Join(s.folder, "recordings")}
	return append(words, s.options.Arguments...)
}

// start starts an ebb.
func (s *scene) start(ctx context.Context, args ...string) (*child, error) {
	words := append(s.command(), args...)
	return s.startProgram(ctx, words[0], words[1:]...)
}

// startProgram starts a program with the scene's folders as its own. It dies with this process, and with ctx.
func (s *scene) startProgram(ctx context.Context, program string, args ...string) (*child, error) {
	c := &child{ended: make(chan struct{}), more: make(chan struct{})}
	c.cmd = exec.CommandContext(ctx, program, args...)
	c.cmd.Dir = s.home()
	c.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.home(), "TMPDIR=" + s.temp()}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.cmd.Stdout = &c.stdout
	said, err := c.cmd.StderrPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() {
		defer close(c.ended)
		lines := bufio.NewScanner(said)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			c.mu.Lock()
			c.lines = append(c.lines, lines.Text())
			close(c.more)
			c.more = make(chan struct{})
			c.mu.Unlock()
		}
		_ = c.cmd.Wait()
	}()
	return c, nil
}

// said is what it wrote to standard error so far.
func (c *child) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.lines, "\n")
}

// last is the end of what it said.
func (c *child) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.lines[max(0, len(c.lines)-2):], " | ")
}

// output is what it wrote to standard output; it has ended.
func (c *child) output() string {
	<-c.ended
	return c.stdout.String()
}

// await waits until it says a line that holds a text.
func (c *child) await(ctx context.Context, text string) error {
	for from := 0; ; {
		c.mu.Lock()
		lines, more := c.lines[from:], c.more
		from = len(c.lines)
		c.mu.Unlock()
		for _, line := range lines {
			if strings.Contains(line, text) {
				return nil
			}
		}
		select {
		case <-more:
		case <-c.ended:
			return fmt.Errorf("it ended without a word of %s: %s", text, c.last())
		case <-ctx.Done():
			return fmt.Errorf("it says nothing of %s: %w", text, context.Cause(ctx))
		}
	}
}

// wait waits for its end and returns the exit code; -1 is a signal.
func (c *child) wait(ctx context.Context) int {
	select {
	case <-c.ended:
	case <-ctx.Done():
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
	return c.cmd.ProcessState.ExitCode()
}

// signal sends it a signal.
func (c *child) signal(sig syscall.Signal) error {
	if err := c.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal the worker: %w", err)
	}
	return nil
}
