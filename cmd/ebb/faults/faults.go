// Package faults brings about what may befall a worker, and tells what was lost.
package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/ebbworker/ebb/browser"
)

// Fault is one thing that may befall a worker.
type Fault struct {
	// Name is what it is called by.
	Name string
	// Does says what is done.
	Does string
	// Holds says what must hold, beside what must always: every item there is in the store, once;
	// every tab can be lent; no process and no file is left.
	Holds string

	needs []need
	run   func(ctx context.Context, s *scene) error
}

// All returns every fault, in the order in which they are told.
func All() []Fault {
	return slices.Concat(pageFaults(), chromeFaults(), networkFaults(), databaseFaults(), clockFaults(), processFaults())
}

// Find returns the faults of some names, or all where there are none.
func Find(names ...string) ([]Fault, error) {
	all := All()
	if len(names) == 0 {
		return all, nil
	}
	var found []Fault
	for _, name := range names {
		at := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no fault %q", name)
		}
		found = append(found, all[at])
	}
	return found, nil
}

// Options say with what faults are tried.
type Options struct {
	// Launch starts each Chrome. Its Path must be set.
	Launch browser.LaunchOptions
	// Folder is where each fault gets a folder of its own. Chrome's account must be able to pass it. Needed.
	Folder string
	// Program is ebb, for the faults that befall a whole process. Needed.
	Program string
	// Arguments go before those of each process. Default: none.
	Arguments []string
	// Cycles is how often Chrome is launched and killed where that is the fault. Default: 10.
	Cycles int
	// Jobs is how many faults are tried at once. Default: 1.
	Jobs int
	// On is told of each result as it comes, from one goroutine at a time. Default: nobody is.
	On func(Result)
}

// State is what came of a fault.
type State string

const (
	OK         State = "ok"
	Failed     State = "FAIL"
	Impossible State = "not possible here"
)

// Result is what was seen of a fault.
type Result struct {
	Fault string `json:"fault"`
	Does  string `json:"does"`
	Holds string `json:"holds"`
	State State  `json:"state"`
	// Why says what does not hold, or what this machine does not allow. It may hold text of a page.
	Why string `json:"why,omitempty"`
	// KnownMS is how long it took until who waited knew of it, in milliseconds; 0 where that is not measured.
	KnownMS float64 `json:"known_ms,omitempty"`
	// RecoveredMS is how long it took until the work was done all the same; 0 where that is not measured.
	RecoveredMS float64 `json:"recovered_ms,omitempty"`
	// Items is how many items are in the store, Wanted how many should be.
	Items  int `json:"items"`
	Wanted int `json:"wanted"`
	// Notes is what else was seen.
	Notes string `json:"notes,omitempty"`
	// Seconds is how long it all took.
	Seconds float64 `json:"seconds"`
}

// faultTimeout bounds one fault.
const faultTimeout = 5 * time.Minute

// Run tries faults and returns what was seen of each, in their order. The error is that of the context.
func Run(ctx context.Context, list []Fault, o Options) ([]Result, error) {
	if o.Cycles <= 0 {
		o.Cycles = 10
	}
	results := make([]Result, len(list))
	next := make(chan int)
	var workers sync.WaitGroup
	var telling sync.Mutex
	for range max(1, o.Jobs) {
		workers.Go(func() {
			for i := range next {
				results[i] = list[i].try(ctx, o)
				if o.On != nil && ctx.Err() == nil {
					telling.Lock()
					o.On(results[i])
					telling.Unlock()
				}
			}
		})
	}
	for i := range list {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	return results, context.Cause(ctx)
}

// try brings a fault about in a folder of its own.
func (f Fault) try(ctx context.Context, o Options) (r Result) {
	began := time.Now()
	r = Result{Fault: f.Name, Does: f.Does, Holds: f.Holds, State: OK}
	for _, need := range f.needs {
		if missing := need(); missing != "" {
			r.State, r.Why = Impossible, missing
			return r
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, faultTimeout, errors.New("it took too long"))
	defer cancel()
	s, err := newScene(o, f.Name)
	if err == nil {
		err = errors.Join(f.run(ctx, s), s.close(ctx))
		s.tell(&r)
	}
	var impossible impossibleError
	switch {
	case errors.As(err, &impossible):
		r.State, r.Why = Impossible, impossible.Error()
	case err != nil:
		r.State, r.Why = Failed, err.Error()
	}
	r.Seconds = time.Since(began).Seconds()
	return r
}

// impossibleError is what this machine, or this Chrome, lacks for a fault.
type impossibleError string

func (e impossibleError) Error() string { return string(e) }

// need says what is missing for a fault; "" when nothing is.
type need func() string

func root() string {
	if os.Geteuid() != 0 {
		return "it needs root"
	}
	return ""
}
