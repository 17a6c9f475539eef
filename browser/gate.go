package browser

import (
	"context"
	"io"
	"sync"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/chromedp"
)

// gate lets chromedp work over the pipe that our own sessions use. chromedp sees a
// transport of its own: it gets the replies to its commands, the events of its own
// sessions, and the browser's events; our sessions stay out of its sight.
//
// chromedp enables ten domains for each tab that it attaches to, which costs a third
// of the pages per second; so it attaches only while a page's interactive steps run
// (see Tab.full).
type gate struct {
	conn    *conn
	browser *chromedp.Browser
	stop    context.CancelFunc
	end     chan struct{}
	once    sync.Once

	mu    sync.Mutex
	queue []*cdproto.Message
	wake  chan struct{}
}

// openGate returns the connection's gate, made at the first use.
func (c *conn) openGate() (*gate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gate != nil {
		return c.gate, nil
	}
	select {
	case <-c.closed:
		return nil, ErrGone
	default:
	}
	ctx, cancel := context.WithCancel(context.Background())
	g := &gate{conn: c, stop: cancel, end: make(chan struct{}), wake: make(chan struct{}, 1)}
	quiet := func(string, ...any) {}
	b, err := chromedp.NewBrowserTransport(ctx, g, chromedp.WithBrowserLogf(quiet), chromedp.WithBrowserErrorf(quiet))
	if err != nil {
		cancel()
		return nil, err
	}
	g.browser = b
	c.gate = g
	return g, nil
}

func (g *gate) push(msg *cdproto.Message) {
	g.mu.Lock()
	g.queue = append(g.queue, msg)
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// Read gives chromedp its next message.
func (g *gate) Read(ctx context.Context, msg *cdproto.Message) error {
	for {
		g.mu.Lock()
		if len(g.queue) > 0 {
			*msg = *g.queue[0]
			g.queue = g.queue[1:]
			g.mu.Unlock()
			return nil
		}
		g.queue = nil
		g.mu.Unlock()
		select {
		case <-g.wake:
		case <-g.end:
			return io.EOF
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Write sends chromedp's message.
func (g *gate) Write(ctx context.Context, msg *cdproto.Message) error { return g.conn.send(ctx, msg) }

// Close satisfies chromedp.Transport; the pipe itself belongs to conn.
func (g *gate) Close() error {
	g.once.Do(func() { close(g.end) })
	return nil
}

func (g *gate) close() {
	g.Close()
	g.stop()
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
