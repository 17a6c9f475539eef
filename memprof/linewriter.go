package memprof

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	flushAt    = 64 << 10 // pending bytes at which the writer is woken
	maxPending = 8 << 20  // pending bytes beyond which lines are dropped
)

// lineWriter streams lines to a writer. Adding a line never waits for the writer: lines are
// held in memory, up to maxPending, while a slow disk is busy. While run is under way it alone
// writes; otherwise flush writes in the caller's goroutine.
type lineWriter struct {
	w      io.Writer
	failed func(error)
	wake   chan struct{}
	// writing is held while w.Write runs, and guards spare.
	writing sync.Mutex
	spare   []byte

	mu      sync.Mutex // guards what follows
	pending []byte
	running bool
	closed  bool
	err     error // ends the recording
	told    bool  // failed was told of err
	dropped int
	noted   int // of dropped, written down as a note
}

// newLineWriter returns a writer to w; one that drops everything if w is nil.
func newLineWriter(w io.Writer, failed func(error)) *lineWriter {
	return &lineWriter{w: w, failed: failed, wake: make(chan struct{}, 1), closed: w == nil}
}

// line adds one object with its type as its first field.
func (l *lineWriter) line(kind string, body any) {
	l.mu.Lock()
	stopped := l.closed || l.err != nil
	l.mu.Unlock()
	if stopped {
		return
	}
	data, err := json.Marshal(body)
	if err != nil {
		l.fail(fmt.Errorf("encode a %s: %w", kind, err))
		return
	}
	head := fmt.Appendf(nil, `{"type":%q`, kind)
	if len(data) > len("{}") {
		head = append(head, ',')
	}
	data = append(append(head, data[1:]...), '\n')

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.err != nil {
		return
	}
	if len(l.pending)+len(data) > maxPending {
		l.dropped++
		return
	}
	l.pending = append(l.pending, data...)
	if len(l.pending) >= flushAt {
		l.signal()
	}
}

func (l *lineWriter) signal() {
	select {
	case l.wake <- struct{}{}:
	default: // it is awake already
	}
}

// begin claims the writer for run; false if it is claimed already.
func (l *lineWriter) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running {
		return false
	}
	l.running = true
	return true
}

// run writes whenever there is something to write, until ctx ends, and then the rest.
func (l *lineWriter) run(ctx context.Context) {
	for {
		select {
		case <-l.wake:
			l.write()
		case <-ctx.Done():
			l.mu.Lock()
			l.running = false
			l.mu.Unlock()
			l.write()
			return
		}
	}
}

// flush sees to it that what is pending is written: by run if that is under way, else at once.
func (l *lineWriter) flush() {
	l.mu.Lock()
	running := l.running
	l.mu.Unlock()
	if running {
		l.signal()
		return
	}
	l.write()
}

// write writes what is pending.
func (l *lineWriter) write() {
	if l.w == nil {
		return
	}
	defer l.tell()
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	data := l.pending
	l.pending = l.spare[:0]
	if lost := l.dropped - l.noted; lost > 0 {
		l.noted = l.dropped
		l.pending = fmt.Appendf(l.pending, `{"type":"note","time":%q,"name":"`+DroppedNote+`","data":{"lines":%d}}`+"\n", time.Now().Format(time.RFC3339Nano), lost)
	}
	stopped := l.err != nil
	l.mu.Unlock()
	if len(data) > 0 && !stopped {
		if _, err := l.w.Write(data); err != nil {
			l.fail(fmt.Errorf("write the recording: %w", err))
		}
	}
	if cap(data) <= 4*flushAt {
		l.spare = data[:0]
	} else {
		l.spare = nil // do not hold on to what a stalled disk made large
	}
}

// fail ends the recording with its first error.
func (l *lineWriter) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err, l.pending = err, nil
	}
}

// tell passes the error that ended the recording on, once. No lock is held meanwhile.
func (l *lineWriter) tell() {
	l.mu.Lock()
	err := l.err
	now := err != nil && !l.told && l.failed != nil
	l.told = l.told || now
	l.mu.Unlock()
	if now {
		l.failed(err)
	}
}

func (l *lineWriter) lost() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped
}

func (l *lineWriter) close() error {
	if l.w == nil {
		return nil
	}
	l.write()
	l.write() // the note of what was dropped
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.told {
		return nil
	}
	return l.err
}
