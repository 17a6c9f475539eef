package memprof

import (
	"context"
	"errors"
)

// ErrGone is wrapped by the error of a Reading whose subject ended while it was read: a process
// that exited, a page that closed. It is recorded as a gap, but totals stay valid without it,
// since what is gone holds nothing.
var ErrGone = errors.New("it is gone")

// ErrLate is wrapped by the error of a Reading whose subject was too busy to answer in time, such
// as a page that parses a large document. The figure is unknown at that moment, but nothing is
// wrong.
var ErrLate = errors.New("it came late")

// Subject is what a value is of. Which fields are set depends on the metric's [Scope].
type Subject struct {
	// Browser is the id that the caller gave to a Chrome; "" for this program and its host.
	Browser string `json:"browser,omitempty"`
	// Kind is the type of a process ("browser", "renderer", "gpu-process", "network", ...,
	// "worker" for this program's own) or of a target ("page", "iframe", "service_worker", ...).
	Kind string `json:"kind,omitempty"`
	// Target is Chrome's id of a target, URL its address without query and fragment, Site the
	// site on whose behalf it is open, Opener the target that opened it.
	Target string `json:"target,omitempty"`
	URL    string `json:"url,omitempty"`
	Site   string `json:"site,omitempty"`
	Opener string `json:"opener,omitempty"`
	// Isolate is V8's id of a page's isolate: pages with the same one share their renderer.
	Isolate string `json:"isolate,omitempty"`
}

// Reading is one measured value, or the error in its place.
type Reading struct {
	// Metric is the name of a row of the table, or a family such as "perf.*" when Err is set
	// and a call that brings many metrics failed. The family of a witness (see Metric), such as
	// "page.*", stands for all metrics that it witnesses.
	Metric  string
	Subject Subject
	Value   float64
	// Err is why there is no value. Value means nothing then.
	Err error
}

// Request says what a source is asked for.
type Request struct {
	// Level bounds what may be read: LevelCheap or LevelFull.
	Level Level
	// Tick says that the reading is a tick, of which only totals of metrics with Tick set are
	// kept: a source may leave out the rest.
	Tick bool
	// Quick says that the tick looks for a spike: only metrics with Quick set are kept, and only
	// a source that is a [QuickSource] is asked.
	Quick bool
}

// Wants tells whether a request asks for a metric.
func (q Request) Wants(m Metric) bool {
	return m.Level <= q.Level && (m.Tick || !q.Tick) && (m.Quick || !q.Quick)
}

// Source reads figures from one place. Its methods are called from several goroutines at once.
type Source interface {
	// Name is the name under which the source's cost and faults are recorded.
	Name() string
	// Read returns what the request asks for; what could not be read is a Reading with Err. It
	// must return soon after ctx ends: what comes later is dropped.
	Read(ctx context.Context, q Request) []Reading
}

// QuickSource is a Source that may be asked ten times a second.
type QuickSource interface {
	Source
	// Quick tells whether it is asked at quick ticks.
	Quick() bool
}

// Series names one total: a metric summed over the subjects of one group.
type Series struct {
	Metric string
	// Group is the kind of process or target that was summed over, [Chrome] for all processes
	// of Chrome, [ControlGroup] for what belongs to the control, and "" for metrics that are
	// summed over everything.
	Group string
}

// Chrome is the Group of a total over all processes of all Chromes, this program not included.
const Chrome = "chrome"

// Worker is the Kind of this program's own process.
const Worker = "worker"

// The control is a page that leaks a known amount on purpose, so that whoever judges can be
// judged. What is read of it is summed under ControlGroup alone, and never counts among pages,
// processes or isolates. A process or target is the control's by its Kind ControlGroup, and a
// page by its Site ControlSite.
const (
	ControlGroup = "control"
	ControlSite  = "ebb-control"
)

// isControl tells whether a value belongs to the control.
func (s Subject) isControl() bool { return s.Kind == ControlGroup || s.Site == ControlSite }

// String returns "metric/group", or "metric" without a group.
func (s Series) String() string {
	if s.Group == "" {
		return s.Metric
	}
	return s.Metric + "/" + s.Group
}
