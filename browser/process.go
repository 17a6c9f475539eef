package browser

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stat is what this package needs of /proc/PID/stat.
type stat struct {
	state      byte
	ppid, pgid int
	took       time.Duration // of the processor
}

func readStat(pid int) (stat, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, fmt.Errorf("read the state of process %d: %w", pid, err)
	}
	st, err := parseStat(b)
	if err != nil {
		return stat{}, fmt.Errorf("read the state of process %d: %w", pid, err)
	}
	return st, nil
}

// parseStat reads /proc/PID/stat. The second field is the command in parentheses and
// may hold anything, so fields are counted from the last parenthesis.
func parseStat(b []byte) (stat, error) {
	at := bytes.LastIndexByte(b, ')')
	if at < 0 {
		return stat{}, fmt.Errorf("no command in %q", b)
	}
	f := bytes.Fields(b[at+1:])
	if len(f) < 3 {
		return stat{}, fmt.Errorf("%d fields in %q", len(f), b)
	}
	ppid, err1 := strconv.Atoi(string(f[1]))
	pgid, err2 := strconv.Atoi(string(f[2]))
	if err1 != nil || err2 != nil {
		return stat{}, fmt.Errorf("no numbers in %q", b)
	}
	st := stat{state: f[0][0], ppid: ppid, pgid: pgid}
	if len(f) > 12 {
		user, _ := strconv.ParseInt(string(f[11]), 10, 64)
		system, _ := strconv.ParseInt(string(f[12]), 10, 64)
		st.took = time.Duration(user+system) * clockTick
	}
	return st, nil
}

// clockTick is the unit in which the kernel tells processor time to programs: 100 a second on every
// architecture that Chrome runs on.
const clockTick = 10 * time.Millisecond

// threads are what the two threads of a process of Chrome that matter here have done so far.
type threads struct {
	main time.Duration // of the processor, by the main thread
	// ears is how often and for how long the thread has run that hears what the process is asked, as the kernel
	// writes it; "" where that cannot be read.
	ears string
}

// earsName is the thread that hears what a process of Chrome is asked, Chrome_ChildIOThread, as the kernel cuts it.
const earsName = "Chrome_ChildIOT"

// threadsOf are the threads of the processes of a Chrome, by pid.
func threadsOf(root int) map[int]threads {
	all := map[int]threads{}
	eachProcess(func(pid int) {
		if st, err := readStat(pid); err != nil || st.pgid != root || pid == root {
			return
		}
		n := strconv.Itoa(pid)
		b, err := os.ReadFile("/proc/" + n + "/task/" + n + "/stat")
		if err != nil {
			return
		}
		if st, err := parseStat(b); err == nil {
			all[pid] = threads{main: st.took, ears: readEars("/proc/" + n + "/task/")}
		}
	})
	return all
}

// readEars reads what the kernel says of the thread that hears, of those below dir.
func readEars(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		name, err := os.ReadFile(dir + e.Name() + "/comm")
		if err != nil || string(bytes.TrimSpace(name)) != earsName {
			continue
		}
		if text, err := os.ReadFile(dir + e.Name() + "/schedstat"); err == nil {
			return string(text)
		}
	}
	return ""
}

// eachProcess calls fn with the pid of every process that /proc shows.
func eachProcess(fn func(pid int)) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			fn(pid)
		}
	}
}

// killProfile kills every process that was started with a profile, and looks again
// until none is left for three looks, because a child may fork as its parent dies.
// It gives up after two seconds.
func killProfile(profile string) {
	want := []byte("--user-data-dir=" + profile)
	deadline := time.Now().Add(2 * time.Second)
	for quiet := 0; quiet < 3 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		found := 0
		eachProcess(func(pid int) {
			cmdline, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
			if err != nil || pid == os.Getpid() {
				return
			}
			for arg := range bytes.SplitSeq(cmdline, []byte{0}) {
				if bytes.Equal(arg, want) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
					found++
					return
				}
			}
		})
		if found == 0 {
			quiet++
		} else {
			quiet = 0
		}
	}
}

// reapGroup ends what is left of a process group whose leader has been waited for, and collects
// the zombies of it that became our children because we are PID 1 or a subreaper. It waits for
// single pids only: waiting for any child would steal the exits that os/exec waits for. A process
// becomes our child only when its own parent has ended, so it looks until none of the group is
// left, for five seconds at most. A group keeps its number while it has members.
func reapGroup(pgid int) {
	self := os.Getpid()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		left := 0
		eachProcess(func(pid int) {
			st, err := readStat(pid)
			switch {
			case err != nil || st.pgid != pgid || pid == pgid:
				return
			case st.state != 'Z':
				_ = syscall.Kill(pid, syscall.SIGKILL)
			case st.ppid == self:
				_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
			default:
				return // another's to collect
			}
			left++
		})
		if left == 0 {
			return
		}
	}
}

// ownedByUs says whether a file belongs to the account of this process.
func ownedByUs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
