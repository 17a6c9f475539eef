package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/worker/crawl"
)

// crawling is Ebb from the pool to the crawl.
type crawling struct {
	job    *Job
	pool   *browser.Pool
	hosts  *crawl.Hosts
	robots *crawl.RobotsCache
	rounds int
}

// NewCrawl does the job with the tabs of a pool. The runs share what those of a worker share: the pool,
// the pace of hosts, the cache of robots.txt.
func NewCrawl(job *Job, pool *browser.Pool) Runner {
	return &crawling{job: job, pool: pool, hosts: crawl.NewHosts(0), robots: crawl.NewRobotsCache(crawl.RobotsOptions{})}
}

// Round makes one run.
func (c *crawling) Round(ctx context.Context) (Round, error) {
	c.rounds++
	ledger, watch := &ledger{}, NewWatch(c.job.Site.Limits.Tabs)
	began := time.Now()
	summary, err := crawl.Run(ctx, crawl.Options{
		Site: c.job.Site, RunID: fmt.Sprintf("bench-%d", c.rounds), Tabs: c.pool, Journal: ledger,
		Hosts: c.hosts, Robots: c.robots, Final: true, On: watch.Event,
		Lease: browser.LeaseOptions{LeaveDocuments: true}, // as the limit does
	})
	round := Round{Pages: summary.Done, Took: time.Since(began), Stages: watch.Stages()}
	if err != nil {
		return Round{}, err
	}
	if summary.Failed > 0 {
		return Round{}, fmt.Errorf("%d pages failed, the first is %s", summary.Failed, summary.FirstError)
	}
	round.Items, round.Wrong = c.job.Check(ledger.pages)
	return round, nil
}

// ledger is a journal in memory.
type ledger struct {
	mu    sync.Mutex // owns pages
	pages []Page
}

// Queue has nothing to keep.
func (*ledger) Queue(context.Context, []crawl.PageRef) error { return nil }

// Save keeps the items.
func (l *ledger) Save(_ context.Context, result crawl.PageResult) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages = append(l.pages, Page{result.URL, result.Items})
	return nil
}

// Linger changes nothing: nothing is waited for.
func (*ledger) Linger(bool) {}

// Retry has nothing to keep.
func (*ledger) Retry(context.Context, crawl.PageRef, crawl.Class, string) error { return nil }

// Watch adds up the stages of a run from what it tells.
type Watch struct {
	tabs int

	mu       sync.Mutex // owns what follows
	stages   Stages
	cleaning time.Time // when the run began to clean up
}

// NewWatch is for a run of so many tabs.
func NewWatch(tabs int) *Watch { return &Watch{tabs: tabs} }

// Event takes what happens in the run. While the run cleans up at its end, no tab does anything else, and
// that is counted for each of them.
func (w *Watch) Event(e crawl.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case e.Kind == crawl.EventPage:
		w.stages.Add(e.Page.Stages)
	case e.Kind == crawl.EventPhase && e.Phase == crawl.PhaseCleanup:
		w.cleaning = e.At
	case e.Kind == crawl.EventPhase && e.Phase == crawl.PhaseEnd && !w.cleaning.IsZero():
		w.stages.Cleanup += e.At.Sub(w.cleaning) * time.Duration(w.tabs)
	}
}

// Stages are those of the run so far.
func (w *Watch) Stages() Stages {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stages
}
