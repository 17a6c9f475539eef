package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/ebbworker/ebb/worker/store"
)

// sectionPages is the number of pages of the small site: a front page and a page for
// each of its five sections.
const sectionPages = 6

// smallSite is a site file of a few pages of the demo's news. more is added at its end.
func (w *world) smallSite(name, more string) string {
	w.t.Helper()
	return w.writeSite(name+".yaml", fmt.Sprintf(`name: %s
start: [%s/news/]
limits: {rate: none, per_host: 4, tabs: 4, retries: 0}
block: {kinds: [image, stylesheet, font]}
follow: {allow: ["/news/", "/news/*/"]}
templates:
  - name: front
    match: ["/news/"]
    links: [{css: header nav a, template: section}]
    items:
      - name: section
        each: {css: header nav a}
        key: [name]
        fields: {name: {xpath: .}, url: {xpath: ., attr: href, type: url, required: true}}
  - name: section
    match: ["/news/*/"]
    items:
      - name: heading
        key: [url]
        fields: {title: {css: h1, required: true}, url: {const: "{url}"}}
%s`, name, w.server.URL, more))
}

// hold lets the requests whose path begins with a prefix wait, until let is called.
// came is closed when the first has come in.
func (w *world) hold(prefix string) (came <-chan struct{}, let func()) {
	first, free := make(chan struct{}), make(chan struct{})
	var once, freed sync.Once
	w.onRequest(func(r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, prefix) {
			return
		}
		once.Do(func() { close(first) })
		select {
		case <-free:
		case <-r.Context().Done():
		}
	})
	let = func() { freed.Do(func() { close(free) }) }
	w.t.Cleanup(let)
	return first, let
}

// theRun is the one run that was begun.
func (w *world) theRun(s *store.Store) store.Run {
	w.t.Helper()
	var begun []store.Run
	for _, run := range w.runs(s, store.RunFilter{}) {
		if run.Attempt > 0 && run.Pages != (store.PageCounts{}) {
			begun = append(begun, run)
		}
	}
	require.Len(w.t, begun, 1)
	return begun[0]
}

// smallWorld has the small site alone, due every second.
func smallWorld(t *testing.T) *world {
	w := newWorld(t)
	w.removeSites()
	w.smallSite("sections", `schedule: "@every 1s"`)
	return w
}

// requireSections holds that the one run of the small site has all its pages.
func (w *world) requireSections(s *store.Store) store.Run {
	w.t.Helper()
	run := w.theRun(s)
	require.Equal(w.t, store.RunDone, run.State, run.Error)
	require.Equal(w.t, store.PageCounts{Done: sectionPages}, run.Pages)
	require.Equal(w.t, store.ItemCounts{New: sectionPages - 1 + sectionPages - 1}, run.Items)
	return run
}

// goesOn starts another worker, which completes the run that was interrupted.
func (w *world) goesOn(s *store.Store, left store.Run) {
	w.t.Helper()
	w.onRequest(nil)
	require.Equal(w.t, 0, w.ebb("run", "--cycles", "1").wait())
	run := w.requireSections(s)
	require.Equal(w.t, left.ID, run.ID, "the same run goes on")
	require.Equal(w.t, left.Attempt+1, run.Attempt)
	require.Zero(w.t, run.Failures)
	w.requireNothingLeft()
}

func TestNormalEndLeavesNothing(t *testing.T) {
	w := smallWorld(t)
	require.Equal(t, 0, w.ebb("run", "--once").wait())
	w.requireSections(w.open())
	w.requireNothingLeft()
}

// TestTermDrains: at SIGTERM the run at work is finished, and that is a success.
func TestTermDrains(t *testing.T) {
	w := smallWorld(t)
	came, let := w.hold("/news/sport/")
	p := w.ebb("run")
	p.awaitEvent(came, "its request")
	p.signal(syscall.SIGTERM)
	p.await("stopping: runs at work may finish")
	let()
	require.Equal(t, 0, p.wait())
	w.requireSections(w.open())
	w.requireNothingLeft()
}

// TestTermAfterTheGrace: a run that is not finished in time goes on at the next start.
func TestTermAfterTheGrace(t *testing.T) {
	w := smallWorld(t)
	came, _ := w.hold("/news/sport/")
	p := w.ebb("run", "--set", "timeouts.drain=1s")
	p.awaitEvent(came, "its request")
	p.signal(syscall.SIGTERM)
	require.Equal(t, 0, p.wait())
	w.requireNothingLeft()
	s := w.open()
	left := w.theRun(s)
	require.Equal(t, store.RunPlanned, left.State)
	require.Positive(t, left.Pages.Queued)
	w.goesOn(s, left)
}

// TestSecondSignalForces: the second signal interrupts the run, and the exit code says so.
func TestSecondSignalForces(t *testing.T) {
	w := smallWorld(t)
	came, _ := w.hold("/news/sport/")
	p := w.ebb("run", "--set", "timeouts.drain=10m")
	p.awaitEvent(came, "its request")
	p.signal(syscall.SIGINT)
	p.await("stopping: runs at work may finish")
	p.signal(syscall.SIGINT)
	require.Equal(t, exitForced, p.wait())
	require.Contains(t, p.said(), "interrupting the runs at work")
	w.requireNothingLeft()
	s := w.open()
	left := w.theRun(s)
	require.Equal(t, store.RunPlanned, left.State)
	w.goesOn(s, left)
}

// TestKilledLeavesNothingToTheNext: Chrome dies with its worker, and the next start
// removes the folder that a killed one could not.
func TestKilledLeavesNothingToTheNext(t *testing.T) {
	w := smallWorld(t)
	came, _ := w.hold("/news/sport/")
	p := w.ebb("run")
	p.awaitEvent(came, "its request")
	require.NotEmpty(t, w.chromes())
	p.kill()
	entries, err := os.ReadDir(w.temp)
	require.NoError(t, err)
	require.NotEmpty(t, entries, "otherwise this test shows nothing")
	s := w.open()
	left := w.theRun(s)
	require.Equal(t, store.RunRunning, left.State)
	w.goesOn(s, left)
}

// muteChrome is the name of a Chrome that tells when it is started and never answers: this
// test binary under another name. It contains what names a headless Chrome.
const muteChrome = "mute-headless-shell"

// muteMain is that program. It opens the pipe "started" beside it.
func muteMain() {
	if slices.Contains(os.Args, "--version") {
		fmt.Println("HeadlessChrome 156.0.8078.79")
		return
	}
	self, err := os.Executable()
	if err == nil {
		err = os.WriteFile(filepath.Join(filepath.Dir(self), "started"), []byte("x"), 0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = unix.Pause() // until it is killed
}

// useMuteChrome gives the world a Chrome that never answers. started is closed when a
// worker has started it.
func (w *world) useMuteChrome() (started <-chan struct{}) {
	w.t.Helper()
	folder, err := os.MkdirTemp("", "accept-chrome-")
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, os.RemoveAll(folder)) })
	require.NoError(w.t, os.Chmod(folder, 0o755)) // Chrome runs as another user than root
	program, err := os.ReadFile("/proc/self/exe")
	require.NoError(w.t, err)
	w.chrome = filepath.Join(folder, muteChrome)
	require.NoError(w.t, os.WriteFile(w.chrome, program, 0o755))
	pipe := filepath.Join(folder, "started")
	require.NoError(w.t, unix.Mkfifo(pipe, 0o666))
	require.NoError(w.t, os.Chmod(pipe, 0o666))
	reader, err := os.OpenFile(pipe, os.O_RDWR, 0) // both ways, so that it waits for nobody
	require.NoError(w.t, err)
	begun, read := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(read)
		if n, _ := reader.Read(make([]byte, 1)); n > 0 {
			close(begun)
		}
	}()
	w.t.Cleanup(func() {
		reader.Close()
		<-read
	})
	return begun
}

// TestTermWhileChromeStarts: a worker that is stopped before Chrome answers leaves
// nothing; for `run` that is a success, for a command that was to print items it is not.
func TestTermWhileChromeStarts(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"run"}, exitOK, ""},
		{[]string{"run", "--once"}, exitFailed, "stopped before the work had begun"},
		{[]string{"scrape", "sections"}, exitFailed, "stopped before the work had begun"},
		{[]string{"scrape", "URL"}, exitFailed, "stopped before the work had begun"},
		{[]string{"demo"}, exitFailed, "stopped before the work had begun"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			w := smallWorld(t)
			started := w.useMuteChrome()
			if c.args[len(c.args)-1] == "URL" {
				c.args[len(c.args)-1] = w.server.URL + "/news/"
			}
			p := w.ebb(c.args...)
			p.awaitEvent(started, "the start of Chrome")
			p.signal(syscall.SIGTERM)
			require.Equal(t, c.code, p.wait(), p.said())
			require.Contains(t, p.said(), c.says)
			require.Empty(t, p.stdout.String())
			w.requireNothingLeft()
		})
	}
}

// TestTermAtTheEnd: signals while the run is cleaned up and Chrome is closed.
func TestTermAtTheEnd(t *testing.T) {
	for _, moment := range []string{"the last page", "the run's end"} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			w := smallWorld(t)
			last := w.afterRequests(1 + sectionPages) // one for robots.txt
			p := w.ebb("run", "--cycles", "1")
			switch moment {
			case "the last page":
				p.awaitEvent(last, "the last page")
			case "the run's end":
				p.await(`"message":"run ended"`)
			}
			p.signal(syscall.SIGTERM)
			require.Equal(t, 0, p.wait(), p.said())
			w.requireNothingLeft()
		})
	}
}

// TestKilledScrapeOfURL: what `ebb scrape URL` keeps for a moment is removed by the next
// start, if it is killed, and what a living one keeps is not.
func TestKilledScrapeOfURL(t *testing.T) {
	w := smallWorld(t)
	came, _ := w.hold("/news/")
	killed := w.ebb("scrape", w.server.URL+"/news/")
	killed.awaitEvent(came, "its request")
	came, let := w.hold("/news/")
	living := w.ebb("scrape", w.server.URL+"/news/")
	living.awaitEvent(came, "its request")
	folders := func() []string {
		found, err := filepath.Glob(filepath.Join(w.temp, "ebb-scrape-*"))
		require.NoError(t, err)
		return found
	}
	require.Len(t, folders(), 2)
	killed.kill()
	require.Len(t, folders(), 2)
	removed := w.ebb("run", "--once")
	removed.await("Chrome has started")
	require.Len(t, folders(), 1)
	let()
	require.Equal(t, 0, living.wait(), living.said())
	require.Equal(t, 0, removed.wait(), removed.said())
	w.requireNothingLeft()
}
