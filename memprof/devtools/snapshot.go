package devtools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/heapprofiler"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// AutomaticHeap is the largest JavaScript heap, in bytes, of which a snapshot should be taken
// unasked. A snapshot needs 6 to 15 times the heap in the renderer, for as long as it is
// taken, and leaves 5 to 70 MB behind.
const AutomaticHeap = 30 << 20

// ErrHeapTooLarge says that a heap is larger than SnapshotOptions.MaxHeap.
var ErrHeapTooLarge = errors.New("the heap is too large for a snapshot")

// SnapshotOptions bound the taking of a heap snapshot.
type SnapshotOptions struct {
	// MaxHeap is the largest heap, in bytes of JavaScript and of Blink's objects together, of
	// which a snapshot is taken. Default: 0, any; unasked, use AutomaticHeap.
	MaxHeap int64
	// Timeout bounds all of it. Default: 2 min.
	Timeout time.Duration
}

// TakeHeapSnapshot writes a snapshot of the isolate of a session to w, and returns how many
// bytes there were. V8 collects garbage before it takes one. The text is written as it comes, in
// pieces of about 100 KB, and is checked to be whole.
//
// w is to be at least as quick as Chrome, such as a file: the session holds back what w has not
// taken yet, and gives up where that is 10,000 pieces. After an error, w holds a part. The
// errors are those of the session and of w, and ErrHeapTooLarge.
func TakeHeapSnapshot(ctx context.Context, session cdp.Session, w io.Writer, o SnapshotOptions) (n int64, err error) {
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	if err := checkHeap(ctx, session, o.MaxHeap); err != nil {
		return 0, fmt.Errorf("take a heap snapshot: %w", err)
	}
	chunks, stop := session.Subscribe(heapprofiler.AddHeapSnapshotChunk.Method)
	defer stop()
	called := make(chan error, 1)
	go func() {
		// Without progress: it would be told in events that nobody takes.
		_, err := cdp.Call(ctx, session, heapprofiler.TakeHeapSnapshot, heapprofiler.TakeHeapSnapshotParams{})
		called <- err
	}()
	s := &snapshotWriter{w: w}
	err = s.copy(ctx, chunks, called)
	if err != nil {
		cancel() // the call has a goroutine, which ends now
		err = fmt.Errorf("take a heap snapshot: %w", err)
	}
	return s.n, err
}

// checkHeap refuses a heap that is larger than limit bytes; 0 is none.
func checkHeap(ctx context.Context, session cdp.Session, limit int64) error {
	if limit == 0 {
		return nil
	}
	usage, err := cdp.Call(ctx, session, cdpruntime.GetHeapUsage, cdp.Empty{})
	if err != nil {
		return err
	}
	if used := int64(usage.UsedSize + usage.EmbedderHeapUsedSize); used > limit {
		return fmt.Errorf("%w: it holds %.1f MB, and %.1f MB is the limit", ErrHeapTooLarge, float64(used)/1e6, float64(limit)/1e6)
	}
	return nil
}

// drainPatience is how long the pieces that were sent before the reply may still take.
const drainPatience = 10 * time.Second

// snapshotWriter writes the pieces of a snapshot and finds its end.
type snapshotWriter struct {
	w   io.Writer
	n   int64
	end jsonEnd
}

// copy writes all pieces, until the snapshot is whole and the call has been answered.
func (s *snapshotWriter) copy(ctx context.Context, chunks <-chan jsonv2.Value, called <-chan error) error {
	answered := false
	var late <-chan time.Time
	for !answered || !s.end.done {
		select {
		case raw, open := <-chunks:
			if !open {
				return s.lost(ctx, called)
			}
			if err := s.write(raw); err != nil {
				return err
			}
		case err := <-called:
			if err != nil {
				return err
			}
			answered, called = true, nil
			timer := time.NewTimer(drainPatience)
			defer timer.Stop()
			late = timer.C
		case <-late:
			return fmt.Errorf("it is not whole after %d bytes", s.n)
		}
	}
	return nil
}

// lost says why no more pieces come: the session has ended, or w was too slow for Chrome.
func (s *snapshotWriter) lost(ctx context.Context, called <-chan error) error {
	if called != nil {
		select {
		case err := <-called:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("pieces were lost after %d bytes: they came faster than they were written", s.n)
}

// write writes one piece.
func (s *snapshotWriter) write(raw jsonv2.Value) error {
	var event heapprofiler.EventAddHeapSnapshotChunk
	if err := jsonv2.Unmarshal(raw, &event, chromedp.DefaultUnmarshalOptions); err != nil {
		return fmt.Errorf("decode a piece: %w", err)
	}
	n, err := io.WriteString(s.w, event.Chunk)
	s.n += int64(n)
	if err != nil {
		return fmt.Errorf("write it: %w", err)
	}
	s.end.scan(event.Chunk)
	return nil
}

// jsonEnd finds the end of a JSON object in its text.
type jsonEnd struct {
	depth           int
	inText, escaped bool
	done            bool
}

// scan goes through the next piece of the text.
func (e *jsonEnd) scan(piece string) {
	for i := 0; i < len(piece); i++ {
		c := piece[i]
		switch {
		case e.escaped:
			e.escaped = false
		case e.inText:
			e.escaped, e.inText = c == '\\', c != '"'
		case c == '"':
			e.inText = true
		case c == '{' || c == '[':
			e.depth++
		case c == '}' || c == ']':
			e.depth--
			e.done = e.done || e.depth == 0
		}
	}
}
