package linux

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func TestParseTimes(t *testing.T) {
	got, err := parseTimes([]byte("7 (a) b (c) S 3 7 7 0 -1 4194560 10 20 0 0 123 45 6 7 20 0 1 0 42 0 0\n"))
	require.NoError(t, err)
	require.Equal(t, times{1680 * time.Millisecond, 130 * time.Millisecond}, got)
	_, err = parseTimes([]byte("7 (a) S 3 7"))
	require.ErrorContains(t, err, "fields after the name")
	_, err = parseTimes([]byte("7 (a) S 3 7 7 0 -1 4194560 10 20 0 0 x 45 6 7 20 0 1 0 42 0 0\n"))
	require.ErrorContains(t, err, "processor time")
}

// host is a /proc whose processes a test changes.
type host struct{ fstest.MapFS }

// set is a process with its processor times in ticks.
func (h host) set(pid, ppid int, started int, kind string, self, children int) {
	stat := fmt.Sprintf("%d (chrome) S %d 1 1 0 -1 0 0 0 0 0 %d 0 %d 0 20 0 1 0 %d 0 0\n", pid, ppid, self, children, started)
	status := fmt.Sprintf("State:\tS (sleeping)\nPPid:\t%d\nVmRSS:\t8 kB\nRssAnon:\t%d kB\nRssShmem:\t1 kB\nThreads:\t1\n", ppid, pid)
	for name, text := range map[string]string{"stat": stat, "status": status, "cmdline": "/chrome\x00" + kind} {
		h.MapFS[procFile(pid, name)] = &fstest.MapFile{Data: []byte(text)}
	}
}

func (h host) end(pid int) {
	for name := range h.MapFS {
		if strings.HasPrefix(name, fmt.Sprintf("proc/%d/", pid)) {
			delete(h.MapFS, name)
		}
	}
}

func TestUsage(t *testing.T) {
	h := host{fstest.MapFS{}}
	h.set(1, 0, 1, "", 500, 500) // not of the program
	h.set(10, 1, 1, "", 100, 0)
	h.set(20, 10, 2, "--user-data-dir=x", 200, 0)
	h.set(21, 20, 3, "--type=zygote", 10, 50)
	h.set(22, 21, 4, "--type=renderer", 300, 0)
	u := NewUsage(Options{Root: h}, 10)
	cpu, anon, err := u.Read()
	require.NoError(t, err)
	require.Empty(t, cpu, "the first look is where it begins")
	require.Equal(t, map[string]int64{memprof.Worker: 11 << 10, "browser": 21 << 10, "zygote": 22 << 10, "renderer": 23 << 10}, anon)

	look := func() map[string]int {
		cpu, _, err := u.Read()
		require.NoError(t, err)
		ticks := map[string]int{}
		for kind, took := range cpu {
			if took != 0 {
				ticks[kind] = int(took / clockTick)
			}
		}
		return ticks
	}
	h.set(10, 1, 1, "", 101, 0)
	h.set(22, 21, 4, "--type=renderer", 305, 0)
	h.set(23, 21, 5, "--type=renderer", 7, 0) // new
	require.Equal(t, map[string]int{memprof.Worker: 1, "renderer": 12}, look())

	// A renderer ends that has taken 5 more since, and one of 9 that was never seen.
	h.end(22)
	h.set(21, 20, 3, "--type=zygote", 10, 50+310+9)
	require.Equal(t, map[string]int{memprof.Worker: 1, "renderer": 12 + 5 + 9}, look())

	// All of Chrome ends: its zygote has waited for the renderer, the browser for the zygote.
	for _, pid := range []int{20, 21, 23} {
		h.end(pid)
	}
	h.set(10, 1, 1, "", 101, 200+3+(10+369+7+2))
	require.Equal(t, map[string]int{memprof.Worker: 1, "renderer": 26, "browser": 3 + 2}, look())

	// Its pid is another's now.
	h.set(20, 10, 90, "--user-data-dir=x", 4, 0)
	require.Equal(t, map[string]int{memprof.Worker: 1, "renderer": 26, "browser": 9}, look())

	h.end(10)
	_, _, err = u.Read()
	require.ErrorIs(t, err, memprof.ErrGone)
}

func TestUsagePSS(t *testing.T) {
	h := host{fstest.MapFS{}}
	h.set(10, 1, 1, "", 100, 0)
	h.set(20, 10, 2, "--user-data-dir=x", 200, 0)
	h.set(22, 20, 4, "--type=renderer", 300, 0)
	u := NewUsage(Options{Root: h}, 10)
	_, _, err := u.Read()
	require.NoError(t, err)
	for pid, kb := range map[int]int{10: 5, 20: 7} {
		h.MapFS[procFile(pid, "smaps_rollup")] = &fstest.MapFile{Data: fmt.Appendf(nil, "00400000-7ffd rollup\nPss: %d kB\nPrivate_Clean: 1 kB\nPrivate_Dirty: 1 kB\nAnonymous: 1 kB\n", kb)}
	}
	h.end(22) // meanwhile
	pss, whole, err := u.PSS()
	require.NoError(t, err)
	require.True(t, whole)
	require.Equal(t, map[string]int64{memprof.Worker: 5 << 10, "browser": 7 << 10}, pss)
}
