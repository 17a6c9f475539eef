package browser

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/chromedp/cdproto/target"
)

// DeathKind is why one of Chrome's processes ended that should have gone on.
type DeathKind string

// The kinds of death.
const (
	// DeathMemory: the kernel killed it for want of memory.
	DeathMemory DeathKind = "out of memory"
	// DeathHeap: its JavaScript heap reached the limit of V8, whatever memory there was.
	DeathHeap DeathKind = "heap limit"
	// DeathKilled: somebody killed it who was neither the kernel nor this package.
	DeathKilled DeathKind = "killed"
	// DeathCrash: it crashed by itself.
	DeathCrash DeathKind = "crash"
)

// Death is the end of one of Chrome's processes that nobody here asked for.
type Death struct {
	Kind DeathKind
	// Browser is the Chrome. Main says that its main process died, and all of its tabs with it;
	// else the renderer of a tab did.
	Browser *Browser
	Main    bool
	// Site and Run had the tab last, and URL is what it showed; "" where it was no tab of a lease.
	Site, Run, URL string
	// At is when it was seen: up to a second after the death itself.
	At time.Time
	// Err is what calls on the tab, or on Chrome, return from then on.
	Err error
}

// err is the sentinel of a kind; nil for a crash, of which there is no more to say.
func (k DeathKind) err() error {
	switch k {
	case DeathMemory:
		return ErrOutOfMemory
	case DeathHeap:
		return ErrHeapLimit
	case DeathKilled:
		return ErrKilled
	}
	return nil
}

const (
	// killWindow is how long before the news of a death the kernel's kill may have been: Chrome
	// tells of it 60 to 730 ms later, on a busy machine more.
	killWindow = 5 * time.Second
	// trapPatience is how long what a process said at its end may take to come.
	trapPatience = 200 * time.Millisecond
)

// kernelKilled says whether the kernel has just killed a process for want of memory. The count of
// such kills is the only signal of them: use that reaches the limit, and failures to charge, come
// with every full page cache too.
func (b *Browser) kernelKilled() bool {
	if b.options.KernelKills == nil {
		return false
	}
	n, err := b.options.KernelKills(killWindow)
	return err == nil && n > 0
}

// killedKind is the kind of a death by SIGKILL.
func (b *Browser) killedKind() DeathKind {
	if b.kernelKilled() {
		return DeathMemory
	}
	return DeathKilled
}

// crashKind judges the end of a renderer. Chrome reports the signal that ended it.
func (b *Browser) crashKind(status string, code int64) DeathKind {
	switch {
	case status == "oom": // Chrome's own word for memory that it asked for and did not get
		return DeathMemory
	case code == int64(syscall.SIGKILL):
		return b.killedKind()
	case code == int64(syscall.SIGTRAP) && b.saidHeapLimit(): // as after any failed check
		return DeathHeap
	}
	return DeathCrash
}

// saidHeapLimit says whether a process has just said that its heap reached V8's limit. It says so
// before it dies, but on another pipe than that of the news.
func (b *Browser) saidHeapLimit() bool {
	for deadline := time.Now().Add(trapPatience); ; time.Sleep(10 * time.Millisecond) {
		if b.stderr.takeHeapLimit() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// crashed ends the sessions of a target whose renderer died, and tells of it. It is called where
// the pipe is read, which must not wait: only what needs patience is judged beside it.
func (b *Browser) crashed(ev target.EventTargetCrashed) {
	if ev.ErrorCode == int64(syscall.SIGTRAP) {
		b.judging.Go(func() { b.bury(ev) })
		return
	}
	b.bury(ev)
}

func (b *Browser) bury(ev target.EventTargetCrashed) {
	kind := b.crashKind(ev.Status, ev.ErrorCode)
	err := fmt.Errorf("%w: its renderer was %s (code %d)", ErrCrashed, ev.Status, ev.ErrorCode)
	if why := kind.err(); why != nil {
		err = fmt.Errorf("%w: %w", ErrCrashed, why)
	}
	tab := b.tracker.end(ev.TargetID, err)
	if tab == nil || b.options.OnDeath == nil || b.ended.Load() {
		return
	}
	d := Death{Kind: kind, Browser: b, URL: tab.URL(), At: time.Now(), Err: err}
	d.Site, d.Run = tab.lentTo()
	b.options.OnDeath(d)
}

// end ends the sessions of a target for a reason, and returns the tab that it was, nil for none.
func (t *tracker) end(id target.ID, why error) *Tab {
	t.mu.Lock()
	defer t.mu.Unlock()
	tab := t.tabs[id]
	if tab != nil {
		tab.session.end(why)
	}
	for s := range t.attached[id] {
		s.end(why)
	}
	return tab
}

// exitErr says how Chrome's main process ended, and why, as far as that is known; valid after exited.
func (b *Browser) exitErr() error {
	b.judged.Do(func() { b.fate, b.fateErr = b.judgeExit() })
	return b.fateErr
}

func (b *Browser) judgeExit() (DeathKind, error) {
	if why := b.killedFor.Load(); why != nil {
		return DeathCrash, errors.New(*why)
	}
	if b.waitErr == nil {
		return DeathCrash, errors.New("exit status 0")
	}
	var exit *exec.ExitError
	if !errors.As(b.waitErr, &exit) {
		return DeathCrash, b.waitErr
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL || b.ended.Load() {
		return DeathCrash, errors.New(exit.String())
	}
	kind := b.killedKind()
	return kind, fmt.Errorf("%s: %w", exit.String(), kind.err())
}

// mourn tells of the death of Chrome's main process, unless this package ended it.
func (b *Browser) mourn() {
	err := b.exitErr()
	if b.ended.Load() || b.options.OnDeath == nil {
		return
	}
	b.options.OnDeath(Death{Kind: b.fate, Browser: b, Main: true, At: time.Now(), Err: fmt.Errorf("%w: it ended with %w", ErrGone, err)})
}
