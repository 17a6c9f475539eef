package worker

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/budget"
	"github.com/ebbworker/ebb/worker/store"
)

const megabyte = 1 << 20

// A run that was alone is charged with what it added; runs that overlapped each with all that they added
// together, since nothing tells their shares.
func TestWhatARunIsChargedWith(t *testing.T) {
	g := newGate(budget.Split(4<<30, "memory.limit"))
	read := func(used int64) { g.read(used*megabyte, false) }
	read(100)
	alone := g.come("alone", 1)
	read(110)
	read(300)
	read(150)
	alone.ended = true
	p, known := g.leave(alone)
	require.True(t, known)
	require.Equal(t, int64(190*megabyte), p.Bytes)
	require.True(t, p.Alone)
	require.Equal(t, "alone", p.Site)

	read(120)
	first := g.come("first", 2)
	read(120)
	read(200)
	second := g.come("second", 3)
	read(200)
	read(420)
	first.ended, second.ended = true, true
	p, _ = g.leave(first)
	require.Equal(t, int64(300*megabyte), p.Bytes)
	require.False(t, p.Alone)
	read(350)
	p, _ = g.leave(second)
	require.Equal(t, int64(300*megabyte), p.Bytes)
	require.False(t, p.Alone)

	for _, site := range []string{"alone", "second"} {
		next := g.come(site, 4)
		require.Equal(t, 1, next.Need.Runs)
		g.leave(next)
	}
	require.False(t, g.busy())
}

// A run that failed, or that was over before it could be read, teaches nothing.
func TestWhatTeachesNothing(t *testing.T) {
	g := newGate(budget.Split(4<<30, "memory.limit"))
	for _, r := range []struct {
		ended bool
		reads int
	}{{false, 5}, {true, 1}} {
		run := g.come("shop", 1)
		for range r.reads {
			g.read(100*megabyte, false)
		}
		run.ended = r.ended
		_, known := g.leave(run)
		require.False(t, known)
	}
}

// Where memory cannot be read, no run waits for it.
func TestWithoutReadingsNoRunWaits(t *testing.T) {
	g := newGate(budget.Split(600<<20, "memory.limit"))
	g.learn([]store.SitePeak{{Site: "huge", Bytes: 900 * megabyte, Alone: true}})
	g.read(100*megabyte, false)
	huge := g.come("huge", 1)
	g.read(100*megabyte, false)
	require.False(t, huge.isReady())
	site, lacks := g.lacking()
	require.Equal(t, "huge", site)
	require.Positive(t, lacks)
	require.Len(t, g.waits(), 1)
	require.Empty(t, g.waits(), "told once")
	require.True(t, g.waitsFor(1))
	g.admitBlind()
	require.True(t, huge.isReady())
	require.Equal(t, []string{"other"}, g.resting([]string{"huge", "other"}))
}

// What is in use is that of all in the cgroup where its limit is the budget's.
func TestAConfiguredLimitIsOfTheWorkerAlone(t *testing.T) {
	b, err := readBudget(0, cgroupRoot())
	require.NoError(t, err)
	require.Equal(t, "700 MB of cgroup v1 limit; worker 100 MB, Chrome 530 MB, reserve 70 MB", b.String())
	require.Equal(t, int64(500), b.used(100))
	require.Equal(t, int64(900), b.used(900))
	b, err = readBudget(400<<20, cgroupRoot())
	require.NoError(t, err)
	require.Equal(t, "memory.limit", b.Source)
	require.Equal(t, int64(100), b.used(100))
}

// cgroupRoot is a machine on which this process is in a cgroup of 700 MB, of which 500 bytes are in use.
func cgroupRoot() fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range map[string]string{
		"proc/meminfo":        "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
		"proc/self/mountinfo": "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
		"proc/self/cgroup":    "4:memory:/a\n",
		"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "734003200\n",
		"sys/fs/cgroup/memory/a/memory.stat":           "total_rss 400\ntotal_shmem 100\n",
	} {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}
