package linux

import (
	"context"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func one(pid int) func() []Browser {
	return func() []Browser { return []Browser{{ID: "b", PID: pid}} }
}

// The tree was captured from Chrome 156 with one page. Two zygotes, and below them the GPU
// process and the renderer.
func TestProcessesOfACapturedChrome(t *testing.T) {
	p := NewProcesses(Options{Root: captured("chrome"), Browsers: one(100), Self: 105})
	readings, totals := read(t, p, full)
	require.Empty(t, faults(readings))
	for _, c := range []struct {
		kind                    string
		count, threads, fds     float64
		anonKB, pssKB, rollupKB float64
	}{
		{kind: "browser", count: 1, threads: 26, fds: 3, anonKB: 13568 + 524},
		{kind: "zygote", count: 2, threads: 2, fds: 6, anonKB: 8324 + 8320},
		{kind: "network", count: 1, threads: 10, fds: 3, anonKB: 9420 + 188},
		{kind: "gpu-process", count: 1, threads: 13, fds: 3, anonKB: 21484 + 448},
		{kind: "renderer", count: 1, threads: 10, fds: 3, anonKB: 15388 + 708},
		{kind: memprof.Chrome, count: 6, threads: 61, fds: 18, anonKB: 13568 + 524 + 8324 + 8320 + 9420 + 188 + 21484 + 448 + 15388 + 708},
		{kind: memprof.Worker, count: 1, threads: 10, fds: 3, anonKB: 15388 + 708},
	} {
		known(t, totals, "process.count", c.kind, c.count)
		known(t, totals, "process.threads", c.kind, c.threads)
		known(t, totals, "process.fds", c.kind, c.fds)
		known(t, totals, "process.anon", c.kind, c.anonKB*1024)
		known(t, totals, "process.swap", c.kind, 0)
		known(t, totals, "process.sockets", c.kind, c.count)
	}
	known(t, totals, "host.chromes", "", 0)
	known(t, totals, "process.pss", "renderer", 24270*1024)
	known(t, totals, "process.uss", "renderer", (308+7760)*1024)

	_, cheaply := read(t, p, cheap)
	known(t, cheaply, "process.anon", "renderer", (15388+708)*1024)
	unknown(t, cheaply, "process.pss", "renderer")
	require.Equal(t, map[string]int{"": 2, "browser": 1, "gpu-process": 1, "network": 1, "renderer": 1}, kindsOf(p), "the types of zygotes are not remembered: their children still show them")
}

// kindsOf counts the types that a source remembers.
func kindsOf(p *Processes) map[string]int {
	kinds := make(map[string]int)
	for _, process := range p.tree.processes {
		kinds[process.kind]++
	}
	return kinds
}

// changed is the captured tree with some files replaced; nil removes.
func changed(t *testing.T, files map[string]*string) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	require.NoError(t, fs.WalkDir(captured("chrome"), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if e.Type() == fs.ModeSymlink {
			to, err := fs.ReadLink(captured("chrome"), name)
			m[name] = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink}
			return err
		}
		data, err := fs.ReadFile(captured("chrome"), name)
		m[name] = &fstest.MapFile{Data: data}
		return err
	}))
	for name, text := range files {
		if text == nil {
			delete(m, name)
			continue
		}
		m[name] = &fstest.MapFile{Data: []byte(*text)}
	}
	return m
}

func text(s string) *string { return &s }

func TestAProcessThatEndsMeanwhileIsAGapAndNoMore(t *testing.T) {
	root := changed(t, map[string]*string{"proc/105/status": nil, "proc/104/smaps_rollup": text("")})
	p := NewProcesses(Options{Root: root, Browsers: one(100), Self: 100})
	readings, totals := read(t, p, full)
	require.Equal(t, map[string]string{
		"process.*/renderer":      "read status of a process: it is gone",
		"process.pss/gpu-process": "read smaps_rollup of a process: it is gone",
		"process.uss/gpu-process": "read smaps_rollup of a process: it is gone",
	}, faults(readings))
	known(t, totals, "process.count", memprof.Chrome, 5)
	known(t, totals, "process.anon", "renderer", 0)
	known(t, totals, "process.anon", "gpu-process", (21484+448)*1024)
}

// The files were captured from a process that was killed: first its memory is given back, then
// it is a zombie until its parent asks for it. Totals are valid without it.
func TestAProcessThatEndsHoldsNothing(t *testing.T) {
	for file, want := range map[string]string{
		"exiting": "read status of a process: it is about to end: it is gone",
		"zombie":  "read status of a process: it has ended: it is gone",
	} {
		status, err := fs.ReadFile(captured("ending"), file)
		require.NoError(t, err)
		root := changed(t, map[string]*string{"proc/105/status": text(string(status))})
		readings, totals := read(t, NewProcesses(Options{Root: root, Browsers: one(100), Self: 100}), full)
		require.Equal(t, map[string]string{"process.*/renderer": want}, faults(readings))
		known(t, totals, "process.count", memprof.Chrome, 5)
		known(t, totals, "process.anon", "renderer", 0)
		known(t, totals, "process.anon", memprof.Chrome, (79052-708+28-15388-708)*1024)
	}
}

// A kernel that does not tell is not a process that has ended.
func TestAnOldKernelDoesNotTellZero(t *testing.T) {
	status := strings.NewReplacer("RssAnon:", "Rss1:", "RssShmem:", "Rss2:").Replace(string(mustRead(t, "proc/105/status")))
	root := changed(t, map[string]*string{"proc/105/status": text(status)})
	readings, totals := read(t, NewProcesses(Options{Root: root, Browsers: one(100), Self: 100}), tick)
	require.Equal(t, map[string]string{"process.*/renderer": "parse status: no RssAnon and RssShmem: the kernel is older than 4.5"}, faults(readings))
	unknown(t, totals, "process.anon", memprof.Chrome)
}

// denied refuses some files, as the kernel does for a sandboxed process of the same user.
type denied struct {
	fs.FS
	suffix []string
}

func (d denied) refuse(op, name string) error {
	for _, s := range d.suffix {
		if strings.HasSuffix(name, s) {
			return &fs.PathError{Op: op, Path: name, Err: syscall.EACCES}
		}
	}
	return nil
}

func (d denied) ReadFile(name string) ([]byte, error) {
	if err := d.refuse("open", name); err != nil {
		return nil, err
	}
	return fs.ReadFile(d.FS, name)
}

func (d denied) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := d.refuse("open", name); err != nil {
		return nil, err
	}
	return fs.ReadDir(d.FS, name)
}

func (d denied) ReadLink(name string) (string, error) { return fs.ReadLink(d.FS, name) }

func (d denied) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(d.FS, name) }

func TestWhatMayNotBeReadIsMissingAndTheHeadlineIsNot(t *testing.T) {
	root := denied{captured("chrome"), []string{"105/smaps_rollup", "105/fd", "101/fd"}}
	readings, totals := read(t, NewProcesses(Options{Root: root, Browsers: one(100), Self: 100}), full)
	require.Equal(t, map[string]string{
		"process.pss/renderer": "read smaps_rollup of a process: permission denied",
		"process.uss/renderer": "read smaps_rollup of a process: permission denied",
		"process.fds/renderer": "read fd of a process: permission denied",
		"process.fds/zygote":   "read fd of a process: permission denied",

		"process.sockets/renderer": "read fd of a process: permission denied",
		"process.sockets/zygote":   "read fd of a process: permission denied",
	}, faults(readings))
	for _, s := range [][2]string{{"process.pss", "renderer"}, {"process.pss", memprof.Chrome}, {"process.fds", "zygote"}, {"process.fds", memprof.Chrome}} {
		unknown(t, totals, s[0], s[1])
	}
	known(t, totals, "process.fds", "browser", 3)
	known(t, totals, "process.anon", memprof.Chrome, 79052*1024-708*1024+28*1024)
}

func TestNoChromeIsZeroAndADeadOneIsGone(t *testing.T) {
	_, totals := read(t, NewProcesses(Options{Root: captured("chrome"), Self: 105}), tick)
	known(t, totals, "process.anon", memprof.Chrome, 0)
	known(t, totals, "process.count", "renderer", 0)

	readings, totals := read(t, NewProcesses(Options{Root: captured("chrome"), Browsers: one(4711), Self: 105}), tick)
	require.Equal(t, map[string]string{"process.*/browser": "process 4711: it is gone"}, faults(readings))
	known(t, totals, "process.anon", memprof.Chrome, 0)
}

func TestWithoutProcNothingIsKnown(t *testing.T) {
	readings, totals := read(t, NewProcesses(Options{Root: fstest.MapFS{}, Browsers: one(100), Self: 105}), tick)
	require.Len(t, readings, 1)
	require.ErrorContains(t, readings[0].Err, "list processes: ")
	unknown(t, totals, "process.anon", memprof.Chrome)
}

func TestAReadingThatIsCutShortIsNoTotal(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	readings := NewProcesses(Options{Root: captured("chrome"), Browsers: one(100), Self: 105}).Read(ctx, tick)
	unknown(t, memprof.NewTotals(tick, readings), "process.anon", memprof.Chrome)
}

// A pid that is used again is another process: its type is read again, and forgotten with it.
func TestAReusedPidIsClassifiedAgain(t *testing.T) {
	root := changed(t, nil)
	p := NewProcesses(Options{Root: root, Browsers: one(100), Self: 100})
	read(t, p, tick)
	stat := string(root["proc/105/stat"].Data)
	root["proc/105/stat"] = &fstest.MapFile{Data: []byte(strings.Replace(stat, " 380165 ", " 990165 ", 1))}
	root["proc/105/cmdline"] = &fstest.MapFile{Data: []byte("chrome --type=utility --utility-sub-type=storage.mojom.StorageService")}
	for range rescanAfter {
		read(t, p, tick)
	}
	_, totals := read(t, p, tick)
	known(t, totals, "process.count", "storage", 1)
	known(t, totals, "process.count", "renderer", 0)
	require.Len(t, p.tree.processes, 6)
}

// One that a stranger has now shows another parent: it is left out at once.
func TestAPidThatAStrangerHasNowIsLeftOut(t *testing.T) {
	root := changed(t, nil)
	p := NewProcesses(Options{Root: root, Browsers: one(100), Self: 100})
	read(t, p, tick)
	for file, replace := range map[string][2]string{"stat": {" S 102 ", " S 1 "}, "status": {"PPid:\t102\n", "PPid:\t1\n"}} {
		old := string(root["proc/105/"+file].Data)
		require.Contains(t, old, replace[0])
		root["proc/105/"+file] = &fstest.MapFile{Data: []byte(strings.Replace(old, replace[0], replace[1], 1))}
	}
	readings, totals := read(t, p, tick)
	require.Equal(t, map[string]string{"process.*/renderer": "read status of a process: the pid is another's: it is gone"}, faults(readings))
	known(t, totals, "process.count", "renderer", 0)
	readings, totals = read(t, p, tick)
	require.Empty(t, faults(readings))
	known(t, totals, "process.count", memprof.Chrome, 5)
}

// counting counts the files that are read.
type counting struct {
	fs.FS
	files map[string]int
}

func (c counting) ReadFile(name string) ([]byte, error) {
	c.files[name]++
	return fs.ReadFile(c.FS, name)
}

// A reading reads what is new, and of Chrome's processes one file each, zygotes two.
func TestAReadingReadsStrangersOnce(t *testing.T) {
	c := counting{FS: changed(t, map[string]*string{"proc/7/stat": text(strings.Replace(string(mustRead(t, "proc/100/stat")), "100 (", "7 (", 1))}), files: map[string]int{}}
	p := NewProcesses(Options{Root: c, Browsers: one(100), Self: 100})
	read(t, p, tick)
	clear(c.files)
	_, totals := read(t, p, tick)
	require.Len(t, c.files, 6+2, "%v", c.files)
	require.Zero(t, c.files["proc/7/stat"])
	known(t, totals, "process.count", memprof.Chrome, 6)

	stat, _ := fs.ReadFile(c.FS, "proc/105/stat")
	for _, file := range []string{"status", "cmdline"} {
		data, _ := fs.ReadFile(c.FS, "proc/105/"+file)
		c.FS.(fstest.MapFS)["proc/106/"+file] = &fstest.MapFile{Data: data}
	}
	c.FS.(fstest.MapFS)["proc/106/stat"] = &fstest.MapFile{Data: []byte(strings.Replace(string(stat), "105 (", "106 (", 1))}
	_, totals = read(t, p, tick)
	known(t, totals, "process.count", "renderer", 2)
}

func TestClassify(t *testing.T) {
	for cmdline, want := range map[string]string{
		"/opt/chrome\x00--headless\x00--user-data-dir=/p\x00":                                             "",
		"/opt/chrome --type=renderer --headless=old\x00":                                                  "renderer",
		"/opt/chrome\x00--type=gpu-process\x00":                                                           "gpu-process",
		"/opt/chrome --type=zygote --no-zygote-sandbox":                                                   "zygote",
		"/opt/chrome --type=utility --utility-sub-type=network.mojom.NetworkService --x":                  "network",
		"/opt/chrome --type=utility --utility-sub-type=audio.mojom.AudioService":                          "audio",
		"/opt/chrome --type=utility":                                                                      "utility",
		"/opt/chrome_crashpad_handler\x00--monitor-self\x00--database=/p\x00":                             "crashpad",
		"/opt/chrome --type=crashpad-handler":                                                             "crashpad",
		"/opt/chrome --type=renderer --user-agent=x --type=utility --utility-sub-type=evil.mojom.Service": "renderer",
		"": "",
	} {
		require.Equal(t, want, classify([]byte(cmdline)), cmdline)
	}
}

func TestAWrapperScriptIsNotTheOnlyBrowser(t *testing.T) {
	statusBelow := func(ppid string) *string {
		return text(strings.Replace(string(mustRead(t, "proc/101/status")), "PPid:\t100\n", "PPid:\t"+ppid+"\n", 1))
	}
	root := changed(t, map[string]*string{
		"proc/99/stat":   text(strings.Replace(strings.Replace(string(mustRead(t, "proc/100/stat")), "100 (", "99 (", 1), " S 50 ", " S 1 ", 1)),
		"proc/99/status": statusBelow("1"), "proc/99/cmdline": text("/bin/sh\x00/usr/bin/chromium\x00"),
		"proc/100/stat":  text(strings.Replace(string(mustRead(t, "proc/100/stat")), " S 50 ", " S 99 ", 1)),
		"proc/98/stat":   text(strings.Replace(strings.Replace(string(mustRead(t, "proc/100/stat")), "100 (", "98 (", 1), " S 50 ", " S 99 ", 1)),
		"proc/98/status": statusBelow("99"), "proc/100/status": statusBelow("99"), "proc/98/cmdline": text("cat\x00"),
	})
	_, totals := read(t, NewProcesses(Options{Root: root, Browsers: one(99), Self: 105}), tick)
	known(t, totals, "process.count", "browser", 2)
	known(t, totals, "process.count", "other", 1)
	known(t, totals, "process.count", memprof.Chrome, 8)
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(captured("chrome"), name)
	require.NoError(t, err)
	return data
}

func TestParseStatusFaults(t *testing.T) {
	_, err := parseStatus([]byte("RssAnon:\t12 MB\n"))
	require.EqualError(t, err, `parse status: RssAnon: "12 MB" is not in kB`)
	_, err = parseStatus([]byte("Threads:\tmany\n"))
	require.ErrorContains(t, err, "parse status: Threads: ")
}

func TestParseStat(t *testing.T) {
	s, err := parseStat([]byte("7 (a) b) (c) S 3 " + strings.Repeat("0 ", 17) + "42 0\n"))
	require.NoError(t, err)
	require.Equal(t, stat{ppid: 3, started: 42}, s)
	for text, want := range map[string]string{
		"7":                                    "parse stat: no name in parentheses",
		"7 (a) S 3":                            "parse stat: 2 fields after the name, want 20",
		"7 (a) S x" + strings.Repeat(" 0", 18): "parse stat: parent: ",
		"7 (a) S 3" + strings.Repeat(" x", 18): "parse stat: start time: ",
	} {
		_, err := parseStat([]byte(text))
		require.ErrorContains(t, err, want)
	}
	require.EqualError(t, newTree().scan(fstest.MapFS{"proc/7/stat": {Data: []byte("7")}}), "process 7: parse stat: no name in parentheses")
}

func TestParseRollupFaults(t *testing.T) {
	_, err := parseRollup([]byte("Pss:  1 kB\n"))
	require.ErrorContains(t, err, "is missing")
	_, err = parseRollup([]byte("Pss:  x kB\n"))
	require.ErrorContains(t, err, "parse smaps_rollup: Pss: ")
	r, err := parseRollup(mustRead(t, "proc/105/smaps_rollup"))
	require.NoError(t, err)
	require.Equal(t, rollup{pss: 24270 << 10, uss: (308 + 7760) << 10, anonymous: 15388 << 10}, r)
}
