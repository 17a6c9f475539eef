package crawl

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/ebbworker/ebb/browser"
)

// fault is an error of a page together with what the run must know of it.
type fault struct {
	class      Class
	status     int           // the HTTP status that is the fault; 0 for any other
	retryAfter time.Duration // how long the server asked to be left alone
	err        error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// faultOf gives an error its class, unless it has one.
func faultOf(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return &fault{class: f.class, status: f.status, retryAfter: f.retryAfter, err: err}
	}
	return &fault{class: classOf(err), err: err}
}

// errPageTimeout is the cause with which a page's time limit ends its calls.
var errPageTimeout error = pageTimeout{}

type pageTimeout struct{}

func (pageTimeout) Error() string { return "the page's time limit passed" }

// Timeout tells the pool of tabs what it was.
func (pageTimeout) Timeout() bool { return true }

// sentinelClasses are the classes of errors that are values, most telling first.
var sentinelClasses = []struct {
	err   error
	class Class
}{
	{browser.ErrOutOfMemory, ClassMemory},
	{browser.ErrCrashed, ClassCrash},
	{browser.ErrScript, ClassHung},
	{browser.ErrClosed, ClassCrash}, // a fresh tab is as good an answer as after a crash
	{browser.ErrGone, ClassBrowser},
	{browser.ErrStart, ClassBrowser},
	{browser.ErrPoolClosed, ClassBrowser},
	{browser.ErrHung, ClassBrowser},
	{browser.ErrTooLarge, ClassTooLarge},
	{browser.ErrNotPage, ClassType},
	{browser.ErrScheme, ClassType},
	{browser.ErrRedirects, ClassHTTP},
	{browser.ErrNoElement, ClassSelector},
	{browser.ErrNoEntry, ClassSelector},
	{errPageTimeout, ClassTimeout},
	{context.DeadlineExceeded, ClassTimeout},
}

// classOf says which kind of fault an error is. It looks at values and types only,
// never at texts, but for Chrome's own codes.
func classOf(err error) Class {
	if err == nil {
		return ClassNone
	}
	var f *fault
	if errors.As(err, &f) {
		return f.class
	}
	for _, row := range sentinelClasses {
		if errors.Is(err, row.err) {
			return row.class
		}
	}
	var netErr *browser.NetError
	if errors.As(err, &netErr) {
		return classOfCode(netErr.Code)
	}
	var scriptErr *browser.ScriptError
	if errors.As(err, &scriptErr) {
		return ClassScript
	}
	return classOfGo(err)
}

// netCodes are Chrome's network error codes by their beginning; the first row that
// fits holds. https://source.chromium.org/chromium/chromium/src/+/main:net/base/net_error_list.h
var netCodes = []struct {
	prefix string
	class  Class
}{
	{"ERR_NAME_", ClassDNS},
	{"ERR_DNS_", ClassDNS},
	{"ERR_ICANN_NAME_COLLISION", ClassDNS},
	{"ERR_CERT_", ClassTLS},
	{"ERR_CERTIFICATE_", ClassTLS},
	{"ERR_SSL_", ClassTLS},
	{"ERR_BAD_SSL_", ClassTLS},
	{"ERR_ECH_", ClassTLS},
	{"ERR_CONNECTION_TIMED_OUT", ClassTimeout},
	{"ERR_TIMED_OUT", ClassTimeout},
	{"ERR_CONNECTION_", ClassConnect},
	{"ERR_ADDRESS_", ClassConnect},
	{"ERR_PROXY_", ClassConnect},
	{"ERR_MANDATORY_PROXY_", ClassConnect},
	{"ERR_NO_SUPPORTED_PROXIES", ClassConnect},
	{"ERR_TUNNEL_", ClassConnect},
	{"ERR_SOCKS_", ClassConnect},
	{"ERR_SOCKET_", ClassConnect},
	{"ERR_NETWORK_", ClassConnect},
	{"ERR_INTERNET_DISCONNECTED", ClassConnect},
	{"ERR_EMPTY_RESPONSE", ClassConnect},
	{"ERR_HTTP2_", ClassConnect},
	{"ERR_QUIC_", ClassConnect},
	{"ERR_CONTENT_", ClassConnect}, // length mismatch, decoding: a transfer that broke
	{"ERR_INCOMPLETE_", ClassConnect},
	{"ERR_FAILED", ClassConnect},
	{"ERR_TOO_MANY_REDIRECTS", ClassHTTP},
	{"ERR_UNSAFE_REDIRECT", ClassHTTP},
	{"ERR_HTTP_RESPONSE_CODE_FAILURE", ClassHTTP},
	{"ERR_INVALID_HTTP_RESPONSE", ClassHTTP},
	{"ERR_INVALID_RESPONSE", ClassHTTP},
	{"ERR_RESPONSE_HEADERS_", ClassHTTP},
	{"ERR_BLOCKED_", ClassBlocked},
	{"ERR_ABORTED", ClassType}, // what Chrome says of a download and of 204 No Content
	{"ERR_INVALID_URL", ClassType},
	{"ERR_UNSAFE_PORT", ClassType},
	{"ERR_UNKNOWN_URL_SCHEME", ClassType},
	{"ERR_DISALLOWED_URL_SCHEME", ClassType},
	{"ERR_OUT_OF_MEMORY", ClassBrowser},
	{"ERR_INSUFFICIENT_RESOURCES", ClassBrowser},
}

// classOfCode says which kind of fault a network error code of Chrome is. A code that
// the table does not know is a fault of the connection.
func classOfCode(code string) Class {
	code = strings.TrimPrefix(code, "net::")
	for _, row := range netCodes {
		if strings.HasPrefix(code, row.prefix) {
			return row.class
		}
	}
	return ClassConnect
}

// classOfGo says which kind of fault an error of Go's own network code is.
func classOfGo(err error) Class {
	var (
		dnsErr    *net.DNSError
		certErr   *tls.CertificateVerificationError
		recordErr tls.RecordHeaderError
		alertErr  tls.AlertError
		hostErr   x509.HostnameError
		authErr   x509.UnknownAuthorityError
		netErr    net.Error
		opErr     *net.OpError
	)
	switch {
	case errors.As(err, &dnsErr):
		return ClassDNS
	case errors.As(err, &certErr), errors.As(err, &recordErr), errors.As(err, &alertErr),
		errors.As(err, &hostErr), errors.As(err, &authErr):
		return ClassTLS
	case errors.As(err, &netErr) && netErr.Timeout():
		return ClassTimeout
	case errors.As(err, &opErr):
		return ClassConnect
	}
	return ClassInternal
}
