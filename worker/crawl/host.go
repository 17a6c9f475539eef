package crawl

import (
	"container/list"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"
)

// maxPause bounds how long a host may send everybody away.
const maxPause = 24 * time.Hour

// unlimited is the rate of a host that no run limits. (rate.Inf makes a bucket's tokens
// NaN when its limit is set twice at one instant.)
const unlimited rate.Limit = 1e9

// host is the pace of one host. The lock of its Hosts guards it.
type host struct {
	key     string
	guests  map[*guest]time.Duration // the runs that visit it, with the crawl delay they obey
	queue   []*guest                 // runs that wait for a turn, the next one first
	granted *turn                    // the turn that was given but has not started
	open    int                      // turns that are not over, granted included
	bucket  *rate.Limiter            // tokens are taken when a turn starts; nil before the first guest
	until   time.Time                // nobody may ask before
	plain   int                      // pages in a row that came with status 200, counted up to trustAfter
	strikes int                      // pauses since the host last answered as it should
	pauses  *backoff.ExponentialBackOff
	idle    *list.Element // its place among the idle ones, nil when in use
	since   time.Time     // when it became idle
}

func newHost(key string) *host {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = 5 * time.Second
	pauses.Multiplier = 2
	pauses.RandomizationFactor = 0.2
	pauses.MaxInterval = 10 * time.Minute
	pauses.Reset()
	return &host{key: key, guests: make(map[*guest]time.Duration), pauses: pauses}
}

// admit makes a run's limits hold for the host.
func (h *host) admit(g *guest, crawlDelay time.Duration) {
	if delay, ok := h.guests[g]; ok && delay == crawlDelay {
		return
	}
	h.guests[g] = crawlDelay
	h.tune(time.Now())
}

// tune sets the bucket to the strictest limits of the runs that visit the host. Between
// runs it stays as the last one left it.
func (h *host) tune(now time.Time) {
	if len(h.guests) == 0 {
		return
	}
	limit, burst := unlimited, 0
	for g, delay := range h.guests {
		own := unlimited
		if g.limits.Rate > 0 {
			own = rate.Limit(g.limits.Rate)
		}
		size := g.limits.Burst
		if delay > 0 {
			own, size = min(own, rate.Every(delay)), 1
		}
		limit = min(limit, own)
		if burst == 0 || size < burst {
			burst = size
		}
	}
	burst = max(burst, 1)
	if h.bucket == nil {
		h.bucket = rate.NewLimiter(limit, burst) // full
		return
	}
	h.bucket.SetLimitAt(now, limit)
	h.bucket.SetBurstAt(now, burst)
}

// mostOpen is how many pages of the host may be open at once.
func (h *host) mostOpen() int {
	most := 0
	for g := range h.guests {
		if most == 0 || g.limits.Open < most {
			most = g.limits.Open
		}
	}
	return most
}

// pace is how long the rate makes the next turn wait; 0 when it may start.
func (h *host) pace(now time.Time) time.Duration {
	limit := h.bucket.Limit()
	if limit >= unlimited {
		return 0
	}
	lacking := 1 - h.bucket.TokensAt(now)
	if lacking <= 1e-9 {
		return 0
	}
	return time.Duration(lacking/float64(limit)*float64(time.Second)) + time.Nanosecond
}

// spend takes a token, on credit if need be.
func (h *host) spend(now time.Time) {
	if h.bucket.Limit() < unlimited {
		h.bucket.ReserveN(now, 1)
	}
}

// changed wakes the run whose turn may have come, and lists the host as idle when
// nobody uses it.
func (h *host) changed(hosts *Hosts) {
	if len(h.queue) > 0 {
		h.queue[0].notify()
		return
	}
	if h.open == 0 && h.idle == nil {
		h.idle, h.since = hosts.idle.PushBack(h), time.Now()
	}
}

// turn is the right to visit one page of a host.
type turn struct {
	host  *host
	guest *guest
	over  bool
}

// start says that the page is asked for now: the rate counts from here, and the next
// turn can be given. Until then no other turn is, so that turns that had to wait for a
// tab do not reach the host all at once.
func (t *turn) start() {
	t.locked(func(now time.Time) {
		if t.host.granted == t {
			t.host.granted = nil
			t.host.spend(now)
		}
	})
}

// spend counts a further page that the visit asks the host for. It does not wait; the
// turns after it do.
func (t *turn) spend() {
	t.locked(func(now time.Time) { t.host.spend(now) })
}

// done ends the turn. It may be called more than once.
func (t *turn) done() {
	t.locked(func(time.Time) {
		if t.over {
			return
		}
		t.over = true
		t.host.open--
		if t.host.granted == t {
			t.host.granted = nil
		}
	})
}

// pause makes everybody leave the host alone: for as long as it asked, and for longer
// each time it asks again without having answered as it should, or did not say how long.
// It returns the pause.
func (t *turn) pause(asked time.Duration) (pause time.Duration) {
	t.locked(func(now time.Time) {
		h := t.host
		pause = asked
		if !now.Before(h.until) { // else it is the same refusal, seen by another page
			if next := h.pauses.NextBackOff(); asked == 0 || h.strikes > 0 {
				pause = max(asked, next)
			}
			h.strikes++
		}
		pause = min(pause, maxPause)
		if until := now.Add(pause); until.After(h.until) {
			h.until = until
		}
		pause = h.until.Sub(now)
	})
	return pause
}

// fine says that the host answered as it should: its next pause is a short one again.
func (t *turn) fine() {
	t.locked(func(time.Time) {
		t.host.strikes = 0
		t.host.pauses.Reset()
	})
}

// trustAfter is how many pages in a row must come with status 200 for a host to be trusted.
const trustAfter = 3

// trusted says that the host's next page can be expected to come with status 200.
func (t *turn) trusted() (plain bool) {
	t.locked(func(time.Time) { plain = t.host.plain >= trustAfter })
	return plain
}

// trust notes a page with status 200, and distrust one with another.
func (t *turn) trust() {
	t.locked(func(time.Time) { t.host.plain = min(t.host.plain+1, trustAfter) })
}

func (t *turn) distrust() {
	t.locked(func(time.Time) { t.host.plain = 0 })
}

func (t *turn) locked(do func(now time.Time)) {
	hosts := t.guest.hosts
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	do(time.Now())
	t.host.changed(hosts)
}
