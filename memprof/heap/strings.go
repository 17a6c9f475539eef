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
	whole  map[uint32]uint64
	total  uint64
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
	block, length, err := s.text(t.blocks[last], t.limit)
	if err != nil {
		return err
	}
	t.blocks[last] = block
	if len(t.start) == 1<<32-2 {
		return s.fault("there are more strings than 32 bits count")
	}
	kept := len(block) - before
	if kept < length {
		if t.whole == nil {
			t.whole = make(map[uint32]uint64)
		}
		t.whole[uint32(len(t.start))] = uint64(length)
	}
	t.start = append(t.start, uint32(last*blockSize+before))
	t.length = append(t.length, uint16(kept))
	t.total += uint64(length)
	return nil
}

func (t *texts) count() int { return len(t.start) }

// bytes is a string as far as it was kept; it must not be changed.
func (t *texts) bytes(i uint32) []byte {
	at := t.start[i]
	return t.blocks[at/blockSize][at%blockSize:][:t.length[i]]
}

func (t *texts) at(i uint32) string { return string(t.bytes(i)) }

// cut returns how long a string is that was cut; 0 for one that is whole.
func (t *texts) cut(i uint32) uint64 { return t.whole[i] }

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
