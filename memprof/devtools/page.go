package devtools

import (
	"context"
	"errors"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"

	"github.com/ebbworker/ebb/memprof"
)

var (
	errNotTold = errors.New("this Chrome does not tell it")
	errEmpty   = errors.New("Performance.getMetrics: it is enabled but tells nothing")
)

// figures is what a page answered.
type figures struct {
	isolate runtime.GetIsolateIDResult
	heap    heapFigures
	metrics performance.GetMetricsResult
	dom     struct {
		Documents *float64 `json:"documents"`
		Nodes     *float64 `json:"nodes"`
		Listeners *float64 `json:"jsEventListeners"`
	}
	tree struct {
		Top frameTree `json:"frameTree"`
	}
	isolateErr, heapErr, metricsErr, domErr, treeErr error
}

// page is one page with its readings.
type page struct {
	t        Target
	subject  memprof.Subject
	readings []memprof.Reading
	err      error // that it is gone or late as a whole
	isolate  string

	// What it keeps for its origins, if it was asked.
	asked   bool
	kept    []kept
	keptErr error
}

// readPage asks one page.
func (s *Source) readPage(ctx context.Context, q memprof.Request, t Target, l *line) page {
	p := page{t: t, subject: memprof.Subject{Browser: t.Browser, Kind: "page", Target: t.ID, URL: shortURL(t.URL, s.o.MaxURL), Site: t.site()}}
	all := isFull(q)
	f, err := inquire(ctx, l, s.o.Patience, func(ctx context.Context) figures { return askPage(ctx, l, all) })
	if err == nil {
		err = decisive(f.isolateErr, f.heapErr, f.metricsErr, f.domErr, f.treeErr)
	}
	if p.err = err; err != nil {
		p.add("page.*", 0, err)
		return p
	}
	p.isolate = f.isolate.ID
	p.subject.Isolate = p.isolate // without it the page counts for itself
	p.heap(f)
	p.perf(f)
	if all {
		p.dom(f)
		s.readKept(ctx, &p, f, l)
	}
	return p
}

// askPage runs all commands at once: they wait for the same main thread.
func askPage(ctx context.Context, l *line, all bool) (f figures) {
	var wg sync.WaitGroup
	wg.Go(func() { f.isolateErr = l.call(ctx, runtime.CommandGetIsolateID, cdp.Empty{}, &f.isolate) })
	wg.Go(func() { f.heapErr = l.call(ctx, runtime.CommandGetHeapUsage, cdp.Empty{}, &f.heap) })
	wg.Go(func() { f.metrics, f.metricsErr = l.metrics(ctx) })
	if all {
		wg.Go(func() { f.domErr = l.call(ctx, "Memory.getDOMCounters", cdp.Empty{}, &f.dom) })
		wg.Go(func() { f.treeErr = l.call(ctx, cdppage.CommandGetFrameTree, cdp.Empty{}, &f.tree) })
	}
	wg.Wait()
	return f
}

// metrics runs Performance.getMetrics. It returns nothing until the domain is enabled.
func (l *line) metrics(ctx context.Context) (result performance.GetMetricsResult, err error) {
	err = l.call(ctx, performance.CommandGetMetrics, cdp.Empty{}, &result)
	if err != nil || len(result.Metrics) > 0 {
		return result, err
	}
	if err = l.call(ctx, performance.CommandEnable, performance.EnableParams{}, new(cdp.Empty)); err != nil {
		return result, err
	}
	l.enabled.Store(true)
	err = l.call(ctx, performance.CommandGetMetrics, cdp.Empty{}, &result)
	if err == nil && len(result.Metrics) == 0 {
		err = errEmpty
	}
	return result, err
}

func (p *page) heap(f figures) {
	if f.heapErr != nil {
		p.add("heap.*", 0, f.heapErr)
		return
	}
	p.optional("heap.used", f.heap.Used)
	p.optional("heap.total", f.heap.Total)
	p.optional("heap.embedder", f.heap.Embedder)
	p.optional("heap.backing", f.heap.Backing)
}

func (p *page) perf(f figures) {
	if f.metricsErr != nil {
		p.add("perf.*", 0, f.metricsErr)
		return
	}
	for _, m := range f.metrics.Metrics {
		p.add("perf."+m.Name, m.Value, nil)
	}
}

func (p *page) dom(f figures) {
	if f.domErr != nil {
		p.add("dom.*", 0, f.domErr)
		return
	}
	p.optional("dom.documents", f.dom.Documents)
	p.optional("dom.nodes", f.dom.Nodes)
	p.optional("dom.listeners", f.dom.Listeners)
}

func (p *page) add(metric string, value float64, err error) {
	p.readings = append(p.readings, memprof.Reading{Metric: metric, Subject: p.subject, Value: value, Err: err})
}

func (p *page) optional(metric string, value *float64) {
	if value == nil {
		p.add(metric, 0, errNotTold)
		return
	}
	p.add(metric, *value, nil)
}

// failed tells whether the page gave no answer or an error, but not that it is gone.
func (p *page) failed() bool {
	if errors.Is(p.err, memprof.ErrGone) {
		return false
	}
	if p.keptErr != nil {
		return true
	}
	for _, r := range p.readings {
		if r.Err != nil {
			return true
		}
	}
	return false
}

// gone makes one gap of all the page's readings.
func (p *page) gone() {
	p.err, p.readings, p.asked = memprof.ErrGone, nil, false
	p.add("page.*", 0, p.err)
}
