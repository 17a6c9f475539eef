package memprof

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// controlled is what is read of a Chrome with a page, and a control beside it.
func controlled(renderer, control float64) []Reading {
	page := func(metric, target, site string, value float64) Reading {
		return Reading{Metric: metric, Value: value, Subject: Subject{Browser: "1", Kind: "page", Target: target, Site: site, Isolate: target}}
	}
	return []Reading{
		reading("process.count", "browser", 1), reading("process.anon", "browser", 10),
		reading("process.count", "renderer", 1), reading("process.anon", "renderer", renderer),
		reading("process.count", ControlGroup, 1), reading("process.anon", ControlGroup, control),
		reading("page.read", "", 1), page("page.read", "", ControlSite, 1),
		page("heap.used", "a", "shop", renderer), page("heap.used", "c", ControlSite, control),
		reading("context.count", "", 1), reading("target.count", "page", 1), reading("target.count", ControlGroup, 1),
	}
}

var (
	controlAnon = Series{"process.anon", ControlGroup}
	controlHeap = Series{"heap.used", ControlGroup}
)

func TestTheControlIsSummedApart(t *testing.T) {
	totals := NewTotals(full, controlled(100, 5000))
	known(t, totals, chromeAnon, 110)
	known(t, totals, Series{"process.count", Chrome}, 2)
	known(t, totals, heapUsed, 100)
	known(t, totals, Series{Metric: "page.read"}, 1)
	known(t, totals, Series{"target.count", "page"}, 1)
	known(t, totals, controlAnon, 5000)
	known(t, totals, controlHeap, 5000)
	known(t, totals, Series{"target.count", ControlGroup}, 1)
	// Without a control there is none of its pages, and no more is known of them.
	totals = NewTotals(full, []Reading{reading("process.count", "renderer", 1), reading("page.read", "", 1), reading("heap.used", "page", 1)})
	known(t, totals, Series{"process.count", ControlGroup}, 0)
	unknown(t, totals, controlHeap)
}

// What fails of the control spoils its own totals only, and what fails elsewhere none of its.
func TestAFailureOfTheControlIsItsOwn(t *testing.T) {
	failed := errors.New("no")
	readings := append(controlled(100, 5000),
		Reading{Metric: "page.*", Subject: Subject{Kind: "page", Site: ControlSite}, Err: failed},
		gap("process.anon", ControlGroup, failed))
	totals := NewTotals(full, readings)
	require.Equal(t, []string{"page.*/control", "process.anon/control"}, totals.Missing)
	known(t, totals, chromeAnon, 110)
	known(t, totals, heapUsed, 100)
	unknown(t, totals, controlAnon)
	unknown(t, totals, controlHeap)

	totals = NewTotals(full, append(controlled(100, 5000), gap("page.*", "page", failed), gap("process.anon", "renderer", failed)))
	known(t, totals, controlAnon, 5000)
	known(t, totals, controlHeap, 5000)
	unknown(t, totals, chromeAnon)
	unknown(t, totals, heapUsed)
	totals = NewTotals(full, append(controlled(100, 5000), gap("process.*", "", failed)))
	unknown(t, totals, controlAnon)
}

// Changes and peaks of the control are those of any series.
func TestTheControlHasChangesAndPeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meterable{}
		r := newRecorder(t, Options{Sources: []Source{m}})
		m.set(controlled(100, 1000)...)
		c := r.Cycle("demo")
		p := c.Phase(Scrape, "shop")
		time.Sleep(time.Second)
		m.set(controlled(120, 1700)...)
		p.End(t.Context())
		s := c.End(t.Context())
		require.Equal(t, 700.0, deltaOf(s, controlAnon, "scrape shop"))
		require.Equal(t, 20.0, deltaOf(s, chromeAnon, "scrape shop"))
		require.Equal(t, 1700.0, s.Peaks[controlHeap].Value)
		require.Equal(t, 130.0, s.Peaks[chromeAnon].Value)
	})
}

// Totals by kind have one over all kinds too.
func TestTotalsByKindHaveASum(t *testing.T) {
	readings := []Reading{
		reading("isolate.read", "", 2), reading("isolate.heap_used", "worker", 10), reading("isolate.heap_used", "service_worker", 5),
		reading("profile.files", "", 3), reading("profile.bytes", "http-cache", 7), reading("profile.bytes", "other", 1),
	}
	totals := NewTotals(full, readings)
	known(t, totals, Series{Metric: "isolate.heap_used"}, 15)
	known(t, totals, Series{"isolate.heap_used", "worker"}, 10)
	known(t, totals, Series{"isolate.heap_used", "iframe"}, 0)
	known(t, totals, Series{Metric: "profile.bytes"}, 8)
	known(t, totals, Series{"profile.bytes", "cookies"}, 0)
	unknown(t, totals, Series{Metric: "storage.bytes"})
	totals = NewTotals(full, append(readings, gap("isolate.*", "worker", fmt.Errorf("asked: %w", ErrLate))))
	unknown(t, totals, Series{Metric: "isolate.heap_used"})
	unknown(t, totals, Series{"isolate.heap_used", "worker"})
	known(t, totals, Series{"isolate.heap_used", "service_worker"}, 5)
}
