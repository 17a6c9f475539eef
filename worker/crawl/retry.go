package crawl

import (
	"math/rand/v2"
	"net/http"
	"time"
)

// retryRule says how a page that failed for one class of reason is tried again within
// its run.
type retryRule struct {
	// Most bounds the retries of a page beside the site's own limit, or, where Own is
	// set, instead of it: the page has no part in the fault.
	Most int
	Own  bool
	// First is the delay before the first retry; each further one is twice as long,
	// up to Longest.
	First, Longest time.Duration
}

// manyRetries leaves the number of retries to the site's limit.
const manyRetries = 1 << 30

// retryRules holds every class that may pass by itself. A class without a row is final:
// the same page would fail the same way again.
var retryRules = map[Class]retryRule{
	ClassDNS:      {manyRetries, false, 2 * time.Second, time.Minute},
	ClassConnect:  {manyRetries, false, time.Second, time.Minute},
	ClassTLS:      {1, false, 5 * time.Second, 5 * time.Second}, // a handshake may pass, a certificate stays
	ClassTimeout:  {manyRetries, false, 2 * time.Second, 30 * time.Second},
	ClassHTTP:     {manyRetries, false, 2 * time.Second, time.Minute}, // only the statuses of passingStatus
	ClassBusy:     {manyRetries, false, 5 * time.Second, 5 * time.Minute},
	ClassSelector: {1, false, 2 * time.Second, 2 * time.Second},
	ClassMissing:  {1, false, 2 * time.Second, 2 * time.Second},
	ClassScript:   {1, false, time.Second, time.Second},
	ClassCrash:    {manyRetries, false, 0, 10 * time.Second}, // the pool gives a fresh tab
	ClassMemory:   {1, true, 0, 0},                           // alone; see killed
	ClassHung:     {1, false, 0, 10 * time.Second},           // the second time with more patience
	ClassBrowser:  {3, true, 500 * time.Millisecond, 10 * time.Second},
}

// Passing reports whether a failure of the class may pass by itself, so that trying
// later makes sense. For ClassHTTP it depends on the status; Passing says true.
func (c Class) Passing() bool {
	_, ok := retryRules[c]
	return ok
}

// passingStatus reports whether a page that answered the status may answer another one
// soon.
func passingStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= 500
}

// passing reports whether trying the page of this fault again makes sense.
func (f *fault) passing() bool {
	if f.class == ClassHTTP {
		return passingStatus(f.status)
	}
	return f.class.Passing()
}

// retryDelay says whether a page that failed now, for the attempts-th time (1 is the
// first), is tried again within the run, and after which delay: the one for which the
// server asked, where it did.
func retryDelay(f *fault, attempts, limit int) (time.Duration, bool) {
	rule, ok := retryRules[f.class]
	if rule.Own || rule.Most < limit {
		limit = rule.Most
	}
	if !ok || !f.passing() || attempts > limit {
		return 0, false
	}
	if f.retryAfter > 0 {
		return f.retryAfter, true
	}
	delay := rule.First
	for range attempts - 1 {
		if delay = max(2*delay, 250*time.Millisecond); delay >= rule.Longest {
			delay = rule.Longest
			break
		}
	}
	delay += time.Duration(rand.Int64N(int64(delay)/5 + 1)) // so that pages that failed together part
	return delay, true
}
