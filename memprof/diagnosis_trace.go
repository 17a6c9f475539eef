package memprof

import "time"

// Trace is the course of memory over a whole recording, for plots.
type Trace struct {
	Start time.Time
	// Series names the columns of Points: the anonymous memory of Chrome, of its process types
	// and of the worker, and the JavaScript heap.
	Series []Series
	Points []TracePoint
	// Phases are those of all cycles, in the order of their ends.
	Phases []TracePhase
}

// TracePoint is one tick or reading. Values has one entry a series; NaN is a gap.
type TracePoint struct {
	At     time.Duration // since Trace.Start
	Tick   bool
	Values []float64
}

// TracePhase is one phase on the time axis of a Trace.
type TracePhase struct {
	Cycle    int
	Kind     Kind
	Site     string
	From, To time.Duration // since Trace.Start
}
