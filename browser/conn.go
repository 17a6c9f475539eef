package browser

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto"
	jsonv2 "github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

const (
	// firstID keeps the ids of our own commands apart from those of chromedp, which
	// count from 1 on the same pipe. Chrome reads ids as 32-bit integers.
	firstID = 1 << 30
	// maxMessage bounds one message from Chrome.
	maxMessage = 512 << 20
	// callTimeout bounds a call whose context has no deadline.
	callTimeout = 30 * time.Second
	// writeQueue is the number of commands that may wait for the pipe. A stopped
	// Chrome does not read: then calls end by their own time limits.
	writeQueue = 1024
)

// conn speaks the DevTools protocol over Chrome's pipe. It carries our own lean
// sessions, which enable no domain by themselves, and beside them the sessions of
// chromedp (see gate), which the interactive steps use.
//
// One goroutine reads and one writes; both end when the pipe does.
type conn struct {
	r io.ReadCloser
	w io.WriteCloser

	// explain adds how Chrome ended to the error that ended the pipe.
	explain func(error) error

	nextID atomic.Int64
	heard  atomic.Int64 // when something last came from Chrome, in nanoseconds since 1970
	out    chan []byte
	closed chan struct{} // closed when the pipe has ended
	once   sync.Once
	wg     sync.WaitGroup

	root *session // the browser's own session

	mu       sync.Mutex
	err      error // why the pipe ended
	pending  map[int64]chan *cdproto.Message
	sessions map[target.SessionID]*session
	gate     *gate
}

func newConn(r io.ReadCloser, w io.WriteCloser, explain func(error) error) *conn {
	c := &conn{
		r: r, w: w, explain: explain,
		out:      make(chan []byte, writeQueue),
		closed:   make(chan struct{}),
		pending:  map[int64]chan *cdproto.Message{},
		sessions: map[target.SessionID]*session{},
	}
	c.nextID.Store(firstID)
	c.heard.Store(time.Now().UnixNano())
	c.root = newSession(c, "")
	c.wg.Add(2)
	go c.read()
	go c.write()
	return c
}

// close ends the pipe, which makes Chrome exit, and waits for both goroutines.
func (c *conn) close() {
	c.fail(ErrClosed)
	c.wg.Wait()
}

// fail ends the pipe for a reason. Calls in flight return at once.
func (c *conn) fail(err error) {
	c.once.Do(func() {
		c.mu.Lock()
		c.err = err
		sessions := c.sessions
		c.sessions = map[target.SessionID]*session{}
		g := c.gate
		c.mu.Unlock()
		close(c.closed)
		c.r.Close()
		c.w.Close()
		for _, s := range sessions {
			s.end(ErrGone)
		}
		c.root.end(ErrGone)
		if g != nil {
			g.close()
		}
	})
}

func (c *conn) write() {
	defer c.wg.Done()
	for {
		select {
		case <-c.closed:
			return
		case b := <-c.out:
			if _, err := c.w.Write(b); err != nil {
				c.fail(c.explain(fmt.Errorf("write to Chrome's pipe: %w", err)))
				return
			}
		}
	}
}

func (c *conn) read() {
	defer c.wg.Done()
	br := bufio.NewReaderSize(c.r, 1<<16)
	for {
		frame, err := readFrame(br)
		c.heard.Store(time.Now().UnixNano())
		if err == nil {
			err = c.dispatch(frame)
		}
		if err != nil {
			c.fail(c.explain(fmt.Errorf("read from Chrome's pipe: %w", err)))
			return
		}
	}
}

// readFrame reads up to the zero byte that ends each message.
func readFrame(br *bufio.Reader) ([]byte, error) {
	var frame []byte
	for {
		part, err := br.ReadSlice(0)
		frame = append(frame, part...)
		switch {
		case err == nil:
			return frame[:len(frame)-1], nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(frame) > maxMessage:
			return nil, fmt.Errorf("a message is larger than %d MiB", maxMessage>>20)
		}
	}
}

var (
	eventPrefix = []byte(`{"method":"`)
	sessionKey  = []byte(`,"sessionId":"`)
	eventEnd    = []byte(`"}`)
)

// dispatch hands a message to whoever waits for it. Events that nobody asked for are
// dropped before they are decoded: a page brings some fifty of them.
func (c *conn) dispatch(frame []byte) error {
	if method, ok := eventMethod(frame); ok && !c.wanted(method, frame) {
		return nil
	}
	msg := new(cdproto.Message)
	if err := jsonv2.Unmarshal(frame, msg, chromedp.DefaultUnmarshalOptions); err != nil {
		return fmt.Errorf("decode a message: %w", err)
	}
	if msg.ID >= firstID {
		c.mu.Lock()
		reply := c.pending[msg.ID]
		delete(c.pending, msg.ID)
		c.mu.Unlock()
		if reply != nil {
			reply <- msg // has room for one
		}
		return nil
	}
	c.mu.Lock()
	s, g := c.root, c.gate
	if msg.SessionID != "" {
		s = c.sessions[msg.SessionID]
	}
	c.mu.Unlock()
	if s != nil && msg.Method != "" {
		s.publish(string(msg.Method), msg.Params)
	}
	if g != nil && (s == nil || s == c.root) {
		g.push(msg)
	}
	return nil
}

// eventMethod returns the method of a frame that is an event.
func eventMethod(frame []byte) (string, bool) {
	rest, ok := bytes.CutPrefix(frame, eventPrefix)
	if !ok {
		return "", false
	}
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return "", false
	}
	return string(rest[:end]), true
}

// eventSession returns the session that a frame is for; none for one of the browser's own. It is what
// the frame ends with: a session that is named among the parameters, as by an event that tells of its
// end, is another matter.
func eventSession(frame []byte) (target.SessionID, bool) {
	rest, ok := bytes.CutSuffix(frame, eventEnd)
	at := bytes.LastIndex(rest, sessionKey)
	if !ok || at < 0 || bytes.IndexByte(rest[at+len(sessionKey):], '"') >= 0 {
		return "", false
	}
	return target.SessionID(rest[at+len(sessionKey):]), true
}

// wanted says whether anybody listens to an event.
func (c *conn) wanted(method string, frame []byte) bool {
	s := c.root
	c.mu.Lock()
	g := c.gate
	if id, ok := eventSession(frame); ok {
		s = c.sessions[id]
	}
	c.mu.Unlock()
	if s != nil && s.listens(method) {
		return true
	}
	return g != nil && (s == nil || s == c.root)
}

// encode writes a message as it stands on the pipe, with the zero byte at its end.
func encode(msg *cdproto.Message) ([]byte, error) {
	b, err := jsonv2.Marshal(msg, chromedp.DefaultMarshalOptions)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", msg.Method, err)
	}
	return append(b, 0), nil
}

// send queues a command without waiting for the pipe.
func (c *conn) send(ctx context.Context, msg *cdproto.Message) error {
	b, err := encode(msg)
	if err != nil {
		return err
	}
	select {
	case c.out <- b:
		return nil
	case <-c.closed:
		return c.goneErr()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// call sends a command and waits for its reply, the end of the session, the end of
// the pipe, or the end of the context.
func (c *conn) call(ctx context.Context, s *session, method string, params, result any) error {
	return c.callThen(ctx, s, method, params, result, func() {})
}

// callThen is call that tells when the command was sent.
func (c *conn) callThen(ctx context.Context, s *session, method string, params, result any, sent func()) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, callTimeout, ErrHung)
		defer cancel()
	}
	msg := &cdproto.Message{ID: c.nextID.Add(1), SessionID: s.id, Method: cdproto.MethodType(method)}
	if params != nil {
		raw, err := jsonv2.Marshal(params, chromedp.DefaultMarshalOptions)
		if err != nil {
			return fmt.Errorf("encode %s: %w", method, err)
		}
		msg.Params = raw
	}
	reply := make(chan *cdproto.Message, 1)
	c.mu.Lock()
	c.pending[msg.ID] = reply
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.pending, msg.ID)
		c.mu.Unlock()
	}()
	if err := c.send(ctx, msg); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	sent()
	select {
	case m := <-reply:
		return decodeReply(method, m, result)
	case <-s.done:
		return fmt.Errorf("%s: %w", method, s.reason())
	case <-c.closed:
		return fmt.Errorf("%s: %w", method, c.goneErr())
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, context.Cause(ctx))
	}
}

func decodeReply(method string, m *cdproto.Message, result any) error {
	if m.Error != nil {
		return fmt.Errorf("%s: %w", method, m.Error)
	}
	if result == nil || len(m.Result) == 0 {
		return nil
	}
	if err := jsonv2.Unmarshal(m.Result, result, chromedp.DefaultUnmarshalOptions); err != nil {
		return fmt.Errorf("decode the reply to %s: %w", method, err)
	}
	return nil
}

// goneErr wraps ErrGone with the reason why the pipe ended.
func (c *conn) goneErr() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil || errors.Is(c.err, ErrGone) {
		return ErrGone
	}
	return fmt.Errorf("%w: %w", ErrGone, c.err)
}

// open makes a session that is attached to a target.
func (c *conn) open(id target.SessionID) *session {
	s := newSession(c, id)
	c.mu.Lock()
	c.sessions[id] = s
	c.mu.Unlock()
	select {
	case <-c.closed:
		s.end(ErrGone)
	default:
	}
	return s
}

// forget ends a session; what still arrives for it is dropped.
func (c *conn) forget(s *session, why error) {
	c.mu.Lock()
	delete(c.sessions, s.id)
	c.mu.Unlock()
	s.end(why)
}
