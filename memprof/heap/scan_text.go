package heap

import (
	"unicode/utf16"
	"unicode/utf8"
)

// text takes a string and appends it to into as UTF-8, as far as limit bytes. It returns how
// many bytes all of it has. Half a surrogate pair is U+FFFD.
func (s *scanner) text(into []byte, limit int) (out []byte, length int, err error) {
	if err := s.expect('"'); err != nil {
		return into, 0, err
	}
	t := textBuffer{bytes: into, room: limit}
	for {
		begin := s.pos
		for s.pos < s.end && s.buf[s.pos] != '"' && s.buf[s.pos] != '\\' {
			s.pos++
		}
		t.add(s.buf[begin:s.pos])
		c, err := s.next()
		if err != nil {
			return t.bytes, t.length, err
		}
		switch c {
		case '"':
			t.flush()
			return t.bytes, t.length, nil
		case '\\':
			r, err := s.escape()
			if err != nil {
				return t.bytes, t.length, err
			}
			t.addUnit(r)
		default: // the first byte of the next buffer
			s.pos--
		}
	}
}

// textBuffer takes the parts of a string up to a limit.
type textBuffer struct {
	bytes  []byte
	room   int  // how many bytes are still taken
	length int  // how many there were
	high   rune // the first half of a surrogate pair whose second is to come
}

func (t *textBuffer) add(part []byte) {
	if len(part) > 0 {
		t.flush()
		t.append(part)
	}
}

func (t *textBuffer) append(part []byte) {
	t.length += len(part)
	if len(part) > t.room {
		part, t.room = part[:t.room], 0 // nothing is added behind a gap
	}
	t.bytes = append(t.bytes, part...)
	t.room = max(t.room-len(part), 0)
}

// addUnit adds a UTF-16 unit.
func (t *textBuffer) addUnit(r rune) {
	const firstLow, lastLow = 0xdc00, 0xdfff
	if t.high != 0 && r >= firstLow && r <= lastLow {
		r, t.high = utf16.DecodeRune(t.high, r), 0
	}
	t.flush()
	if utf16.IsSurrogate(r) && r < firstLow {
		t.high = r
		return
	}
	t.append(utf8.AppendRune(nil, r)) // a surrogate alone becomes U+FFFD
}

// flush adds what stands for a first half without its second.
func (t *textBuffer) flush() {
	if t.high != 0 {
		t.high = 0
		t.append([]byte("\uFFFD"))
	}
}

// escapes are the one-letter escapes.
var escapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads what follows a backslash: a UTF-16 unit, so perhaps half a surrogate pair.
func (s *scanner) escape() (rune, error) {
	c, err := s.next()
	if err != nil {
		return 0, err
	}
	if c == 'u' {
		return s.hex()
	}
	r, ok := escapes[c]
	if !ok {
		return 0, faultAt(s.offset()-1, "there is no escape \\%c", c)
	}
	return r, nil
}

// hex reads four hexadecimal digits.
func (s *scanner) hex() (rune, error) {
	var r rune
	for range 4 {
		c, err := s.next()
		if err != nil {
			return 0, err
		}
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, faultAt(s.offset()-1, "%q is no hexadecimal digit", c)
		}
	}
	return r, nil
}
