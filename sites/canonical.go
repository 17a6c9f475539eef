package sites

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// MaxURLBytes is the longest URL that is followed, in its canonical form too.
const MaxURLBytes = 8 << 10

// hostProfile is how browsers make a host name ASCII: mapped, non-transitional, and
// with the underscores that some names have.
var hostProfile = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false),
	idna.CheckHyphens(false), idna.BidiRule(), idna.RemoveLeadingDots(false))

// trackingParameters say where a visitor came from and nothing about the page; a
// name that ends with * stands for all that begin so.
var trackingParameters = []string{
	"utm_*", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "mc_cid", "mc_eid",
	"yclid", "ysclid", "twclid", "ttclid", "igshid", "li_fat_id", "epik", "srsltid", "rb_clickid",
	"s_cid", "_ga", "_gl", "_hsenc", "_hsmi", "hsctatracking", "mkt_tok", "vero_id", "vero_conv",
	"oly_anon_id", "oly_enc_id", "wickedid",
}

// Canonical returns the one form of a URL by which a run knows a page. Raw may be
// relative to base; base may be nil for an absolute URL.
//
// Scheme and host are lower-case, the host in punycode and without a final dot; the
// default port, the fragment (#!route too: it does not lead to another document),
// dot segments, an empty query, tracking parameters and those of
// Follow.IgnoreQuery are dropped; percent-encoding has its one form; parameters are
// sorted by name, those of one name keeping their order. Session ids in the path and
// the order of equal names may mean something and stay.
//
// It is an error if the URL is neither http nor https, has a user name, has no valid
// host or port, or is longer than MaxURLBytes.
func (s *Site) Canonical(raw string, base *url.URL) (string, error) {
	if len(raw) > MaxURLBytes {
		return "", fmt.Errorf("URL %q: it is longer than %d bytes", excerpt(raw), MaxURLBytes)
	}
	p, err := splitURL(raw).resolve(base)
	if err == nil {
		p.authority, err = canonicalAuthority(p.scheme, p.authority)
	}
	if err != nil {
		return "", fmt.Errorf("URL %q: %w", excerpt(raw), err)
	}
	p.query = s.canonicalQuery(p.query)
	p.hasQuery, p.hasFragment = p.query != "", false
	canonical := p.String()
	if len(canonical) > MaxURLBytes {
		return "", fmt.Errorf("URL %q: it is longer than %d bytes", excerpt(raw), MaxURLBytes)
	}
	return canonical, nil
}

// canonicalAuthority is the host, with the port where it is not the scheme's own.
func canonicalAuthority(scheme, authority string) (string, error) {
	if strings.Contains(authority, "@") {
		return "", errors.New("it has a user name")
	}
	host, port := authority, ""
	if at := strings.LastIndexByte(authority, ':'); at >= 0 && !strings.HasSuffix(authority, "]") {
		host, port = authority[:at], authority[at+1:]
	}
	host, err := canonicalHost(host)
	if err != nil {
		return "", err
	}
	if port == "" {
		return host, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || countDigits(port) != len(port) {
		return "", fmt.Errorf("the port %q is no number up to 65535", excerpt(port))
	}
	if n == 80 && scheme == "http" || n == 443 && scheme == "https" {
		return host, nil
	}
	return host + ":" + strconv.FormatUint(n, 10), nil
}

func canonicalHost(host string) (string, error) {
	if strings.HasPrefix(host, "[") {
		address, err := netip.ParseAddr(strings.TrimSuffix(host[1:], "]"))
		if err != nil || !address.Is6() || address.Zone() != "" || !strings.HasSuffix(host, "]") {
			return "", fmt.Errorf("the host %q is no IPv6 address", excerpt(host))
		}
		return "[" + address.String() + "]", nil
	}
	ascii, err := hostProfile.ToASCII(host)
	if err != nil {
		return "", fmt.Errorf("the host %q: %w", excerpt(host), err)
	}
	ascii = strings.ToLower(strings.TrimSuffix(ascii, "."))
	if ascii == "" {
		return "", errors.New("it has no host")
	}
	if len(ascii) > 253 || strings.Contains(ascii, "..") || ascii[0] == '.' || strings.HasSuffix(ascii, ".") {
		return "", fmt.Errorf("the host %q is no host name", excerpt(host))
	}
	for i := 0; i < len(ascii); i++ {
		if c := ascii[i]; c == '~' || !unreserved.has(c) {
			return "", fmt.Errorf("the host %q holds the character %q", excerpt(host), rune(c))
		}
	}
	return ascii, nil
}

// canonicalQuery drops and sorts parameters; query has its percent-encoding normal.
func (s *Site) canonicalQuery(query string) string {
	if query == "" {
		return ""
	}
	parameters := slices.DeleteFunc(strings.Split(query, "&"), func(parameter string) bool {
		name := parameterName(parameter)
		return parameter == "" || matchesName(trackingParameters, strings.ToLower(name)) ||
			matchesName(s.Follow.IgnoreQuery, name)
	})
	slices.SortStableFunc(parameters, func(a, b string) int {
		return strings.Compare(parameterName(a), parameterName(b))
	})
	return strings.Join(parameters, "&")
}

func parameterName(parameter string) string {
	name, _, _ := strings.Cut(parameter, "=")
	return name
}

// matchesName tells whether name is among names, of which one that ends with *
// stands for all that begin so.
func matchesName(names []string, name string) bool {
	for _, n := range names {
		if prefix, any := strings.CutSuffix(n, "*"); any && strings.HasPrefix(name, prefix) || n == name {
			return true
		}
	}
	return false
}
