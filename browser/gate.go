package browser

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	jsonv2 "github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// detachTimeout bounds how long Chrome may take to detach a session of chromedp's.
const detachTimeout = 5 * time.Second

// gate lets chromedp work over the pipe that our own sessions use. Each tab that
// chromedp attaches to has a link of its own, and behind it a chromedp.Browser of its
// own, which lives as long as the attachment does. It gets the replies to its commands
// and the events of its session; our sessions, and other links', stay out of its sight.
//
// One chromedp.Browser for all tabs would not do. chromedp keeps a goroutine, and with
// it the tab's whole mirror, for each context that an allocator gave a browser, until
// that browser is lost; and what a tab still says after its context has ended goes
// into a queue of 1,024 messages that nobody reads, which, full, would stop the browser
// for every tab.
//
// chromedp enables ten domains for each tab that it attaches to, which costs a third
// of the pages per second; so it attaches only while a page's interactive steps run
// (see Tab.full).
type gate struct {
	conn *conn

	mu       sync.Mutex
	lastID   int64           // stays below firstID
	sent     map[int64]order // by the id on the pipe
	links    map[*link]bool
	sessions map[target.SessionID]*link
}

// order is a command whose reply is to come.
type order struct {
	link     *link
	id       int64 // what the link calls it: each chromedp.Browser counts from 1
	attaches bool
}

// openGate returns the connection's gate, made at the first use.
func (c *conn) openGate() *gate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gate == nil {
		c.gate = &gate{conn: c, sent: map[int64]order{}, links: map[*link]bool{}, sessions: map[target.SessionID]*link{}}
	}
	return c.gate
}

// open makes a link. It fails with ErrGone when the pipe has ended.
func (g *gate) open() (*link, error) {
	ctx, cancel := context.WithCancel(context.Background())
	l := &link{gate: g, stop: cancel, end: make(chan struct{}), wake: make(chan struct{}, 1)}
	g.mu.Lock()
	g.links[l] = true
	g.mu.Unlock()
	select {
	case <-g.conn.closed:
		l.close()
		return nil, g.conn.goneErr()
	default:
	}
	quiet := func(string, ...any) {}
	b, err := chromedp.NewBrowserTransport(ctx, l, chromedp.WithBrowserLogf(quiet), chromedp.WithBrowserErrorf(quiet))
	if err != nil {
		l.close()
		return nil, err
	}
	l.browser = b
	return l, nil
}

// push hands a message to the link that it is for.
func (g *gate) push(msg *cdproto.Message) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var to *link
	switch {
	case msg.ID != 0:
		o := g.sent[msg.ID]
		delete(g.sent, msg.ID)
		msg.ID, to = o.id, o.link
		if o.attaches {
			g.noteSession(o.link, msg)
		}
	case msg.SessionID != "":
		to = g.sessions[msg.SessionID]
	case string(msg.Method) == target.DetachedFromTarget.Method:
		var ev target.EventDetachedFromTarget
		if jsonv2.Unmarshal(msg.Params, &ev, chromedp.DefaultUnmarshalOptions) == nil {
			to = g.sessions[ev.SessionID]
			delete(g.sessions, ev.SessionID)
		}
	}
	if to != nil && g.links[to] {
		to.push(msg)
	}
}

// noteSession notes whose a new session is. One that comes when its link has closed
// meanwhile is nobody's: it is ended at once. The caller holds the lock.
func (g *gate) noteSession(l *link, msg *cdproto.Message) {
	var res target.AttachToTargetResult
	if msg.Error != nil || jsonv2.Unmarshal(msg.Result, &res, chromedp.DefaultUnmarshalOptions) != nil {
		return
	}
	if !g.links[l] {
		g.conn.root.post(target.CommandDetachFromTarget, target.DetachFromTargetParams(res))
		return
	}
	g.sessions[res.SessionID] = l
}

// send sends a link's command under an id that no other link uses.
func (g *gate) send(ctx context.Context, l *link, msg *cdproto.Message) error {
	out := *msg
	g.mu.Lock()
	g.lastID++
	out.ID = g.lastID
	g.sent[out.ID] = order{link: l, id: msg.ID, attaches: msg.Method == target.CommandAttachToTarget}
	g.mu.Unlock()
	err := g.conn.send(ctx, &out)
	if err != nil {
		g.mu.Lock()
		delete(g.sent, out.ID)
		g.mu.Unlock()
	}
	return err
}

// drop forgets a link and returns its sessions that Chrome still has. Of its commands,
// one that attaches is remembered until its reply.
func (g *gate) drop(l *link) []target.SessionID {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.links, l)
	for id, o := range g.sent {
		if o.link == l && !o.attaches {
			delete(g.sent, id)
		}
	}
	var open []target.SessionID
	for id, owner := range g.sessions {
		if owner == l {
			delete(g.sessions, id)
			open = append(open, id)
		}
	}
	return open
}

// close ends every link, when the pipe has ended.
func (g *gate) close() {
	g.mu.Lock()
	links := g.links
	g.links = map[*link]bool{}
	g.mu.Unlock()
	for l := range links {
		l.close()
	}
}

// link is chromedp's transport to one tab.
type link struct {
	gate    *gate
	browser *chromedp.Browser
	stop    context.CancelFunc
	end     chan struct{}
	once    sync.Once

	mu    sync.Mutex
	queue []*cdproto.Message
	wake  chan struct{}
}

func (l *link) push(msg *cdproto.Message) {
	l.mu.Lock()
	l.queue = append(l.queue, msg)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Read gives chromedp its next message.
func (l *link) Read(ctx context.Context, msg *cdproto.Message) error {
	for {
		l.mu.Lock()
		if len(l.queue) > 0 {
			*msg = *l.queue[0]
			l.queue = l.queue[1:]
			l.mu.Unlock()
			return nil
		}
		l.queue = nil
		l.mu.Unlock()
		select {
		case <-l.wake:
		case <-l.end:
			return io.EOF
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Write sends chromedp's message.
func (l *link) Write(ctx context.Context, msg *cdproto.Message) error {
	return l.gate.send(ctx, l, msg)
}

// Close satisfies chromedp.Transport; the pipe itself belongs to conn.
func (l *link) Close() error {
	l.once.Do(func() { close(l.end) })
	return nil
}

// close ends chromedp's browser with all that it keeps, then detaches its session and
// waits until Chrome has done so, for 5 s at most.
func (l *link) close() {
	open := l.gate.drop(l)
	l.Close()
	l.stop()
	ctx, cancel := context.WithTimeoutCause(context.Background(), detachTimeout, ErrHung)
	defer cancel()
	for _, id := range open {
		// It fails where the session, or Chrome, has gone by itself.
		_, _ = cdp.Call(ctx, l.gate.conn.root, target.DetachFromTarget, target.DetachFromTargetParams{SessionID: id})
	}
}

// attached is a chromedp allocator for a browser that runs already.
type attached struct{ browser *chromedp.Browser }

// Allocate returns the running browser.
func (a attached) Allocate(context.Context, ...chromedp.BrowserOption) (*chromedp.Browser, error) {
	return a.browser, nil
}

// Wait has nothing to wait for.
func (a attached) Wait() {}

// Attaches says that chromedp did not start the browser and may not end it.
func (a attached) Attaches() bool { return true }
