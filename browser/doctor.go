package browser

import (
	"context"
	"os"
	"time"
)

// Status is how a check of Doctor ended.
type Status string

// What a check can end with.
const (
	// OK: nothing to do.
	OK Status = "ok"
	// Warn: Ebb works, but worse than it could, or only up to a load.
	Warn Status = "warn"
	// Fail: Ebb cannot scrape, or not safely, until the advice is followed.
	Fail Status = "fail"
)

// Check is one thing that Doctor looked at.
type Check struct {
	// Name says what was looked at, in one or two words.
	Name string
	// Status is OK, Warn or Fail.
	Status Status
	// Finding is one sentence: what was found.
	Finding string
	// Advice says what to do; empty if there is nothing to do.
	Advice string
}

// DoctorOptions says what to look at.
type DoctorOptions struct {
	// Find says where to look for Chrome.
	Find FindOptions
	// User is the account that Chrome runs as, as in LaunchOptions. Default: the
	// worker's own, or an ordinary one if that is root.
	User string
	// TempDir is where Chrome's profile will be. Default: os.TempDir().
	TempDir string
	// MemoryLimit returns the memory that worker and Chrome may use together, in bytes.
	// Default: the least of the machine's memory and the limits of the cgroups.
	MemoryLimit func() (uint64, error)
	// Start starts Chrome as the worker would and closes it again. It returns the
	// version, and whether the renderers are in the sandbox. Default: no start is tried.
	Start func(ctx context.Context) (version string, sandboxed bool, err error)
	// Timeout bounds the whole examination. Default: 1 minute.
	Timeout time.Duration
	// Root is put before /proc, /sys, /dev, /etc, /run and /usr. Default: none.
	Root string
}

// examination is one call of Doctor: what it was told, and what it found so far.
type examination struct {
	opts    DoctorOptions
	machine machine
	account account
	// exe is the Chrome that was found, if exeErr is nil.
	exe    Executable
	exeErr error
	// start is how Chrome started, if it was tried.
	start *startResult
}

type startResult struct {
	version   string
	sandboxed bool
	took      time.Duration
	err       error
}

// Doctor looks at everything that Chrome needs from the machine. It changes nothing but
// for a file in the temporary folder, which it removes, and starts only programs that end
// at once, and Chrome if there is a Start. The checks come in a fixed order, one per name.
func Doctor(ctx context.Context, opts DoctorOptions) []Check {
	return examine(ctx, opts, realMachine())
}

func examine(ctx context.Context, opts DoctorOptions, m machine) []Check {
	ctx, cancel := context.WithTimeout(ctx, positive(opts.Timeout, time.Minute))
	defer cancel()
	if opts.TempDir == "" {
		opts.TempDir = os.TempDir()
	}
	e := &examination{opts: opts, machine: m}
	var accountErr error
	e.account, accountErr = m.account(opts.User)
	e.exe, e.exeErr = find(ctx, opts.Find)
	if opts.Start != nil && e.exeErr == nil && accountErr == nil {
		began := time.Now()
		e.start = &startResult{}
		e.start.version, e.start.sandboxed, e.start.err = opts.Start(ctx)
		e.start.took = time.Since(began)
	}
	checks := []Check{e.checkExecutable(), e.checkVersion(), e.checkUser(accountErr)}
	for _, check := range []func(context.Context) Check{
		e.checkAccess, e.checkNamespaces, e.checkSeccomp, e.checkShm, e.checkFonts, e.checkInit,
		e.checkMemory, e.checkTemp, e.checkProfile, e.checkFiles, e.checkTimeZones, e.checkStart,
	} {
		c := check(ctx)
		if c.Name != "" {
			checks = append(checks, c)
		}
	}
	return checks
}

func passed(name, finding string) Check { return Check{Name: name, Status: OK, Finding: finding} }

func warned(name, finding, advice string) Check {
	return Check{Name: name, Status: Warn, Finding: finding, Advice: advice}
}

func failed(name, finding, advice string) Check {
	return Check{Name: name, Status: Fail, Finding: finding, Advice: advice}
}
