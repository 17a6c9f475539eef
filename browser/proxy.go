package browser

import (
	"errors"
	"net"
	"net/url"

	"github.com/chromedp/cdproto/target"
)

// Proxy is what Chrome reaches the network through; *egress.Door is one. It listens on
// loopback, where Chrome uses no other way: not for loopback addresses, not to look names
// up, and not for WebRTC.
type Proxy interface {
	// Address is where it listens: 127.0.0.1 and its port.
	Address() string
	// Mark is a media type that only answers of the proxy's own have, those to requests that
	// came to nothing. It is one that Chrome would show: text of some kind.
	Mark() (mime string)
	// Failure says why a host (name:port) was not reached just now, with Chrome's name for
	// it; without one, it may not be reached. A nil error says that nothing is known.
	Failure(host string) (code string, why error)
}

// loopbackToo makes Chrome use the proxy for loopback addresses too.
const loopbackToo = "<-loopback>"

// proxyFlags leave Chrome no way but the proxy.
func proxyFlags(p Proxy) []string {
	if p == nil {
		return nil
	}
	return []string{
		"--proxy-server=http://" + p.Address(),
		"--proxy-bypass-list=" + loopbackToo,
		"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", // names are the proxy's to look up
		"--webrtc-ip-handling-policy=disable_non_proxied_udp",
		"--force-webrtc-ip-handling-policy=disable_non_proxied_udp", // headless-shell's name for it
	}
}

// contextParams make a browser context that uses a proxy other than its Chrome's; nil is
// Chrome's.
func contextParams(p Proxy) target.CreateBrowserContextParams {
	if p == nil {
		return target.CreateBrowserContextParams{}
	}
	return target.CreateBrowserContextParams{ProxyServer: "http://" + p.Address(), ProxyBypassList: loopbackToo}
}

// notReached is why the proxy did not get a page: ErrForbidden, or a NetError as if Chrome
// had met it itself. code is Chrome's own word.
func notReached(p Proxy, rawURL, reached, code string) error {
	if p == nil {
		return &NetError{Code: code, URL: rawURL}
	}
	known, why := p.Failure(hostPort(reached))
	switch {
	case why == nil:
		return &NetError{Code: code, URL: rawURL}
	case known == "":
		return &forbiddenError{url: rawURL, why: why}
	}
	return &NetError{Code: known, URL: rawURL, Why: why}
}

// forbiddenError is an ErrForbidden with its reason.
type forbiddenError struct {
	url string
	why error
}

func (e *forbiddenError) Error() string   { return "open " + e.url + ": " + e.why.Error() }
func (e *forbiddenError) Unwrap() []error { return []error{ErrForbidden, e.why} }

// ofProxy says whether an error of Chrome's may hide what the proxy knows better.
func ofProxy(code string) bool {
	return code == "net::ERR_TUNNEL_CONNECTION_FAILED"
}

// hostPort is where a URL leads: name:port.
func hostPort(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// errNoGuard is a lease with a proxy in a Chrome without one.
var errNoGuard = errors.New("lend a tab: a lease's own proxy needs one of its Chrome too (LaunchOptions.Proxy)")
