package browser

import (
	"bytes"
	"sync"
)

// tail keeps the last bytes that were written to it. It never blocks: Chrome writes
// every console message of every page to its standard error, and freezes when nobody
// reads it.
type tail struct {
	mu   sync.Mutex
	buf  []byte
	size int
}

func newTail(size int) *tail { return &tail{size: size} }

// Write keeps the end of what it has been given.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p[max(0, len(p)-t.size):]...)
	if over := len(t.buf) - t.size; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

// String returns what is kept, from the first whole line on.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.buf
	if len(b) == t.size {
		if at := bytes.IndexByte(b, '\n'); at >= 0 {
			b = b[at+1:]
		}
	}
	return string(b)
}
