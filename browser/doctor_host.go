package browser

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The limits that the checks hold against.
const (
	// oneBrowser is what one headless-shell with one small page needs, in bytes.
	oneBrowser = 150 << 20
	// roomyMemory is enough for a worker, a browser and ordinary pages, in bytes.
	roomyMemory = 512 << 20
	// minTempFree and roomyTempFree are for a profile and its disk cache, in bytes.
	minTempFree   = 64 << 20
	roomyTempFree = 512 << 20
	// minFiles and roomyFiles are what Chrome may open; it asks for 8192 itself.
	minFiles   = 1024
	roomyFiles = 4096
)

func (e *examination) path(p string) string { return filepath.Join("/", e.opts.Root, p) }

// read returns a small file's text without the white space around it; ok is false if it
// does not exist or cannot be read.
func (e *examination) read(p string) (text string, ok bool) {
	b, err := os.ReadFile(e.path(p))
	return strings.TrimSpace(string(b)), err == nil
}

func (e *examination) checkShm(context.Context) Check {
	const name = "/dev/shm"
	info, err := os.Stat(e.path("/dev/shm"))
	if err != nil {
		return warned(name, "there is none: Chrome keeps its shared memory as files in "+e.opts.TempDir,
			"Mount a tmpfs there; with Docker: --shm-size=1g.")
	}
	size, free, err := e.machine.space(e.path("/dev/shm"))
	switch {
	case err != nil:
		return warned(name, err.Error(), "")
	case !e.account.may(info, 3):
		return warned(name, fmt.Sprintf("%s may not write there", e.account), "Run `chmod 1777 /dev/shm`.")
	case free < minShm:
		return warned(name, fmt.Sprintf("%s free of %s: Chrome keeps its shared memory as files in %s instead", mebibytes(free), mebibytes(size), e.opts.TempDir),
			fmt.Sprintf("Make it larger than %s; with Docker: --shm-size=1g.", mebibytes(minShm)))
	}
	return passed(name, fmt.Sprintf("%s free of %s", mebibytes(free), mebibytes(size)))
}

func (e *examination) checkInit(ctx context.Context) Check {
	const name = "init"
	who := "PID 1"
	if comm, ok := e.read("/proc/1/comm"); ok {
		who = "PID 1 (" + comm + ")"
	}
	kind, err := e.machine.reaper(ctx)
	switch {
	case err != nil:
		return warned(name, err.Error(), "")
	case e.machine.pid == 1:
		return warned(name, "Ebb itself is PID 1", "Start it through tini; with Docker: --init.")
	case kind == reaperSelf:
		return passed(name, "Ebb takes in processes whose parent is gone")
	case kind == reaperNone:
		return warned(name, who+" does not take in processes whose parent is gone: every Chrome that ends leaves three to five zombies",
			"Start Ebb through tini; with Docker: --init.")
	}
	return passed(name, who+" takes in processes whose parent is gone")
}

func (e *examination) checkMemory(context.Context) Check {
	const name = "memory"
	limit, err := e.memoryLimit()
	if err != nil {
		return warned(name, err.Error(), "")
	}
	finding := fmt.Sprintf("%s for Ebb and Chrome together", mebibytes(limit))
	switch {
	case limit < oneBrowser:
		return failed(name, finding+fmt.Sprintf("; one Chrome needs about %s", mebibytes(oneBrowser)), "Give at least 512 MiB; with Docker: --memory.")
	case limit < roomyMemory:
		return warned(name, finding+": enough for small pages only", "Give at least 512 MiB; with Docker: --memory.")
	}
	return passed(name, finding)
}

func (e *examination) memoryLimit() (uint64, error) {
	if e.opts.MemoryLimit != nil {
		return e.opts.MemoryLimit()
	}
	return memoryLimit(e.path("/"))
}

func (e *examination) checkTemp(context.Context) Check {
	const name = "temp folder"
	dir := e.opts.TempDir
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return failed(name, fmt.Sprintf("%s %s", dir, withoutPath(err)), "Make it, or name another in TMPDIR.")
	case !info.IsDir():
		return failed(name, dir+" is no folder", "Name another in TMPDIR.")
	}
	// The worker makes a folder there and gives it to Chrome's user, who must get to it.
	f, err := os.CreateTemp(dir, "ebb-doctor-")
	if err != nil {
		return failed(name, fmt.Sprintf("no file can be made in %s: %s", dir, withoutPath(err)), strings.TrimSpace("Make it writable, or name another in TMPDIR. "+ownerOf(dir)))
	}
	f.Close()
	os.Remove(f.Name())
	if closed, err := e.account.closedAt(dir); err != nil || closed != "" {
		return failed(name, fmt.Sprintf("%s may not enter %s", e.account, closed), strings.TrimSpace("Name another in TMPDIR. "+ownerOf(closed)))
	}
	_, free, err := e.machine.space(dir)
	finding := fmt.Sprintf("%s free in %s", mebibytes(free), dir)
	switch {
	case err != nil:
		return warned(name, err.Error(), "")
	case free < minTempFree:
		return failed(name, finding+": too little for a profile", "Make room, or name another folder in TMPDIR.")
	case free < roomyTempFree:
		return warned(name, finding+": the disk cache may fill it", "Make room, or name another folder in TMPDIR.")
	case info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0:
		return warned(name, dir+" can be written by others and has no sticky bit: they may rename what lies in it", "Run `chmod +t "+dir+"`.")
	}
	return passed(name, finding)
}

func (e *examination) checkFiles(context.Context) Check {
	const name = "open files"
	n, err := e.machine.openFiles()
	finding := fmt.Sprintf("a process may open %d files", n)
	const advice = "Raise it: ulimit -n 8192, LimitNOFILE=8192 with systemd, --ulimit nofile=8192 with Docker."
	switch {
	case err != nil:
		return warned(name, err.Error(), "")
	case n > 1<<40:
		return passed(name, "a process may open any number of files")
	case n < minFiles:
		return failed(name, finding+"; Chrome opens a few hundred with one page", advice)
	case n < roomyFiles:
		return warned(name, finding+": too few for many tabs", advice)
	}
	return passed(name, finding)
}

func (e *examination) checkTimeZones(context.Context) Check {
	const name = "time zones"
	for _, zone := range []string{"Europe/Berlin", "America/New_York"} {
		if err := e.machine.zone(zone); err != nil {
			return failed(name, "the time zone of a site cannot be loaded: "+err.Error(), "Install the package tzdata.")
		}
	}
	getenv := e.opts.Find.withDefaults().Getenv
	if tz := strings.TrimPrefix(getenv("TZ"), ":"); tz != "" && !filepath.IsAbs(tz) && e.machine.zone(tz) != nil {
		return warned(name, fmt.Sprintf("TZ is %q, which is no time zone: times are taken as UTC", tz), "Correct TZ, for example TZ=Europe/Berlin.")
	}
	return passed(name, "time zones can be loaded")
}

func mebibytes(n uint64) string { return fmt.Sprintf("%d MiB", n>>20) }
