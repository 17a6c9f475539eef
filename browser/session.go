package browser

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	jsonv2 "github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// maxQueued bounds the events that a subscription holds for a reader who does not
// read. The subscription then ends.
const maxQueued = 10_000

// session is a lean DevTools session: it enables nothing by itself, and its calls
// fail at once when its target crashes or goes. It satisfies cdp.Session.
type session struct {
	conn *conn
	id   target.SessionID // "" for the browser's own
	done chan struct{}    // closed when the session has ended

	guard *guard // of a tab's session; nil for others

	mu       sync.Mutex
	why      error
	nextKey  int
	handlers map[string]map[int]func(jsonv2.Value)
}

func newSession(c *conn, id target.SessionID) *session {
	return &session{conn: c, id: id, done: make(chan struct{}), handlers: map[string]map[int]func(jsonv2.Value){}}
}

// Call sends a command and decodes its reply into result. A context without a
// deadline gets one of 30 s.
func (s *session) Call(ctx context.Context, method string, params, result any) error {
	select {
	case <-s.done:
		return s.reason()
	default:
	}
	if s.guard != nil {
		defer s.guard.enter()()
	}
	return s.conn.call(ctx, s, method, params, result)
}

// post sends a command whose reply nobody waits for. It never blocks: where the pipe
// does not take it, it is lost, as it would be with a Chrome that does not answer.
func (s *session) post(method string, params any) {
	raw, err := jsonv2.Marshal(params)
	if err != nil {
		return
	}
	b, err := encode(&cdproto.Message{ID: s.conn.nextID.Add(1), SessionID: s.id, Method: cdproto.MethodType(method), Params: raw})
	if err != nil {
		return
	}
	select {
	case s.conn.out <- b:
	default:
	}
}

// on calls fn for each event of a method, in the goroutine that reads the pipe: fn
// must not block and must not Call.
func (s *session) on(method string, fn func(jsonv2.Value)) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handlers[method] == nil {
		s.handlers[method] = map[int]func(jsonv2.Value){}
	}
	s.nextKey++
	key := s.nextKey
	s.handlers[method][key] = fn
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.handlers[method], key)
	}
}

// listen is on for a typed event. An event that does not decode is dropped: it is of
// a newer Chrome, and nothing that this package relies on.
func listen[E any](s *session, event cdp.Event[E], fn func(E)) (cancel func()) {
	return s.on(event.Method, func(raw jsonv2.Value) {
		var ev E
		if jsonv2.Unmarshal(raw, &ev, chromedp.DefaultUnmarshalOptions) == nil {
			fn(ev)
		}
	})
}

func (s *session) listens(method string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.handlers[method]) > 0
}

func (s *session) publish(method string, params jsonv2.Value) {
	s.mu.Lock()
	fns := make([]func(jsonv2.Value), 0, len(s.handlers[method]))
	// In the order in which they came: who waits for a target's end finds the tracker's
	// part done already.
	for _, key := range slices.Sorted(maps.Keys(s.handlers[method])) {
		fns = append(fns, s.handlers[method][key])
	}
	s.mu.Unlock()
	for _, fn := range fns {
		fn(params)
	}
}

// end ends the session for a reason; the first one stays.
func (s *session) end(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == nil {
		s.why = why
		close(s.done)
	}
}

func (s *session) reason() error {
	s.mu.Lock()
	why := s.why
	s.mu.Unlock()
	select {
	case <-s.conn.closed:
		// The targets of a Chrome that ends are gone a moment before it.
		if why == ErrGone || why == ErrClosed {
			return s.conn.goneErr()
		}
	default:
	}
	return why
}

// Subscribe buffers the events of a method until cancel is called, the session ends,
// or 10,000 of them wait unread.
func (s *session) Subscribe(method string) (<-chan jsonv2.Value, func()) {
	out := make(chan jsonv2.Value)
	stop := make(chan struct{})
	var once sync.Once
	halt := func() { once.Do(func() { close(stop) }) }

	queue := make(chan jsonv2.Value, maxQueued)
	off := s.on(method, func(v jsonv2.Value) {
		select {
		case queue <- v:
		default:
			halt()
		}
	})
	go func() {
		defer close(out)
		defer off()
		for {
			select {
			case v := <-queue:
				select {
				case out <- v:
				case <-stop:
					return
				}
			case <-stop:
				return
			case <-s.done:
				return
			}
		}
	}()
	return out, halt
}
