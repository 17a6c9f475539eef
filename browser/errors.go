package browser

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that a caller may test for with errors.Is.
var (
	// ErrGone says that Chrome died, or was closed, while it was needed. The error
	// that wraps it says how it ended.
	ErrGone = errors.New("the browser is gone")
	// ErrCrashed says that the tab's renderer crashed or was killed.
	ErrCrashed = errors.New("the tab crashed")
	// ErrOutOfMemory says that the kernel killed a process of Chrome for want of memory. It comes
	// with ErrCrashed (the renderer of a tab) or with ErrGone (Chrome's main process).
	ErrOutOfMemory = errors.New("the kernel killed it: memory had run out")
	// ErrHeapLimit says that a renderer died since its JavaScript heap reached the limit of V8. It
	// comes with ErrCrashed.
	ErrHeapLimit = errors.New("its JavaScript heap reached the limit of V8")
	// ErrKilled says that a process of Chrome was killed, neither by the kernel for want of memory
	// nor by this package. It comes with ErrCrashed or ErrGone.
	ErrKilled = errors.New("somebody killed it, and not the kernel for want of memory")
	// ErrClosed says that the tab was closed, by its page or by its owner.
	ErrClosed = errors.New("the tab is closed")
	// ErrHung says that Chrome or a tab did not answer in time although the caller
	// had time left.
	ErrHung = errors.New("no answer in time")
	// ErrScript says that a script of the page was ended, and its tab with it, because it did not
	// end by itself: it took more processor time without a pause than the lease allows, or opened
	// dialogs or windows without end.
	ErrScript = errors.New("a script of the page does not end")
	// ErrPoolClosed says that the pool takes no more leases.
	ErrPoolClosed = errors.New("the pool of tabs is closed")
	// ErrDraining says that a Chrome cannot be retired because another one that was has not
	// closed yet.
	ErrDraining = errors.New("another Chrome drains still")
	// ErrStart says that no Chrome could be started.
	ErrStart = errors.New("no usable Chrome")
	// ErrTooLarge says that a document is larger than the lease allows.
	ErrTooLarge = errors.New("the document is too large")
	// ErrNotPage says that a URL led to something that is no page: a download, an
	// image, no content at all.
	ErrNotPage = errors.New("not a page")
	// ErrNoElement says that a selector matched nothing that can be used.
	ErrNoElement = errors.New("no such element")
	// ErrNoEntry says that the history has no entry to go back to.
	ErrNoEntry = errors.New("the history has no earlier entry")
	// ErrRedirects says that a navigation was redirected too often.
	ErrRedirects = errors.New("too many redirects")
	// ErrForbidden says that a URL led to an address that the proxy lets nobody reach.
	ErrForbidden = errors.New("the address may not be reached")
	// ErrScheme says that a URL is neither http nor https.
	ErrScheme = errors.New("only http and https are opened")
)

// NetError is a navigation that failed in Chrome's network stack.
type NetError struct {
	// Code is Chrome's name for it, such as net::ERR_NAME_NOT_RESOLVED.
	Code string
	// URL is what was asked for.
	URL string
	// Why is what else is known of it. Default: nil, nothing.
	Why error
}

func (e *NetError) Error() string {
	if e.Why != nil {
		return fmt.Sprintf("open %s: %s: %v", e.URL, e.Code, e.Why)
	}
	return fmt.Sprintf("open %s: %s", e.URL, e.Code)
}

// ScriptError is an expression that threw, or a promise of its that was rejected.
type ScriptError struct {
	// Message is the exception's text, with its stack where it has one. It comes from
	// the page and may hold anything.
	Message string
}

func (e *ScriptError) Error() string { return "script: " + firstLine(e.Message, 300) }

// firstLine cuts text from a page to one line of at most limit bytes.
func firstLine(text string, limit int) string {
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}
