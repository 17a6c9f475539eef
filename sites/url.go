package sites

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// urlParts are the parts of a URL reference as it was written (RFC 3986, 5.2). They
// are read by hand because pages hold what net/url refuses and browsers accept: a
// bare %, spaces, back-slashes.
type urlParts struct {
	scheme, authority, path, query, fragment string
	hasAuthority, hasQuery, hasFragment      bool
}

// splitURL parts a reference. Like a browser it drops the white space around it and
// the line breaks and tabs within, and takes \ for / before the query.
func splitURL(raw string) urlParts {
	raw = strings.TrimFunc(raw, func(r rune) bool { return r <= ' ' || r == '\u00a0' || r == '\ufeff' })
	raw = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return -1
		}
		return r
	}, raw)
	var p urlParts
	raw, p.fragment, p.hasFragment = strings.Cut(raw, "#")
	raw, p.query, p.hasQuery = strings.Cut(raw, "?")
	if scheme, rest, ok := strings.Cut(raw, ":"); ok && isScheme(scheme) {
		p.scheme, raw = strings.ToLower(scheme), rest
	}
	if p.scheme == "" || p.scheme == "http" || p.scheme == "https" {
		raw = strings.ReplaceAll(raw, `\`, "/")
	}
	if rest, ok := strings.CutPrefix(raw, "//"); ok {
		p.hasAuthority = true
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		p.authority, raw = rest[:end], rest[end:]
	}
	p.path = raw
	return p
}

func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || !(s[i] >= '0' && s[i] <= '9' || strings.IndexByte("+-.", s[i]) >= 0)) {
			return false
		}
	}
	return s != ""
}

// resolve makes a http or https reference absolute. Base may be nil for a URL that
// is absolute already.
func (p urlParts) resolve(base *url.URL) (urlParts, error) {
	if p.scheme == "" {
		if base == nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
			return p, errors.New("it is relative and there is no http or https base")
		}
		p.scheme = base.Scheme
		if !p.hasAuthority {
			p.inherit(base)
		}
	}
	if p.scheme != "http" && p.scheme != "https" {
		return p, fmt.Errorf("the scheme %q is neither http nor https", excerpt(p.scheme))
	}
	p.path = normalPercent(p.path, pathBytes)
	p.path = removeDotSegments(p.path)
	p.query = normalPercent(p.query, queryBytes)
	p.fragment = normalPercent(p.fragment, queryBytes)
	return p, nil
}

// inherit takes from base what the reference leaves out.
func (p *urlParts) inherit(base *url.URL) {
	p.hasAuthority, p.authority = true, base.Host
	basePath := base.EscapedPath()
	switch {
	case p.path == "":
		p.path = basePath
		if !p.hasQuery {
			p.query, p.hasQuery = base.RawQuery, base.RawQuery != ""
		}
	case p.path[0] != '/':
		p.path = basePath[:strings.LastIndexByte(basePath, '/')+1] + p.path
	}
}

// String writes the parts together again.
func (p urlParts) String() string {
	var b strings.Builder
	b.Grow(len(p.scheme) + len("://") + len(p.authority) + len(p.path) + len("?") + len(p.query) + len("#") + len(p.fragment))
	b.WriteString(p.scheme)
	b.WriteString("://")
	b.WriteString(p.authority)
	b.WriteString(p.path)
	if p.hasQuery {
		b.WriteByte('?')
		b.WriteString(p.query)
	}
	if p.hasFragment {
		b.WriteByte('#')
		b.WriteString(p.fragment)
	}
	return b.String()
}

// byteSet is a set of ASCII bytes.
type byteSet [4]uint32

func bytesOf(s string) (set byteSet) {
	for i := 0; i < len(s); i++ {
		set[s[i]>>5] |= 1 << (s[i] & 31)
	}
	return set
}

func (set *byteSet) has(c byte) bool { return c < 0x80 && set[c>>5]&(1<<(c&31)) != 0 }

const unreservedText = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// What stands unescaped in a path and in a query. The apostrophe is not in the
// latter because Chrome escapes it there.
var (
	unreserved = bytesOf(unreservedText)
	pathBytes  = bytesOf(unreservedText + "!$&'()*+,;=:@/")
	queryBytes = bytesOf(unreservedText + "!$&()*+,;=:@/?")
)

// normalPercent writes each byte in its one form: unreserved ones as they are,
// allowed ones as they were, all others escaped in upper-case hexadecimal.
func normalPercent(s string, allowed byteSet) string {
	clean := true
	for i := 0; i < len(s) && clean; i++ {
		clean = allowed.has(s[i])
	}
	if clean {
		return s
	}
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+16)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
			if unreserved.has(c) {
				b = append(b, c)
			} else {
				b = append(b, '%', hex[c>>4], hex[c&15])
			}
			continue
		}
		if allowed.has(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// removeDotSegments makes a path absolute and free of . and .. (RFC 3986, 5.2.4);
// empty segments stay.
func removeDotSegments(path string) string {
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if !strings.Contains(path, "/.") {
		return path
	}
	segments := strings.Split(path[1:], "/")
	kept := make([]string, 0, len(segments))
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case ".", "..":
			if segment == ".." && len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, segment)
		}
	}
	return "/" + strings.Join(kept, "/")
}
