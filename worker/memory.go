package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
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
	// Path writes the recording to this file instead, which is overwritten. Default: "", a new
	// one in Dir.
	Path string
	// SpikeInterval is the time between ticks while sites are scraped. Default: 0, no other.
	SpikeInterval time.Duration
	// StoreSize measures Ebb's own database. Default: nil, it is not measured.
	StoreSize func(context.Context) (int64, error)
	// Judged is for how many cycles memory is set aside to judge them as they come, for
	// Worker.Diagnose. Default: 0, they are not judged.
	Judged int
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
	Path  string
	pages *devtools.Source
	// seen remembers what each process held, for the one that dies; nil when nothing is measured.
	seen   *linux.Processes
	stage  atomic.Pointer[stage] // of a diagnosis
	out    io.Closer
	closed bool
	live   *live          // nil unless cycles are judged as they come
	watch  *memprof.Watch // nil in a diagnosis
	// control is the page of the planted leak; nil for none.
	control atomic.Pointer[browser.Apart]
	// limit reads the memory limit with what counts against it.
	limit func() (linux.Limit, error)
}

// restTicks is the least time between ticks while no run is at work: little changes then.
const restTicks = 5 * time.Second

// NewMemory prepares the readings of a pool. Nothing is read before the recorder's
// first cycle, or its Run.
func NewMemory(pool *browser.Pool, o MemoryOptions) (*Memory, error) {
	return newMemory(pool, o, nil)
}

// newMemory is NewMemory on a machine whose files stand below root, nil for the host's.
func newMemory(pool *browser.Pool, o MemoryOptions, root fs.FS) (*Memory, error) {
	if o.Level == memprof.LevelOff {
		return &Memory{}, nil
	}
	if o.Interval <= 0 {
		o.Interval = memprof.DefaultInterval
	}
	host, untold := linux.HostInfo(root)
	m := &Memory{limit: func() (linux.Limit, error) { return linux.MemoryLimit(root) }}
	m.pages = devtools.New(devtools.Options{
		Targets:  func() []devtools.Target { return m.openPages(pool) },
		Browsers: func() []devtools.Browser { return browsers(pool) },
		Attach: func(ctx context.Context, chrome, target string) (devtools.Session, func(), error) {
			return attach(ctx, pool, chrome, target)
		},
		IsGone: hasEnded,
	})
	sources := linux.Sources(linux.Options{Root: root, Browsers: func() []linux.Browser { return m.processes(pool) }})
	for _, s := range sources {
		if p, ok := s.(*linux.Processes); ok {
			m.seen = p
		}
	}
	if o.StoreSize != nil {
		sources = append(sources, storeSize{o.StoreSize})
	}
	options := memprof.Options{
		Level: o.Level, Interval: o.Interval, RestInterval: restTicks,
		Sources:     append(sources, m.pages, goruntime.Source{}),
		Manifest:    memprof.Manifest{Ebb: o.Version, Go: runtime.Version(), Host: host, ConfigHash: o.ConfigHash},
		WriteFailed: o.WriteFailed, SpikeInterval: o.SpikeInterval,
		Ring: 1, // nobody looks at older ticks, and a ring that fills grows as a leak does
	}
	if o.Level == memprof.LevelFull {
		options.ReadTimeout = fullTimeout
	}
	if o.Judged > 0 {
		m.live = newLive(o.Judged)
		options.Observe = m.live.observe
	} else {
		m.watch = memprof.NewWatch()
	}
	if o.Dir != "" || o.Path != "" {
		file, err := o.file()
		if err != nil {
			return nil, err
		}
		m.Path, m.out, options.Out = file.Name(), file, file
	}
	var err error
	if m.Recorder, err = memprof.NewRecorder(options); err != nil {
		return nil, errors.Join(fmt.Errorf("measure memory: %w", err), m.Close(context.Background()))
	}
	if untold != nil { // a gap in the manifest, which is written
		_ = m.Recorder.Note(memprof.MissingNote, fmt.Sprintf("the machine: %v", untold))
	}
	return m, nil
}

// fullTimeout bounds a reading at the full level, which asks for more, and would rather wait for a
// busy page or machine than miss it.
const fullTimeout = 4 * time.Second

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

// Limit reads the memory limit that is reached first, with what counts against it.
func (m *Memory) Limit() (linux.Limit, error) {
	if m.limit == nil {
		return linux.MemoryLimit(nil)
	}
	return m.limit()
}

// NoteBrowser records the version and the flags of a Chrome that has started.
func (m *Memory) NoteBrowser(b *browser.Browser) error {
	if m.watch != nil {
		m.watch.NewBrowser()
	}
	return m.Recorder.Note(memprof.BrowserNote, memprof.BrowserInfo{ID: id(b), Version: b.Version(), Flags: b.Flags()})
}

// hasEnded tells errors of a page or Chrome that holds no memory any more.
func hasEnded(err error) bool {
	return errors.Is(err, browser.ErrClosed) || errors.Is(err, browser.ErrCrashed) || errors.Is(err, browser.ErrGone)
}

// id names a Chrome in readings.
func id(b *browser.Browser) string { return chromeID(b.PID()) }

func chromeID(pid int) string { return "chrome-" + strconv.Itoa(pid) }

// setControl names the page of the planted leak; nil ends it.
func (m *Memory) setControl(page *browser.Apart) { m.control.Store(page) }

// collect forces a collection in all isolates of the pool's Chromes.
func (m *Memory) collect(ctx context.Context) devtools.Collected { return m.pages.Collect(ctx) }

// discardConsole does the same after all consoles have dropped their messages.
func (m *Memory) discardConsole(ctx context.Context) devtools.Collected {
	return m.pages.DiscardConsole(ctx)
}

// attach opens a session with a target of one of the pool's Chromes.
func attach(ctx context.Context, pool *browser.Pool, chrome, target string) (devtools.Session, func(), error) {
	for _, b := range pool.Browsers() {
		if id(b) == chrome {
			return b.Attach(ctx, target)
		}
	}
	return nil, nil, browser.ErrGone
}

func (m *Memory) openPages(pool *browser.Pool) []devtools.Target {
	var list []devtools.Target
	if c := m.control.Load(); c != nil && c.Err() == nil {
		list = append(list, devtools.Target{Browser: id(c.Browser()), ID: c.ID(), URL: c.URL(), Control: true, Session: c.Session()})
	}
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

func (m *Memory) processes(pool *browser.Pool) []linux.Browser {
	var list []linux.Browser
	control := m.control.Load()
	for _, b := range pool.Browsers() {
		chrome := linux.Browser{ID: id(b), PID: b.PID(), ProfileDir: b.ProfileDir()}
		if control != nil && control.Browser() == b && control.Renderer != 0 {
			chrome.Control = func() []int { return []int{control.Renderer} }
		}
		list = append(list, chrome)
	}
	return list
}

// storeSize reads the size of the database.
type storeSize struct {
	size func(context.Context) (int64, error)
}

// Name returns "store".
func (storeSize) Name() string { return "store" }

// Read returns store.bytes, at LevelFull only.
func (s storeSize) Read(ctx context.Context, q memprof.Request) []memprof.Reading {
	if q.Level < memprof.LevelFull || q.Tick {
		return nil
	}
	bytes, err := s.size(ctx)
	return []memprof.Reading{{Metric: "store.bytes", Value: float64(bytes), Err: err}}
}

// file makes the file of the recording.
func (o MemoryOptions) file() (*os.File, error) {
	if o.Path == "" {
		return newRecordingFile(o.Dir, o.Keep)
	}
	file, err := os.OpenFile(o.Path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a recording: %w", err)
	}
	_ = lock(file)
	return file, nil
}

// newRecordingFile makes a file for a recording, named by the time, and removes the
// oldest ones so that keep are left; 0 keeps all. Its writer holds it locked, and the kernel drops
// the lock with the writer: one that a worker still writes stays, however old it is.
func newRecordingFile(dir string, keep int) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for recordings: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "*"+memprof.RecordingSuffix))
	if err != nil {
		return nil, fmt.Errorf("look for old recordings: %w", err)
	}
	slices.Sort(old)
	for keep > 0 && len(old) >= keep {
		if err := removeRecording(old[0]); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("remove an old recording: %w", err)
		}
		old = old[1:]
	}
	name := time.Now().UTC().Format("20060102T150405.000000Z")
	name = strings.Replace(name, ".", "-", 1) + "-" + strconv.Itoa(os.Getpid()) + memprof.RecordingSuffix
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a recording: %w", err)
	}
	_ = lock(file) // where the file system has no locks, it is as others are
	return file, nil
}

// removeRecording removes a recording that nobody writes.
func removeRecording(path string) error {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		defer file.Close()
		if errors.Is(lock(file), syscall.EWOULDBLOCK) {
			return nil
		}
	}
	return os.Remove(path)
}

// lock locks a file until it is closed, or returns an error at once.
func lock(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
