package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
)

// tried is what came of the one page of `sites try`.
type tried struct {
	page    crawl.PageResult
	summary crawl.Summary
}

// tryTimeout bounds the run of `sites try`. It is no limit that matters: the start of
// Chrome and the page have their own.
const tryTimeout = sites.Duration(24 * time.Hour)

// tryPage visits one page as the runs of a site do, in a Chrome of its own. Of the
// site it leaves out what is about asking for many pages: robots.txt, rate, retries.
func (a *app) tryPage(ctx context.Context, site sites.Site, page crawl.PageRef) (tried, error) {
	site.Start = []string{page.URL}
	site.Robots, site.Timeout = sites.RobotsIgnore, tryTimeout
	site.Limits.Rate, site.Limits.Tabs, site.Limits.Pages = 0, 1, 1
	site.Limits.Retries = new(int)
	var result tried
	err := a.withPool(ctx, &site, func(pool *browser.Pool) error {
		visitCtx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		journal := &firstPage{}
		var err error
		result.summary, err = crawl.Run(visitCtx, crawl.Options{
			Site: &site, RunID: "try", Final: true,
			Tabs:    tabOrEnd{pool, cancel},
			Journal: journal,
			State:   crawl.State{Queued: []crawl.PageRef{page}},
			Secret:  a.secret,
			On:      a.tellTry,
		})
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if journal.page == nil {
			return firstError(err, errors.New("the page was not visited"))
		}
		result.page = *journal.page
		if err != nil && !errors.Is(err, errFirstPage) {
			return err
		}
		return nil
	})
	return result, err
}

// tellTry prints what somebody should know of a visit.
func (a *app) tellTry(event crawl.Event) {
	if event.Kind == crawl.EventNote {
		fmt.Fprintf(a.stderr, "note: %s\n", output.CleanLine(event.Text))
	}
}

// errFirstPage ends a run after its first page.
var errFirstPage = errors.New("one page was asked for")

// firstPage is a journal that keeps the first page and ends the run.
type firstPage struct {
	mu   sync.Mutex // guards page
	page *crawl.PageResult
}

func (j *firstPage) Queue(context.Context, []crawl.PageRef) error { return nil }

func (j *firstPage) Save(_ context.Context, result crawl.PageResult) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.page == nil {
		j.page = &result
	}
	return errFirstPage
}

// Linger changes nothing: there is one page.
func (j *firstPage) Linger(bool) {}

func (j *firstPage) Retry(context.Context, crawl.PageRef, crawl.Class, string) error { return nil }

// tabOrEnd lends a pool's tabs; when there is none, the run is over.
type tabOrEnd struct {
	*browser.Pool
	end context.CancelCauseFunc
}

func (t tabOrEnd) Acquire(ctx context.Context, options browser.LeaseOptions) (*browser.Lease, error) {
	lease, err := t.Pool.Acquire(ctx, options)
	if err != nil {
		t.end(err)
	}
	return lease, err
}

// pageRef is a page as a run would know it. The error has exit code 2.
func pageRef(site *sites.Site, address, template string) (crawl.PageRef, error) {
	key, err := site.Canonical(address, nil)
	if err != nil {
		return crawl.PageRef{}, withCode(exitUsage, err)
	}
	return crawl.PageRef{Key: key, URL: address, Template: template}, nil
}

// addPage writes what a page is: its address, and what the server said.
func addPage(o *outline, result crawl.PageResult) {
	o.add(0, 0, "", firstText(result.FinalURL, result.URL))
	var parts []string
	if result.Title != "" {
		parts = append(parts, quoted(result.Title, 60))
	}
	if result.Status > 0 {
		parts = append(parts, fmt.Sprintf("status %d", result.Status))
	}
	if result.Bytes > 0 {
		parts = append(parts, output.Bytes(result.Bytes))
	}
	if result.Duration > 0 {
		parts = append(parts, output.Duration(result.Duration))
	}
	o.add(0, 0, "", joinedParts(parts))
}
