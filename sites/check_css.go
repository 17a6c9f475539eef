package sites

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxSelectorBytes = 10_000
	maxSelectorDepth = 32 // selectors within :is(), :not() and :has()
)

// checkCSS says why a text is not a selector that querySelectorAll takes (Selectors
// Level 4). It is stricter than a browser in one thing: what is opened must be closed,
// where a browser closes it at the end of the text.
func checkCSS(selector string) error {
	if len(selector) > maxSelectorBytes {
		return fmt.Errorf("is longer than %d bytes", maxSelectorBytes)
	}
	p := &cssParser{text: selector}
	if err := p.list(false); err != nil {
		return err
	}
	if p.pos < len(p.text) {
		return p.unexpected()
	}
	return nil
}

// cssParser reads a selector from left to right.
type cssParser struct {
	text  string
	pos   int
	depth int
}

// peek gives the next byte, 0 at the end.
func (p *cssParser) peek() byte { return p.byteAt(p.pos) }

func (p *cssParser) byteAt(i int) byte {
	if i < len(p.text) {
		return p.text[i]
	}
	return 0
}

// unexpected reports what stands at the place.
func (p *cssParser) unexpected() error {
	if p.pos >= len(p.text) {
		return fmt.Errorf("is not a CSS selector: it ends too early")
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.pos:])
	column := 1 + utf8.RuneCountInString(p.text[:p.pos])
	hint := ""
	switch {
	case r == ']' || r == ')' || r == '}':
		hint = "; nothing is open there"
	case r == '/' || r == '@' || r == '$':
		hint = "; write an XPath expression under xpath"
	case r >= '0' && r <= '9':
		hint = `; a name that starts with a digit needs an escape or an attribute: [id="1a"]`
	}
	return fmt.Errorf("is not a CSS selector: %q cannot stand at character %d%s", r, column, hint)
}

// space skips white space and comments and says whether there was white space.
func (p *cssParser) space() (bool, error) {
	spaced := false
	for p.pos < len(p.text) {
		switch {
		case strings.IndexByte(" \t\r\n\f", p.text[p.pos]) >= 0:
			p.pos++
			spaced = true
		case strings.HasPrefix(p.text[p.pos:], "/*"):
			if err := p.comments(); err != nil {
				return false, err
			}
		default:
			return spaced, nil
		}
	}
	return spaced, nil
}

// comments skips comments, which part nothing.
func (p *cssParser) comments() error {
	for strings.HasPrefix(p.text[p.pos:], "/*") {
		end := strings.Index(p.text[p.pos+2:], "*/")
		if end < 0 {
			return fmt.Errorf("is not a CSS selector: a comment is not closed")
		}
		p.pos += 2 + end + 2
	}
	return nil
}

// list reads selectors with commas between them, up to the end or to ')'.
func (p *cssParser) list(relative bool) error {
	if p.depth++; p.depth > maxSelectorDepth {
		return fmt.Errorf("is not a CSS selector: it is nested too deeply")
	}
	defer func() { p.depth-- }()
	for {
		if err := p.complex(relative); err != nil {
			return err
		}
		if p.peek() != ',' {
			return nil
		}
		p.pos++
		if _, err := p.space(); err != nil {
			return err
		}
		if next := p.peek(); next == 0 || next == ',' || next == ')' {
			return fmt.Errorf("is not a CSS selector: a selector is missing beside a comma")
		}
	}
}

// complex reads compound selectors with combinators between them.
func (p *cssParser) complex(relative bool) error {
	if _, err := p.space(); err != nil {
		return err
	}
	if isCombinator(p.peek()) {
		if !relative {
			return fmt.Errorf("is not a CSS selector: it starts with %q; write :scope %c ... for children of the record itself", p.peek(), p.peek())
		}
		p.pos++
		if _, err := p.space(); err != nil {
			return err
		}
	}
	for {
		if err := p.compound(); err != nil {
			return err
		}
		spaced, err := p.space()
		if err != nil {
			return err
		}
		switch next := p.peek(); {
		case next == 0 || next == ',' || next == ')':
			return nil
		case isCombinator(next):
			p.pos++
			if _, err := p.space(); err != nil {
				return err
			}
			if end := p.peek(); end == 0 || end == ',' || end == ')' {
				return fmt.Errorf("is not a CSS selector: nothing follows %q", next)
			}
		case !spaced:
			return p.unexpected()
		}
	}
}

func isCombinator(c byte) bool { return c == '>' || c == '+' || c == '~' }

// compound reads a type selector and what narrows it: div#id.class[attr]:pseudo.
func (p *cssParser) compound() error {
	start := p.pos
	typed, err := p.typeSelector()
	if err != nil {
		return err
	}
	for {
		if err := p.comments(); err != nil {
			return err
		}
		switch p.peek() {
		case '#', '.':
			p.pos++
			if p.name() == "" {
				return p.unexpected()
			}
		case '[':
			err = p.attribute()
		case ':':
			err = p.pseudo()
		case '&':
			p.pos++
		default:
			if p.pos == start && !typed {
				return p.unexpected()
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// typeSelector reads div, *, *|div or |div.
func (p *cssParser) typeSelector() (bool, error) {
	start := p.pos
	if p.peek() == '*' {
		p.pos++
	} else {
		p.name()
	}
	prefix := p.text[start:p.pos]
	if p.peek() != '|' || p.byteAt(p.pos+1) == '=' || p.byteAt(p.pos+1) == '|' {
		return p.pos > start, nil
	}
	if prefix != "" && prefix != "*" {
		return false, fmt.Errorf("is not a CSS selector: a page declares no namespace %s; write *|name", shown(prefix))
	}
	p.pos++
	if p.peek() == '*' {
		p.pos++
	} else if p.name() == "" {
		return false, p.unexpected()
	}
	return true, nil
}

// name reads an identifier and gives its text, "" when there is none.
func (p *cssParser) name() string {
	start := p.pos
	if p.peek() == '-' && !isNameStart(p.byteAt(p.pos+1)) && p.byteAt(p.pos+1) != '-' && p.byteAt(p.pos+1) != '\\' {
		return ""
	}
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		switch {
		case c == '\\':
			if !p.escape() {
				return ""
			}
		case isNameStart(c) || c == '-' || c >= '0' && c <= '9' && p.pos > start:
			p.pos++
		default:
			return p.text[start:p.pos]
		}
	}
	return p.text[start:p.pos]
}

func isNameStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

// escape skips \ with one to six hexadecimal digits and a space, or with any one
// character but a line break.
func (p *cssParser) escape() bool {
	next := p.byteAt(p.pos + 1)
	if next == 0 || next == '\n' || next == '\r' || next == '\f' {
		return false
	}
	p.pos++
	digits := 0
	for digits < 6 && strings.IndexByte("0123456789abcdefABCDEF", p.peek()) >= 0 && p.peek() != 0 {
		p.pos++
		digits++
	}
	if digits == 0 {
		_, size := utf8.DecodeRuneInString(p.text[p.pos:])
		p.pos += size
	} else if strings.IndexByte(" \t\n\f", p.peek()) >= 0 && p.peek() != 0 {
		p.pos++
	}
	return true
}

// quoted skips a string in quotes.
func (p *cssParser) quoted() error {
	quote := p.peek()
	for p.pos++; p.pos < len(p.text); p.pos++ {
		switch p.text[p.pos] {
		case quote:
			p.pos++
			return nil
		case '\\':
			p.pos++
		case '\n', '\r', '\f':
			return fmt.Errorf("is not a CSS selector: a string in quotes breaks over two lines")
		}
	}
	p.pos = len(p.text)
	return fmt.Errorf("is not a CSS selector: a quote is not closed")
}

// jQuerySelectors are what is often taken for CSS but only jQuery or another library
// knows.
var jQuerySelectors = []string{
	"contains", "eq", "first", "last", "gt", "lt", "even", "odd", "visible", "hidden", "parent", "header", "input",
	"text", "button", "submit", "radio", "checkbox", "selected", "image", "password", "reset", "file", "has-text", "nth",
}

func checkPseudoName(name string, element, call bool) error {
	switch {
	case element && name == "text":
		return fmt.Errorf("is not a CSS selector: ::text is not CSS; leave it out, the text is what is taken")
	case element && name == "attr":
		return fmt.Errorf("is not a CSS selector: ::attr() is not CSS; write the attribute under attr")
	case !element && name == "contains":
		return fmt.Errorf("is not a CSS selector: :contains() is not CSS; write xpath: .//a[contains(., 'text')]")
	case !element && slices.Contains(jQuerySelectors, name):
		return fmt.Errorf("is not a CSS selector: :%s is jQuery, not CSS; see :first-child, :nth-child(), :checked, :not()", name)
	case !element && call != slices.Contains(pseudoCalls, name) && (call && slices.Contains(pseudoWords, name) || !call && slices.Contains(mustCall, name)):
		if call {
			return fmt.Errorf("is not a CSS selector: :%s takes nothing in parentheses", name)
		}
		return fmt.Errorf("is not a CSS selector: :%s needs parentheses", name)
	}
	return nil
}
