package crawl

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/ebbworker/ebb/browser"
)

// report is what a goroutine tells the coordinator: what came of a page, or of a fetch
// of robots.txt.
type report struct {
	origin string // of a robots.txt; "" for a page
	robots *robotsEntry

	page    *queuedPage
	visited bool // the visit is over, and the result is being saved; another report follows
	saved   bool // it followed
	result  PageResult
	fate    fate
	delay   time.Duration // with fateRetry
	pause   time.Duration // how long the host wants to be left alone; 0 when it does not
	faults  []Class       // of records that were not taken
	fatal   error         // ends the run
	alone   bool
	killed  bool // for want of memory
	// hopeless ends the run, of which the page is recorded.
	hopeless error
}

// fate is what becomes of a page after a visit.
type fate int

const (
	fateOver    fate = iota // recorded: done, failed or skipped
	fateRetry               // failed; to be tried again in this execution
	fateLeft                // given up, for now
	fateRequeue             // nothing happened to it: it goes back to where it was
)

// record decides what becomes of a page, and makes it durable. While its result is being
// saved, another page may be visited.
func (r *run) record(ctx context.Context, v *visit, err error) {
	out := r.decide(ctx, v, err)
	if v.turn != nil {
		v.turn.done()
	}
	if out.fate == fateOver {
		r.results <- report{visited: true}
		out.saved = true
		out.fatal = r.keep(ctx, v, &out.result)
	}
	r.results <- out
}

// decide says what becomes of a page; that one failed and stays queued is durable then.
func (r *run) decide(ctx context.Context, v *visit, err error) report {
	out := report{page: v.page, result: v.result, faults: v.faults, alone: v.alone}
	f := &fault{}
	if err != nil {
		f = faultOf(err)
	}
	switch state, class := judge(v.page, f); {
	case err == nil:
		out.result.State = PageDone
	case ctx.Err() != nil:
		out.fate = fateRequeue
		return out
	case r.noTab(err, &out):
		return out
	case state == PageSkipped:
		out.result.State, out.result.Class, out.result.Error = state, class, bounded(err.Error())
		out.result.Items, v.links = nil, nil
	default:
		f.class = class
		out.result.State, out.result.Class, out.result.Error = PageFailed, class, bounded(err.Error())
		out.result.Items = nil
		if f.class == ClassMemory && r.killed(ctx, v, f, &out) || r.again(ctx, v, f, &out) {
			return out
		}
	}
	return out
}

// maxErrorText bounds what is kept of an error, which may hold text of a page.
const maxErrorText = 1000

func bounded(text string) string {
	if len(text) > maxErrorText {
		text = text[:maxErrorText]
	}
	return strings.ToValidUTF8(text, "")
}

// judge says what a visit's error makes of the page.
func judge(page *queuedPage, f *fault) (PageState, Class) {
	switch {
	case errors.Is(f.err, errBeyond):
		return PageSkipped, ClassLimit
	case errors.Is(f.err, errDisallowed):
		return PageSkipped, ClassRobots
	case errors.Is(f.err, errSame):
		return PageSkipped, ClassNone
	case errors.Is(f.err, errElsewhere) && page.Parent != "":
		return PageSkipped, ClassNone
	case errors.Is(f.err, errElsewhere):
		return PageFailed, ClassHTTP
	}
	return PageFailed, f.class
}

// maxRefusals is how often in a row a tab may be refused before the run ends.
const maxRefusals = 5

// noTab handles a visit for which no tab could be had: the page is as it was.
func (r *run) noTab(err error, out *report) bool {
	var lendErr lendError
	if !errors.As(err, &lendErr) {
		return false
	}
	r.mu.Lock()
	refusals := r.refusals
	r.mu.Unlock()
	out.fate, out.delay = fateRequeue, time.Duration(refusals)*time.Second
	if refusals >= maxRefusals || errors.Is(err, browser.ErrPoolClosed) {
		out.fatal = fmt.Errorf("%w: %w", ErrBrowser, lendErr.error)
	}
	return true
}

// again decides whether a page that failed is tried again, now or later.
func (r *run) again(ctx context.Context, v *visit, f *fault, out *report) bool {
	page := v.page
	out.result.Attempts = page.Attempts + 1
	if f.class == ClassBusy {
		out.pause = f.retryAfter
		if v.turn != nil {
			out.pause = v.turn.pause(f.retryAfter)
		}
		f.retryAfter = out.pause
	}
	delay, retry := retryDelay(f, out.result.Attempts, r.limits.retries)
	if !retry && !r.leaves(v, f) {
		return false
	}
	out.fate, out.delay = fateRetry, delay
	if !retry {
		out.fate = fateLeft
	}
	r.noteRetry(ctx, page, out)
	return true
}

// noteRetry makes durable that a page failed and stays queued.
func (r *run) noteRetry(ctx context.Context, page *queuedPage, out *report) {
	ref := page.PageRef
	ref.Attempts = out.result.Attempts
	if err := r.options.Journal.Retry(r.saving.of(ctx), ref, out.result.Class, out.result.Error); err != nil {
		out.fatal = fmt.Errorf("record the retry of %s: %w", page.URL, err)
	}
}

// leaves reports whether a page that is given up may be left for a later execution: its
// fault may pass, it led nowhere, and no other page shows that the fault is its own.
func (r *run) leaves(v *visit, f *fault) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.options.Final && f.passing() && len(v.links) == 0 && r.summary.Done == 0
}

// keep admits the page's links and saves its result. The links are visited only after
// that.
func (r *run) keep(ctx context.Context, v *visit, result *PageResult) error {
	if len(v.links) > 0 {
		base, err := url.Parse(v.result.FinalURL)
		if err != nil {
			base = v.page.url
		}
		r.mu.Lock()
		result.Found, result.Duplicates = r.frontier.admit(v.page.PageRef, base, v.links)
		r.mu.Unlock()
	}
	began := time.Now()
	err := r.save(ctx, *result)
	result.Stages.Store = time.Since(began)
	return err
}

const saveTimeout = 30 * time.Second

func (r *run) save(ctx context.Context, result PageResult) error {
	if err := r.options.Journal.Save(r.saving.of(ctx), result); err != nil {
		return fmt.Errorf("record page %s: %w", result.URL, err)
	}
	return nil
}

// settle takes a report into account. The coordinator calls it.
func (r *run) settle(out report) {
	if out.origin != "" {
		waited := r.fetching[out.origin]
		delete(r.fetching, out.origin)
		if out.robots != nil && waited {
			r.fetched[out.origin] = out.robots
		}
		return
	}
	r.mu.Lock()
	if out.visited {
		r.open--
		r.unsaved++
		r.mu.Unlock()
		return
	}
	if out.saved {
		r.unsaved--
	} else {
		r.open--
	}
	r.alone = r.alone || out.alone
	r.noteKill(&out)
	r.place(&out)
	r.mu.Unlock()
	if out.fatal != nil {
		r.halt(out.fatal)
		return
	}
	if out.pause > 0 {
		r.tell(Event{Kind: EventPause, Delay: out.pause, Text: out.page.url.Host})
	}
	if out.hopeless != nil {
		r.halt(out.hopeless)
	}
	switch out.fate {
	case fateRetry:
		r.summary.Retries++
		r.tell(Event{Kind: EventRetry, Page: pageEvent(out.result, PageQueued), Delay: out.delay})
	case fateLeft:
		r.tell(Event{Kind: EventPage, Page: pageEvent(out.result, PageQueued)})
	case fateOver:
		for _, class := range out.faults {
			r.summary.Faults[class]++
		}
		r.count(out.result)
	}
}

// place puts a page where it belongs after its visit. The caller holds mu.
func (r *run) place(out *report) {
	f := r.frontier
	page := out.page
	if out.fatal != nil && out.fate == fateOver {
		out.fate = fateRequeue // it is not recorded
	}
	switch out.fate {
	case fateOver:
		if out.result.State == PageSkipped {
			f.free(page)
		}
		for _, ref := range out.result.Found {
			if err := f.push(ref); err != nil { // its key has been read before
				out.fatal = err
			}
		}
	case fateRetry:
		page.Attempts = out.result.Attempts
		page.due = time.Now().Add(out.delay)
		f.enter(page)
	case fateLeft:
		page.Attempts = out.result.Attempts
		r.left = append(r.left, &leftPage{page: page, result: out.result})
	case fateRequeue:
		if out.delay > 0 {
			page.due = time.Now().Add(out.delay)
		}
		f.enter(page)
	}
}

// count adds a page that came to its end to the summary.
func (r *run) count(result PageResult) {
	r.mu.Lock()
	s := &r.summary
	switch result.State {
	case PageDone:
		s.Done++
	case PageSkipped:
		s.Skipped++
	case PageFailed:
		s.Failed++
		s.Faults[result.Class]++
		r.failures[result.Class]++
		if s.FirstError == "" {
			s.FirstError = result.URL + ": " + result.Error
		}
	}
	s.Items += len(result.Items)
	s.Bytes += result.Bytes
	r.mu.Unlock()
	r.tell(Event{Kind: EventPage, Page: pageEvent(result, result.State)})
}

func pageEvent(result PageResult, state PageState) PageEvent {
	return PageEvent{
		URL: result.URL, State: state, Status: result.Status, Class: result.Class, Error: result.Error,
		Items: len(result.Items), Bytes: result.Bytes, Duration: result.Duration, Stages: result.Stages,
	}
}
