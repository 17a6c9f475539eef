package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrNotFound says that there is no usable Chrome on this machine. The error that wraps
// it is a *NotFoundError, which lists what was looked at.
var ErrNotFound = errors.New("no usable Chrome was found")

// FindOptions says where to look for Chrome.
type FindOptions struct {
	// Path is the executable that the user named by flag or configuration. Default: none.
	// If it is set and is no usable Chrome, that is an error: nothing else is tried.
	Path string
	// PathSource says where Path was named, for messages and Executable.Source.
	// Default: "flag".
	PathSource string
	// Getenv reads the environment. Default: os.Getenv.
	Getenv func(string) string
	// CacheDir is where Install puts its Chromes. Default: DefaultCacheDir; SystemCacheDir
	// is looked at too.
	CacheDir string
	// Root is put before every known path. Default: none.
	Root string
	// Remember keeps in CacheDir what a Chrome said of its version, and asks it again only when the file
	// has changed. A Chrome that cannot run any more is then found only by starting it. Default: it is
	// asked each time.
	Remember bool
	// VersionTimeout bounds a Chrome that is asked for its version. Default: 10 s.
	VersionTimeout time.Duration
}

// Looked is one place that was looked at in vain.
type Looked struct {
	// Where is the path, or the kind of place.
	Where string
	// Why says what is wrong with what stands there.
	Why string
}

// NotFoundError lists the places that were looked at in vain. It is an ErrNotFound.
type NotFoundError struct{ Looked []Looked }

func (e *NotFoundError) Error() string {
	var b strings.Builder
	b.WriteString(ErrNotFound.Error())
	b.WriteString("; run `ebb browser install`, or name one in EBB_BROWSER_PATH. Looked at:")
	for _, l := range e.Looked {
		fmt.Fprintf(&b, "\n  %s: %s", l.Where, l.Why)
	}
	return b.String()
}

// Is makes errors.Is(err, ErrNotFound) true.
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// knownPaths are the places where packages and images put Chrome's ELF, headless-shell
// builds first: they need half the memory. Snaps are left out: they can neither be given
// a private profile folder nor be supervised.
var knownPaths = []string{
	"/usr/lib/chromium/chromium-headless-shell",
	"/headless-shell/headless-shell",
	"/usr/lib/chromium/headless_shell",
	"/usr/lib64/chromium-browser/headless_shell",
	"/usr/lib/chromium/chromium",
	"/usr/lib/chromium-browser/chromium-browser",
	"/usr/lib/chromium/chrome",
	"/usr/lib64/chromium-browser/chromium-browser",
	"/usr/lib64/chromium/chromium",
	"/opt/google/chrome/chrome",
	"/opt/google/chrome-beta/chrome",
	"/opt/google/chrome-unstable/chrome",
}

// pathNames are the names that Chrome goes by in PATH.
var pathNames = []string{
	"headless_shell", "headless-shell", "chrome-headless-shell", "chromium-headless-shell",
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
}

// pathVariables name an executable each; one that is set and wrong is an error.
var pathVariables = []string{"EBB_BROWSER_PATH", "CHROME_PATH", "CHROME_BIN"}

// Find returns the Chrome to use. The order is: the path in the options, EBB_BROWSER_PATH,
// CHROME_PATH, CHROME_BIN, the newest that Install put into its cache, the places where
// packages put it, PATH. A script is followed to the program it starts, and every
// candidate is asked for its version.
//
// A path that the user named and that is no usable Chrome is an error that says what it is
// and what to do. If nobody named one and there is none, the error is ErrNotFound.
func Find(opts FindOptions) (Executable, error) {
	return find(context.Background(), opts)
}

func find(ctx context.Context, opts FindOptions) (Executable, error) {
	opts = opts.withDefaults()
	named := []struct{ source, path string }{{opts.PathSource, opts.Path}}
	for _, v := range pathVariables {
		named = append(named, struct{ source, path string }{v, opts.Getenv(v)})
	}
	for _, n := range named {
		if n.path == "" {
			continue
		}
		exe, err := opts.inspectNamed(ctx, n.path)
		if err != nil {
			return Executable{}, fmt.Errorf("the browser named by %s: %s %w", n.source, n.path, err)
		}
		exe.Source = n.source
		return exe, nil
	}
	looked := &NotFoundError{}
	for _, place := range []func(context.Context, *NotFoundError) (Executable, bool){
		opts.inCache, opts.inKnownPaths, opts.inPATH,
	} {
		if exe, ok := place(ctx, looked); ok {
			return exe, nil
		}
		if err := ctx.Err(); err != nil {
			return Executable{}, fmt.Errorf("look for Chrome: %w", context.Cause(ctx))
		}
	}
	return Executable{}, looked
}

func (o FindOptions) withDefaults() FindOptions {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.VersionTimeout <= 0 {
		o.VersionTimeout = defaultVersionTimeout
	}
	if o.PathSource == "" {
		o.PathSource = "flag"
	}
	return o
}

// inspectNamed takes what a user may write: a path, or a name to be looked up in PATH.
func (o FindOptions) inspectNamed(ctx context.Context, path string) (Executable, error) {
	if !strings.Contains(path, "/") {
		found := o.lookPath(path)
		if found == "" {
			return Executable{}, errors.New("is not in PATH; give its full path")
		}
		path = found
	}
	return o.inspect(ctx, path)
}

// inspect resolves path to its ELF and asks that for its version.
func (o FindOptions) inspect(ctx context.Context, path string) (Executable, error) {
	target, err := resolveELF(path)
	if err != nil {
		return Executable{}, err
	}
	version, err := o.version(ctx, target)
	if err != nil {
		return Executable{}, err
	}
	exe := Executable{Path: target, Version: version, Headless: isHeadlessShell(target)}
	if abs, err := filepath.Abs(path); err == nil && abs != target {
		exe.Wrapper = abs
	}
	return exe, nil
}

func (o FindOptions) inCache(ctx context.Context, looked *NotFoundError) (Executable, bool) {
	for _, dir := range o.cacheDirs() {
		paths := cachedExecutables(dir)
		if len(paths) == 0 {
			looked.add(dir, "holds no Chrome")
		}
		for _, p := range paths {
			if exe, ok := o.try(ctx, p, "cache", looked); ok {
				return exe, true
			}
		}
	}
	return Executable{}, false
}

func (o FindOptions) inKnownPaths(ctx context.Context, looked *NotFoundError) (Executable, bool) {
	before := len(looked.Looked)
	for _, p := range knownPaths {
		p = filepath.Join(o.Root, p)
		if _, err := os.Lstat(p); err != nil {
			continue
		}
		if exe, ok := o.try(ctx, p, "known path", looked); ok {
			return exe, true
		}
	}
	if len(looked.Looked) == before {
		looked.add("known paths", "nothing in "+strings.Join(knownPaths, ", "))
	}
	return Executable{}, false
}

func (o FindOptions) inPATH(ctx context.Context, looked *NotFoundError) (Executable, bool) {
	before := len(looked.Looked)
	for _, name := range pathNames {
		p := o.lookPath(name)
		if p == "" {
			continue
		}
		if exe, ok := o.try(ctx, p, "PATH", looked); ok {
			return exe, true
		}
	}
	if len(looked.Looked) == before {
		looked.add("PATH", "no "+strings.Join(pathNames, ", "))
	}
	return Executable{}, false
}

// try inspects a path that nobody named; what is wrong with it is noted.
func (o FindOptions) try(ctx context.Context, path, source string, looked *NotFoundError) (Executable, bool) {
	exe, err := o.inspect(ctx, path)
	if err != nil {
		looked.add(path, err.Error())
		return Executable{}, false
	}
	exe.Source = source
	return exe, true
}

func (e *NotFoundError) add(where, why string) {
	e.Looked = append(e.Looked, Looked{Where: where, Why: why})
}

// lookPath finds an executable file in the PATH of the options' environment.
func (o FindOptions) lookPath(name string) string {
	for _, dir := range filepath.SplitList(o.Getenv("PATH")) {
		if !filepath.IsAbs(dir) { // an entry such as "." runs whatever the current folder holds
			continue
		}
		p := filepath.Join(dir, name)
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return p
		}
	}
	return ""
}
