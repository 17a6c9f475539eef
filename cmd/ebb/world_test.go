package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/sites/demo"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
)

// patience bounds every wait of these tests for something that must come.
const patience = 3 * time.Minute

// world is what the processes of one test work with: the demo sites, served by the
// test, and a private temporary folder.
type world struct {
	t        *testing.T
	demo     *demo.Server
	server   *httptest.Server
	chrome   string // the Chrome that the processes use
	temp     string // the processes' TMPDIR, for them alone
	home     string
	sites    string // a folder of site files
	database string
	env      []string // of the processes, beside what they all have

	mu      sync.Mutex // owns what follows
	asked   map[string]int
	down    bool
	request func(r *http.Request) // called before each request is answered
}

// newWorld serves the demo sites and writes their site files, which load neither
// images nor styles, that the tests may be quick.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, demo: demo.New(demo.Options{}), chrome: browsertest.Executable(t).Path, asked: map[string]int{}}
	w.server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.server.Close)
	var err error
	w.temp, err = os.MkdirTemp("", "accept-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(w.temp)) })
	require.NoError(t, os.Chmod(w.temp, 0o777|os.ModeSticky)) // Chrome runs as another user than root
	w.home = t.TempDir()
	w.sites = filepath.Join(w.home, "sites")
	w.database = filepath.Join(w.home, "ebb.db")
	require.NoError(t, os.Mkdir(w.sites, 0o755))
	for name, text := range w.demo.SiteFiles(w.server.URL) {
		w.writeSite(name, string(text)+"\nblock: {kinds: [image, stylesheet, font]}\n")
	}
	return w
}

// writeSite writes a site file into the folder of sites and returns its path.
func (w *world) writeSite(name, text string) string {
	w.t.Helper()
	file := filepath.Join(w.sites, name)
	require.NoError(w.t, os.WriteFile(file, []byte(text), 0o644))
	return file
}

// removeSites empties the folder of sites.
func (w *world) removeSites() {
	w.t.Helper()
	require.NoError(w.t, os.RemoveAll(w.sites))
	require.NoError(w.t, os.Mkdir(w.sites, 0o755))
}

func (w *world) serve(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.asked[r.URL.RequestURI()]++
	down, request := w.down, w.request
	w.mu.Unlock()
	if request != nil {
		request(r)
	}
	if down {
		http.Error(out, "the shop is closed", http.StatusInternalServerError)
		return
	}
	w.demo.Handler().ServeHTTP(out, r)
}

// setDown makes the server answer nothing but errors, or work again.
func (w *world) setDown(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

// onRequest names what is called before each request is answered; nil is nothing.
func (w *world) onRequest(do func(r *http.Request)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.request = do
}

// afterRequests returns a channel that is closed when n more requests have come in,
// before the last of them is answered.
func (w *world) afterRequests(n int) <-chan struct{} {
	var mu sync.Mutex
	came := make(chan struct{})
	w.onRequest(func(*http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if n--; n == 0 {
			close(came)
		}
	})
	return came
}

// askedFor is how often a page was asked for.
func (w *world) askedFor(page string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[strings.TrimPrefix(page, w.server.URL)]
}

// open opens the database for the test's own questions.
func (w *world) open() *store.Store {
	w.t.Helper()
	s, err := store.Open(w.t.Context(), w.database)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, s.Close()) })
	return s
}

// runs are the runs in the database that were begun, the earliest first.
func (w *world) runs(s *store.Store, filter store.RunFilter) []store.Run {
	w.t.Helper()
	latest, err := s.Runs(w.t.Context(), filter)
	require.NoError(w.t, err)
	var runs []store.Run
	for i := len(latest) - 1; i >= 0; i-- {
		runs = append(runs, latest[i])
	}
	return runs
}

// requireWhole holds that every page of a run was visited, once.
func (w *world) requireWhole(s *store.Store, run store.Run) {
	w.t.Helper()
	name := fmt.Sprintf("run %d of %s at %s", run.ID, run.Site, run.ScheduledAt)
	require.Equal(w.t, store.RunDone, run.State, "%s: %s", name, run.Error)
	want := w.demo.PagesOf(run.Site)
	require.Equal(w.t, store.PageCounts{Done: want}, run.Pages, name)
	seen := map[string]bool{}
	for page, err := range s.Pages(w.t.Context(), run.ID) {
		require.NoError(w.t, err)
		require.Equal(w.t, crawl.PageDone, page.State, "%s: %s", name, page.URL)
		require.False(w.t, seen[page.URL], "%s: %s is there twice", name, page.URL)
		seen[page.URL] = true
		require.NotZero(w.t, w.askedFor(page.URL), "%s: the server was never asked for %s", name, page.URL)
	}
	require.Len(w.t, seen, want, name)
}

// requireTruth holds that the stored items of some sites are those of the demo sites,
// each once.
func (w *world) requireTruth(s *store.Store, siteNames ...string) {
	w.t.Helper()
	type name struct{ site, kind, key string }
	got := map[name]json.RawMessage{}
	for _, site := range siteNames {
		for item, err := range s.Items(w.t.Context(), store.ItemFilter{Site: site}) {
			require.NoError(w.t, err)
			n := name{item.Site, item.Kind, item.Key}
			require.NotContains(w.t, got, n, "stored twice")
			got[n] = item.Data
		}
	}
	wanted := 0
	for _, truth := range w.demo.Truth(w.server.URL) {
		n := name{truth.Site, truth.Kind, truth.Key}
		if !slices.Contains(siteNames, truth.Site) {
			continue
		}
		wanted++
		require.Contains(w.t, got, n)
		require.True(w.t, sameJSON(truth.Data, got[n]), "%v is\n%s\nnot\n%s", n, got[n], truth.Data)
	}
	require.Len(w.t, got, wanted)
}

// requireNothingLeft holds that no Chrome of this test runs, and that its temporary
// folder is empty.
func (w *world) requireNothingLeft() {
	w.t.Helper()
	entries, err := os.ReadDir(w.temp)
	require.NoError(w.t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	require.Empty(w.t, names, "left in the temporary folder")
	require.Empty(w.t, w.chromes(), "processes are left")
}

// chromes are the command lines that name a file below the temporary folder.
func (w *world) chromes() []string {
	w.t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(w.t, err)
	var found []string
	for _, file := range all {
		line, err := os.ReadFile(file)
		if err == nil && bytes.Contains(line, []byte(w.temp+"/")) {
			found = append(found, path.Base(path.Dir(file))+": "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// value reads one value with a query of the test's own.
func value[T any](t *testing.T, s *store.Store, query string) (v T) {
	t.Helper()
	require.NoError(t, s.InTx(t.Context(), func(tx store.Tx) error {
		return tx.QueryRow(context.Background(), query).Scan(&v)
	}))
	return v
}
