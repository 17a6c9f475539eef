package crawl

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/ebbworker/ebb/sites"
)

// RobotsOptions are the options of a RobotsCache.
type RobotsOptions struct {
	// Client fetches robots.txt. Its own redirect rule is not used: at most five
	// redirects are followed. Default: http.DefaultTransport.
	Client *http.Client
	// UserAgent is the User-Agent header of the request. Default: "Ebb".
	UserAgent string
	// Timeout bounds one fetch with its redirects. Default: 15s.
	Timeout time.Duration
	// Hosts and Bytes bound the cache: how many origins, and how many bytes of their
	// files. The least recently used goes first. Default: 2000 and 32 MiB.
	Hosts int
	Bytes int64
}

// RobotsCache holds the robots.txt of the origins that runs visit, as RFC 9309 has it:
// a file that is not there allows everything, one that cannot be read for a fault of the
// server or the network forbids everything for a while. It is bounded, and safe for
// several goroutines; one origin is asked once at a time.
type RobotsCache struct {
	options RobotsOptions
	client  *http.Client

	mu      sync.Mutex
	entries map[string]*list.Element // by origin; the values are *robotsEntry
	recent  *list.List               // least recently used first
	bytes   int64
	fetches map[string]*robotsFetch // under way, by origin
}

// robotsEntry is what is known of one origin. It does not change.
type robotsEntry struct {
	origin string
	rules  *sites.Robots // nil when everything is allowed, or the file is unreachable
	fault  *fault        // why the file is unreachable; then nothing may be visited
	bytes  int64
	until  time.Time // when it must be fetched again
	// expired is when the file ran out whose rules still hold while it is unreachable; zero for a file that was read.
	expired time.Time
}

type robotsFetch struct {
	done  chan struct{}
	entry *robotsEntry // set before done is closed; nil when the fetcher was interrupted
}

const (
	robotsLeastAge    = time.Hour
	robotsMostAge     = 24 * time.Hour // RFC 9309 section 2.4
	robotsFaultAge    = time.Minute    // how long an unreachable file forbids everything
	robotsEntryBytes  = 512            // what an entry takes beside the file
	robotsMaxBytes    = 500 << 10      // RFC 9309 section 2.5
	robotsRedirects   = 5              // RFC 9309 section 2.3.1.2
	robotsStaleLimit  = 30 * 24 * time.Hour
	defaultRobotsTime = 15 * time.Second
)

// NewRobotsCache makes an empty cache.
func NewRobotsCache(options RobotsOptions) *RobotsCache {
	if options.UserAgent == "" {
		options.UserAgent = "Ebb"
	}
	if options.Timeout <= 0 {
		options.Timeout = defaultRobotsTime
	}
	if options.Hosts <= 0 {
		options.Hosts = 2000
	}
	if options.Bytes <= 0 {
		options.Bytes = 32 << 20
	}
	client := http.Client{}
	if options.Client != nil {
		client = *options.Client
	}
	client.CheckRedirect = checkRobotsRedirect
	return &RobotsCache{
		options: options, client: &client,
		entries: make(map[string]*list.Element), recent: list.New(),
		fetches: make(map[string]*robotsFetch),
	}
}

// originOf is the part of a URL that has one robots.txt.
func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }

// known returns what the cache holds of an origin; nil when it must be fetched.
func (c *RobotsCache) known(origin string) *robotsEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lookup(origin)
}

func (c *RobotsCache) lookup(origin string) *robotsEntry {
	element := c.entries[origin]
	if element == nil {
		return nil
	}
	entry := element.Value.(*robotsEntry)
	if !time.Now().Before(entry.until) {
		return nil
	}
	c.recent.MoveToBack(element)
	return entry
}

// get returns what robots.txt of an origin says, and fetches it where it must. The only
// error is the context's.
func (c *RobotsCache) get(ctx context.Context, origin string) (*robotsEntry, error) {
	for {
		c.mu.Lock()
		if entry := c.lookup(origin); entry != nil {
			c.mu.Unlock()
			return entry, nil
		}
		fetch := c.fetches[origin]
		if fetch == nil {
			fetch = &robotsFetch{done: make(chan struct{})}
			c.fetches[origin] = fetch
			c.mu.Unlock()
			return c.fetch(ctx, origin, fetch)
		}
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-fetch.done:
			if fetch.entry != nil {
				return fetch.entry, nil
			} // else whoever fetched was interrupted, and it is our turn
		}
	}
}

// fetch asks the origin, for everybody who waits for the same file.
func (c *RobotsCache) fetch(ctx context.Context, origin string, fetch *robotsFetch) (*robotsEntry, error) {
	entry, err := c.read(ctx, origin)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.fetches, origin)
	if err == nil {
		entry = c.keep(entry)
		fetch.entry = entry
	}
	close(fetch.done)
	return entry, err
}

// keep stores an entry and returns the one that holds: while a file is unreachable, what
// it said before goes on holding.
func (c *RobotsCache) keep(entry *robotsEntry) *robotsEntry {
	if element := c.entries[entry.origin]; element != nil {
		old := element.Value.(*robotsEntry)
		expired := old.expired
		if expired.IsZero() {
			expired = old.until
		}
		if entry.fault != nil && old.fault == nil && time.Since(expired) < robotsStaleLimit {
			stale := *old
			stale.until, stale.expired = entry.until, expired
			entry = &stale
		}
		c.drop(element)
	}
	c.entries[entry.origin] = c.recent.PushBack(entry)
	c.bytes += entry.bytes
	for c.recent.Len() > 1 && (c.recent.Len() > c.options.Hosts || c.bytes > c.options.Bytes) {
		c.drop(c.recent.Front())
	}
	return entry
}

func (c *RobotsCache) drop(element *list.Element) {
	entry := c.recent.Remove(element).(*robotsEntry)
	delete(c.entries, entry.origin)
	c.bytes -= entry.bytes
}

// size is the number of entries and the bytes that they take.
func (c *RobotsCache) size() (entries int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.recent.Len(), c.bytes
}

// errDisallowed is the fault of a page that robots.txt forbids.
var errDisallowed = errors.New("robots.txt does not allow it")

// verdict says whether an agent may visit a URL, and how long it should wait between
// two pages of the host. The error is a *fault.
func (e *robotsEntry) verdict(agent string, u *url.URL) (time.Duration, error) {
	switch {
	case e.fault != nil:
		return 0, e.fault
	case e.rules == nil:
		return 0, nil
	case !e.rules.Allowed(agent, u):
		return 0, &fault{class: ClassRobots, err: fmt.Errorf("%w: %s/robots.txt", errDisallowed, e.origin)}
	}
	return e.rules.CrawlDelay(agent), nil
}
