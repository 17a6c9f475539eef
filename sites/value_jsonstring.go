package sites

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted reads a string that begins and ends with quote.
func (p *jsonParser) quoted(quote byte) (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == quote:
			s := p.text[start:p.pos]
			p.pos++
			return cleanText(s), nil
		case c == '\\':
			return p.escaped(quote, start)
		case c < 0x20 && !p.script:
			return "", errors.New("a control character stands in a string")
		}
		p.pos++
	}
	return "", errJSONEnd
}

// escaped reads the rest of a string that holds a backslash.
func (p *jsonParser) escaped(quote byte, start int) (string, error) {
	b := []byte(p.text[start:p.pos])
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		p.pos++
		switch {
		case c == quote:
			return cleanText(string(b)), nil
		case c < 0x20 && !p.script:
			return "", errors.New("a control character stands in a string")
		case c != '\\':
			b = append(b, c)
		default:
			var err error
			if b, err = p.escape(b); err != nil {
				return "", err
			}
		}
	}
	return "", errJSONEnd
}

// escape appends what one escape sequence, its backslash read, stands for.
func (p *jsonParser) escape(b []byte) ([]byte, error) {
	if p.pos >= len(p.text) {
		return b, errJSONEnd
	}
	c := p.text[p.pos]
	p.pos++
	switch c {
	case '"', '\\', '/':
		return append(b, c), nil
	case 'b':
		return append(b, '\b'), nil
	case 'f':
		return append(b, '\f'), nil
	case 'n':
		return append(b, '\n'), nil
	case 'r':
		return append(b, '\r'), nil
	case 't':
		return append(b, '\t'), nil
	case 'u':
		r, err := p.hex(4)
		if err != nil {
			return b, err
		}
		if utf16.IsSurrogate(r) {
			r = p.lowSurrogate(r)
		}
		return utf8.AppendRune(b, r), nil
	case 'x':
		if p.script {
			r, err := p.hex(2)
			return utf8.AppendRune(b, r), err
		}
	}
	if p.script { // '\'' and any other character stand for themselves
		return append(b, c), nil
	}
	return b, fmt.Errorf("\\%c is no escape", c)
}

func (p *jsonParser) hex(digits int) (rune, error) {
	if p.pos+digits > len(p.text) {
		return 0, errJSONEnd
	}
	n, err := strconv.ParseUint(p.text[p.pos:p.pos+digits], 16, 16)
	if err != nil {
		return 0, errors.New("an escape lacks its hexadecimal digits")
	}
	p.pos += digits
	return rune(n), nil
}

// lowSurrogate joins a high surrogate with the low one that should follow. A
// surrogate alone becomes U+FFFD.
func (p *jsonParser) lowSurrogate(high rune) rune {
	if !strings.HasPrefix(p.text[p.pos:], `\u`) {
		return utf8.RuneError
	}
	before := p.pos
	p.pos += 2
	low, err := p.hex(4)
	if r := utf16.DecodeRune(high, low); err == nil && r != utf8.RuneError {
		return r
	}
	p.pos = before
	return utf8.RuneError
}
