package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
)

// worldName names the isolated world in which Evaluate runs: it sees the document but
// none of the page's own JavaScript, and the page sees nothing of it.
const worldName = "ebb"

// Evaluate runs an expression in the isolated world of the main frame, waits for its
// promise, and returns its value as JSON (null for undefined). When a navigation takes
// the document away meanwhile, the expression runs again in the new one.
func (t *Tab) Evaluate(ctx context.Context, expression string) (json.RawMessage, error) {
	t.endSteps()
	return t.evaluate(ctx, expression, inIsolation, mayTakeLong)
}

// Extract is Evaluate for an expression that takes little processor time: what the page's scripts may take without a
// pause (LeaseOptions.MaxScript) holds for it too. That saves asking Chrome what it is that runs.
func (t *Tab) Extract(ctx context.Context, expression string) (json.RawMessage, error) {
	t.endSteps()
	return t.isolated(ctx, expression)
}

// EvaluateMain is Evaluate in the page's own world, where its scripts may have
// replaced anything.
func (t *Tab) EvaluateMain(ctx context.Context, expression string) (json.RawMessage, error) {
	return t.evaluate(ctx, expression, mayTakeLong)
}

// isolated is Evaluate for use among interactive steps, which stay possible.
func (t *Tab) isolated(ctx context.Context, expression string) (json.RawMessage, error) {
	return t.evaluate(ctx, expression, inIsolation)
}

// trait is what is special of an evaluation.
type trait int

const (
	inIsolation trait = iota // in the isolated world; else in the page's own
	mayTakeLong              // the guard lets it, as it does not let the page's scripts
)

// maxMoves is how often a document may be taken away from under one evaluation.
const maxMoves = 10

func (t *Tab) evaluate(ctx context.Context, expression string, traits ...trait) (json.RawMessage, error) {
	for moves := 0; ; moves++ {
		raw, err := t.evaluateOnce(ctx, expression, traits)
		if err == nil || !isMoved(err) || ctx.Err() != nil {
			return raw, err
		}
		if moves == maxMoves {
			return nil, fmt.Errorf("%w: the document was replaced %d times: %w", ErrRedirects, moves, err)
		}
		t.mu.Lock()
		t.world = 0
		t.mu.Unlock()
		// The new document may need a moment; the event of its commit resets the world.
		select {
		case <-time.After(time.Duration(moves) * 5 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (t *Tab) evaluateOnce(ctx context.Context, expression string, traits []trait) (json.RawMessage, error) {
	params := cdpruntime.EvaluateParams{Expression: expression, AwaitPromise: new(true), ReturnByValue: new(true), Silent: new(true)}
	if slices.Contains(traits, inIsolation) {
		world, err := t.isolatedWorld(ctx)
		if err != nil {
			return nil, err
		}
		params.ContextID = world
	}
	var to cdp.Session = t.session
	if slices.Contains(traits, mayTakeLong) {
		script, over := t.session.guard.runs()
		defer over()
		to = script
	}
	drawn := t.drawFor()
	res, err := cdp.Call(ctx, to, cdpruntime.Evaluate, params)
	drawn(err)
	if err != nil {
		return nil, err
	}
	if ex := res.ExceptionDetails; ex != nil {
		return nil, scriptError(ex)
	}
	if res.Result == nil || len(res.Result.Value) == 0 {
		return json.RawMessage("null"), nil
	}
	return json.RawMessage(res.Result.Value), nil
}

func scriptError(ex *cdpruntime.ExceptionDetails) *ScriptError {
	text := ex.Text
	if o := ex.Exception; o != nil {
		switch {
		case o.Description != "":
			text = o.Description
		case len(o.Value) > 0:
			text += " " + string(o.Value)
		}
	}
	return &ScriptError{Message: text}
}

// isolatedWorld returns the execution context of the isolated world of the document
// that is open now.
func (t *Tab) isolatedWorld(ctx context.Context) (cdpruntime.ExecutionContextID, error) {
	t.mu.Lock()
	world := t.world
	t.mu.Unlock()
	if world != 0 {
		return world, nil
	}
	res, err := cdp.Call(ctx, t.session, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: cdp.FrameID(t.id), WorldName: worldName})
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	t.world = res.ExecutionContextID
	t.mu.Unlock()
	return res.ExecutionContextID, nil
}

// isMoved says whether an error means that a navigation replaced the document.
func isMoved(err error) bool {
	var e interface{ Error() string }
	if !errors.As(err, &e) {
		return false
	}
	text := err.Error()
	for _, part := range []string{
		"Cannot find context with specified id", "Execution context was destroyed", "Inspected target navigated or closed",
		"Cannot find default execution context", "Promise was collected", "No frame for given id found", "uniqueContextId not found",
	} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
