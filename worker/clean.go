package worker

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
)

// cleaner does the cleanups of one site when they are due, and adds up what came of them.
type cleaner struct {
	w    *Worker
	site *sites.Site
	// own says that the site's tabs need a browser context that outlives its runs: one that can be recreated.
	own bool
	// cookies says that cookies of the origins that a run has touched are deleted.
	cookies bool
	// counted says that what its tabs fetch is counted.
	counted bool

	mu    sync.Mutex // owns what follows
	rules []sites.CleanupRule
	count map[sites.When]int // pages, runs and cycles so far
	sums  map[cleanKey]*memprof.CleanupReport
}

// cleanKey is of one cleanup after one kind of thing.
type cleanKey struct {
	name  string
	after sites.When
}

func newCleaner(w *Worker, site *sites.Site) *cleaner {
	rules := site.Cleanups(sites.Cleanup{})
	on := func(when sites.When) bool { return when != "" && when != sites.Never }
	c := &cleaner{w: w, site: site, own: on(rules.RecreateContext), cookies: on(rules.Cookies) || on(rules.Storage)}
	c.set(rules)
	return c
}

// set changes which cleanups are done, and begins to count anew.
func (c *cleaner) set(rules sites.Cleanup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rules, c.count, c.sums = rules.Rules(), map[sites.When]int{}, map[cleanKey]*memprof.CleanupReport{}
}

// redirects says that each redirect of the site's pages must be known, since its origin may have set cookies that
// are to be deleted. In a browser context of a run's own, all are.
func (c *cleaner) redirects() bool {
	shared := c.site.Isolation == sites.IsolationTab || c.site.Isolation == sites.IsolationPage
	return shared && (c.cookies || c.counted)
}

// due counts one more page, run or cycle, and names the cleanups that are due after it.
func (c *cleaner) due(after sites.When) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count[after]++
	var names []string
	for _, rule := range c.rules {
		if kind, every := rule.When.After(); kind == after && c.count[after]%every == 0 {
			names = append(names, rule.Name)
		}
	}
	return names
}

// clean does what is due after a page, run or cycle.
func (c *cleaner) clean(ctx context.Context, after sites.When, at browser.CleanAt) {
	c.do(ctx, c.due(after), after, at)
}

func (c *cleaner) do(ctx context.Context, names []string, after sites.When, at browser.CleanAt) {
	for _, name := range names {
		c.add(after, c.w.clean(ctx, name, at))
	}
}

// add adds up what a cleanup did.
func (c *cleaner) add(after sites.When, r browser.CleanReport) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cleanKey{r.Name, after}
	sum := c.sums[key]
	if sum == nil {
		sum = &memprof.CleanupReport{Site: c.site.Name, Name: r.Name, After: string(after)}
		c.sums[key] = sum
	}
	sum.Times++
	sum.Took += r.Took
	if r.BytesKnown {
		sum.Bytes += r.Bytes
		sum.BytesTold++
	}
	sum.Count += r.Count
	sum.Of = cmp.Or(r.Of, sum.Of)
	if r.Verified {
		sum.Verified++
	}
	sum.Says = cmp.Or(r.Says, sum.Says)
	if r.Skipped != "" {
		sum.Skipped++
		sum.SkippedWhy = r.Skipped
	}
	if r.Err != nil {
		sum.Errors++
		sum.Error = r.Err.Error()
	}
}

// take returns what the cleanups did since the last time, in the order in which they are done.
func (c *cleaner) take() []memprof.CleanupReport {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]memprof.CleanupReport, 0, len(c.sums))
	for _, sum := range c.sums {
		list = append(list, *sum)
	}
	clear(c.sums)
	order := sites.CleanupNames()
	slices.SortFunc(list, func(a, b memprof.CleanupReport) int {
		return cmp.Or(slices.Index(order, a.Name)-slices.Index(order, b.Name), cmp.Compare(a.After, b.After))
	})
	return list
}

// tell notes what the cleanups did in the recording and in the log.
func (c *cleaner) tell(cycle int) {
	for _, sum := range c.take() {
		sum.Cycle = cycle
		level := c.w.options.Log.Debug()
		if sum.Errors > 0 {
			level = c.w.options.Log.Warn()
		}
		level.Str("site", sum.Site).Str("cleanup", sum.Name).Str("after", sum.After).Int("times", sum.Times).
			Dur("took", sum.Took).Float64("bytes", sum.Bytes).Int("verified", sum.Verified).Int("errors", sum.Errors).
			Str("error", sum.Error).Str("says", cmp.Or(sum.Says, sum.SkippedWhy)).Msg("cleaned up")
		_ = c.w.options.Memory.Recorder.Note(memprof.CleanupNote, sum)
	}
}

// clean does one cleanup, the worker's own or one of the pool.
func (w *Worker) clean(ctx context.Context, name string, at browser.CleanAt) browser.CleanReport {
	own := w.ownCleanups()[name]
	if own == nil {
		return w.options.Pool.Clean(ctx, name, at)
	}
	began := time.Now()
	did := own()
	return browser.CleanReport{
		Name: name, Took: time.Since(began), Bytes: did.Bytes, BytesKnown: true, Count: did.Count, Of: did.Of,
		Verified: did.Verified, Says: did.Says,
	}
}

// ownCleanups are those that the worker does itself.
func (w *Worker) ownCleanups() map[string]func() WorkerCleanup {
	return map[string]func() WorkerCleanup{"go-gc": CollectGo, "results": w.DropResults}
}

// leaseOptions are what the site's cleanups ask of its tabs.
func (c *cleaner) leaseOptions() browser.LeaseOptions {
	return browser.LeaseOptions{LeaveDocuments: true, OwnContext: c.own && c.site.Isolation == sites.IsolationTab, CountBytes: c.counted}
}
