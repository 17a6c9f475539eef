package linux

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// The files were captured on a machine with v1 controllers and an empty v2 tree beside them.
func TestHybridCgroup(t *testing.T) {
	c := NewCgroup(Options{Root: captured("hybrid")})
	readings, totals := read(t, c, full)
	require.Empty(t, faults(readings))
	for metric, want := range map[string]float64{
		"cgroup.current": 108609536, "cgroup.peak": 526778368, "cgroup.oom_kills": 0, "cgroup.anon": 9461760,
		"cgroup.file": 95248384, "cgroup.shmem": 0, "cgroup.swap": 0, "cgroup.pressure_some": 0, "cgroup.pressure_stall": 0, "cgroup.max": 7,
	} {
		known(t, totals, metric, "", want)
	}
	unknown(t, totals, "cgroup.limit", "") // there is none

	readings, totals = read(t, c, tick)
	require.Len(t, readings, 2)
	known(t, totals, "cgroup.current", "", 108609536)

	info, err := HostInfo(captured("hybrid"))
	require.NoError(t, err)
	require.Positive(t, info.CPUs)
	info.CPUs = 0
	require.Equal(t, memprof.HostInfo{Kernel: "6.18.44", Memory: 24684092 << 10, Cgroup: "hybrid"}, info)
}

// v2 is a v2 tree of which some files can be replaced.
func v2(files map[string]string) fstest.MapFS {
	all := map[string]string{
		"proc/self/mountinfo":                                        "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n",
		"proc/self/cgroup":                                           "0::/system.slice/ebb.service\n",
		"sys/fs/cgroup/system.slice/memory.max":                      "max\n",
		"sys/fs/cgroup/system.slice/memory.current":                  "9\n",
		"sys/fs/cgroup/system.slice/ebb.service/memory.current":      "846118912\n",
		"sys/fs/cgroup/system.slice/ebb.service/memory.max":          "2147483648\n",
		"sys/fs/cgroup/system.slice/ebb.service/memory.peak":         "1073741824\n",
		"sys/fs/cgroup/system.slice/ebb.service/memory.swap.current": "4096\n",
		"sys/fs/cgroup/system.slice/ebb.service/memory.events":       "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n",
		"sys/fs/cgroup/system.slice/ebb.service/memory.stat":         "anon 700000000\nfile 100000000\nkernel 9000000\nkernel_stack 1000000\nshmem 5000000\nfile_mapped 1\nworkingset_refault_anon 0\n",
		"sys/fs/cgroup/system.slice/ebb.service/memory.pressure":     "some avg10=1.25 avg60=0.50 avg300=0.10 total=2500000\nfull avg10=0.10 avg60=0.00 avg300=0.00 total=1\n",
	}
	for name, text := range files {
		all[name] = text
	}
	root := fstest.MapFS{}
	for name, text := range all {
		if text != "-" {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return root
}

func TestCgroupV2(t *testing.T) {
	root := v2(nil)
	readings, totals := read(t, NewCgroup(Options{Root: root}), full)
	require.Empty(t, faults(readings))
	for metric, want := range map[string]float64{
		"cgroup.current": 846118912, "cgroup.limit": 2147483648, "cgroup.peak": 1073741824, "cgroup.oom_kills": 2,
		"cgroup.anon": 700000000, "cgroup.file": 100000000, "cgroup.shmem": 5000000, "cgroup.swap": 4096,
		"cgroup.pressure_some": 1.25, "cgroup.pressure_stall": 2.5, "cgroup.oom": 3, "cgroup.max": 12, "cgroup.high": 0,
	} {
		known(t, totals, metric, "", want)
	}
	at, err := findCgroup(root)
	require.NoError(t, err)
	require.Equal(t, kindV2, at.kind)
}

func TestTheLowestLimitOfAllAncestorsCounts(t *testing.T) {
	_, totals := read(t, NewCgroup(Options{Root: v2(map[string]string{"sys/fs/cgroup/system.slice/memory.max": "1000\n"})}), tick)
	known(t, totals, "cgroup.limit", "", 1000)
	_, totals = read(t, NewCgroup(Options{Root: v2(map[string]string{"sys/fs/cgroup/system.slice/ebb.service/memory.max": "max\n"})}), tick)
	unknown(t, totals, "cgroup.limit", "")

	root := fstest.MapFS{
		"proc/self/mountinfo":                            {Data: []byte("35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")},
		"proc/self/cgroup":                               {Data: []byte("4:cpu,memory:/a/b\n")},
		"sys/fs/cgroup/memory/memory.limit_in_bytes":     {Data: []byte("9223372036854771712\n")},
		"sys/fs/cgroup/memory/a/memory.limit_in_bytes":   {Data: []byte("500\n")},
		"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": {Data: []byte("700\n")},
		"sys/fs/cgroup/memory/a/b/memory.usage_in_bytes": {Data: []byte("300\n")},
		"sys/fs/cgroup/memory/a/b/memory.oom_control":    {Data: []byte("oom_kill_disable 0\nunder_oom 0\noom_kill 4\n")},
	}
	readings, totals := read(t, NewCgroup(Options{Root: root}), tick)
	require.Empty(t, faults(readings))
	known(t, totals, "cgroup.limit", "", 500)
	known(t, totals, "cgroup.oom_kills", "", 4)
	at, err := findCgroup(root)
	require.NoError(t, err)
	require.Equal(t, kindV1, at.kind)
}

func TestWhatTheKernelLacksIsAGapOfThatFigure(t *testing.T) {
	dir := "sys/fs/cgroup/system.slice/ebb.service/"
	root := v2(map[string]string{
		dir + "memory.peak": "-", dir + "memory.pressure": "-", dir + "memory.swap.current": "-",
		dir + "memory.events": "low 0\n", dir + "memory.stat": "anon x\n", dir + "memory.max": "lots\n",
	})
	readings, totals := read(t, NewCgroup(Options{Root: root}), full)
	found := faults(readings)
	require.Len(t, found, 12)
	require.Equal(t, "this kernel does not tell oom_kill", found["cgroup.oom_kills/"])
	require.Contains(t, found["cgroup.anon/"], "memory.stat: parse anon: ")
	require.Contains(t, found["cgroup.limit/"], "parse memory limit: ")
	require.Contains(t, found["cgroup.peak/"], "file does not exist")
	known(t, totals, "cgroup.current", "", 846118912)
}

func TestWhereTheCgroupIs(t *testing.T) {
	mount := func(root, options string) string {
		return "30 23 0:26 " + root + " /sys/fs/cgroup rw,relatime - " + options + "\n"
	}
	const v2Mount = "cgroup2 cgroup2 rw"
	for name, c := range map[string]struct {
		mountinfo, membership string
		folders               []string
		want                  string
	}{
		"a container with its own namespace":     {mount("/", v2Mount), "0::/\n", []string{"sys/fs/cgroup"}, "sys/fs/cgroup"},
		"a container that sees the host's path":  {mount("/docker/abc", v2Mount), "0::/docker/abc\n", []string{"sys/fs/cgroup"}, "sys/fs/cgroup"},
		"a cgroup below the container's":         {mount("/docker/abc", v2Mount), "0::/docker/abc/x\n", []string{"sys/fs/cgroup/x"}, "sys/fs/cgroup/x"},
		"a path outside the mount":               {mount("/docker/abc", v2Mount), "0::/docker/abcd\n", []string{"sys/fs/cgroup"}, "sys/fs/cgroup"},
		"a path above the namespace":             {mount("/", v2Mount), "0::/../other\n", []string{"sys/fs/cgroup"}, "sys/fs/cgroup"},
		"a folder that is not there":             {mount("/", v2Mount), "0::/gone\n", []string{"sys/fs/cgroup"}, "sys/fs/cgroup"},
		"a cgroup without the memory controller": {mount("/", v2Mount), "0::/a/b\n", []string{"sys/fs/cgroup/a"}, "sys/fs/cgroup/a"},
		"v1 with several controllers in a mount": {mount("/", "cgroup cgroup rw,cpu,memory"), "4:cpu,memory:/a\n", []string{"sys/fs/cgroup/a"}, "sys/fs/cgroup/a"},
		"a mount point with a space":             {strings.Replace(mount("/", v2Mount), "/sys/fs/cgroup", `/sys/my\040groups`, 1), "0::/a\n", []string{"sys/my groups/a"}, "sys/my groups/a"},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{"proc/self/mountinfo": {Data: []byte(c.mountinfo)}, "proc/self/cgroup": {Data: []byte(c.membership)}}
			for _, folder := range c.folders {
				root[folder+"/memory.current"] = &fstest.MapFile{Data: []byte("1\n")}
			}
			root["sys/fs/cgroup/a/b/cgroup.procs"] = &fstest.MapFile{}
			at, err := findCgroup(root)
			require.NoError(t, err)
			require.Equal(t, c.want, at.dir)
		})
	}
}

func TestWithoutACgroup(t *testing.T) {
	for name, root := range map[string]fstest.MapFS{
		"nothing is mounted": {"proc/self/mountinfo": {Data: []byte("1 1 0:1 / / rw - ext4 /dev/vda rw\nbroken\n")}, "proc/self/cgroup": {Data: []byte("broken\n")}},
		"the root cgroup":    {"proc/self/mountinfo": {Data: []byte("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")}, "proc/self/cgroup": {Data: []byte("0::/\n")}},
	} {
		t.Run(name, func(t *testing.T) {
			readings := NewCgroup(Options{Root: root}).Read(context.Background(), full)
			require.Len(t, readings, 1)
			require.ErrorIs(t, readings[0].Err, errNoCgroup)
			info, err := HostInfo(root)
			require.Error(t, err, "the kernel and the memory cannot be read")
			require.Equal(t, kindNone, info.Cgroup)
		})
	}
	readings := NewCgroup(Options{Root: fstest.MapFS{}}).Read(context.Background(), full)
	require.ErrorContains(t, readings[0].Err, "find the memory cgroup: ")
}

func TestParsePressureFaults(t *testing.T) {
	for text, want := range map[string]string{"full avg10=0\n": "no line begins with some", "some avg10=x\n": "parse pressure: avg10: ", "some total=x\n": "parse pressure: total: "} {
		_, err := parsePressure([]byte(text))
		require.ErrorContains(t, err, want)
	}
}
