package browser

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
)

// TidyReason says why a tab was tidied.
type TidyReason string

// The reasons.
const (
	TidyPages  TidyReason = "pages"  // it had visited so many pages since the last time
	TidyMemory TidyReason = "memory" // its renderer held more than it should
)

// Tidying is what was done about the memory of a tab that is used again: its garbage was collected, or it
// was closed, and another takes its place.
type Tidying struct {
	Site   string
	Reason TidyReason
	// Replaced says that the tab was closed. Otherwise its garbage was collected.
	Replaced bool
	// Pages is how many it has visited since garbage was last collected, or, where it was replaced, in all.
	Pages int
	// Held is the anonymous memory of its renderer in bytes, before. 0 where that could not be told.
	Held int64
	// Took is what the collection took.
	Took time.Duration
}

const (
	// tidyPages is the least number of pages between two collections for memory: a page that is large
	// while it is open would have every page pay for one.
	tidyPages = 3
	// tidyGrowth is by what part of the mark, or of what the last collection left, if that is more, a
	// renderer has grown since when another is worth it.
	tidyGrowth = 4
	// replacePages is how many pages a tab visits at least before it is replaced, since the next has to be
	// opened and begins with nothing compiled; replaceMarks is how many times the mark its renderer holds
	// at least, although garbage has just been collected.
	replacePages, replaceMarks = 50, 2
)

// tidiness is what a tab's renderer has come to since its garbage was collected. Who has the tab has it.
type tidiness struct {
	pages int   // since it was opened, up to the last collection
	since int   // pages since garbage was collected
	left  int64 // what the collection left, as the lease after it saw it; 0 while that is not known
	fresh bool  // garbage has been collected and no lease has been here since
}

// next says what is to be done with a tab whose renderer holds so much, 0 where that is not known.
func (d *tidiness) next(held int64, every int, mark int64) (reason TidyReason, replace bool) {
	known := held > 0 && mark > 0
	if known && d.fresh && d.since > 0 {
		d.left, d.fresh = held, false
		if held >= replaceMarks*mark && d.pages >= replacePages {
			return TidyMemory, true
		}
	}
	switch {
	case every > 0 && d.since >= every:
		return TidyPages, false
	case known && held >= mark && d.since >= tidyPages && held-d.left >= max(mark, d.left)/tidyGrowth:
		return TidyMemory, false
	}
	return "", false
}

// visited is how many pages the tab has visited.
func (d *tidiness) visited() int { return d.pages + d.since }

// collected notes that garbage has been collected.
func (d *tidiness) collected() {
	d.pages += d.since
	d.since, d.fresh = 0, true
}

// tidyTimeout bounds the tidying of a tab.
const tidyTimeout = 5 * time.Second

// tidy collects the tab's garbage where that is due, and says whether another tab is to take its place.
// Where the collection does not come to be, the next lease sees why.
func (l *Lease) tidy(ctx context.Context) (replace bool) {
	o := &l.pool.options
	if o.CollectPages <= 0 && o.TabMark <= 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, tidyTimeout)
	defer cancel()
	var held int64
	if o.TabMark > 0 {
		held, _ = l.rendererAnon(ctx)
	}
	reason, replace := l.tidiness.next(held, o.CollectPages, o.TabMark)
	if reason == "" {
		return false
	}
	told := Tidying{Site: l.options.Site, Reason: reason, Replaced: replace, Pages: l.tidiness.since, Held: held}
	if replace {
		told.Pages = l.tidiness.visited()
	} else {
		began := time.Now()
		_, _ = cdp.Call(ctx, l.session, heapprofiler.CollectGarbage, cdp.Empty{})
		l.tidiness.collected()
		told.Took = time.Since(began)
	}
	if o.OnTidy != nil {
		o.OnTidy(told)
	}
	return replace
}
