package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is an ebb of its own: this test binary under that name.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	args   string
	stdout bytes.Buffer  // complete when ended is closed
	ended  chan struct{} // closed when it has been waited for

	mu     sync.Mutex // owns what follows
	stderr strings.Builder
	lines  []string
	more   chan struct{} // closed at each new line, and at the end of them
}

// ebb starts a process in a world. It is killed with the test, if it still lives.
func (w *world) ebb(args ...string) *process {
	w.t.Helper()
	p := &process{t: w.t, args: strings.Join(args, " "), ended: make(chan struct{}), more: make(chan struct{})}
	p.cmd = exec.Command("ebb", append([]string{
		"--database", w.database, "--sites", w.sites, "--browser", w.chrome, "--log-format", "json", "--log-level", "debug",
		"--profile=off", "--set", "pool.tabs=4", "--set", "timeouts.start=2m",
	}, args...)...)
	p.cmd.Dir = w.home
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.home, "TMPDIR=" + w.temp}
	p.cmd.Env = append(p.cmd.Env, w.env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.Stdout = &p.stdout
	said, err := p.cmd.StderrPipe()
	require.NoError(w.t, err)
	require.NoError(w.t, p.cmd.Start())
	go p.read(said)
	w.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if w.t.Failed() {
			w.t.Logf("ebb %s said:\n%s", p.args, p.said())
		}
	})
	return p
}

// read takes what the process says, and then its end.
func (p *process) read(said io.Reader) {
	defer close(p.ended)
	lines := bufio.NewScanner(said)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		p.stderr.WriteString(lines.Text() + "\n")
		p.lines = append(p.lines, lines.Text())
		close(p.more)
		p.more = make(chan struct{})
		p.mu.Unlock()
	}
	_ = p.cmd.Wait()
}

// said is what it wrote to standard error so far.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// await waits until the process says a line that holds a text.
func (p *process) await(text string) {
	p.t.Helper()
	limit := time.After(patience)
	for from := 0; ; {
		p.mu.Lock()
		lines, more := p.lines[from:], p.more
		from = len(p.lines)
		p.mu.Unlock()
		for _, line := range lines {
			if strings.Contains(line, text) {
				return
			}
		}
		select {
		case <-more:
		case <-p.ended:
			require.Contains(p.t, p.said(), text, "ebb %s ended without a word of it", p.args)
			return
		case <-limit:
			require.FailNow(p.t, "it does not come", "ebb %s does not say %q", p.args, text)
		}
	}
}

// awaitEvent waits for something while the process runs.
func (p *process) awaitEvent(came <-chan struct{}, what string) {
	p.t.Helper()
	select {
	case <-came:
	case <-p.ended:
		require.FailNow(p.t, "it ended early", "ebb %s ended before %s", p.args, what)
	case <-time.After(patience):
		require.FailNow(p.t, "it does not come", "ebb %s: no %s", p.args, what)
	}
}

// wait waits for the end and returns the exit code; -1 is a signal.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		require.FailNow(p.t, "it does not end", "ebb %s", p.args)
	}
	return p.cmd.ProcessState.ExitCode()
}

// signal sends a signal.
func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(sig))
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	<-p.ended
}
