package linux

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const meminfoText = "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"

// v1Tree is a v1 memory hierarchy with a process in /a/b.
func v1Tree(files map[string]string) fstest.MapFS {
	root := fstest.MapFS{
		"proc/meminfo":         {Data: []byte(meminfoText)},
		"proc/self/mountinfo":  {Data: []byte("35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")},
		"proc/self/cgroup":     {Data: []byte("4:cpu,memory:/a/b\n")},
		"proc/loadavg":         {Data: []byte("3.00 2.00 1.00 1/200 4242\n")},
		"proc/pressure/memory": {Data: []byte("some avg10=12.50 avg60=0.50 avg300=0.10 total=2500000\n")},
	}
	for name, text := range files {
		root["sys/fs/cgroup/memory/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

func TestRoomIsTheLowestLimitOfAllAncestors(t *testing.T) {
	dir := "sys/fs/cgroup/system.slice/"
	for name, c := range map[string]struct {
		root  fstest.MapFS
		limit int64
		by    string
		used  int64
	}{
		"v2 memory.max": {v2(map[string]string{"proc/meminfo": meminfoText}), 2147483648, "cgroup v2 memory.max", 705000000},
		"v2 memory.high": {
			v2(map[string]string{"proc/meminfo": meminfoText, dir + "ebb.service/memory.high": "1000000000\n"}),
			1000000000, "cgroup v2 memory.high", 705000000,
		},
		"v2 of an ancestor, with what its other children use": {
			v2(map[string]string{"proc/meminfo": meminfoText, dir + "memory.max": "900000000\n", dir + "memory.stat": "anon 800000000\nshmem 1000\n"}),
			900000000, "cgroup v2 memory.max", 800001000,
		},
		"v1": {
			v1Tree(map[string]string{
				"memory.limit_in_bytes": "9223372036854771712\n", "a/memory.limit_in_bytes": "734003200\n", "a/b/memory.limit_in_bytes": "934003200\n",
				"a/memory.stat": "cache 9\nrss 1\ntotal_rss 500\ntotal_shmem 20\n",
			}), 734003200, "cgroup v1 limit", 520,
		},
		"none": {v1Tree(map[string]string{"a/b/memory.limit_in_bytes": "9223372036854771712\n"}), 0, "", 0},
		"a limit above the machine is none": {
			v1Tree(map[string]string{"a/b/memory.limit_in_bytes": "99999999999999\n"}), 0, "", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			room, err := ReadRoom(c.root)
			require.NoError(t, err)
			require.Equal(t, c.limit, room.Limit)
			require.Equal(t, c.by, room.By)
			require.Equal(t, int64(16<<30), room.Memory)
			require.Equal(t, int64(8<<30), room.Available)
			used, err := room.Used()
			if c.limit == 0 {
				require.ErrorContains(t, err, "no cgroup has a limit")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.used, used)
		})
	}
}

func TestRoomWithoutWhatTheKernelLacks(t *testing.T) {
	room, err := ReadRoom(fstest.MapFS{})
	require.ErrorContains(t, err, "read the machine's memory")
	require.Zero(t, room.Limit)
	_, err = room.Pressure()
	require.ErrorContains(t, err, "read the pressure on memory")
	_, err = ReadRoom(v1Tree(map[string]string{"a/memory.limit_in_bytes": "lots\n", "a/b/tasks": ""}))
	require.ErrorContains(t, err, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes: parse memory limit")
	room, err = ReadRoom(v1Tree(map[string]string{"a/b/memory.limit_in_bytes": "734003200\n", "a/b/memory.stat": "total_rss 500\n"}))
	require.NoError(t, err)
	_, err = room.Used()
	require.ErrorContains(t, err, "this kernel does not tell total_shmem")
}

// The pressure is the cgroup's where it tells, else the machine's.
func TestPressureOfTheRoom(t *testing.T) {
	room, err := ReadRoom(v2(map[string]string{"proc/meminfo": meminfoText}))
	require.NoError(t, err)
	some, err := room.Pressure()
	require.NoError(t, err)
	require.InDelta(t, 1.25, some, 0)
	room, err = ReadRoom(v1Tree(nil))
	require.Error(t, err, "no file with a limit")
	require.Zero(t, room.Limit)
	some, err = room.Pressure()
	require.NoError(t, err)
	require.InDelta(t, 12.5, some, 0)
	load, err := room.LoadPerCPU()
	require.NoError(t, err)
	require.Positive(t, load)
}

func TestRoomOfThisMachine(t *testing.T) {
	room, err := ReadRoom(nil)
	require.NoError(t, err)
	require.Positive(t, room.Memory)
	require.Positive(t, room.Available)
}
