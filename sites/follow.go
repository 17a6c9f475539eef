package sites

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Origins returns the origins that may be visited, scheme://host[:port] in canonical
// form and each once: those of the start URLs, then Follow.Origins, of which "*"
// stays as it is and means every origin. A URL without a canonical form is left out.
func (s *Site) Origins() []string {
	var origins []string
	for _, list := range [][]string{s.Start, s.Follow.Origins} {
		for _, raw := range list {
			origin, ok := "*", raw == "*"
			if !ok {
				origin, ok = canonicalOrigin(raw)
			}
			if ok && !slices.Contains(origins, origin) {
				origins = append(origins, origin)
			}
		}
	}
	return origins
}

func canonicalOrigin(raw string) (string, bool) {
	p, err := splitURL(raw).resolve(nil)
	if err != nil {
		return "", false
	}
	host, err := canonicalAuthority(p.scheme, p.authority)
	return p.scheme + "://" + host, err == nil
}

// MayFollow tells whether the site's rules allow a visit to u, which should be
// canonical, and if not, why: its origin is not allowed, a deny pattern matches, or
// no allow pattern does. Limits, robots.txt and templates are not considered.
func (s *Site) MayFollow(u *url.URL) (allowed bool, reason string) {
	if !s.mayVisit(u) {
		return false, fmt.Sprintf("origin %s://%s is not among those of the start URLs and of follow.origins", u.Scheme, u.Host)
	}
	if len(s.Follow.Deny) == 0 && len(s.Follow.Allow) == 0 {
		return true, ""
	}
	target := newTarget(u)
	if p, ok := firstMatch(s.Follow.Deny, target); ok {
		return false, fmt.Sprintf("deny %s", p)
	}
	if len(s.Follow.Allow) == 0 {
		return true, ""
	}
	if _, ok := firstMatch(s.Follow.Allow, target); !ok {
		return false, "no allow pattern matches"
	}
	return true, ""
}

// mayVisit tells whether the origin of u, which is in canonical form, is one of Origins.
func (s *Site) mayVisit(u *url.URL) bool {
	for _, list := range [...][]string{s.Start, s.Follow.Origins} {
		for _, raw := range list {
			if isAt(raw, u.Scheme, u.Host) {
				return true
			}
		}
	}
	origins := s.Origins()
	return slices.Contains(origins, u.Scheme+"://"+u.Host) || slices.Contains(origins, "*")
}

// isAt tells whether raw is plainly at an origin in canonical form: false where it is written in another form.
func isAt(raw, scheme, host string) bool {
	rest, begins := strings.CutPrefix(raw, scheme)
	if begins {
		rest, begins = strings.CutPrefix(rest, "://")
	}
	if begins {
		rest, begins = strings.CutPrefix(rest, host)
	}
	return begins && (rest == "" || rest[0] == '/')
}

// firstMatch returns the first pattern that matches; one that is malformed, which
// the loader refuses, does not.
func firstMatch(patterns []Pattern, target matchTarget) (Pattern, bool) {
	for _, p := range patterns {
		if m, err := p.compile(); err == nil && m.match(target) {
			return p, true
		}
	}
	return "", false
}

// TemplateFor returns what kind of page u is, which should be canonical: the
// template that the link named; else the first whose Match has a pattern for it;
// else, for a start URL, the first template; else nil, and the page is not one of
// the site's.
func (s *Site) TemplateFor(u *url.URL, named string) *Template {
	if named != "" {
		for i := range s.Templates {
			if s.Templates[i].Name == named {
				return &s.Templates[i]
			}
		}
	}
	target := newTarget(u)
	for i := range s.Templates {
		if _, ok := firstMatch(s.Templates[i].Match, target); ok {
			return &s.Templates[i]
		}
	}
	if len(s.Templates) == 0 {
		return nil
	}
	for _, start := range s.Start {
		if canonical, err := s.Canonical(start, nil); err == nil && canonical == target.whole {
			return &s.Templates[0]
		}
	}
	return nil
}
