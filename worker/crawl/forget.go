package crawl

import (
	"container/list"
	"maps"
	"time"
	"weak"

	"github.com/ebbworker/ebb/sites"
)

// Forgotten is what was dropped of what is kept between runs.
type Forgotten struct {
	// Count were dropped, Left are still known.
	Count, Left int
	// Held counts those that were dropped and are still in memory: after a collection, those that a
	// run at work is using.
	Held func() int
}

// forgotten makes a Forgotten of what was dropped.
func forgotten[T any](dropped []weak.Pointer[T], left int) Forgotten {
	return Forgotten{Count: len(dropped), Left: left, Held: func() int {
		held := 0
		for _, p := range dropped {
			if p.Value() != nil {
				held++
			}
		}
		return held
	}}
}

// Rest is for how long a host must have been left alone until the next run of a site may visit it as if
// nobody had ever asked it: until its burst is whole again. 0 for a site without a rate.
func Rest(site *sites.Site) time.Duration {
	l := limitsOf(site).host
	if l.Rate <= 0 {
		return 0
	}
	return time.Duration(float64(max(l.Burst, 1)) / l.Rate * float64(time.Second))
}

// Forget drops the hosts that nobody can tell from new ones: that no run visits or waits for, that asked
// for no pause or have answered well since, and that were left alone for as long as their last limits
// ask and for rest at least, which is the longest Rest of the sites that may visit them. All limits
// hold as before.
func (h *Hosts) Forget(rest time.Duration) Forgotten {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	var dropped []weak.Pointer[host]
	left := make(map[string]*host)
	for key, host := range h.byKey {
		if !host.likeNew(now, rest) {
			left[key] = host
			continue
		}
		h.idle.Remove(host.idle)
		dropped = append(dropped, weak.Make(host))
	}
	h.byKey = left // a map does not give back what it grew to
	return forgotten(dropped, len(left))
}

// likeNew reports whether to forget the host would change nothing.
func (h *host) likeNew(now time.Time, rest time.Duration) bool {
	switch {
	case h.idle == nil, len(h.guests) > 0, h.strikes > 0, now.Before(h.until), now.Sub(h.since) < rest:
		return false
	case h.bucket == nil, h.bucket.Limit() >= unlimited:
		return true
	}
	return h.bucket.TokensAt(now) >= float64(h.bucket.Burst())-1e-9
}

// Forget drops the files of all origins, which are fetched again when a page of theirs is visited. What
// came of one that cannot be read stays until its time is over, and so does what an earlier file said
// and goes on to hold meanwhile: that server is not asked again before. It also closes the connections
// over which nothing is fetched.
func (c *RobotsCache) Forget() Forgotten {
	c.client.CloseIdleConnections()
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	var dropped []weak.Pointer[robotsEntry]
	for element := c.recent.Front(); element != nil; {
		next := element.Next()
		entry := element.Value.(*robotsEntry)
		if unreachable := entry.fault != nil || !entry.expired.IsZero(); !unreachable || !now.Before(entry.until) {
			c.drop(element)
			dropped = append(dropped, weak.Make(entry))
		}
		element = next
	}
	left := make(map[string]*list.Element, len(c.entries))
	maps.Copy(left, c.entries)
	c.entries = left // a map does not give back what it grew to
	return forgotten(dropped, len(left))
}
