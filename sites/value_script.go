package sites

import (
	"errors"
	"strings"
)

// maxScriptRoots bounds the values that one script may assign.
const maxScriptRoots = 100

var errNoJSON = errors.New("it holds no JSON")

// scriptJSON returns the JSON values of a script: the script itself where it is JSON
// (in a comment or CDATA section, with a semicolon behind, too); else every object
// and array that it assigns (window.X = {...}, var x = [...]), passes to JSON.parse
// as text, or gives as an argument (push([1, ...])), in order. Values is how many
// JSON values were read.
func scriptJSON(text string) (roots []*jsonValue, values int, err error) {
	text = unwrapScript(text)
	p := jsonParser{text: text}
	v, err := p.value()
	if err == nil && strings.Trim(text[p.pos:], " \t\r\n;") == "" {
		return []*jsonValue{&v}, p.values, nil
	}
	values = p.values
	s := scriptScanner{text: text}
	for len(roots) < maxScriptRoots && values < maxPageValues {
		start, ok := s.next()
		if !ok {
			break
		}
		v, end, n, err := valueAt(text, start)
		values += n
		if err != nil {
			continue
		}
		roots = append(roots, &v)
		s.pos = end
	}
	if len(roots) == 0 {
		if err == nil {
			err = errNoJSON
		}
		return nil, values, errors.Join(errNoJSON, p.fault(err))
	}
	return roots, values, nil
}

// wrappers hide a script from old browsers, or XML from scripts.
var wrappers = [][2]string{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"/*<![CDATA[*/", "/*]]>*/"}, {"//<![CDATA[", "//]]>"}, {"//<!--", "//-->"}}

func unwrapScript(text string) string {
	text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "\uFEFF"))
	for range len(wrappers) {
		for _, w := range wrappers {
			if rest, ok := strings.CutPrefix(text, w[0]); ok {
				text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), w[1]))
			}
		}
	}
	return text
}

// valueAt reads the JSON, the JavaScript literal or the JSON.parse call at start.
func valueAt(text string, start int) (v jsonValue, end, values int, err error) {
	p := jsonParser{text: text, pos: start, script: true}
	if !strings.HasPrefix(text[start:], parseCall) {
		v, err = p.value()
		return v, p.pos, p.values, err
	}
	p.pos += len(parseCall)
	p.space()
	if p.pos >= len(text) || strings.IndexByte("\"'`", text[p.pos]) < 0 {
		return v, start, 1, errNoJSON
	}
	inner, err := p.quoted(text[p.pos])
	if err != nil {
		return v, start, 1, err
	}
	q := jsonParser{text: inner}
	if v, err = q.value(); err == nil {
		q.space()
		if q.pos < len(inner) {
			err = errNoJSON
		}
	}
	return v, p.pos, q.values, err
}

const parseCall = "JSON.parse("

// scriptScanner walks through JavaScript, past its strings and comments, and stops
// where a value may begin.
type scriptScanner struct {
	text string
	pos  int
}

// next returns where the next { or [ stands after =, ( or a comma, or the next JSON.parse(.
func (s *scriptScanner) next() (int, bool) {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case '"', '\'', '`':
			s.skipString(c)
		case '/':
			s.skipComment()
		case '=', '(', ',':
			s.pos++
			at := s.pos + len(s.text[s.pos:]) - len(strings.TrimLeft(s.text[s.pos:], " \t\r\n"))
			if at < len(s.text) && (s.text[at] == '{' || s.text[at] == '[') {
				s.pos = at
				return at, true
			}
		case 'J':
			if strings.HasPrefix(s.text[s.pos:], parseCall) {
				at := s.pos
				s.pos += len(parseCall)
				return at, true
			}
			s.pos++
		default:
			s.pos++
		}
	}
	return 0, false
}

func (s *scriptScanner) skipString(quote byte) {
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == '\\':
			s.pos++
		case c == quote:
			s.pos++
			return
		case c == '\n' && quote != '`': // a quote within a regular expression, say
			return
		}
	}
}

func (s *scriptScanner) skipComment() {
	p := jsonParser{text: s.text, pos: s.pos}
	if p.comment() {
		s.pos = p.pos
		return
	}
	s.pos++
}
