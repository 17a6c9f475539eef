package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/devtools"
	"github.com/ebbworker/ebb/memprof/goruntime"
	"github.com/ebbworker/ebb/memprof/linux"
)

// MemoryOptions say how much of memory is measured and where it is written.
type MemoryOptions struct {
	// Level is how much is measured. Default: memprof.LevelOff.
	Level memprof.Level
	// Interval is the time between ticks. Default: memprof.DefaultInterval.
	Interval time.Duration
	// Dir is where recordings are written, one file for each worker. Default: "",
	// nothing is written.
	Dir string
	// Keep is how many recordings stay in Dir, this one included. Default: 0, all.
	Keep int
	// Version and ConfigHash are written into the recording's manifest.
	Version, ConfigHash string
	// WriteFailed is told, once, why the recording ended early. Default: nobody is.
	WriteFailed func(error)
}

// Memory measures a pool's Chromes and this program while jobs run.
type Memory struct {
	// Recorder takes the readings; nil when nothing is measured.
	Recorder *memprof.Recorder
	// Path is where the recording is written; "" when it is not.
	Path   string
	pages  *devtools.Source
	out    io.Closer
	closed bool
}

// NewMemory prepares the readings of a pool. Nothing is read before the recorder's
// first cycle, or its Run.
func NewMemory(pool *browser.Pool, o MemoryOptions) (*Memory, error) {
	if o.Level == memprof.LevelOff {
		return &Memory{}, nil
	}
	if o.Interval <= 0 {
		o.Interval = memprof.DefaultInterval
	}
	host, err := linux.HostInfo(os.DirFS("/"))
	if err != nil {
		return nil, fmt.Errorf("measure memory: %w", err)
	}
	m := &Memory{}
	m.pages = devtools.New(devtools.Options{
		Targets:  func() []devtools.Target { return openPages(pool) },
		Browsers: func() []devtools.Browser { return browsers(pool) },
		IsGone:   hasEnded,
	})
	sources := linux.Sources(linux.Options{Browsers: func() []linux.Browser { return processes(pool) }})
	options := memprof.Options{
		Level: o.Level, Interval: o.Interval,
		Sources:     append(sources, m.pages, goruntime.Source{}),
		Manifest:    memprof.Manifest{Ebb: o.Version, Go: runtime.Version(), Host: host, ConfigHash: o.ConfigHash},
		WriteFailed: o.WriteFailed,
	}
	if o.Dir != "" {
		file, err := newRecordingFile(o.Dir, o.Keep)
		if err != nil {
			return nil, err
		}
		m.Path, m.out, options.Out = file.Name(), file, file
	}
	if m.Recorder, err = memprof.NewRecorder(options); err != nil {
		return nil, errors.Join(fmt.Errorf("measure memory: %w", err), m.Close(context.Background()))
	}
	return m, nil
}

// Close ends the recording. Call it after the recorder's Run has returned and before
// the pool is closed.
func (m *Memory) Close(ctx context.Context) error {
	if m.closed {
		return nil
	}
	m.closed = true
	var errs error
	if m.pages != nil {
		errs = m.pages.Close(ctx)
	}
	if m.Recorder != nil {
		errs = errors.Join(errs, m.Recorder.Close())
	}
	if m.out != nil {
		errs = errors.Join(errs, m.out.Close())
	}
	return errs
}

// NoteBrowser records the version and the flags of a Chrome that has started.
func (m *Memory) NoteBrowser(b *browser.Browser) error {
	return m.Recorder.Note(memprof.BrowserNote, memprof.BrowserInfo{ID: id(b), Version: b.Version(), Flags: b.Flags()})
}

// hasEnded tells errors of a page or Chrome that holds no memory any more.
func hasEnded(err error) bool {
	return errors.Is(err, browser.ErrClosed) || errors.Is(err, browser.ErrCrashed) || errors.Is(err, browser.ErrGone)
}

// id names a Chrome in readings.
func id(b *browser.Browser) string { return "chrome-" + strconv.Itoa(b.PID()) }

func openPages(pool *browser.Pool) []devtools.Target {
	var list []devtools.Target
	for _, t := range pool.Tabs() {
		list = append(list, devtools.Target{Browser: id(t.Tab.Browser()), ID: t.Tab.ID(), URL: t.Tab.URL(), Site: t.Site, Session: t.Tab.Session()})
	}
	return list
}

func browsers(pool *browser.Pool) []devtools.Browser {
	var list []devtools.Browser
	for _, b := range pool.Browsers() {
		list = append(list, devtools.Browser{ID: id(b), Session: b.Session()})
	}
	return list
}

func processes(pool *browser.Pool) []linux.Browser {
	var list []linux.Browser
	for _, b := range pool.Browsers() {
		list = append(list, linux.Browser{ID: id(b), PID: b.PID(), ProfileDir: b.ProfileDir()})
	}
	return list
}

// recordingSuffix ends the name of every recording.
const recordingSuffix = ".ebb.jsonl"

// newRecordingFile makes a file for a recording, named by the time, and removes the
// oldest ones so that keep are left; 0 keeps all.
func newRecordingFile(dir string, keep int) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for recordings: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "*"+recordingSuffix))
	if err != nil {
		return nil, fmt.Errorf("look for old recordings: %w", err)
	}
	slices.Sort(old)
	for keep > 0 && len(old) >= keep {
		if err := os.Remove(old[0]); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("remove an old recording: %w", err)
		}
		old = old[1:]
	}
	name := time.Now().UTC().Format("20060102T150405.000000Z")
	name = strings.Replace(name, ".", "-", 1) + "-" + strconv.Itoa(os.Getpid()) + recordingSuffix
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a recording: %w", err)
	}
	return file, nil
}
