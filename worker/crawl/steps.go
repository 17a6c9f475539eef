package crawl

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// steps does a template's steps in order.
func (v *visit) steps(ctx context.Context, steps []sites.Step) error {
	for i, step := range steps {
		for range max(step.Times, 1) {
			class := ClassTimeout
			switch {
			case step.Click != "", step.Type != nil, step.Select != nil:
				class = ClassSelector // it waits for something to be there
			case step.Wait != nil:
				class = waitClass(*step.Wait)
			}
			err := v.limited(ctx, step.Timeout, class, func(ctx context.Context) error { return v.step(ctx, step) })
			if err == nil {
				continue
			}
			if step.Optional && harmless(ctx, err) {
				break
			}
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

// harmless reports whether a visit can go on after an error in an optional step or wait:
// the tab lives, and the page has time left.
func harmless(ctx context.Context, err error) bool {
	switch classOf(err) {
	case ClassCrash, ClassMemory, ClassHung, ClassBrowser, ClassInternal:
		return false
	}
	return ctx.Err() == nil
}

// limited bounds a step or a wait by its own timeout. The class is that of the fault when
// it passes while the page has time left. A limit as long as the page's own is made a
// little shorter, so that the fault can still name what was waited for.
func (v *visit) limited(ctx context.Context, limit sites.Duration, class Class, do func(context.Context) error) error {
	limit = beforePage(limit, v.run.limits.page)
	bounded, cancel := context.WithTimeout(ctx, time.Duration(limit))
	defer cancel()
	err := do(bounded)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return &fault{class: class, err: fmt.Errorf("not within %s: %w", time.Duration(limit), err)}
	}
	return err
}

// step does one step once.
func (v *visit) step(ctx context.Context, step sites.Step) error {
	lease := v.lease
	switch {
	case step.Click != "":
		return lease.Click(ctx, step.Click)
	case step.Type != nil:
		return v.input(step.Type, func(text string) error { return lease.Type(ctx, step.Type.Into, text) })
	case step.Press != "":
		return lease.Press(ctx, step.Press)
	case step.Select != nil:
		return v.input(step.Select, func(text string) error { return lease.Select(ctx, step.Select.Into, text) })
	case step.Scroll != "":
		return lease.ScrollEnd(ctx)
	case step.Wait != nil:
		return v.waitOne(ctx, *step.Wait)
	case step.Sleep > 0:
		return sleep(ctx, time.Duration(step.Sleep))
	case step.Evaluate != "":
		_, err := lease.EvaluateMain(ctx, step.Evaluate)
		return err
	case step.Back:
		return lease.Back(ctx)
	case step.Goto != "":
		return v.goTo(ctx, step.Goto)
	}
	return errors.New("a step says nothing to do")
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// goTo opens another page in the middle of a visit. robots.txt and the host's rate hold
// for it as for any page.
func (v *visit) goTo(ctx context.Context, target string) error {
	base, err := url.Parse(v.lease.URL())
	if err != nil {
		return fmt.Errorf("read the page's URL: %w", err)
	}
	key, err := v.run.site.Canonical(target, base)
	if err != nil {
		return &fault{class: ClassType, err: fmt.Errorf("go to %s: %w", target, err)}
	}
	u, err := url.Parse(key)
	if err != nil {
		return fmt.Errorf("go to %s: %w", target, err)
	}
	if err := v.run.allowed(ctx, u); err != nil {
		return fmt.Errorf("go to %s: %w", target, err)
	}
	v.turn.spend()
	response, err := v.lease.Navigate(ctx, absolute(target, base))
	if err != nil {
		return err
	}
	return statusFault(response.Status, retryAfter(response.Header, time.Now()))
}

// secretName is ${NAME} in a step's text.
var secretName = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// input puts the values of ${NAME} into a text just before it is used. No error that
// comes back holds one of them.
func (v *visit) input(input *sites.Input, use func(text string) error) error {
	var values []string
	var missing error
	text := secretName.ReplaceAllStringFunc(input.Text, func(ref string) string {
		name := ref[2 : len(ref)-1]
		value, ok := v.run.options.Secret(name)
		if !ok {
			missing = &fault{class: ClassInvalid, err: fmt.Errorf("the text for %s needs %s, which is not set", input.Into, name)}
		} else if value != "" {
			values = append(values, value)
		}
		return value
	})
	if missing != nil {
		return missing
	}
	err := use(text)
	if err == nil || len(values) == 0 {
		return err
	}
	return redact(err, values)
}

// redact is an error whose text holds none of the values. Its chain ends here, since the
// errors below still hold them; what callers test for is kept as the class.
func redact(err error, values []string) error {
	text := err.Error()
	for _, value := range values {
		text = strings.ReplaceAll(text, value, "***")
	}
	clean := errors.New(text)
	for _, row := range sentinelClasses {
		if errors.Is(err, row.err) {
			clean = &cleanError{text: text, is: row.err}
			break
		}
	}
	return &fault{class: classOf(err), err: clean}
}

// cleanError has the text of an error without its secrets, and stands for a sentinel.
type cleanError struct {
	text string
	is   error
}

func (e *cleanError) Error() string { return e.text }
func (e *cleanError) Unwrap() error { return e.is }

// waitOne waits for one condition, as a step.
func (v *visit) waitOne(ctx context.Context, wait sites.Wait) error {
	program := v.run.site.CompileWait(inTime(v.run.site, wait))
	if err := v.waitBefore(ctx, program.Before); err != nil || program.WaitExpression == "" {
		return err
	}
	return v.waitInPage(ctx, program)
}

// waitBefore waits for what a page cannot wait for by itself.
func (v *visit) waitBefore(ctx context.Context, waits []sites.Wait) error {
	for _, wait := range waits {
		condition := browser.Condition{Selector: wait.Selector, Function: wait.Function, Event: string(wait.Event)}
		err := v.limited(ctx, wait.Timeout, waitClass(wait), func(ctx context.Context) error {
			return v.lease.WaitFor(ctx, condition)
		})
		if err != nil && !(wait.Optional && harmless(ctx, err)) {
			return err
		}
	}
	return nil
}

// waitInPage waits for what the page itself waits for.
func (v *visit) waitInPage(ctx context.Context, program *sites.Program) error {
	raw, err := v.lease.Evaluate(ctx, program.WaitExpression)
	if err != nil {
		return err
	}
	return waitFault(program.DecodeWait(raw))
}
