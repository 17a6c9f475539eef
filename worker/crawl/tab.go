package crawl

import (
	"context"
	"encoding/json"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// tab is what a visit needs of a lease; *browser.Lease is one.
type tab interface {
	Navigate(ctx context.Context, url string) (browser.Response, error)
	Evaluate(ctx context.Context, expression string) (json.RawMessage, error)
	Extract(ctx context.Context, expression string) (json.RawMessage, error)
	WaitFor(ctx context.Context, condition browser.Condition) error
	URL() string
	Kept() bool
	Release(ctx context.Context, cause error) error
	stepper
}

// stepper is what a template's steps need of a lease.
type stepper interface {
	EvaluateMain(ctx context.Context, expression string) (json.RawMessage, error)
	Click(ctx context.Context, css string) error
	Type(ctx context.Context, css, text string) error
	Press(ctx context.Context, key string) error
	Select(ctx context.Context, css, value string) error
	ScrollEnd(ctx context.Context) error
	Back(ctx context.Context) error
}

// lender lends tabs to visits: Options.Tabs, or a test's own.
type lender interface {
	lend(ctx context.Context, options browser.LeaseOptions) (tab, error)
}

type poolLender struct{ tabs Tabs }

func (p poolLender) lend(ctx context.Context, options browser.LeaseOptions) (tab, error) {
	lease, err := p.tabs.Acquire(ctx, options)
	if err != nil {
		return nil, err // not a nil lease in a tab
	}
	return lease, nil
}

// leaseOptions are what the site asks of a tab for a page.
func (r *run) leaseOptions(page *queuedPage, isolation sites.Isolation, alone bool) browser.LeaseOptions {
	site := r.site
	options := r.options.Lease
	options.Site, options.Isolation, options.Run = site.Name, browser.Isolation(isolation), r.options.RunID
	options.UserAgent, options.BlockURLs, options.MaxDocument = site.UserAgent, site.Block.URLs, r.limits.pageSize
	options.MaxScript = patience(r.limits.hang, page.Attempts)
	options.LazyFrames, options.Renew = site.DrawsLazily(), !site.Interacts()
	options.BlockKinds = nil
	for _, kind := range site.Block.Kinds {
		options.BlockKinds = append(options.BlockKinds, string(kind))
	}
	if alone {
		options.Run = r.aloneID()
	} else if site.Keep == sites.KeepPage {
		options.Keep = site.Name + " " + page.Key
	}
	return options
}

// patience is how long a script of a page may take: four times as long at each try, since what hangs may
// only be slow.
func patience(limit time.Duration, attempts int) time.Duration {
	return limit << (2 * min(attempts, 3))
}

// aloneID identifies the leases of pages that wait for a challenge.
func (r *run) aloneID() string { return r.options.RunID + " alone" }

// aloneIsolation is what a page shares that waits for a challenge: no tab with any other
// page and, where the run has a browser context of its own, nothing with other runs.
func (r *run) aloneIsolation() sites.Isolation {
	switch r.isolation() {
	case sites.IsolationContext, sites.IsolationBrowser:
		return sites.IsolationContext
	}
	return sites.IsolationPage
}

// isolation is the site's, with its default.
func (r *run) isolation() sites.Isolation {
	switch {
	case r.site.Isolation != "":
		return r.site.Isolation
	case r.site.Keep == sites.KeepPage:
		return sites.IsolationTab
	}
	return sites.IsolationContext
}

// lend takes a tab for a page. How often in a row that went wrong is counted, so that
// a run without a Chrome ends.
func (r *run) lend(ctx context.Context, options browser.LeaseOptions) (tab, error) {
	lease, err := r.lender.lend(ctx, options)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.refusals = 0
		r.leases++
		r.summary.PeakOpen = max(r.summary.PeakOpen, r.leases)
	case ctx.Err() == nil:
		r.refusals++
	}
	return lease, err
}

// cleanTimeout bounds the cleanups after one page, or after a run.
const cleanTimeout = 60 * time.Second

// lateCleanTimeout bounds those after a run whose time is over: whoever called it waits no longer for long.
const lateCleanTimeout = 10 * time.Second

// cleanPage does what is to be done after each page. A run that is being given up cleans no more.
func (r *run) cleanPage(ctx context.Context, lease tab) {
	leased, real := lease.(*browser.Lease)
	if r.options.AfterPage == nil || !real || ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, cleanTimeout)
	defer cancel()
	r.options.AfterPage(ctx, leased)
}

const releaseTimeout = 20 * time.Second

// giveBack returns a tab whatever became of the run's own time. cause is why the tab
// cannot be used again; nil when it can.
func (r *run) giveBack(ctx context.Context, lease tab, cause error) error {
	err := lease.Release(r.releasing.of(ctx), cause)
	r.mu.Lock()
	r.leases--
	r.mu.Unlock()
	return err
}
