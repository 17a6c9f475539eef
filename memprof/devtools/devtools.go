// Package devtools reads page and JavaScript-heap figures over CDP.
//
// It opens no tab and attaches to none: it uses the sessions that its caller has, and asks them
// only what costs the page less than a millisecond.
package devtools

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"github.com/ebbworker/ebb/memprof"
)

// Target is a page whose session the caller has.
type Target struct {
	// Browser is the id of its Chrome, ID is Chrome's id of the target.
	Browser, ID string
	// URL is its address, if known, and Site the site on whose behalf it is open.
	URL, Site string
	// Session takes the commands. A page that was attached to again has a new one.
	Session cdp.Session
}

// Browser is a Chrome whose session (not that of a page) the caller has.
type Browser struct {
	ID      string
	Session cdp.Session
}

// Options says what is read.
type Options struct {
	// Targets lists the pages to ask; Browsers the Chromes. They are called at each reading,
	// from several goroutines, and must not wait. Default: nil, none.
	Targets  func() []Target
	Browsers func() []Browser
	// Timeout bounds every call. A page whose renderer hangs costs one timeout, and then is
	// asked less and less often until it answers. Default: 500 ms.
	Timeout time.Duration
	// MaxOpen is how many open targets of a Chrome are listed with their URLs; all are
	// counted. Default: 50.
	MaxOpen int
	// MaxURL is how many bytes of a URL are kept; query and fragment never are. Default: 200.
	MaxURL int
}

// maxParallel is how many pages are asked at once.
const maxParallel = 32

// maxPause is how many readings at most leave out a page that does not answer.
const maxPause = 32

// Source reads pages and Chromes.
type Source struct {
	o Options

	mu    sync.Mutex
	pages map[pageKey]*pageState // of the targets that were listed last
}

type pageKey struct{ browser, id string }

// pageState is what is remembered of a page.
type pageState struct {
	session cdp.Session
	enabled bool // Performance is on, because of us
	failed  int  // timeouts in a row
	pause   int  // readings that still leave the page out
}

// New returns a source; it calls nothing.
func New(o Options) *Source {
	if o.Targets == nil {
		o.Targets = func() []Target { return nil }
	}
	if o.Browsers == nil {
		o.Browsers = func() []Browser { return nil }
	}
	if o.Timeout == 0 {
		o.Timeout = 500 * time.Millisecond
	}
	if o.MaxOpen == 0 {
		o.MaxOpen = 50
	}
	if o.MaxURL == 0 {
		o.MaxURL = 200
	}
	return &Source{o: o, pages: make(map[pageKey]*pageState)}
}

// Name returns "devtools".
func (s *Source) Name() string { return "devtools" }

// Read asks all pages and Chromes at once. Of each page it returns every field of
// Performance.getMetrics and Runtime.getHeapUsage, at LevelFull also Memory.getDOMCounters; of
// each Chrome the number of open targets by type and of browser contexts, and but for ticks the
// targets themselves. A call that fails is a gap.
func (s *Source) Read(ctx context.Context, q memprof.Request) []memprof.Reading {
	targets, browsers := s.o.Targets(), s.o.Browsers()
	s.forget(targets)
	parts := make([][]memprof.Reading, len(targets)+len(browsers))
	slots := make(chan struct{}, maxParallel)
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			parts[i] = s.readPage(ctx, q, t)
		})
	}
	for i, b := range browsers {
		wg.Go(func() { parts[len(targets)+i] = s.readBrowser(ctx, q, b) })
	}
	wg.Wait()
	readings := []memprof.Reading{{Metric: "page.read", Value: float64(len(targets))}}
	if len(browsers) == 0 {
		// No Chrome is a figure too: it has no targets and no contexts.
		readings = append(readings, memprof.Reading{Metric: "context.count"})
	}
	for _, part := range parts {
		readings = append(readings, part...)
	}
	return readings
}

// Close disables the Performance domain in the pages for which the source has enabled it.
func (s *Source) Close(ctx context.Context) error {
	s.mu.Lock()
	sessions := make([]cdp.Session, 0, len(s.pages))
	for _, state := range s.pages {
		if state.enabled {
			sessions = append(sessions, state.session)
		}
	}
	clear(s.pages)
	s.mu.Unlock()
	errs := make([]error, len(sessions))
	var wg sync.WaitGroup
	for i, session := range sessions {
		wg.Go(func() {
			_, err := call(ctx, s.o.Timeout, session, performance.Disable, cdp.Empty{})
			if err != nil && !errors.Is(err, memprof.ErrGone) {
				errs[i] = fmt.Errorf("stop reading a page: %w", err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// forget drops the state of pages that are no longer listed.
func (s *Source) forget(targets []Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	listed := make(map[pageKey]bool, len(targets))
	for _, t := range targets {
		key := pageKey{t.Browser, t.ID}
		listed[key] = true
		if s.pages[key] == nil {
			s.pages[key] = &pageState{}
		}
		s.pages[key].session = t.Session
	}
	for key := range s.pages {
		if !listed[key] {
			delete(s.pages, key)
		}
	}
}

// state calls f with the state of a page, under the lock; not at all if the page was forgotten.
func (s *Source) state(t Target, f func(*pageState)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state := s.pages[pageKey{t.Browser, t.ID}]; state != nil {
		f(state)
	}
}

// call runs one command, bounded in time. A session that has ended makes memprof.ErrGone.
func call[P, R any](ctx context.Context, timeout time.Duration, session cdp.Session, c cdp.Command[P, R], params P) (R, error) {
	var result R
	err := callInto(ctx, timeout, session, c.Method, params, &result)
	return result, err
}

// callInto is call with a result type of our own, which can tell a field that is missing.
func callInto(ctx context.Context, timeout time.Duration, session cdp.Session, method string, params, result any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := session.Call(ctx, method, params, result)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: no answer within %v: %w", method, timeout, err)
	case errors.Is(err, chromedp.ErrTargetDetached) || sessionNotFound(err):
		return fmt.Errorf("%s: %w", method, memprof.ErrGone)
	}
	return fmt.Errorf("%s: %w", method, err)
}

// sessionNotFound tells Chrome's answer to a command for a session that has ended.
func sessionNotFound(err error) bool {
	var answer *cdproto.Error
	return errors.As(err, &answer) && answer.Code == -32001
}
