package browser

import (
	"context"
	"slices"
	"time"
)

// succeedTimeout bounds the making of a tab that takes the place of another, and the closing of that.
const succeedTimeout = 30 * time.Second

// succeed has another tab take the place of one that has visited as many pages as a tab should, with all that
// its renderer has kept of them. It is made in the background, while that one goes on. The caller has put the tab
// back, and has its place still.
func (l *Lease) succeed(ctx context.Context, visited int) {
	p := l.pool
	if limit := p.options.TabPages; limit <= 0 || visited < limit || !l.options.Renew {
		return
	}
	p.mu.Lock()
	begun := !p.shut && !l.Tab.succeeded && l.at.enter()
	if begun {
		l.Tab.succeeded = true
		p.succeeding.Add(1)
	}
	p.mu.Unlock()
	if !begun {
		return
	}
	go func() {
		defer p.succeeding.Done()
		ctx, cancel := p.untilClosed(context.WithoutCancel(ctx))
		defer cancel()
		ctx, end := context.WithTimeout(ctx, succeedTimeout)
		defer end()
		defer p.leave(ctx, l.at)
		if p.makeSuccessor(ctx, l) && p.options.OnTidy != nil {
			p.options.OnTidy(Tidying{Site: l.options.Site, Reason: TidyPages, Replaced: true, Pages: visited})
		}
	}()
}

// makeSuccessor opens the tab, and closes the one whose place it takes, or itself where the run has ended
// meanwhile. One that is lent is closed when it is given back.
func (p *Pool) makeSuccessor(ctx context.Context, l *Lease) (made bool) {
	next, err := l.at.member.browser.openTab(ctx, l.at.context, l.options.rules())
	if err != nil {
		return false // the tab stays, and no other is tried: whatever is wrong, its next lease sees it
	}
	gone := next
	p.mu.Lock()
	p.opened++
	waiting, made := p.idleOf(l, next)
	if made {
		gone = nil
		at := slices.IndexFunc(p.idle, func(i *idleTab) bool { return i.tab == l.Tab && !i.busy })
		if at >= 0 {
			gone, p.idle[at] = l.Tab, waiting
		} else {
			l.Tab.replaced, p.idle = true, append(p.idle, waiting)
		}
	}
	p.mu.Unlock()
	if gone != nil {
		_ = gone.close(ctx) // a tab that does not close dies with its Chrome
	}
	return made
}
