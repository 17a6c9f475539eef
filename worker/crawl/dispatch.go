package crawl

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/ebbworker/ebb/sites"
)

// pending is what a run waits for when no page can be started.
type pending struct {
	at     time.Time // the next time at which one may be; zero when none is known
	paused bool      // every time known is one that a host asked for
	others bool      // other runs hold the hosts
	full   []*lane   // hosts of which only pages beyond the pages limit are left
}

// by takes note of a time.
func (p *pending) by(at time.Time, paused bool) {
	if at.IsZero() {
		return
	}
	p.paused = paused && (p.paused || p.at.IsZero())
	if p.at.IsZero() || at.Before(p.at) {
		p.at = at
	}
}

// set has a timer fire when a page may be started; never when no time is known.
func (p *pending) set(timer *time.Timer) {
	wait := time.Duration(math.MaxInt64)
	if !p.at.IsZero() {
		wait = time.Until(p.at)
	}
	timer.Reset(wait)
}

// dispatch starts every visit that can start now, and says what the rest waits for; until the next call.
func (r *run) dispatch(ctx context.Context) *pending {
	r.tellNotes()
	for {
		r.mu.Lock()
		if r.stop != nil || ctx.Err() != nil {
			r.mu.Unlock()
			return &pending{}
		}
		now := time.Now()
		p := &r.pending
		*p = pending{full: p.full[:0]}
		p.by(r.frontier.ripen(now), true) // a retry that is far off is one that a host asked for
		if r.open >= r.tabs() || r.unsaved >= mostUnsaved {
			r.mu.Unlock()
			r.guest.withdraw() // others of the host's guests go first meanwhile
			return p
		}
		started := r.startOne(ctx, p)
		r.mu.Unlock()
		if !started {
			return p
		}
	}
}

// mostUnsaved bounds the pages of a run that were visited and are not durable yet: so many are visited
// again, at most, by whoever goes on with a run that was killed.
const mostUnsaved = 16

// linger lets the journal wait a little before it makes pages durable, so that one commit does for several,
// but not where the run has nothing to do meanwhile: what it may visit next is in what is being saved.
func (r *run) linger() {
	r.mu.Lock()
	full := r.open >= r.tabs()
	may := r.stop == nil && r.unsaved < mostUnsaved && (full || r.frontier.queued > 0)
	r.mu.Unlock()
	if may != r.lingers {
		r.lingers = may
		r.options.Journal.Linger(may)
	}
}

// tabs is how many pages may be open at once now. The caller holds mu.
func (r *run) tabs() int {
	if r.single {
		return 1
	}
	return r.limits.tabs
}

// startOne starts the first page in order that may be visited now. The caller holds mu.
func (r *run) startOne(ctx context.Context, p *pending) bool {
	for _, l := range r.frontier.heads() {
		page := l.pages[0]
		if r.frontier.full(page) {
			p.full = append(p.full, l)
			continue
		}
		delay, known, err := r.verdict(ctx, page)
		if !known {
			continue
		}
		if err != nil {
			r.start(ctx, r.frontier.take(l), nil, err)
			return true
		}
		r.noteDelay(l.host, delay)
		a := r.guest.ask(l.host, delay)
		if a.turn != nil {
			r.start(ctx, r.frontier.take(l), a.turn, nil)
			return true
		}
		p.by(a.at, a.paused)
		p.others = p.others || a.at.IsZero()
	}
	if r.open == 0 && r.unsaved == 0 && len(r.fetching) == 0 && p.at.IsZero() && !p.others && len(p.full) > 0 {
		r.start(ctx, r.frontier.take(p.full[0]), nil, errBeyond) // no place can become free any more
		return true
	}
	return false
}

// errBeyond is why a page is not visited that is one too many.
var errBeyond = errors.New("the run has visited as many pages as it may")

// longDelay is the crawl delay above which the run says that it is slow because of it.
const longDelay = time.Minute

func (r *run) noteDelay(host string, delay time.Duration) {
	if delay > longDelay && !r.noted[host] {
		r.noted[host] = true
		r.notes = append(r.notes, fmt.Sprintf("robots.txt of %s asks for %s between two pages", host, delay))
	}
}

// note leaves something to be told by the coordinator.
func (r *run) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, text)
}

func (r *run) tellNotes() {
	r.mu.Lock()
	notes := r.notes
	r.notes = nil
	r.mu.Unlock()
	for _, text := range notes {
		r.tell(Event{Kind: EventNote, Text: text})
	}
}

// mostFetches bounds how many robots.txt files a run fetches at once.
const mostFetches = 8

// verdict says what robots.txt has for a page. Where it is not known it is fetched, and
// the page waits.
func (r *run) verdict(ctx context.Context, page *queuedPage) (delay time.Duration, known bool, err error) {
	if r.site.Robots == sites.RobotsIgnore {
		return 0, true, nil
	}
	origin := originOf(page.url)
	entry := r.options.Robots.known(origin)
	if entry == nil {
		entry = r.fetched[origin] // the cache may be too small to have kept it
	}
	delete(r.fetched, origin)
	_, fetching := r.fetching[origin]
	if fetching {
		r.fetching[origin] = entry == nil // the cache may have it before this run hears of it
	}
	if entry != nil {
		delay, err = entry.verdict(r.options.Agent, page.url)
		return delay, true, err
	}
	if !fetching && len(r.fetching) < mostFetches {
		r.fetching[origin] = true
		r.visits.Go(func() {
			entry, _ := r.options.Robots.get(ctx, origin) // its only error is the context's
			r.results <- report{origin: origin, robots: entry}
		})
	}
	return 0, false, nil
}

// allowed asks robots.txt about a URL in the middle of a visit.
func (r *run) allowed(ctx context.Context, u *url.URL) error {
	if r.site.Robots == sites.RobotsIgnore {
		return nil
	}
	entry, err := r.options.Robots.get(ctx, originOf(u))
	if err != nil {
		return err
	}
	_, err = entry.verdict(r.options.Agent, u)
	return err
}

// start visits a page in a goroutine of its own. With an error that is known already it
// is only recorded. The caller holds mu.
func (r *run) start(ctx context.Context, page *queuedPage, turn *turn, err error) {
	r.open++
	single := r.single
	r.visits.Go(func() {
		v := &visit{run: r, page: page, turn: turn, single: single, result: PageResult{PageRef: page.PageRef}}
		if turn != nil {
			err = v.make(ctx)
		}
		r.record(ctx, v, err)
	})
}

// finished reports whether nothing is left to wait for. A run that would wait for long,
// with nothing else to do, for a host that wants to be left alone ends too.
func (r *run) finished(p *pending) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open > 0 || r.unsaved > 0 || len(r.fetching) > 0 {
		return false
	}
	if r.stop != nil || r.frontier.queued == 0 {
		return true
	}
	if wait := time.Until(p.at); p.paused && !p.others && wait > r.options.Patience {
		r.againClass, r.retryAfter = ClassBusy, wait
		r.stop = fmt.Errorf("%w: the host asked to be left alone for %s", ErrAgain, wait.Round(time.Second))
		return true
	}
	return false
}
