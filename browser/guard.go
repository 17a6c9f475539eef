package browser

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	cdpruntime "github.com/chromedp/cdproto/runtime"
)

// guard ends a script of a tab's page that keeps everybody waiting. It does nothing while calls are
// answered quickly. When one waits, it asks the page something that only its main thread answers.
// Where no answer comes it asks what Chrome lets a running script interrupt itself for (Chromium 156):
// an answer says that a script is what runs. How much of the processor it got meanwhile is read from
// the kernel. So a page that is slow because the machine is busy, that waits for something, or that is
// being laid out is left alone.
//
// Whose time that is, spell finds out. The tab does not tell: only an idle main thread answers RendererPID, so
// what was told before a script keeps that thread is the process of an earlier document, which may have been
// another, and most scripts that do not end run while their document loads. Nor is Chrome made to tell the
// thread's time with its answer (Performance.enable): a page could then send what it likes into the pipe,
// by console.timeStamp, as fast as it likes.
type guard struct {
	session *session
	root    int // the pid of Chrome's main process
	// limit is how much processor time a script may take without a pause, in nanoseconds; 0 is any.
	limit atomic.Int64
	moves atomic.Int64 // how many documents the tab has shown

	mu       sync.Mutex // owns what follows
	waiting  int        // calls that are in flight
	timer    *time.Timer
	watching bool
	own      map[*ownScript]bool
}

// ownScript is an expression of a caller's that is sent to the page. It may take as long as the caller
// lets it, but for what it waits for. It is the session by which it is sent.
type ownScript struct {
	*session
	ahead  <-chan *cdproto.Message // answered by the main thread just before it gets the expression
	behind <-chan *cdproto.Message // answered when it has come to the expression's end, or to where it waits
	forget []func()
}

// Call sends the expression, and the question behind it.
func (o *ownScript) Call(ctx context.Context, method string, params, result any) error {
	defer o.guard.enter()()
	return o.conn.callThen(ctx, o.session, method, params, result, func() {
		if o.guard.limit.Load() > 0 {
			behind, forget := o.ask(cdpruntime.CommandGetIsolateID)
			o.guard.mu.Lock()
			defer o.guard.mu.Unlock()
			o.behind, o.forget = behind, append(o.forget, forget)
		}
	})
}

const (
	// guardPatience is how long a call may wait before anything is asked.
	guardPatience = 250 * time.Millisecond
	// guardPause is the time between two questions that are answered.
	guardPause = 300 * time.Millisecond
	// guardTick is the time between two looks while no answer comes.
	guardTick = 100 * time.Millisecond
)

func newGuard(s *session, root int) *guard {
	return &guard{session: s, root: root, own: map[*ownScript]bool{}}
}

// enter notes a call that waits for the tab until leave is called.
func (g *guard) enter() (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting++
	if g.waiting == 1 && g.limit.Load() > 0 {
		if g.timer == nil {
			g.timer = time.AfterFunc(guardPatience, g.watch)
		} else {
			g.timer.Reset(guardPatience)
		}
	}
	return g.leave
}

func (g *guard) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting--; g.waiting == 0 && g.timer != nil {
		g.timer.Stop()
	}
}

// runs notes an expression of ours that is sent next, until it has been answered.
func (g *guard) runs() (script *ownScript, over func()) {
	script = &ownScript{session: g.session}
	if g.limit.Load() <= 0 {
		return script, func() {}
	}
	ahead, forget := g.session.ask(cdpruntime.CommandGetIsolateID)
	g.mu.Lock()
	defer g.mu.Unlock()
	script.ahead, script.forget = ahead, []func(){forget}
	g.own[script] = true
	return script, func() {
		g.mu.Lock()
		delete(g.own, script)
		forgets := script.forget
		g.mu.Unlock()
		for _, forget := range forgets {
			forget()
		}
	}
}

// ours says whether an expression of ours may be what runs: the main thread has come to it, and
// not to its end.
func (g *guard) ours() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for script := range g.own {
		if len(script.ahead) > 0 && len(script.behind) == 0 {
			return true
		}
	}
	return false
}

// needed says whether somebody waits.
func (g *guard) needed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting > 0
}

// claim says whether the caller is the one who watches.
func (g *guard) claim() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	claimed := !g.watching && g.waiting > 0
	g.watching = g.watching || claimed
	return claimed
}

// watch asks until nobody waits any more.
func (g *guard) watch() {
	if !g.claim() {
		return
	}
	defer g.rest()
	for g.needed() && g.asked() {
		select {
		case <-g.session.done:
			return
		case <-time.After(guardPause):
		}
	}
}

// rest ends the watch. Who has come to wait in the very moment gets a new one.
func (g *guard) rest() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.watching = false
	select {
	case <-g.session.done:
	default:
		if g.waiting > 0 {
			g.timer.Reset(guardPatience)
		}
	}
}

// asked asks the main thread and waits for its answer, or until nobody waits. It returns false when the
// tab has ended, also by it.
func (g *guard) asked() bool {
	answer, forget := g.session.ask(cdpruntime.CommandGetIsolateID)
	defer forget()
	var script spell
	moves := g.moves.Load()
	for g.needed() {
		select {
		case <-answer:
			return true
		case <-g.session.done:
			return false
		case <-time.After(guardTick):
		}
		if now := g.moves.Load(); now != moves || g.ours() {
			script, moves = spell{}, now
		}
		if g.ours() {
			continue
		}
		if !g.running() || len(answer) > 0 {
			continue
		}
		if limit := time.Duration(g.limit.Load()); limit > 0 && script.look(threadsOf(g.root)) >= limit {
			g.session.giveUp(fmt.Errorf("%w: it took %s of processor time without a pause", ErrScript, limit))
			return false
		}
	}
	return true
}

// running says whether a script is what keeps the main thread: Chrome lets it interrupt itself for this
// question, of which the answer does not matter.
func (g *guard) running() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return g.session.conn.call(ctx, g.session, performance.CommandGetMetrics, cdp.Empty{}, nil) == nil
}

// ask sends a command without parameters whose answer may be waited for until forget is called.
func (s *session) ask(method string) (answer <-chan *cdproto.Message, forget func()) {
	c := s.conn
	id := c.nextID.Add(1)
	reply := make(chan *cdproto.Message, 1)
	c.mu.Lock()
	c.pending[id] = reply
	c.mu.Unlock()
	forget = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.pending, id)
	}
	b, err := encode(&cdproto.Message{ID: id, SessionID: s.id, Method: cdproto.MethodType(method)})
	if err != nil {
		return reply, forget
	}
	select {
	case c.out <- b:
	default: // a pipe that takes no more is a Chrome that does not answer
	}
	return reply, forget
}

// giveUp ends the script that runs in the tab's page, and the session: whoever waits is told why.
func (s *session) giveUp(why error) {
	s.post(cdpruntime.CommandTerminateExecution, cdp.Empty{})
	s.end(why)
}
