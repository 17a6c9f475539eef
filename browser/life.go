package browser

import (
	"fmt"
	"time"

	"github.com/chromedp/cdproto/browser"
)

const (
	// lifeTick is the time between two looks at Chrome's main process, and restTick that between two when it is
	// asked nothing and has said nothing for restAfter.
	lifeTick, restTick, restAfter = time.Second, 5 * time.Second, 30 * time.Second
	// maxStopped is how long that process may stand still (SIGSTOP) before it is killed.
	maxStopped = 5 * time.Second
	// maxSilent is how long nothing may come from Chrome while calls wait. Then it is asked for a sign of
	// life, and killed when none comes for as long again.
	maxSilent = 15 * time.Second
)

// watchLife kills a Chrome that is stopped, or that is silent although it was asked: its leases would
// wait for it, each for as long as its page may take. It ends with Chrome.
func (b *Browser) watchLife() {
	tick := time.NewTimer(lifeTick)
	defer tick.Stop()
	stopped, asked := 0, false
	for {
		select {
		case <-b.exited:
			return
		case <-tick.C:
		}
		if st, err := readStat(b.cmd.Process.Pid); err == nil && st.state == 'T' {
			stopped++ // counted here: time passes for a worker that was stopped too
		} else {
			stopped = 0
		}
		silent := b.conn.silent()
		switch {
		case time.Duration(stopped)*lifeTick >= maxStopped:
			b.giveUp(fmt.Sprintf("it was stopped for %s and was killed", maxStopped))
		case silent < maxSilent:
			asked = false
		case !asked:
			asked = true
			b.conn.heard.Store(time.Now().UnixNano())
			b.conn.root.post(browser.CommandGetVersion, struct{}{})
		default:
			b.giveUp(fmt.Sprintf("it gave no sign of life for %s and was killed", 2*maxSilent))
		}
		if stopped == 0 && b.conn.rests() {
			tick.Reset(restTick)
		} else {
			tick.Reset(lifeTick)
		}
	}
}

// giveUp kills Chrome for a reason.
func (b *Browser) giveUp(why string) {
	b.killedFor.CompareAndSwap(nil, &why)
	b.Kill()
}

// silent is how long nothing has come from Chrome although calls wait.
func (c *conn) silent() time.Duration {
	c.mu.Lock()
	waiting := len(c.pending)
	c.mu.Unlock()
	if waiting == 0 {
		return 0
	}
	return c.quiet()
}

// quiet is how long nothing has come from Chrome.
func (c *conn) quiet() time.Duration { return time.Since(time.Unix(0, c.heard.Load())) }

// rests tells whether Chrome is asked nothing and has said nothing for some time.
func (c *conn) rests() bool { return c.silent() == 0 && c.quiet() >= restAfter }
