package linux

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// put writes a file below a root folder.
func putFile(t *testing.T, root, name, text string) {
	t.Helper()
	name = filepath.Join(root, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
}

const (
	v1Mounts = "35 30 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	v2Mounts = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
)

// The count is that of the process's own cgroup, of the one that its memory is charged to where it has
// none, or of the machine. What rises beside it is no kill: uses at the limit come with a full page cache.
func TestKillsAreCountedWhereMemoryIsCharged(t *testing.T) {
	events := func(oom, kills string) string {
		return "low 0\nhigh 7\nmax 900\noom " + oom + "\noom_kill " + kills + "\n"
	}
	for name, c := range map[string]struct {
		mounts, member, file string
		before, after        string
		others               map[string]string
	}{
		"v1": {
			v1Mounts, "4:memory:/a/b\n", "sys/fs/cgroup/memory/a/b/memory.oom_control",
			"oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "oom_kill_disable 0\nunder_oom 1\noom_kill 5\n",
			map[string]string{"sys/fs/cgroup/memory/a/memory.oom_control": "oom_kill 90\n"},
		},
		"v2":                      {v2Mounts, "0::/a/b\n", "sys/fs/cgroup/a/b/memory.events", events("3", "3"), events("9", "5"), map[string]string{"sys/fs/cgroup/a/b/memory.current": "1\n", "sys/fs/cgroup/a/memory.events": events("50", "50")}},
		"v2, charged above":       {v2Mounts, "0::/a/b\n", "sys/fs/cgroup/a/memory.events", events("3", "3"), events("4", "5"), map[string]string{"sys/fs/cgroup/a/memory.current": "1\n", "sys/fs/cgroup/a/b/cgroup.procs": ""}},
		"no cgroup":               {"", "0::/\n", "proc/vmstat", "pgfault 100\noom_kill 3\n", "pgfault 900\noom_kill 5\n", nil},
		"v1 that does not tell":   {v1Mounts, "4:memory:/a\n", "proc/vmstat", "oom_kill 3\n", "oom_kill 5\n", map[string]string{"sys/fs/cgroup/memory/a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n"}},
		"only the count of kills": {v2Mounts, "0::/a\n", "sys/fs/cgroup/a/memory.events", events("3", "3"), events("3", "5"), map[string]string{"sys/fs/cgroup/a/memory.current": "1\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			putFile(t, root, "proc/self/mountinfo", c.mounts)
			putFile(t, root, "proc/self/cgroup", c.member)
			for file, text := range c.others {
				putFile(t, root, file, text)
			}
			putFile(t, root, c.file, c.before)
			k := NewKills(Options{Root: os.DirFS(root)})
			n, err := k.Within(time.Minute)
			require.NoError(t, err)
			require.Zero(t, n, "those of before it counted are none")
			putFile(t, root, c.file, c.after)
			n, err = k.Within(time.Minute)
			require.NoError(t, err)
			require.Equal(t, 2, n)
			n, err = k.Within(time.Minute)
			require.NoError(t, err)
			require.Equal(t, 2, n)
		})
	}
}

func TestKillsThatNobodyCounts(t *testing.T) {
	root := t.TempDir()
	_, err := NewKills(Options{Root: os.DirFS(root)}).Within(time.Second)
	require.ErrorContains(t, err, "count the processes killed for want of memory")
	putFile(t, root, "proc/vmstat", "pgfault 1\n")
	_, err = NewKills(Options{Root: os.DirFS(root)}).Within(time.Second)
	require.ErrorContains(t, err, "this kernel does not tell")
}

// A kill is remembered by its time, so that what dies a minute later is not laid to it.
func TestKillsAreForgotten(t *testing.T) {
	root := t.TempDir()
	putFile(t, root, "proc/vmstat", "oom_kill 0\n")
	synctest.Test(t, func(t *testing.T) {
		k := NewKills(Options{Root: os.DirFS(root)})
		told := 0
		k.OnKill = func(n int) { told += n }
		ctx, stop := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()
		putFile(t, root, "proc/vmstat", "oom_kill 1\n")
		time.Sleep(4 * time.Second)
		n, err := k.Within(5 * time.Second)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		time.Sleep(4 * time.Second)
		n, err = k.Within(5 * time.Second)
		require.NoError(t, err)
		require.Zero(t, n)
		time.Sleep(2 * keepKills)
		stop(errors.New("the test is over"))
		require.NoError(t, <-ended)
		require.Empty(t, k.times)
		require.Equal(t, 1, told)
	})
}

// While nothing is at work the count is read less often, and as before as soon as something is.
func TestKillsAreReadLessOftenWhileIdle(t *testing.T) {
	root := t.TempDir()
	putFile(t, root, "proc/vmstat", "oom_kill 0\n")
	synctest.Test(t, func(t *testing.T) {
		k := NewKills(Options{Root: os.DirFS(root)})
		var told atomic.Int64
		k.OnKill = func(n int) { told.Add(int64(n)) }
		var idle atomic.Bool
		idle.Store(true)
		k.Idle = idle.Load
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()
		putFile(t, root, "proc/vmstat", "oom_kill 1\n")
		time.Sleep(idleKillsInterval - time.Millisecond)
		synctest.Wait()
		require.Zero(t, told.Load())
		idle.Store(false)
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		require.EqualValues(t, 1, told.Load())
		putFile(t, root, "proc/vmstat", "oom_kill 2\n")
		time.Sleep(killsInterval)
		synctest.Wait()
		require.EqualValues(t, 2, told.Load())
		stop()
		require.NoError(t, <-ended)
	})
}
