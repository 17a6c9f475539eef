package browser

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// steps is chromedp's own session to a tab. Its queries and mouse events need ten
// domains and a mirror of the document, so it is attached when the first interactive
// step comes and detached before the next navigation or extraction.
type steps struct {
	mu     sync.Mutex
	tab    context.Context // chromedp keeps its target in a context
	detach func()
	drawn  *drawing // of a tab that draws lazily
}

// full returns chromedp's context for the tab.
func (t *Tab) full(ctx context.Context) (context.Context, error) {
	t.steps.mu.Lock()
	defer t.steps.mu.Unlock()
	if t.steps.tab != nil {
		return t.steps.tab, nil
	}
	l, err := t.browser.conn.openGate().open()
	if err != nil {
		return nil, fmt.Errorf("attach for steps: %w", err)
	}
	base, freeBase := chromedp.NewAllocatorContext(context.Background(), attached{browser: l.browser})
	tab, freeTab := chromedp.NewContext(base, chromedp.WithTargetID(t.id), chromedp.WithDetachOnCancel())
	free := func() {
		// The link detaches. Were chromedp to do so, it would first stop reading what the
		// tab says, and could wait behind it for the reply.
		l.close()
		freeTab()
		freeBase()
	}
	// The first run ties chromedp's handling of the tab to its context, so it gets the
	// tab's own; the caller's bounds it from outside.
	ended := make(chan error, 1)
	go func() { ended <- chromedp.Do(tab) }()
	select {
	case err = <-ended:
	case <-t.session.done:
		err = t.session.reason()
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		free()
		return nil, fmt.Errorf("attach for steps: %w", err)
	}
	t.steps.tab, t.steps.detach = tab, free
	if t.lazy {
		t.steps.drawn = t.draw(0, true)
	}
	return tab, nil
}

// endSteps detaches chromedp, if it is attached.
func (t *Tab) endSteps() {
	t.steps.mu.Lock()
	defer t.steps.mu.Unlock()
	if t.steps.detach != nil {
		t.steps.detach()
		t.steps.tab, t.steps.detach = nil, nil
		if t.steps.drawn != nil {
			t.steps.drawn.stop()
			t.steps.drawn = nil
		}
	}
}

// run runs a chromedp action under the caller's time limit, and until the tab ends.
func (t *Tab) run(ctx, tab context.Context, action chromedp.Action[chromedp.Void]) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	bounded, cancel := context.WithCancel(tab)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-t.session.done:
			cancel()
		case <-stop:
		}
	}()
	err := chromedp.Do(bounded, action)
	switch {
	case err == nil:
		return nil
	case t.Err() != nil:
		return t.Err()
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

// step runs one action on the element that a selector finds, once it is there.
func (t *Tab) step(ctx context.Context, what, css string, action chromedp.Action[chromedp.Void]) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTimeout)
		defer cancel()
	}
	defer t.session.guard.enter()()
	tab, err := t.full(ctx)
	if err == nil {
		err = t.run(ctx, tab, action)
	}
	if err == nil {
		return nil
	}
	if css != "" && errors.Is(err, context.DeadlineExceeded) && t.Err() == nil {
		return fmt.Errorf("%s: %w within its time: %s", what, ErrNoElement, css)
	}
	return fmt.Errorf("%s %s: %w", what, css, err)
}

// Click clicks the first visible element that a CSS selector finds, with the mouse.
func (t *Tab) Click(ctx context.Context, css string) error {
	return t.step(ctx, "click", css, chromedp.Click(chromedp.CSS(css)))
}

// Type types text into the first visible element that a CSS selector finds, key by
// key. The text is in no error.
func (t *Tab) Type(ctx context.Context, css, text string) error {
	err := t.step(ctx, "type into", css, chromedp.SendKeys(chromedp.CSS(css), text))
	if err != nil && text != "" && strings.Contains(err.Error(), text) {
		return fmt.Errorf("type into %s: Chrome refused the text", css)
	}
	return err
}

// keys are the names of keys that are not characters.
var keys = map[string]string{
	"Enter": kb.Enter, "Tab": kb.Tab, "Escape": kb.Escape, "Backspace": kb.Backspace, "Delete": kb.Delete, "Space": " ",
	"ArrowUp": kb.ArrowUp, "ArrowDown": kb.ArrowDown, "ArrowLeft": kb.ArrowLeft, "ArrowRight": kb.ArrowRight,
	"Home": kb.Home, "End": kb.End, "PageUp": kb.PageUp, "PageDown": kb.PageDown,
	"F1": kb.F1, "F2": kb.F2, "F3": kb.F3, "F4": kb.F4, "F5": kb.F5, "F6": kb.F6,
	"F7": kb.F7, "F8": kb.F8, "F9": kb.F9, "F10": kb.F10, "F11": kb.F11, "F12": kb.F12,
}

// Press presses one key in the element that has the focus: a name such as Enter,
// Escape or ArrowDown, or one character.
func (t *Tab) Press(ctx context.Context, key string) error {
	code, ok := keys[key]
	if !ok {
		if len([]rune(key)) != 1 {
			return fmt.Errorf("press %q: no key has this name", key)
		}
		code = key
	}
	return t.step(ctx, "press "+key, "", chromedp.KeyEvent(code))
}

// selectScript chooses an option as a person would: it fires input and change.
const selectScript = `(([css, want]) => {
  const el = document.querySelector(css);
  if (!el) return "none";
  const options = Array.from(el.options || []);
  const found = options.find(o => o.value === want) || options.find(o => o.label.trim() === want);
  if (!found) return "option";
  el.focus();
  el.value = found.value;
  el.dispatchEvent(new Event("input", {bubbles: true}));
  el.dispatchEvent(new Event("change", {bubbles: true}));
  return "";
})`

// Select chooses the option with a value, or else with a label, in the first <select>
// that a CSS selector finds.
func (t *Tab) Select(ctx context.Context, css, value string) error {
	if err := t.WaitFor(ctx, Condition{Selector: css}); err != nil {
		return fmt.Errorf("select in %s: %w", css, err)
	}
	raw, err := t.isolated(ctx, call(selectScript, []string{css, value}))
	switch {
	case err != nil:
		return fmt.Errorf("select in %s: %w", css, err)
	case string(raw) == `"none"`:
		return fmt.Errorf("select in %s: %w", css, ErrNoElement)
	case string(raw) == `"option"`:
		return fmt.Errorf("select in %s: %w: it has no such option", css, ErrNoElement)
	}
	return nil
}

// scrollScript scrolls to the end until the document has not grown for half a second.
const scrollScript = `(([limit]) => new Promise(resolve => {
  const begun = performance.now();
  const el = document.scrollingElement || document.documentElement;
  let height = -1, since = begun;
  const go = () => {
    const now = performance.now(), h = el.scrollHeight;
    if (h !== height) { height = h; since = now; }
    window.scrollTo(0, h);
    window.dispatchEvent(new Event("scroll"));
    if (now - since >= 500 || now - begun >= limit) resolve(now - since >= 500);
    else setTimeout(go, 50);
  };
  go();
}))`

// ScrollEnd scrolls to the end of the document, again and again while more of it is
// loaded, until it has not grown for half a second. The context bounds it.
func (t *Tab) ScrollEnd(ctx context.Context) error {
	if t.lazy {
		defer t.draw(0, true).stop()
	}
	raw, err := t.isolated(ctx, call(scrollScript, []any{millisLeft(ctx)}))
	if err != nil {
		return fmt.Errorf("scroll to the end: %w", err)
	}
	if string(raw) != "true" {
		return fmt.Errorf("scroll to the end: the page still grew: %w", context.DeadlineExceeded)
	}
	return nil
}
