package browser

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
)

// attachTimeout bounds how long Chrome may take to attach to a target.
const attachTimeout = 5 * time.Second

// Attach opens a session of its own with a target that may be anybody's: a worker, a frame in a
// process of its own, a window that a page opened. The session enables nothing, pauses nothing
// and resumes nothing; its calls fail with ErrCrashed or ErrClosed when a page ends. detach ends it
// without waiting; it must be called, at once when the work is done: a service worker with a
// session does not go idle, and a worker that ends meanwhile answers nothing any more and stays
// among the targets until then (Chromium 156).
//
// Chrome itself answers, even for a target that hangs. The end of the context does not interrupt
// that answer, since a session that nobody knows of would stay: it is bounded by 5 s instead.
func (b *Browser) Attach(ctx context.Context, targetID string) (session cdp.Session, detach func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, fmt.Errorf("attach to a target: %w", context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), attachTimeout, ErrHung)
	defer cancel()
	id := target.ID(targetID)
	res, err := cdp.Call(ctx, b.conn.root, target.AttachToTarget, target.AttachToTargetParams{TargetID: id, Flatten: new(true)})
	if err != nil {
		return nil, nil, fmt.Errorf("attach to a target: %w", err)
	}
	s := b.conn.open(res.SessionID)
	b.tracker.watch(id, s)
	return s, func() {
		b.tracker.unwatch(id, s)
		b.conn.forget(s, ErrClosed)
		b.conn.root.post(target.CommandDetachFromTarget, target.DetachFromTargetParams(res))
	}, nil
}

// watch tells the tracker of a session beside those of tabs, unwatch that it is no more.
func (t *tracker) watch(id target.ID, s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.attached[id] == nil {
		t.attached[id] = map[*session]bool{}
	}
	t.attached[id][s] = true
}

func (t *tracker) unwatch(id target.ID, s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.attached[id], s)
	if len(t.attached[id]) == 0 {
		delete(t.attached, id)
	}
}
