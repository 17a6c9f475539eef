package browser

import (
	"context"
	"fmt"
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
	// Took is what the collection took. One for memory is thorough: what V8 has compiled goes too.
	Took time.Duration
}

const (
	// tidyPages is the least number of pages between two thorough collections: a page that is large
	// while it is open would have every page pay for one.
	tidyPages = 3
	// tidyGrowth is by what part of the mark, or of what the last thorough collection left, if that is more, a
	// renderer has grown since when another is worth it.
	tidyGrowth = 4
	// smallRenderer is how many bytes one holds at least whose garbage is worth a collection. One with an empty
	// page holds some 20 MB.
	smallRenderer = 32 << 20
	// replacePages is how many pages a tab visits at least before it is replaced, since the next has to be
	// opened and begins with nothing compiled; replaceMarks is how many times the mark its renderer holds
	// at least, although garbage has just been collected.
	replacePages, replaceMarks = 50, 2
)

// tending says when something is to be done about the memory of a tab. 0 is never.
type tending struct {
	every int   // pages since garbage was collected
	mark  int64 // bytes that the renderer holds
}

func (o *PoolOptions) tending() tending {
	return tending{every: o.CollectPages, mark: o.TabMark}
}

// tidiness is what a tab's renderer has come to since its garbage was collected. Who has the tab has it.
type tidiness struct {
	pages int   // since it was opened, up to the last collection
	since int   // pages since garbage was collected
	rough int   // pages since it was collected thoroughly
	left  int64 // what the last thorough one left, as the lease after it saw it; 0 while that is not known
	fresh bool  // garbage has been collected and no lease has been here since
}

// mayBeDue is false where next would do nothing whatever the renderer holds, so that it need not be asked for.
func (d *tidiness) mayBeDue(by tending) bool {
	return d.fresh || by.mark > 0 && d.rough >= tidyPages || by.every > 0 && d.since >= by.every
}

// next says what is to be done with a tab whose renderer holds so much, 0 where that is not known.
func (d *tidiness) next(held int64, by tending) (reason TidyReason, replace bool) {
	known, marked := held > 0, held > 0 && by.mark > 0
	if known && d.fresh && d.since > 0 {
		d.fresh = false
		if d.rough == d.since { // it was collected thoroughly
			d.left = held
			if marked && held >= replaceMarks*by.mark && d.pages >= replacePages {
				return TidyMemory, true
			}
		}
	}
	switch {
	case marked && held >= by.mark && d.rough >= tidyPages && held-d.left >= max(by.mark, d.left)/tidyGrowth:
		return TidyMemory, false
	case by.every > 0 && d.since >= by.every && (!known || held >= smallRenderer):
		return TidyPages, false
	}
	return "", false
}

// visited is how many pages the tab has visited.
func (d *tidiness) visited() int { return d.pages + d.since }

// visit notes a page.
func (d *tidiness) visit() {
	d.since++
	d.rough++
}

// collected notes that garbage has been collected.
func (d *tidiness) collected(thorough bool) {
	d.pages += d.since
	d.since, d.fresh = 0, true
	if thorough {
		d.rough = 0
	}
}

// tidyTimeout bounds the tidying of a tab.
const tidyTimeout = 5 * time.Second

// tidy collects the tab's garbage where that is due, and says whether another tab is to take its place.
// Where the collection does not come to be, the next lease sees why.
func (l *Lease) tidy(ctx context.Context) (replace bool) {
	o := &l.pool.options
	by := o.tending()
	if !l.tidiness.mayBeDue(by) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, tidyTimeout)
	defer cancel()
	held, _ := l.rendererAnon(ctx)
	reason, replace := l.tidiness.next(held, by)
	if reason == "" {
		return false
	}
	told := Tidying{Site: l.options.Site, Reason: reason, Replaced: replace, Pages: l.tidiness.since, Held: held}
	if replace {
		told.Pages = l.tidiness.visited()
	} else {
		began := time.Now()
		thorough := reason == TidyMemory || collect(ctx, l.session) != nil
		if thorough {
			_, _ = cdp.Call(ctx, l.session, heapprofiler.CollectGarbage, cdp.Empty{})
		}
		l.tidiness.collected(thorough)
		told.Took = time.Since(began)
	}
	if o.OnTidy != nil {
		o.OnTidy(told)
	}
	return replace
}

const (
	// sampleNothing is the number of bytes between two samples of a profile that is to have none.
	sampleNothing = 1 << 30
	// collectTimeout bounds the wait for a collection. A page that is busy for longer has it when it is not.
	collectTimeout = time.Second
)

// collect has V8 make one full collection of the session's heap, as it does by itself, and no more.
// HeapProfiler.collectGarbage makes several and throws away what has been compiled, which the next pages compile
// again; what a sampling profile returns begins with the single one. Who profiles the same heap meanwhile loses
// their profile. The error says that Chrome does not do it.
func collect(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeout(ctx, collectTimeout)
	defer cancel()
	s.post(heapprofiler.CommandStartSampling, heapprofiler.StartSamplingParams{SamplingInterval: sampleNothing, StackDepth: 1})
	if _, err := cdp.Call(ctx, s, heapprofiler.StopSampling, cdp.Empty{}); err != nil && ctx.Err() == nil {
		return fmt.Errorf("collect garbage: %w", err)
	}
	return nil
}
