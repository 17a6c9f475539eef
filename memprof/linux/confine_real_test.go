package linux

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/browsertest"
)

// membership returns the cgroups of a process.
func membership(t *testing.T, pid int) string {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	require.NoError(t, err)
	return string(data)
}

// realHomes returns this process's cgroups, and whether they can be divided: then a confinement
// must succeed.
func realHomes(t *testing.T) (homes []home, divisible bool) {
	t.Helper()
	homes, err := findHomes(os.DirFS("/"), os.Getpid(), []string{memoryController, cpuController})
	if err != nil {
		return nil, false
	}
	for _, h := range homes {
		probe := filepath.Join("/", h.dir, fmt.Sprintf("probe-%d", os.Getpid()))
		if h.v2 || os.Mkdir(probe, 0o755) != nil {
			return homes, false
		}
		require.NoError(t, rmdir(probe))
	}
	return homes, true
}

// nothingLeft checks that none of this process's cells is left.
func nothingLeft(t *testing.T, homes []home) {
	t.Helper()
	for _, h := range homes {
		left, err := filepath.Glob(filepath.Join("/", h.dir, fmt.Sprintf("ebb-%d-*", os.Getpid())))
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

// confineReally confines this process, or proves that nothing changed and that the error tells
// what to do where the machine does not allow it.
func confineReally(t *testing.T, l Limits) (*Confinement, bool) {
	t.Helper()
	homes, divisible := realHomes(t)
	before := membership(t, os.Getpid())
	c, err := Confine(t.Context(), l)
	if err != nil {
		require.False(t, divisible, "%v", err)
		require.Regexp(t, "run Ebb|to the container", err.Error())
		require.Equal(t, before, membership(t, os.Getpid()))
		nothingLeft(t, homes)
		return nil, false
	}
	t.Cleanup(func() {
		require.NoError(t, c.Release(context.Background()))
		require.Equal(t, before, membership(t, os.Getpid()))
		nothingLeft(t, homes)
	})
	return c, true
}

// script returns a shell that the kernel's out-of-memory killer takes before all others.
func script(t *testing.T, text string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "echo 1000 > /proc/self/oom_score_adj; "+text)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	return cmd
}

func TestAChildIsKilledAtTheLimitAndThisProcessIsNot(t *testing.T) {
	const limit = 512 << 20
	c, ok := confineReally(t, Limits{Memory: limit})
	if !ok {
		return
	}
	require.Equal(t, Limits{Memory: limit}, c.Limits())
	require.Contains(t, c.Describe(), "memory 512 MB, by cgroup v")

	inside, err := script(t, "cat /proc/self/cgroup").Output()
	require.NoError(t, err)
	require.Equal(t, membership(t, os.Getpid()), string(inside))
	require.Contains(t, string(inside), fmt.Sprintf("/ebb-%d-", os.Getpid()))

	source := NewCgroup(Options{})
	_, totals := read(t, source, full)
	known(t, totals, "cgroup.limit", "", limit)
	kills := value(t, totals, "cgroup.oom_kills", "")

	// tail keeps what it may have to write
	small := script(t, "head -c 100000000 /dev/zero | tail -c 100000000 >/dev/null")
	require.NoError(t, small.Run())
	big := script(t, "head -c 1000000000 /dev/zero | tail -c 1000000000 >/dev/null")
	require.Error(t, big.Run())
	require.Equal(t, 128+int(syscall.SIGKILL), big.ProcessState.ExitCode(), "the shell tells how tail ended")

	_, totals = read(t, source, full)
	require.Greater(t, value(t, totals, "cgroup.oom_kills", ""), kills)
	require.LessOrEqual(t, value(t, totals, "cgroup.peak", ""), float64(limit))
}

// TestConfineAsOrdinaryUser tests, when the tests run as root, what others get: the limit where
// they may divide their cgroup, otherwise an error.
func TestConfineAsOrdinaryUser(t *testing.T) {
	const name = "TestAChildIsKilledAtTheLimitAndThisProcessIsNot"
	browsertest.AsOrdinaryUser(t, name, TestAChildIsKilledAtTheLimitAndThisProcessIsNot)
}

func TestAChildGetsNoMoreThanItsCPUs(t *testing.T) {
	const cpus = 0.25
	_, ok := confineReally(t, Limits{CPUs: cpus})
	if !ok {
		return
	}
	busy := script(t, "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done")
	start := time.Now()
	require.NoError(t, busy.Run())
	wall := time.Since(start)
	used := busy.ProcessState.UserTime() + busy.ProcessState.SystemTime()
	require.Greater(t, used, 50*time.Millisecond)
	// a quota is given at the start of each tenth of a second
	require.Less(t, used, time.Duration(cpus*float64(wall))+60*time.Millisecond)
}

func TestReleaseWaitsForTheProcessesInside(t *testing.T) {
	c, ok := confineReally(t, Limits{Memory: 512 << 20})
	if !ok {
		return
	}
	child := script(t, "echo started; exec cat >/dev/null")
	stdin, err := child.StdinPipe()
	require.NoError(t, err)
	stdout, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	started := make([]byte, len("started\n"))
	_, err = stdout.Read(started)
	require.NoError(t, err)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	err = c.Release(ended) // no time to wait
	require.ErrorContains(t, err, fmt.Sprintf("(%d)", child.Process.Pid))
	require.NotContains(t, membership(t, os.Getpid()), "/ebb-", "this process is out nevertheless")
	require.Contains(t, membership(t, child.Process.Pid), "/ebb-")

	require.NoError(t, stdin.Close())
	require.NoError(t, c.Release(t.Context()))
	require.NoError(t, child.Wait())
	require.NoError(t, c.Release(t.Context()), "there is nothing left to do")
}

// A killed process cannot remove its cgroup: the next one does.
func TestWhatAKilledProcessLeftIsRemoved(t *testing.T) {
	homes, divisible := realHomes(t)
	gone := script(t, "exit 0")
	require.NoError(t, gone.Run())
	name := fmt.Sprintf("ebb-%d-1", gone.Process.Pid)
	if divisible {
		for _, h := range homes {
			require.NoError(t, os.Mkdir(filepath.Join("/", h.dir, name), 0o755))
		}
	}
	confineReally(t, Limits{Memory: 512 << 20, CPUs: 1})
	for _, h := range homes {
		require.NoDirExists(t, filepath.Join("/", h.dir, name))
	}
}
