package heap

const (
	// blockSize is how many bytes of text are allocated at once.
	blockSize = 1 << 20
	// longestText is the most that a text may be cut to: it has to fit into a block.
	longestText = 1<<16 - 1
)

// texts are strings, one after the other in blocks, cut to a limit.
type texts struct {
	limit  int
	blocks [][]byte
	start  []uint32 // block * blockSize + position
	length []uint16 // what was kept
}

// read takes the next string.
func (t *texts) read(s *scanner) error {
	if len(t.blocks) == 0 || blockSize-len(t.blocks[len(t.blocks)-1]) < t.limit {
		if len(t.blocks) == 1<<32/blockSize {
			return s.fault("the strings are larger than 4 GB")
		}
		t.blocks = append(t.blocks, make([]byte, 0, blockSize))
	}
	last := len(t.blocks) - 1
	before := len(t.blocks[last])
	block, _, err := s.text(t.blocks[last], t.limit)
	if err != nil {
		return err
	}
	t.blocks[last] = block
	if len(t.start) == 1<<32-2 {
		return s.fault("there are more strings than 32 bits count")
	}
	t.start = append(t.start, uint32(last*blockSize+before))
	t.length = append(t.length, uint16(len(block)-before))
	return nil
}

func (t *texts) count() int { return len(t.start) }

// bytes is a string as far as it was kept; it must not be changed.
func (t *texts) bytes(i uint32) []byte {
	at := t.start[i]
	return t.blocks[at/blockSize][at%blockSize:][:t.length[i]]
}

func (t *texts) at(i uint32) string { return string(t.bytes(i)) }

// checkIndex holds the largest index of a string that was met to the number of strings.
func (t *texts) checkIndex(m maxIndex) error {
	if m.met && m.value >= uint64(t.count()) {
		return faultAt(m.offset, "there is no string %d; there are %d", m.value, t.count())
	}
	return nil
}

// maxIndex is the largest index that was met, and where.
type maxIndex struct {
	met    bool
	value  uint64
	offset int64
}

func (m *maxIndex) meet(value uint64, offset int64) {
	if !m.met || value > m.value {
		*m = maxIndex{true, value, offset}
	}
}
