package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/memory"
	"github.com/chromedp/cdproto/runtime"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// garbagePage holds some MB for as long as it is open: nodes, and objects that they hold. What garbage refers to is
// held by nothing.
const garbagePage = `<div id=d></div><script>
const rows = [], garbage = new WeakRef({});
for (let i = 0; i < 1200; i++) {
	const p = document.createElement('p');
	p.textContent = 'row ' + i + ' ' + Math.random();
	p.kept = { more: [i, String(Math.random()).repeat(8)], of: rows };
	rows.push(p);
	document.getElementById('d').append(p);
}
</script>`

// tidied visits so many pages in one tab, and returns the most that its renderer held between two pages,
// and what was told. after is called when each page has been given back.
func tidied(t *testing.T, pages int, page string, set func(*browser.PoolOptions), after ...func(context.Context, *browser.Lease)) (most int64, told []browser.Tidying) {
	t.Helper()
	ctx := within(t, 3*time.Minute)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "default-src 'unsafe-inline'; connect-src 'none'; img-src 'none'")
		fmt.Fprint(w, page)
	}))
	defer srv.Close()
	var mu sync.Mutex
	options := browser.PoolOptions{Launch: browsertest.LaunchOptions(t), Tabs: 1, OnTidy: func(d browser.Tidying) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, d)
	}}
	set(&options)
	p := browser.NewPool(options)
	defer func() { require.NoError(t, p.Close(browsertest.Within(t))) }()
	for i := range pages {
		l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
		require.NoError(t, err)
		_, err = l.Navigate(ctx, fmt.Sprintf("%s/?%d", srv.URL, i))
		require.NoError(t, err)
		_, err = l.Evaluate(ctx, `document.readyState === 'complete' || new Promise(ok => addEventListener('load', () => ok(true)))`)
		require.NoError(t, err)
		require.NoError(t, l.Release(ctx, nil))
		for _, look := range after {
			look(ctx, l)
		}
		if anon, known := browser.RendererAnon(ctx, l); known {
			most = max(most, anon)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return most, told
}

// Garbage is collected by pages too: what nothing holds is gone when the tab has been given back, and the documents
// that it has left go too, when V8 has time to sweep them.
func TestGarbageIsCollectedByPages(t *testing.T) {
	const every = 8
	pages, kept := 0, 0
	_, told := tidied(t, 2*every, garbagePage, func(o *browser.PoolOptions) { o.CollectPages = every }, func(ctx context.Context, l *browser.Lease) {
		held, err := cdp.Call(ctx, l.Session(), runtime.Evaluate, runtime.EvaluateParams{Expression: `garbage.deref() !== undefined`})
		require.NoError(t, err)
		if pages++; pages%every != 0 {
			if string(held.Result.Value) == "true" {
				kept++
			}
			return
		}
		require.Equal(t, "false", string(held.Result.Value), "after %d pages", pages)
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			counters, err := cdp.Call(ctx, l.Session(), memory.GetDOMCounters, cdp.Empty{})
			require.NoError(c, err)
			require.Less(c, counters.Documents, int64(every), "the open one and those before it, after %d pages", pages)
		}, 5*time.Second, 20*time.Millisecond)
	})
	require.Positive(t, kept, "after pages without a collection garbage is there")
	require.Len(t, told, 2)
	for _, d := range told {
		require.Equal(t, browser.TidyPages, d.Reason)
		require.False(t, d.Replaced)
		require.Equal(t, every, d.Pages)
	}
}

// A tab that is used again keeps the documents that it has left until V8 collects by itself: its renderer must
// stay near the mark all the same, whatever its pages allow themselves to load.
func TestATabsRendererStaysBelowTheMark(t *testing.T) {
	const mib, mark = 1 << 20, 60 << 20
	free, _ := tidied(t, 60, garbagePage, func(*browser.PoolOptions) {})
	most, told := tidied(t, 120, garbagePage, func(o *browser.PoolOptions) { o.TabMark = mark })
	t.Logf("most: %d MB without, %d MB with a mark of %d MB, %d collections", free/mib, most/mib, mark/mib, len(told))
	require.Greater(t, free, int64(2*mark), "these pages leave garbage")
	require.Less(t, most, int64(mark*3/2), "the mark, and what three pages leave")
	require.NotEmpty(t, told)
	for _, d := range told {
		require.Equal(t, browser.TidyMemory, d.Reason)
		require.False(t, d.Replaced, "collecting is enough")
		require.GreaterOrEqual(t, d.Held, int64(mark))
		require.Positive(t, d.Pages)
		require.Equal(t, "s", d.Site)
	}
}

// A tab whose renderer holds far more than the mark after a collection is closed, and another opened.
func TestATabThatStaysLargeIsReplaced(t *testing.T) {
	const mark = 1 << 20 // no renderer is below twice that; garbage is collected once from page 50 to 100 at least
	_, told := tidied(t, 110, `<p>x`, func(o *browser.PoolOptions) { o.CollectPages, o.TabMark = 50, mark })
	var replaced []browser.Tidying
	for _, d := range told {
		if d.Replaced {
			replaced = append(replaced, d)
		}
	}
	require.NotEmpty(t, replaced)
	require.LessOrEqual(t, len(replaced), 110/50, "no tab is replaced before its 50th page")
	for _, d := range replaced {
		require.Equal(t, browser.TidyMemory, d.Reason)
		require.GreaterOrEqual(t, d.Pages, 50)
		require.GreaterOrEqual(t, d.Held, int64(2*mark))
	}
}

// A page that keeps its thread does not keep its tab for longer than a moment, and its garbage is collected once it
// lets go.
func TestABusyPageIsNotWaitedForToCollect(t *testing.T) {
	ctx := within(t, time.Minute)
	busy, asked := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/busy" {
			close(asked)
			select {
			case <-busy:
			case <-ctx.Done():
			}
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, garbagePage)
	}))
	defer srv.Close()
	var told []browser.Tidying
	p := browser.NewPool(browser.PoolOptions{Launch: browsertest.LaunchOptions(t), Tabs: 1, CollectPages: 3, OnTidy: func(d browser.Tidying) {
		told = append(told, d)
	}})
	defer func() { require.NoError(t, p.Close(browsertest.Within(t))) }()
	visit := func(then string, until ...chan struct{}) {
		l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r", Isolation: browser.IsolateTab})
		require.NoError(t, err)
		_, err = l.Navigate(ctx, srv.URL)
		require.NoError(t, err)
		_, err = l.Evaluate(ctx, then)
		require.NoError(t, err)
		for _, ready := range until {
			<-ready
		}
		require.NoError(t, l.Release(ctx, nil))
	}
	visit("1")
	visit("1")
	visit(`setTimeout(() => { const r = new XMLHttpRequest(); r.open('GET', '/busy', false); r.send(); }, 0); 1`, asked)
	close(busy) // it was asked for its renderer and told to collect, and is busy still
	require.Len(t, told, 1)
	require.GreaterOrEqual(t, told[0].Took, time.Second, "the page is busy")
	visit("1")
	visit("1")
	visit("1")
	require.Len(t, told, 2)
}
