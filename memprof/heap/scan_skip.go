package heap

// maxNesting is how deep arrays and objects may lie in each other.
const maxNesting = 10_000

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
			return s.fault("the value has more than %d bytes", maxKept)
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
