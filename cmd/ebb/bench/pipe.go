package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
)

// pipe speaks to Chrome with as little as that takes: it writes a command, and hands the reply over as it
// came. Events are dropped unread.
type pipe struct {
	w    io.Writer
	gone chan struct{} // closed when nothing more comes

	mu      sync.Mutex // owns what follows, and writing
	next    int64
	waiting map[int64]chan<- []byte
	out     []byte
	err     error // why nothing more comes
}

// newPipe speaks over the two ends. run must be called.
func newPipe(w io.Writer) *pipe {
	return &pipe{w: w, gone: make(chan struct{}), waiting: map[int64]chan<- []byte{}}
}

// run reads until the pipe ends.
func (p *pipe) run(r io.Reader) {
	defer close(p.gone)
	in := bufio.NewReaderSize(r, 1<<18)
	for {
		frame, err := in.ReadBytes(0)
		if err != nil {
			p.mu.Lock()
			p.err = fmt.Errorf("read from Chrome's pipe: %w", err)
			p.mu.Unlock()
			return
		}
		id, ok := replyID(frame)
		if !ok {
			continue
		}
		p.mu.Lock()
		reply := p.waiting[id]
		delete(p.waiting, id)
		p.mu.Unlock()
		if reply != nil {
			reply <- frame[:len(frame)-1] // has room for one
		}
	}
}

var replyStart = []byte(`{"id":`)

// replyID is the number of the command that a message answers.
func replyID(frame []byte) (int64, bool) {
	rest, ok := bytes.CutPrefix(frame, replyStart)
	if !ok {
		return 0, false
	}
	end := bytes.IndexByte(rest, ',')
	if end < 0 {
		return 0, false
	}
	id, err := strconv.ParseInt(string(rest[:end]), 10, 64)
	return id, err == nil
}

// call sends a command, whose parameters are JSON, and returns the whole reply. "" is the session of the
// browser.
func (p *pipe) call(ctx context.Context, session, method, params string) ([]byte, error) {
	reply := make(chan []byte, 1)
	id, err := p.send(reply, session, method, params)
	if err != nil {
		return nil, err
	}
	select {
	case frame := <-reply:
		return frame, nil
	case <-p.gone:
		p.mu.Lock()
		defer p.mu.Unlock()
		return nil, fmt.Errorf("%s: %w", method, p.err)
	case <-ctx.Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.waiting, id)
		return nil, fmt.Errorf("%s: %w", method, context.Cause(ctx))
	}
}

// send sends a command and returns its number. reply, which has room for one, gets the whole reply; nil where nobody
// waits for it.
func (p *pipe) send(reply chan<- []byte, session, method, params string) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	id := p.next
	if reply != nil {
		p.waiting[id] = reply
	}
	p.out = strconv.AppendInt(append(p.out[:0], `{"id":`...), id, 10)
	p.out = append(append(append(p.out, `,"method":"`...), method...), `","params":`...)
	p.out = append(p.out, params...)
	if session != "" {
		p.out = append(append(append(p.out, `,"sessionId":"`...), session...), '"')
	}
	if _, err := p.w.Write(append(p.out, '}', 0)); err != nil {
		return 0, fmt.Errorf("%s: write to Chrome's pipe: %w", method, err)
	}
	return id, nil
}

// refusal is Chrome's error in a reply.
type refusal struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (r *refusal) Error() string { return r.Message }

// result decodes the result of a reply.
func result[R any](frame []byte) (R, error) {
	var reply struct {
		Result R        `json:"result"`
		Error  *refusal `json:"error"`
	}
	err := json.Unmarshal(frame, &reply)
	if err == nil && reply.Error != nil {
		err = reply.Error
	}
	return reply.Result, err
}

// isRefusal says that Chrome refused, such as when the document was replaced meanwhile.
func isRefusal(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}
