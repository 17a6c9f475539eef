package crawl

import (
	"context"
	"errors"
	"fmt"

	"github.com/ebbworker/ebb/browser"
)

// killed decides what becomes of a page that was killed for want of memory. The first time it is
// tried again alone: from then on the run visits one page at a time. When it was alone already, the
// run ends with it, since the rest would fare no better. It returns false where the page is to be
// treated as after any death of Chrome: its own renderer was not what was killed.
func (r *run) killed(ctx context.Context, v *visit, f *fault, out *report) bool {
	out.killed = true
	if v.single && errors.Is(f.err, browser.ErrGone) {
		f.class = ClassBrowser
		out.result.Class = ClassBrowser
		return false
	}
	fate := fateRetry
	if v.single {
		out.hopeless = fmt.Errorf("%w: the kernel killed %s, which was the only page that the run had open", ErrMemory, v.page.URL)
		fate = fateLeft
		if r.options.Final {
			return false // nobody goes on with it
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
