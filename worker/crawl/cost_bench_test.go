//go:build !race

// Under the race detector its figures would say nothing, and SQLite alone takes a minute to build.

package crawl_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// costPages is how many pages a run of the benchmark has; each leads to one that is new, and to ten that
// every page leads to.
const costPages = 400

// BenchmarkOwnCost says what a page costs a worker besides Chrome and besides reading what the page gave:
// a run with tabs that answer at once, and a database of SQLite. CPU is that of the process, by getrusage;
// allocations and garbage are those of the Go heap.
func BenchmarkOwnCost(b *testing.B) {
	shop := newShop(b)
	s := storetest.Open(b, storetest.SQLite(b))
	decode := costOf(b, shop.decodeAll)
	var whole cost
	for n := 0; b.Loop(); n++ {
		whole.add(costOf(b, func() error { return shop.run(s, n) }))
	}
	own := whole.over(float64(b.N)).less(decode)
	report := func(c cost, name string) {
		b.ReportMetric(c.cpu.Seconds()*1e3/costPages, name+"cpu-ms/page")
		b.ReportMetric(c.allocs/costPages, name+"allocs/page")
		b.ReportMetric(c.bytes/costPages, name+"B/page")
	}
	report(own, "")
	report(decode, "decode-")
	b.ReportMetric(0, "ns/op")
}

// shop is a site whose pages are ready made.
type shop struct {
	site   *sites.Site
	raw    map[string]json.RawMessage
	decode func(json.RawMessage, sites.PageInfo) (sites.Extract, error)
}

func newShop(tb testing.TB) *shop {
	tb.Helper()
	page := func(i int) string { return fmt.Sprintf("http://shop.example/products/%06d", i) }
	s := &shop{site: sites.New("shop", page(0)), raw: map[string]json.RawMessage{}}
	s.site.Limits = sites.Limits{Tabs: 4, PerHost: 4, Rate: 0, Pages: costPages, Depth: new(int)}
	*s.site.Limits.Depth = costPages
	s.site.Robots, s.site.Timeout = sites.RobotsIgnore, sites.Duration(time.Hour)
	s.site.Templates = []sites.Template{{
		Name: "product", Match: []sites.Pattern{"/**"},
		Items: []sites.ItemRule{{Fields: []sites.Field{
			{Name: "name", Source: sites.Source{CSS: "h1"}, Required: true}, {Name: "text", Source: sites.Source{CSS: "p"}},
		}}},
		Links: []sites.LinkRule{{Source: sites.Source{CSS: "a"}}},
	}}
	require.NoError(tb, s.site.Complete())
	for i := range costPages {
		var links []string
		for n := range 10 {
			links = append(links, page(n))
		}
		for n := range 2 { // a tree, so that several can be open at once
			if next := 2*i + 1 + n; next < costPages {
				links = append(links, page(next))
			}
		}
		raw, err := json.Marshal(map[string]any{
			"w": nil, "t": "Product", "u": page(i), "b": page(i), "n": []int64{4000, http.StatusOK},
			"i": []any{[]any{[]any{fmt.Sprintf("Product %d", i), strings.Repeat("text ", 60)}}},
			"s": []any{}, "l": []any{links}, "c": []any{}, "e": []any{},
		})
		require.NoError(tb, err)
		s.raw[page(i)] = raw
	}
	var err error
	s.decode, err = crawl.Decoder(s.site)
	require.NoError(tb, err)
	return s
}

// run makes a run of the site, from the database and back.
func (s *shop) run(db *store.Store, n int) error {
	ctx := context.Background()
	var run store.Run
	err := db.InTx(ctx, func(tx store.Tx) error {
		id, _, err := db.AddRun(ctx, tx, store.Run{Site: s.site.Name, ScheduledAt: time.UnixMilli(int64(n + 1)), Reason: store.ReasonManual, State: store.RunPlanned})
		if err != nil {
			return err
		}
		run, err = db.Claim(ctx, tx, id, "w1")
		return err
	})
	if err != nil {
		return err
	}
	summary, err := crawl.RunWithTabs(ctx, crawl.Options{
		Site: s.site, RunID: fmt.Sprint(n), Journal: db.Journal(run.ID, run.Attempt),
	}, func() crawl.Tab { return &readyTab{shop: s} })
	if err == nil && summary.Done != costPages {
		err = fmt.Errorf("%d pages are done", summary.Done)
	}
	if err != nil {
		return err
	}
	return db.InTx(ctx, func(tx store.Tx) error {
		_, err := db.Publish(ctx, tx, run.ID, run.Attempt, store.Ending{State: store.RunDone})
		return err
	})
}

// decodeAll reads what all pages give, as a run does.
func (s *shop) decodeAll() error {
	for url, raw := range s.raw {
		if _, err := s.decode(raw, sites.PageInfo{URL: url, Now: time.Now()}); err != nil {
			return err
		}
	}
	return nil
}

// readyTab is a tab that answers at once.
type readyTab struct {
	crawl.Tab // nothing else is called
	shop      *shop
	url       string
}

func (t *readyTab) Navigate(_ context.Context, url string) (browser.Response, error) {
	t.url = url
	return browser.Response{URL: url, Status: http.StatusOK}, nil
}

func (t *readyTab) Evaluate(context.Context, string) (json.RawMessage, error) {
	return t.shop.raw[t.url], nil
}

func (t *readyTab) URL() string                          { return t.url }
func (t *readyTab) Kept() bool                           { return false }
func (t *readyTab) Release(context.Context, error) error { return nil }

// cost is what something took.
type cost struct {
	cpu           time.Duration
	allocs, bytes float64
}

func (c *cost) add(o cost) {
	c.cpu, c.allocs, c.bytes = c.cpu+o.cpu, c.allocs+o.allocs, c.bytes+o.bytes
}

func (c cost) over(n float64) cost {
	return cost{time.Duration(float64(c.cpu) / n), c.allocs / n, c.bytes / n}
}

func (c cost) less(o cost) cost { return cost{c.cpu - o.cpu, c.allocs - o.allocs, c.bytes - o.bytes} }

// costOf measures what the process takes for something.
func costOf(tb testing.TB, do func() error) cost {
	tb.Helper()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := processTime(tb)
	require.NoError(tb, do())
	took := processTime(tb) - began
	runtime.ReadMemStats(&after)
	return cost{took, float64(after.Mallocs - before.Mallocs), float64(after.TotalAlloc - before.TotalAlloc)}
}

func processTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage unix.Rusage
	require.NoError(tb, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
