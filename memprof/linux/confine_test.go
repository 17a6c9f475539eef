package linux

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var runner = Limits{Memory: 7 << 30, CPUs: 2} // a small CI runner

// v1Kernel has memory and CPU in hierarchies of their own, cpuacct beside cpu.
func v1Kernel(t *testing.T) (k *fakeKernel, memory, cpu string) {
	k = newKernel(t, map[string]string{
		"proc/self/mountinfo": "31 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n" +
			"33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
			"35 30 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
		"proc/self/cgroup": "4:memory:/jobs/1\n2:cpu,cpuacct:/jobs\n1:name=systemd:/\n",
	})
	k.trees["sys/fs/cgroup/memory"] = []string{memoryController}
	k.trees["sys/fs/cgroup/cpu,cpuacct"] = []string{cpuController}
	memory = k.cgroup("sys/fs/cgroup/memory", "jobs/1", shell, self)
	return k, memory, k.cgroup("sys/fs/cgroup/cpu,cpuacct", "jobs", shell, self)
}

// v2Kernel has this process in a cgroup of the v2 tree to which controllers are delegated.
func v2Kernel(t *testing.T, name, delegated string, pids ...int) (k *fakeKernel, dir string) {
	k = newKernel(t, map[string]string{
		"proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
		"proc/self/cgroup":    "0::/" + name + "\n",
	})
	k.trees["sys/fs/cgroup"] = nil
	k.cgroup("sys/fs/cgroup", "")
	k.put("sys/fs/cgroup/cgroup.subtree_control", delegated)
	return k, k.cgroup("sys/fs/cgroup", name, pids...)
}

func TestConfineV1(t *testing.T) {
	k, memory, cpu := v1Kernel(t)
	before := k.state()
	c, err := k.confiner().confine(t.Context(), runner)
	require.NoError(t, err)
	require.Equal(t, "memory 7.0 GB, 2 CPUs, by cgroup v1", c.Describe())
	require.Equal(t, runner, c.Limits())
	require.Equal(t, "42", k.text(memory+"/ebb-42-1/cgroup.procs"))
	require.Equal(t, "7516192768", k.text(memory+"/ebb-42-1/memory.limit_in_bytes"))
	require.Equal(t, "7516192768", k.text(memory+"/ebb-42-1/memory.memsw.limit_in_bytes"))
	require.Equal(t, "42", k.text(cpu+"/ebb-42-1/cgroup.procs"))
	require.Equal(t, "200000", k.text(cpu+"/ebb-42-1/cpu.cfs_quota_us"))
	require.Equal(t, "100000", k.text(cpu+"/ebb-42-1/cpu.cfs_period_us"))
	require.Equal(t, "7", k.text(memory+"/cgroup.procs"))

	require.NoError(t, c.Release(t.Context()))
	require.Equal(t, before, k.state())
	require.NoError(t, c.Release(t.Context()))
	require.Equal(t, before, k.state())
}

// In a hybrid, memory and CPU are on v1 beside an empty v2 tree, or one of them is on each.
func TestConfineHybrid(t *testing.T) {
	k, memory, cpu := v1Kernel(t)
	k.put("proc/self/mountinfo", "36 30 0:36 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"+k.text("proc/self/mountinfo")+"\n")
	k.put("proc/self/cgroup", k.text("proc/self/cgroup")+"\n0::/jobs\n")
	k.trees["sys/fs/cgroup/unified"] = nil
	unified := k.cgroup("sys/fs/cgroup/unified", "jobs", shell, self)
	c, err := k.confiner().confine(t.Context(), runner)
	require.NoError(t, err)
	require.Equal(t, "memory 7.0 GB, 2 CPUs, by cgroup v1", c.Describe())
	require.Equal(t, "42", k.text(memory+"/ebb-42-1/cgroup.procs"))
	require.Equal(t, "7\n42", k.text(unified+"/cgroup.procs"))
	require.NoError(t, c.Release(t.Context()))

	// CPU moves to v2
	k.put("proc/self/cgroup", "4:memory:/jobs/1\n0::/\n")
	require.NoError(t, k.Write(filepath.Join(k.root, "sys/fs/cgroup/unified/cgroup.procs"), "42"))
	before := k.state()
	c, err = k.confiner().confine(t.Context(), runner)
	require.NoError(t, err)
	require.Equal(t, "memory 7.0 GB, 2 CPUs, by cgroup v1 and v2", c.Describe())
	require.Equal(t, "200000 100000", k.text("sys/fs/cgroup/unified/ebb-42-1/cpu.max"))
	require.Equal(t, "-1", k.text(cpu+"/cpu.cfs_quota_us"))
	require.NoError(t, c.Release(t.Context()))
	require.Equal(t, before, k.state())
}

// Alone in a delegated cgroup, this process moves into a leaf before it turns controllers on,
// and turns them off before it moves back.
func TestConfineV2(t *testing.T) {
	k, dir := v2Kernel(t, "ebb.scope", "cpu memory", self)
	before := k.state()
	c, err := k.confiner().confine(t.Context(), runner)
	require.NoError(t, err)
	require.Equal(t, "memory 7.0 GB, 2 CPUs, by cgroup v2", c.Describe())
	require.Equal(t, "42", k.text(dir+"/ebb-42-1/cgroup.procs"))
	require.Equal(t, "7516192768", k.text(dir+"/ebb-42-1/memory.max"))
	require.Equal(t, "0", k.text(dir+"/ebb-42-1/memory.swap.max"))
	require.Equal(t, "200000 100000", k.text(dir+"/ebb-42-1/cpu.max"))
	require.Equal(t, "memory cpu", k.text(dir+"/cgroup.subtree_control"))
	require.NoError(t, c.Release(t.Context()))
	require.Equal(t, before, k.state())
}

// The uppermost cgroup may hold processes and limit children; what was on before stays on.
func TestConfineInTheUppermostCgroup(t *testing.T) {
	k, _ := v2Kernel(t, "", "memory", shell, self)
	before := k.state()
	c, err := k.confiner().confine(t.Context(), runner)
	require.NoError(t, err)
	require.Equal(t, "memory cpu", k.text("sys/fs/cgroup/cgroup.subtree_control"))
	require.NoError(t, c.Release(t.Context()))
	require.Equal(t, before, k.state())

	c, err = k.confiner().confine(t.Context(), runner)
	require.NoError(t, err)
	other := k.cgroup("sys/fs/cgroup", "other")
	require.NoError(t, c.Release(t.Context()))
	require.Equal(t, "memory cpu", k.text("sys/fs/cgroup/cgroup.subtree_control"), "another cgroup may need it")
	require.Equal(t, "max 100000", k.text(other+"/cpu.max"))
}

func TestOnlyWhatIsAskedForIsLimited(t *testing.T) {
	k, memory, cpu := v1Kernel(t)
	c, err := k.confiner().confine(t.Context(), Limits{CPUs: 0.5})
	require.NoError(t, err)
	require.Equal(t, "0.5 CPUs, by cgroup v1", c.Describe())
	require.Equal(t, "50000", k.text(cpu+"/ebb-42-1/cpu.cfs_quota_us"))
	require.Equal(t, "7\n42", k.text(memory+"/cgroup.procs"))
	require.NoError(t, c.Release(t.Context()))

	c, err = k.confiner().confine(t.Context(), Limits{Memory: 512 << 20})
	require.NoError(t, err)
	require.Equal(t, "memory 512 MB, by cgroup v1", c.Describe())
	require.Equal(t, "7\n42", k.text(cpu+"/cgroup.procs"))
	require.NoError(t, c.Release(t.Context()))
}

func TestLimitsThatMeanNothing(t *testing.T) {
	for want, l := range map[string]Limits{
		"there is neither a memory limit nor a CPU limit":                                       {},
		"a memory limit of 255 MB is too low for a Chrome: the least is 256 MB":                 {Memory: 256<<20 - 1},
		"a memory limit of -1 MB is too low for a Chrome: the least is 256 MB":                  {Memory: -1},
		"a memory limit of 17.0 GB cannot be reached: this machine has 16.0 GB":                 {Memory: 17 << 30},
		"a limit of 3 CPUs cannot be reached: this machine has 2 CPUs":                          {CPUs: 3},
		"a limit of -1 CPUs is too low: the least is 0.01":                                      {CPUs: -1},
		"a limit of NaN CPUs is too low: the least is 0.01":                                     {CPUs: math.NaN()},
		"a memory limit of 9.0 GB cannot be reached: the cgroup /sys/fs/cgroup/memory/jobs all": {Memory: 9 << 30},
		"a limit of 2 CPUs cannot be reached: the cgroup /sys/fs/cgroup/cpu,cpuacct allows 1.5": {CPUs: 2},
	} {
		k, _, _ := v1Kernel(t)
		k.put("sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "8589934592")
		k.put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000")
		before := k.state()
		_, err := k.confiner().confine(t.Context(), l)
		require.ErrorContains(t, err, "confine this process: "+want)
		require.Equal(t, before, k.state())
	}
}

// However a confinement fails, everything is as it was before, and the error says what to do.
func TestWhatIsMissingForAConfinement(t *testing.T) {
	refuse := func(suffix string, err error) func(*fakeKernel) {
		return func(k *fakeKernel) {
			k.refuse = func(path string) error {
				if strings.HasSuffix(path, suffix) {
					return fmt.Errorf("write %s: %w", path, err)
				}
				return nil
			}
		}
	}
	v1 := func(t *testing.T) *fakeKernel { k, _, _ := v1Kernel(t); return k }
	v2 := func(name, delegated string, pids ...int) func(t *testing.T) *fakeKernel {
		return func(t *testing.T) *fakeKernel { k, _ := v2Kernel(t, name, delegated, pids...); return k }
	}
	for name, c := range map[string]struct {
		kernel func(t *testing.T) *fakeKernel
		change func(*fakeKernel)
		want   []string
	}{
		"v1 as another user": {v1, refuse("memory/jobs/1/ebb-42-1", syscall.EACCES), []string{"make a cgroup: ", "permission denied", "run Ebb as root", "--memory 7168m --memory-swap 7168m --cpus 2"}},
		"v1 read-only":       {v1, refuse("memory/jobs/1/ebb-42-1", syscall.EROFS), []string{"mounted read-only", "`docker run --memory 7168m"}},
		"the second of two":  {v1, refuse("cpu.cfs_quota_us", syscall.EINVAL), []string{"set the limit: ", "invalid argument"}},
		"no controller":      {v1, func(k *fakeKernel) { k.put("proc/self/cgroup", "4:memory:/jobs/1\n") }, []string{"no cgroup hierarchy with the cpu controller is mounted"}},
		"unseen":             {v1, func(k *fakeKernel) { k.put("proc/self/cgroup", "4:memory:/../x\n2:cpu,cpuacct:/jobs\n") }, []string{"/sys/fs/cgroup/memory does not hold it"}},
		"v2 as another user": {v2("ebb.scope", "cpu memory", self), refuse("ebb-42-1/cgroup.procs", syscall.EACCES), []string{
			"move into the cgroup: ", "run Ebb as root", "`systemd-run --user --scope -p Delegate=yes ebb …`", "`systemd-run --user --scope -p MemoryMax=7168M -p MemorySwapMax=0 -p CPUQuota=200% ebb …`",
		}},
		"v2 with a shell":     {v2("session.scope", "cpu memory", shell, self), func(*fakeKernel) {}, []string{"the cgroup /sys/fs/cgroup/session.scope holds other processes, bash (7), and", "Delegate=yes", "`exec ebb …`"}},
		"v2 without cpu":      {v2("ebb.scope", "memory", self), func(*fakeKernel) {}, []string{"may not use the cpu controller (it may use: memory): run Ebb in a cgroup of its own"}},
		"v2 without any":      {v2("ebb.scope", "", self), func(*fakeKernel) {}, []string{"may not use the memory controller (it may use: none)"}},
		"v2 was not the last": {v2("ebb.scope", "cpu memory", self), refuse("ebb.scope/cgroup.subtree_control", syscall.EBUSY), []string{"turn on the memory controller: ", "Delegate=yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			k := c.kernel(t)
			c.change(k)
			before := k.state()
			_, err := k.confiner().confine(t.Context(), runner)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			k.refuse = func(string) error { return nil }
			require.Equal(t, before, k.state())
		})
	}
}

func TestKernelsWithoutSwapAccounting(t *testing.T) {
	k, _, _ := v1Kernel(t)
	k.refuse = func(path string) error {
		if strings.HasSuffix(path, "memory.memsw.limit_in_bytes") {
			return syscall.ENOENT
		}
		return nil
	}
	c, err := k.confiner().confine(t.Context(), runner)
	require.NoError(t, err)
	require.NoError(t, c.Release(t.Context()))
}

func TestReleaseDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, memory, _ := v1Kernel(t)
		c, err := k.confiner().confine(t.Context(), runner)
		require.NoError(t, err)
		for pid := 50; pid < 57; pid++ {
			k.put(fmt.Sprintf("proc/%d/comm", pid), "chrome\n")
			k.cgroup("sys/fs/cgroup/memory", "jobs/1/ebb-42-1", pid)
		}
		start := time.Now()
		err = c.Release(t.Context())
		require.ErrorContains(t, err, "/jobs/1/ebb-42-1 still holds chrome (50), chrome (51), chrome (52), chrome (53), chrome (54) and 2 more: it is removed by the next confinement")
		require.Equal(t, emptyTimeout, time.Since(start))
		require.Equal(t, "7\n42", k.text(memory+"/cgroup.procs"))
		require.NoDirExists(t, filepath.Join(k.root, "sys/fs/cgroup/cpu,cpuacct/jobs/ebb-42-1"))

		go func() {
			time.Sleep(time.Second) // Chrome takes its time
			k.put(memory+"/ebb-42-1/cgroup.procs", "")
		}()
		start = time.Now()
		require.NoError(t, c.Release(t.Context()))
		require.InDelta(t, time.Second, time.Since(start), float64(emptyInterval))
		require.NoDirExists(t, filepath.Join(k.root, memory, "ebb-42-1"))
	})
}

func TestOnlyEmptyCgroupsOfTheDeadAreRemoved(t *testing.T) {
	k, memory, _ := v1Kernel(t)
	tree := "sys/fs/cgroup/memory"
	gone := k.cgroup(tree, "jobs/1/ebb-99-1")
	reused := k.cgroup(tree, "jobs/1/ebb-42-1") // of another process 42
	kept := []string{
		k.cgroup(tree, "jobs/1/ebb-99-2", 51), // a Chrome that outlived its worker
		k.cgroup(tree, "jobs/1/ebb-7-1"),      // process 7 lives
		k.cgroup(tree, "jobs/1/ebb-99"),
		k.cgroup(tree, "jobs/1/ebb-99-x"),
		k.cgroup(tree, "jobs/1/ebb-x-1"),
		k.cgroup(tree, "jobs/1/other-99-1"),
		k.cgroup(tree, "jobs/1/ebb-42-2", 52), // in use: the name is passed over
	}
	c, err := k.confiner().confine(t.Context(), runner)
	require.NoError(t, err)
	require.NoDirExists(t, filepath.Join(k.root, gone))
	require.Equal(t, "42", k.text(reused+"/cgroup.procs"), "its name is free again")
	nested, err := k.confiner().create(home{dir: memory})
	require.NoError(t, err)
	require.Equal(t, "ebb-42-3", nested.name)
	for _, dir := range kept {
		require.DirExists(t, filepath.Join(k.root, dir))
	}
	require.NoError(t, c.Release(t.Context()))
}

func TestConfineAfterTheEnd(t *testing.T) {
	k, _, _ := v1Kernel(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := k.state()
	_, err := k.confiner().confine(ctx, runner)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before, k.state())
}

func TestParseQuota(t *testing.T) {
	cpus, limited, err := parseQuota("150000 100000\n")
	require.NoError(t, err)
	require.True(t, limited)
	require.InDelta(t, 1.5, cpus, 0)
	for _, text := range []string{"max 100000", "-1\n 100000\n"} {
		_, limited, err = parseQuota(text)
		require.NoError(t, err)
		require.False(t, limited)
	}
	for _, text := range []string{"", "5", "x 100000", "5 0", "5 x"} {
		_, _, err = parseQuota(text)
		require.ErrorContains(t, err, "parse CPU ")
	}
}
