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
	session cdp.Session
	isGone  func(error) bool
	slot    chan struct{} // holds a value while an inquiry is under way
	enabled atomic.Bool   // Performance is on, because of us

	mu    sync.Mutex
	began time.Time          // the latest inquiry
	end   context.CancelFunc // ends it; nil before the first
}

// inquire runs ask and returns what it returns. If the wait ends before, the error wraps
// memprof.ErrLate and ask goes on by itself, up to giveUp.
func inquire[T any](wait context.Context, l *line, patience time.Duration, ask func(context.Context) T) (answer T, err error) {
	if !l.take(wait, patience) {
		return answer, memprof.ErrLate
	}
	ctx, end := context.WithTimeout(context.WithoutCancel(wait), giveUp)
	l.mu.Lock()
	l.began, l.end = time.Now(), end
	l.mu.Unlock()
	answers := make(chan T, 1)
	go func() {
		defer end()
		answers <- ask(ctx)
		<-l.slot
	}()
	select {
	case answer = <-answers:
		return answer, nil
	case <-wait.Done():
		return answer, memprof.ErrLate
	}
}

// take waits until no other inquiry is under way; not for one that began too long ago.
func (l *line) take(wait context.Context, patience time.Duration) bool {
	select {
	case l.slot <- struct{}{}:
		return true
	default:
	}
	l.mu.Lock()
	wait, cancel := context.WithDeadline(wait, l.began.Add(patience))
	l.mu.Unlock()
	defer cancel()
	select {
	case l.slot <- struct{}{}:
		return true
	case <-wait.Done():
		return false
	}
}

// hangUp gives up the inquiry that is under way.
func (l *line) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end != nil {
		l.end()
	}
}

// call runs one command. The error of a session that has ended wraps memprof.ErrGone.
func (l *line) call(ctx context.Context, method string, params, result any) error {
	err := l.session.Call(ctx, method, params, result)
	var answer *cdproto.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, chromedp.ErrTargetDetached) || l.isGone(err),
		errors.As(err, &answer) && answer.Code == -32001: // there is no such session
		return fmt.Errorf("%w: %w", err, memprof.ErrGone)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: %w", err, memprof.ErrLate)
	}
	return err
}
