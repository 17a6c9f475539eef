package main

import (
	"context"
	"errors"
	"sync"

	"github.com/ebbworker/ebb/browser"
)

// firstChrome is the start of the Chrome that a command begins with. It takes longer than all the rest of
// the start, and so it is begun first, and the rest is done meanwhile.
type firstChrome struct {
	cancel  context.CancelFunc
	started chan struct{} // closed when the start has ended
	err     error         // of the start; set before started is closed
	there   chan struct{} // closed when Chrome is there and the rig has heard so
}

// begin starts Chrome, until ctx ends or end is called, which must be.
func (f *firstChrome) begin(ctx context.Context, pool *browser.Pool) {
	ctx, f.cancel = context.WithCancel(ctx)
	f.started, f.there = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(f.started)
		f.err = pool.Start(ctx)
	}()
}

// end returns when nothing waits for the start any more. The pool must be closed after it: only then is Chrome,
// which nobody may have waited for, gone.
func (f *firstChrome) end() {
	f.cancel()
	<-f.started
}

// isThere says whether the rig has its Chrome.
func (f *firstChrome) isThere() bool {
	select {
	case <-f.there:
		return true
	default:
		return false
	}
}

// meanwhile does work that waits for worker.Options.Ready, while Chrome starts. Where Chrome cannot start, the context of
// the work ends, and why it cannot is the error.
func (r *rig) meanwhile(ctx context.Context, o rigOptions, work func(context.Context, *rig) error) error {
	working, cancel := context.WithCancelCause(ctx)
	var awaiting sync.WaitGroup
	awaiting.Go(func() {
		if err := r.awaitChrome(); err != nil {
			cancel(err)
		}
	})
	defer awaiting.Wait()
	defer r.first.end()
	defer cancel(nil)
	err := work(working, r)
	switch {
	case r.first.isThere():
		return err
	case ctx.Err() != nil:
		return o.stopped()
	case working.Err() != nil:
		return context.Cause(working)
	}
	return err
}

// awaitChrome waits for the first Chrome, so that one that cannot start ends the command instead of every
// run.
func (r *rig) awaitChrome() error {
	if !r.settings.Browser.Sandbox {
		r.log.Warn().Msg("Chrome runs WITHOUT its sandbox, as browser.sandbox says: a hostile page can take over this account")
	}
	if r.exits == nil {
		r.log.Warn().Msg("egress.enabled is off: pages reach every address that this machine reaches, private networks included")
	}
	r.news.open()
	<-r.first.started
	switch {
	case errors.Is(r.first.err, browser.ErrStart):
		return withCode(exitNoBrowser, r.first.err)
	case r.first.err == nil:
		close(r.first.there)
	}
	return r.first.err
}

// news is what is told of Chrome. While the rig is not whole it is kept, since who is told is not there.
type news struct {
	mu    sync.Mutex
	whole bool
	kept  []func()
}

// told is a function that tells of Chrome, as soon as the rig is whole.
func told[T any](n *news, tell func(T)) func(T) {
	return func(what T) {
		n.mu.Lock()
		if !n.whole {
			n.kept = append(n.kept, func() { tell(what) })
			n.mu.Unlock()
			return
		}
		n.mu.Unlock()
		tell(what)
	}
}

// open says that the rig is whole. What was kept is told before anything else is.
func (n *news) open() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, tell := range n.kept {
		tell()
	}
	n.whole, n.kept = true, nil
}

func (r *rig) closeStore() error {
	if r.store == nil {
		return nil
	}
	return r.store.Close()
}
