package devtools

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/stretchr/testify/require"
)

// snapshotSession sends the pieces of a snapshot before it answers, as Chrome does, or some of
// them after.
type snapshotSession struct {
	fakeSession
	pieces []string
	late   int  // how many of the pieces come after the answer
	lose   bool // the subscription ends before all have come
	events chan jsonv2.Value
	sent   chan struct{} // closed when all have been taken
}

func newSnapshotSession(pieces ...string) *snapshotSession {
	s := &snapshotSession{pieces: pieces, events: make(chan jsonv2.Value), sent: make(chan struct{})}
	s.answers = map[string]any{
		"HeapProfiler.takeHeapSnapshot": `{}`,
		"Runtime.getHeapUsage":          `{"usedSize":20000000,"embedderHeapUsedSize":11000000}`,
	}
	return s
}

func (s *snapshotSession) Call(ctx context.Context, method string, params, result any) error {
	if method != "HeapProfiler.takeHeapSnapshot" {
		return s.fakeSession.Call(ctx, method, params, result)
	}
	early := len(s.pieces) - s.late
	if err := s.send(ctx, s.pieces[:early]); err != nil {
		return err
	}
	if s.lose {
		close(s.events)
	}
	if s.late == 0 {
		close(s.sent)
	} else {
		go func() {
			defer close(s.sent)
			time.Sleep(time.Second) // of the bubble
			_ = s.send(ctx, s.pieces[early:])
		}()
	}
	return s.fakeSession.Call(ctx, method, params, result)
}

func (s *snapshotSession) send(ctx context.Context, pieces []string) error {
	for _, piece := range pieces {
		text, err := json.Marshal(map[string]string{"chunk": piece})
		if err != nil {
			return err
		}
		select {
		case s.events <- text:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (s *snapshotSession) Subscribe(string) (<-chan jsonv2.Value, func()) { return s.events, func() {} }

func TestTakeHeapSnapshot(t *testing.T) {
	pieces := []string{`{"snapshot":{"a":[`, `1]},"strings":["}]\"`, `{", "é`, `"]`, `}`}
	for late := range len(pieces) {
		synctest.Test(t, func(t *testing.T) {
			s := newSnapshotSession(pieces...)
			s.late = late
			var b strings.Builder
			n, err := TakeHeapSnapshot(context.Background(), s, &b, SnapshotOptions{})
			require.NoError(t, err)
			require.Equal(t, strings.Join(pieces, ""), b.String())
			require.Equal(t, int64(b.Len()), n)
			<-s.sent
		})
	}
}

func TestTakeHeapSnapshotFaults(t *testing.T) {
	broken := errors.New("broken")
	for want, c := range map[string]struct {
		prepare func(*snapshotSession)
		w       *failingWriter
		o       SnapshotOptions
	}{
		"take a heap snapshot: the heap is too large for a snapshot: it holds 31.0 MB, and 30.0 MB is the limit": {o: SnapshotOptions{MaxHeap: 30_000_000}},
		"take a heap snapshot: it is not whole after 1 bytes":                                                    {prepare: func(s *snapshotSession) { s.pieces = []string{"{"} }},
		"take a heap snapshot: broken":                                                                           {prepare: func(s *snapshotSession) { s.answers["HeapProfiler.takeHeapSnapshot"] = broken }},
		"take a heap snapshot: write it: full":                                                                   {w: &failingWriter{err: errors.New("full")}},
		"take a heap snapshot: context deadline exceeded":                                                        {prepare: func(s *snapshotSession) { s.answers["HeapProfiler.takeHeapSnapshot"] = errHang }, o: SnapshotOptions{Timeout: time.Minute}},
		"take a heap snapshot: pieces were lost after 2 bytes: they came faster than they were written":          {prepare: func(s *snapshotSession) { s.pieces, s.lose = []string{"{}"}, true; s.pieces[0] = "{ " }},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSnapshotSession("{", "}")
			if c.prepare != nil {
				c.prepare(s)
			}
			if c.w == nil {
				c.w = &failingWriter{}
			}
			_, err := TakeHeapSnapshot(context.Background(), s, c.w, c.o)
			require.EqualError(t, err, want)
			if c.o.MaxHeap > 0 {
				require.ErrorIs(t, err, ErrHeapTooLarge)
				require.Equal(t, []string{"Runtime.getHeapUsage"}, s.took(), "nothing was taken")
			}
		})
	}
}

// failingWriter takes anything, or nothing with an error.
type failingWriter struct{ err error }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}
