package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// PinnedVersion is the Chrome for Testing that Install takes unless told otherwise. It is
// the one that Puppeteer 25.16.0 pins.
const PinnedVersion = "156.0.8078.47"

// The ways in which Install can get a Chrome.
const (
	// FromAPT installs the system's chromium-headless-shell with apt-get. Needs root;
	// security updates then come with the system's.
	FromAPT = "apt"
	// FromTesting downloads Chrome for Testing's chrome-headless-shell into the cache.
	FromTesting = "cft"
)

// InstallOptions says what to install and from where.
type InstallOptions struct {
	// From is FromAPT or FromTesting. Default: FromAPT for root on Debian and its kin,
	// else FromTesting; if the first way fails, the other is tried.
	From string
	// Version is the Chrome for Testing to install. Default: PinnedVersion. If it is
	// set, another Chrome that is already there does not do.
	Version string
	// BaseURL is a mirror of Chrome for Testing. Default: DefaultBaseURL.
	BaseURL string
	// SHA256 is the archive's checksum in hex. Default: the one recorded in the cache
	// folder when the same archive was first downloaded from anywhere. Google publishes
	// no checksums: without SHA256 the first download is trusted as far as TLS is.
	SHA256 string
	// CacheDir is where Chrome for Testing is unpacked. Default: DefaultCacheDir.
	CacheDir string
	// Force installs even if a usable Chrome is there. Default: false.
	Force bool
	// Output gets what apt-get says and how the download goes. Default: io.Discard.
	Output io.Writer
	// Getenv reads the environment, proxies too. Default: os.Getenv.
	Getenv func(string) string
	// Timeout bounds the whole installation. Default: 15 minutes.
	Timeout time.Duration
	// StallTimeout bounds the time without a single byte in a download. Default: 1 minute.
	StallTimeout time.Duration
	// MaxArchive bounds the size of the download, in bytes. Default: 512 MiB.
	MaxArchive int64
	// MaxUnpacked bounds the size of what is unpacked, in bytes. Default: 2 GiB.
	MaxUnpacked int64
	// Root is put before every known path. Default: none.
	Root string
	// euid is whom the process runs as. Default: os.Geteuid.
	euid func() int
}

func (o InstallOptions) withDefaults() (InstallOptions, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Output == nil {
		o.Output = io.Discard
	}
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	if o.euid == nil {
		o.euid = os.Geteuid
	}
	o.Timeout = positive(o.Timeout, 15*time.Minute)
	o.StallTimeout = positive(o.StallTimeout, time.Minute)
	o.MaxArchive = positive(o.MaxArchive, 512<<20)
	o.MaxUnpacked = positive(o.MaxUnpacked, 2<<30)
	switch {
	case o.From != "" && o.From != FromAPT && o.From != FromTesting:
		return o, fmt.Errorf("install Chrome from %q: there are only %q and %q", o.From, FromAPT, FromTesting)
	case o.From == FromAPT && o.Version != "":
		return o, fmt.Errorf("install Chrome %s with apt-get: apt-get takes the system's version; leave the version out, or take %q", o.Version, FromTesting)
	case o.Version != "" && versionNumbers(o.Version) == nil:
		return o, fmt.Errorf("install Chrome %q: a version looks like %s", o.Version, PinnedVersion)
	}
	if err := checkSum(o.SHA256); err != nil {
		return o, err
	}
	return o, nil
}

func positive[T int64 | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

func (o InstallOptions) findOptions() FindOptions {
	return FindOptions{Getenv: o.Getenv, CacheDir: o.CacheDir, Root: o.Root}
}

// Install returns a usable Chrome, and installs one first if there is none. It may be
// called by several processes at once: one installs, the others wait for it.
//
// The error joins what each way that was tried said. A path in the environment that names
// no Chrome is an error too, since it would hide whatever was installed.
func Install(ctx context.Context, opts InstallOptions) (Executable, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return Executable{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout, fmt.Errorf("not done within %s", o.Timeout))
	defer cancel()
	exe, err := o.present(ctx)
	if err == nil && !o.Force {
		return exe, nil
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Executable{}, err
	}
	var faults []error
	for _, way := range o.ways() {
		exe, err := way.install(ctx, o)
		if err == nil {
			return exe, nil
		}
		faults = append(faults, fmt.Errorf("install Chrome from %s: %w", way.name, err))
		fmt.Fprintf(o.Output, "%s: %v\n", way.name, err)
		if ctx.Err() != nil {
			break
		}
	}
	return Executable{}, errors.Join(append(faults, o.advice())...)
}

// present returns the Chrome that makes installing needless.
func (o InstallOptions) present(ctx context.Context) (Executable, error) {
	places := o.findOptions().withDefaults()
	none := &NotFoundError{}
	switch {
	case o.From == FromAPT:
		if exe, ok := places.inKnownPaths(ctx, none); ok {
			return exe, nil
		}
		return Executable{}, none
	case o.From == FromTesting || o.Version != "":
		dir, err := o.cacheDir()
		if err != nil {
			return Executable{}, err
		}
		exe, ok := places.try(ctx, cachedExecutable(dir, o.version()), "cache", none)
		if ok {
			return exe, nil
		}
		return Executable{}, none
	}
	return find(ctx, places)
}

type way struct {
	name    string
	install func(context.Context, InstallOptions) (Executable, error)
}

// ways lists how to install, the preferred way first.
func (o InstallOptions) ways() []way {
	apt := way{"apt-get", installPackages}
	testing := way{"Chrome for Testing", installTesting}
	switch {
	case o.From == FromAPT:
		return []way{apt}
	case o.From == FromTesting || o.Version != "":
		return []way{testing}
	case o.euid() != 0 || o.lookPath("apt-get") == "":
		return []way{testing}
	}
	return []way{apt, testing}
}

func (o InstallOptions) lookPath(name string) string {
	return FindOptions{Getenv: o.Getenv}.lookPath(name)
}

// advice says what a person can do where the program could not.
func (o InstallOptions) advice() error {
	if o.euid() != 0 && o.lookPath("apt-get") != "" {
		return errors.New("or install the system's as root: sudo apt-get update && sudo " + aptCommand())
	}
	return errors.New("or install Chrome or Chromium by other means and name its executable in EBB_BROWSER_PATH")
}

func (o InstallOptions) version() string {
	if o.Version != "" {
		return o.Version
	}
	return PinnedVersion
}

func (o InstallOptions) cacheDir() (string, error) {
	if o.CacheDir != "" {
		return filepath.Abs(o.CacheDir)
	}
	if o.euid() == 0 {
		return SystemCacheDir, nil
	}
	return userCacheDir(o.Getenv)
}

// lockCache makes this process the only one that installs into dir, and waits for one that
// already does. The kernel gives the lock back if the process dies.
func lockCache(ctx context.Context, dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	retry := time.NewTicker(100 * time.Millisecond)
	defer retry.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("wait for another installation into %s: %w", dir, context.Cause(ctx))
		}
	}
}

// toolGrace is how long a system tool may take to stop after it was asked to.
const toolGrace = 30 * time.Second

// command runs a system tool with no input. What it prints goes to the output, and its
// last lines into the error. When ctx ends it alone is interrupted: apt-get then stops a
// download, but lets dpkg finish, which must not be cut off in the middle of a package.
func (o InstallOptions) command(ctx context.Context, env []string, name string, args ...string) error {
	last := newTail(2 << 10)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout = io.MultiWriter(o.Output, last)
	cmd.Stderr = cmd.Stdout
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = toolGrace
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w; it said: %s", filepath.Base(name), context.Cause(ctx), last)
	}
	return fmt.Errorf("%s: %w; it said: %s", filepath.Base(name), err, last)
}
