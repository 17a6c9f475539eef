package browser

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// patient is a machine on which everything is as it should be, until a test spoils it.
type patient struct {
	t *testing.T
	o DoctorOptions
	m machine
}

func healthyMachine(t *testing.T) *patient {
	t.Helper()
	root := realTempDir(t)
	// The test's own temporary folder is for its user alone: Chrome's must get in.
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	p := &patient{t: t, o: DoctorOptions{Root: root, TempDir: filepath.Join(root, "tmp")}}
	p.o.Find = FindOptions{Getenv: func(string) string { return "" }, CacheDir: filepath.Join(root, "cache"), Root: root}
	putChrome(t, filepath.Join(root, "usr/lib/chromium/chromium-headless-shell"), "")
	for path, text := range map[string]string{
		"proc/sys/user/max_user_namespaces":                       "96365\n",
		"proc/sys/user/max_pid_namespaces":                        "96365\n",
		"proc/sys/user/max_net_namespaces":                        "96365\n",
		"proc/sys/kernel/unprivileged_userns_clone":               "1\n",
		"proc/sys/kernel/apparmor_restrict_unprivileged_userns":   "0\n",
		"proc/sys/kernel/seccomp/actions_avail":                   "kill_process kill_thread trap errno user_notif trace log allow\n",
		"proc/1/comm":                                             "tini\n",
		"proc/1/cgroup":                                           "0::/init.scope\n",
		"proc/meminfo":                                            "MemTotal:       16000000 kB\nMemFree:  1 kB\n",
		"proc/self/cgroup":                                        "0::/system.slice/ebb.service\n",
		"sys/fs/cgroup/system.slice/memory.max":                   "max\n",
		"sys/fs/cgroup/system.slice/ebb.service/memory.max":       "4294967296\n",
		"etc/fonts/fonts.conf":                                    "<fontconfig/>",
		"usr/share/fonts/truetype/liberation/Liberation-Mono.ttf": "font",
	} {
		put(t, filepath.Join(root, path), text, 0o644)
	}
	for _, dir := range []string{"dev/shm", "tmp"} {
		path := filepath.Join(root, dir)
		require.NoError(t, os.MkdirAll(path, 0o755))
		require.NoError(t, os.Chmod(path, 0o777|fs.ModeSticky))
	}
	p.o.Start = func(context.Context) (string, bool, error) { return "156.0.1.2", true, nil }
	p.m = machine{
		account: func(string) (account, error) {
			return account{name: "nobody", uid: 65534, gid: 65534, other: true}, nil
		},
		space:     func(string) (uint64, uint64, error) { return 8 << 30, 4 << 30, nil },
		openFiles: func() (uint64, error) { return 1 << 20, nil },
		sandbox:   func(context.Context, account) error { return nil },
		reaper:    func(context.Context) (reaperKind, error) { return reaperInit, nil },
		pid:       42,
		zone:      func(string) error { return nil },
		profile:   func(string, account) error { return nil },
	}
	return p
}

func (p *patient) path(name string) string { return filepath.Join(p.o.Root, name) }

func (p *patient) put(name, text string) { put(p.t, p.path(name), text, 0o644) }

func (p *patient) remove(name string) { require.NoError(p.t, os.RemoveAll(p.path(name))) }

func (p *patient) chmod(name string, mode fs.FileMode) {
	require.NoError(p.t, os.Chmod(p.path(name), mode))
}

func TestDoctorFindsNothingWrong(t *testing.T) {
	p := healthyMachine(t)
	checks := examine(t.Context(), p.o, p.m)
	names := []string{}
	for _, c := range checks {
		require.Equal(t, OK, c.Status, "%+v", c)
		require.NotEmpty(t, c.Finding)
		require.Empty(t, c.Advice, "%+v", c)
		names = append(names, c.Name)
	}
	require.Equal(t, []string{
		"executable", "version", "user", "access", "namespaces", "seccomp", "/dev/shm", "fonts", "init",
		"memory", "temp folder", "profile", "open files", "time zones", "start",
	}, names)
	entries, err := os.ReadDir(p.o.TempDir)
	require.NoError(t, err)
	require.Empty(t, entries, "what was tried is removed")
}

// Each case spoils one thing. The check of that thing must say so, with the words given,
// and no other check may change.
func TestDoctorFindsEachFault(t *testing.T) {
	noStart := func(p *patient) { p.o.Start = nil }
	refuse := errors.New("exit status 1: unshare failed: Operation not permitted")
	cases := []struct {
		name   string
		spoil  func(*patient)
		check  string
		status Status
		words  []string // in the finding and advice
	}{
		{"full Chrome", func(p *patient) {
			p.remove("usr/lib/chromium")
			putChrome(p.t, p.path("opt/google/chrome/chrome"), "")
		}, "executable", Warn, []string{"is a full Chrome", "ebb browser install"}},
		{"old", func(p *patient) { p.put("usr/lib/chromium/chromium-headless-shell.says", "Chromium 120.0.6099.1") }, "version", Warn, []string{"Chrome 120.0.6099.1", "Update"}},
		{"new", func(p *patient) { p.put("usr/lib/chromium/chromium-headless-shell.says", "Chromium 180.0.1.1") }, "version", Warn, []string{"Chrome 180.0.1.1", "ebb demo"}},
		{"root", func(p *patient) {
			p.m.account = func(string) (account, error) { return account{name: "nobody"}, nil }
		}, "user", Fail, []string{"as root", "ordinary user"}},
		{"closed folder", func(p *patient) { p.chmod("usr/lib/chromium", 0o700) }, "access", Fail, []string{"user nobody may not enter", "chmod o+rx", "usr/lib/chromium"}},
		{"closed file", func(p *patient) { p.chmod("usr/lib/chromium/chromium-headless-shell", 0o744) }, "access", Fail, []string{"chromium/chromium-headless-shell"}},
		{"no namespaces", func(p *patient) {
			noStart(p)
			p.put("proc/sys/user/max_user_namespaces", "0")
			p.m.sandbox = func(context.Context, account) error { return refuse }
		}, "namespaces", Fail, []string{"user.max_user_namespaces is 0", "not permitted", "sysctl -w user.max_user_namespaces"}},
		{"no PID namespaces", func(p *patient) {
			noStart(p)
			p.put("proc/sys/user/max_pid_namespaces", "0")
			p.m.sandbox = func(context.Context, account) error { return refuse }
		}, "namespaces", Fail, []string{"user.max_pid_namespaces is 0"}},
		{"no network namespaces", func(p *patient) {
			noStart(p)
			p.put("proc/sys/user/max_net_namespaces", "0")
			p.m.sandbox = func(context.Context, account) error { return refuse }
		}, "namespaces", Fail, []string{"user.max_net_namespaces is 0"}},
		{"Debian's setting", func(p *patient) {
			noStart(p)
			p.put("proc/sys/kernel/unprivileged_userns_clone", "0")
			p.m.sandbox = func(context.Context, account) error { return refuse }
		}, "namespaces", Fail, []string{"kernel.unprivileged_userns_clone is 0"}},
		{"Ubuntu's setting", func(p *patient) {
			noStart(p)
			p.put("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1")
			p.m.sandbox = func(context.Context, account) error { return refuse }
		}, "namespaces", Fail, []string{"AppArmor restricts", "AppArmor profile"}},
		{"forbidden, and nothing to try it with", func(p *patient) {
			noStart(p)
			p.put("proc/sys/kernel/unprivileged_userns_clone", "0")
			p.m.sandbox = func(context.Context, account) error { return errNoUnshare }
		}, "namespaces", Fail, []string{"kernel.unprivileged_userns_clone is 0"}},
		{"nothing to try it with", func(p *patient) {
			noStart(p)
			p.m.sandbox = func(context.Context, account) error { return errNoUnshare }
		}, "namespaces", Warn, []string{"no unshare program", "util-linux"}},
		{"Docker's default filter", func(p *patient) {
			noStart(p)
			p.put(".dockerenv", "")
			p.m.sandbox = func(context.Context, account) error { return refuse }
		}, "namespaces", Fail, []string{"not permitted", "--security-opt seccomp=FILE"}},
		{"a cluster's default filter", func(p *patient) {
			noStart(p)
			p.put("proc/1/cgroup", "0::/kubepods/burstable/pod1\n")
			p.m.sandbox = func(context.Context, account) error { return refuse }
		}, "namespaces", Fail, []string{"--security-opt seccomp=FILE"}},
		{"a filter of unknown kind", func(p *patient) {
			noStart(p)
			p.m.sandbox = func(context.Context, account) error { return refuse }
		}, "namespaces", Fail, []string{"a seccomp filter or a security module"}},
		{"no filter", func(p *patient) { p.remove("proc/sys/kernel/seccomp") }, "seccomp", Fail, []string{"no system call filter", "CONFIG_SECCOMP_FILTER"}},
		{"half a filter", func(p *patient) { p.put("proc/sys/kernel/seccomp/actions_avail", "kill_thread errno allow") }, "seccomp", Fail, []string{"lacks trap"}},
		{"no shared memory", func(p *patient) { p.remove("dev/shm") }, "/dev/shm", Warn, []string{"there is none", "--shm-size=1g"}},
		{"closed shared memory", func(p *patient) { p.chmod("dev/shm", 0o755) }, "/dev/shm", Warn, []string{"may not write there", "chmod 1777"}},
		{"little shared memory", func(p *patient) {
			p.m.space = func(path string) (uint64, uint64, error) {
				if filepath.Base(path) == "shm" {
					return 64 << 20, 64 << 20, nil
				}
				return 8 << 30, 4 << 30, nil
			}
		}, "/dev/shm", Warn, []string{"64 MiB free of 64 MiB", "--shm-size=1g"}},
		{"no fonts", func(p *patient) { p.remove("usr/share/fonts") }, "fonts", Warn, []string{"there are none", "fonts-liberation"}},
		{"no fontconfig", func(p *patient) { p.remove("etc/fonts") }, "fonts", Warn, []string{"no /etc/fonts/fonts.conf", "fontconfig-config"}},
		{"zombies", func(p *patient) {
			p.put("proc/1/comm", "sleep\n")
			p.m.reaper = func(context.Context) (reaperKind, error) { return reaperNone, nil }
		}, "init", Warn, []string{"PID 1 (sleep) does not take in", "--init"}},
		{"PID 1", func(p *patient) { p.m.pid = 1 }, "init", Warn, []string{"Ebb itself is PID 1", "tini"}},
		{"orphans cannot be tried", func(p *patient) {
			p.m.reaper = func(context.Context) (reaperKind, error) { return reaperNone, errors.New("no sh") }
		}, "init", Warn, []string{"no sh"}},
		{"no memory for a browser", func(p *patient) { p.put("sys/fs/cgroup/system.slice/ebb.service/memory.max", "104857600\n") }, "memory", Fail, []string{"100 MiB", "one Chrome needs about 150 MiB"}},
		{"little memory above", func(p *patient) { p.put("sys/fs/cgroup/system.slice/memory.max", "314572800\n") }, "memory", Warn, []string{"300 MiB", "small pages only"}},
		{"limit given by the caller", func(p *patient) { p.o.MemoryLimit = func() (uint64, error) { return 100 << 20, nil } }, "memory", Fail, []string{"100 MiB"}},
		{"limit unknown", func(p *patient) { p.o.MemoryLimit = func() (uint64, error) { return 0, errors.New("no cgroup") } }, "memory", Warn, []string{"no cgroup"}},
		{"no temp folder", func(p *patient) { p.remove("tmp") }, "temp folder", Fail, []string{"does not exist", "TMPDIR"}},
		{"a file for a temp folder", func(p *patient) { p.remove("tmp"); p.put("tmp", "") }, "temp folder", Fail, []string{"is no folder"}},
		{"profile of another's", func(p *patient) {
			p.m.profile = func(string, account) error {
				return fmt.Errorf("give Chrome's folder to user nobody: %w: uid 0", errOwner)
			}
		}, "profile", Fail, []string{"belongs to another account: uid 0", "CAP_CHOWN", "belongs to uid"}},
		{"profile that cannot be given away", func(p *patient) {
			p.m.profile = func(string, account) error {
				return fmt.Errorf("give Chrome's folder to user nobody: %w", os.ErrPermission)
			}
		}, "profile", Fail, []string{"give Chrome's folder to user nobody", "CAP_CHOWN"}},
		{"profile on a full disk", func(p *patient) {
			p.m.profile = func(string, account) error { return errors.New("no space left on device") }
		}, "profile", Fail, []string{"no space left", "TMPDIR"}},
		{"temp folder closed to Chrome", func(p *patient) { p.chmod("tmp", 0o700) }, "temp folder", Fail, []string{"user nobody may not enter"}},
		{"temp folder without sticky bit", func(p *patient) { p.chmod("tmp", 0o777) }, "temp folder", Warn, []string{"no sticky bit", "chmod +t"}},
		{"full temp folder", func(p *patient) {
			p.m.space = func(path string) (uint64, uint64, error) {
				if path == p.o.TempDir {
					return 8 << 30, 10 << 20, nil
				}
				return 8 << 30, 4 << 30, nil
			}
		}, "temp folder", Fail, []string{"10 MiB free", "too little"}},
		{"nearly full temp folder", func(p *patient) {
			p.m.space = func(path string) (uint64, uint64, error) {
				if path == p.o.TempDir {
					return 8 << 30, 100 << 20, nil
				}
				return 8 << 30, 4 << 30, nil
			}
		}, "temp folder", Warn, []string{"100 MiB free", "disk cache may fill it"}},
		{"few files", func(p *patient) { p.m.openFiles = func() (uint64, error) { return 512, nil } }, "open files", Fail, []string{"512 files", "ulimit -n 8192"}},
		{"not many files", func(p *patient) { p.m.openFiles = func() (uint64, error) { return 1024, nil } }, "open files", Warn, []string{"1024 files", "LimitNOFILE"}},
		{"files unknown", func(p *patient) { p.m.openFiles = func() (uint64, error) { return 0, errors.New("no limit") } }, "open files", Warn, []string{"no limit"}},
		{"no zones", func(p *patient) {
			p.m.zone = func(name string) error { return fmt.Errorf("unknown time zone %s", name) }
		}, "time zones", Fail, []string{"unknown time zone Europe/Berlin", "tzdata"}},
		{"wrong TZ", func(p *patient) {
			p.o.Find.Getenv = func(k string) string { return map[string]string{"TZ": "Mars/North"}[k] }
			p.m.zone = func(name string) error {
				if name == "Mars/North" {
					return errors.New("unknown time zone")
				}
				return nil
			}
		}, "time zones", Warn, []string{`TZ is "Mars/North"`, "Correct TZ"}},
		{"does not start", func(p *patient) {
			p.o.Start = func(context.Context) (string, bool, error) { return "", false, errors.New("it died") }
		}, "start", Fail, []string{"did not start: it died"}},
		{"starts without sandbox", func(p *patient) {
			p.o.Start = func(context.Context) (string, bool, error) { return "156.0.1.2", false, nil }
		}, "start", Fail, []string{"without its sandbox", "See namespaces"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := healthyMachine(t)
			c.spoil(p)
			seen := 0
			for _, check := range examine(t.Context(), p.o, p.m) {
				if check.Name != c.check {
					require.Equal(t, OK, check.Status, "%+v", check)
					continue
				}
				seen++
				require.Equal(t, c.status, check.Status, "%+v", check)
				for _, w := range c.words {
					require.Contains(t, check.Finding+" | "+check.Advice, w)
				}
			}
			require.Equal(t, 1, seen)
		})
	}
}

func TestDoctorWithoutChrome(t *testing.T) {
	p := healthyMachine(t)
	p.remove("usr/lib/chromium")
	p.o.Start = func(context.Context) (string, bool, error) {
		t.Error("there is nothing to start")
		return "", false, nil
	}
	checks := examine(t.Context(), p.o, p.m)
	require.Equal(t, Fail, checks[0].Status)
	require.Contains(t, checks[0].Finding, "no usable Chrome was found")
	require.Equal(t, "Run `ebb browser install`.", checks[0].Advice)

	p.o.Find.Path = p.path("missing")
	checks = examine(t.Context(), p.o, p.m)
	require.Contains(t, checks[0].Finding, "missing does not exist")
	require.Contains(t, checks[0].Advice, "Correct the path")
}

func TestDoctorWithAWrongUser(t *testing.T) {
	p := healthyMachine(t)
	p.o.User = "no-such-user"
	p.o.Start = nil
	p.m.account = findAccount
	checks := examine(t.Context(), p.o, p.m)
	require.Equal(t, "user", checks[2].Name)
	require.Equal(t, Fail, checks[2].Status)
	require.Contains(t, checks[2].Finding, "no-such-user")
}

// A Chrome that started in its sandbox outweighs an unshare that is not allowed to.
func TestDoctorBelievesTheRealStart(t *testing.T) {
	p := healthyMachine(t)
	p.put("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1")
	p.m.sandbox = func(context.Context, account) error { return errors.New("not permitted") }
	for _, c := range examine(t.Context(), p.o, p.m) {
		require.Equal(t, OK, c.Status, "%+v", c)
	}
}

func TestMemoryLimit(t *testing.T) {
	const meminfo = "MemTotal:       1000 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  uint64
		err   string
	}{
		"no cgroups":       {map[string]string{"proc/meminfo": meminfo}, 1024000, ""},
		"no machine":       {map[string]string{}, 0, "read the machine's memory"},
		"no total":         {map[string]string{"proc/meminfo": "MemFree: 1 kB\n"}, 0, "no MemTotal"},
		"2, no limit":      {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 1024000, ""},
		"2, limit above":   {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b/c\n", "sys/fs/cgroup/a/memory.max": "7000\n", "sys/fs/cgroup/a/b/memory.max": "9000\n"}, 7000, ""},
		"2, in container":  {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "5000\n"}, 5000, ""},
		"1, own limit":     {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "5:cpu,cpuacct:/\n4:memory:/a/b\n0::/\n", "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "3000\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 3000, ""},
		"1, host's path":   {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:hugetlb,memory:/docker/abc\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "2000\n"}, 2000, ""},
		"not a number":     {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "lots\n"}, 0, "memory.max"},
		"outside the root": {map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/../../x\n", "sys/fs/cgroup/x/memory.max": "4000\n"}, 4000, ""},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for path, text := range c.files {
				put(t, filepath.Join(root, path), text, 0o644)
			}
			got, err := memoryLimit(root)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

// What Chrome's user may do is told from the mode bits alone.
func TestAccountMay(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "file"), "", 0o754)
	info, err := os.Stat(path)
	require.NoError(t, err)
	owner, group := os.Geteuid(), os.Getegid()
	other := account{uid: owner + 1, gid: group + 1}
	require.True(t, other.may(info, 4))
	require.False(t, other.may(info, 1))
	member := account{uid: owner + 1, gid: group}
	require.True(t, member.may(info, 5))
	require.False(t, member.may(info, 2))
	require.True(t, account{uid: owner, gid: group}.may(info, 7))
}

func TestOrphansAreTakenIn(t *testing.T) {
	var before int32
	require.NoError(t, unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&before)), 0, 0, 0))
	defer func() { require.NoError(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, uintptr(before), 0, 0, 0)) }()
	require.NoError(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
	kind, err := findReaper(t.Context())
	require.NoError(t, err)
	require.Equal(t, reaperSelf, kind)
	require.NoError(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0))
	kind, err = findReaper(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, reaperSelf, kind)
}

// The tests need a machine on which Chrome's sandbox works: this says so before they do.
func TestThisMachineAllowsTheSandbox(t *testing.T) {
	as, err := findAccount("")
	require.NoError(t, err)
	require.NoError(t, trySandbox(t.Context(), as))
	if os.Geteuid() == 0 {
		require.NotZero(t, as.uid)
	}
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	require.ErrorIs(t, trySandbox(t.Context(), as), errNoUnshare)
	for dir := bin; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		require.NoError(t, os.Chmod(dir, 0o755)) // the account must get at the script
	}
	put(t, filepath.Join(bin, "unshare"), "#!/bin/sh\necho \"unshare: unrecognized option '--root=/'\" >&2\nexit 1\n", 0o755)
	require.ErrorIs(t, trySandbox(t.Context(), as), errNoUnshare)
	put(t, filepath.Join(bin, "unshare"), "#!/bin/sh\necho unshare: unshare failed: Operation not permitted >&2\nexit 1\n", 0o755)
	require.EqualError(t, trySandbox(t.Context(), as), "exit status 1: unshare: unshare failed: Operation not permitted")
}
