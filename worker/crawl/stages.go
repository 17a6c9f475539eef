package crawl

import "time"

// Stages are how long a page took, by what was done for it. Measuring them costs some ten readings of
// the clock a page. What they leave out of a run is waiting for a turn: for another page to be done, for
// a host, for a next try.
type Stages struct {
	// Lease is the wait for a tab, which may have to be opened, or Chrome started, first.
	Lease time.Duration
	// Navigate is from the request until the new document has begun and its answer is judged.
	Navigate time.Duration
	// Wait is what the template waits for, its steps included.
	Wait time.Duration
	// Extract is the template's program, without its waits, and reading what it returned.
	Extract time.Duration
	// Store is the journal's Save.
	Store time.Duration
	// Cleanup is what is done to the tab after the page, and giving it back.
	Cleanup time.Duration
}
