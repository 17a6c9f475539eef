package crawl

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/egress"
)

func TestClassOf(t *testing.T) {
	tests := []struct {
		err   error
		class Class
	}{
		{nil, ClassNone},
		{errors.New("anything else"), ClassInternal},
		{browser.ErrCrashed, ClassCrash},
		{fmt.Errorf("%w: %w", browser.ErrCrashed, browser.ErrOutOfMemory), ClassMemory},
		{fmt.Errorf("%w: %w", browser.ErrGone, browser.ErrOutOfMemory), ClassMemory},
		{fmt.Errorf("%w: %w", browser.ErrCrashed, browser.ErrHeapLimit), ClassCrash},
		{fmt.Errorf("%w: %w", browser.ErrCrashed, browser.ErrKilled), ClassCrash},
		{browser.ErrClosed, ClassCrash},
		{browser.ErrGone, ClassBrowser},
		{browser.ErrStart, ClassBrowser},
		{browser.ErrPoolClosed, ClassBrowser},
		{browser.ErrHung, ClassBrowser},
		{browser.ErrTooLarge, ClassTooLarge},
		{browser.ErrForbidden, ClassEgress},
		{&net.OpError{Op: "dial", Err: egress.ErrForbidden}, ClassEgress},
		{browser.ErrNotPage, ClassType},
		{browser.ErrScheme, ClassType},
		{browser.ErrRedirects, ClassHTTP},
		{browser.ErrNoElement, ClassSelector},
		{errPageTimeout, ClassTimeout},
		{context.DeadlineExceeded, ClassTimeout},
		{&browser.ScriptError{Message: "context deadline exceeded"}, ClassScript},
		{&fault{class: ClassBlocked, err: browser.ErrCrashed}, ClassBlocked},
		{&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, ClassDNS},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, ClassConnect},
		{&net.OpError{Op: "read", Err: syscall.ETIMEDOUT}, ClassTimeout},
		{x509.HostnameError{}, ClassTLS},
		{x509.UnknownAuthorityError{}, ClassTLS},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.err), func(t *testing.T) {
			if test.err == nil {
				require.Equal(t, ClassNone, classOf(nil))
				return
			}
			require.Equal(t, test.class, classOf(fmt.Errorf("visit: %w", test.err)))
		})
	}
}

// The codes are Chrome's own, one or more for each row of the table.
func TestClassOfCode(t *testing.T) {
	tests := map[string]Class{
		"net::ERR_NAME_NOT_RESOLVED": ClassDNS, "net::ERR_NAME_RESOLUTION_FAILED": ClassDNS,
		"net::ERR_DNS_TIMED_OUT": ClassDNS, "net::ERR_ICANN_NAME_COLLISION": ClassDNS,
		"net::ERR_CERT_DATE_INVALID": ClassTLS, "net::ERR_CERT_AUTHORITY_INVALID": ClassTLS,
		"net::ERR_CERTIFICATE_TRANSPARENCY_REQUIRED": ClassTLS, "net::ERR_SSL_PROTOCOL_ERROR": ClassTLS,
		"net::ERR_BAD_SSL_CLIENT_AUTH_CERT": ClassTLS, "net::ERR_ECH_NOT_NEGOTIATED": ClassTLS,
		"net::ERR_CONNECTION_TIMED_OUT": ClassTimeout, "net::ERR_TIMED_OUT": ClassTimeout,
		"net::ERR_CONNECTION_REFUSED": ClassConnect, "net::ERR_CONNECTION_RESET": ClassConnect,
		"net::ERR_ADDRESS_UNREACHABLE": ClassConnect, "net::ERR_PROXY_CONNECTION_FAILED": ClassConnect,
		"net::ERR_MANDATORY_PROXY_CONFIGURATION_FAILED": ClassConnect, "net::ERR_NO_SUPPORTED_PROXIES": ClassConnect,
		"net::ERR_TUNNEL_CONNECTION_FAILED": ClassConnect, "net::ERR_SOCKS_CONNECTION_FAILED": ClassConnect,
		"net::ERR_SOCKET_NOT_CONNECTED": ClassConnect, "net::ERR_NETWORK_CHANGED": ClassConnect,
		"net::ERR_INTERNET_DISCONNECTED": ClassConnect, "net::ERR_EMPTY_RESPONSE": ClassConnect,
		"net::ERR_HTTP2_PROTOCOL_ERROR": ClassConnect, "net::ERR_QUIC_PROTOCOL_ERROR": ClassConnect,
		"net::ERR_CONTENT_LENGTH_MISMATCH": ClassConnect, "net::ERR_INCOMPLETE_CHUNKED_ENCODING": ClassConnect,
		"net::ERR_FAILED": ClassConnect, "net::ERR_NEVER_HEARD_OF": ClassConnect,
		"net::ERR_TOO_MANY_REDIRECTS": ClassHTTP, "net::ERR_UNSAFE_REDIRECT": ClassHTTP,
		"net::ERR_HTTP_RESPONSE_CODE_FAILURE": ClassHTTP, "net::ERR_INVALID_HTTP_RESPONSE": ClassHTTP,
		"net::ERR_INVALID_RESPONSE": ClassHTTP, "net::ERR_RESPONSE_HEADERS_TOO_BIG": ClassHTTP,
		"net::ERR_BLOCKED_BY_RESPONSE": ClassBlocked, "net::ERR_BLOCKED_BY_ADMINISTRATOR": ClassBlocked,
		"net::ERR_ABORTED": ClassConnect, "net::ERR_INVALID_URL": ClassType, "net::ERR_UNSAFE_PORT": ClassType,
		"net::ERR_UNKNOWN_URL_SCHEME": ClassType, "net::ERR_DISALLOWED_URL_SCHEME": ClassType,
		"net::ERR_OUT_OF_MEMORY": ClassBrowser, "net::ERR_INSUFFICIENT_RESOURCES": ClassBrowser,
	}
	for code, class := range tests {
		require.Equal(t, class, classOf(fmt.Errorf("open: %w", &browser.NetError{Code: code})), code)
	}
	for _, row := range netCodes {
		found := false
		for code := range tests {
			found = found || classOfCode(code) == row.class && len(code) > len("net::") && code[len("net::"):][:min(len(row.prefix), len(code)-len("net::"))] == row.prefix
		}
		require.True(t, found, "the row %s has no test", row.prefix)
	}
}
