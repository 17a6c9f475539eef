// Package browser runs Chrome, lends out its tabs, and cleans them up.
package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
)

// LaunchOptions say how to start Chrome.
type LaunchOptions struct {
	// Path is Chrome's executable, as Find returns it.
	Path string
	// User is the name or uid of the account that Chrome runs as when the worker is
	// root. Default: ebb if it exists, otherwise nobody.
	User string
	// NoSandbox starts Chrome without its sandbox. Default: false; there should be no
	// other.
	NoSandbox bool
	// Flags are further arguments; see RefusedFlag. Default: none.
	Flags []string
	// Block are resource kinds that no page of this Chrome loads, of those that its start flags can keep
	// away (see FlagKinds), without a decision at each request.
	// Default: none.
	Block []string
	// UserAgent is sent by every tab that sets no other. Default: Chrome's own.
	UserAgent string
	// TempDir is where Chrome's private folder is made. Default: the system's.
	TempDir string
	// StartTimeout bounds the start, up to the first answer. Default: 30 s.
	StartTimeout time.Duration
	// CloseTimeout is how long Chrome may take to close by itself before it is killed.
	// Default: 5 s.
	CloseTimeout time.Duration
	// Proxy is the only way to the network. Default: nil, whatever Chrome finds.
	Proxy Proxy
	// KeepPopups leaves windows open that pages opened. Default: false, they are
	// closed as they open, and counted.
	KeepPopups bool
	// KernelKills tells how many processes of this program's cgroup the kernel has killed for want
	// of memory within some time before now. Default: nil, that is not known, and whatever is
	// killed from outside counts as ErrKilled.
	KernelKills func(within time.Duration) (int, error)
	// OnDeath is told of each process that dies unasked; it must not block. Default: nobody is.
	OnDeath func(Death)
}

func (o LaunchOptions) withDefaults() LaunchOptions {
	if o.TempDir == "" {
		o.TempDir = os.TempDir()
	}
	if o.StartTimeout <= 0 {
		o.StartTimeout = 30 * time.Second
	}
	if o.CloseTimeout <= 0 {
		o.CloseTimeout = 5 * time.Second
	}
	return o
}

// Browser is one running Chrome. It lives until Close, or until it dies by itself;
// no context that is given to a call ends it.
type Browser struct {
	options LaunchOptions
	as      account
	folder  folder
	args    []string
	started time.Time

	cmd     *exec.Cmd
	conn    *conn
	stderr  *tail
	output  *os.File      // the read end of Chrome's standard output and error
	drained chan struct{} // closed when nothing more comes from it
	tracker *tracker
	version browser.GetVersionResult

	pages     atomic.Int64           // navigations so far
	fetched   atomic.Int64           // bytes, of tabs that count them
	paces     paces                  // of its visits
	framing   chan struct{}          // holds a token while a frame is made
	exited    chan struct{}          // closed when the process has been waited for
	waitErr   error                  // valid after exited
	killedFor atomic.Pointer[string] // why watchLife killed it; nil if it did not

	ended   atomic.Bool    // this package has ended it, or is about to
	judging sync.WaitGroup // deaths of renderers
	judged  sync.Once      // of fate and fateErr, valid after exited
	fate    DeathKind
	fateErr error

	closing chan struct{} // closed by Close
	cleaned chan struct{} // closed when nothing of it is left
	cleanup error         // valid after cleaned
}

// Launch starts Chrome and waits for its first answer. The context bounds the start
// only. An error wraps ErrStart and leaves nothing behind.
func Launch(ctx context.Context, o LaunchOptions) (*Browser, error) {
	b, err := launch(ctx, o.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	return b, nil
}

func launch(ctx context.Context, o LaunchOptions) (*Browser, error) {
	as, f, err := prepare(o)
	if err != nil {
		return nil, err
	}
	b := &Browser{
		options: o, as: as, folder: f, started: time.Now(), stderr: newTail(16 << 10),
		args:    flags(o, f.profile(), isHeadlessShell(o.Path)),
		framing: make(chan struct{}, 1),
		exited:  make(chan struct{}),
		closing: make(chan struct{}), cleaned: make(chan struct{}),
	}
	if err := b.start(); err != nil {
		return nil, errors.Join(err, f.remove(time.Second))
	}
	go b.supervise()
	go b.watchLife()
	ctx, cancel := context.WithTimeoutCause(ctx, o.StartTimeout, fmt.Errorf("no answer within %s", o.StartTimeout))
	defer cancel()
	if err := b.greet(ctx); err != nil {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.CloseTimeout+5*time.Second)
		defer cancel()
		b.Kill()
		closed := b.Close(closeCtx) // then all that Chrome has said is there
		return nil, errors.Join(startError(err, b.stderr.String(), o.Path, as), closed)
	}
	_ = b.offer() // where it may not, Chrome and the worker are as likely to be taken
	return b, nil
}

// start runs the process.
func (b *Browser) start() error {
	output, said, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe for Chrome's output: %w", err)
	}
	// A pipe of our own, not one of os/exec: Chrome's children hold it open for longer
	// than Chrome lives, and Wait would wait for them.
	cmd, in, out, err := spawn(b.options, b.args, b.folder, b.as, said, func(err error) {
		b.waitErr = err
		close(b.exited)
	})
	said.Close()
	if err != nil {
		return errors.Join(err, output.Close())
	}
	b.cmd = cmd
	b.output = output
	b.drained = make(chan struct{})
	go func() {
		defer close(b.drained)
		_, _ = io.Copy(b.stderr, output)
	}()
	b.conn = newConn(out, in, b.explain)
	b.tracker = newTracker(b.conn, b.options.KeepPopups, b.crashed)
	return nil
}

// execError says why a process did not start, in words of what can be done.
func execError(err error, path string, as account) error {
	if errors.Is(err, os.ErrPermission) && as.other {
		return fmt.Errorf("run %s as %s: %w; every folder above it must be open to that user (chmod o+x), or name another with browser.user", path, as, err)
	}
	return fmt.Errorf("run %s: %w", path, err)
}

// startError adds what Chrome said to an error of its start.
func startError(err error, said, path string, as account) error {
	err = fmt.Errorf("start %s as %s: %w", path, as, err)
	if strings.Contains(said, "No usable sandbox") || strings.Contains(said, "sandbox_host") || strings.Contains(said, "credentials.cc") {
		return fmt.Errorf("%w: its sandbox cannot work here: user namespaces are closed; see `ebb browser doctor`", err)
	}
	if said != "" {
		lines := strings.Split(strings.TrimSpace(said), "\n")
		return fmt.Errorf("%w; it said: %s", err, strings.Join(lines[max(0, len(lines)-3):], " | "))
	}
	return err
}

// greet asks for the version and sets what holds for the whole browser.
func (b *Browser) greet(ctx context.Context) error {
	v, err := cdp.Call(ctx, b.conn.root, browser.GetVersion, cdp.Empty{})
	if err != nil {
		return err
	}
	b.version = v
	if err := b.tracker.begin(ctx); err != nil {
		return err
	}
	return b.harden(ctx, "")
}

// harden denies downloads in a browser context; "" is the default one.
func (b *Browser) harden(ctx context.Context, id cdp.BrowserContextID) error {
	_, err := cdp.Call(ctx, b.conn.root, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorDeny, BrowserContextID: id,
	})
	return err
}

// supervise waits for the end of Chrome, however it comes, and then removes all that
// is left of it.
func (b *Browser) supervise() {
	select {
	case <-b.exited:
	case <-b.conn.closed:
		b.awaitExit()
	case <-b.closing:
		b.ended.Store(true)
		b.closeSoftly()
	}
	b.kill()
	<-b.exited
	b.mourn()
	b.conn.fail(b.explain(nil))
	b.conn.close()
	b.judging.Wait()
	killProfile(b.folder.profile())
	b.awaitOutput()
	reapGroup(b.cmd.Process.Pid)
	b.cleanup = b.folder.remove(5 * time.Second)
	close(b.cleaned)
}

// outputPatience is how long the rest of what Chrome has said may take to come when all its processes have ended.
const outputPatience = time.Second

// awaitOutput reads what Chrome has said to its end.
func (b *Browser) awaitOutput() {
	closesWithin(b.drained, outputPatience) // else somebody else holds the pipe
	b.output.Close()
	<-b.drained
}

// exitPatience is how long Chrome may take to end when its pipe has.
const exitPatience = time.Second

// awaitExit waits for the end of a Chrome whose pipe has ended: one that dies is not killed, so that
// how it ended is its own.
func (b *Browser) awaitExit() {
	if !closesWithin(b.exited, exitPatience) {
		b.ended.Store(true)
	}
}

// closesWithin waits until a channel is closed, for a time at most, and says whether it is.
func closesWithin(c <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return false
	}
}

// closeSoftly asks Chrome to close and gives it its time.
func (b *Browser) closeSoftly() {
	b.conn.root.post(browser.CommandClose, cdp.Empty{})
	closesWithin(b.exited, b.options.CloseTimeout)
}

// kill ends Chrome's process group at once. Chrome that has been waited for is left
// alone: its number may belong to somebody else by now.
func (b *Browser) kill() {
	select {
	case <-b.exited:
	default:
		_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// explain adds how Chrome ended to the error that ended its pipe. The end of the pipe
// is seen a moment before the end of the process.
func (b *Browser) explain(err error) error {
	if !closesWithin(b.exited, 100*time.Millisecond) {
		return err
	}
	return fmt.Errorf("it ended with %w", b.exitErr())
}

// Close asks Chrome to close, kills it if it does not within CloseTimeout, and waits
// until no process and no file of it is left, or the context ends. The work goes on in
// the background where the context ends first. Only the first call does anything; all
// of them wait.
func (b *Browser) Close(ctx context.Context) error {
	b.beginClose()
	select {
	case <-b.cleaned:
		return b.cleanup
	case <-ctx.Done():
		return fmt.Errorf("close Chrome: %w", context.Cause(ctx))
	}
}

// beginClose is Close without the wait.
func (b *Browser) beginClose() { b.tracker.closeOnce.Do(func() { close(b.closing) }) }

// Kill ends Chrome at once; Close must still be called to wait for its end.
func (b *Browser) Kill() {
	b.ended.Store(true)
	b.kill()
}

// Gone is closed when Chrome has ended.
func (b *Browser) Gone() <-chan struct{} { return b.conn.closed }

// Err says how Chrome ended, as an error that wraps ErrGone; nil while it runs.
func (b *Browser) Err() error {
	select {
	case <-b.conn.closed:
		return b.conn.goneErr()
	default:
		return nil
	}
}

// PID is the number of Chrome's main process.
func (b *Browser) PID() int { return b.cmd.Process.Pid }

// Version is what Chrome calls itself, such as HeadlessChrome/156.0.8078.79.
func (b *Browser) Version() string { return b.version.Product }

// UserAgent is what Chrome sends by itself.
func (b *Browser) UserAgent() string { return b.version.UserAgent }

// Flags are the arguments that Chrome was started with.
func (b *Browser) Flags() []string { return b.args }

// Account says which account Chrome runs as.
func (b *Browser) Account() string { return b.as.String() }

// Started is when Chrome was started.
func (b *Browser) Started() time.Time { return b.started }

// Pages is the number of navigations so far.
func (b *Browser) Pages() int { return int(b.pages.Load()) }

// ProfileDir is Chrome's profile folder; it is removed with Chrome.
func (b *Browser) ProfileDir() string { return b.folder.profile() }

// Session is the DevTools session of the browser itself.
func (b *Browser) Session() cdp.Session { return b.conn.root }

// newContext makes a browser context: storage of its own, gone with it, and a proxy of its
// own, nil for Chrome's.
func (b *Browser) newContext(ctx context.Context, proxy Proxy) (cdp.BrowserContextID, error) {
	if proxy == b.options.Proxy {
		proxy = nil
	}
	res, err := cdp.Call(ctx, b.conn.root, target.CreateBrowserContext, contextParams(proxy))
	if err != nil {
		return "", fmt.Errorf("make a browser context: %w", err)
	}
	if err := b.harden(ctx, res.BrowserContextID); err != nil {
		return "", errors.Join(err, b.disposeContext(ctx, res.BrowserContextID))
	}
	return res.BrowserContextID, nil
}

// disposeContext closes a browser context with its tabs and its storage.
func (b *Browser) disposeContext(ctx context.Context, id cdp.BrowserContextID) error {
	_, err := cdp.Call(ctx, b.conn.root, target.DisposeBrowserContext, target.DisposeBrowserContextParams{BrowserContextID: id})
	if err != nil {
		return fmt.Errorf("dispose of a browser context: %w", err)
	}
	return nil
}
