package memprof

import "sync"

// observer hands the values of a recording to a function, in their order and one at a time. No
// lock is held meanwhile. Whoever has added a value delivers it, and what others have added
// since; while one goroutine does so, the others wait or leave it to that one.
type observer struct {
	fn func(any) // nil for none

	mu        sync.Mutex // guards what follows
	moved     *sync.Cond // delivered has risen
	queue     []any
	added     uint64 // values so far
	delivered uint64
	busy      bool
}

func newObserver(fn func(any)) *observer {
	o := &observer{fn: fn}
	o.moved = sync.NewCond(&o.mu)
	return o
}

// add queues a value; the caller holds the lock that gives the values their order.
func (o *observer) add(v any) {
	if o.fn == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, v)
	o.added++
}

// deliver hands over what is queued. While another goroutine does so, it waits until that one
// has come so far, if it is told to wait.
func (o *observer) deliver(wait bool) {
	if o.fn == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy {
		for upTo := o.added; wait && o.delivered < upTo; {
			o.moved.Wait()
		}
		return
	}
	o.busy = true
	defer func() {
		o.busy = false
		o.moved.Broadcast()
	}()
	for len(o.queue) > 0 {
		batch := o.queue
		o.queue = nil
		o.hand(batch)
		o.delivered += uint64(len(batch))
		o.moved.Broadcast()
	}
}

// hand calls the function without the lock, which the caller holds before and after.
func (o *observer) hand(batch []any) {
	o.mu.Unlock()
	defer o.mu.Lock()
	for _, v := range batch {
		o.fn(v)
	}
}
