// Package crawl visits the pages of one run: which next, how fast, how often again.
package crawl

import (
	"context"
	"time"

	"github.com/ebbworker/ebb/sites"
)

// PageRef is a page of a run that is known but perhaps not yet visited.
type PageRef struct {
	// Key is the page's canonical URL, unique within a run.
	Key string
	// URL is the URL as it was found, made absolute; it is what Chrome is asked for.
	URL string
	// Template is the name of the site's template for the page.
	Template string
	// Depth is the number of links between a start URL and the page; pagination does
	// not count.
	Depth int
	// Parent is the Key of the page that led here; "" for a start URL.
	Parent string
	// Attempts is how often the page was tried and failed before now.
	Attempts int
}

// PageState is where a page stands within its run.
type PageState string

const (
	PageQueued  PageState = "queued"  // known, to be visited
	PageDone    PageState = "done"    // visited; its items are kept
	PageFailed  PageState = "failed"  // given up; Class and Error say why
	PageSkipped PageState = "skipped" // not to be visited: robots, a limit, a redirect to a page of this run
)

// Class is the kind of reason for which a page, or a run, failed.
type Class string

const (
	ClassNone     Class = ""          // no failure
	ClassDNS      Class = "dns"       // the name was not found
	ClassConnect  Class = "connect"   // refused, reset, unreachable, proxy
	ClassTLS      Class = "tls"       // certificate or handshake
	ClassTimeout  Class = "timeout"   // a time limit passed
	ClassHTTP     Class = "http"      // a status of 400 or more that no other class names
	ClassBusy     Class = "busy"      // 429 or 503: asked to come back later
	ClassBlocked  Class = "blocked"   // a challenge page, or 401, 403
	ClassSelector Class = "selector"  // a step, or a wait for more than an event, found nothing
	ClassMissing  Class = "missing"   // a required field is missing
	ClassInvalid  Class = "invalid"   // a value does not read as its type
	ClassTooLarge Class = "too-large" // the document or an item is over its limit
	ClassType     Class = "type"      // the document is no page: a download, an image
	ClassRobots   Class = "robots"    // robots.txt forbids it
	ClassEgress   Class = "egress"    // its address may not be reached
	ClassLimit    Class = "limit"     // a limit of the run was reached
	ClassCrash    Class = "crash"     // the tab crashed
	ClassMemory   Class = "oom"       // the kernel killed the tab, or Chrome, for want of memory
	ClassHung     Class = "hung"      // a script of the page did not end
	ClassBrowser  Class = "browser"   // Chrome died or does not answer
	ClassScript   Class = "script"    // a page script or an expression threw
	ClassInternal Class = "internal"  // a fault of the worker or its store
)

// PageResult is what came of one page. It is made durable whole or not at all.
type PageResult struct {
	PageRef
	State PageState
	// FinalURL is where redirects led, in canonical form; Status the HTTP status, 0
	// when there was none.
	FinalURL string
	Status   int
	Title    string
	// Bytes is the decoded size of the document.
	Bytes int64
	// Class and Error say why a page failed or was skipped. A page that is done may
	// carry the class of faults in single items.
	Class Class
	Error string
	// Faults are all that is wrong with the page's data, in order; Error tells the worst.
	Faults []sites.ItemFault
	// Started is when the visit began, Duration how long it took without waiting for
	// its turn.
	Started  time.Time
	Duration time.Duration
	// Stages are how Duration, and what came before and after it, was spent. Store is 0 until the
	// result has been saved.
	Stages Stages
	Items  []sites.Item
	// Found are pages that this one led to and that the run did not know.
	Found []PageRef
	// Duplicates is the number of links to pages that the run knew already.
	Duplicates int
}

// State is what a run knew when it was interrupted; empty for a new run.
type State struct {
	// Queued are the pages still to visit, in order.
	Queued []PageRef
	// Known are the keys of all other pages of the run.
	Known []string
	// Landed are the FinalURLs of those of them that were redirected: they must not be
	// visited again either.
	Landed []string
	// Visited is the number of pages visited so far (done or failed), and Items the number of
	// items taken so far.
	Visited, Items int
	// Killed says that a page of the run was killed for want of memory: from then on the run
	// visits one page at a time.
	Killed bool
}

// Journal makes the steps of a run durable, so that a run that dies goes on where it
// was.
type Journal interface {
	// Queue records pages before they are visited (the start pages). Pages that the
	// run knows already are left as they are.
	Queue(ctx context.Context, pages []PageRef) error
	// Save records one page's result, its items and the pages it led to, all or nothing,
	// and returns when it is durable. Saving a page a second time changes nothing. It is
	// called for several pages at once.
	Save(ctx context.Context, result PageResult) error
	// Retry records that a page failed and stays queued, with its new number of
	// attempts.
	Retry(ctx context.Context, page PageRef, class Class, reason string) error
	// Linger says whether a save may wait a little for others, so that they become durable
	// together: it may while the run has other pages to visit meanwhile. At first it may not.
	Linger(may bool)
}
