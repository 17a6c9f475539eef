package crawl

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/ebbworker/ebb/sites"
)

// Run visits the pages of one run of a site until none is left, and returns what came
// of it. Every page's result is made durable by the journal before its links are
// followed, so a run that is interrupted anywhere goes on from Options.State.
//
// The error says that pages are still queued, or that nothing could be begun: it wraps
// ErrDrained, ErrTimeout, ErrAgain, ErrMemory, ErrBrowser, the cause of ctx, or what the journal
// said. Pages that failed are no error; they are in the summary. When ctx is done, open
// pages are given up at once and stay queued.
//
// Run returns when all of its goroutines have and all of its tabs are given back. What
// the run had for itself in the pool has been disposed of, whatever happened.
func Run(ctx context.Context, options Options) (Summary, error) {
	r, err := newRun(options)
	if err != nil {
		return Summary{Outcome: Outcome{State: RunFailed, Class: ClassInternal}}, err
	}
	return r.run(ctx)
}

// run is one execution of a run. The goroutine of scrape is its coordinator: it alone
// decides which page is next.
type run struct {
	options  Options
	site     *sites.Site
	limits   runLimits
	programs map[string]*pageProgram
	lender   lender
	guest    *guest
	// What is done although the run's time is over: pages made durable, tabs given back.
	saving, releasing lasting

	// The coordinator alone owns these.
	visits     sync.WaitGroup
	results    chan report
	fetching   map[string]bool         // origins whose robots.txt is being fetched; true if a page waits for it
	fetched    map[string]*robotsEntry // fetched for the next page of the origin
	noted      map[string]bool         // hosts whose crawl delay was noted
	failures   map[Class]int           // failed pages
	lingers    bool                    // what was last told the journal
	pending    pending                 // what it waited for last
	stop       error                   // why no more pages are taken
	againClass Class                   // with ErrAgain: why
	retryAfter time.Duration           // the longest that a host asked for at the end

	mu       sync.Mutex // guards what follows
	frontier *frontier
	summary  Summary
	open     int         // slots taken by visits
	unsaved  int         // pages that were visited and are being saved
	leases   int         // tabs held
	refusals int         // how often in a row no tab could be had
	left     []*leftPage // failed pages that may be left for a later execution
	alone    bool        // a page was visited in a page of its own
	single   bool        // one page is visited at a time, since memory ran out
	chromes  int         // how often all of Chrome was killed since
	notes    []string    // for the coordinator to tell
}

// leftPage is a page that was given up, but not yet for good.
type leftPage struct {
	page   *queuedPage
	result PageResult
}

func newRun(options Options) (*run, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	programs, err := compile(options.Site)
	if err != nil {
		return nil, err
	}
	limits := limitsOf(options.Site)
	return &run{
		options: options, site: options.Site, limits: limits, programs: programs,
		lender: poolLender{options.Tabs}, frontier: newFrontier(options.Site, limits),
		results: make(chan report), fetching: make(map[string]bool),
		fetched: make(map[string]*robotsEntry), noted: make(map[string]bool),
		single: options.OneTab || options.State.Killed,
		saving: lasting{timeout: saveTimeout}, releasing: lasting{timeout: releaseTimeout},
		failures: make(map[Class]int), summary: Summary{Faults: make(map[Class]int)},
	}, nil
}

func (r *run) run(ctx context.Context) (Summary, error) {
	began := time.Now()
	defer r.saving.close()
	defer r.releasing.close()
	r.tell(Event{Kind: EventPhase, Phase: PhaseScrape})
	err := r.scrape(ctx)
	r.tell(Event{Kind: EventPhase, Phase: PhaseCleanup})
	if r.alone {
		r.endRun(ctx, r.aloneID()) // no cleanup asks for it, and its Chrome could not be replaced
	}
	r.cleanRun(ctx)
	r.endRun(ctx, r.options.RunID)
	s := &r.summary
	s.Duration = time.Since(began)
	s.Queued = r.frontier.queued + len(r.left)
	s.Found, s.Duplicates = r.frontier.found, r.frontier.duplicates
	s.LeftOut, s.Refused = r.frontier.leftOut, r.frontier.refused
	s.Outcome = r.outcome(err)
	r.tell(Event{Kind: EventPhase, Phase: PhaseEnd})
	return *s, err
}

// endTimeout bounds the cleaning up after a run, whose own time may be over.
const endTimeout = 30 * time.Second

func (r *run) endRun(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if err := r.options.Tabs.EndRun(ctx, name); err != nil {
		r.tell(Event{Kind: EventNote, Text: fmt.Sprintf("clean up after the run: %v", err)})
	}
}

// cleanRun does what is to be done after each run, also after one whose time is over, if that was not given up.
func (r *run) cleanRun(ctx context.Context) {
	limit := cleanTimeout
	switch {
	case r.options.AfterRun == nil, errors.Is(ctx.Err(), context.Canceled):
		return
	case ctx.Err() != nil:
		ctx, limit = context.WithoutCancel(ctx), lateCleanTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r.options.AfterRun(ctx, r.options.RunID)
}

// scrape visits pages until none is left or something ends the run.
func (r *run) scrape(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.limits.run, ErrTimeout)
	defer cancel()
	visitCtx, cancelVisits := context.WithCancelCause(ctx)
	defer cancelVisits(nil)
	r.guest = r.options.Hosts.enter(r.limits.host)
	defer r.guest.leave()
	if err := r.begin(ctx); err != nil {
		return err
	}
	drain := r.options.Drain
	timer := time.NewTimer(math.MaxInt64)
	defer timer.Stop()
	for {
		pending := r.dispatch(visitCtx)
		if r.finished(pending) {
			break
		}
		r.linger()
		pending.set(timer)
		select {
		case report := <-r.results:
			r.settle(report)
			if r.stop != nil && !errors.Is(r.stop, ErrDrained) && !errors.Is(r.stop, ErrAgain) {
				cancelVisits(r.stop)
			}
		case <-r.guest.wake:
		case <-timer.C:
		case <-drain:
			drain = nil
			r.halt(ErrDrained)
		case <-r.interrupted(ctx):
			r.halt(context.Cause(ctx))
		}
	}
	r.visits.Wait()
	r.linger()
	return r.conclude(ctx)
}

// interrupted is the context's end, until the run has seen it.
func (r *run) interrupted(ctx context.Context) <-chan struct{} {
	if r.stop != nil && ctx.Err() != nil {
		return nil
	}
	return ctx.Done()
}

// halt makes the run take no more pages. The first reason holds.
func (r *run) halt(err error) {
	if r.stop == nil {
		r.stop = err
		r.guest.withdraw()
	}
}

// begin puts the pages into the frontier with which this execution starts.
func (r *run) begin(ctx context.Context) error {
	f := r.frontier
	if err := f.restore(r.options.State); err != nil {
		return fmt.Errorf("go on with run %s: %w", r.options.RunID, err)
	}
	starts, err := f.start()
	if err != nil {
		return fmt.Errorf("read the start URLs of site %s: %w", r.site.Name, err)
	}
	if len(starts) == 0 {
		return nil
	}
	if err := r.options.Journal.Queue(ctx, starts); err != nil {
		return fmt.Errorf("record the start pages: %w", err)
	}
	for _, ref := range starts {
		if err := f.push(ref); err != nil {
			return err
		}
	}
	return nil
}

// conclude decides what becomes of the pages that were given up for a reason that may
// pass: where others of this execution were visited the fault is theirs, and they have
// failed; where none was, everything is left for later.
func (r *run) conclude(ctx context.Context) error {
	if r.stop != nil {
		return r.stop
	}
	if len(r.left) == 0 {
		return nil
	}
	if r.summary.Done == 0 {
		r.againClass = r.left[0].result.Class
		return fmt.Errorf("no page could be visited: %w: %s", ErrAgain, r.left[0].result.Error)
	}
	left := r.left
	r.left = nil
	for i, l := range left {
		if err := r.save(ctx, l.result); err != nil {
			r.left = left[i:]
			return err
		}
		r.count(l.result)
	}
	return nil
}
