package crawl

import (
	"context"
	"errors"
	"fmt"

	"github.com/ebbworker/ebb/browser"
)

// mostChromes is how often all of Chrome may be killed under a page that is alone. Other runs may have
// pages in it, so that once is no proof.
const mostChromes = 2

// killed decides what becomes of a page that was killed for want of memory. The first time it is
// tried again alone: from then on the run visits one page at a time. When it was alone already, the
// run ends with it, since the rest would fare no better. It returns false where nobody goes on with
// the run: the page has failed.
func (r *run) killed(ctx context.Context, v *visit, f *fault, out *report) bool {
	out.killed = true
	fate, again := fateRetry, !v.single
	if v.single && errors.Is(f.err, browser.ErrGone) {
		r.mu.Lock()
		r.chromes++
		again = r.chromes < mostChromes
		r.mu.Unlock()
	}
	if !again {
		out.hopeless = fmt.Errorf("%w: the kernel killed %s, which was the only page that the run had open", ErrMemory, v.page.URL)
		fate = fateLeft
		if r.options.Final {
			return false
		}
	}
	out.fate, out.result.Attempts = fate, v.page.Attempts+1
	r.noteRetry(ctx, v.page, out)
	return true
}

// noteKill makes the run visit one page at a time after a kill. Several that are killed at once were
// killed for one reason. The caller holds mu.
func (r *run) noteKill(out *report) {
	if !out.killed {
		return
	}
	r.summary.Killed++
	r.single = true
}
