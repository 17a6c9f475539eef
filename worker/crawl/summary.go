package crawl

import (
	"context"
	"errors"
	"time"
)

// Summary is what came of one execution of a run. Of a run that went on where another
// execution was interrupted, it counts this execution only.
type Summary struct {
	Outcome Outcome
	// Done, Failed and Skipped are the pages that came to an end, Queued those that
	// did not.
	Done, Failed, Skipped, Queued int
	// Found is the number of pages that the run knows, those of earlier executions
	// included; Duplicates the number of links to pages that it knew already.
	Found, Duplicates int
	// LeftOut is the number of links that were not kept since the run knew twice as
	// many pages as it may visit; Refused the number of those that the site's rules or
	// its depth do not allow.
	LeftOut, Refused int
	// Retries is how often a page was tried again.
	Retries int
	// Killed is how often a page was killed for want of memory.
	Killed int
	// Items is the number of items taken.
	Items int
	// Faults counts failed pages and items that were not taken, by class.
	Faults map[Class]int
	// Bytes is the decoded size of all documents.
	Bytes int64
	// Duration is how long it took, cleaning up included.
	Duration time.Duration
	// PeakOpen is the largest number of pages that were open at once.
	PeakOpen int
	// FirstError is the first page's failure: its URL and why; "" when none failed.
	FirstError string
}

// RunState is how a run ended.
type RunState string

const (
	RunDone    RunState = "done"    // every page was visited; single items may be missing
	RunPartial RunState = "partial" // some pages were visited, others failed or are still queued
	RunFailed  RunState = "failed"  // no page was visited
)

// Outcome is what whoever started the run must know to decide how to go on.
type Outcome struct {
	State RunState
	// Class is why the run is not done: of what ended it early, or else of most of its
	// failed pages; ClassNone when it is done. Class.Passing says whether trying again
	// makes sense; it does only while pages are queued.
	Class Class
	// RetryAfter is how long to wait at least; 0 when nobody asked.
	RetryAfter time.Duration
}

// outcome judges the run from what was counted.
func (r *run) outcome(err error) Outcome {
	s := &r.summary
	out := Outcome{State: RunDone, RetryAfter: r.retryAfter}
	switch {
	case err == nil && s.Failed == 0:
		return out
	case s.Done > 0 || r.options.State.Visited > 0:
		out.State = RunPartial
	default:
		out.State = RunFailed
	}
	out.Class = r.mostFaults()
	if err != nil {
		out.Class = r.classOfEnd(err)
	}
	return out
}

// classOfEnd is the class of what ended the run early.
func (r *run) classOfEnd(err error) Class {
	switch {
	case errors.Is(err, ErrMemory):
		return ClassMemory
	case errors.Is(err, ErrBrowser):
		return ClassBrowser
	case errors.Is(err, ErrTimeout):
		return ClassTimeout
	case errors.Is(err, ErrAgain):
		return r.againClass
	case errors.Is(err, ErrDrained), errors.Is(err, context.Canceled):
		return ClassNone
	}
	return classOf(err)
}

// mostFaults is the class of most failed pages; of two with as many, the one that
// comes first by name.
func (r *run) mostFaults() Class {
	most := ClassNone
	for class, n := range r.failures {
		if best := r.failures[most]; n > best || n == best && class < most {
			most = class
		}
	}
	return most
}
