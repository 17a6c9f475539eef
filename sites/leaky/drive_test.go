package leaky

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
)

// journal remembers nothing but the items of the last page.
type journal struct{ items []sites.Item }

func (j *journal) Queue(context.Context, []crawl.PageRef) error { return nil }

func (j *journal) Save(_ context.Context, result crawl.PageResult) error {
	j.items = result.Items
	return nil
}

func (j *journal) Linger(bool) {}

func (j *journal) Retry(context.Context, crawl.PageRef, crawl.Class, string) error { return nil }

// driver runs cases in one Chrome, as the worker does.
type driver struct {
	pool   *browser.Pool
	server *Server
	base   string
	runs   int
	robots *crawl.RobotsCache
	spare  bool // Chrome may have a renderer ready that no page is in
}

// drive starts a server, and a Chrome that leaves popups open.
func drive(t testing.TB, flags ...string) *driver {
	t.Helper()
	s := New(Options{Growth: 100 * time.Millisecond, IdleAfter: 10 * time.Millisecond})
	web := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		web.Close()
	})
	o := browsertest.LaunchOptions(t)
	o.KeepPopups, o.Flags = true, flags
	pool := browser.NewPool(browser.PoolOptions{Launch: o, Tabs: 1})
	t.Cleanup(func() { require.NoError(t, pool.Close(browsertest.Within(t))) })
	return &driver{pool: pool, server: s, base: web.URL, robots: crawl.NewRobotsCache(crawl.RobotsOptions{}), spare: len(flags) > 0}
}

// drivers are those of the flags that cases need. What leaks in the GPU process has one of its own: the memory that
// pages before it gave back there would be taken first.
type drivers map[string]*driver

func (d drivers) of(t testing.TB, c Case) *driver {
	t.Helper()
	key := fmt.Sprint(c.Flags)
	if strings.HasSuffix(c.Metric, "/gpu-process") {
		key += c.Name
	}
	if d[key] == nil {
		d[key] = drive(t, c.Flags...)
	}
	return d[key]
}

// site is a case's site file, read.
func (d *driver) site(t testing.TB, c Case) *sites.Site {
	t.Helper()
	site, err := sites.Parse(c.Name+".yaml", d.server.SiteFile(c.Name, d.base))
	require.NoError(t, err)
	return site
}

// cycles runs a site so many times and returns the item of its page.
func (d *driver) cycles(t testing.TB, site *sites.Site, n int) string {
	t.Helper()
	j := &journal{}
	for range n {
		d.runs++
		summary, err := crawl.Run(browsertest.Within(t), crawl.Options{
			Site: site, RunID: fmt.Sprint(d.runs), Tabs: d.pool, Journal: j, Robots: d.robots, Final: true,
		})
		require.NoError(t, err)
		require.Empty(t, summary.FirstError)
		require.Len(t, j.items, 1)
	}
	return string(j.items[0].Data)
}

// browser is the pool's Chrome.
func (d *driver) browser(t testing.TB) *browser.Browser {
	t.Helper()
	browsers := d.pool.Browsers()
	require.Len(t, browsers, 1)
	return browsers[0]
}

// tab is the one that the pool has open.
func (d *driver) tab(t testing.TB) *browser.Tab {
	t.Helper()
	tabs := d.pool.Tabs()
	require.Len(t, tabs, 1)
	return tabs[0].Tab
}

// call asks Chrome for what it does not refuse.
func call[P, R any](t testing.TB, s cdp.Session, command cdp.Command[P, R], params P) R {
	t.Helper()
	result, err := cdp.Call(browsertest.Within(t), s, command, params)
	require.NoError(t, err)
	return result
}

// closePages closes every page, so that the next case begins with none,
// and waits until what belonged to them has gone as well.
func (d *driver) closePages(t testing.TB) {
	t.Helper()
	b := d.browser(t)
	own := ""
	if tabs := d.pool.Tabs(); len(tabs) > 0 {
		own = tabs[0].Tab.ID()
	}
	left := func() (list []browser.Target) {
		for _, open := range b.Targets() {
			blank := open.Type == "page" && open.URL == "about:blank" && open.ID != own
			if !blank && open.Type != "service_worker" {
				list = append(list, open)
			}
		}
		return list
	}
	for _, open := range left() {
		if open.Type == "page" {
			call(t, b.Session(), target.CloseTarget, target.CloseTargetParams{TargetID: target.ID(open.ID)})
		}
	}
	eventually(t, func() bool { return len(left()) == 0 && len(d.pool.Tabs()) == 0 }, "pages are to close")
	if d.spare {
		return
	}
	// A renderer ends a little after its page: the next case's figures are not to fall by it.
	eventually(t, func() bool { return len(processesOf(t, d, "renderer")) <= len(b.Targets()) }, "renderers are to end")
}

// eventually waits for a condition, which is asked in the test's own goroutine so that it
// may fail the test.
func eventually(t testing.TB, condition func() bool, what string, args ...any) {
	t.Helper()
	late := time.After(10 * time.Second)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !condition() {
		select {
		case <-again.C:
		case <-late:
			require.FailNow(t, "too late: "+fmt.Sprintf(what, args...))
		}
	}
}
