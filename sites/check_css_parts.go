package sites

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Pseudo-classes by what stands in their parentheses. Those not named here may have
// anything that is balanced, so that a browser's newest ones pass.
var (
	pseudoLists = []string{"is", "where", "not", "has", "matches", "-webkit-any", "-moz-any", "host", "host-context", "slotted", "cue", "current"}
	pseudoNth   = []string{"nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type", "nth-col", "nth-last-col"}
	mustCall    = append([]string{"is", "where", "not", "has", "lang", "dir", "state"}, pseudoNth...)
	pseudoCalls = append(append([]string{"lang", "dir", "state"}, pseudoLists...), pseudoNth...)
	pseudoWords = []string{
		"first-child", "last-child", "only-child", "first-of-type", "last-of-type", "only-of-type", "empty", "root", "scope",
		"checked", "disabled", "enabled", "hover", "focus", "active", "visited", "link", "any-link", "target", "required", "optional",
	}
)

// nthForm is An+B with the selector list that may follow it.
var nthForm = regexp.MustCompile(`(?i)^\s*(even|odd|[+-]?[0-9]*n(\s*[+-]\s*[0-9]+)?|[+-]?[0-9]+)(\s+of\s|\s*$)`)

// pseudo reads :name, ::name, and what stands in parentheses after it.
func (p *cssParser) pseudo() error {
	p.pos++
	element := p.peek() == ':'
	if element {
		p.pos++
	}
	name := strings.ToLower(p.name())
	if name == "" {
		return p.unexpected()
	}
	call := p.peek() == '('
	if err := checkPseudoName(name, element, call); err != nil || !call {
		return err
	}
	p.pos++
	switch {
	case !element && slices.Contains(pseudoNth, name):
		return p.nth(name)
	case slices.Contains(pseudoLists, name):
		return p.inner(name)
	}
	return p.balanced(name)
}

// inner reads the selectors in the parentheses of :is() and its kind.
func (p *cssParser) inner(name string) error {
	if _, err := p.space(); err != nil {
		return err
	}
	if p.peek() == ')' && (name == "is" || name == "where") { // legal, and matches nothing
		p.pos++
		return nil
	}
	if p.peek() == ')' {
		return fmt.Errorf("is not a CSS selector: :%s() is empty", name)
	}
	if err := p.list(name == "has"); err != nil {
		return err
	}
	return p.closing(name)
}

func (p *cssParser) closing(name string) error {
	if p.peek() == 0 {
		return fmt.Errorf("is not a CSS selector: the parenthesis of :%s( is not closed", name)
	}
	if p.peek() != ')' {
		return p.unexpected()
	}
	p.pos++
	return nil
}

// nth reads 2n+1, even, 3 or 2n+1 of .class.
func (p *cssParser) nth(name string) error {
	end := strings.IndexByte(p.text[p.pos:], ')')
	if end < 0 {
		return fmt.Errorf("is not a CSS selector: the parenthesis of :%s( is not closed", name)
	}
	inside := p.text[p.pos : p.pos+end]
	match := nthForm.FindString(inside)
	if match == "" {
		return fmt.Errorf("is not a CSS selector: %s in :%s() is not a formula; write 2, odd, even or 2n+1", shown(strings.TrimSpace(inside)), name)
	}
	p.pos += len(match)
	if strings.HasSuffix(strings.ToLower(strings.TrimSpace(match)), "of") {
		return p.inner(name)
	}
	return p.closing(name)
}

// balanced skips what stands in the parentheses of a pseudo-class that is not known
// more closely.
func (p *cssParser) balanced(name string) error {
	open, empty := 1, true
	for p.pos < len(p.text) {
		switch c := p.peek(); c {
		case '"', '\'':
			if err := p.quoted(); err != nil {
				return err
			}
			empty = false
			continue
		case '\\':
			if !p.escape() {
				return p.unexpected()
			}
			continue
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				p.pos++
				if empty {
					return fmt.Errorf("is not a CSS selector: :%s() is empty", name)
				}
				return nil
			}
		case ' ':
		default:
			empty = false
		}
		p.pos++
	}
	return fmt.Errorf("is not a CSS selector: the parenthesis of :%s( is not closed", name)
}

// attribute reads [name], [name=value], [ns|name="value" i].
func (p *cssParser) attribute() error {
	p.pos++
	if _, err := p.space(); err != nil {
		return err
	}
	if typed, err := p.attributeName(); err != nil || !typed {
		if err == nil {
			err = p.inBracket()
		}
		return err
	}
	if _, err := p.space(); err != nil {
		return err
	}
	if p.peek() == ']' {
		p.pos++
		return nil
	}
	if strings.HasPrefix(p.text[p.pos:], "!=") {
		return fmt.Errorf("is not a CSS selector: != is jQuery, not CSS; write :not([name=value])")
	}
	if strings.IndexByte("~|^$*", p.peek()) >= 0 && p.peek() != 0 {
		p.pos++
	}
	if p.peek() != '=' {
		return p.inBracket()
	}
	p.pos++
	if err := p.attributeValue(); err != nil {
		return err
	}
	if p.peek() != ']' {
		return p.inBracket()
	}
	p.pos++
	return nil
}

// attributeName reads the name of an attribute with its namespace.
func (p *cssParser) attributeName() (bool, error) {
	if strings.HasPrefix(p.text[p.pos:], "*|") || p.peek() == '|' && p.byteAt(p.pos+1) != '=' {
		return p.typeSelector()
	}
	return p.name() != "", nil
}

func (p *cssParser) attributeValue() error {
	if _, err := p.space(); err != nil {
		return err
	}
	if c := p.peek(); c == '"' || c == '\'' {
		if err := p.quoted(); err != nil {
			return err
		}
	} else if p.name() == "" {
		if p.peek() == 0 {
			return p.inBracket()
		}
		return fmt.Errorf(`is not a CSS selector: an attribute's value is a name or stands in quotes; write [name="value"]`)
	}
	if _, err := p.space(); err != nil {
		return err
	}
	switch p.peek() {
	case 's', 'S':
		return fmt.Errorf("is not a CSS selector that Chrome takes: s after an attribute's value; leave it out, case counts anyway")
	case 'i', 'I': // case does not count
		p.pos++
		_, err := p.space()
		return err
	}
	return nil
}

// inBracket reports what cannot stand in an attribute selector.
func (p *cssParser) inBracket() error {
	if p.peek() == 0 {
		return fmt.Errorf("is not a CSS selector: a bracket is not closed")
	}
	return p.unexpected()
}
