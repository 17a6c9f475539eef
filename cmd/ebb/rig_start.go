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
	started chan struct{} // closed when the start has ended
	err     error         // of the start; set before started is closed
}

// begin starts Chrome, until ctx ends or end is called, which returns when nothing waits for the start any
// more. The pool must be closed after it: only then is Chrome, which nobody may have waited for, gone.
func (f *firstChrome) begin(ctx context.Context, pool *browser.Pool) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	f.started = make(chan struct{})
	go func() {
		defer close(f.started)
		f.err = pool.Start(ctx)
	}()
	return func() {
		cancel()
		<-f.started
	}
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
	if errors.Is(r.first.err, browser.ErrStart) {
		return withCode(exitNoBrowser, r.first.err)
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
