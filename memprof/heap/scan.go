package heap

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// SyntaxError says what is wrong with the text of a snapshot, and where.
type SyntaxError struct {
	// Offset is the position of the fault in bytes from the beginning.
	Offset int64
	// Message says what is wrong.
	Message string
}

// Error gives the offset and the message.
func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Message) }

// maxNesting is how deep arrays and objects may lie in each other.
const maxNesting = 10_000

// scanner reads JSON from a stream, a buffer at a time.
type scanner struct {
	r        io.Reader
	buf      []byte
	pos, end int
	base     int64 // offset of buf[0]
	err      error // why no more comes
}

func newScanner(r io.Reader) *scanner {
	return &scanner{r: r, buf: make([]byte, 256<<10)}
}

// offset is the position of the next byte.
func (s *scanner) offset() int64 { return s.base + int64(s.pos) }

func (s *scanner) fault(format string, args ...any) error {
	return faultAt(s.offset(), format, args...)
}

func faultAt(offset int64, format string, args ...any) error {
	return &SyntaxError{Offset: offset, Message: fmt.Sprintf(format, args...)}
}

// fill reads the next buffer; it is called when the last one is used up.
func (s *scanner) fill() error {
	if s.err != nil {
		return s.err
	}
	s.base += int64(s.end)
	s.pos, s.end = 0, 0
	for range 100 {
		n, err := s.r.Read(s.buf)
		s.end = n
		switch {
		case err == io.EOF:
			s.err = faultAt(s.base+int64(n), "the text ends here; the snapshot is not whole")
		case err != nil:
			s.err = fmt.Errorf("byte %d: %w", s.base+int64(n), err)
		}
		if n > 0 {
			return nil
		}
		if s.err != nil {
			return s.err
		}
	}
	return io.ErrNoProgress
}

// next takes the next byte.
func (s *scanner) next() (byte, error) {
	if s.pos == s.end {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	c := s.buf[s.pos]
	s.pos++
	return c, nil
}

// peek gives the next byte that is not white space, and leaves it.
func (s *scanner) peek() (byte, error) {
	for {
		if s.pos == s.end {
			if err := s.fill(); err != nil {
				return 0, err
			}
		}
		switch c := s.buf[s.pos]; c {
		case ' ', '\n', '\r', '\t':
			s.pos++
		default:
			return c, nil
		}
	}
}

// expect takes the next byte that is not white space, which has to be c.
func (s *scanner) expect(c byte) error {
	got, err := s.peek()
	if err != nil {
		return err
	}
	if got != c {
		return s.fault("%q is expected here, not %q", c, got)
	}
	s.pos++
	return nil
}

// more tells whether another element follows in a list that close ends, and takes what stands
// before it. first is true before the first element.
func (s *scanner) more(first bool, closing byte) (bool, error) {
	c, err := s.peek()
	switch {
	case err != nil:
		return false, err
	case c == closing:
		s.pos++
		return false, nil
	case first:
		return true, nil
	case c != ',':
		return false, s.fault("',' or %q is expected here, not %q", closing, c)
	}
	s.pos++
	return true, nil
}

// number takes a whole number of at most limit.
func (s *scanner) number(limit uint64) (uint64, error) {
	c, err := s.peek()
	if err != nil {
		return 0, err
	}
	if c < '0' || c > '9' {
		return 0, s.fault("a whole number is expected here, not %q", c)
	}
	at := s.offset()
	var n uint64
	for {
		for s.pos < s.end {
			c = s.buf[s.pos]
			if c < '0' || c > '9' {
				if c == '.' || c == 'e' || c == 'E' {
					return 0, s.fault("a whole number is expected here, not a fraction")
				}
				return n, nil
			}
			if n > (limit-uint64(c-'0'))/10 {
				return 0, faultAt(at, "the number is larger than %d", limit)
			}
			n = n*10 + uint64(c-'0')
			s.pos++
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

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

// key takes the key of an object with its colon.
func (s *scanner) key() (string, error) {
	name, _, err := s.text(nil, 100)
	if err != nil {
		return "", err
	}
	return string(name), s.expect(':')
}

// errTooLong says that a value was to be captured that is larger than it may be.
var errTooLong = errors.New("the value is too long")

// skip goes over a value of any kind. Only its brackets, strings and quotes are looked at.
// What it goes over is appended to keep, if that is not nil, up to maxKept bytes.
func (s *scanner) skip(keep *[]byte) error {
	depth := 0
	for {
		c, err := s.peek()
		if err != nil {
			return err
		}
		switch c {
		case '"':
			err = s.skipText(keep)
		case '{', '[':
			if depth++; depth > maxNesting {
				return s.fault("values lie more than %d deep in each other", maxNesting)
			}
			err = s.take(keep)
		case '}', ']':
			if depth--; depth < 0 {
				return s.fault("a value is expected here, not %q", c)
			}
			err = s.take(keep)
		case ',', ':':
			if depth == 0 {
				return s.fault("a value is expected here, not %q", c)
			}
			err = s.take(keep)
			if err == nil {
				continue
			}
		default:
			err = s.skipWord(keep)
		}
		if err != nil || depth == 0 {
			return err
		}
	}
}

// maxKept is how many bytes of a value are captured.
const maxKept = 1 << 20

// take takes one byte.
func (s *scanner) take(keep *[]byte) error {
	c, err := s.next()
	if err == nil && keep != nil {
		*keep = append(*keep, c)
		if len(*keep) > maxKept {
			return fmt.Errorf("byte %d: %w", s.offset(), errTooLong)
		}
	}
	return err
}

// skipText goes over a string.
func (s *scanner) skipText(keep *[]byte) error {
	if err := s.take(keep); err != nil {
		return err
	}
	for {
		c, err := s.next()
		if err != nil {
			return err
		}
		s.pos--
		if err := s.take(keep); err != nil {
			return err
		}
		switch c {
		case '"':
			return nil
		case '\\':
			if err := s.take(keep); err != nil {
				return err
			}
		}
	}
}

// skipWord goes over a number, true, false or null.
func (s *scanner) skipWord(keep *[]byte) error {
	for i := 0; ; i++ {
		c, err := s.next()
		if err != nil {
			return err
		}
		s.pos--
		isWord := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '+' || c == '.'
		if !isWord {
			if i == 0 {
				return s.fault("a value is expected here, not %q", c)
			}
			return nil
		}
		if err := s.take(keep); err != nil {
			return err
		}
	}
}
