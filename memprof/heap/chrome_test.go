package heap_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof/devtools"
	"github.com/ebbworker/ebb/memprof/heap"
)

// leaks is a page's script: each function keeps a known amount in a known place.
const leaks = `class Entry { constructor(i) { this.text = 'entry ' + i } }
window.cache = new Map();
window.lost = [];
window.head = null;
const callbacks = [];
let total = 0;

function keepEntries(n) { for (let i = 0; i < n; i++) cache.set('key ' + cache.size, new Entry(cache.size)) }
function keepDetached(n) { for (let i = 0; i < n; i++) lost.push(document.createElement('section')) }
function keepList(n) { for (let i = 0; i < n; i++) head = {next: head, bytes: new Array(10).fill(total++)} }
function keepCallbacks(n) {
  for (let i = 0; i < n; i++) {
    const big = new Array(100).fill(i);
    callbacks.push(function onEvent() { return big });
  }
}
function churn(n) {
  for (let i = 0; i < n; i++) document.body.append(Object.assign(document.createElement('article'), {onclick: () => i}));
  document.body.replaceChildren();
  window.state = {items: new Array(n).fill(0).map((_, i) => new Entry(i))};
}
`

// serve serves a page with the leaks.
func serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/leaks.js" {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = io.WriteString(w, leaks)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<title>page</title><script src="/leaks.js"></script><body></body>`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func evaluate(t *testing.T, tab *browser.Lease, expression string) {
	t.Helper()
	_, err := tab.EvaluateMain(browsertest.Within(t), expression)
	require.NoError(t, err)
}

func open(t *testing.T, tab *browser.Lease, url string) {
	t.Helper()
	_, err := tab.Navigate(browsertest.Within(t), url)
	require.NoError(t, err)
	evaluate(t, tab, `new Promise(done => document.readyState === 'complete' ? done(0) : addEventListener('load', () => done(0)))`)
}

// snapshot takes one, and reads it from its file.
func snapshot(t *testing.T, tab *browser.Lease) *heap.Snapshot {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "page.heapsnapshot"))
	require.NoError(t, err)
	defer f.Close()
	_, err = devtools.TakeHeapSnapshot(browsertest.Within(t), tab.Session(), f, devtools.SnapshotOptions{MaxHeap: devtools.AutomaticHeap})
	require.NoError(t, err)
	s, err := heap.Open(f.Name(), heap.Options{})
	require.NoError(t, err)
	return s
}

// grow takes three snapshots, with something done before each.
func grow(t *testing.T, tab *browser.Lease, do func(round int)) *heap.Diff {
	t.Helper()
	c := heap.NewComparison(heap.CompareOptions{})
	for round := range 3 {
		do(round)
		require.NoError(t, c.Add(fmt.Sprint(round), snapshot(t, tab)))
	}
	d, err := c.Diff()
	require.NoError(t, err)
	return d
}

func TestARealPagesDetachedNodesAndFunctions(t *testing.T) {
	tab := browsertest.Lease(t)
	url := serve(t)
	open(t, tab, url)
	d := grow(t, tab, func(int) { evaluate(t, tab, "keepDetached(7); keepCallbacks(3); churn(9); 0") })
	require.Equal(t, 14, d.Detached.Count)
	require.Equal(t, []int{7, 14, 21}, []int{d.Snapshots[0].Detached, d.Snapshots[1].Detached, d.Snapshots[2].Detached})
	require.Equal(t, "window.lost[7] : <section>", d.Detached.Tags[0].Chain.Words)
	require.Len(t, d.Closures, 1)
	onEvent := d.Closures[0]
	line := 1 + strings.Count(leaks[:strings.Index(leaks, "onEvent")], "\n")
	require.Equal(t, []any{"onEvent", url + "/leaks.js", line, 6, 9}, []any{onEvent.Function, onEvent.Script, onEvent.Line, onEvent.Growth, onEvent.Count})

	m := snapshot(t, tab).Summarize(heap.SummaryOptions{})
	require.Equal(t, 21, m.Detached.Count)
	require.Equal(t, []any{"<section>", 21, "window.lost[0] : <section>"}, []any{m.Detached.Groups[0].Name, m.Detached.Groups[0].Count, m.Detached.Groups[0].Chain.Words})
	require.Equal(t, 9, m.Closures[0].Count)
	require.Greater(t, m.Closures[0].Retained, uint64(9*100*4), "the arrays that only they see")
	require.Positive(t, m.Bytes)
	for _, c := range m.Constructors {
		require.GreaterOrEqual(t, c.Retained, c.Bytes, c.Name)
		require.LessOrEqual(t, c.Retained, m.Bytes, c.Name)
	}
}

// A page that is loaded again and again, and keeps what it gets from its storage.
func TestARealPageThatIsLoadedAgain(t *testing.T) {
	tab := browsertest.Lease(t)
	url := serve(t)
	d := grow(t, tab, func(round int) {
		open(t, tab, url)
		evaluate(t, tab, fmt.Sprintf("keepEntries(%d); 0", 100*(round+1)))
	})
	require.NotEmpty(t, d.Paths)
	require.Equal(t, "window.cache : Map -> table : (array)", d.Paths[0].Path)
}
