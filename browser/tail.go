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
	// heapLimits counts what was said of a heap at its limit, and was not taken yet.
	heapLimits int
}

// heapLimit begins what V8 says when a heap reaches its limit, and the process is about to end. A
// page could say it too, through its console: then a crash of that page is taken for this one.
var heapLimit = []byte("V8 javascript OOM")

// takeHeapLimit says whether a heap at its limit was told of, once for each.
func (t *tail) takeHeapLimit() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.heapLimits == 0 {
		return false
	}
	t.heapLimits--
	return true
}

func newTail(size int) *tail { return &tail{size: size} }

// Write keeps the end of what it has been given.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seam := append(bytes.Clone(t.buf[max(0, len(t.buf)-len(heapLimit)+1):]), p...) // it may come in two parts
	t.heapLimits += bytes.Count(seam, heapLimit)
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
