package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// failure is why a host could not be reached.
type failure struct {
	code string // one of Chrome's network errors; "" when it is forbidden
	err  error
	at   time.Time
}

const (
	// failuresKept is of how many hosts the last failure is known.
	failuresKept = 256
	// failureAge is how long it is.
	failureAge = time.Minute
)

// failures are the last failures of hosts (name:port). Chrome itself learns no more than
// that the proxy refused.
type failures struct {
	mu   sync.Mutex
	last map[string]failure
}

func (f *failures) add(host string, err error) {
	one := failure{err: err, at: time.Now()}
	if !errors.Is(err, ErrForbidden) {
		one.code = netCode(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil {
		f.last = map[string]failure{}
	}
	if _, known := f.last[host]; !known && len(f.last) >= failuresKept {
		f.dropOldest()
	}
	f.last[host] = one
}

func (f *failures) dropOldest() {
	oldest := ""
	for host, one := range f.last {
		if oldest == "" || one.at.Before(f.last[oldest].at) {
			oldest = host
		}
	}
	delete(f.last, oldest)
}

func (f *failures) of(host string) (failure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one, ok := f.last[host]
	return one, ok && time.Since(one.at) < failureAge
}

// upstreamError is a fault of the proxy behind this one.
type upstreamError struct{ err error }

func (e *upstreamError) Error() string { return "the proxy of egress.proxy: " + e.err.Error() }
func (e *upstreamError) Unwrap() error { return e.err }

// errorCodes are Chrome's names for errors of the network, most telling first.
var errorCodes = []struct {
	is   error
	code string
}{
	{syscall.ECONNREFUSED, "net::ERR_CONNECTION_REFUSED"},
	{syscall.ECONNRESET, "net::ERR_CONNECTION_RESET"},
	{syscall.EPIPE, "net::ERR_CONNECTION_RESET"},
	{syscall.EHOSTUNREACH, "net::ERR_ADDRESS_UNREACHABLE"},
	{syscall.ENETUNREACH, "net::ERR_ADDRESS_UNREACHABLE"},
	{syscall.EADDRNOTAVAIL, "net::ERR_ADDRESS_INVALID"},
	{syscall.EMFILE, "net::ERR_INSUFFICIENT_RESOURCES"},
	{syscall.ETIMEDOUT, "net::ERR_CONNECTION_TIMED_OUT"},
	{os.ErrDeadlineExceeded, "net::ERR_TIMED_OUT"},
	{context.DeadlineExceeded, "net::ERR_CONNECTION_TIMED_OUT"},
	{io.ErrUnexpectedEOF, "net::ERR_EMPTY_RESPONSE"},
	{io.EOF, "net::ERR_EMPTY_RESPONSE"},
	{errProxyAnswer, "net::ERR_UNEXPECTED_PROXY_AUTH"},
}

// errProxyAnswer is a server that answers as only a proxy may.
var errProxyAnswer = errors.New("the server answers 407, as only a proxy may")

// netCode is what Chrome would call an error if it had met it itself.
func netCode(err error) string {
	var dns *net.DNSError
	var up *upstreamError
	var dialling *net.OpError
	switch {
	case errors.As(err, &up):
		return "net::ERR_PROXY_CONNECTION_FAILED"
	case errors.As(err, &dns):
		return "net::ERR_NAME_NOT_RESOLVED"
	}
	if errors.As(err, &dialling) && dialling.Op == "dial" && dialling.Timeout() {
		return "net::ERR_CONNECTION_TIMED_OUT"
	}
	for _, row := range errorCodes {
		if errors.Is(err, row.is) {
			return row.code
		}
	}
	// The errors of net/http are texts.
	switch text := err.Error(); {
	case strings.Contains(text, "server response headers exceeded"):
		return "net::ERR_RESPONSE_HEADERS_TOO_BIG"
	case strings.Contains(text, "malformed HTTP"):
		return "net::ERR_INVALID_HTTP_RESPONSE"
	case strings.Contains(text, "server closed idle connection"):
		return "net::ERR_EMPTY_RESPONSE"
	}
	return "net::ERR_CONNECTION_FAILED"
}
