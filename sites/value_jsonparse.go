package sites

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of JSON that comes from a page. Beyond them it is refused, so that a page
// can neither exhaust the memory nor store what Postgres's jsonb cannot hold.
const (
	maxJSONDepth    = 200       // arrays and objects in one another
	maxJSONValues   = 1_000_000 // values of one text
	maxNumberDigits = 1000      // digits of a number, and its exponent
)

var errJSONEnd = errors.New("it ends too early")

// jsonParser reads one JSON value from a text. In script mode it also reads what
// JavaScript literals may hold beyond JSON: single quotes, bare keys, trailing
// commas, undefined, NaN, !0, !1 and void 0.
type jsonParser struct {
	text   string
	pos    int
	script bool
	depth  int
	values int
}

// parseJSON reads text as exactly one JSON value.
func parseJSON(text string) (jsonValue, error) {
	p := jsonParser{text: strings.TrimPrefix(text, "\uFEFF")}
	v, err := p.value()
	if err != nil {
		return jsonValue{}, p.fault(err)
	}
	p.space()
	if p.pos < len(p.text) {
		return jsonValue{}, p.fault(errors.New("something follows the value"))
	}
	return v, nil
}

func (p *jsonParser) fault(err error) error {
	return fmt.Errorf("read JSON at byte %d: %w", p.pos, err)
}

func (p *jsonParser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			if !p.script || !p.comment() {
				return
			}
		}
	}
}

// comment skips one JavaScript comment.
func (p *jsonParser) comment() bool {
	rest := p.text[p.pos:]
	switch {
	case strings.HasPrefix(rest, "/*"):
		if end := strings.Index(rest, "*/"); end >= 0 {
			p.pos += end + 2
			return true
		}
	case strings.HasPrefix(rest, "//"):
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			p.pos += end + 1
		} else {
			p.pos = len(p.text)
		}
		return true
	}
	return false
}

func (p *jsonParser) value() (jsonValue, error) {
	p.space()
	if p.pos >= len(p.text) {
		return jsonValue{}, errJSONEnd
	}
	if p.values++; p.values > maxJSONValues {
		return jsonValue{}, fmt.Errorf("it has more than %d values", maxJSONValues)
	}
	switch c := p.text[p.pos]; {
	case c == '{':
		return p.nested(p.object)
	case c == '[':
		return p.nested(p.array)
	case c == '"' || p.script && c == '\'':
		s, err := p.quoted(c)
		return stringValue(s), err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	default:
		return p.word()
	}
}

func (p *jsonParser) nested(read func() (jsonValue, error)) (jsonValue, error) {
	if p.depth++; p.depth > maxJSONDepth {
		return jsonValue{}, fmt.Errorf("it is nested deeper than %d", maxJSONDepth)
	}
	p.pos++
	v, err := read()
	p.depth--
	return v, err
}

func (p *jsonParser) array() (jsonValue, error) {
	v := jsonValue{kind: jsonArray}
	if p.closed(']') {
		return v, nil
	}
	for {
		item, err := p.value()
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
		if more, err := p.more(']'); err != nil || !more {
			return v, err
		}
	}
}

func (p *jsonParser) object() (jsonValue, error) {
	v := jsonValue{kind: jsonObject}
	if p.closed('}') {
		return v, nil
	}
	var seen map[string]int
	for {
		key, err := p.key()
		if err != nil {
			return v, err
		}
		if p.space(); p.pos >= len(p.text) || p.text[p.pos] != ':' {
			return v, errors.New("a colon should follow the key")
		}
		p.pos++
		item, err := p.value()
		if err != nil {
			return v, err
		}
		if seen == nil {
			seen = make(map[string]int)
		}
		if at, twice := seen[key]; twice {
			v.items[at] = item // as in JavaScript: the last one counts, where the first stood
		} else {
			seen[key] = len(v.keys)
			v.keys = append(v.keys, key)
			v.items = append(v.items, item)
		}
		if more, err := p.more('}'); err != nil || !more {
			return v, err
		}
	}
}

// closed skips the closing bracket when it comes next.
func (p *jsonParser) closed(end byte) bool {
	if p.space(); p.pos < len(p.text) && p.text[p.pos] == end {
		p.pos++
		return true
	}
	return false
}

// more skips the comma or the closing bracket after an element.
func (p *jsonParser) more(end byte) (bool, error) {
	if p.closed(end) {
		return false, nil
	}
	if p.pos >= len(p.text) {
		return false, errJSONEnd
	}
	if p.text[p.pos] != ',' {
		return false, fmt.Errorf("a comma or %q should follow", end)
	}
	p.pos++
	return !p.script || !p.closed(end), nil
}

func (p *jsonParser) key() (string, error) {
	p.space()
	if p.pos >= len(p.text) {
		return "", errJSONEnd
	}
	c := p.text[p.pos]
	if c == '"' || p.script && c == '\'' {
		return p.quoted(c)
	}
	start := p.pos
	for p.script && p.pos < len(p.text) && isWordByte(p.text[p.pos]) {
		p.pos++
	}
	if p.pos == start {
		return "", errors.New("a key in quotes should stand here")
	}
	return p.text[start:p.pos], nil
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= utf8.RuneSelf || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// number reads a JSON number. One that no database holds becomes a string.
func (p *jsonParser) number() (jsonValue, error) {
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte("0123456789+-.eE", p.text[p.pos]) >= 0 {
		p.pos++
	}
	literal := p.text[start:p.pos]
	exponent, ok := scanJSONNumber(literal)
	if !ok {
		return jsonValue{}, fmt.Errorf("%q is no number", excerpt(literal))
	}
	if len(literal) > maxNumberDigits || exponent > maxNumberDigits {
		return stringValue(literal), nil
	}
	return jsonValue{kind: jsonNumber, text: literal}, nil
}

// scanJSONNumber tells whether literal is a JSON number, and the size of its exponent.
func scanJSONNumber(literal string) (exponent int, ok bool) {
	rest := strings.TrimPrefix(literal, "-")
	digits := countDigits(rest)
	if digits == 0 || digits > 1 && rest[0] == '0' {
		return 0, false
	}
	rest = rest[digits:]
	if strings.HasPrefix(rest, ".") {
		if digits = countDigits(rest[1:]); digits == 0 {
			return 0, false
		}
		rest = rest[1+digits:]
	}
	if rest == "" {
		return 0, true
	}
	if rest[0]|0x20 != 'e' {
		return 0, false
	}
	rest = rest[1:]
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	if digits = countDigits(rest); digits == 0 || digits != len(rest) {
		return 0, false
	}
	if exponent, err := strconv.Atoi(rest); err == nil {
		return exponent, true
	}
	return maxNumberDigits + 1, true
}

func countDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// jsonWords are the words that stand for a value; scriptWords only in a script.
var (
	jsonWords   = map[string]jsonValue{"null": {}, "true": boolValue(true), "false": boolValue(false)}
	scriptWords = []struct {
		word  string
		value jsonValue
	}{
		{"undefined", jsonValue{}},
		{"NaN", jsonValue{}},
		{"Infinity", jsonValue{}},
		{"void 0", jsonValue{}},
		{"!0", boolValue(true)},
		{"!1", boolValue(false)},
	}
)

func (p *jsonParser) word() (jsonValue, error) {
	rest := p.text[p.pos:]
	n := 0
	for n < len(rest) && n < 10 && isWordByte(rest[n]) {
		n++
	}
	if v, ok := jsonWords[rest[:n]]; ok {
		p.pos += n
		return v, nil
	}
	if p.script {
		for _, w := range scriptWords {
			if strings.HasPrefix(rest, w.word) && (len(rest) == len(w.word) || !isWordByte(rest[len(w.word)])) {
				p.pos += len(w.word)
				return w.value, nil
			}
		}
	}
	return jsonValue{}, fmt.Errorf("%q is no value", excerpt(rest))
}
