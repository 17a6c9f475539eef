// Package linux reads processes and cgroups from /proc and /sys/fs/cgroup.
//
// Everything is read through an fs.FS that stands for the root folder, so that captured files
// can take its place.
package linux

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/ebbworker/ebb/memprof"
)

// Browser is a Chrome whose processes and profile are read.
type Browser struct {
	// ID is the name under which it is recorded.
	ID string
	// PID is Chrome's first process, to whose descendants all others belong.
	PID int
	// ProfileDir is the absolute path of its profile; "" leaves the profile out.
	ProfileDir string
	// Control lists the processes (renderers) that belong to the control page alone: they are
	// counted apart (memprof.ControlGroup). It is called at each reading, from several
	// goroutines. Default: nil, there are none.
	Control func() []int
}

// control tells which processes are the control's.
func (b Browser) control() map[int]bool {
	if b.Control == nil {
		return nil
	}
	pids := make(map[int]bool)
	for _, pid := range b.Control() {
		pids[pid] = true
	}
	return pids
}

// Options says what is read.
type Options struct {
	// Root is the root folder. Default: the host's.
	Root fs.FS
	// Browsers lists the Chromes that run now; it is called at each reading, from several
	// goroutines. Default: nil, none.
	Browsers func() []Browser
	// Self is this program's process. Default: os.Getpid().
	Self int
}

func (o Options) withDefaults() Options {
	if o.Root == nil {
		o.Root = hostRoot()
	}
	if o.Browsers == nil {
		o.Browsers = func() []Browser { return nil }
	}
	if o.Self == 0 {
		o.Self = os.Getpid()
	}
	return o
}

// Sources returns all sources of this package: processes, cgroup, host and profiles.
func Sources(o Options) []memprof.Source {
	o = o.withDefaults()
	return []memprof.Source{NewProcesses(o), NewCgroup(o), NewHost(o), NewProfiles(o)}
}

// isGone tells whether an error of reading a process's file means that the process has ended.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// values gathers readings that are not of a browser.
type values []memprof.Reading

func (v *values) add(metric string, value float64, err error) {
	*v = append(*v, memprof.Reading{Metric: metric, Value: value, Err: err})
}
