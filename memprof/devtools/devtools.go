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

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"

	"github.com/ebbworker/ebb/memprof"
)

// Target is a page whose session the caller has.
type Target struct {
	// Browser is the id of its Chrome, ID is Chrome's id of the target.
	Browser, ID string
	// URL is its address, if known, and Site the site on whose behalf it is open.
	URL, Site string
	// Session takes the commands. A page that was attached to again has a new one. Its errors
	// name the command.
	Session cdp.Session
}

// Browser is a Chrome whose session (not that of a page) the caller has.
type Browser struct {
	ID      string
	Session cdp.Session
}

// Options says what is read, and how long an answer is waited for.
type Options struct {
	// Targets lists the pages to ask; Browsers the Chromes. They are called at each reading,
	// from several goroutines, and must not wait. Default: nil, none.
	Targets  func() []Target
	Browsers func() []Browser
	// IsGone tells errors of a session that mean that its page or Chrome has ended, beside
	// those of chromedp and of Chrome itself. Default: nil, there are none.
	IsGone func(error) bool
	// TickWait is how long a tick waits for a page that is busy: its main thread answers when
	// it has finished what it does. Default: 250 ms.
	TickWait time.Duration
	// Patience is how long all readings together wait for one answer: a page that was asked
	// longer ago is late at once, until it answers. Default: 2 s.
	Patience time.Duration
	// MaxOpen is how many open targets of a Chrome are listed with their URLs; all are
	// counted. Default: 50.
	MaxOpen int
	// MaxURL is how many bytes of a URL are kept; query and fragment never are. Default: 200.
	MaxURL int
}

// maxParallel is how many pages are asked at once.
const maxParallel = 32

// Source reads pages and Chromes.
type Source struct {
	o Options

	mu    sync.Mutex
	lines map[lineKey]*line // of the pages and Chromes that were listed last
}

// lineKey names a page, or a Chrome by an empty target.
type lineKey struct{ browser, target string }

// New returns a source; it calls nothing.
func New(o Options) *Source {
	if o.Targets == nil {
		o.Targets = func() []Target { return nil }
	}
	if o.Browsers == nil {
		o.Browsers = func() []Browser { return nil }
	}
	if o.IsGone == nil {
		o.IsGone = func(error) bool { return false }
	}
	if o.TickWait == 0 {
		o.TickWait = 250 * time.Millisecond
	}
	if o.Patience == 0 {
		o.Patience = 2 * time.Second
	}
	if o.MaxOpen == 0 {
		o.MaxOpen = 50
	}
	if o.MaxURL == 0 {
		o.MaxURL = 200
	}
	return &Source{o: o, lines: make(map[lineKey]*line)}
}

// Name returns "devtools".
func (s *Source) Name() string { return "devtools" }

// Read asks all pages and Chromes at once, and of each all at once. Of each page it returns
// every field of Performance.getMetrics and Runtime.getHeapUsage, at LevelFull also
// Memory.getDOMCounters; of each Chrome the number of open targets by type and of browser
// contexts, and but for ticks the targets themselves. A call that fails is a gap. So is a page
// that is too busy to answer in time ("page.*", memprof.ErrLate), or that is closed meanwhile
// (memprof.ErrGone).
func (s *Source) Read(ctx context.Context, q memprof.Request) []memprof.Reading {
	wait := s.o.Patience
	if q.Tick {
		wait = min(wait, s.o.TickWait)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	targets, browsers := s.o.Targets(), s.o.Browsers()
	lines := s.connect(targets, browsers)
	pages := make([]page, len(targets))
	chromes := make([][]memprof.Reading, len(browsers))
	slots := make(chan struct{}, maxParallel)
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			pages[i] = s.readPage(ctx, q, t, lines[i])
		})
	}
	for i, b := range browsers {
		wg.Go(func() { chromes[i] = s.readBrowser(ctx, q, b, lines[len(targets)+i]) })
	}
	wg.Wait()
	readings := s.pages(pages)
	if len(browsers) == 0 {
		// No Chrome is a figure too: it has no targets and no contexts.
		readings = append(readings, memprof.Reading{Metric: "context.count"})
	}
	for _, chrome := range chromes {
		readings = append(readings, chrome...)
	}
	return readings
}

// pages returns the readings of all pages, after their number. One that failed and is no longer
// listed was closed meanwhile.
func (s *Source) pages(pages []page) []memprof.Reading {
	var listed map[Target]bool
	readings := []memprof.Reading{{Metric: "page.read"}}
	for _, p := range pages {
		if p.failed() && listed == nil {
			listed = make(map[Target]bool)
			for _, t := range s.o.Targets() {
				listed[identity(t)] = true
			}
		}
		if p.failed() && !listed[identity(p.t)] {
			p.gone()
		}
		if !errors.Is(p.err, memprof.ErrGone) {
			readings[0].Value++
		}
		readings = append(readings, p.readings...)
	}
	return readings
}

// identity is what stays of a target while its page moves on.
func identity(t Target) Target {
	return Target{Browser: t.Browser, ID: t.ID, Session: t.Session}
}

// connect returns the lines of pages and then Chromes, and ends those of others.
func (s *Source) connect(targets []Target, browsers []Browser) []*line {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.lines
	s.lines = make(map[lineKey]*line, len(old))
	lines := make([]*line, 0, len(targets)+len(browsers))
	add := func(key lineKey, session cdp.Session) {
		l := old[key]
		if l == nil || l.session != session {
			l = &line{session: session, isGone: s.o.IsGone}
		} else {
			delete(old, key)
		}
		s.lines[key] = l
		lines = append(lines, l)
	}
	for _, t := range targets {
		add(lineKey{t.Browser, t.ID}, t.Session)
	}
	for _, b := range browsers {
		add(lineKey{browser: b.ID}, b.Session)
	}
	for _, l := range old {
		l.hangUp()
	}
	return lines
}

// Close gives up what is not answered yet, and disables the Performance domain in the pages for
// which the source has enabled it.
func (s *Source) Close(ctx context.Context) error {
	s.mu.Lock()
	lines := s.lines
	s.lines = make(map[lineKey]*line)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, s.o.Patience)
	defer cancel()
	errs := make(chan error, len(lines))
	for _, l := range lines {
		go func() { errs <- l.close(ctx) }()
	}
	var all error
	for range lines {
		all = errors.Join(all, <-errs)
	}
	return all
}

// close ends a line.
func (l *line) close(ctx context.Context) error {
	if i := l.hangUp(); i != nil {
		select {
		case <-i.done:
		case <-ctx.Done():
			return fmt.Errorf("stop reading a page: %w", ctx.Err())
		}
	}
	if !l.enabled.Load() {
		return nil
	}
	err := l.call(ctx, performance.CommandDisable, cdp.Empty{}, new(cdp.Empty))
	if err != nil && !errors.Is(err, memprof.ErrGone) {
		return fmt.Errorf("stop reading a page: %w", err)
	}
	return nil
}
