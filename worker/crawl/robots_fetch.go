package crawl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ebbworker/ebb/sites"
)

// errRedirects ends a fetch of robots.txt that is sent on too often.
var errRedirects = errors.New("more than five redirects")

func checkRobotsRedirect(request *http.Request, via []*http.Request) error {
	if len(via) > robotsRedirects {
		return errRedirects
	}
	if request.URL.Scheme != "http" && request.URL.Scheme != "https" {
		return errRedirects // leads nowhere that can be read: as if it was not there
	}
	return nil
}

// read asks an origin for its robots.txt. The only error is the context's: everything
// else that can go wrong is an answer too.
func (c *RobotsCache) read(ctx context.Context, origin string) (*robotsEntry, error) {
	fetchCtx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	entry := &robotsEntry{origin: origin, bytes: robotsEntryBytes, until: time.Now().Add(robotsLeastAge)}
	request, err := http.NewRequestWithContext(fetchCtx, http.MethodGet, origin+"/robots.txt", nil)
	if err != nil {
		return nil, fmt.Errorf("ask for %s/robots.txt: %w", origin, err)
	}
	request.Header.Set("User-Agent", c.options.UserAgent)
	response, err := c.client.Do(request)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			response.Body.Close()
		}
		return nil, context.Cause(ctx)
	case errors.Is(err, errRedirects):
		return entry, nil
	case err != nil:
		return entry.unreachable(classOf(err), 0, err), nil
	}
	defer response.Body.Close()
	if err := entry.take(response); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return entry.unreachable(classOf(err), 0, err), nil
	}
	return entry, nil
}

// take reads the answer into the entry.
func (e *robotsEntry) take(response *http.Response) error {
	status := response.StatusCode
	switch {
	case status == http.StatusTooManyRequests, status >= 500:
		err := fmt.Errorf("it answers %d", status)
		e.unreachable(ClassBusy, retryAfter(response.Header, time.Now()), err)
		return nil
	case status < 200 || status >= 300: // RFC 9309 section 2.3.1.3: unavailable
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, robotsMaxBytes))
	if err != nil {
		return err
	}
	e.rules = sites.ParseRobots(body)
	e.bytes += int64(len(body))
	e.until = time.Now().Add(robotsAge(response.Header))
	return nil
}

// unreachable makes the entry forbid everything for a while.
func (e *robotsEntry) unreachable(class Class, after time.Duration, err error) *robotsEntry {
	if class == ClassInternal {
		class = ClassConnect
	}
	e.rules = nil
	e.until = time.Now().Add(robotsFaultAge)
	if class == ClassEgress {
		var asked *url.Error
		if errors.As(err, &asked) {
			err = asked.Err
		}
		e.fault = &fault{class: class, err: fmt.Errorf("read %s/robots.txt: %w", e.origin, err)}
		return e
	}
	e.fault = &fault{
		class: class, retryAfter: after,
		err: fmt.Errorf("nothing of %s may be visited until its robots.txt can be read: %w", e.origin, err),
	}
	return e
}

// robotsAge is how long a file holds: what its max-age says, within bounds.
func robotsAge(header http.Header) time.Duration {
	age := robotsMostAge
	for directive := range strings.SplitSeq(strings.ToLower(header.Get("Cache-Control")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-cache", "no-store":
			age = robotsLeastAge
		case "max-age":
			if seconds, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 32); err == nil {
				age = time.Duration(seconds) * time.Second
			}
		}
	}
	return min(max(age, robotsLeastAge), robotsMostAge)
}

// retryAfter reads the Retry-After header (RFC 9110 section 10.2.3): seconds or a date;
// 0 when there is none, or none that can be read.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxPause/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxPause)
}
