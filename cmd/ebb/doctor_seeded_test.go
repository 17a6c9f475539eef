package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

// doctorChecks are those that `ebb doctor --json` printed, by name.
func doctorChecks(t *testing.T, out []byte) map[string]browser.Check {
	t.Helper()
	checks := map[string]browser.Check{}
	for line := range bytes.Lines(out) {
		var row struct {
			Name, Finding, Advice string
			Status                browser.Status
		}
		require.NoError(t, json.Unmarshal(line, &row), string(line))
		checks[row.Name] = browser.Check{Name: row.Name, Status: row.Status, Finding: row.Finding, Advice: row.Advice}
	}
	return checks
}

// seeded is a fault that a shell puts into a machine of its own before `ebb doctor` looks at it.
type seeded struct {
	name string
	// flags are the namespaces that the shell has to itself; it is root in all of them.
	flags uintptr
	// before is run first. $MEMORY is the folder of the memory cgroup, where there is version 1 of it.
	before string
	// run is the command; it may not return.
	run    string
	check  string
	status browser.Status
	words  string // a pattern of the finding and the advice
}

const doctorJSON = "exec ebb doctor --json"

var seededFaults = []seeded{
	{"no user namespaces", syscall.CLONE_NEWUSER, "echo 0 > /proc/sys/user/max_user_namespaces", doctorJSON, "namespaces", browser.Fail, "user.max_user_namespaces is 0"},
	{"tiny shared memory", syscall.CLONE_NEWNS, "mount -t tmpfs -o size=1m,mode=1777 tmpfs /dev/shm", doctorJSON, "/dev/shm", browser.Warn, "MiB free of 1 MiB.*--shm-size"},
	{"a PID 1 that takes nobody in", syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, "mount -t proc proc /proc", "ebb doctor --json & exec sleep 600 >/dev/null 2>&1", "init", browser.Warn, `PID 1 \(sleep\) does not take in`},
	{"no fonts", syscall.CLONE_NEWNS, "for f in /usr/share/fonts /usr/local/share/fonts; do [ ! -d $f ] || mount -t tmpfs tmpfs $f; done", doctorJSON, "fonts", browser.Warn, "there are none"},
	{"a profile that stays root's", syscall.CLONE_NEWNS, "true", "exec setpriv --bounding-set=-chown --inh-caps=-chown ebb doctor --json", "profile", browser.Fail, "give Chrome's folder to .*CAP_CHOWN"},
	{"another's temporary folder", syscall.CLONE_NEWNS, "mkdir $TMPDIR/own && chown 1234 $TMPDIR/own && chmod 700 $TMPDIR/own && export TMPDIR=$TMPDIR/own", doctorJSON, "temp folder", browser.Fail, `own belongs to uid 1234 \(mode 0700\)`},
	{"less memory than a browser needs", syscall.CLONE_NEWNS, "mkdir $MEMORY && echo 100M > $MEMORY/memory.limit_in_bytes && echo $$ > $MEMORY/cgroup.procs", doctorJSON, "memory", browser.Fail, "100 MiB for Ebb and Chrome together; one Chrome needs about"},
}

// TestDoctorFindsSeededFaults makes each fault really, where the tests run as root, and lets the real
// command look at it: it names the fault, and ends with code 4 where Chrome cannot work with it.
func TestDoctorFindsSeededFaults(t *testing.T) {
	if os.Geteuid() != 0 {
		return // the faults as such are in browser.TestDoctorFindsEachFault
	}
	memory := memoryCgroup(t)
	for _, s := range seededFaults {
		t.Run(s.name, func(t *testing.T) {
			if strings.Contains(s.before, "$MEMORY") && memory == "" {
				return // version 2 gives a cgroup with processes no children
			}
			t.Parallel()
			temp, err := os.MkdirTemp("", "ebb-seeded-")
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, os.RemoveAll(temp)) })
			require.NoError(t, os.Chmod(temp, 0o755))
			cell := filepath.Join(memory, filepath.Base(temp))
			t.Cleanup(func() { _ = syscall.Rmdir(cell) })
			cmd := exec.CommandContext(t.Context(), "sh", "-c", s.before+" && "+s.run)
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + temp, "TMPDIR=" + temp, "MEMORY=" + cell}
			cmd.Dir = temp
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: s.flags, Pdeathsig: syscall.SIGKILL}
			if s.flags&syscall.CLONE_NEWNS != 0 {
				cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS // what is mounted is mounted here alone
				cmd.SysProcAttr.Cloneflags &^= syscall.CLONE_NEWNS
			}
			if s.flags&syscall.CLONE_NEWUSER != 0 {
				all := []syscall.SysProcIDMap{{Size: 65536}}
				cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings, cmd.SysProcAttr.GidMappingsEnableSetgroups = all, all, true
			}
			var errs bytes.Buffer
			cmd.Stderr = &errs
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			var out bytes.Buffer
			_, err = out.ReadFrom(stdout) // to the end of ebb, which its PID 1 may outlive
			require.NoError(t, err)
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			found, looked := doctorChecks(t, out.Bytes())[s.check]
			require.True(t, looked, "%s\n%s", out.String(), errs.String())
			require.Equal(t, s.status, found.Status, "%+v", found)
			require.Regexp(t, s.words, found.Finding+" "+found.Advice)
		})
	}
}

// memoryCgroup is the folder of this process's memory cgroup where it may have children, else "".
func memoryCgroup(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		dir := "/sys/fs/cgroup/memory"
		if len(parts) != 3 || parts[1] != "memory" {
			continue
		}
		if inside := filepath.Join(dir, parts[2]); isFolder(inside) {
			dir = inside
		}
		probe := filepath.Join(dir, filepath.Base(t.TempDir())+"-probe")
		if os.Mkdir(probe, 0o755) == nil {
			require.NoError(t, syscall.Rmdir(probe))
			return dir
		}
	}
	return ""
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Both names are one command.
func TestDoctorHasTwoNames(t *testing.T) {
	for _, args := range [][]string{{"doctor"}, {"browser", "doctor"}} {
		found, _, err := newRootCommand(&app{}).Find(args)
		require.NoError(t, err)
		require.Equal(t, doctorLong, found.Long)
		require.NotNil(t, found.Flag("json"))
	}
}
