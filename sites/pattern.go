package sites

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Check reports what is wrong with the pattern: it is empty, begins with none of a
// scheme, / and ~, or is no regular expression.
func (p Pattern) Check() error {
	_, err := p.compile()
	return err
}

// Match tells whether the pattern matches a URL, whose fragment does not count. U
// should be canonical. The error is that of Check.
func (p Pattern) Match(u *url.URL) (bool, error) {
	m, err := p.compile()
	if err != nil {
		return false, err
	}
	return m.match(newTarget(u)), nil
}

// matcher is a pattern made ready.
type matcher struct {
	regex *regexp.Regexp
	glob  string
	whole bool // matched against the whole URL; else against path and query
}

// matchTarget are the texts of a URL that patterns are matched against.
type matchTarget struct{ whole, path string }

func newTarget(u *url.URL) matchTarget {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return matchTarget{whole: u.Scheme + "://" + u.Host + path, path: path}
}

func (p Pattern) compile() (matcher, error) {
	text := string(p)
	if expression, ok := strings.CutPrefix(text, "~"); ok {
		// "between slashes with a leading ~" may be written with or without them
		if inner, ok := strings.CutPrefix(expression, "/"); ok && strings.HasSuffix(inner, "/") && len(inner) > 1 &&
			!strings.HasPrefix(inner, "/") {
			expression = strings.TrimSuffix(inner, "/")
		}
		if expression == "" {
			return matcher{}, fmt.Errorf("pattern %q: the regular expression is empty", text)
		}
		regex, err := regexp.Compile(expression)
		if err != nil {
			return matcher{}, fmt.Errorf("pattern %q: %w", text, err)
		}
		// No URL begins with a slash: such an expression means the path.
		return matcher{regex: regex, whole: !strings.HasPrefix(expression, "^/")}, nil
	}
	if strings.HasPrefix(text, "/") {
		return matcher{glob: normalGlob(text)}, nil
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme == "" || rest == "" {
		return matcher{}, fmt.Errorf("pattern %q: it should begin with /, with a scheme (https://), or with ~ for a regular expression", text)
	}
	host, path, _ := strings.Cut(rest, "/")
	if ascii, err := idna.Punycode.ToASCII(host); err == nil {
		host = ascii
	}
	glob := strings.ToLower(scheme) + "://" + strings.ToLower(host)
	if strings.Contains(rest, "/") || !strings.HasSuffix(host, "**") {
		glob += "/" + normalGlob(path)
	}
	return matcher{glob: glob, whole: true}, nil
}

// normalGlob escapes what a canonical URL has escaped.
func normalGlob(glob string) string {
	set := queryBytes
	apostrophe := bytesOf("'")
	for i := range set {
		set[i] |= apostrophe[i]
	}
	return normalPercent(glob, set)
}

func (m matcher) match(t matchTarget) bool {
	text := t.path
	if m.whole {
		text = t.whole
	}
	if m.regex != nil {
		return m.regex.MatchString(text)
	}
	return matchGlob(m.glob, text)
}

// matchGlob matches with two points to come back to, the last * and the last **, so
// its time grows with the product of the lengths at worst.
func matchGlob(glob, text string) bool {
	var g, t int
	starGlob, starText := -1, 0
	deepGlob, deepText := -1, 0
	for t < len(text) || g < len(glob) {
		if g < len(glob) {
			switch {
			case strings.HasPrefix(glob[g:], "**"):
				for g < len(glob) && glob[g] == '*' {
					g++
				}
				deepGlob, deepText, starGlob = g, t, -1
				continue
			case glob[g] == '*':
				g++
				starGlob, starText = g, t
				continue
			case t < len(text) && (glob[g] == text[t] || glob[g] == '?' && text[t] != '/'):
				_, size := utf8.DecodeRuneInString(text[t:])
				if glob[g] == text[t] {
					size = 1
				}
				g++
				t += size
				continue
			}
		}
		switch {
		case starGlob >= 0 && starText < len(text) && text[starText] != '/':
			starText++
			g, t = starGlob, starText
		case deepGlob >= 0 && deepText < len(text):
			deepText++
			g, t, starGlob = deepGlob, deepText, -1
		default:
			return false
		}
	}
	return true
}
