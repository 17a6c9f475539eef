package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ebbworker/ebb/browser"
)

// LaunchAndKill launches Chrome and ends it, in one way after the other, and counts what is left. It
// is for a process with pid 1, to which whatever loses its parent falls. A Chrome of somebody else runs
// meanwhile.
func LaunchAndKill(ctx context.Context, launch browser.LaunchOptions, cycles int) (AsInit, error) {
	seen := AsInit{PID: os.Getpid()}
	stranger, err := startStranger(launch)
	if err != nil {
		return seen, err
	}
	defer stranger.end()
	before, err := tempEntries()
	if err != nil {
		return seen, err
	}
	for n := range cycles {
		if err := launchAndKill(ctx, launch, n); err != nil {
			return seen, fmt.Errorf("cycle %d: %w", n+1, err)
		}
		seen.Cycles++
	}
	seen.Stranger = stranger.alive()
	if err := seen.count(stranger.cmd.Process.Pid); err != nil {
		return seen, err
	}
	after, err := tempEntries()
	seen.Entries = after - before
	return seen, err
}

// launchAndKill is one cycle.
func launchAndKill(ctx context.Context, launch browser.LaunchOptions, n int) error {
	b, err := browser.Launch(ctx, launch)
	if err != nil {
		return err
	}
	switch n % 3 {
	case 0: // it closes by itself
	case 1:
		err = syscall.Kill(b.PID(), syscall.SIGKILL)
	case 2:
		b.Kill()
	}
	closing, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return errors.Join(err, b.Close(closing))
}

// count counts the processes that are left beside this one and those of a process group.
func (a *AsInit) count(group int) error {
	deadline := time.Now().Add(2 * time.Second)
	for {
		a.Zombies, a.Orphans, a.Left = 0, 0, nil
		files, err := filepath.Glob("/proc/[0-9]*/stat")
		if err != nil {
			return err
		}
		for _, file := range files {
			stat, err := os.ReadFile(file)
			_, rest, found := strings.Cut(string(stat), ") ")
			fields := strings.Fields(rest)
			if err != nil || !found || len(fields) < 3 || fields[2] == strconv.Itoa(group) || file == "/proc/"+strconv.Itoa(os.Getpid())+"/stat" {
				continue
			}
			a.Left = append(a.Left, firstFields(string(stat), 6))
			if strings.HasPrefix(rest, "Z") {
				a.Zombies++
			} else {
				a.Orphans++
			}
		}
		if a.Orphans+a.Zombies == 0 || time.Now().After(deadline) { // the last ones may be on their way out
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// firstFields is the beginning of a line.
func firstFields(line string, n int) string {
	fields := strings.Fields(line)
	return strings.Join(fields[:min(n, len(fields))], " ")
}

// stranger is a Chrome of somebody else, whose parent is this process only because it has to have one.
type stranger struct {
	cmd     *exec.Cmd
	profile string
	ended   chan struct{}
}

func startStranger(launch browser.LaunchOptions) (*stranger, error) {
	profile, err := os.MkdirTemp("", "stranger-")
	if err != nil {
		return nil, err
	}
	args := []string{"--user-data-dir=" + profile, "--headless", "--remote-debugging-port=0", "about:blank"}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // it shows one page of its own, which is empty
	}
	s := &stranger{cmd: exec.Command(launch.Path, args...), profile: profile, ended: make(chan struct{})}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start a stranger's Chrome: %w", err), os.RemoveAll(profile))
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait()
	}()
	return s, nil
}

func (s *stranger) alive() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// end ends it and collects what it leaves to this process.
func (s *stranger) end() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.ended
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := syscall.Wait4(-s.cmd.Process.Pid, nil, syscall.WNOHANG, nil); errors.Is(err, syscall.ECHILD) {
			break
		}
	}
	_ = os.RemoveAll(s.profile)
}
