package crawl

import "time"

// EventKind is what an Event tells.
type EventKind string

const (
	EventPhase EventKind = "phase" // a phase of the run begins
	EventPage  EventKind = "page"  // a page came to its end
	EventRetry EventKind = "retry" // a page failed and will be tried again
	EventPause EventKind = "pause" // a host asked to be left alone
	EventNote  EventKind = "note"  // something that somebody should know
)

// Phases of a run.
const (
	PhaseScrape  = "scrape"  // pages are visited
	PhaseCleanup = "cleanup" // what the run opened is closed
	PhaseEnd     = ""        // nothing of the run is left
)

// Event is something that happened in a run.
type Event struct {
	Kind EventKind
	At   time.Time
	// Phase is what begins, for EventPhase; PhaseEnd when the run is over.
	Phase string
	// Page is what came of the page, for EventPage and EventRetry, without its Found
	// and with its items' number only.
	Page PageEvent
	// Delay is when the page is tried again, or how long the host is left alone.
	Delay time.Duration
	// Text says more of EventPause and EventNote.
	Text string
	// Progress is where the run stands.
	Progress Progress
}

// PageEvent is what an Event tells of a page.
type PageEvent struct {
	URL      string
	State    PageState
	Status   int
	Class    Class
	Error    string
	Items    int
	Bytes    int64
	Duration time.Duration
	Stages   Stages
}

// Progress is where a run stands, earlier executions included.
type Progress struct {
	// Visited is the number of pages that are done or failed, Found the number that the
	// run knows, Open the number that are being visited, Queued those that wait.
	Visited, Found, Open, Queued int
	Items                        int
	Bytes                        int64
	// Most is the largest number of pages that the run may visit.
	Most int
}

func (r *run) tell(event Event) {
	event.At = time.Now()
	r.mu.Lock()
	event.Progress = Progress{
		Visited: r.options.State.Visited + r.summary.Done + r.summary.Failed,
		Found:   r.frontier.found, Open: r.open, Queued: r.frontier.queued + len(r.left),
		Items: r.options.State.Items + r.summary.Items, Bytes: r.summary.Bytes,
		Most: r.limits.pages,
	}
	r.mu.Unlock()
	r.options.On(event)
}
