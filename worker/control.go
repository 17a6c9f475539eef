package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/ebbworker/ebb/browser"
)

// control is a page in the Chrome that is measured which leaks a known amount each cycle: what the
// judge must find for its answer to count. It has a browser context and a renderer of its own, and
// its figures are kept apart from all others.
type control struct {
	page *browser.Apart
}

// What the control leaks per cycle. The figures of the heap hold what the objects themselves take
// beside their content, as Chromium 156 has them.
const (
	controlTouched   = 1 << 20   // an array buffer that is filled, bytes
	controlUntouched = 256 << 10 // an array buffer that is not
	controlDoubles   = 8192      // numbers of 8 bytes in an array
	controlNodes     = 25        // elements in no document, each with a listener
)

// truth is what the control grows by per cycle, by metric.
func (c *control) truth() map[string]float64 {
	truth := map[string]float64{
		"heap.backing":          controlUntouched,
		"heap.used":             8*controlDoubles + 3000,
		"perf.Nodes":            controlNodes,
		"perf.JSEventListeners": controlNodes,
	}
	if c.told() {
		truth["heap.backing"] += controlTouched
		truth["process.anon"] = controlTouched + 8*controlDoubles
	}
	return truth
}

// told says whether the control's renderer is known. If it is not, what the control touches would
// count as the sites': then it touches no more than it must.
func (c *control) told() bool { return c.page.Renderer != 0 }

// controlScript leaks once. What it keeps is a linked list: it grows by the same amount each time,
// as an array does not.
const controlScript = `(() => {
	const kept = {next: globalThis.ebbControl, nodes: [], touched: new Uint8Array(%d).fill(1), untouched: new ArrayBuffer(%d), numbers: new Array(%d).fill(1.5)};
	for (let i = 0; i < %d; i++) {
		const node = document.createElement("i");
		node.addEventListener("ebb", () => kept);
		kept.nodes.push(node);
	}
	globalThis.ebbControl = kept;
	return 1;
})()`

// plantControl opens the control and lets its code run once, so that what the code itself takes
// is there before the first reading.
func plantControl(ctx context.Context, b *browser.Browser) (*control, error) {
	page, err := b.OpenApart(ctx)
	if err != nil {
		return nil, fmt.Errorf("plant the control leak: %w", err)
	}
	c := &control{page: page}
	for range 2 {
		if err := c.leak(ctx); err != nil {
			return nil, errors.Join(err, page.Close(context.WithoutCancel(ctx)))
		}
	}
	return c, nil
}

// leak leaks once.
func (c *control) leak(ctx context.Context) error {
	touched := 0
	if c.told() {
		touched = controlTouched
	}
	script := fmt.Sprintf(controlScript, touched, controlUntouched, controlDoubles, controlNodes)
	if _, err := c.page.EvaluateMain(ctx, script); err != nil {
		return fmt.Errorf("let the control leak: %w", err)
	}
	return nil
}
