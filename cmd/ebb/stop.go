package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// errStopped says that a command was stopped before it had begun its work.
var errStopped = errors.New("stopped before the work had begun")

// stopper counts the signals that ask a command to end. The first SIGINT or SIGTERM ends
// the context of the work, so that what is at work may finish; a second one interrupts
// it and makes the exit code 130; a third ends the program where it is.
type stopper struct {
	mu    sync.Mutex // owns what follows
	count int
	last  os.Signal
	tell  func(count int, last os.Signal)
}

// stoppable runs work and all that opens and closes what it needs: a signal in any of it
// leaves nothing behind.
func (a *app) stoppable(ctx context.Context, work func(context.Context, *stopper) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	s, done := &stopper{}, make(chan struct{})
	var listening sync.WaitGroup
	listening.Go(func() {
		for {
			select {
			case sig := <-signals:
				cancel()
				if s.add(sig) > 2 {
					os.Exit(exitForced) // Chrome dies with its parent
				}
			case <-done:
				return
			}
		}
	})
	err := work(ctx, s)
	close(done)
	listening.Wait()
	if s.times() > 1 {
		return &exitError{code: exitForced, err: err}
	}
	return err
}

// add counts a signal and tells of it.
func (s *stopper) add(sig os.Signal) int {
	s.mu.Lock()
	s.count, s.last = s.count+1, sig
	count, tell := s.count, s.tell
	s.mu.Unlock()
	if tell != nil {
		tell(count, sig)
	}
	return count
}

// on names who is told of signals, at once if there was one.
func (s *stopper) on(tell func(count int, last os.Signal)) {
	s.mu.Lock()
	s.tell = tell
	count, last := s.count, s.last
	s.mu.Unlock()
	if count > 0 {
		tell(count, last)
	}
}

func (s *stopper) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}
