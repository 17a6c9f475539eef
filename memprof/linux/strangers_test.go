package linux

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// statBelow is the line of a process below another.
func statBelow(t *testing.T, pid, ppid int) *string {
	captured := string(mustRead(t, "proc/100/stat"))
	line := strings.Replace(captured, "100 (", fmt.Sprintf("%d (", pid), 1)
	return text(strings.Replace(line, " S 50 ", fmt.Sprintf(" S %d ", ppid), 1))
}

// A first process counts, its children and other programs do not, nor what this program started.
func TestChromesOfOthersAreCounted(t *testing.T) {
	files := map[string]*string{}
	for _, p := range []struct {
		pid, ppid int
		cmdline   string
	}{
		{200, 1, "/opt/google/chrome/chrome\x00--user-data-dir=/x\x00"},
		{201, 200, "/opt/google/chrome/chrome --type=zygote"},
		{202, 200, "/opt/google/chrome/chrome_crashpad_handler\x00--monitor-self\x00"},
		{300, 1, "/usr/bin/chromedriver\x00"},
		{301, 300, "/usr/lib/chromium/chromium-headless-shell\x00--headless\x00"},
		{400, 1, "/bin/sh\x00/usr/bin/chromium\x00"},
		{401, 400, "/usr/lib/chromium/chromium\x00"},
		{402, 401, "/usr/lib/chromium/chromium\x00"}, // forked, and not yet another program
		{500, 800, "/usr/lib/chromium/chromium\x00"}, // of this program, though not listed
		{800, 1, "/usr/bin/ebb\x00"},
		{600, 1, "vi\x00chrome\x00"},
	} {
		files[fmt.Sprintf("proc/%d/stat", p.pid)] = statBelow(t, p.pid, p.ppid)
		files[fmt.Sprintf("proc/%d/cmdline", p.pid)] = text(p.cmdline)
	}
	for _, name := range []string{"status", "smaps_rollup"} {
		files["proc/800/"+name] = text(string(mustRead(t, "proc/105/"+name)))
	}
	root := changed(t, files)
	root["proc/800/fd"] = &fstest.MapFile{Mode: fs.ModeDir}
	p := NewProcesses(Options{Root: root, Browsers: one(100), Self: 800})
	for range 3 {
		readings, totals := read(t, p, full)
		require.Empty(t, faults(readings))
		known(t, totals, "host.chromes", "", 3)
	}
	_, totals := read(t, p, tick)
	unknown(t, totals, "host.chromes", "")

	// One that was only forked when it was first seen is looked at again.
	root["proc/700/stat"] = &fstest.MapFile{Data: []byte(*statBelow(t, 700, 1))}
	root["proc/700/cmdline"] = &fstest.MapFile{Data: []byte("bash\x00")}
	_, totals = read(t, p, full)
	known(t, totals, "host.chromes", "", 3)
	root["proc/700/cmdline"] = &fstest.MapFile{Data: []byte("/usr/bin/google-chrome\x00")}
	_, totals = read(t, p, full)
	known(t, totals, "host.chromes", "", 4)
}

func TestTheControlsProcessesAreApart(t *testing.T) {
	b := Browser{ID: "b", PID: 100, Control: func() []int { return []int{105} }}
	p := NewProcesses(Options{Root: captured("chrome"), Browsers: func() []Browser { return []Browser{b} }, Self: 105})
	readings, totals := read(t, p, full)
	require.Empty(t, faults(readings))
	known(t, totals, "process.count", "renderer", 0)
	known(t, totals, "process.count", memprof.ControlGroup, 1)
	known(t, totals, "process.count", memprof.Chrome, 5)
	known(t, totals, "process.anon", memprof.ControlGroup, (15388+708)*1024)
	known(t, totals, "process.anon", memprof.Chrome, (13568+524+8324+8320+9420+188+21484+448)*1024)
}

// A quick tick reads one file of each process and keeps one figure.
func TestAQuickTickReadsAnonymousMemoryAlone(t *testing.T) {
	p := NewProcesses(Options{Root: captured("chrome"), Browsers: one(100), Self: 105})
	require.True(t, p.Quick())
	for _, r := range p.Read(context.Background(), quick) {
		require.NoError(t, r.Err)
		require.Contains(t, []string{"process.anon", "process.count"}, r.Metric)
	}
	_, totals := read(t, p, quick)
	known(t, totals, "process.anon", "renderer", (15388+708)*1024)
}
