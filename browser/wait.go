package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
)

// Condition is what WaitFor waits for. Exactly one of the fields is set.
type Condition struct {
	// Selector is a CSS selector that must match.
	Selector string
	// Function is a JavaScript expression that must become truthy in the page's own
	// world.
	Function string
	// Event is load, dom or network-idle (no request for 500 ms).
	Event string
}

// idleTime is how long no request may run for the network to count as idle.
const idleTime = 500 * time.Millisecond

// selectorScript waits for a selector through a MutationObserver.
const selectorScript = `(([css, limit]) => new Promise((resolve, reject) => {
  const has = () => document.querySelector(css) !== null;
  try { if (has()) return resolve(true); } catch (e) { return reject(e); }
  const watch = new MutationObserver(() => { if (has()) end(true); });
  const timer = setTimeout(() => end(false), limit);
  const end = ok => { watch.disconnect(); clearTimeout(timer); resolve(ok); };
  watch.observe(document, {childList: true, subtree: true, attributes: true, characterData: true});
}))`

// eventScript waits until the document is parsed, or loaded.
const eventScript = `(([event, limit]) => new Promise(resolve => {
  const done = () => event === "load" ? document.readyState === "complete" : document.readyState !== "loading";
  if (done()) return resolve(true);
  const timer = setTimeout(() => resolve(false), limit);
  const check = () => { if (done()) { clearTimeout(timer); resolve(true); } };
  document.addEventListener("readystatechange", check);
  window.addEventListener("load", () => setTimeout(check, 0));
}))`

// functionScript asks for the value of an expression every 50 ms.
const functionScript = `(() => new Promise((resolve, reject) => {
  const end = performance.now() + %d;
  const test = async () => { const v = (%s
); return typeof v === "function" ? v() : v; };
  const ask = () => test().then(v => {
    if (v) resolve(true);
    else if (performance.now() >= end) resolve(false);
    else setTimeout(ask, 50);
  }, reject);
  ask();
}))()`

// WaitFor waits for a condition; the context bounds it. When the time is up the error
// wraps context.DeadlineExceeded and names the condition.
func (t *Tab) WaitFor(ctx context.Context, c Condition) error {
	var raw json.RawMessage
	var err error
	var what string
	switch {
	case c.Selector != "":
		what = "selector " + c.Selector
		raw, err = t.isolated(ctx, call(selectorScript, []any{c.Selector, millisLeft(ctx)}))
	case c.Function != "":
		what = "function " + firstLine(c.Function, 80)
		raw, err = t.evaluate(ctx, fmt.Sprintf(functionScript, millisLeft(ctx), c.Function))
	case c.Event == "load", c.Event == "dom":
		what = c.Event
		raw, err = t.isolated(ctx, call(eventScript, []any{c.Event, millisLeft(ctx)}))
	case c.Event == "network-idle":
		what = c.Event
		err = t.waitIdle(ctx)
		raw = json.RawMessage("true")
	default:
		return fmt.Errorf("wait: unknown condition %+v", c)
	}
	if err == nil && string(raw) != "true" {
		err = context.DeadlineExceeded
	}
	if err != nil {
		return fmt.Errorf("wait for %s: %w", what, err)
	}
	return nil
}

// millisLeft is the time that a context leaves, in milliseconds, less a little so that
// the script answers before the call ends.
func millisLeft(ctx context.Context) int64 {
	end, ok := ctx.Deadline()
	if !ok {
		return callTimeout.Milliseconds() - 100
	}
	left := time.Until(end)
	return max(0, (left - min(left/20, 50*time.Millisecond)).Milliseconds())
}

// call writes the call of a script with one argument, which goes in as JSON and never
// as code.
func call(script string, argument any) string {
	b, err := json.Marshal(argument)
	if err != nil {
		panic(err) // only strings and numbers come here
	}
	return script + "(" + string(b) + ")"
}

// waitIdle waits until the document has been without requests once since it began, and
// no request has run for 500 ms now.
func (t *Tab) waitIdle(ctx context.Context) error {
	wake := make(chan struct{}, 1)
	note := func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	idle := make(chan struct{}, 1)
	open := map[network.RequestID]bool{} // only the reading goroutine touches it
	counts := make(chan int, 1)
	publish := func() {
		select {
		case <-counts:
		default:
		}
		counts <- len(open)
		note()
	}
	ended := func(id network.RequestID) { delete(open, id); publish() }
	offs := []func(){
		listen(t.session, network.RequestWillBeSent, func(ev network.EventRequestWillBeSent) { open[ev.RequestID] = true; publish() }),
		listen(t.session, network.LoadingFinished, func(ev network.EventLoadingFinished) { ended(ev.RequestID) }),
		listen(t.session, network.LoadingFailed, func(ev network.EventLoadingFailed) { ended(ev.RequestID) }),
		listen(t.session, page.LifecycleEvent, func(ev page.EventLifecycleEvent) {
			if ev.Name == "networkIdle" && string(ev.FrameID) == string(t.id) {
				select {
				case idle <- struct{}{}:
				default:
				}
			}
		}),
	}
	defer func() {
		for _, off := range offs {
			off()
		}
		t.session.post(network.CommandDisable, cdp.Empty{})
		t.session.post(page.CommandSetLifecycleEventsEnabled, page.SetLifecycleEventsEnabledParams{Enabled: false})
	}()
	small := int64(1 << 20) // Chrome keeps bodies for a debugger who never asks
	_, err1 := cdp.Call(ctx, t.session, network.Enable, network.EnableParams{MaxTotalBufferSize: new(small), MaxResourceBufferSize: new(small)})
	_, err2 := cdp.Call(ctx, t.session, page.SetLifecycleEventsEnabled, page.SetLifecycleEventsEnabledParams{Enabled: true})
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	select {
	case <-idle:
	case <-t.session.done:
		return t.session.reason()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return t.quiet(ctx, wake, counts)
}

// quiet waits until no request has been open for idleTime.
func (t *Tab) quiet(ctx context.Context, wake <-chan struct{}, counts <-chan int) error {
	running := 0
	timer := time.NewTimer(idleTime)
	defer timer.Stop()
	for {
		select {
		case <-wake:
			select {
			case running = <-counts:
			default:
			}
			timer.Reset(idleTime)
		case <-timer.C:
			if running == 0 {
				return nil
			}
			timer.Reset(idleTime)
		case <-t.session.done:
			return t.session.reason()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// isTimeout says whether an error means that time ran out.
func isTimeout(err error) bool {
	var timed interface{ Timeout() bool }
	if errors.As(err, &timed) && timed.Timeout() {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrHung) || strings.Contains(err.Error(), "deadline exceeded")
}
