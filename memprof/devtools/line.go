package devtools

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"github.com/ebbworker/ebb/memprof"
)

// giveUp ends an inquiry that is never answered; the next reading begins another.
const giveUp = 30 * time.Second

// line is how one page or Chrome is asked. At most one inquiry is under way: as long as it is
// not answered nothing more is asked, so that nothing piles up before a busy main thread.
type line struct {
	caller
	enabled atomic.Bool // Performance is on, because of us

	mu      sync.Mutex
	current *inquiry // what is under way; nil for nothing
}

// inquiry is a question that a page or Chrome has not answered yet.
type inquiry struct {
	began time.Time
	end   context.CancelFunc // gives it up
	done  chan struct{}      // closed when it has ended
}

// inquire runs ask and returns what it returns. If the wait ends before, the error wraps
// memprof.ErrLate and ask goes on by itself, up to giveUp.
func inquire[T any](wait context.Context, l *line, patience time.Duration, ask func(context.Context) T) (answer T, err error) {
	ctx, end := context.WithTimeout(context.WithoutCancel(wait), giveUp)
	i := l.begin(wait, patience, end)
	if i == nil {
		end()
		return answer, memprof.ErrLate
	}
	answers := make(chan T, 1)
	go func() {
		answers <- ask(ctx)
		l.finish(i)
	}()
	select {
	case answer = <-answers:
		return answer, nil
	case <-wait.Done():
		return answer, memprof.ErrLate
	}
}

// begin waits until no other inquiry is under way, and begins one; nil if the wait ended first.
// It does not wait for one that began longer ago than patience.
func (l *line) begin(wait context.Context, patience time.Duration, end context.CancelFunc) *inquiry {
	for {
		l.mu.Lock()
		earlier := l.current
		if earlier == nil {
			l.current = &inquiry{began: time.Now(), end: end, done: make(chan struct{})}
			defer l.mu.Unlock()
			return l.current
		}
		l.mu.Unlock()
		if !earlier.await(wait, patience) {
			return nil
		}
	}
}

// await tells whether an inquiry ended in time.
func (i *inquiry) await(wait context.Context, patience time.Duration) bool {
	wait, cancel := context.WithDeadline(wait, i.began.Add(patience))
	defer cancel()
	select {
	case <-i.done:
		return true
	case <-wait.Done():
		return false
	}
}

// finish ends an inquiry.
func (l *line) finish(i *inquiry) {
	l.mu.Lock()
	l.current = nil
	l.mu.Unlock()
	i.end()
	close(i.done)
}

// hangUp gives up the inquiry that is under way, and returns it; nil for none.
func (l *line) hangUp() *inquiry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current != nil {
		l.current.end()
	}
	return l.current
}

// caller runs commands on a session.
type caller struct {
	session cdp.Session
	isGone  func(error) bool
}

// call runs one command. The error of a session that has ended wraps memprof.ErrGone, and that
// of one that did not answer in time memprof.ErrLate.
func (c caller) call(ctx context.Context, method string, params, result any) error {
	if err := c.session.Call(ctx, method, params, result); err != nil {
		return c.classify(err)
	}
	return nil
}

// classify adds what an error of a session means.
func (c caller) classify(err error) error {
	var answer *cdproto.Error
	switch {
	case errors.Is(err, chromedp.ErrTargetDetached) || c.isGone(err),
		errors.As(err, &answer) && answer.Code == -32001: // there is no such session
		return fmt.Errorf("%w: %w", err, memprof.ErrGone)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: %w", err, memprof.ErrLate)
	}
	return err
}
