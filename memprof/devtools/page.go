package devtools

import (
	"context"
	"errors"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"

	"github.com/ebbworker/ebb/memprof"
)

var errPaused = errors.New("not asked: it did not answer the last time")

// readPage asks one page. Its isolate comes first, since two pages may share one.
func (s *Source) readPage(ctx context.Context, q memprof.Request, t Target) []memprof.Reading {
	p := page{s: s, t: t, subject: memprof.Subject{Browser: t.Browser, Kind: "page", Target: t.ID, URL: shortURL(t.URL, s.o.MaxURL), Site: t.Site}}
	if p.paused() {
		p.err = errPaused
	}
	p.isolate(ctx)
	p.heap(ctx)
	p.metrics(ctx)
	if q.Level >= memprof.LevelFull && !q.Tick {
		p.counters(ctx)
	}
	p.settle()
	return p.readings
}

// page is one page while it is asked.
type page struct {
	s        *Source
	t        Target
	subject  memprof.Subject
	readings []memprof.Reading
	err      error // a timeout, or that it is gone: nothing more is asked
}

func (p *page) add(metric string, value float64) {
	p.readings = append(p.readings, memprof.Reading{Metric: metric, Subject: p.subject, Value: value})
}

func (p *page) fail(metric string, err error) {
	p.readings = append(p.readings, memprof.Reading{Metric: metric, Subject: p.subject, Err: err})
}

// ask runs one command, unless an earlier one showed that it is no use.
func (p *page) ask(ctx context.Context, method string, params, result any) error {
	if p.err != nil {
		return p.err
	}
	err := callInto(ctx, p.s.o.Timeout, p.t.Session, method, params, result)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, memprof.ErrGone) {
		p.err = err
	}
	return err
}

// isolate names the page's isolate. Without the name each page counts for itself.
func (p *page) isolate(ctx context.Context) {
	var result runtime.GetIsolateIDResult
	if err := p.ask(ctx, runtime.CommandGetIsolateID, cdp.Empty{}, &result); err == nil {
		p.subject.Isolate = result.ID
	}
}

// heap reads Runtime.getHeapUsage. An older Chrome does not tell all of it.
func (p *page) heap(ctx context.Context) {
	var result struct {
		Used     *float64 `json:"usedSize"`
		Total    *float64 `json:"totalSize"`
		Embedder *float64 `json:"embedderHeapUsedSize"`
		Backing  *float64 `json:"backingStorageSize"`
	}
	if err := p.ask(ctx, runtime.CommandGetHeapUsage, cdp.Empty{}, &result); err != nil {
		p.fail("heap.*", err)
		return
	}
	p.optional("heap.used", result.Used)
	p.optional("heap.total", result.Total)
	p.optional("heap.embedder", result.Embedder)
	p.optional("heap.backing", result.Backing)
}

func (p *page) optional(metric string, value *float64) {
	if value == nil {
		p.fail(metric, errors.New("this Chrome does not tell it"))
		return
	}
	p.add(metric, *value)
}

// metrics reads Performance.getMetrics. It returns nothing until the domain is enabled.
func (p *page) metrics(ctx context.Context) {
	var result performance.GetMetricsResult
	err := p.ask(ctx, performance.CommandGetMetrics, cdp.Empty{}, &result)
	if err == nil && len(result.Metrics) == 0 {
		if err = p.ask(ctx, performance.CommandEnable, performance.EnableParams{}, new(cdp.Empty)); err == nil {
			p.s.state(p.t, func(state *pageState) { state.enabled = true })
			err = p.ask(ctx, performance.CommandGetMetrics, cdp.Empty{}, &result)
		}
	}
	if err == nil && len(result.Metrics) == 0 {
		err = errors.New("Performance.getMetrics: it is enabled but tells nothing")
	}
	if err != nil {
		p.fail("perf.*", err)
		return
	}
	for _, m := range result.Metrics {
		p.add("perf."+m.Name, m.Value)
	}
}

// counters reads Memory.getDOMCounters.
func (p *page) counters(ctx context.Context) {
	var result struct {
		Documents *float64 `json:"documents"`
		Nodes     *float64 `json:"nodes"`
		Listeners *float64 `json:"jsEventListeners"`
	}
	if err := p.ask(ctx, "Memory.getDOMCounters", cdp.Empty{}, &result); err != nil {
		p.fail("dom.*", err)
		return
	}
	p.optional("dom.documents", result.Documents)
	p.optional("dom.nodes", result.Nodes)
	p.optional("dom.listeners", result.Listeners)
}

// paused tells whether the page is left out of this reading, and counts it.
func (p *page) paused() (paused bool) {
	p.s.state(p.t, func(state *pageState) {
		if paused = state.pause > 0; paused {
			state.pause--
		}
	})
	return paused
}

// settle lets a page that did not answer be asked less often: it is left out of 1, 3, 7, ...
// readings, since each unanswered call stays in the queue of its renderer.
func (p *page) settle() {
	if errors.Is(p.err, errPaused) {
		return
	}
	p.s.state(p.t, func(state *pageState) {
		if !errors.Is(p.err, context.DeadlineExceeded) {
			state.failed, state.pause = 0, 0
			return
		}
		state.failed = min(state.failed+1, 16)
		state.pause = min(1<<state.failed-1, maxPause)
	})
}
