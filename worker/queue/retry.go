package queue

import (
	"maps"
	"time"

	"github.com/ebbworker/ebb/worker/crawl"
)

// Retry says how a run that failed is tried again.
type Retry struct {
	// Tries is how often the run may fail before it is given up; 1 gives up at once.
	Tries int
	// First is the pause after the first failure; each further one is twice as long as the
	// one before, up to Longest.
	First, Longest time.Duration
}

// longestAsked bounds the pause that a host can ask for with Retry-After.
const longestAsked = 24 * time.Hour

// retries is the table behind DefaultRetries.
var retries = map[crawl.Class]Retry{
	crawl.ClassDNS:      {Tries: 5, First: 30 * time.Second, Longest: 15 * time.Minute},
	crawl.ClassConnect:  {Tries: 5, First: 15 * time.Second, Longest: 15 * time.Minute},
	crawl.ClassTLS:      {Tries: 3, First: time.Minute, Longest: 15 * time.Minute},
	crawl.ClassTimeout:  {Tries: 3, First: 30 * time.Second, Longest: 10 * time.Minute},
	crawl.ClassHTTP:     {Tries: 3, First: time.Minute, Longest: 10 * time.Minute},
	crawl.ClassBusy:     {Tries: 6, First: time.Minute, Longest: time.Hour},
	crawl.ClassBlocked:  {Tries: 3, First: 15 * time.Minute, Longest: 2 * time.Hour},
	crawl.ClassSelector: {Tries: 2, First: time.Minute, Longest: time.Minute},
	crawl.ClassMissing:  {Tries: 2, First: time.Minute, Longest: time.Minute},
	crawl.ClassInvalid:  {Tries: 2, First: time.Minute, Longest: time.Minute},
	crawl.ClassScript:   {Tries: 2, First: time.Minute, Longest: time.Minute},
	crawl.ClassTooLarge: {Tries: 1},
	crawl.ClassType:     {Tries: 1},
	crawl.ClassRobots:   {Tries: 1},
	crawl.ClassLimit:    {Tries: 1},
	crawl.ClassCrash:    {Tries: 5, First: time.Second, Longest: 30 * time.Second},
	crawl.ClassMemory:   {Tries: 1}, // its pages were tried again alone
	crawl.ClassHung:     {Tries: 2, First: time.Minute, Longest: time.Minute},
	crawl.ClassBrowser:  {Tries: 5, First: time.Second, Longest: 30 * time.Second},
	crawl.ClassInternal: {Tries: 5, First: 5 * time.Second, Longest: 5 * time.Minute},
}

// DefaultRetries returns how runs are tried again by default, by the class of their
// latest failure. A class that is not in it is tried again as ClassInternal is.
func DefaultRetries() map[crawl.Class]Retry { return maps.Clone(retries) }

// pause is how long to wait before a run that has failed a number of times, last with an
// outcome, is tried again. It returns false for a run that is to be given up.
func pause(own map[crawl.Class]Retry, outcome Outcome, failures int) (time.Duration, bool) {
	retry, found := own[outcome.Class]
	if !found {
		retry, found = retries[outcome.Class]
	}
	if !found {
		retry = retries[crawl.ClassInternal]
	}
	if failures >= retry.Tries {
		return 0, false
	}
	wait := retry.First
	for n := 1; n < failures && wait < retry.Longest; n++ {
		wait *= 2
	}
	return max(min(wait, retry.Longest), min(outcome.RetryAfter, longestAsked)), true
}
