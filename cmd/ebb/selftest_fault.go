package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites/leaky"
)

// fault is a worker that does something wrong in each cycle: what no page can bring about. The
// twin of a fault does as much and gives it back.
type fault struct {
	kind  string
	keeps bool // what it takes
	pool  *browser.Pool

	heap     [][]byte
	files    []*os.File
	stop     chan struct{}
	routines sync.WaitGroup
}

// happen does it once.
func (f *fault) happen(ctx context.Context, _ int) error {
	switch f.kind {
	case leaky.FaultGoHeap:
		return f.takeHeap()
	case leaky.FaultGoroutines:
		return f.startRoutines()
	case leaky.FaultFiles:
		return f.openFiles()
	case leaky.FaultHandles:
		return f.takeHandle(ctx)
	case leaky.FaultPages:
		return f.inBrowser(ctx, "Target.createTarget", map[string]any{"url": "about:blank"}, "targetId", "Target.closeTarget")
	case leaky.FaultContexts:
		return f.inBrowser(ctx, "Target.createBrowserContext", map[string]any{}, "browserContextId", "Target.disposeBrowserContext")
	}
	return fmt.Errorf("no fault is called %q", f.kind)
}

func (f *fault) takeHeap() error {
	block := make([]byte, leaky.GoHeapBytes)
	for i := range block {
		block[i] = byte(i)
	}
	if f.keeps {
		f.heap = append(f.heap, block)
	}
	return nil
}

func (f *fault) startRoutines() error {
	if f.stop == nil || !f.keeps {
		f.stop = make(chan struct{})
	}
	stop := f.stop
	for range leaky.GoroutineCount {
		f.routines.Go(func() { <-stop })
	}
	if !f.keeps {
		f.end()
	}
	return nil
}

func (f *fault) openFiles() error {
	for range leaky.FileCount {
		file, err := os.Open(os.DevNull)
		if err != nil {
			return fmt.Errorf("open a file: %w", err)
		}
		f.files = append(f.files, file)
	}
	if !f.keeps {
		f.end()
	}
	return nil
}

// takeHandle evaluates by reference in each page that the pool keeps open.
func (f *fault) takeHandle(ctx context.Context) error {
	for _, t := range f.pool.Tabs() {
		var answer struct {
			Result struct {
				ObjectID string `json:"objectId"`
			} `json:"result"`
		}
		params := map[string]any{"expression": leaky.HandleExpression, "returnByValue": false}
		if err := t.Tab.Session().Call(ctx, "Runtime.evaluate", params, &answer); err != nil {
			return fmt.Errorf("take a handle: %w", err)
		}
		if answer.Result.ObjectID == "" {
			return errors.New("take a handle: the page gave none")
		}
		if f.keeps {
			continue
		}
		release := map[string]any{"objectId": answer.Result.ObjectID}
		if err := t.Tab.Session().Call(ctx, "Runtime.releaseObject", release, new(json.RawMessage)); err != nil {
			return fmt.Errorf("release a handle: %w", err)
		}
	}
	return nil
}

// inBrowser opens something in each Chrome, and closes it where it is not kept.
func (f *fault) inBrowser(ctx context.Context, open string, params map[string]any, id, shut string) error {
	for _, b := range f.pool.Browsers() {
		var made map[string]any
		if err := b.Session().Call(ctx, open, params, &made); err != nil {
			return fmt.Errorf("%s: %w", open, err)
		}
		if f.keeps {
			continue
		}
		if err := b.Session().Call(ctx, shut, map[string]any{id: made[id]}, new(json.RawMessage)); err != nil {
			return fmt.Errorf("%s: %w", shut, err)
		}
	}
	return nil
}

// end gives back what this program took.
func (f *fault) end() {
	if f.stop != nil {
		close(f.stop)
		f.stop = nil
	}
	f.routines.Wait()
	for _, file := range f.files {
		_ = file.Close()
	}
	f.files, f.heap = nil, nil
}
