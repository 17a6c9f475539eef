// Package devtools reads page and JavaScript-heap figures over CDP.
//
// It opens no tab: it uses the sessions that its caller has, and asks them only what costs the page
// less than a millisecond. At LevelFull it attaches to the other isolates (workers, service
// workers, frames in processes of their own) for as long as a question takes.
package devtools

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// Control says that it is the control (see memprof.ControlGroup), in a browser context of its
	// own: it counts among no others.
	Control bool
	// Session takes the commands. A page that was attached to again has a new one. Its errors
	// name the command.
	Session cdp.Session
}

// site is the target's, or that of the control.
func (t Target) site() string {
	if t.Control {
		return memprof.ControlSite
	}
	return t.Site
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
	// Attach opens a session of its own with any target of a Chrome, which pauses nothing and
	// enables nothing, and returns what ends it. Default: nil; then only listed pages are read
	// and collected.
	Attach func(ctx context.Context, browser, target string) (session cdp.Session, detach func(), err error)
	// IsGone tells errors of a session that mean that its page or Chrome has ended, beside
	// those of chromedp and of Chrome itself. Default: nil, there are none.
	IsGone func(error) bool
	// TickWait is how long a tick waits for a page that is busy: its main thread answers when
	// it has finished what it does. Default: 250 ms.
	TickWait time.Duration
	// Patience is how long all readings together wait for one answer: a page that was asked
	// longer ago is late at once, until it answers. Default: 2 s.
	Patience time.Duration
	// CollectTimeout bounds one Collect. Default: 10 s.
	CollectTimeout time.Duration
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

	mu      sync.Mutex
	lines   map[lineKey]*line       // of the pages and Chromes that were listed last
	silent  map[lineKey]time.Time   // until when a target is not attached to, having been late
	origins map[contextKey][]string // that pages have shown, the newest last
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
	if o.CollectTimeout == 0 {
		o.CollectTimeout = 10 * time.Second
	}
	if o.MaxOpen == 0 {
		o.MaxOpen = 50
	}
	if o.MaxURL == 0 {
		o.MaxURL = 200
	}
	return &Source{
		o: o, lines: make(map[lineKey]*line), silent: make(map[lineKey]time.Time),
		origins: make(map[contextKey][]string),
	}
}

// Name returns "devtools".
func (s *Source) Name() string { return "devtools" }

// Read asks all pages and Chromes at once, and of each all at once. Of each page it returns
// every field of Performance.getMetrics and Runtime.getHeapUsage, at LevelFull also
// Memory.getDOMCounters and what it keeps in localStorage and sessionStorage; of each Chrome the
// number of open targets by type and of browser contexts, but for ticks the targets themselves,
// and at LevelFull the heaps of the other isolates, what the origins that pages have shown store,
// and the cookies. A call that fails is a gap. So is a page that is too busy to answer in time
// ("page.*", memprof.ErrLate), or that is closed meanwhile (memprof.ErrGone).
func (s *Source) Read(ctx context.Context, q memprof.Request) []memprof.Reading {
	wait := s.o.Patience
	if q.Tick {
		wait = min(wait, s.o.TickWait)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	targets, browsers := s.o.Targets(), s.o.Browsers()
	pages, chromes := s.ask(ctx, q, targets, browsers)
	readings := s.pages(pages)
	if len(browsers) == 0 {
		// No Chrome is a figure too: it has no targets and no contexts.
		readings = append(readings, memprof.Reading{Metric: "context.count"})
	}
	for _, c := range chromes {
		readings = append(readings, c.readings...)
	}
	if isFull(q) {
		readings = append(readings, s.beyond(ctx, browsers, pages, chromes)...)
	}
	return readings
}

// isFull tells whether a request asks for what is dear.
func isFull(q memprof.Request) bool { return q.Level >= memprof.LevelFull && !q.Tick }

// ask asks all pages and Chromes. At LevelFull a fifth of the time is left for what follows, so
// that a page that hangs costs its own readings only.
func (s *Source) ask(ctx context.Context, q memprof.Request, targets []Target, browsers []Browser) ([]page, []chrome) {
	if deadline, ok := ctx.Deadline(); ok && isFull(q) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)*4/5)
		defer cancel()
	}
	lines := s.connect(targets, browsers)
	pages := make([]page, len(targets))
	chromes := make([]chrome, len(browsers))
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
		listed := pagesIn(b.ID, targets)
		wg.Go(func() { chromes[i] = s.readBrowser(ctx, q, b, lines[len(targets)+i], listed) })
	}
	wg.Wait()
	return pages, chromes
}

// beyond returns what is read at LevelFull beside pages and targets.
func (s *Source) beyond(ctx context.Context, browsers []Browser, pages []page, chromes []chrome) []memprof.Reading {
	contexts := make(map[lineKey]cdp.BrowserContextID)
	answers := make([][]memprof.Reading, len(browsers))
	var wg sync.WaitGroup
	for i, b := range browsers {
		c := chromes[i]
		for _, info := range c.infos {
			contexts[lineKey{b.ID, string(info.TargetID)}] = info.BrowserContextID
		}
		if !c.read {
			continue
		}
		if s.o.Attach != nil {
			seen := make(map[string]bool)
			for _, p := range pages {
				if p.t.Browser == b.ID && p.isolate != "" {
					seen[p.isolate] = true
				}
			}
			answers[i] = s.isolateReadings(b, c.isolates, c.tooMany, seen)
		}
		wg.Go(func() {
			answers[i] = append(answers[i], s.readStorage(ctx, b, c, pages)...)
			answers[i] = append(answers[i], s.cookies(ctx, b, c)...)
		})
	}
	wg.Wait()
	return append(slices.Concat(answers...), s.keptReadings(pages, contexts)...)
}

// pages returns the readings of all pages, after their number. One that failed and is no longer
// listed was closed meanwhile.
func (s *Source) pages(pages []page) []memprof.Reading {
	var listed map[Target]bool
	read := memprof.Reading{Metric: "page.read"}
	control := memprof.Reading{Metric: "page.read", Subject: memprof.Subject{Site: memprof.ControlSite}}
	var controls bool
	var readings []memprof.Reading
	for i := range pages {
		p := &pages[i]
		if p.failed() && listed == nil {
			listed = make(map[Target]bool)
			for _, t := range s.o.Targets() {
				listed[identity(t)] = true
			}
		}
		if p.failed() && !listed[identity(p.t)] {
			p.gone()
		}
		count := &read
		if p.t.Control {
			count, controls = &control, true
		}
		if !errors.Is(p.err, memprof.ErrGone) {
			count.Value++
		}
		readings = append(readings, p.readings...)
	}
	if controls {
		readings = append([]memprof.Reading{control}, readings...)
	}
	return append([]memprof.Reading{read}, readings...)
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
			l = &line{caller: caller{session: session, isGone: s.o.IsGone}}
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
	s.forget(browsers)
	return lines
}

// Close gives up what is not answered yet, and disables the Performance domain in the pages for
// which the source has enabled it.
func (s *Source) Close(ctx context.Context) error {
	s.mu.Lock()
	lines := s.lines
	s.lines = make(map[lineKey]*line)
	s.forget(nil)
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
