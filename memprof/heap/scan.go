package heap

import (
	"fmt"
	"io"
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

// key takes the key of an object with its colon.
func (s *scanner) key() (string, error) {
	name, _, err := s.text(nil, 100)
	if err != nil {
		return "", err
	}
	return string(name), s.expect(':')
}
